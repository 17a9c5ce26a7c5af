/*
 * control.h: Sluice's own hypercall, from a guest of the kit.
 */
#ifndef KIT_CONTROL_H
#define KIT_CONTROL_H

#include <sluice/control.h>

#include "kit/hypercall.h"

/* op is one of SLUICE_CTL_*, arg its struct; 0 or a negative errno. */
static inline long control(unsigned int op, void *arg)
{
	return hypercall2(__HYPERVISOR_arch_1, op, arg);
}

#endif
