/*
 * cmd_test.c: `sluice test`: a line for each expectation.
 */
#include "commands.h"

#include <stdio.h>

#include "expects.h"

struct test {
	bool		 verbose, quiet;
	struct rulefile	 f;
	json_t		*steps;		/* NULL: text for people */
};

static void print_step(const struct test *t, const struct rules_step *step,
		       bool ok, const char *got)
{
	const struct rules_pos *pos = &step->node.pos;
	struct text words;

	if (ok && t->quiet)
		return;
	printf("%-5s %s:%u  %s%s\n", ok ? "ok" : "FAIL",
	       rules_file_name(&t->f.r, pos->file), pos->line,
	       expect_text(&words, &t->f, pos), step->family == 4 ? "  (IPv4)" :
	       step->family == 6 ? "  (IPv6)" : "");
	if (!ok || (t->verbose && step->step != RULES_STEP_WAIT))
		printf("      %s\n", got);
}

static void take_step(void *ctx, const struct rules_expect *e,
		      const struct rules_step *step, bool ok, const char *got)
{
	const struct rules_pos *pos = &step->node.pos;
	struct test *t = ctx;
	struct text words;

	if (!t->steps) {
		print_step(t, step, ok, got);
		return;
	}
	json_array_append_new(t->steps, json_pack(
		"{s:o, s:i, s:o, s:o, s:b, s:o}", "file",
		json_words(rules_file_name(&t->f.r, pos->file)), "line",
		(int)pos->line, "sequence", e->braced ?
		json_words(e->title) : json_null(), "step",
		json_words(expect_text(&words, &t->f, pos)), "ok", ok, "got",
		json_words(got)));
}

static void print_total(const struct test *t, const struct expect_totals *n)
{
	if (n->total == 0)
		printf("%s: no expectations; write some, like: "
		       "expect deny tcp 198.51.100.7:40000 -> web:22\n",
		       t->f.path);
	else if (n->failed)
		printf("%s: %u of %u expectations failed\n", t->f.path,
		       n->failed, n->total);
	else if (!t->quiet)
		printf("%s: %u of %u expectations hold\n", t->f.path, n->total,
		       n->total);
}

static int run(struct test *t, struct expect_totals *n)
{
	struct lab lab;
	const char *why;
	int rc = lab_create(&lab, t->f.blob, t->f.blob_len, NULL, &why);

	if (rc)
		return cli_fail(EXIT_FAILED, "%s: the VFR refuses the "
				"ruleset: %s", t->f.path, why);
	rc = expects_run(&t->f, &lab, take_step, t, n);
	lab_destroy(&lab);
	return rc || n->failed ? EXIT_FAILED : EXIT_OK;
}

static int test_file(struct test *t, const char *path, json_t *files)
{
	struct expect_totals n = { 0 };
	json_t *diags = files ? json_array() : NULL;
	int code = rulefile_open(&t->f, path, RULEFILE_COMPILE, diags);

	t->steps = files ? json_array() : NULL;
	if (code == EXIT_OK) {
		code = run(t, &n);
		if (!files)
			print_total(t, &n);
	}
	if (files)
		json_array_append_new(files, json_pack(
			"{s:o, s:b, s:i, s:i, s:o, s:o}", "file",
			json_words(path), "ok", code == EXIT_OK, "total",
			(int)n.total, "failed", (int)n.failed, "steps",
			t->steps, "diagnostics", diags));
	rulefile_close(&t->f);
	return code;
}

int cmd_test(const struct cli_command *self, int argc, char **argv)
{
	struct test t = { 0 };
	struct cli_line line;
	json_t *files = NULL;
	const char *arg;
	int key, i, code = EXIT_OK;

	cli_line_init(&line, self, argc, argv);
	while ((key = cli_next_option(&line, &arg)) >= 0) {
		t.verbose |= key == 'v';
		t.quiet |= key == 'q';
	}
	if (key != CLI_DONE)
		return key == CLI_HELPED ? EXIT_OK : EXIT_USAGE;
	if (line.json)
		files = json_array();
	for (i = 0; i < line.nr_args; i++) {
		int one = test_file(&t, line.args[i], files);

		if (one > code)
			code = one;
	}
	if (files)
		print_json(json_pack("{s:b, s:o}", "ok", code == EXIT_OK,
				     "files", files), JSON_INDENT(2));
	return code;
}
