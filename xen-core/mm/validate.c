/*
 * validate.c: what an entry of a guest's page table may hold.
 *
 * An L1 entry maps a frame of the domain (or of another that granted it: then
 * grant_pte.c made the entry and counts for it), writable only where the frame
 * has no other role.  An entry of L2 to L4 leads to a frame of the domain that
 * is valid as the level below; so loops and linear tables cannot be made: a
 * frame on the way down has its role already and is not yet VALIDATED.  Slots
 * 256 to 271 of an L4 are the hypervisor's: the guest's words there are
 * overwritten and never read.
 */
#include "domain.h"
#include "hypercall.h"
#include "mm_private.h"

/* Bits that an entry may not have.  A superpage, or memory types other than
 * write-back, have no use in a domain without devices. */
#define L1_REFUSED	(PTE_PWT | PTE_PCD | PTE_PSE)
#define TABLE_REFUSED	(PTE_PWT | PTE_PCD | PTE_PSE | PTE_G)

static bool hv_slot(enum page_type type, unsigned i)
{
	return type == PGT_L4 && i >= HV_SLOT_FIRST && i <= HV_SLOT_LAST;
}

static int l1_entry_get(uint64_t *e, struct domain *d, struct domain *from)
{
	struct page *pg = page_of(pte_mfn(*e));
	int rc;

	if (*e & (L1_REFUSED | PTE_GRANT) || !pg)
		return -EINVAL;
	if (*e & PTE_RW) {
		rc = page_get_type(pg, from, PGT_WRITABLE);
		if (rc)
			return rc;
	} else if (!page_get(pg, from)) {
		return -EINVAL;
	}
	*e = (*e | PTE_US) & ~PTE_G;
	return 0;
}

int entry_get(uint64_t *e, enum page_type type, struct domain *d,
	      struct domain *from)
{
	struct page *pg;
	int rc;

	if (!(*e & PTE_P))
		return 0;
	if (type == PGT_L1)
		return l1_entry_get(e, d, from);
	pg = page_of(pte_mfn(*e));
	if (*e & TABLE_REFUSED || !pg)
		return -EINVAL;
	rc = page_get_type(pg, d, type - 1);
	if (!rc)
		*e |= PTE_US;
	return rc;
}

int entry_put(uint64_t e, enum page_type type, struct domain *d,
	      bool preemptible)
{
	struct page *pg;

	if (!(e & PTE_P) || (type == PGT_L1 && e & PTE_GRANT))
		return 0;
	pg = page_of(pte_mfn(e));
	if (type == PGT_L1 && !(e & PTE_RW)) {
		page_put_mapping(pg, d);
		return 0;
	}
	if (type == PGT_L1) {
		page_put_writable(pg, d);
		return 0;
	}
	if (preemptible)
		return page_put_type_preemptible(pg);
	page_put_type(pg);
	return 0;
}

/* A descriptor page: entries are checked, and adjusted, in place. */
static int seg_validate(struct page *pg)
{
	uint64_t *desc = page_virt(pg);

	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		if (!descriptor_ok(&desc[i]))
			return -EINVAL;
	pg->stamp = 0;
	return 0;
}

/*
 * Where the undoing of a table stopped, so may have that of the table which its
 * last entry, at pg->stamp - 1, leads to: the use is still held, but not all
 * that is below.  Before this one can be valid again, that must be.
 */
static int last_entry_mend(const struct page *pg, struct domain *d,
			   enum page_type type)
{
	const uint64_t *table = page_virt(pg);
	struct page *below;
	uint64_t e;
	int rc;

	if (type == PGT_L1 || !pg->stamp || hv_slot(type, pg->stamp - 1))
		return 0;
	e = READ_ONCE(table[pg->stamp - 1]);
	below = page_of(pte_mfn(e));
	if (!(e & PTE_P) || below->flags & PGF_VALIDATED)
		return 0;
	rc = page_get_type(below, d, type - 1);
	if (!rc)
		page_put_type(below); /* the entry has its use */
	return rc;
}

int table_validate(struct page *pg, struct domain *d, enum page_type type)
{
	uint64_t *table = page_virt(pg);
	unsigned i;
	int rc;

	if (type == PGT_SEG)
		return seg_validate(pg);
	rc = last_entry_mend(pg, d, type);
	if (rc)
		return rc;
	for (i = pg->stamp; i < TABLE_ENTRIES; i++) {
		uint64_t e, was;

		if (hv_slot(type, i))
			continue;
		e = was = READ_ONCE(table[i]);
		rc = entry_get(&e, type, d, d);
		if (rc) {
			pg->stamp = i;
			return rc;
		}
		if (e != was)
			WRITE_ONCE(table[i], e);
		if (type >= PGT_L2 && e & PTE_P && hypercall_preempt()) {
			pg->stamp = i + 1;
			return -ERESTART;
		}
	}
	if (type == PGT_L4)
		for (i = HV_SLOT_FIRST; i <= HV_SLOT_LAST; i++)
			table[i] = idle_l4[i];
	return 0;
}

int table_drop(struct page *pg, struct domain *d, enum page_type type,
	       bool preemptible)
{
	const uint64_t *table = page_virt(pg);

	if (type == PGT_SEG)
		return 0;
	while (pg->stamp > 0) {
		unsigned i = pg->stamp - 1;

		if (!hv_slot(type, i)) {
			int rc = entry_put(READ_ONCE(table[i]), type, d,
					   preemptible);

			if (rc)
				return rc;
		}
		pg->stamp = i;
		if (preemptible && type >= PGT_L2 && i && hypercall_preempt())
			return -ERESTART;
	}
	return 0;
}
