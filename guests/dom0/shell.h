/* shell.h: dom0's command line on the terminal; `help` lists the commands. */
#ifndef DOM0_SHELL_H
#define DOM0_SHELL_H

/* Run one line; it is changed. */
void shell_run(char *line);

/* Give the terminal to the console of the domain of that name. */
void shell_attach(const char *name);

#endif
