/*
 * rulefile.h: a rule file on disk, read by the rules library.
 *
 * What the library has to say goes to stderr in the form for people, or is
 * collected as JSON.
 */
#ifndef TOOLS_RULEFILE_H
#define TOOLS_RULEFILE_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include <rules/rules.h>

struct rulefile_text;

struct rulefile {
	struct rules		 r;
	struct rules_host	 host;
	const char		*path;
	void			*mem;		/* arena of r */
	struct rulefile_text	*texts;		/* of all files read */
	const void		*blob;		/* once compiled */
	size_t			 blob_len;
	json_t			*diags;		/* borrowed; NULL: to stderr */
};

enum rulefile_depth {
	RULEFILE_FORMAT,	/* parse for rules_format() */
	RULEFILE_CHECK,		/* parse and check */
	RULEFILE_COMPILE,	/* and compile to f->blob */
};

/*
 * Read the file at path ("-": standard input) as deep as asked.  EXIT_OK;
 * EXIT_NOT_FOUND if there is no such file; EXIT_FAILED if it has errors or
 * cannot be read.  Why has been said.  Call rulefile_close() in each case.
 */
int rulefile_open(struct rulefile *f, const char *path,
		  enum rulefile_depth depth, json_t *diags);
void rulefile_close(struct rulefile *f);

/* Where rules_format() and rules_packet_print() write to: ctx is a FILE. */
void rulefile_write(void *ctx, const char *text, size_t len);

#endif
