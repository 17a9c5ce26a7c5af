/*
 * Command lines: options in any order, arguments counted, mistakes named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/cli.h"

static const struct cli_option options[] = {
	{ 'w', "write", "FILE", ARG_CAPTURE, "write to FILE" },
	{ 'q', "quiet", NULL, ARG_NONE, "say nothing" },
	{ CLI_LONG_ONLY, "strict", NULL, ARG_NONE, "be strict" },
	{ 0 },
};

const struct cli_command cli_commands[] = {
	{ .name = "probe", .args = "FILE", .summary = "s", .detail = "d",
	  .options = options, .min_args = 1, .max_args = 2, .json = true },
	{ .name = "plain", .args = "", .summary = "s", .detail = "d" },
	{ 0 },
};

#define MAX_ARGS 8

struct line_case {
	const char	*what;
	const char	*argv[MAX_ARGS];
	int		 result;	/* CLI_DONE, CLI_HELPED or CLI_BAD */
	const char	*keys;		/* of options, in order; S: --strict */
	int		 nr_args;
	bool		 json;
};

static const struct line_case cases[] = {
	{ "an argument", { "probe", "f" }, CLI_DONE, "", 1 },
	{ "an option with argument", { "probe", "-w", "x", "f" }, CLI_DONE,
	  "w", 1 },
	{ "options behind arguments", { "probe", "f", "-q", "--write=x" },
	  CLI_DONE, "qw", 1 },
	{ "letters together", { "probe", "-qjwx", "f" }, CLI_DONE, "qw", 1,
	  true },
	{ "a long name cut short", { "probe", "--str", "f" }, CLI_DONE, "S",
	  1 },
	{ "all behind -- are arguments", { "probe", "--", "-q", "-x" },
	  CLI_DONE, "", 2 },
	{ "help wins over missing arguments", { "probe", "--help" },
	  CLI_HELPED, "", 0 },
	{ "too few arguments", { "probe" }, CLI_BAD, "", 0 },
	{ "too many arguments", { "probe", "a", "b", "c" }, CLI_BAD, "", 0 },
	{ "an unknown letter", { "probe", "-x", "f" }, CLI_BAD, "", 0 },
	{ "an unknown name", { "probe", "--wirte=a", "f" }, CLI_BAD, "", 0 },
	{ "no argument where one is needed", { "probe", "f", "-w" }, CLI_BAD,
	  "", 0 },
	{ "an argument where none is taken", { "probe", "--quiet=1", "f" },
	  CLI_BAD, "", 0 },
	{ "no JSON where there is none", { "plain", "--json" }, CLI_BAD, "",
	  0 },
};

static void test_lines(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct line_case *c = &cases[i];
		char *argv[MAX_ARGS + 1] = { NULL }, keys[8] = "";
		struct cli_line line;
		const char *arg;
		int argc = 0, key;

		print_message("%s\n", c->what);
		while (argc < MAX_ARGS && c->argv[argc]) {
			argv[argc] = (char *)c->argv[argc];
			argc++;
		}
		cli_line_init(&line, cli_command_find(argv[0]), argc, argv);
		while ((key = cli_next_option(&line, &arg)) >= 0) {
			keys[strlen(keys)] = key < CLI_LONG_ONLY ? key : 'S';
			if (key == 'w')
				assert_string_equal(arg, "x");
		}
		assert_int_equal(key, c->result);
		if (key != CLI_DONE)
			continue;
		assert_string_equal(keys, c->keys);
		assert_int_equal(line.nr_args, c->nr_args);
		assert_int_equal(line.json, c->json);
	}
}

static void test_nearest(void **state)
{
	static const char *const names[] = { "check", "explain", "replay" };
	static const struct {
		const char *word, *nearest;
	} words[] = {
		{ "chekc", "check" }, { "replya", "replay" },
		{ "explan", "explain" }, { "zzz", NULL }, { "", NULL },
		{ "a-very-long-word-that-nobody-would-mistype-like-this",
		  NULL },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *got = cli_nearest(words[i].word, names, 3,
					      sizeof(names[0]));

		if (words[i].nearest)
			assert_string_equal(got, words[i].nearest);
		else
			assert_null(got);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
