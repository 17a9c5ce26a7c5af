/*
 * tables_test.c: page tables of one domain on a small machine, with preemption
 * wherever the code looks for it.  After each step every table that is valid is
 * walked: what it leads to is valid as the level below, and all counts are what
 * the entries, pins and stopped operations make of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "../../xen-core/mm/mm_private.h"
#include "hypercall.h"

#define NR_FRAMES	17	/* frame 0 is no memory */
#define D		1
#define NR_VCPUS	2
#define NEVER		(-1)
#define LINK		(PTE_P | PTE_US | PTE_RW)

struct page *frame_table;
uint64_t max_mfn = NR_FRAMES - 1;
uint32_t tlb_clock = 1;
uint64_t idle_l4[512];
static struct domain *d;
static struct vcpu vcpus[NR_VCPUS];
/* Looks until one says yes, or NEVER.  Tables are used at their end: that goes
 * first. */
static int preempt_in;

/* ---- what else the files under test call ---- */

bool hypercall_preempt(void)
{
	if (preempt_in == NEVER)
		return false;
	if (preempt_in-- > 0)
		return false;
	preempt_in = NEVER;
	return true;
}

struct domain *domain_of(uint16_t domid)
{
	return d;
}

void tlb_flush_frame(struct page *pg, struct domain *owner)
{
}

void tlb_flush_domain(struct domain *owner)
{
}

void tlb_flush_local(void)
{
}

void tlb_load_root(mfn_t root)
{
}

bool descriptor_ok(uint64_t *desc)
{
	return true;
}

void m2p_set(mfn_t mfn, uint64_t pfn)
{
}

struct page *frames_alloc(unsigned order)
{
	return NULL;
}

void frames_free(struct page *pg, unsigned order)
{
	fail_msg("a frame was freed");
}

/* ---- the small machine: D owns all frames, and holds its mm_lock ---- */

static uint64_t *table(unsigned mfn)
{
	return mfn_virt(MFN(mfn));
}

static uint64_t link_to(unsigned mfn)
{
	return pte_make(MFN(mfn), LINK);
}

static int setup(void **state)
{
	void *memory = mmap((void *)DIRECTMAP_VIRT, NR_FRAMES * PAGE_SIZE,
			    PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	assert_ptr_equal(memory, (void *)DIRECTMAP_VIRT);
	frame_table = calloc(NR_FRAMES, sizeof(*frame_table));
	d = calloc(1, sizeof(*d));
	d->domid = D;
	d->mm_lock.next = 1;
	for (unsigned i = 1; i < NR_FRAMES; i++)
		page_give(&frame_table[i], d);
	memset(vcpus, 0, sizeof(vcpus));
	for (unsigned i = 0; i < NR_VCPUS; i++) {
		vcpus[i].d = d;
		vcpus[i].root_kernel = vcpus[i].root_user = MFN_NONE;
	}
	preempt_in = NEVER;
	return 0;
}

static int teardown(void **state)
{
	munmap((void *)DIRECTMAP_VIRT, NR_FRAMES * PAGE_SIZE);
	free(frame_table);
	free(d);
	return 0;
}

/* ---- what must be true at any time ---- */

static struct {
	uint32_t refs, uses;
} tally[NR_FRAMES];

static void count(const struct page *pg, bool use)
{
	tally[pg - frame_table].refs++;
	tally[pg - frame_table].uses += use;
}

/* An entry that holds its reference; whole: of a table that CPUs may walk. */
static void entry_audit(uint64_t e, enum page_type type, bool whole)
{
	struct page *pg = page_of(pte_mfn(e));

	if (!(e & PTE_P))
		return;
	assert_non_null(pg);
	count(pg, type != PGT_L1 || e & PTE_RW);
	if (!whole || (type == PGT_L1 && !(e & PTE_RW)))
		return;
	assert_int_equal(pg->type, type == PGT_L1 ? PGT_WRITABLE : type - 1);
	if (!(pg->flags & PGF_VALIDATED))
		fail_msg("a table of level %u that is valid leads to one that "
			 "is not", type);
}

static void table_audit(const struct page *pg)
{
	bool whole = pg->flags & PGF_VALIDATED;
	unsigned n = whole ? 512 : pg->flags & PGF_PARTIAL ? pg->stamp : 0;

	if (pg->type < PGT_L1 || pg->type > PGT_L4 || !pg->type_refs)
		return;
	for (unsigned i = 0; i < n; i++)
		if (pg->type != PGT_L4 || i < HV_SLOT_FIRST || i > HV_SLOT_LAST)
			entry_audit(((uint64_t *)page_virt(pg))[i], pg->type,
				    whole);
}

static void audit(void)
{
	memset(tally, 0, sizeof(tally));
	for (unsigned i = 1; i < NR_FRAMES; i++) {
		const struct page *pg = &frame_table[i];

		count(pg, false);
		if (pg->flags & PGF_PINNED)
			count(pg, true);
		if (pg->flags & PGF_SAVED_REF)
			count(pg, true);
		table_audit(pg);
	}
	for (unsigned i = 0; i < NR_VCPUS; i++)
		if (vcpus[i].old_table)
			count(vcpus[i].old_table, true);
	for (unsigned i = 1; i < NR_FRAMES; i++) {
		assert_int_equal(frame_table[i].refs, tally[i].refs);
		assert_int_equal(frame_table[i].type_refs, tally[i].uses);
	}
}

/* ---- one case after the other ---- */

/*
 * An L3 table in 1 with an L2 in 2 that has L1 tables in 3 and 4.  Its unpin is
 * preempted when the L2 has let go of one; pinned again by another vcpu it must
 * hold both, or the one is a table that the guest writes.
 */
static void test_pin_while_undone(void **state)
{
	table(1)[511] = link_to(2);
	table(2)[510] = link_to(3);
	table(2)[511] = link_to(4);
	assert_int_equal(pin_table(d, MFN(1), PGT_L3), 0);
	audit();

	preempt_in = 0;
	assert_int_equal(unpin_table(d, MFN(1)), -ERESTART);
	audit();
	assert_int_equal(frame_table[4].type_refs, 0);

	assert_int_equal(pin_table(d, MFN(1), PGT_L3), -EINVAL); /* it is */
	audit();
	assert_int_equal(page_get_type(&frame_table[4], d, PGT_WRITABLE),
			 -EBUSY);

	assert_int_equal(unpin_table(d, MFN(1)), 0);
	audit();
}

/* What was let go of became plain memory meanwhile: the tree is refused. */
static void test_pin_of_what_is_gone(void **state)
{
	table(1)[511] = link_to(2);
	table(2)[510] = link_to(3);
	table(2)[511] = link_to(4);
	table(5)[0] = link_to(4);
	assert_int_equal(pin_table(d, MFN(1), PGT_L3), 0);
	preempt_in = 0;
	assert_int_equal(unpin_table(d, MFN(1)), -ERESTART);
	assert_int_equal(pin_table(d, MFN(5), PGT_L1), 0);

	assert_int_equal(pin_table(d, MFN(1), PGT_L3), -EBUSY);
	audit();
	assert_int_equal(unpin_table(d, MFN(1)), 0);
	assert_int_equal(unpin_table(d, MFN(5)), 0);
	audit();
}

/* The same where it is not a pin that ends but an entry. */
static void test_entry_while_undone(void **state)
{
	table(1)[511] = link_to(2);
	table(2)[511] = link_to(3);
	table(3)[510] = link_to(4);
	table(3)[511] = link_to(5);
	assert_int_equal(pin_table(d, MFN(1), PGT_L4), 0);

	preempt_in = 0;
	assert_int_equal(pte_update(&vcpus[0], &frame_table[1], 511, 0, d,
				    PTE_SET, NULL), -ERESTART);
	audit();
	assert_int_equal(pte_update(&vcpus[1], &frame_table[1], 7, link_to(2),
				    d, PTE_SET, NULL), 0);
	audit();
	assert_int_equal(old_table_finish(&vcpus[0]), 0);
	audit();
}

/* ---- anything ---- */

#define STEPS	200000

static uint32_t below(uint32_t n)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 20) % n;
}

