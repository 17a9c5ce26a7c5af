/*
 * difftext.h: which statements of two rule files differ.
 *
 * Rules and translations are the same if their stable ids are; ports, nets,
 * routes, sets and services if they say the same.
 */
#ifndef TOOLS_DIFFTEXT_H
#define TOOLS_DIFFTEXT_H

#include <jansson.h>

#include "describe.h"
#include "rulefile.h"

struct diff_sink {
	bool		 json;
	json_t		*changes, *verdicts, *flows;
	const char	*section;	/* printed last, or NULL */
	unsigned int	 nr_changes;
};

void diff_sink_init(struct diff_sink *s, bool json);

/* Print text in a section; its title comes before the first. */
void diff_print(struct diff_sink *s, const char *section, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Tell all differences between the texts of two compiled files. */
void diff_texts(struct diff_sink *s, const struct rulefile *old,
		const struct rulefile *new, const struct vfr_ruleset *old_rs,
		const struct vfr_ruleset *new_rs);

/* A step in words, addresses for names. */
void diff_step_words(struct text *t, const struct rules *r,
		     const struct rules_step *step);

/* Do two expectations send the same packets? */
bool diff_same_expectation(const struct rules *ra,
			   const struct rules_expect *a,
			   const struct rules *rb,
			   const struct rules_expect *b);

#endif
