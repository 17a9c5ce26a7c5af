/*
 * mmuext.c: pins, roots and flushes (xen/xen.h, struct mmuext_op).
 *
 * Refused on purpose with -ENOSYS: superpages (MARK_SUPER, UNMARK_SUPER),
 * CLEAR_PAGE and COPY_PAGE.
 */
#include "cpu.h"
#include "domain.h"
#include "guest_access.h"
#include "hypercall.h"
#include "io.h"
#include "mm_private.h"

#define LDT_ENTRIES_MAX	8192

/* dom0 may pin tables of a domain that it builds; all else acts on oneself. */
static int target_of(unsigned foreigndom, struct domain **target)
{
	uint16_t id = (uint16_t)foreigndom;

	if (id != DOMID_SELF && id != current->d->domid &&
	    !current->d->privileged)
		return -EPERM;
	*target = domain_get(id);
	return *target ? 0 : -ESRCH;
}

static int flush_masked(struct vcpu *v, const struct mmuext_op *op)
{
	uint64_t mask, array = (uint64_t)op->arg2.vcpumask.p;
	int rc = vcpumask_cpus(v->d, array, &mask);

	if (rc)
		return rc;
	if (op->cmd == MMUEXT_INVLPG_MULTI)
		tlb_flush_va(mask, op->arg1.linear_addr);
	else
		tlb_flush_cpus(mask);
	return 0;
}

static int set_ldt(struct vcpu *v, uint64_t base, uint64_t ents)
{
	if (ents > LDT_ENTRIES_MAX || base & (PAGE_SIZE - 1) ||
	    (ents && !guest_range_ok(base, ents * 8)))
		return -EINVAL;
	vcpu_set_ldt(v, base, (uint32_t)ents);
	return 0;
}

static int own_op(struct vcpu *v, const struct mmuext_op *op)
{
	struct domain *d = v->d;
	uint64_t all = __atomic_load_n(&d->dirty_cpus, __ATOMIC_ACQUIRE);

	switch (op->cmd) {
	case MMUEXT_NEW_BASEPTR:
		return root_switch(v, MFN(op->arg1.mfn));
	case MMUEXT_NEW_USER_BASEPTR:
		return root_user_switch(v, MFN(op->arg1.mfn));
	case MMUEXT_TLB_FLUSH_LOCAL:
		tlb_flush_local();
		return 0;
	case MMUEXT_INVLPG_LOCAL:
		if (guest_range_ok(op->arg1.linear_addr, 1))
			invlpg(op->arg1.linear_addr);
		return 0;
	case MMUEXT_TLB_FLUSH_MULTI:
	case MMUEXT_INVLPG_MULTI:
		return flush_masked(v, op);
	case MMUEXT_TLB_FLUSH_ALL:
		tlb_flush_cpus(all);
		return 0;
	case MMUEXT_INVLPG_ALL:
		tlb_flush_va(all, op->arg1.linear_addr);
		return 0;
	case MMUEXT_FLUSH_CACHE:
	case MMUEXT_FLUSH_CACHE_GLOBAL:
		return -EINVAL; /* no domain has device memory */
	case MMUEXT_SET_LDT:
		return set_ldt(v, op->arg1.linear_addr, op->arg2.nr_ents);
	default:
		return -ENOSYS;
	}
}

static int one_op(struct vcpu *v, const struct mmuext_op *op,
		  struct domain *target)
{
	switch (op->cmd) {
	case MMUEXT_PIN_L1_TABLE:
	case MMUEXT_PIN_L2_TABLE:
	case MMUEXT_PIN_L3_TABLE:
	case MMUEXT_PIN_L4_TABLE:
		return pin_table(target, MFN(op->arg1.mfn),
				 PGT_L1 + (op->cmd - MMUEXT_PIN_L1_TABLE));
	case MMUEXT_UNPIN_TABLE:
		return unpin_table(target, MFN(op->arg1.mfn));
	default:
		return target == v->d ? own_op(v, op) : -EPERM;
	}
}

/* v's old table is its own domain's: only under that one's lock it goes on. */
static int ops(struct vcpu *v, struct mmu_list *l, struct domain *target)
{
	bool own = target == v->d;
	int rc = own ? old_table_finish(v) : 0;

	while (!rc && l->done < l->count) {
		struct mmuext_op op;

		if (copy_from_guest(&op, l->reqs + l->done * l->size,
				    sizeof(op)))
			return -EFAULT;
		rc = one_op(v, &op, target);
		if (!rc || (rc == -ERESTART && own && v->old_table))
			l->done++;
		if (!rc && l->done < l->count && hypercall_preempt())
			rc = -ERESTART;
	}
	return rc;
}

long do_mmuext_op(uint64_t uops, unsigned count, uint64_t pdone,
		  unsigned foreigndom)
{
	struct mmu_list l = { uops, pdone, sizeof(struct mmuext_op), count,
			      foreigndom };
	struct vcpu *v = current;
	struct domain *target;
	int rc = mmu_list_begin(&l);

	rc = rc ?: target_of(foreigndom, &target);
	if (rc)
		return rc;
	spin_lock(&target->mm_lock);
	rc = ops(v, &l, target);
	spin_unlock(&target->mm_lock);
	domain_put(target);
	return mmu_list_end(&l, __HYPERVISOR_mmuext_op, rc);
}
