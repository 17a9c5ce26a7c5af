/*
 * completion.c: a bash script that completes commands, options and files, made
 * from the table of commands.
 */
#include "cli.h"

#include <stdio.h>

static void print_option_words(void *ctx, const struct cli_option *o)
{
	(void)ctx;
	if (o->key < CLI_LONG_ONLY)
		printf(" -%c", o->key);
	printf(" --%s", o->name);
}

static const char *const completion_of[] = {
	[ARG_NONE]	= "",
	[ARG_RULES]	= "_sluice_files vfr",
	[ARG_CAPTURE]	= "_sluice_files 'pcap|pcapng|cap'",
	[ARG_WORDS]	= "",
};

static void print_option_case(void *ctx, const struct cli_option *o)
{
	const struct cli_command *cmd = ctx;

	if (!o->arg || !completion_of[o->kind][0])
		return;
	printf("\t\t%s:--%s", cmd->name, o->name);
	if (o->key < CLI_LONG_ONLY)
		printf("|%s:-%c", cmd->name, o->key);
	printf(") %s; return ;;\n", completion_of[o->kind]);
}

/* After an option that takes a file: files. */
static void print_option_cases(void)
{
	const struct cli_command *c;

	printf("\tcase $command:$prev in\n");
	for (c = cli_commands; c->name; c++)
		cli_each_option(c, print_option_case, (void *)c);
	printf("\tesac\n");
}

/* After '-': the command's options. */
static void print_options(void)
{
	const struct cli_command *c;

	printf("\tcase $command in\n");
	for (c = cli_commands; c->name; c++) {
		printf("\t\t%s) words='", c->name);
		cli_each_option(c, print_option_words, NULL);
		printf("' ;;\n");
	}
	printf("\tesac\n"
	       "\tif [[ $cur == -* ]]; then\n"
	       "\t\tmapfile -t COMPREPLY < "
	       "<(compgen -W \"$words\" -- \"$cur\")\n"
	       "\t\treturn\n"
	       "\tfi\n");
}

/* Else the files that the argument may be. */
static void print_arguments(void)
{
	const struct cli_command *c;

	printf("\tcase $command:$COMP_CWORD in\n");
	for (c = cli_commands; c->name; c++) {
		if (completion_of[c->kinds[0]][0])
			printf("\t\t%s:2) %s ;;\n", c->name,
			       completion_of[c->kinds[0]]);
		if (completion_of[c->kinds[1]][0])
			printf("\t\t%s:*) %s ;;\n", c->name,
			       completion_of[c->kinds[1]]);
	}
	printf("\tesac\n");
}

void cli_print_completion(void)
{
	const struct cli_command *c;

	printf("# bash completion for sluice; made by: "
	       "sluice completion bash\n"
	       "_sluice_files() {\n"
	       "\tcompopt -o filenames\n"
	       "\tmapfile -t COMPREPLY < <(shopt -s extglob; "
	       "compgen -f -X \"!*.@($1)\" -- \"$cur\"; "
	       "compgen -d -- \"$cur\")\n"
	       "}\n\n"
	       "_sluice() {\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} "
	       "prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	       "\tlocal command=${COMP_WORDS[1]} words=\n\n"
	       "\tCOMPREPLY=()\n"
	       "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	       "\t\twords='--help --version");
	for (c = cli_commands; c->name; c++)
		printf(" %s", c->name);
	printf("'\n"
	       "\t\tmapfile -t COMPREPLY < "
	       "<(compgen -W \"$words\" -- \"$cur\")\n"
	       "\t\treturn\n"
	       "\tfi\n");
	print_option_cases();
	print_options();
	print_arguments();
	printf("} &&\n"
	       "complete -F _sluice sluice\n");
}
