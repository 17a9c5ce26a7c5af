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
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/memory.h>

#include "../../xen-core/grant/grant_private.h"
#include "../../xen-core/mm/mm_private.h"
#include "guest_access.h"
#include "heap.h"
#include "hypercall.h"
#include "io.h"
#include "nospec.h"

/* Where a granter reads its own table, the next look may find something else. */
static void hostile_granter(const volatile void *word);
#undef READ_ONCE
#define READ_ONCE(x)                                                      \
	({                                                                \
		__typeof__(x) read_ = *(const volatile __typeof__(x) *)&(x); \
		hostile_granter(&(x));                                    \
		read_;                                                    \
	})
#include "../../xen-core/grant/grant.c"

#define NR_FRAMES	64	/* frame 0 is no memory */
#define NR_DOMAINS	3	/* at a time; the first is privileged */
#define NR_VCPUS	2
#define RESERVED	11	/* frames of a new domain: five become tables */
#define MAX_PAGES	14
#define SLOTS		6	/* of each L1 table that are used */
#define NR_REFS		8	/* entries that are used; the first half of them */
#define NR_HONEST	4	/* change only while nobody uses them, in the */
				/* tables of domains with odd numbers */
#define NR_PINS		4	/* of backends at a time */
#define BATCH		4
#define LINK		(PTE_P | PTE_US | PTE_RW)
#define L2_SPAN		(1ul << 21)

struct page *frame_table;
uint64_t max_mfn = NR_FRAMES - 1;
uint32_t tlb_clock = 1;
uint64_t idle_l4[512];
struct domain *dom0;

/* One translation that the CPU of a vcpu holds. */
struct translation {
	uint64_t pte;		/* 0: none */
	bool foreign;		/* the frame was another's when it was loaded */
};

static struct place {
	struct domain *d;	/* NULL: nobody */
	bool killing, killed, reaped;
	struct cpu_info cpu[NR_VCPUS];
	struct translation tlb[NR_VCPUS][2 * SLOTS];
	struct again {		/* a hypercall that goes on at the next turn */
		unsigned nr, n;
		uint64_t args[6];
	} again[NR_VCPUS];
	/* What a vcpu's hypercall has in the guest's memory. */
	union {
		struct gnttab_map_grant_ref map[BATCH];
		struct gnttab_unmap_grant_ref unmap[BATCH];
		struct gnttab_unmap_and_replace replace[BATCH];
		struct gnttab_copy copy[BATCH];
		struct mmu_update update[BATCH];
		struct mmuext_op ext[BATCH];
		struct {
			struct xen_memory_reservation r;
			uint64_t mfns[BATCH];
		} memory;
	} arg[NR_VCPUS];
} places[NR_DOMAINS];

static struct pin {
	struct domain *d;	/* NULL: not in use */
	struct page *pg;
	uint32_t ref;
	bool readonly;
} pins[NR_PINS];

static struct cpu_info *running; /* whose hypercall this is; NULL: nobody's */
static uint16_t next_domid;
static int live_bytes;
static bool is_free[NR_FRAMES];
static uint64_t m2p[NR_FRAMES];
static bool nested;	/* in the middle of another vcpu's hypercall: */
static struct cpu_info *outer;

/* How often something came about: a test of refusals alone is none. */
enum { MAPPED, UNMAPPED, REPLACED, COPIED, FLIPPED, PINNED, POPULATED,
	      DECREASED, STORED, LINKED, FOREIGN, SWAPPED, KILLED, NR_FEATS };
static unsigned feats[NR_FEATS];

static uint32_t below(uint32_t n)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 20) % n;
}

static bool honest(uint16_t domid)
{
	return domid % 2;
}

/* ---- whose turn it is ---- */

struct cpu_info *cpu_info(void)
{
	return running;
}

static struct place *place_of(const struct domain *d)
{
	for (unsigned i = 0; i < NR_DOMAINS; i++)
		if (places[i].d == d)
			return &places[i];
	return NULL;
}

static struct place *here(void)
{
	return place_of(current->d);
}

static bool any_lock_held(void)
{
	for (unsigned i = 0; i < NR_DOMAINS; i++) {
		struct domain *d = places[i].d;

		if (d && (spin_held(&d->mm_lock) ||
			  spin_held(&d->page_list_lock) ||
			  spin_held(&d->grants->lock)))
			return true;
	}
	return false;
}

