/*
 * va_mapping.c: update_va_mapping: one L1 entry, named by the address it maps.
 */
#include "domain.h"
#include "guest_access.h"
#include "hypercall.h"
#include "io.h"
#include "mm_private.h"

/*
 * The CPUs on which the vcpus of a guest's bit array may have left
 * translations.  A vcpu that moved left some behind, so it is every CPU that may
 * hold any of the domain's; the array need only be readable.
 */
int vcpumask_cpus(struct domain *d, uint64_t array, uint64_t *mask)
{
	uint32_t bits;

	if (copy_from_guest(&bits, array, (d->nr_vcpus + 7) / 8))
		return -EFAULT;
	*mask = __atomic_load_n(&d->dirty_cpus, __ATOMIC_ACQUIRE);
	return 0;
}

/* Is it a flush that can be made?  Asked before anything is changed. */
static int flush_check(const struct vcpu *v, uint64_t flags)
{
	uint64_t array = flags & ~(uint64_t)UVMF_FLUSHTYPE_MASK, mask;

	switch (flags & UVMF_FLUSHTYPE_MASK) {
	case UVMF_NONE:
		return 0;
	case UVMF_TLB_FLUSH:
	case UVMF_INVLPG:
		break;
	default:
		return -EINVAL;
	}
	return array == UVMF_LOCAL || array == UVMF_ALL ?
		       0 :
		       vcpumask_cpus(v->d, array, &mask);
}

/* After the change: a CPU may have got translations just before it. */
static void flush_as_asked(struct vcpu *v, uint64_t va, uint64_t flags)
{
	uint64_t array = flags & ~(uint64_t)UVMF_FLUSHTYPE_MASK, mask;

	mask = array == UVMF_LOCAL ?
		       1ull << this_cpu_id() :
		       __atomic_load_n(&v->d->dirty_cpus, __ATOMIC_ACQUIRE);
	switch (flags & UVMF_FLUSHTYPE_MASK) {
	case UVMF_TLB_FLUSH:
		tlb_flush_cpus(mask);
		break;
	case UVMF_INVLPG:
		tlb_flush_va(mask, va);
		break;
	}
}

static long update(uint64_t va, uint64_t val, uint64_t flags,
		   struct domain *from)
{
	struct vcpu *v = current;
	struct page *l1;
	unsigned index;
	int rc;

	if (!guest_range_ok(va, 1))
		return -EINVAL;
	rc = flush_check(v, flags);
	if (rc)
		return rc;
	spin_lock(&v->d->mm_lock);
	l1 = walk_l1(v, va, &index);
	rc = l1 && page_is_table(l1, PGT_L1) ?
		     pte_update(v, l1, index, val, from, PTE_SET, NULL) :
		     -EINVAL;
	spin_unlock(&v->d->mm_lock);
	if (!rc)
		flush_as_asked(v, va, flags);
	return rc;
}

long do_update_va_mapping(uint64_t va, uint64_t val, uint64_t flags)
{
	return update(va, val, flags, current->d);
}

long do_update_va_mapping_otherdomain(uint64_t va, uint64_t val,
				      uint64_t flags, unsigned domid)
{
	struct domain *from;
	long rc;

	if (domid != DOMID_SELF && domid != current->d->domid &&
	    !current->d->privileged)
		return -EPERM;
	from = domain_get((uint16_t)domid);
	if (!from)
		return -ESRCH;
	rc = update(va, val, flags, from);
	domain_put(from);
	return rc;
}
