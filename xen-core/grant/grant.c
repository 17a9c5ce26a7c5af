/*
 * grant.c: a domain's grant table: its entries and who uses them.
 *
 * The guest writes entries in frames that it shares with us.  Taking one sets
 * the flags that say so in the entry, by compare and exchange against the flags
 * and domain that were checked, and copies the frame number; from then on only
 * the copy counts.  Each use holds a reference of the frame, and a writable use
 * where it writes, so that neither freeing nor the granter's own page tables can
 * get in its way.  The flags are cleared after the references are dropped: the
 * granter may reuse the frame as soon as it sees them gone.
 *
 * A domain that ends leaves entries in use as they are; whoever uses them holds
 * a reference to the domain.
 *
 * Lock: grant_table->lock guards table and handles of one domain; never two at
 * a time.
 */
#include "grant_private.h"
#include "heap.h"
#include "mm.h"
#include "nospec.h"

#define TAKE_TRIES	16	/* against a granter that changes flags all the time */

/* First half of an entry, as one word for compare and exchange. */
union entry_head {
	struct {
		uint16_t flags;
		uint16_t domid;
	};
	uint32_t word;
};

static uint32_t nr_entries(const struct grant_table *gt)
{
	return gt->nr_frames * (uint32_t)ENTRIES_PER_FRAME;
}

static struct grant_entry_v1 *entry_of(struct grant_table *gt, uint32_t ref)
{
	return &gt->frame[ref / ENTRIES_PER_FRAME]
			->entries[ref % ENTRIES_PER_FRAME];
}

/* NULL where none of its bucket was ever in use. */
static struct active *active_of(struct grant_table *gt, uint32_t ref)
{
	struct grant_frame *f = gt->frame[ref / ENTRIES_PER_FRAME];
	uint32_t i = ref % ENTRIES_PER_FRAME;
	struct active *bucket = f->active[i / ACTIVE_BUCKET];

	return bucket ? &bucket[i % ACTIVE_BUCKET] : NULL;
}

static struct active *active_get(struct domain *d, uint32_t ref)
{
	struct grant_frame *f = d->grants->frame[ref / ENTRIES_PER_FRAME];
	struct active **b = &f->active[ref % ENTRIES_PER_FRAME / ACTIVE_BUCKET];

	if (!*b)
		*b = heap_alloc_for(d, ACTIVE_BUCKET * sizeof(**b));
	return active_of(d->grants, ref);
}

static bool in_use(const struct active *a)
{
	return a->readers || a->writers;
}

/* ---- taking and giving back ---- */

/* May domain as use an entry with this head?  GNTST_*. */
static int head_check(union entry_head h, uint16_t as, bool readonly)
{
	if ((h.flags & GTF_type_mask) != GTF_permit_access)
		return GNTST_bad_gntref;
	if (h.flags & (GTF_PWT | GTF_PCD | GTF_PAT | GTF_sub_page))
		return GNTST_general_error;
	if (h.domid != as || (!readonly && h.flags & GTF_readonly))
		return GNTST_permission_denied;
	return GNTST_okay;
}