static void turn(void);
static void tlb_audit(void);

/* Somebody else's turn, where code may be held up for any time. */
static void elsewhere(void)
{
	struct cpu_info *me = running;

	if (nested || !running || any_lock_held())
		return;
	tlb_audit();
	if (below(4))
		return;
	nested = true;
	outer = me;
	for (uint32_t n = below(3); n; n--)
		turn();
	nested = false;
	outer = NULL;
	running = me;
	tlb_audit();
}

/* ---- translations ---- */

void invlpg(uint64_t va)
{
	unsigned at = (unsigned)(va / L2_SPAN * SLOTS +
				 va % L2_SPAN / PAGE_SIZE);

	if (at < 2 * SLOTS)
		here()->tlb[current->id][at].pte = 0;
}

void tlb_flush_local(void)
{
	memset(here()->tlb[current->id], 0, sizeof(here()->tlb[0]));
}

void tlb_load_root(mfn_t root)
{
	tlb_flush_local();
}

void tlb_flush_domain(struct domain *d)
{
	elsewhere();
	memset(place_of(d)->tlb, 0, sizeof(place_of(d)->tlb));
	elsewhere();
}

void tlb_flush_cpus(uint64_t mask)
{
	tlb_flush_domain(current->d);
}

void tlb_flush_va(uint64_t mask, uint64_t va)
{
	tlb_flush_domain(current->d);
}

void tlb_flush_frame(struct page *pg, struct domain *owner)
{
	memset(place_of(owner)->tlb, 0, sizeof(place_of(owner)->tlb));
}

/* ---- memory ---- */

void m2p_set(mfn_t mfn, uint64_t pfn)
{
	m2p[mfn.n] = pfn;
}

uint64_t m2p_get(mfn_t mfn)
{
	return m2p[mfn.n];
}

uint64_t frames_free_count(void)
{
	uint64_t n = 0;

	for (unsigned i = 1; i < NR_FRAMES; i++)
		n += is_free[i];
	return n;
}

struct page *frames_alloc(unsigned order)
{
	unsigned first = 1 + below(NR_FRAMES - 1);

	assert_int_equal(order, 0);
	for (unsigned i = 0; i < NR_FRAMES; i++) {
		unsigned mfn = (first + i) % NR_FRAMES;

		if (!is_free[mfn])
			continue;
		is_free[mfn] = false;
		assert_int_equal(m2p[mfn], INVALID_M2P);
		frame_table[mfn] = (struct page){ .owner = DOMID_XEN };
		for (unsigned p = 0; p < NR_DOMAINS; p++)
			memset(places[p].tlb, 0, sizeof(places[p].tlb));
		return &frame_table[mfn];
	}
	return NULL;
}

void frames_free(struct page *pg, unsigned order)
{
	assert_int_equal(order, 0);
	assert_false(is_free[page_mfn(pg).n]);
	assert_int_equal(pg->refs, 0);
	assert_int_equal(pg->type_refs, 0);
	is_free[page_mfn(pg).n] = true;
}

void *heap_alloc_for(struct domain *d, size_t size)
{
	uint64_t *p = below(64) ? calloc(1, size + 16) : NULL;

	if (!p)
		return NULL;
	*p = size;
	d->heap_bytes += size;
	live_bytes += (int)size;
	return p + 2;
}

void heap_free_for(struct domain *d, void *memory)
{
	uint64_t *p = memory;

	if (!p)
		return;
	p -= 2;
	d->heap_bytes -= *p;
	live_bytes -= (int)*p;
	free(p);
}

/* ---- domains ---- */

struct domain *domain_of(uint16_t domid)
{
	for (unsigned i = 0; i < NR_DOMAINS; i++)
		if (places[i].d && places[i].d->domid == domid)
			return places[i].d;
	return NULL;
}

struct domain *domain_get(uint16_t domid)
{
	struct domain *d = domid == DOMID_SELF ? current->d : domain_of(domid);

	if (!d || d->dying)
		return NULL;
	d->refs++;
	return d;
}

