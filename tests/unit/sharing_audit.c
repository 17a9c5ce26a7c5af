/* sharing_audit.c: what must be true of the small machine at any time. */
#include "sharing_machine.h"

/* Handles of d for this frame with at least this right. */
static unsigned handles(const struct domain *d, uint64_t frame, bool rw)
{
	const struct maptrack *t = d->grants->maps;
	unsigned n = 0;

	for (unsigned h = 0; t && h < MAP_BUCKET; h++) {
		const struct map *m = t->bucket[0] ? &t->bucket[0]->map[h] :
						     NULL;

		n += m && m->state != MAP_FREE && m->frame == frame &&
		     !(rw && m->readonly);
	}
	return n;
}

static void translation_audit(const struct domain *d,
			      const struct translation *t)
{
	const struct page *pg = page_of(pte_mfn(t->pte));
	bool rw = t->pte & PTE_RW;

	if (t->pte & PTE_GRANT) {
		if (!handles(d, page_mfn(pg).n, rw))
			fail_msg("a CPU of domain %u maps frame %lu, for which "
				 "there is no grant with that right", d->domid,
				 page_mfn(pg).n);
		return;
	}
	if (t->foreign) {
		assert_int_not_equal(pg->refs, 0);
		assert_int_not_equal(pg->owner, d->domid);
		assert_true(!rw || (pg->type == PGT_WRITABLE && pg->type_refs));
		return;
	}
	if (is_free[pg - frame_table])
		return; /* who gets it flushes */
	if (pg->owner == DOMID_XEN)
		return; /* the exchange is about to flush */
	assert_int_equal(pg->owner, d->domid);
	if (rw && pg->type_refs && pg->type != PGT_WRITABLE)
		fail_msg("frame %lu, of role %u, can be written",
			 page_mfn(pg).n, pg->type);
}

void tlb_audit(void)
{
	for (unsigned n = 0; n < NR_DOMAINS * NR_VCPUS * 2 * SLOTS; n++) {
		const struct place *p = &places[n % NR_DOMAINS];
		unsigned k = n / NR_DOMAINS % (2 * SLOTS);
		const struct translation *t =
			&p->tlb[n / NR_DOMAINS / (2 * SLOTS)][k];

		if (p->d && t->pte)
			translation_audit(p->d, t);
	}
}

static struct {
	uint32_t refs, uses;
} tally[NR_FRAMES];

void audit_count(mfn_t mfn, bool use)
{
	assert_true(mfn.n && mfn.n < NR_FRAMES);
	tally[mfn.n].refs++;
	tally[mfn.n].uses += use;
}

/* Entries with PTE_GRANT in tables of a domain, by right. */
static unsigned granted[NR_FRAMES][2];

static void entry_audit(const struct domain *d, uint64_t e, enum page_type type,
			bool whole)
{
	const struct page *pg = page_of(pte_mfn(e));

	if (!(e & PTE_P))
		return;
	assert_non_null(pg);
	if (type == PGT_L1 && e & PTE_GRANT) {
		granted[pg - frame_table][!!(e & PTE_RW)]++;
		return;
	}
	audit_count(page_mfn(pg), type != PGT_L1 || e & PTE_RW);
	if (type == PGT_L1 && pg->owner != d->domid)
		assert_true(d->privileged);
	if (!whole || (type == PGT_L1 && !(e & PTE_RW)))
		return;
	assert_int_equal(pg->type, type == PGT_L1 ? PGT_WRITABLE : type - 1);
	assert_true(pg->flags & PGF_VALIDATED);
}

static void table_audit(const struct domain *d, const struct page *pg)
{
	bool whole = pg->flags & PGF_VALIDATED;
	unsigned n = whole ? 512 : pg->flags & PGF_PARTIAL ? pg->stamp : 0;

	if (pg->type < PGT_L1 || pg->type > PGT_L4 || !pg->type_refs)
		return;
	for (unsigned i = 0; i < n; i++)
		if (pg->type != PGT_L4 || i < HV_SLOT_FIRST || i > HV_SLOT_LAST)
			entry_audit(d, ((uint64_t *)page_virt(pg))[i],
				    pg->type, whole);
}

/* Each frame on d's list, and no other, is d's. */
static void list_audit(const struct domain *d)
{
	uint64_t n = 0;

	for (uint32_t at = d->page_list, before = 0; at; n++) {
		assert_int_equal(frame_table[at].owner, d->domid);
		assert_int_equal(frame_table[at].prev, before);
		before = at;
		at = frame_table[at].next;
	}
	assert_int_equal(n, d->tot_pages);
	assert_true(n <= d->max_pages);
}

