/*
 * vm_assist.c: vm_assist: what a domain asks us to smooth over.
 *
 * A 64-bit guest's writable_pagetables is always on and 4gb_segments means
 * nothing to it; both are accepted, as every guest asks for them.
 */
#include "domain.h"
#include "hypercalls.h"

#define TYPES                                          \
	(1u << VMASST_TYPE_4gb_segments |              \
	 1u << VMASST_TYPE_writable_pagetables |       \
	 1u << VMASST_TYPE_pae_extended_cr3 |          \
	 1u << VMASST_TYPE_architectural_iopl |        \
	 1u << VMASST_TYPE_runstate_update_flag)

long do_vm_assist(unsigned cmd, unsigned type)
{
	uint32_t *assist = &current->d->vm_assist;

	if (type >= 32 || !(TYPES >> type & 1))
		return -EINVAL;
	switch (cmd) {
	case VMASST_CMD_enable:
		__atomic_fetch_or(assist, 1u << type, __ATOMIC_RELAXED);
		return 0;
	case VMASST_CMD_disable:
		__atomic_fetch_and(assist, ~(1u << type), __ATOMIC_RELAXED);
		return 0;
	default:
		return -ENOSYS;
	}
}
