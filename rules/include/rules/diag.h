/*
 * rules/diag.h: what the library has to say about a file.
 *
 * A diagnostic is structured, so that a command can print it, an API can send
 * it as JSON and an editor can jump to it; rules_diag_print() gives the form
 * people see:
 *
 *	web.vfr:14:11: port 70000 is out of range; ports run from 0 to 65535
 *	    allow tcp 70000 from any to web
 *	              ^^^^^
 *
 * A warning has "warning: " before its message.
 */
#ifndef RULES_DIAG_H
#define RULES_DIAG_H

#include <stddef.h>
#include <stdint.h>

/* A place in a source; line and column count from 1, columns in bytes. */
struct rules_pos {
	uint32_t	line, col;
	uint32_t	len;		/* bytes meant, at least 1 */
	uint32_t	file;		/* index for rules_file_name() */
};

enum rules_severity {
	RULES_ERROR,		/* the file must not be loaded */
	RULES_WARNING,		/* it may, but is unlikely to be what was meant */
};

/* What a diagnostic is about; the word is stable, for filters and tests. */
#define RULES_CODES(X)							\
	X(SYNTAX,	"syntax")	/* not the language */		\
	X(VALUE,	"value")	/* a number or address out of range */ \
	X(LIMIT,	"limit")	/* larger than this library accepts */ \
	X(FILE,		"file")		/* an include that cannot be read */ \
	X(NAME,		"name")		/* an unknown or doubled name */ \
	X(KIND,		"kind")		/* a name of the wrong kind */	\
	X(CONFLICT,	"conflict")	/* two statements contradict */	\
	X(SHADOWED,	"shadowed")	/* an earlier rule takes it all */ \
	X(REDUNDANT,	"redundant")	/* nothing changes without it */ \
	X(UNUSED,	"unused")	/* a name nobody uses */	\
	X(EMPTY,	"empty")	/* a set or rule that holds nothing */ \
	X(IMPOSSIBLE,	"impossible")	/* bindings keep it from matching */

#define RULES_CODE_ENUM(name, word) RULES_CODE_##name,
enum rules_code { RULES_CODES(RULES_CODE_ENUM) RULES_NR_CODES };
#undef RULES_CODE_ENUM

const char *rules_code_word(enum rules_code code);

/* All text is UTF-8, NUL-terminated and valid only during the call. */
struct rules_diag {
	enum rules_severity severity;
	enum rules_code	code;
	struct rules_pos pos;
	const char	*file;
	const char	*message;	/* what is wrong */
	const char	*hint;		/* what would be right; "" if unknown */
	const char	*line;		/* the source line, not terminated */
	size_t		line_len;
	const char	*other_file;	/* a second place, or NULL: the rule */
	uint32_t	other_line;	/* that shadows, the first definition */
};

/* Where text goes: called with pieces in order. */
struct rules_out {
	void	(*write)(void *ctx, const char *text, size_t len);
	void	*ctx;
};

void rules_diag_print(const struct rules_diag *d, const struct rules_out *out);

#endif
