/*
 * stack.h: what lies in a CPU's stack area of 16 pages.
 *
 *	page 0, 2, 4, 6, 8-11	guards: not mapped
 *	page 1	NMI		own stacks (SDM vol. 3A, "Interrupt Stack
 *	page 3	#DF		Table"): these can strike where the ordinary
 *	page 5	#MC		stack pointer is not to be trusted
 *	page 7	#DB
 *	page 12-15		the ordinary stack, struct cpu_info at its top
 */
#ifndef STACK_H
#define STACK_H

#define IST_NMI		1
#define IST_DF		2
#define IST_MC		3
#define IST_DB		4
#define IST_NR		4

#define STACK_PAGES	16
#define STACK_MAPPED	0xf0aa	/* bit n: page n is mapped */

/* Top of IST stack n (1 to 4) as an offset into the area. */
#define IST_TOP(n)	((2 * (n)) * 4096)

#endif
