/*
 * sharing_test.c: three domains of two vcpus that grant, map, copy, exchange and
 * give back frames, pin tables and end, in any order, on a small machine with
 * the real grant tables, page tables and frame table.
 *
 * Granters change entries between any two looks at them; another vcpu has its
 * turn wherever no lock is held; lists are preempted, memory runs out.  After each
 * step all counts are what entries, handles, pins and tables make of them, and
 * no CPU has a translation that it must not have.
 */
#include "sharing_machine.h"

#include "hypercall.h"

/* Of all that there are; the honest do not touch their own grant tables thus. */
static uint64_t any_frame(void)
{
	uint64_t mfn = below(NR_FRAMES + 1);
	const struct page *pg = page_of(MFN(mfn));

	return pg && pg->flags & PGF_XEN && honest(pg->owner) ? 0 : mfn;
}

static uint64_t some_frame(const struct domain *d, enum page_type type)
{
	for (unsigned tries = 8; tries && d->tot_pages; tries--) {
		uint32_t at = d->page_list, n = below((uint32_t)d->tot_pages);

		while (n--)
			at = frame_table[at].next;
		if (type == PGT_NONE || frame_table[at].type == type)
			return at;
	}
	return any_frame();
}

static uint64_t some_frame_of_any(const struct domain *d)
{
	return below(8) ? some_frame(d, below(3) ? PGT_WRITABLE : PGT_NONE) :
			  any_frame();
}

static uint64_t some_va(void)
{
	return below(2) * L2_SPAN + below(SLOTS) * PAGE_SIZE;
}

static uint16_t some_domid(void)
{
	const struct domain *d = places[below(NR_DOMAINS)].d;

	return d ? d->domid : DOMID_SELF;
}

static uint64_t some_entry(const struct domain *d, enum page_type type)
{
	static const uint64_t flags[] = { LINK, LINK, LINK, PTE_P | PTE_US, 0,
					  LINK | PTE_GRANT };
	uint64_t to = type > PGT_L1 && type <= PGT_L4 && below(8) ?
			      some_frame(d, type - 1) :
			      some_frame_of_any(d);

	return pte_make(MFN(to), flags[below(ARRAY_SIZE(flags))]);
}

static void grant_write(const struct domain *d, struct grant_entry_v1 *e)
{
	static const uint16_t flags[] = {
		GTF_permit_access, GTF_permit_access, GTF_permit_access,
		GTF_permit_access | GTF_readonly, GTF_invalid,
		GTF_permit_access | GTF_PCD, GTF_accept_transfer,
	};

	e->flags = flags[below(ARRAY_SIZE(flags))];
	e->domid = some_domid();
	e->frame = below(2) ? shared_entry(d, below(NR_REFS))->frame :
			      (uint32_t)some_frame_of_any(d);
}

void hostile_granter(const volatile void *word)
{
	uint64_t at = (uint64_t)word - DIRECTMAP_VIRT;
	const struct page *pg = page_of(MFN(at / PAGE_SIZE));
	struct grant_entry_v1 *e;

	if (!pg || !(pg->flags & PGF_XEN) || !domain_of(pg->owner) || below(4))
		return;
	e = (struct grant_entry_v1 *)page_virt(pg) + at % PAGE_SIZE / sizeof(*e);
	if (at % PAGE_SIZE / sizeof(*e) < NR_HONEST)
		return;
	grant_write(domain_of(pg->owner), e);
	e->flags |= (uint16_t)(below(4) * GTF_reading);
}

static void step_grant(struct place *p, unsigned i)
{
	uint32_t ref = below(NR_REFS);
	struct grant_entry_v1 *e = shared_entry(p->d, ref);

	if (ref >= NR_HONEST || !(e->flags & (GTF_reading | GTF_writing)))
		grant_write(p->d, e);
}

static void step_map(struct place *p, unsigned i)
{
	struct gnttab_map_grant_ref *op = p->arg[i].map;
	uint32_t n = 1 + below(BATCH);

	for (unsigned k = 0; k < n; k++)
		op[k] = (struct gnttab_map_grant_ref){
			.host_addr = some_va(),
			.flags = GNTMAP_host_map |
				 (below(2) ? GNTMAP_readonly : 0u),
			.ref = below(32) ? below(NR_REFS) : ~0u,
			.dom = some_domid(),
			.status = 1,
		};
	hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
		  (uint64_t)op, n, 0);
	feats[MAPPED] += op[0].status == GNTST_okay;
}

/* Mostly where that handle is. */
static uint64_t va_of(const struct place *p, uint32_t handle)
{
	const struct maptrack *t = p->d->grants->maps;

	return below(8) && t && t->bucket[0] ? t->bucket[0]->map[handle].va :
					       some_va();
}

