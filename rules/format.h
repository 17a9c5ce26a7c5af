/*
 * format.h: what the files of the layout share; see format.c.
 */
#ifndef RULES_FORMAT_H
#define RULES_FORMAT_H

#include "rules_int.h"

struct fmt {
	const struct rules_out *out;
	unsigned int	indent;		/* levels */
	bool		flat;		/* one line, no comments */
	bool		started;	/* something has been written */
};

/* Start the line of a node, below its comments; end it with its own. */
void fmt_line(struct fmt *f);
void fmt_start(struct fmt *f, const struct rules_node *n, bool first);
void fmt_trail(struct fmt *f, const struct rules_node *n);
/* The comments before a closing brace or the end. */
void fmt_tail(struct fmt *f, const struct rules_comment *c, bool first);

/* A value as written if it holds a variable that is not to be expanded. */
bool fmt_opaque(const struct rules_text *t);
void fmt_string(struct fmt *f, const char *s, bool quoted);
/* ` WORD TEXT`, if it was given */
void fmt_text(struct fmt *f, const char *word, const struct rules_text *t);
void fmt_ref(struct fmt *f, const struct rules_ref *r);
/* A member alone, or a list in braces. */
void fmt_refs(struct fmt *f, const struct rules_ref *r);
void fmt_clause(struct fmt *f, const char *word, const struct rules_ref *r);
void fmt_matches(struct fmt *f, const struct rules_match *m);

/* --- format_rule.c --- */

void fmt_rule(struct fmt *f, const struct rules_rule *r);
void fmt_nat(struct fmt *f, const struct rules_nat *n);
void fmt_expect(struct fmt *f, const struct rules_expect *e);

#endif
