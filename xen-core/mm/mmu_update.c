/*
 * mmu_update.c: lists of changes to page tables and to the m2p table.
 *
 * The kind stands in the low two bits of the address.  A frame that is no table
 * gets the word as a plain store, as Linux writes entries of tables that it has
 * not pinned yet that way too; that takes a writable use of the frame.
 */
#include "domain.h"
#include "guest_access.h"
#include "hypercall.h"
#include "mm_private.h"

#define KIND_MASK	3
#define BATCH		32	/* requests copied in at once */

/* One domid in the low half, another in the high half (plus one): whose
 * tables, and whose frames.  Only dom0 may name others. */
static int domains_of(unsigned foreigndom, struct domain **from)
{
	uint16_t frames = foreigndom & 0xffff;

	*from = NULL;
	if (foreigndom >> 16)
		return -ESRCH; /* nobody writes another's tables */
	if (frames == DOMID_SELF || frames == current->d->domid) {
		*from = domain_get(DOMID_SELF);
		return *from ? 0 : -ESRCH;
	}
	if (!current->d->privileged)
		return -EPERM;
	*from = domain_get(frames);
	return *from ? 0 : -ESRCH;
}

static int plain_store(struct domain *d, struct page *pg, unsigned index,
		       uint64_t value)
{
	int rc = page_get_type(pg, d, PGT_WRITABLE);

	if (rc)
		return rc;
	WRITE_ONCE(((uint64_t *)page_virt(pg))[index], value);
	page_put_type(pg);
	return 0;
}

static int entry_request(struct vcpu *v, const struct mmu_update *r,
			 struct domain *from, enum pte_how how)
{
	struct page *pg = page_of(MFN(r->ptr >> PAGE_SHIFT));
	unsigned index = (r->ptr & (PAGE_SIZE - 1)) / 8;
	int rc;

	if (r->ptr & 4 || !pg || !page_get(pg, v->d))
		return -EINVAL;
	if (pg->type >= PGT_L1 && pg->type <= PGT_L4 && pg->type_refs)
		rc = pg->flags & PGF_VALIDATED ?
			     pte_update(v, pg, index, r->val, from, how,
					NULL) :
			     -EBUSY;
	else
		rc = plain_store(v->d, pg, index, r->val);
	page_put(pg);
	return rc;
}

static int m2p_request(struct vcpu *v, const struct mmu_update *r)
{
	struct page *pg = page_of(MFN(r->ptr >> PAGE_SHIFT));

	if (!pg || !page_get(pg, v->d))
		return -EINVAL;
	if (pg->flags & PGF_XEN) { /* shared pages have no number */
		page_put(pg);
		return -EINVAL;
	}
	m2p_set(page_mfn(pg), r->val);
	page_put(pg);
	return 0;
}

static int request(struct vcpu *v, struct mmu_update *r, struct domain *from)
{
	unsigned kind = r->ptr & KIND_MASK;

	r->ptr &= ~(uint64_t)KIND_MASK;
	switch (kind) {
	case MMU_NORMAL_PT_UPDATE:
		return entry_request(v, r, from, PTE_SET);
	case MMU_PT_UPDATE_PRESERVE_AD:
		return entry_request(v, r, from, PTE_KEEP_AD);
	case MMU_MACHPHYS_UPDATE:
		return m2p_request(v, r);
	default:
		return -ENOSYS;
	}
}

/* The rest of the list, under mm_lock. */
static int requests(struct vcpu *v, struct mmu_list *l, struct domain *from)
{
	struct mmu_update batch[BATCH];
	int rc = old_table_finish(v);

	while (!rc && l->done < l->count) {
		unsigned n = MIN(l->count - l->done, (unsigned)BATCH);

		if (copy_from_guest(batch, l->reqs + l->done * l->size,
				    n * sizeof(batch[0])))
			return -EFAULT;
		for (unsigned i = 0; i < n && !rc; i++) {
			rc = request(v, &batch[i], from);
			if (rc == -ERESTART && v->old_table)
				l->done++; /* stored; the rest is ours */
			else if (!rc)
				l->done++;
		}
		if (!rc && l->done < l->count && hypercall_preempt())
			rc = -ERESTART;
	}
	return rc;
}

long do_mmu_update(uint64_t ureqs, unsigned count, uint64_t pdone,
		   unsigned foreigndom)
{
	struct mmu_list l = { ureqs, pdone, sizeof(struct mmu_update), count,
			      foreigndom };
	struct vcpu *v = current;
	struct domain *from;
	int rc = mmu_list_begin(&l);

	rc = rc ?: domains_of(foreigndom, &from);
	if (rc)
		return rc;
	spin_lock(&v->d->mm_lock);
	rc = requests(v, &l, from);
	spin_unlock(&v->d->mm_lock);
	domain_put(from);
	return mmu_list_end(&l, __HYPERVISOR_mmu_update, rc);
}
