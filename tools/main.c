/*
 * main.c: the host command `sluice`: find the sub-command and run it.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "version.h"

static int unknown_command(const char *word)
{
	const struct cli_command *end = cli_commands;
	const char *near;

	while (end->name)
		end++;
	near = cli_nearest(word, &cli_commands[0].name, end - cli_commands,
			   sizeof(*end));
	if (near)
		return cli_fail(EXIT_USAGE, "unknown command '%s'; did you "
				"mean '%s'?  'sluice --help' lists them",
				word, near);
	return cli_fail(EXIT_USAGE, "unknown command '%s'; 'sluice --help' "
			"lists them", word);
}

/* Output that could not be written must not look like success. */
static int finish(int code)
{
	int failed = ferror(stdout);

	if (fflush(stdout) || failed)
		return cli_fail(code ? code : EXIT_FAILED,
				"cannot write the output: %s",
				strerror(errno));
	return code;
}

int main(int argc, char **argv)
{
	const struct cli_command *cmd;

	if (argc < 2) {
		cli_print_overview();
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		cli_print_overview();
		return finish(EXIT_OK);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("sluice " SLUICE_VERSION);
		return finish(EXIT_OK);
	}
	cmd = cli_command_find(argv[1]);
	if (!cmd)
		return unknown_command(argv[1]);
	return finish(cmd->run(cmd, argc - 1, argv + 1));
}
