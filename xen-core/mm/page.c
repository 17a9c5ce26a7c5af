/*
 * page.c: who may use a frame, and as what.
 *
 * The one place where the two counts of a frame change; include/page.h says
 * what they mean.  States of a role with tables below it (L1 to L4, descriptor
 * page):
 *
 *	type_refs 0			no use; type is what it was last
 *	VALIDATED			every entry holds its reference
 *	PARTIAL				entries [0, stamp) do, the last of them
 *					  perhaps to a table that is
 *					  PARTIAL too; type_refs >= 1:
 *	  with SAVED_REF		  validation stopped, and the operation's
 *					  reference and use wait for the next try
 *	  and with REFUSED		  it failed, and its undoing stopped
 *	  without			  undoing stopped, its holder tries again
 *	neither				being worked on under the owner's mm_lock
 *
 * Whoever changes a frame's role flushes first: some CPU may hold a translation
 * from the role before.
 *
 * Locks: the owner's mm_lock for all but PGT_WRITABLE; the frame's bit lock for
 * flags, type and type_refs, held for a few instructions.
 */
#include "page.h"

#include "check.h"
#include "domain.h"
#include "mm_private.h"

#define REFS_MAX	(UINT32_MAX / 2) /* saturation: refuse above it */

static void page_lock(struct page *pg)
{
	while (__atomic_fetch_or(&pg->flags, PGF_LOCK, __ATOMIC_ACQUIRE) &
	       PGF_LOCK)
		cpu_relax();
}

static void page_unlock(struct page *pg)
{
	__atomic_fetch_and(&pg->flags, (uint8_t)~PGF_LOCK, __ATOMIC_RELEASE);
}

/* ---- references ---- */

