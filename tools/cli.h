/*
 * cli.h: what every sub-command shares: its row in the one table, its options,
 * its exit codes and the form of its errors.
 *
 * The table in commands.c is the only place that knows names, arguments and
 * options; parsing, --help and the shell completion are all made from it.
 */
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum exit_code {
	EXIT_OK		= 0,
	EXIT_FAILED	= 1,	/* checked, and not well; or an error at work */
	EXIT_USAGE	= 2,	/* the command line makes no sense */
	EXIT_NOT_FOUND	= 3,	/* a file, packet, port or name is not there */
};

/* What an argument is, for the shell completion. */
enum arg_kind {
	ARG_NONE,
	ARG_RULES,		/* a rule file */
	ARG_CAPTURE,		/* a pcap or pcapng file */
	ARG_WORDS,		/* anything */
};

struct cli_option {
	int		 key;	/* the short letter, or above CLI_LONG_ONLY */
	const char	*name;	/* the long name */
	const char	*arg;	/* its argument's name, NULL: a switch */
	enum arg_kind	 kind;
	const char	*help;	/* further lines after '\n' */
};
#define CLI_LONG_ONLY 256

/* Options of many commands, handled by cli_next_option(). */
#define CLI_OPT_HELP 'h'
#define CLI_OPT_JSON 'j'

struct cli_command {
	const char		*name;
	const char		*args;		/* "FILE PACKET" */
	const char		*summary;	/* a line */
	const char		*detail;	/* paragraphs for --help */
	const char		*example;	/* command lines, one a line */
	const struct cli_option	*options;	/* ends with key 0 */
	int			 min_args, max_args;	/* max -1: any number */
	enum arg_kind		 kinds[2];	/* of first and later args */
	bool			 json;		/* knows --json */
	int (*run)(const struct cli_command *self, int argc, char **argv);
};

extern const struct cli_command cli_commands[];	/* ends with name NULL */

const struct cli_command *cli_command_find(const char *name);

/* The options of a command line, read one after the other. */
struct cli_line {
	const struct cli_command *cmd;
	int	  argc;
	char	**argv;
	bool	  json;		/* --json was given */
	int	  nr_args;	/* once cli_next_option() gave CLI_DONE */
	char	**args;
};

/* What cli_next_option() returns besides an option's key. */
enum {
	CLI_DONE	= -1,	/* no more; args and nr_args are set */
	CLI_HELPED	= -2,	/* --help was printed: return EXIT_OK */
	CLI_BAD		= -3,	/* said why: return EXIT_USAGE */
};

void cli_line_init(struct cli_line *line, const struct cli_command *cmd,
		   int argc, char **argv);

/* The next option's key with its argument in *arg, or one of the above. */
int cli_next_option(struct cli_line *line, const char **arg);

/* Call fn for each option of cmd, then for the common ones. */
void cli_each_option(const struct cli_command *cmd,
		     void (*fn)(void *ctx, const struct cli_option *o),
		     void *ctx);

void cli_print_help(const struct cli_command *cmd);
void cli_print_overview(void);
void cli_print_completion(void);	/* for bash; completion.c */

/* The known word nearest to a mistyped one, NULL if none is near.  names is a
 * list of nr pointers, stride bytes apart. */
const char *cli_nearest(const char *word, const char *const *names, size_t nr,
			size_t stride);

/* "sluice: cause" on stderr; returns code, for return cli_fail(...). */
int cli_fail(int code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
