/*
 * page_replace_test.c: a frame may take the place of one that has its owner's
 * reference and one writable mapping, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../xen-core/mm/mm_private.h"

#define NR_FRAMES	8
#define D		1
#define OTHER		2
#define OLD		3	/* the frame that is to go */
#define NEW		6	/* and the hypervisor's that comes */

struct page *frame_table;
uint64_t max_mfn = NR_FRAMES - 1;
uint32_t tlb_clock = 1;
static struct domain *d;

/* ---- what else page.c calls ---- */

struct domain *domain_of(uint16_t domid)
{
	return d;
}

int table_validate(struct page *pg, struct domain *owner, enum page_type type)
{
	return 0;
}

int table_drop(struct page *pg, struct domain *owner, enum page_type type,
	       bool preemptible)
{
	return 0;
}

void tlb_flush_frame(struct page *pg, struct domain *owner)
{
}

void tlb_flush_domain(struct domain *owner)
{
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

/* ---- the small machine: D owns frames 2, 3 and 4, each mapped once ---- */

static int setup(void **state)
{
	frame_table = calloc(NR_FRAMES, sizeof(*frame_table));
	d = calloc(1, sizeof(*d));
	d->domid = D;
	for (unsigned i = 2; i <= 4; i++) {
		page_give(&frame_table[i], d);
		assert_int_equal(page_get_type(&frame_table[i], d,
					       PGT_WRITABLE), 0);
	}
	frame_table[NEW].owner = DOMID_XEN;
	return 0;
}

static int teardown(void **state)
{
	free(frame_table);
	free(d);
	return 0;
}

static unsigned list_length(void)
{
	unsigned n = 0;

	for (uint32_t at = d->page_list, before = 0; at; n++) {
		assert_int_equal(frame_table[at].prev, before);
		assert_int_equal(frame_table[at].owner, D);
		before = at;
		at = frame_table[at].next;
	}
	return n;
}

static void test_replaces(void **state)
{
	struct page *old = &frame_table[OLD], *new = &frame_table[NEW];

	assert_int_equal(page_replace(old, new, d), 0);
	assert_int_equal(old->refs, 0);
	assert_int_equal(old->type_refs, 0);
	assert_int_equal(old->type, PGT_NONE);
	assert_int_equal(old->owner, DOMID_XEN);
	assert_int_equal(old->flags, 0);
	assert_int_equal(old->use, 0);
	assert_false(page_get(old, d));

	assert_int_equal(new->refs, 2);
	assert_int_equal(new->type_refs, 1);
	assert_int_equal(new->type, PGT_WRITABLE);
	assert_int_equal(new->flags, PGF_ALLOCATED | PGF_VALIDATED);
	assert_int_equal(d->tot_pages, 3);
	assert_int_equal(list_length(), 3);
}

/* There and back: nothing is left over. */
static void test_both_ways(void **state)
{
	struct page *old = &frame_table[OLD], *new = &frame_table[NEW];

	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(page_replace(old, new, d), 0);
		assert_int_equal(page_replace(new, old, d), 0);
	}
	assert_int_equal(old->refs, 2);
	assert_int_equal(list_length(), 3);
}

/* Each makes the frame one that must stay. */
static void second_reference(struct page *pg)
{
	page_get(pg, d);
}

static void second_use(struct page *pg)
{
	page_get_type(pg, d, PGT_WRITABLE);
}

static void pinned(struct page *pg)
{
	page_set_pinned(pg);
}

static void given_back_but_mapped(struct page *pg)
{
	page_release(pg, d);
}

/* As many references as it must have, but one of them is not the owner's. */
static void given_back_and_held(struct page *pg)
{
	page_get(pg, d);
	page_release(pg, d);
}

static void not_mapped(struct page *pg)
{
	page_put_type(pg);
}

static void read_only_twice(struct page *pg)
{
	page_put_type(pg);
	page_get(pg, d);
}

static void table(struct page *pg)
{
	page_put_type(pg);
	page_get_type(pg, d, PGT_L1);
}

static void of_the_hypervisor(struct page *pg)
{
	pg->flags |= PGF_XEN;
}

static void of_another(struct page *pg)
{
	pg->owner = OTHER;
}

static const struct {
	const char *what;
	void (*change)(struct page *pg);
	int want;
} refused[] = {
	{ "with a second reference", second_reference, -EBUSY },
	{ "with a second writable use", second_use, -EBUSY },
	{ "with a pin", pinned, -EBUSY },
	{ "given back, but mapped", given_back_but_mapped, -EBUSY },
	{ "given back, and held by somebody", given_back_and_held, -EBUSY },
	{ "that is not mapped", not_mapped, -EBUSY },
	{ "mapped read-only", read_only_twice, -EBUSY },
	{ "that is a page table", table, -EBUSY },
	{ "shared by the hypervisor", of_the_hypervisor, -EBUSY },
	{ "of another domain", of_another, -EINVAL },
};

static void test_refuses(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct page *old = &frame_table[OLD], before;
		int rc;

		d->mm_lock.next = d->mm_lock.owner + 1;
		refused[i].change(old);
		before = *old;
		rc = page_replace(old, &frame_table[NEW], d);
		if (rc != refused[i].want)
			fail_msg("a frame %s: %d", refused[i].what, rc);
		assert_memory_equal(old, &before, sizeof(before));
		assert_int_equal(frame_table[NEW].owner, DOMID_XEN);
		teardown(state);
		setup(state);
	}
}

/* A frame may become the hypervisor's between the guest's call and this. */
static void test_keeps_shared(void **state)
{
	struct page *pg = &frame_table[OLD], before;

	of_the_hypervisor(pg);
	before = *pg;
	assert_int_equal(page_release(pg, d), -EINVAL);
	assert_memory_equal(pg, &before, sizeof(before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_replaces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_both_ways, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keeps_shared, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
