/*
 * cmd_help.c: `sluice help` and `sluice completion`, both out of the table.
 */
#include "commands.h"

#include <string.h>

int cmd_help(const struct cli_command *self, int argc, char **argv)
{
	const struct cli_command *about;
	struct cli_line line;
	const char *arg;
	int key;

	cli_line_init(&line, self, argc, argv);
	key = cli_next_option(&line, &arg);
	if (key != CLI_DONE)
		return key == CLI_HELPED ? EXIT_OK : EXIT_USAGE;
	if (line.nr_args == 0) {
		cli_print_overview();
		return EXIT_OK;
	}
	about = cli_command_find(line.args[0]);
	if (!about)
		return cli_fail(EXIT_NOT_FOUND, "no command '%s'; "
				"'sluice help' lists them", line.args[0]);
	cli_print_help(about);
	return EXIT_OK;
}

int cmd_completion(const struct cli_command *self, int argc, char **argv)
{
	struct cli_line line;
	const char *arg;
	int key;

	cli_line_init(&line, self, argc, argv);
	key = cli_next_option(&line, &arg);
	if (key != CLI_DONE)
		return key == CLI_HELPED ? EXIT_OK : EXIT_USAGE;
	if (strcmp(line.args[0], "bash") != 0)
		return cli_fail(EXIT_NOT_FOUND, "no completion for '%s'; "
				"there is one for bash", line.args[0]);
	cli_print_completion();
	return EXIT_OK;
}
