/*
 * grant_pte.c: entries that map granted frames.
 *
 * Such an entry has PTE_GRANT and holds no reference of its own: the grant
 * handle holds it.  Tables are validated, dropped and changed without looking
 * behind the entry, and the guest can neither make nor unmake one itself.
 */
#include "domain.h"
#include "guest_access.h"
#include "io.h"
#include "mm_private.h"

static uint64_t *entry_at(struct vcpu *v, uint64_t va, struct page **table)
{
	unsigned index;

	if (!guest_range_ok(va, PAGE_SIZE))
		return NULL;
	*table = walk_l1(v, va, &index);
	if (!*table || !page_is_table(*table, PGT_L1))
		return NULL;
	return (uint64_t *)page_virt(*table) + index;
}

int mm_grant_map(struct vcpu *v, uint64_t va, mfn_t mfn, uint64_t flags)
{
	struct page *table;
	uint64_t *e, old, new;
	int rc = -EINVAL;

	spin_lock(&v->d->mm_lock);
	e = entry_at(v, va, &table);
	if (e && !((old = READ_ONCE(*e)) & PTE_P && old & PTE_GRANT)) {
		new = pte_make(mfn, PTE_P | PTE_US | PTE_A | PTE_D | PTE_NX |
					    PTE_GRANT |
					    (flags & (PTE_RW | PTE_AVL |
						      PTE_AVL_HIGH)));
		old = __atomic_exchange_n(e, new, __ATOMIC_SEQ_CST);
		rc = entry_put(old, PGT_L1, v->d, false);
		invlpg(va);
	}
	spin_unlock(&v->d->mm_lock);
	return rc;
}

/*
 * The entry at va maps mfn as a grant, and with the same right: a guest can
 * move whole L1 tables about, and so another mapping of the frame to va.
 */
static bool maps_grant(const uint64_t *e, mfn_t mfn, uint64_t flags)
{
	uint64_t old = READ_ONCE(*e);

	return old & PTE_P && old & PTE_GRANT && mfn_eq(pte_mfn(old), mfn) &&
	       !((old ^ flags) & PTE_RW);
}

int mm_grant_unmap(struct vcpu *v, uint64_t va, mfn_t mfn, uint64_t flags,
		   uint64_t new_va)
{
	struct page *table, *new_table;
	uint64_t *e, *n = NULL, moved = 0;
	int rc = -EINVAL;

	spin_lock(&v->d->mm_lock);
	e = entry_at(v, va, &table);
	if (new_va)
		n = entry_at(v, new_va, &new_table);
	if (!e || !maps_grant(e, mfn, flags) || (new_va && (!n || n == e)))
		goto out;
	if (n) {
		moved = READ_ONCE(*n);
		if (moved & PTE_P && moved & PTE_GRANT)
			goto out; /* that one belongs to its handle */
		moved = __atomic_exchange_n(n, 0, __ATOMIC_SEQ_CST);
		invlpg(new_va);
	}
	__atomic_store_n(e, moved, __ATOMIC_SEQ_CST);
	invlpg(va);
	rc = 0;
out:
	spin_unlock(&v->d->mm_lock);
	return rc;
}