void domain_put(struct domain *d)
{
	struct place *p = place_of(d);

	assert_int_not_equal(d->refs, 0);
	if (--d->refs)
		return;
	assert_true(p->killed);
	assert_int_equal(d->tot_pages, 0);
	grant_free(d);
	assert_int_equal(d->heap_bytes, 0);
	for (unsigned i = 0; i < NR_VCPUS; i++)
		free(d->vcpu[i]);
	free(d);
	*p = (struct place){ 0 };
}

/* The root in the last of its frames, two L1 tables below it. */
static void tables_build(struct domain *d)
{
	uint32_t f[5], at = d->page_list;

	for (unsigned i = 0; i < 5; i++, at = frame_table[at].next)
		f[i] = at;
	for (unsigned i = 0; i < 3; i++)
		*(uint64_t *)mfn_virt(MFN(f[i])) = pte_make(MFN(f[i + 1]), LINK);
	((uint64_t *)mfn_virt(MFN(f[2])))[1] = pte_make(MFN(f[4]), LINK);
	while (mm_pin(d, MFN(f[0]), PGT_L4))
		;
	for (unsigned i = 0; i < NR_VCPUS; i++)
		assert_int_equal(mm_set_root(d->vcpu[i], MFN(f[0])), 0);
}

static void domain_make(struct place *p)
{
	struct domain *d;
	uint64_t got = 0;
	bool was = nested;

	if (frames_free_count() < RESERVED + 1)
		return;
	*p = (struct place){ .d = calloc(1, sizeof(*d)) };
	d = p->d;
	d->domid = ++next_domid;
	d->refs = 1;
	d->privileged = p == places;
	d->max_pages = MAX_PAGES;
	d->nr_vcpus = NR_VCPUS;
	d->dirty_cpus = 3ull << (p - places) * NR_VCPUS;
	for (unsigned i = 0; i < NR_VCPUS; i++) {
		d->vcpu[i] = calloc(1, sizeof(struct vcpu));
		d->vcpu[i]->d = d;
		d->vcpu[i]->id = i;
		d->vcpu[i]->root_kernel = d->vcpu[i]->root_user = MFN_NONE;
		p->cpu[i].vcpu = d->vcpu[i];
		p->cpu[i].cpu = (uint32_t)(p - places) * NR_VCPUS + i;
	}
	nested = true; /* nobody knows it yet */
	while (grant_init(d))
		;
	while (grant_grow(d, 1))
		;
	while (mm_reserve(d, RESERVED, 0, &got))
		;
	tables_build(d);
	nested = was;
}

static void unpin(struct pin *p)
{
	struct pin was = *p;

	p->d = NULL;
	grant_unpin(was.d, was.ref, was.readonly, was.pg);
}

/* As domain/kill.c. */
static void kill_step(struct place *p)
{
	struct domain *d = p->d;

	if (!d->dying) {
		d->dying = true;
		memset(p->tlb, 0, sizeof(p->tlb));
		for (unsigned i = 0; i < NR_PINS; i++)
			if (pins[i].d == d)
				unpin(&pins[i]);
	}
	if (!p->killed && (grant_release(d) || mm_relinquish(d)))
		return;
	p->killed = true;
	/* A handle for a frame that is none of these, of d's grant table, may
	 * outlive it. */
	if (d->tot_pages || p->reaped)
		return;
	p->reaped = true;
	feats[KILLED]++;
	domain_put(d);
}

/* dom0 does it; not while a vcpu of it is in the hypervisor. */
static void kill_try(struct place *p)
{
	if (p->killing || (outer && outer->vcpu->d == p->d))
		return;
	p->killing = true;
	running = places[0].d ? &places[0].cpu[0] : NULL;
	kill_step(p);
	p->killing = false;
}

/* ---- hypercalls ---- */

bool hypercall_preempt(void)
{
	elsewhere();
	return below(8) == 0;
}

bool descriptor_ok(uint64_t *desc)
{
	return true;
}

void vcpu_set_ldt(struct vcpu *v, uint64_t base, uint32_t ents)
{
}

int vcpumask_cpus(struct domain *d, uint64_t array, uint64_t *mask)
{
	*mask = 0;
	return 0;
}

bool guest_range_ok(uint64_t addr, uint64_t len)
{
	return addr < 2 * L2_SPAN;
}

