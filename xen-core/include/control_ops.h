/*
 * control_ops.h: how backends add operations to the control hypercall.
 *
 * The operation's struct is copied in, given to fn, and copied back when fn
 * returns 0.  fn checks all fields; it runs with interrupts on and no lock held.
 * -ERESTART with *progress set (48 bits; 0 at first): fn is called again, after
 * what was more urgent, with the struct as the guest has it then.
 */
#ifndef CONTROL_OPS_H
#define CONTROL_OPS_H

#include "types.h"

#define CONTROL_BACKEND_FIRST	32	/* operations of backends: 32 to 63 */
#define CONTROL_BACKEND_LAST	63
#define CONTROL_ARG_MAX		640	/* bytes of a struct */

typedef int control_backend_fn(void *arg, uint64_t *progress);

/* At boot.  any: every domain may call it, not dom0 alone. */
void control_register(unsigned op, size_t size, bool any,
		      control_backend_fn *fn);

#endif
