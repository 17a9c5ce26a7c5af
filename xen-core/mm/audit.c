/*
 * audit.c: the frame table against a walk over everything.
 *
 * Every frame of a live domain is looked at: each present entry of each
 * validated table counts a reference (and a use) of what it maps; so do pins,
 * roots, descriptor tables, registered vcpu_info pages and the owner itself.
 * What grants hold comes from grant_audit().  The sums must be what the frame
 * table says; and what a validated table leads to must be valid itself, in its
 * role.
 *
 * No vcpu runs meanwhile (control_machine.c sees to that), but packets go on: a
 * frame may be pinned or exchanged between its count and the comparison.  So what
 * is found wrong is counted again, and stands if it is wrong each time.
 */
#include "cpu.h"
#include "domain.h"
#include "grant.h"
#include "heap.h"
#include "lib.h"
#include "log.h"
#include "mm_private.h"

#define LINES_MAX	20
#define TRIES		20

struct tally {
	uint32_t refs, type_refs;
};

static struct tally *tally; /* by mfn, while an audit runs */
static uint64_t bad_links;
static bool tell;	/* what is wrong; set for the last try */

static void count(mfn_t mfn, bool use)
{
	if (mfn.n > max_mfn)
		return;
	tally[mfn.n].refs++;
	tally[mfn.n].type_refs += use;
}

void audit_count(mfn_t mfn, bool use)
{
	count(mfn, use);
}

/* An entry with a use, in a table that a CPU may walk. */
static void link_check(const struct page *pg, unsigned i, uint64_t e)
{
	const struct page *to = page_of(pte_mfn(e));
	unsigned role = pg->type == PGT_L1 ? PGT_WRITABLE : pg->type - 1u;

	if (to && to->type == role && to->flags & PGF_VALIDATED)
		return;
	if (bad_links++ < LINES_MAX && tell)
		log_error("audit: entry %u of mfn %lx, domain %u, type %u: %lx "
			  "is not valid for it", i, page_mfn(pg).n, pg->owner,
			  pg->type, e);
}

static void count_table(const struct page *pg)
{
	const uint64_t *table = page_virt(pg);
	unsigned n = pg->flags & PGF_VALIDATED ? TABLE_ENTRIES :
		     pg->flags & PGF_PARTIAL   ? pg->stamp :
						 0;

	if (pg->type < PGT_L1 || pg->type > PGT_L4 || !pg->type_refs)
		return;
	for (unsigned i = 0; i < n; i++) {
		uint64_t e = table[i];
		bool use;

		if (pg->type == PGT_L4 && i >= HV_SLOT_FIRST &&
		    i <= HV_SLOT_LAST)
			continue;
		if (!(e & PTE_P) || (pg->type == PGT_L1 && e & PTE_GRANT))
			continue;
		use = pg->type != PGT_L1 || e & PTE_RW;
		count(pte_mfn(e), use);
		if (use && pg->flags & PGF_VALIDATED)
			link_check(pg, i, e);
	}
}

static void count_vcpu(const struct vcpu *v)
{
	if (!mfn_eq(v->root_kernel, MFN_NONE))
		count(v->root_kernel, true);
	if (!mfn_eq(v->root_user, MFN_NONE))
		count(v->root_user, true);
	if (v->old_table)
		count(page_mfn(v->old_table), true);
	for (unsigned i = 0; i < ARRAY_SIZE(v->gdt_frames); i++)
		if (!mfn_eq(v->gdt_frames[i], MFN_NONE))
			count(v->gdt_frames[i], true);
	for (unsigned i = 0; i < ARRAY_SIZE(v->ldt_frames); i++)
		if (!mfn_eq(v->ldt_frames[i], MFN_NONE))
			count(v->ldt_frames[i], true);
	if (!mfn_eq(v->event.info_mfn, MFN_NONE))
		count(v->event.info_mfn, true);
}

static bool audited(const struct page *pg)
{
	return pg->refs && pg->owner < DOMID_FIRST_RESERVED &&
	       domain_of(pg->owner);
}

static void count_all(uint64_t *frames)
{
	struct domain *d;
	struct vcpu *v;
	uint32_t k;

	for (uint64_t i = 1; i <= max_mfn; i++) {
		const struct page *pg = &frame_table[i];

		if (!audited(pg))
			continue;
		++*frames;
		if (pg->flags & PGF_ALLOCATED)
			count(MFN(i), false);
		if (pg->flags & PGF_PINNED)
			count(MFN(i), true);
		if (pg->flags & PGF_SAVED_REF)
			count(MFN(i), true);
		count_table(pg);
	}
	spin_lock(&domains_lock); /* a vif's last packet may let its domain go */
	for (d = domains; d; d = d->next) {
		domain_for_each_vcpu(d, v, k)
			count_vcpu(v);
		grant_audit(d);
	}
	spin_unlock(&domains_lock);
}

static uint64_t compare(void)
{
	uint64_t errors = bad_links;

	for (uint64_t i = 1; i <= max_mfn; i++) {
		const struct page *pg = &frame_table[i];

		if (!audited(pg) || (pg->refs == tally[i].refs &&
				     pg->type_refs == tally[i].type_refs))
			continue;
		if (errors++ < LINES_MAX && tell)
			log_error("audit: mfn %lx of domain %u, type %u, flags %x: "
				  "refs %u, counted %u; uses %u, counted %u", i,
				  pg->owner, pg->type, pg->flags, pg->refs,
				  tally[i].refs, pg->type_refs,
				  tally[i].type_refs);
	}
	return errors;
}

uint64_t mm_audit(uint64_t *frames)
{
	uint64_t bytes = (max_mfn + 1) * sizeof(*tally), errors = 1;
	unsigned order = 0, try;
	struct page *pg;

	while ((uint64_t)PAGE_SIZE << order < bytes)
		order++;
	pg = order <= PAGE_ORDER_MAX ? frames_alloc(order) : NULL;
	if (!pg) {
		log_error("audit: no memory for its tally of %lu bytes", bytes);
		return 1;
	}
	tally = page_virt(pg);
	for (try = 1; try <= TRIES && errors; try++) {
		memset(tally, 0, bytes);
		*frames = bad_links = 0;
		tell = try == TRIES;
		count_all(frames);
		errors = compare();
	}
	frames_free(pg, order);
	tally = NULL;
	return errors;
}