static void tables_audit(const struct domain *d)
{
	memset(granted, 0, sizeof(granted));
	list_audit(d);
	for (uint32_t at = d->page_list; at; at = frame_table[at].next)
		table_audit(d, &frame_table[at]);
	for (unsigned i = 1; i < NR_FRAMES && !d->dying; i++) {
		unsigned any = handles(d, i, false), rw = handles(d, i, true);

		if (granted[i][1] > rw || granted[i][0] > any - rw)
			fail_msg("domain %u maps frame %u %u and %u times, with "
				 "%u and %u grants", d->domid, i, granted[i][0],
				 granted[i][1], any - rw, rw);
	}
	for (unsigned i = 0; i < NR_VCPUS; i++) {
		const struct vcpu *v = d->vcpu[i];

		if (!mfn_eq(v->root_kernel, MFN_NONE))
			audit_count(v->root_kernel, true);
		if (v->old_table)
			audit_count(page_mfn(v->old_table), true);
	}
}

/* Handles of d for frames of that granter. */
static uint32_t handles_of(const struct domain *d, const struct domain *granter)
{
	const struct maptrack *t = d->grants->maps;
	uint32_t n = 0, all = 0;

	for (unsigned h = 0; t && t->bucket[0] && h < MAP_BUCKET; h++) {
		all += t->bucket[0]->map[h].state != MAP_FREE;
		n += t->bucket[0]->map[h].state != MAP_FREE &&
		     t->bucket[0]->map[h].granter == granter;
	}
	assert_int_equal(all, d->grants->nr_maps);
	return n;
}

/* What handles and pins hold of entry ref of d. */
static void users_of(const struct domain *d, uint32_t ref, uint32_t *readers,
		     uint32_t *writers)
{
	*readers = *writers = 0;
	for (unsigned p = 0; p < NR_DOMAINS; p++) {
		const struct maptrack *t =
			places[p].d ? places[p].d->grants->maps : NULL;

		for (unsigned h = 0; t && t->bucket[0] && h < MAP_BUCKET; h++) {
			const struct map *m = &t->bucket[0]->map[h];

			if (m->state == MAP_FREE || m->granter != d ||
			    m->ref != ref)
				continue;
			assert_int_equal(m->state, MAP_USED);
			++*(m->readonly ? readers : writers);
			assert_int_equal(active_entry(d, ref)->frame,
					 m->frame);
			assert_int_equal(active_entry(d, ref)->domid,
					 places[p].d->domid);
		}
	}
	for (unsigned i = 0; i < NR_PINS; i++)
		if (pins[i].d == d && pins[i].ref == ref)
			++*(pins[i].readonly ? readers : writers);
}

static void grants_audit(struct domain *d)
{
	uint32_t refs = !place_of(d)->reaped;

	for (unsigned p = 0; p < NR_DOMAINS; p++)
		refs += places[p].d ? handles_of(places[p].d, d) : 0;
	assert_int_equal(d->refs, refs);
	for (uint32_t ref = 0; ref < NR_REFS; ref++) {
		struct active *a = active_entry(d, ref);
		uint16_t flags = shared_entry(d, ref)->flags;
		uint32_t readers, writers;

		users_of(d, ref, &readers, &writers);
		assert_int_equal(readers, a ? a->readers : 0);
		assert_int_equal(writers, a ? a->writers : 0);
		if (ref < NR_HONEST && honest(d->domid)) {
			assert_int_equal(!!(flags & GTF_reading),
					 readers || writers);
			assert_int_equal(!!(flags & GTF_writing), writers != 0);
			assert_true(!writers || !(flags & GTF_readonly));
		}
	}
	grant_audit(d);
}

void audit(void)
{
	memset(tally, 0, sizeof(tally));
	for (unsigned i = 0; i < NR_DOMAINS; i++) {
		if (!places[i].d)
			continue;
		tables_audit(places[i].d);
		grants_audit(places[i].d);
	}
	for (unsigned i = 1; i < NR_FRAMES; i++) {
		const struct page *pg = &frame_table[i];

		if (is_free[i]) {
			assert_int_equal(tally[i].refs, 0);
			assert_int_equal(m2p_get(MFN(i)), INVALID_M2P);
			continue;
		}
		assert_true(pg->flags & PGF_XEN || domain_of(pg->owner));
		tally[i].refs += !!(pg->flags & PGF_ALLOCATED);
		if (pg->flags & PGF_PINNED)
			audit_count(MFN(i), true);
		if (pg->flags & PGF_SAVED_REF)
			audit_count(MFN(i), true);
		assert_int_not_equal(pg->refs, 0);
		assert_int_equal(pg->refs, tally[i].refs);
		assert_int_equal(pg->type_refs, tally[i].uses);
	}
	tlb_audit();
}
