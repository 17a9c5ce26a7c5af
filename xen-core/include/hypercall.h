/*
 * hypercall.h: the way into and out of hypercalls.
 *
 * Handlers take their arguments as 64-bit numbers and return what the guest
 * finds in RAX.  They run on the CPU's stack with interrupts on.  One that
 * could take long asks hypercall_preempt() between steps and, if true, returns
 * hypercall_continue(): the guest then executes the hypercall again with the
 * changed arguments, after whatever else was pending.  In a multicall the same
 * call writes the arguments back into the entry.
 */
#ifndef HYPERCALL_H
#define HYPERCALL_H

#include "types.h"

/* True when the CPU has something more urgent than this hypercall. */
bool hypercall_preempt(void);

/* Arrange for hypercall nr to be made again with n (0-6) arguments; returns
 * the value to return.  Only directly from a hypercall handler. */
long hypercall_continue(unsigned nr, unsigned n, ...);

#endif