/* Mostly trees that can be valid: frames 1 to 4 are roots, and so on down. */
static uint64_t some_entry(unsigned mfn)
{
	static const uint64_t flags[] = { LINK, LINK, LINK, LINK,
					  PTE_P | PTE_US, 0 };
	uint32_t below_it = 4 * (1 + (mfn - 1) / 4) + 1;

	if (below(16) == 0 || below_it + 4 > NR_FRAMES)
		below_it = 1 + below(NR_FRAMES - 4);
	return pte_make(MFN(below_it + below(4)), flags[below(6)]);
}

static int change_entry(struct vcpu *v, unsigned mfn)
{
	struct page *pg = &frame_table[mfn];
	unsigned index = 511 - below(3);
	int rc = old_table_finish(v);

	if (rc)
		return rc;
	if (pg->type >= PGT_L1 && pg->type <= PGT_L4 &&
	    page_is_table(pg, pg->type))
		return pte_update(v, pg, index, some_entry(mfn), d,
				  below(2) ? PTE_SET : PTE_KEEP_AD, NULL);
	rc = page_get_type(pg, d, PGT_WRITABLE);
	if (rc == 0) {
		table(mfn)[index] = some_entry(mfn);
		page_put_type(pg);
	}
	return rc;
}

static void step(void)
{
	struct vcpu *v = &vcpus[below(NR_VCPUS)];
	unsigned mfn = 1 + below(NR_FRAMES - 1);

	preempt_in = below(2) ? (int)below(below(4) ? 6 : 2000) : NEVER;
	switch (below(4)) {
	case 0:
		pin_table(d, MFN(mfn), below(8) ? PGT_L4 - (mfn - 1) / 4 % 4 :
						  PGT_L1 + below(4));
		break;
	case 1:
		unpin_table(d, MFN(mfn));
		break;
	default:
		change_entry(v, mfn);
		break;
	}
}

static void all_ends(void)
{
	preempt_in = NEVER;
	for (unsigned i = 0; i < NR_VCPUS; i++)
		assert_int_equal(old_table_finish(&vcpus[i]), 0);
	for (unsigned i = 1; i < NR_FRAMES; i++)
		if (page_take_saved_ref(&frame_table[i]))
			page_put_type(&frame_table[i]);
	for (unsigned i = 1; i < NR_FRAMES; i++)
		unpin_table(d, MFN(i));
	audit();
	for (unsigned i = 1; i < NR_FRAMES; i++)
		assert_int_equal(frame_table[i].refs, 1);
}

static void test_anything(void **state)
{
	for (unsigned i = 0; i < STEPS; i++) {
		step();
		audit();
		if (i % 1000 == 999)
			all_ends();
	}
	all_ends();
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_pin_while_undone),
		TEST(test_pin_of_what_is_gone),
		TEST(test_entry_while_undone),
		TEST(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
