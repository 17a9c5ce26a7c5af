/*
 * exchange.c: a frame of the hypervisor for one that a guest has mapped.
 *
 * The guest names the L1 entry, and so the frame and its only use.  The entry
 * keeps its flags, the m2p number moves to the new frame, and the domain has as
 * many frames as before.  Translations are left to the caller, so that a batch
 * costs one flush.
 */
#include "domain.h"
#include "mm_private.h"

/*
 * The live entry at a machine address, in a table of d that comes with a
 * reference; NULL where there is none.  Under mm_lock, so that it stays one.
 */
static uint64_t *entry_get_at(struct domain *d, uint64_t pte,
			      struct page **table)
{
	struct page *pg = page_of(MFN(pte >> PAGE_SHIFT));

	if (pte % sizeof(uint64_t) || !pg || !page_get(pg, d))
		return NULL;
	if (!page_is_table(pg, PGT_L1)) {
		page_put(pg);
		return NULL;
	}
	*table = pg;
	return (uint64_t *)page_virt(pg) + pte % PAGE_SIZE / sizeof(uint64_t);
}

/* What a writable entry maps that is no grant's. */
static struct page *mapped_by(uint64_t e)
{
	const uint64_t bits = PTE_P | PTE_RW | PTE_GRANT;

	return (e & bits) == (PTE_P | PTE_RW) ? page_of(pte_mfn(e)) : NULL;
}

/* The CPU may set A and D meanwhile; nobody else changes the entry. */
static void entry_redirect(uint64_t *e, uint64_t old, mfn_t to)
{
	while (!__atomic_compare_exchange_n(
		e, &old, (old & ~PTE_ADDR) | to.n << PAGE_SHIFT, false,
		__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static int exchange_at(struct domain *d, uint64_t *e, struct page *give,
		       struct page **got)
{
	uint64_t old = READ_ONCE(*e);
	struct page *pg = mapped_by(old);
	int rc;

	if (!pg)
		return -EINVAL;
	rc = page_replace(pg, give, d);
	if (rc)
		return rc;
	m2p_set(page_mfn(give), m2p_get(page_mfn(pg)));
	m2p_set(page_mfn(pg), INVALID_M2P);
	entry_redirect(e, old, page_mfn(give));
	pg->stamp = READ_ONCE(tlb_clock);
	*got = pg;
	return 0;
}

int mm_exchange(struct domain *d, uint64_t pte, struct page *give,
		struct page **got)
{
	struct page *table;
	int rc = -EINVAL;
	uint64_t *e;

	spin_lock(&d->mm_lock);
	e = entry_get_at(d, pte, &table);
	if (e) {
		rc = exchange_at(d, e, give, got);
		page_put(table);
	}
	spin_unlock(&d->mm_lock);
	return rc;
}

int mm_get_mapped(struct domain *d, uint64_t pte, struct page **pg)
{
	struct page *table;
	int rc = -EINVAL;
	uint64_t *e;

	spin_lock(&d->mm_lock);
	e = entry_get_at(d, pte, &table);
	if (e) {
		*pg = mapped_by(READ_ONCE(*e));
		if (*pg)
			rc = page_get_type(*pg, d, PGT_WRITABLE);
		page_put(table);
	}
	spin_unlock(&d->mm_lock);
	return rc;
}