/* Set the flags of use against exactly what was checked. */
static int head_take(struct grant_entry_v1 *e, uint16_t as, bool readonly)
{
	uint32_t *word = (uint32_t *)(void *)e;
	int tries;

	for (tries = 0; tries < TAKE_TRIES; tries++) {
		union entry_head old = { .word = READ_ONCE(*word) }, new = old;
		int rc = head_check(old, as, readonly);

		if (rc)
			return rc;
		new.flags |= GTF_reading | (readonly ? 0 : GTF_writing);
		if (__atomic_compare_exchange_n(word, &old.word, new.word,
						false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return GNTST_okay;
	}
	return GNTST_eagain;
}

/* Clear the flags that no use justifies any more. */
static void head_give_back(struct grant_entry_v1 *e, const struct active *a)
{
	uint16_t clear = 0;

	if (!a->writers)
		clear |= GTF_writing;
	if (!in_use(a))
		clear |= GTF_reading;
	if (clear)
		__atomic_fetch_and(&e->flags, (uint16_t)~clear,
				   __ATOMIC_SEQ_CST);
}

static struct page *frame_get(struct domain *d, uint32_t frame, bool readonly)
{
	struct page *pg = page_of(MFN(frame));

	if (!pg)
		return NULL;
	if (readonly)
		return page_get(pg, d) ? pg : NULL;
	return page_get_type(pg, d, PGT_WRITABLE) == 0 ? pg : NULL;
}

/* The lock is held, ref is in range. */
static int take_locked(struct domain *d, uint32_t ref, uint16_t as,
		       bool readonly, struct page **pg)
{
	struct grant_entry_v1 *e = entry_of(d->grants, ref);
	union entry_head head = { .word = READ_ONCE(*(uint32_t *)(void *)e) };
	int rc = head_check(head, as, readonly);
	struct active *a;

	/* First, so that a stranger cannot fill d's memory with empty buckets. */
	if (rc)
		return rc;
	a = active_get(d, ref);
	if (!a)
		return GNTST_no_space;
	if (in_use(a) && a->domid != as)
		return GNTST_permission_denied;
	if (a->readers == UINT32_MAX || a->writers == UINT32_MAX)
		return GNTST_no_space;
	rc = head_take(e, as, readonly);
	if (rc)
		return rc;
	if (!in_use(a)) {
		a->domid = as;
		a->frame = READ_ONCE(e->frame);
	}
	*pg = frame_get(d, a->frame, readonly);
	if (!*pg) {
		head_give_back(e, a);
		return GNTST_bad_page;
	}
	if (readonly)
		a->readers++;
	else
		a->writers++;
	return GNTST_okay;
}

int grant_take(struct domain *d, uint32_t ref, uint16_t as, bool readonly,
	       struct page **pg)
{
	struct grant_table *gt = d->grants;
	int rc = GNTST_bad_gntref;

	spin_lock(&gt->lock);
	if (ref < nr_entries(gt))
		rc = take_locked(d, (uint32_t)index_nospec(ref, nr_entries(gt)),
				 as, readonly, pg);
	spin_unlock(&gt->lock);
	return rc;
}

void grant_give_back(struct domain *d, uint32_t ref, bool readonly,
		     struct page *pg)
{
	struct grant_table *gt = d->grants;
	struct active *a;

	if (readonly)
		page_put(pg);
	else
		page_put_type(pg);

	spin_lock(&gt->lock);
	a = active_of(gt, ref);
	CHECK(a && (readonly ? a->readers : a->writers) != 0);
	if (readonly)
		a->readers--;
	else
		a->writers--;
	head_give_back(entry_of(gt, ref), a);
	spin_unlock(&gt->lock);
}

/* ---- for backends in the hypervisor ---- */

int grant_pin(struct domain *d, uint32_t ref, uint16_t as, bool readonly,
	      struct page **pg)
{
	switch (grant_take(d, ref, as, readonly, pg)) {
	case GNTST_okay:
		return 0;
	case GNTST_permission_denied:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

void grant_unpin(struct domain *d, uint32_t ref, bool readonly,
		 struct page *pg)
{
	grant_give_back(d, ref, readonly, pg);
}

/* ---- the table's size, life and first entries ---- */

static struct grant_frame *frame_create(struct domain *d)
{
	struct grant_frame *f = heap_alloc_for(d, sizeof(*f));
	struct page *pg;

	if (!f)
		return NULL;
	pg = page_share_alloc(d);
	if (!pg) {
		heap_free_for(d, f);
		return NULL;
	}
	f->entries = page_virt(pg);
	return f;
}

int grant_grow(struct domain *d, uint32_t nr)
{
	struct grant_table *gt = d->grants;
	int rc = GNTST_okay;

	if (nr > MAX_GRANT_FRAMES)
		return GNTST_general_error;
	spin_lock(&gt->lock);
	while (gt->nr_frames < nr && rc == GNTST_okay) {
		struct grant_frame *f = frame_create(d);

		if (f)
			gt->frame[gt->nr_frames++] = f;
		else
			rc = GNTST_no_space;
	}
	spin_unlock(&gt->lock);
	return rc;
}

int grant_init(struct domain *d)
{
	d->grants = heap_alloc_for(d, sizeof(*d->grants));
	return d->grants ? 0 : -ENOMEM;
}

static void frame_free(struct domain *d, struct grant_frame *f)
{
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(f->active); i++)
		heap_free_for(d, f->active[i]);
	page_share_end(virt_page(f->entries), d);
	heap_free_for(d, f);
}

void grant_free(struct domain *d)
{
	struct grant_table *gt = d->grants;
	uint32_t i;

	if (!gt)
		return;
	for (i = 0; i < gt->nr_frames; i++)
		frame_free(d, gt->frame[i]);
	maptrack_free(d);
	heap_free_for(d, gt);
	d->grants = NULL;
}

/* Only for a domain that does not run yet, so nobody looks at the entry. */
int grant_seed(struct domain *d, uint32_t ref, mfn_t frame, uint16_t to)
{
	struct page *pg = page_of(frame);
	struct grant_entry_v1 *e;

	if (ref >= ENTRIES_PER_FRAME || frame.n > UINT32_MAX || !pg ||
	    !page_get(pg, d))
		return -EINVAL;
	page_put(pg);
	if (grant_grow(d, 1))
		return -ENOMEM;
	ref = (uint32_t)index_nospec(ref, ENTRIES_PER_FRAME);

	e = entry_of(d->grants, ref);
	e->domid = to;
	e->frame = (uint32_t)frame.n;
	__atomic_store_n(&e->flags, GTF_permit_access, __ATOMIC_RELEASE);
	return 0;
}

uint64_t grant_maps(const struct domain *d)
{
	return READ_ONCE(d->grants->nr_maps);
}

static void audit_bucket(const struct active *bucket)
{
	uint32_t i, n;

	for (i = 0; bucket && i < ACTIVE_BUCKET; i++) {
		for (n = 0; n < bucket[i].readers; n++)
			audit_count(MFN(bucket[i].frame), false);
		for (n = 0; n < bucket[i].writers; n++)
			audit_count(MFN(bucket[i].frame), true);
	}
}

/* Frames and buckets, once there, stay for the domain's life: no lock. */
void grant_audit(const struct domain *d)
{
	const struct grant_table *gt = d->grants;
	uint32_t i, k;

	for (i = 0; gt && i < gt->nr_frames; i++)
		for (k = 0; k < ARRAY_SIZE(gt->frame[i]->active); k++)
			audit_bucket(gt->frame[i]->active[k]);
}
