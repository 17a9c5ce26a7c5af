/*
 * expects.h: run the `expect` lines of a rule file.
 */
#ifndef TOOLS_EXPECTS_H
#define TOOLS_EXPECTS_H

#include "describe.h"
#include "lab.h"
#include "rulefile.h"

struct expect_totals {
	unsigned int	total, failed;	/* expectations */
	unsigned int	unresolved;	/* of failed: could not be run */
};

/* Called for each step that was run; got says by which family, if by both. */
typedef void expect_step_fn(void *ctx, const struct rules_expect *e,
			    const struct rules_step *step, bool ok,
			    const char *got);

/*
 * Run all expectations, each from an empty flow table; one that fails is not
 * run further.  0, or a negative errno if the lab could not be reset.
 */
int expects_run(struct rulefile *f, struct lab *lab, expect_step_fn *each,
		void *ctx, struct expect_totals *totals);

/* A step as it is written at pos, without comments: its name in listings. */
const char *expect_text(struct text *t, const struct rulefile *f,
			const struct rules_pos *pos);

/* The whole source line: its start, and length in *len. */
const char *source_line(const struct rulefile *f, const struct rules_pos *pos,
			size_t *len);

#endif
