/*
 * commands.h: the sub-commands, one file each, and the keys of their options.
 * The table that ties them together is commands.c.
 */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

#include "cli.h"

enum {			/* long options without a letter */
	OPT_KEEP_MACS = CLI_LONG_ONLY,
	OPT_PROGRESS,
	OPT_STRICT,
	OPT_EXIT_CODE,
	OPT_STAGE,
	OPT_DURATION,
};

int cmd_capture(const struct cli_command *self, int argc, char **argv);
int cmd_check(const struct cli_command *self, int argc, char **argv);
int cmd_diff(const struct cli_command *self, int argc, char **argv);
int cmd_explain(const struct cli_command *self, int argc, char **argv);
int cmd_test(const struct cli_command *self, int argc, char **argv);
int cmd_replay(const struct cli_command *self, int argc, char **argv);
int cmd_fmt(const struct cli_command *self, int argc, char **argv);
int cmd_completion(const struct cli_command *self, int argc, char **argv);
int cmd_help(const struct cli_command *self, int argc, char **argv);

#endif
