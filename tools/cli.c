/*
 * cli.c: command lines by getopt_long, and help, out of the table of commands.
 */
#include "cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 24		/* of one command, the common ones included */
#define HELP_COLUMN 26

static const struct cli_option common_options[] = {
	{ CLI_OPT_JSON, "json", NULL, ARG_NONE,
	  "print JSON for programs instead of text for people" },
	{ CLI_OPT_HELP, "help", NULL, ARG_NONE, "print this and exit" },
	{ 0 },
};

void cli_each_option(const struct cli_command *cmd,
		     void (*fn)(void *ctx, const struct cli_option *o),
		     void *ctx)
{
	const struct cli_option *o;

	for (o = cmd->options; o && o->key; o++)
		fn(ctx, o);
	for (o = common_options; o->key; o++)
		if (o->key != CLI_OPT_JSON || cmd->json)
			fn(ctx, o);
}

const struct cli_command *cli_command_find(const char *name)
{
	const struct cli_command *c;

	for (c = cli_commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

int cli_fail(int code, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("sluice: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

void cli_line_init(struct cli_line *line, const struct cli_command *cmd,
		   int argc, char **argv)
{
	*line = (struct cli_line){ .cmd = cmd, .argc = argc, .argv = argv };
	optind = 0;		/* glibc: forget an earlier line */
	opterr = 0;
}

struct getopt_tables {
	struct option	longs[OPTIONS_MAX + 1];
	char		shorts[2 * OPTIONS_MAX + 2];
	size_t		nr;
};

static void add_getopt(void *ctx, const struct cli_option *o)
{
	struct getopt_tables *t = ctx;
	size_t end = strlen(t->shorts);

	if (t->nr == OPTIONS_MAX)
		abort();	/* the table of commands outgrew OPTIONS_MAX */
	t->longs[t->nr++] = (struct option){
		o->name, o->arg ? required_argument : no_argument, NULL, o->key,
	};
	if (o->key >= CLI_LONG_ONLY)
		return;
	t->shorts[end++] = o->key;
	if (o->arg)
		t->shorts[end] = ':';
}

static int usage_error(const struct cli_command *cmd, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "sluice %s: ", cmd->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr,
		"\nusage: sluice %s [options]%s%s\n"
		"       sluice %s --help lists the options\n",
		cmd->name, cmd->args[0] ? " " : "", cmd->args, cmd->name);
	return CLI_BAD;
}

/* The option that getopt refused, as the user wrote it, goes into message. */
static int bad_option(const struct cli_line *line,
		      const struct getopt_tables *t, bool lacks_arg)
{
	const char *word = line->argv[optind - 1], *near;
	char letter[3] = { '-', optopt };

	if (optopt && optopt < CLI_LONG_ONLY && strncmp(word, "--", 2) != 0)
		word = letter;
	if (lacks_arg)
		return usage_error(line->cmd, "option %s needs an argument",
				   word);
	if (word == letter)
		return usage_error(line->cmd, "unknown option %s", word);
	near = cli_nearest(word + 2, &t->longs[0].name, t->nr,
			   sizeof(t->longs[0]));
	if (near && optopt == 0)
		return usage_error(line->cmd,
				   "unknown option %s; did you mean --%s?",
				   word, near);
	return usage_error(line->cmd, optopt ? "option %s takes no argument" :
			   "unknown option %s", word);
}

static int check_args(struct cli_line *line)
{
	const struct cli_command *cmd = line->cmd;

	line->nr_args = line->argc - optind;
	line->args = line->argv + optind;
	if (line->nr_args < cmd->min_args)
		return usage_error(cmd, line->nr_args ? "too few arguments" :
				   "arguments are missing");
	if (cmd->max_args >= 0 && line->nr_args > cmd->max_args)
		return usage_error(cmd, "too many arguments from '%s' on",
				   line->args[cmd->max_args]);
	return CLI_DONE;
}

int cli_next_option(struct cli_line *line, const char **arg)
{
	struct getopt_tables t = { .shorts = ":" };
	int key;

	cli_each_option(line->cmd, add_getopt, &t);
	for (;;) {
		key = getopt_long(line->argc, line->argv, t.shorts, t.longs,
				  NULL);
		switch (key) {
		case -1:
			return check_args(line);
		case '?':
		case ':':
			return bad_option(line, &t, key == ':');
		case CLI_OPT_HELP:
			cli_print_help(line->cmd);
			return CLI_HELPED;
		case CLI_OPT_JSON:
			line->json = true;
			continue;
		default:
			*arg = optarg;
			return key;
		}
	}
}

static void print_option(void *ctx, const struct cli_option *o)
{
	const char *help;
	char left[64];
	int len = 0;

	(void)ctx;
	if (o->key < CLI_LONG_ONLY)
		len = snprintf(left, sizeof(left), "  -%c, --%s", o->key,
			       o->name);
	else
		len = snprintf(left, sizeof(left), "      --%s", o->name);
	if (o->arg)
		snprintf(left + len, sizeof(left) - len, " %s", o->arg);
	printf("%-*s ", HELP_COLUMN, left);
	for (help = o->help; *help; help++) {
		putchar(*help);
		if (*help == '\n')
			printf("%*s", HELP_COLUMN + 1, "");
	}
	putchar('\n');
}

static void print_examples(const char *example)
{
	if (!example)
		return;
	printf("\nExamples:\n");
	while (*example) {
		size_t len = strcspn(example, "\n");

		printf("  %.*s\n", (int)len, example);
		example += len + (example[len] == '\n');
	}
}

void cli_print_help(const struct cli_command *cmd)
{
	printf("usage: sluice %s [options]%s%s\n\n%s\n\nOptions:\n", cmd->name,
	       cmd->args[0] ? " " : "", cmd->args, cmd->detail);
	cli_each_option(cmd, print_option, NULL);
	print_examples(cmd->example);
}

void cli_print_overview(void)
{
	const struct cli_command *c;

	printf("usage: sluice COMMAND [options] [arguments]\n\n"
	       "Check, test and try rule files of the Sluice firewall-router\n"
	       "on any machine; every answer comes from the evaluator that\n"
	       "judges packets in the hypervisor.  Watch a running appliance.\n\n"
	       "Commands:\n");
	for (c = cli_commands; c->name; c++)
		printf("  %-11s %s\n", c->name, c->summary);
	printf("\n'sluice COMMAND --help' tells more.  Exit codes: 0 ok, "
	       "1 failed, 2 usage,\n3 not found.\n");
}

#define NEAREST_MAX 32		/* longer words are no typing mistakes */

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance, one row at a time. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NEAREST_MAX + 1], la = strlen(a), lb = strlen(b), i, j;

	if (la > NEAREST_MAX || lb > NEAREST_MAX)
		return NEAREST_MAX;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= lb; j++) {
			size_t above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1,
				      diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[lb];
}

const char *cli_nearest(const char *word, const char *const *names, size_t nr,
			size_t stride)
{
	const char *best = NULL;
	size_t best_distance = strlen(word) / 3 + 2, i;

	for (i = 0; i < nr; i++) {
		const char *name =
			*(const char *const *)((const char *)names +
					       i * stride);
		size_t distance = edit_distance(word, name);

		if (distance < best_distance) {
			best_distance = distance;
			best = name;
		}
	}
	return best;
}
