/*
 * pte.c: changes one entry of a live page table.
 *
 * The new entry's reference is taken before the store, the old one's dropped
 * after it.  The store is a compare-and-exchange: the CPU may set A and D at
 * any time, and nothing else changes the entry under mm_lock.
 */
#include "check.h"
#include "domain.h"
#include "mm_private.h"

/* Only flags differ that hold no reference: what is mapped stays. */
static bool same_reference(uint64_t a, uint64_t b)
{
	const uint64_t holds = PTE_P | PTE_RW | PTE_ADDR | PTE_GRANT;

	return !((a ^ b) & holds) && (a & PTE_P);
}

static uint64_t refused_bits(enum page_type type)
{
	return PTE_PWT | PTE_PCD | PTE_PSE | (type == PGT_L1 ? 0 : PTE_G);
}

/* False when the entry is not *expected any more; NULL expects anything. */
static bool store(uint64_t *e, uint64_t new, bool keep_ad,
		  const uint64_t *expected)
{
	uint64_t seen = expected ? *expected : READ_ONCE(*e);

	while (!__atomic_compare_exchange_n(
		e, &seen, keep_ad ? new | (seen & (PTE_A | PTE_D)) : new, false,
		__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		if (expected)
			return false;
	return true;
}

int pte_update(struct vcpu *v, struct page *pg, unsigned index, uint64_t new,
	       struct domain *from, enum pte_how how, const uint64_t *expected)
{
	enum page_type type = pg->type;
	uint64_t *e = (uint64_t *)page_virt(pg) + index;
	uint64_t old = READ_ONCE(*e);
	struct domain *d = v->d;
	bool same;
	int rc;

	ASSERT(page_is_table(pg, type));
	if (type == PGT_L4 && index >= HV_SLOT_FIRST && index <= HV_SLOT_LAST)
		return -EINVAL;
	/* A grant's entry is its handle's. */
	if (type == PGT_L1 && (old & PTE_P) && (old & PTE_GRANT))
		return -EINVAL;

	same = same_reference(old, new);
	if (!same || new & refused_bits(type)) {
		rc = entry_get(&new, type, d, from);
		if (rc)
			return rc;
		same = false;
	} else {
		new |= PTE_US;
		if (type == PGT_L1)
			new &= ~PTE_G;
	}
	/* Where another frame is mapped, the old one's A and D mean nothing. */
	if (!store(e, new, how == PTE_KEEP_AD && same, expected)) {
		if (!same)
			entry_put(new, type, d, false);
		return -EAGAIN;
	}
	if (same)
		return 0;
	rc = entry_put(old, type, d, true);
	if (rc == -ERESTART)
		v->old_table = page_of(pte_mfn(old));
	return rc;
}

int old_table_finish(struct vcpu *v)
{
	int rc;

	if (!v->old_table)
		return 0;
	rc = page_put_type_preemptible(v->old_table);
	if (!rc)
		v->old_table = NULL;
	return rc;
}

struct page *walk_l1(struct vcpu *v, uint64_t va, unsigned *index)
{
	mfn_t at = v->root_kernel;

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		const uint64_t *table = mfn_virt(at);
		uint64_t e = READ_ONCE(table[va >> shift & 511]);

		if (shift == 39 && (va >> 39 & 511) >= HV_SLOT_FIRST &&
		    (va >> 39 & 511) <= HV_SLOT_LAST)
			return NULL;
		if (!(e & PTE_P))
			return NULL;
		at = pte_mfn(e);
	}
	*index = va >> 12 & 511;
	return page_of(at);
}
