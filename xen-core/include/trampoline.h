/*
 * trampoline.h: what boot/trampoline.S and platform/smp.c agree on.
 */
#ifndef TRAMPOLINE_H
#define TRAMPOLINE_H

#define TRAMPOLINE_PHYS		0x8000	/* a page that boot/ keeps free */
#define TRAMPOLINE_PARAMS	0xf00	/* offset of the parameters in it */

#ifndef __ASSEMBLY__
#include "types.h"

struct trampoline_params {
	uint32_t cr3_low;	/* tables that map this page at its own address */
	uint32_t claimed;	/* the CPU sets it once it has read all others */
	uint64_t cr3;		/* the tables to run with */
	uint64_t stack;
	uint64_t cpu;		/* struct cpu *, argument of entry */
	uint64_t entry;		/* does not return */
};
static_assert(offsetof(struct trampoline_params, entry) == 32,
	      "trampoline.S reads them by offset");

extern char trampoline_start[], trampoline_end[]; /* to be copied */
extern char boot_l4[], idle_l4[];		  /* in the image */

struct cpu;
noreturn void cpu_main_ap(struct cpu *c); /* boot/main.c */
#endif

#endif
