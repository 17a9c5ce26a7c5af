/*
 * ruleset.h: the rules in force, and those before them.
 *
 * A text is compiled here, outside the hypervisor, which gets the checked
 * ruleset alone and takes it whole or not at all: a text with errors, or one
 * that the hypervisor refuses, changes nothing.  What was in force before is
 * kept, compiled, to go back to.
 *
 * What there is to say goes line by line to an output of the caller's, the
 * terminal or the answer to a request.  A load takes as long as the compiler
 * and the judging of all tracked flows; nothing else of dom0 runs meanwhile.
 */
#ifndef DOM0_RULESET_H
#define DOM0_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rules;
struct rules_out;
struct vfr_ruleset;

struct ruleset_load {
	const char *name;	/* of the text: in messages and listings */
	const char *text;	/* NULL: the boot module of that name */
	size_t	    len;
	bool	    keep_flows;	/* do not judge tracked flows anew */
	uint32_t    confirm_s;	/* go back by itself after so long, unless
				   ruleset_confirm() comes first; 0: stay */
	void	  (*loaded)(const struct rules *r); /* with the checked text,
				   when its rules are in force; or NULL */
};

/*
 * 0 and a line with the number of flows closed; or, with lines of why and the
 * old rules in force: -ENOENT no such module, -EINVAL errors in the text or
 * refused by the hypervisor, -ENOMEM, -E2BIG.
 */
int ruleset_load(const struct ruleset_load *l, const struct rules_out *out);

/* The rules before these; twice: these again.  -ENOENT: there are none. */
int ruleset_rollback(bool keep_flows, const struct rules_out *out);

/* What was loaded for a time stays.  -ENOENT: nothing waits for that. */
int ruleset_confirm(const struct rules_out *out);

/* What is in force, until the next load or rollback; NULL: nothing. */
const struct vfr_ruleset *ruleset_loaded(void);

/* Name, hash and counters; of rules and translations those that something has
 * matched, or all. */
void ruleset_print(bool all, const struct rules_out *out);

#endif