static void step_unmap(struct place *p, unsigned i)
{
	struct gnttab_unmap_grant_ref *op = p->arg[i].unmap;
	uint32_t n = 1 + below(BATCH);

	for (unsigned k = 0; k < n; k++) {
		op[k] = (struct gnttab_unmap_grant_ref){ .handle = below(8),
							 .status = 1 };
		op[k].host_addr = va_of(p, op[k].handle);
	}
	hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref,
		  (uint64_t)op, n, 0);
	feats[UNMAPPED] += op[0].status == GNTST_okay;
}

static void step_replace(struct place *p, unsigned i)
{
	struct gnttab_unmap_and_replace *op = p->arg[i].replace;
	uint32_t n = 1 + below(BATCH);

	for (unsigned k = 0; k < n; k++) {
		op[k] = (struct gnttab_unmap_and_replace){ .handle = below(8),
							   .status = 1 };
		op[k].host_addr = va_of(p, op[k].handle);
		op[k].new_addr = some_va();
	}
	hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_and_replace,
		  (uint64_t)op, n, 0);
	feats[REPLACED] += op[0].status == GNTST_okay;
}

static void side(const struct domain *d, struct gnttab_copy_ptr *p, bool by_ref)
{
	p->offset = (uint16_t)below(4096);
	p->domid = by_ref ? some_domid() : DOMID_SELF;
	if (by_ref)
		p->u.ref = below(NR_REFS);
	else
		p->u.gmfn = some_frame_of_any(d);
}

static void step_copy(struct place *p, unsigned i)
{
	struct gnttab_copy *op = p->arg[i].copy;
	uint32_t n = 1 + below(BATCH);

	for (unsigned k = 0; k < n; k++) {
		op[k] = (struct gnttab_copy){
			.flags = (uint16_t)below(4), .status = 1,
			.len = (uint16_t)below(2000),
		};
		side(p->d, &op[k].source, op[k].flags & GNTCOPY_source_gref);
		side(p->d, &op[k].dest, op[k].flags & GNTCOPY_dest_gref);
	}
	hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, (uint64_t)op, n,
		  0);
	feats[COPIED] += op[0].status == GNTST_okay;
}

static unsigned some_foreigndom(const struct domain *d)
{
	return d->privileged && below(4) == 0 ? some_domid() : DOMID_SELF;
}

static void step_update(struct place *p, unsigned i)
{
	struct mmu_update *r = p->arg[i].update;
	uint32_t n = 1 + below(BATCH);
	unsigned from = some_foreigndom(p->d);
	const struct domain *owner = from == DOMID_SELF ? p->d :
				     domain_of((uint16_t)from);

	for (unsigned k = 0; k < n; k++) {
		uint64_t at = some_frame(p->d, below(8) ? PGT_L1 :
						       below(PGT_L4 + 1));
		enum page_type type = at < NR_FRAMES ? frame_table[at].type : 0;

		r[k].ptr = at << PAGE_SHIFT | below(SLOTS) * 8 |
			   (below(2) ? MMU_PT_UPDATE_PRESERVE_AD : 0);
		r[k].val = some_entry(type == PGT_L1 ? owner : p->d, type);
	}
	hypercall(__HYPERVISOR_mmu_update, (uint64_t)r, n, 0, from);
}

/* Its two L1 tables change places, and what they map does. */
static void step_swap(struct place *p, unsigned i)
{
	struct mmu_update *r = p->arg[i].update;
	uint64_t at = some_frame(p->d, PGT_L2) % NR_FRAMES;
	const uint64_t *l2 = mfn_virt(MFN(at));

	for (unsigned k = 0; k < 2; k++)
		r[k] = (struct mmu_update){ .ptr = at << PAGE_SHIFT | k * 8,
					    .val = l2[!k] };
	if (frame_table[at].type == PGT_L2)
		feats[SWAPPED] += hypercall(__HYPERVISOR_mmu_update,
					    (uint64_t)r, 2, 0,
					    DOMID_SELF) == 0;
}

static void step_ext(struct place *p, unsigned i)
{
	static const unsigned cmds[] = {
		MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
		MMUEXT_UNPIN_TABLE, MMUEXT_UNPIN_TABLE, MMUEXT_UNPIN_TABLE,
		MMUEXT_NEW_BASEPTR, MMUEXT_TLB_FLUSH_LOCAL,
	};
	struct mmuext_op *op = p->arg[i].ext;
	unsigned whose = some_foreigndom(p->d);
	const struct domain *owner = whose == DOMID_SELF ? p->d :
				     domain_of((uint16_t)whose);
	uint32_t n = 1 + below(BATCH);

	for (unsigned k = 0; k < n; k++) {
		op[k].cmd = cmds[below(ARRAY_SIZE(cmds))];
		op[k].arg1.mfn = some_frame(owner, below(PGT_L4 + 1));
	}
	feats[PINNED] += hypercall(__HYPERVISOR_mmuext_op, (uint64_t)op, n, 0,
				   whose) == 0;
}