bool page_get(struct page *pg, const struct domain *d)
{
	uint32_t refs = READ_ONCE(pg->refs);

	do {
		if (refs == 0 || refs >= REFS_MAX ||
		    READ_ONCE(pg->owner) != d->domid)
			return false;
	} while (!__atomic_compare_exchange_n(&pg->refs, &refs, refs + 1, false,
					      __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	if (likely(READ_ONCE(pg->owner) == d->domid))
		return true;
	page_put(pg); /* it was freed and taken anew in between */
	return false;
}

static void owner_list_add(struct page *pg, struct domain *d)
{
	uint32_t mfn = (uint32_t)page_mfn(pg).n;

	spin_lock(&d->page_list_lock);
	pg->prev = 0;
	pg->next = d->page_list;
	if (pg->next)
		frame_table[pg->next].prev = mfn;
	d->page_list = mfn;
	d->tot_pages++;
	spin_unlock(&d->page_list_lock);
}

static void owner_list_del(struct page *pg, struct domain *d)
{
	spin_lock(&d->page_list_lock);
	if (pg->prev)
		frame_table[pg->prev].next = pg->next;
	else
		d->page_list = pg->next;
	if (pg->next)
		frame_table[pg->next].prev = pg->prev;
	d->tot_pages--;
	spin_unlock(&d->page_list_lock);
}

void page_give(struct page *pg, struct domain *d)
{
	pg->type = PGT_NONE;
	pg->type_refs = 0;
	pg->owner = d->domid;
	pg->flags = PGF_ALLOCATED;
	owner_list_add(pg, d);
	__atomic_store_n(&pg->refs, 1, __ATOMIC_RELEASE);
}

/* by takes pg's place, so that the count of d's frames is never another. */
static void owner_list_replace(struct page *pg, struct page *by,
			       struct domain *d)
{
	uint32_t mfn = (uint32_t)page_mfn(by).n;

	spin_lock(&d->page_list_lock);
	by->prev = pg->prev;
	by->next = pg->next;
	if (by->prev)
		frame_table[by->prev].next = mfn;
	else
		d->page_list = mfn;
	if (by->next)
		frame_table[by->next].prev = mfn;
	spin_unlock(&d->page_list_lock);
}

/*
 * Is an entry's writable use all that there is of pg, beside the owner's
 * reference?  Then that reference and the entry's are gone and nobody can take
 * another.  The flags are looked at under the lock that page_release() takes:
 * while PGF_ALLOCATED is set, one of two references is the owner's.
 */
static bool page_seize(struct page *pg, const struct domain *d)
{
	uint32_t both = 2;
	bool taken;

	page_lock(pg);
	taken = pg->flags == (PGF_ALLOCATED | PGF_VALIDATED | PGF_LOCK) &&
		pg->type == PGT_WRITABLE && pg->type_refs == 1 &&
		pg->owner == d->domid &&
		__atomic_compare_exchange_n(&pg->refs, &both, 0, false,
					    __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED);
	page_unlock(pg);
	return taken;
}

int page_replace(struct page *pg, struct page *by, struct domain *d)
{
	if (READ_ONCE(pg->owner) != d->domid)
		return -EINVAL;
	if (!page_seize(pg, d))
		return -EBUSY;
	owner_list_replace(pg, by, d);
	by->type = PGT_WRITABLE;
	by->type_refs = 1;
	by->flags = PGF_ALLOCATED | PGF_VALIDATED;
	by->owner = d->domid;
	__atomic_store_n(&by->refs, 2, __ATOMIC_RELEASE);

	pg->owner = DOMID_XEN;
	pg->type = PGT_NONE;
	pg->type_refs = 0;
	pg->use = 0;
	pg->flags = 0;
	return 0;
}

static void page_free(struct page *pg)
{
	CHECK(pg->type_refs == 0);
	if (!(pg->flags & PGF_XEN)) {
		struct domain *d = domain_of(pg->owner);

		CHECK(d);
		owner_list_del(pg, d);
		m2p_set(page_mfn(pg), INVALID_M2P);
	}
	pg->owner = DOMID_XEN;
	pg->flags = PGF_STALE;
	pg->stamp = READ_ONCE(tlb_clock);
	frames_free(pg, 0);
}

void page_put(struct page *pg)
{
	uint32_t refs = __atomic_fetch_sub(&pg->refs, 1, __ATOMIC_ACQ_REL);

	CHECK(refs != 0);
	if (refs == 1)
		page_free(pg);
}

int page_release(struct page *pg, struct domain *d)
{
	bool was;

	if (!page_get(pg, d))
		return -EINVAL;
	page_lock(pg);
	was = (pg->flags & (PGF_ALLOCATED | PGF_XEN)) == PGF_ALLOCATED;
	if (was)
		pg->flags &= (uint8_t)~PGF_ALLOCATED;
	page_unlock(pg);
	if (was)
		page_put(pg);
	page_put(pg);
	return was ? 0 : -EINVAL;
}

static void share_start(struct page *pg, struct domain *d)
{
	clear_page(page_virt(pg));
	pg->type = PGT_NONE;
	pg->owner = d->domid;
	pg->flags = PGF_XEN | PGF_ALLOCATED;
	__atomic_fetch_add(&d->heap_bytes, PAGE_SIZE, __ATOMIC_RELAXED);
	__atomic_store_n(&pg->refs, 1, __ATOMIC_RELEASE);
}

struct page *page_share_alloc(struct domain *d)
{
	return pages_share_alloc(d, 1);
}

struct page *pages_share_alloc(struct domain *d, uint32_t nr)
{
	unsigned order = 0;
	struct page *pg;
	uint32_t i;

	while (1u << order < nr)
		order++;
	pg = frames_alloc(order);
	if (!pg)
		return NULL;
	for (i = 0; i < nr; i++)
		share_start(&pg[i], d);
	for (; i < 1u << order; i++)
		frames_free(&pg[i], 0);
	return pg;
}

void page_share_end(struct page *pg, struct domain *d)
{
	__atomic_fetch_sub(&d->heap_bytes, PAGE_SIZE, __ATOMIC_RELAXED);
	page_lock(pg);
	pg->flags &= (uint8_t)~PGF_ALLOCATED;
	page_unlock(pg);
	page_put(pg);
}

void pages_share_end(struct page *pg, uint32_t nr, struct domain *d)
{
	for (uint32_t i = 0; i < nr; i++)
		page_share_end(&pg[i], d);
}

/*
 * Pages in page tables of d that belong to another domain (dom0 may map them):
 * d's translations go before the reference does, for the owner will not know
 * of them.
 */
static void foreign_flush(const struct page *pg, struct domain *d)
{
	if (READ_ONCE(pg->owner) != d->domid)
		tlb_flush_domain(d);
}

void page_put_mapping(struct page *pg, struct domain *d)
{
	foreign_flush(pg, d);
	page_put(pg);
}

void page_put_writable(struct page *pg, struct domain *d)
{
	foreign_flush(pg, d);
	page_put_type(pg);
}

/* ---- roles ---- */

bool page_set_pinned(struct page *pg)
{
	bool was;

	page_lock(pg);
	was = pg->flags & PGF_PINNED;
	pg->flags |= PGF_PINNED;
	page_unlock(pg);
	return !was;
}

bool page_clear_pinned(struct page *pg)
{
	bool was;

	page_lock(pg);
	was = pg->flags & PGF_PINNED;
	pg->flags &= (uint8_t)~PGF_PINNED;
	page_unlock(pg);
	return was;
}

bool page_take_saved_ref(struct page *pg)
{
	bool was;

	page_lock(pg);
	was = pg->flags & PGF_SAVED_REF;
	pg->flags &= (uint8_t)~PGF_SAVED_REF;
	page_unlock(pg);
	return was;
}

void page_hold_saved_ref(struct page *pg)
{
	page_lock(pg);
	pg->flags |= PGF_SAVED_REF;
	page_unlock(pg);
}

/* The use that a stopped operation waits with; it goes on at its next try. */
static int role_wait(struct page *pg, uint8_t failed)
{
	page_lock(pg);
	pg->flags |= PGF_PARTIAL | PGF_SAVED_REF | failed;
	page_unlock(pg);
	return -ERESTART;
}

/* The role is refused: what entries [0, stamp) hold comes off.  rc says why. */
static int role_refuse(struct page *pg, struct domain *d, enum page_type type,
		       int rc)
{
	if (table_drop(pg, d, type, true))
		return role_wait(pg, PGF_REFUSED);
	page_lock(pg);
	pg->flags &= (uint8_t)~PGF_REFUSED;
	if (--pg->type_refs)
		pg->flags |= PGF_PARTIAL; /* its holder is still undoing it */
	else
		pg->stamp = READ_ONCE(tlb_clock);
	page_unlock(pg);
	return rc;
}

/* Entries [0, stamp) of pg hold their references; go on from there. */
static int role_validate(struct page *pg, struct domain *d,
			 enum page_type type)
{
	int rc = table_validate(pg, d, type);

	if (rc == -ERESTART)
		return role_wait(pg, 0);
	if (rc)
		return role_refuse(pg, d, type, rc);
	page_lock(pg);
	pg->flags |= PGF_VALIDATED;
	pg->stamp = READ_ONCE(tlb_clock);
	page_unlock(pg);
	return 0;
}

/* The first use in a role.  The lock is held; comes back without it. */
static int role_begin(struct page *pg, struct domain *d, enum page_type type)
{
	bool changes = pg->type != type && pg->type != PGT_NONE;

	pg->type_refs = 1;
	pg->type = type;
	pg->flags &= (uint8_t) ~(PGF_VALIDATED | PGF_PARTIAL | PGF_SAVED_REF |
				 PGF_REFUSED);
	page_unlock(pg);
	if (changes)
		tlb_flush_frame(pg, d);
	if (type == PGT_WRITABLE) {
		page_lock(pg);
		pg->flags |= PGF_VALIDATED;
		page_unlock(pg);
		return 0;
	}
	pg->stamp = 0;
	return role_validate(pg, d, type);
}

/* On with what stopped half-way.  The lock is held; comes back without it. */
static int role_resume(struct page *pg, struct domain *d, enum page_type type)
{
	bool refused = pg->flags & PGF_REFUSED;

	if (!(pg->flags & PGF_SAVED_REF)) {
		pg->type_refs++;
	} else {
		pg->flags &= (uint8_t)~PGF_SAVED_REF;
		page_unlock(pg);
		page_put(pg); /* two references now, one is enough */
		page_lock(pg);
	}
	pg->flags &= (uint8_t)~PGF_PARTIAL;
	page_unlock(pg);
	return refused ? role_refuse(pg, d, type, -EINVAL) :
			 role_validate(pg, d, type);
}

/* Another CPU may just be flushing for the first writable use, without mm_lock:
 * that ends soon. */
static void page_lock_settled(struct page *pg)
{
	page_lock(pg);
	while (pg->type == PGT_WRITABLE && pg->type_refs &&
	       !(pg->flags & PGF_VALIDATED)) {
		page_unlock(pg);
		cpu_relax();
		page_lock(pg);
	}
}

int page_get_type(struct page *pg, struct domain *d, enum page_type type)
{
	int rc;

	ASSERT(type == PGT_WRITABLE || spin_held(&d->mm_lock));
	if (!page_get(pg, d))
		return -EINVAL;
	page_lock_settled(pg);
	if (pg->type_refs == 0) {
		rc = pg->flags & PGF_XEN && type != PGT_WRITABLE ? -EINVAL : 0;
		if (rc)
			page_unlock(pg);
		else
			rc = role_begin(pg, d, type);
	} else if (pg->type != type || pg->type_refs >= REFS_MAX) {
		page_unlock(pg);
		rc = -EBUSY;
	} else if (pg->flags & PGF_PARTIAL) {
		rc = role_resume(pg, d, type);
	} else {
		/* Not VALIDATED: above us in this very validation, a loop. */
		rc = pg->flags & PGF_VALIDATED ? 0 : -EINVAL;
		if (!rc)
			pg->type_refs++;
		page_unlock(pg);
	}
	if (rc && rc != -ERESTART)
		page_put(pg);
	return rc;
}

/* The last use of a table: its entries' references first. */
static int role_end(struct page *pg, bool preemptible)
{
	struct domain *d = domain_of(pg->owner);
	int rc;

	if (!(pg->flags & PGF_PARTIAL))
		pg->stamp = TABLE_ENTRIES;
	pg->flags &= (uint8_t) ~(PGF_VALIDATED | PGF_PARTIAL);
	page_unlock(pg);
	rc = table_drop(pg, d, pg->type, preemptible);
	page_lock(pg);
	if (rc) {
		pg->flags |= PGF_PARTIAL;
		return rc;
	}
	return 0;
}

static int put_type(struct page *pg, bool preemptible)
{
	page_lock(pg);
	CHECK(pg->type_refs != 0);
	if (pg->type_refs == 1 && pg->type != PGT_WRITABLE) {
		int rc = role_end(pg, preemptible);

		if (rc) {
			page_unlock(pg);
			return rc;
		}
	}
	if (--pg->type_refs == 0) {
		pg->flags &= (uint8_t)~PGF_VALIDATED;
		pg->stamp = READ_ONCE(tlb_clock);
	}
	page_unlock(pg);
	page_put(pg);
	return 0;
}

void page_put_type(struct page *pg)
{
	CHECK(put_type(pg, false) == 0);
}

int page_put_type_preemptible(struct page *pg)
{
	return put_type(pg, true);
}