/* The guest has no more memory than what it keeps its lists in. */
static bool accessible(uint64_t at, uint64_t len)
{
	const struct place *p = here();
	uint64_t offset = at - (uint64_t)p->arg;

	return below(128) && offset < sizeof(p->arg) &&
	       len <= sizeof(p->arg) - offset;
}

int copy_from_guest(void *to, uint64_t from, uint64_t len)
{
	elsewhere();
	if (!accessible(from, len))
		return -EFAULT;
	memcpy(to, (void *)from, len);
	return 0;
}

int copy_to_guest(uint64_t to, const void *from, uint64_t len)
{
	elsewhere();
	if (!accessible(to, len))
		return -EFAULT;
	memcpy((void *)to, from, len);
	return 0;
}

long hypercall_continue(unsigned nr, unsigned n, ...)
{
	struct again *a = &here()->again[current->id];
	va_list ap;

	*a = (struct again){ .nr = nr, .n = n };
	va_start(ap, n);
	for (unsigned i = 0; i < n; i++)
		a->args[i] = va_arg(ap, uint64_t);
	va_end(ap);
	return 0;
}

static long hypercall(unsigned nr, uint64_t a, uint64_t b, uint64_t c,
		      uint64_t e)
{
	switch (nr) {
	case __HYPERVISOR_grant_table_op:
		return a == GNTTABOP_map_grant_ref ?
			       grant_map_batch(b, (unsigned)c) :
		       a == GNTTABOP_unmap_grant_ref ?
			       grant_unmap_batch(b, (unsigned)c) :
		       a == GNTTABOP_unmap_and_replace ?
			       grant_replace_batch(b, (unsigned)c) :
			       grant_copy_batch(b, (unsigned)c);
	case __HYPERVISOR_mmu_update:
		return do_mmu_update(a, (unsigned)b, c, (unsigned)e);
	case __HYPERVISOR_mmuext_op:
		return do_mmuext_op(a, (unsigned)b, c, (unsigned)e);
	case __HYPERVISOR_memory_op:
		return do_memory_op(a, b);
	}
	fail_msg("no such hypercall");
	return 0;
}

/* ---- what must be true at any time ---- */

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

static void tlb_audit(void)
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
			assert_int_equal(active_of(d->grants, ref)->frame,
					 m->frame);
			assert_int_equal(active_of(d->grants, ref)->domid,
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
		struct active *a = active_of(d->grants, ref);
		uint16_t flags = entry_of(d->grants, ref)->flags;
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

static void audit(void)
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
			assert_int_equal(m2p[i], INVALID_M2P);
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

/* ---- what a domain may do ---- */

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
	e->frame = below(2) ? entry_of(d->grants, below(NR_REFS))->frame :
			      (uint32_t)some_frame_of_any(d);
}

static void hostile_granter(const volatile void *word)
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
	struct grant_entry_v1 *e = entry_of(p->d->grants, ref);

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

static void turn(void)
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

/* ---- the small machine ---- */

static int setup(void **state)
{
	void *memory = mmap((void *)DIRECTMAP_VIRT, NR_FRAMES * PAGE_SIZE,
			    PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	assert_ptr_equal(memory, (void *)DIRECTMAP_VIRT);
	frame_table = calloc(NR_FRAMES, sizeof(*frame_table));
	for (unsigned i = 0; i < NR_FRAMES; i++) {
		is_free[i] = i > 0;
		m2p[i] = INVALID_M2P;
		frame_table[i].owner = DOMID_XEN;
	}
	memset(places, 0, sizeof(places));
	domain_make(&places[0]);
	return 0;
}

static int teardown(void **state)
{
	munmap((void *)DIRECTMAP_VIRT, NR_FRAMES * PAGE_SIZE);
	free(frame_table);
	return 0;
}

/* All domains end, dom0 last; what they map of each other may keep some. */
static void all_ends(void)
{
	unsigned left = 1;

	nested = true;
	for (unsigned tries = 0; left && tries < 10000; tries++) {
		left = 0;
		for (unsigned i = NR_DOMAINS; i-- > 0;) {
			if (places[i].d)
				kill_try(&places[i]);
			left += places[i].d != NULL;
		}
	}
	nested = false;
	running = NULL;
	assert_int_equal(left, 0);
	assert_int_equal(frames_free_count(), NR_FRAMES - 1);
	assert_int_equal(live_bytes, 0);
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