static void step_memory(struct place *p, unsigned i)
{
	bool more = below(2);
	uint64_t *mfns = p->arg[i].memory.mfns;
	long n;

	p->arg[i].memory.r = (struct xen_memory_reservation){
		.domid = DOMID_SELF, .nr_extents = 1 + below(BATCH),
	};
	p->arg[i].memory.r.extent_start.p = (void *)mfns;
	for (unsigned k = 0; k < BATCH; k++)
		mfns[k] = more ? k : some_frame_of_any(p->d);
	n = hypercall(__HYPERVISOR_memory_op,
		      more ? XENMEM_populate_physmap :
			     XENMEM_decrease_reservation,
		      (uint64_t)&p->arg[i].memory.r, 0, 0);
	feats[more ? POPULATED : DECREASED] += n > 0;
}

/* A packet comes by flip: as netback does it. */
static void step_flip(struct place *p, unsigned i)
{
	struct page *give = frames_alloc(0), *got;
	uint64_t pte = some_frame(p->d, PGT_L1) << PAGE_SHIFT | below(SLOTS) * 8;
	struct domain *d = p->d;

	if (!give)
		return;
	if (mm_exchange(d, pte, give, &got) == 0) {
		feats[FLIPPED]++;
		tlb_flush_frame(got, d);
		give = got;
	}
	frames_free(give, 0);
}

/* One goes out by flip, or a backend uses a grant for a while. */
static void step_backend(struct place *p, unsigned i)
{
	struct pin *pin = &pins[below(NR_PINS)];
	struct page *pg;
	uint32_t ref = below(NR_REFS);
	bool readonly = below(2);

	if (below(4) == 0) {
		if (mm_get_mapped(p->d, some_frame(p->d, PGT_L1) << PAGE_SHIFT |
					below(SLOTS) * 8, &pg) == 0)
			page_put_type(pg);
	} else if (pin->d) {
		unpin(pin);
	} else if (grant_pin(p->d, ref, places[0].d->domid, readonly, &pg) ==
		   0) {
		*pin = (struct pin){ p->d, pg, ref, readonly };
	}
}

/* The CPU walks the tables, or uses what it found earlier. */
static void step_touch(struct place *p, unsigned i)
{
	unsigned half = below(2), slot = below(SLOTS), index;
	struct translation *t = &p->tlb[i][half * SLOTS + slot];
	struct page *l1, *pg;

	if (!t->pte) {
		l1 = walk_l1(p->d->vcpu[i], half * L2_SPAN + slot * PAGE_SIZE,
			     &index);
		if (!l1)
			return;
		t->pte = ((uint64_t *)page_virt(l1))[index];
		if (!(t->pte & PTE_P)) {
			t->pte = 0;
			return;
		}
		t->foreign = page_of(pte_mfn(t->pte))->owner != p->d->domid;
		feats[t->foreign && !(t->pte & PTE_GRANT) ? FOREIGN : LINKED]++;
	}
	pg = page_of(pte_mfn(t->pte));
	if (!(t->pte & PTE_RW) || pg->flags & PGF_XEN)
		return;
	((uint64_t *)page_virt(pg))[below(SLOTS)] = some_entry(p->d, PGT_L1 +
							      below(4));
	feats[STORED]++;
}

static void step_again(struct place *p, unsigned i)
{
	struct again a = p->again[i];

	p->again[i].nr = 0;
	hypercall(a.nr, a.args[0], a.args[1], a.args[2], a.args[3]);
}

static void step_kill(struct place *p, unsigned i)
{
	if (p != places && below(16) == 0)
		kill_try(p);
}

void turn(void)
{
	static void (*const steps[])(struct place *, unsigned) = {
		step_grant, step_grant, step_map, step_map, step_map,
		step_unmap, step_unmap, step_replace, step_copy, step_update,
		step_update, step_update, step_swap, step_ext, step_memory, step_flip,
		step_backend, step_touch, step_touch, step_touch, step_kill,
	};
	struct place *p = &places[below(NR_DOMAINS)];
	unsigned i = below(NR_VCPUS);

	if (!p->d) {
		domain_make(p);
	} else if (p->d->dying) {
		kill_try(p);
	} else if (p->d && &p->cpu[i] != outer) {
		running = &p->cpu[i];
		if (p->again[i].nr && below(8))
			step_again(p, i);
		else
			steps[below(ARRAY_SIZE(steps))](p, i);
	}
}

/* ---- tests ---- */

static int setup(void **state)
{
	machine_make();
	return 0;
}

static int teardown(void **state)
{
	machine_end();
	return 0;
}

#define STEPS	100000

static void test_anything(void **state)
{
	for (unsigned i = 0; i < STEPS; i++) {
		turn();
		audit();
		if (i % 2000 == 1999) {
			all_ends();
			domain_make(&places[0]);
		}
	}
	all_ends();
	for (unsigned i = 0; i < NR_FEATS; i++)
		assert_true(feats[i] > STEPS / 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_anything, setup, teardown),
	};

	return cmocka_run_group_tests_name("sharing", tests, NULL, NULL);
}
