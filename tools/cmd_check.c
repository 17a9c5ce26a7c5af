/*
 * cmd_check.c: `sluice check`: everything that can be wrong with a rule file.
 */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "appliance.h"
#include "expects.h"

struct check {
	bool		 strict, quiet;
	json_t		*files;		/* NULL: text for people */
	struct rulefile	 f;
	struct expect_totals totals;
	json_t		*failures;
};

/* A failed expectation reads like any other error of the file. */
static void tell_failure(const struct rulefile *f,
			 const struct rules_step *step, const char *got)
{
	const struct rules_pos *pos = &step->node.pos;
	struct rules_out err = { rulefile_write, stderr };
	struct rules_diag d = {
		.severity = RULES_ERROR, .pos = *pos,
		.file = rules_file_name(&f->r, pos->file),
		.message = got, .hint = "",
	};

	d.line = source_line(f, pos, &d.line_len);
	rules_diag_print(&d, &err);
}

static void take_step(void *ctx, const struct rules_expect *e,
		      const struct rules_step *step, bool ok, const char *got)
{
	const struct rules_pos *pos = &step->node.pos;
	struct check *c = ctx;
	struct text t;

	if (ok)
		return;
	if (!c->files) {
		tell_failure(&c->f, step, got);
		return;
	}
	json_array_append_new(c->failures, json_pack(
		"{s:o, s:i, s:o, s:o}", "file",
		json_words(rules_file_name(&c->f.r, pos->file)), "line",
		(int)pos->line, "expectation",
		json_words(expect_text(&t, &c->f, pos)), "message",
		json_words(got)));
}

static int run_expectations(struct check *c)
{
	const char *why;
	struct lab lab;
	int rc = lab_create(&lab, c->f.blob, c->f.blob_len, NULL, &why);

	if (rc)
		return cli_fail(EXIT_FAILED, "%s: the VFR refuses the "
				"ruleset: %s", c->f.path, why);
	rc = expects_run(&c->f, &lab, take_step, c, &c->totals);
	lab_destroy(&lab);
	return rc || c->totals.failed ? EXIT_FAILED : EXIT_OK;
}

static unsigned int count(const struct rules *r, enum rules_kind kind)
{
	const struct rules_node *n = NULL;
	unsigned int nr = 0;

	while ((n = rules_next(r, kind, n)))
		nr++;
	return nr;
}

static const struct {
	enum rules_kind	 kind;
	const char	*one, *many;
} counted[] = {
	{ RULES_NIC,	"nic",		"nics" },
	{ RULES_NET,	"net",		"nets" },
	{ RULES_DOMAIN,	"domain",	"domains" },
	{ RULES_NAT,	"translation",	"translations" },
	{ RULES_RULE,	"rule",		"rules" },
};
#define NR_COUNTED (sizeof(counted) / sizeof(counted[0]))

static void print_count(const char *lead, unsigned int n, const char *one,
			const char *many)
{
	printf("%s%u %s", lead, n, n == 1 ? one : many);
}

static void print_summary(const struct check *c, bool ok)
{
	const struct expect_totals *t = &c->totals;
	const char *lead = ": ";
	size_t i;

	printf("%s: %s", c->f.path, ok ? "ok" : "not ok");
	if (c->f.r.nr_errors) {
		print_count(": ", c->f.r.nr_errors, "error", "errors");
		lead = ", ";
	}
	if (c->f.r.nr_warnings) {
		print_count(lead, c->f.r.nr_warnings, "warning", "warnings");
		lead = ", ";
	}
	for (i = 0; ok && i < NR_COUNTED; i++) {
		unsigned int n = count(&c->f.r, counted[i].kind);

		if (n)
			print_count(lead, n, counted[i].one, counted[i].many);
		if (n)
			lead = ", ";
	}
	if (t->failed)
		printf("%s%u of %u expectations %s not hold", lead, t->failed,
		       t->total, t->failed == 1 ? "does" : "do");
	else if (t->total == 1)
		printf("%s1 expectation holds", lead);
	else if (t->total)
		printf("%s%u expectations hold", lead, t->total);
	putchar('\n');
}

static json_t *summary_json(struct check *c, json_t *diags, bool ok)
{
	json_t *o = json_pack(
		"{s:o, s:b, s:i, s:i, s:o, s:{s:i, s:i, s:o}}", "file",
		json_words(c->f.path), "ok", ok, "errors",
		(int)c->f.r.nr_errors, "warnings", (int)c->f.r.nr_warnings,
		"diagnostics", diags, "expectations", "total",
		(int)c->totals.total, "failed", (int)c->totals.failed,
		"failures", c->failures);
	size_t i;

	for (i = 0; i < NR_COUNTED; i++)
		json_object_set_new(o, counted[i].many, json_integer(
			count(&c->f.r, counted[i].kind)));
	json_object_set_new(o, "appliance", appliance_json(&c->f));
	return o;
}

static int check_file(struct check *c, const char *path)
{
	json_t *diags = c->files ? json_array() : NULL;
	int code = rulefile_open(&c->f, path, RULEFILE_COMPILE, diags);

	c->totals = (struct expect_totals){ 0 };
	c->failures = c->files ? json_array() : NULL;
	if (code == EXIT_NOT_FOUND || !c->f.mem) {
		json_decref(diags);
		json_decref(c->failures);
		rulefile_close(&c->f);
		return code;
	}
	if (code == EXIT_OK)
		code = run_expectations(c);
	if (code == EXIT_OK && c->strict && c->f.r.nr_warnings)
		code = EXIT_FAILED;
	if (c->files)
		json_array_append_new(c->files,
				      summary_json(c, diags, code == EXIT_OK));
	else if (code != EXIT_OK || !c->quiet)
		print_summary(c, code == EXIT_OK);
	rulefile_close(&c->f);
	return code;
}

int cmd_check(const struct cli_command *self, int argc, char **argv)
{
	struct check c = { 0 };
	struct cli_line line;
	const char *arg;
	int key, i, code = EXIT_OK;

	cli_line_init(&line, self, argc, argv);
	while ((key = cli_next_option(&line, &arg)) >= 0) {
		c.strict |= key == OPT_STRICT;
		c.quiet |= key == 'q';
	}
	if (key != CLI_DONE)
		return key == CLI_HELPED ? EXIT_OK : EXIT_USAGE;
	if (line.json)
		c.files = json_array();
	for (i = 0; i < line.nr_args; i++) {
		int one = check_file(&c, line.args[i]);

		if (one > code)
			code = one;
	}
	if (c.files)
		print_json(json_pack("{s:b, s:o}", "ok", code == EXIT_OK,
				     "files", c.files), JSON_INDENT(2));
	return code;
}
