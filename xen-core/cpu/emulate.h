/*
 * emulate.h: an instruction being decoded, between emulate.c and umip.c.
 */
#ifndef EMULATE_H
#define EMULATE_H

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/xen.h>

#define INSN_MAX	15

struct insn {
	uint8_t code[INSN_MAX];
	unsigned len;		/* bytes fetched */
	unsigned at;		/* bytes decoded */
	bool rep, word;
	uint8_t rex, segment;	/* prefixes; 0: none */
};

/* The next byte; false at the end of what was fetched. */
static inline bool insn_byte(struct insn *i, uint8_t *b)
{
	if (i->at >= i->len)
		return false;
	*b = i->code[i->at++];
	return true;
}

/* Register n (0-15) by its number in ModRM. */
uint64_t *insn_reg(struct cpu_user_regs *r, unsigned n);

/* SGDT, SIDT, SLDT, STR, SMSW, whose 0f was decoded.  False: not one of them,
 * and i is as before. */
bool umip_emulate(struct cpu_user_regs *regs, struct insn *i);

#endif
