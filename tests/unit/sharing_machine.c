/* sharing_machine.c: see sharing_machine.h. */
#include "sharing_machine.h"

#include <sys/mman.h>

#include "guest_access.h"
#include "heap.h"
#include "hypercall.h"
#include "io.h"
#include "nospec.h"

#undef READ_ONCE
#define READ_ONCE(x)                                                      \
	({                                                                \
		__typeof__(x) read_ = *(const volatile __typeof__(x) *)&(x); \
		hostile_granter(&(x));                                    \
		read_;                                                    \
	})
#include "../../xen-core/grant/grant.c"

struct page *frame_table;
uint64_t max_mfn = NR_FRAMES - 1;
uint32_t tlb_clock = 1;
uint64_t idle_l4[512];
struct domain *dom0;

struct place places[NR_DOMAINS];
struct pin pins[NR_PINS];
struct cpu_info *running, *outer;
bool is_free[NR_FRAMES];
unsigned feats[NR_FEATS];

static uint16_t next_domid;
static int live_bytes;
static uint64_t m2p[NR_FRAMES];
static bool nested;	/* in the middle of another vcpu's hypercall */

uint32_t below(uint32_t n)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 20) % n;
}

bool honest(uint16_t domid)
{
	return domid % 2;
}

struct grant_entry_v1 *shared_entry(const struct domain *d, uint32_t ref)
{
	return entry_of(d->grants, ref);
}

struct active *active_entry(const struct domain *d, uint32_t ref)
{
	return active_of(d->grants, ref);
}

/* ---- whose turn it is ---- */

struct cpu_info *cpu_info(void)
{
	return running;
}

struct place *place_of(const struct domain *d)
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

void domain_make(struct place *p)
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

void unpin(struct pin *p)
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

void kill_try(struct place *p)
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

long hypercall(unsigned nr, uint64_t a, uint64_t b, uint64_t c, uint64_t e)
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

/* ---- the small machine ---- */

void machine_make(void)
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
}

void machine_end(void)
{
	munmap((void *)DIRECTMAP_VIRT, NR_FRAMES * PAGE_SIZE);
	free(frame_table);
}

void all_ends(void)
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
