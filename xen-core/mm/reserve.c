/*
 * reserve.c: a domain's frames: given at creation, taken back at its end.
 */
#include "check.h"
#include "domain.h"
#include "hypercall.h"
#include "mm_private.h"

static int reserve_one(struct domain *d, uint64_t pfn)
{
	struct page *pg = frames_alloc(0);

	if (!pg)
		return -ENOMEM;
	clear_page(page_virt(pg));
	page_give(pg, d);
	m2p_set(page_mfn(pg), pfn);
	return 0;
}

int mm_reserve(struct domain *d, uint64_t nr, uint64_t pfn, uint64_t *done)
{
	if (nr - *done > frames_free_count())
		return -ENOMEM;
	while (*done < nr) {
		int rc = reserve_one(d, pfn + *done);

		if (rc)
			return rc;
		++*done;
		if (*done < nr && *done % 64 == 0 && hypercall_preempt())
			return -ERESTART;
	}
	return 0;
}

/* The list has the newest first; a hint is a frame one before the one wanted,
 * which lies behind it. */
mfn_t mm_nth_frame(struct domain *d, uint64_t n, mfn_t hint)
{
	uint32_t at = 0;

	spin_lock(&d->page_list_lock);
	if (n < d->tot_pages) {
		if (!mfn_eq(hint, MFN_NONE)) {
			at = frame_table[hint.n].prev;
		} else {
			uint64_t back = d->tot_pages - 1 - n;

			for (at = d->page_list; at && back--;)
				at = frame_table[at].next;
		}
	}
	spin_unlock(&d->page_list_lock);
	return at ? MFN(at) : MFN_NONE;
}

void mm_give_boot_frame(struct domain *d, mfn_t mfn, uint64_t pfn)
{
	page_give(page_of(mfn), d);
	m2p_set(mfn, pfn);
}

void mm_free_boot_frames(mfn_t start, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		struct page *pg = page_of(MFN(start.n + i));

		pg->owner = DOMID_XEN;
		frames_free(pg, 0);
	}
}

/* ---- the end ---- */

/* What this frame still holds as a table that somebody pinned, or where an
 * operation stopped half-way. */
static int frame_unwind(struct page *pg)
{
	int rc;

	if (page_take_saved_ref(pg)) {
		rc = page_put_type_preemptible(pg);
		if (rc) {
			page_hold_saved_ref(pg);
			return rc;
		}
	}
	if (pg->flags & PGF_PINNED) {
		rc = unpin_table(domain_of(pg->owner), page_mfn(pg));
		if (rc == -ERESTART)
			return rc;
	}
	return 0;
}

static int vcpu_roots_drop(struct vcpu *v)
{
	int rc = old_table_finish(v);

	if (!rc && !mfn_eq(v->root_kernel, MFN_NONE)) {
		rc = page_put_type_preemptible(page_of(v->root_kernel));
		if (!rc)
			v->root_kernel = MFN_NONE;
	}
	if (!rc && !mfn_eq(v->root_user, MFN_NONE)) {
		rc = page_put_type_preemptible(page_of(v->root_user));
		if (!rc)
			v->root_user = MFN_NONE;
	}
	return rc;
}

/*
 * First pass: what frames hold as tables.  A frame that has its owner's
 * reference outlives it, and so is a place to go on from.
 */
static int frames_unwind(struct domain *d)
{
	uint32_t at = d->unwind_at ? d->unwind_at : d->page_list, next;
	unsigned n = 0;

	for (; at && !d->unwound; at = next) {
		struct page *pg = &frame_table[at];
		int rc;

		/* Held, so that it and its link stay until we have moved on. */
		if (!page_get(pg, d)) {
			d->unwind_at = 0; /* freed under us */
			return -ERESTART;
		}
		rc = frame_unwind(pg);
		if (!rc && pg->flags & PGF_ALLOCATED)
			d->unwind_at = at;
		next = pg->next;
		page_put(pg);
		if (rc)
			return rc;
		if (++n % 256 == 0 && hypercall_preempt())
			return -ERESTART;
	}
	d->unwound = true;
	return 0;
}

/*
 * Second pass: the owner's reference of each frame.  A frame that others still
 * use stays on the list without PGF_ALLOCATED.
 */
static int frames_release(struct domain *d)
{
	uint32_t at, next;
	unsigned n = 0;

	for (at = d->page_list; at; at = next) {
		struct page *pg = &frame_table[at];

		/* Held, so that it and its link stay until we have moved on. */
		if (!page_get(pg, d))
			return -ERESTART; /* freed under us: its link is gone */
		page_release(pg, d);
		next = pg->next;
		page_put(pg);
		if (++n % 256 == 0 && hypercall_preempt() && next)
			return -ERESTART;
	}
	return 0;
}

int mm_relinquish(struct domain *d)
{
	struct vcpu *v;
	uint32_t i;
	int rc = 0;

	spin_lock(&d->mm_lock);
	domain_for_each_vcpu(d, v, i)
		if (!rc)
			rc = vcpu_roots_drop(v);
	if (!rc)
		rc = frames_unwind(d);
	if (!rc)
		rc = frames_release(d);
	spin_unlock(&d->mm_lock);
	return rc;
}
