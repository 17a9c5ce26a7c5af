/*
 * mmu_list.c: how far mmu_update and mmuext_op have come in their lists.
 *
 * Both tell the guest at pdone how many requests were done, over all
 * continuations of a call; bit 31 of the count marks a continuation.
 */
#include "guest_access.h"
#include "hypercall.h"
#include "mm_private.h"

int mmu_list_begin(struct mmu_list *l)
{
	l->before = l->done = 0;
	if (!(l->count & MMU_UPDATE_PREEMPTED))
		return 0;
	l->count &= ~MMU_UPDATE_PREEMPTED;
	if (l->pdone &&
	    copy_from_guest(&l->before, l->pdone, sizeof(l->before)))
		return -EFAULT;
	return 0;
}

long mmu_list_end(const struct mmu_list *l, unsigned op, int rc)
{
	unsigned all = l->before + l->done;

	if (l->pdone && copy_to_guest(l->pdone, &all, sizeof(all)))
		return -EFAULT;
	if (rc != -ERESTART)
		return rc;
	return hypercall_continue(op, 4, l->reqs + l->done * l->size,
				  (uint64_t)((l->count - l->done) |
					     MMU_UPDATE_PREEMPTED),
				  l->pdone, (uint64_t)l->foreigndom);
}
