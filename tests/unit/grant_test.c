/*
 * grant_test.c: entries and handles between two domains, on a small machine of
 * a few frames whose reference counts are counted here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../xen-core/grant/grant_private.h"
#include "heap.h"
#include "hypercall.h"
#include "mm.h"

#define NR_FRAMES	8	/* 0 to 3 of the granter, 4 to 7 of the mapper */
#define GRANTER		1
#define MAPPER		2

struct page *frame_table;
uint64_t max_mfn = NR_FRAMES - 1;
static struct domain *granter, *mapper;
static bool frame_is_table[NR_FRAMES];	/* refuses a writable use */
static unsigned fail_at, allocations;

/* ---- what grant.c and maptrack.c call ---- */

void *heap_alloc_for(struct domain *d, size_t size)
{
	if (fail_at && ++allocations == fail_at)
		return NULL;
	return calloc(1, size);
}

void heap_free_for(struct domain *d, void *p)
{
	free(p);
}

bool page_get(struct page *pg, const struct domain *d)
{
	if (pg->owner != d->domid)
		return false;
	pg->refs++;
	return true;
}

void page_put(struct page *pg)
{
	assert_int_not_equal(pg->refs, 0);
	pg->refs--;
}

int page_get_type(struct page *pg, struct domain *d, enum page_type type)
{
	assert_int_equal(type, PGT_WRITABLE);
	if (frame_is_table[pg - frame_table])
		return -EBUSY;
	if (!page_get(pg, d))
		return -EINVAL;
	pg->type_refs++;
	return 0;
}

void page_put_type(struct page *pg)
{
	assert_int_not_equal(pg->type_refs, 0);
	pg->type_refs--;
	page_put(pg);
}

/*
 * Shared pages lie nowhere near the direct map here, which has an address that
 * the host cannot have: the test reaches entries through grant_frame alone.
 */
static struct page share_page;

struct page *page_share_alloc(struct domain *d)
{
	return &share_page;
}

void page_share_end(struct page *pg, struct domain *d)
{
}

void domain_put(struct domain *d)
{
	assert_int_not_equal(d->refs, 0);
	d->refs--;
}

bool hypercall_preempt(void)
{
	return true;	/* always: who does not progress would hang */
}

void audit_count(mfn_t mfn, bool use)
{
}

/* ---- the small machine ---- */

static struct domain *domain_make(uint16_t id)
{
	struct domain *d = calloc(1, sizeof(*d));

	d->domid = id;
	d->refs = 1;
	assert_int_equal(grant_init(d), 0);
	return d;
}

/* One frame of entries, on the host's heap. */
static void table_make(struct domain *d)
{
	struct grant_frame *f = calloc(1, sizeof(*f));

	f->entries = calloc(ENTRIES_PER_FRAME, sizeof(*f->entries));
	d->grants->frame[0] = f;
	d->grants->nr_frames = 1;
}

static void domain_end(struct domain *d)
{
	if (d->grants->nr_frames) {
		free(d->grants->frame[0]->entries);
		d->grants->frame[0]->entries = NULL;
	}
	grant_free(d);
	free(d);
}

static int setup(void **state)
{
	uint16_t i;

	fail_at = allocations = 0;
	memset(frame_is_table, 0, sizeof(frame_is_table));
	frame_table = calloc(NR_FRAMES, sizeof(*frame_table));
	for (i = 0; i < NR_FRAMES; i++)
		frame_table[i].owner = i < NR_FRAMES / 2 ? GRANTER : MAPPER;
	granter = domain_make(GRANTER);
	mapper = domain_make(MAPPER);
	table_make(granter);
	return 0;
}

/* Nothing is left of any use. */
static int teardown(void **state)
{
	unsigned i;

	for (i = 0; i < NR_FRAMES; i++) {
		assert_int_equal(frame_table[i].refs, 0);
		assert_int_equal(frame_table[i].type_refs, 0);
	}
	assert_int_equal(granter->refs, 1);
	domain_end(granter);
	domain_end(mapper);
	free(frame_table);
	return 0;
}

static struct grant_entry_v1 *entry(uint32_t ref)
{
	return &granter->grants->frame[0]->entries[ref];
}

static void entry_set(uint32_t ref, uint16_t flags, uint16_t to, uint32_t frame)
{
	*entry(ref) = (struct grant_entry_v1){ flags, to, frame };
}

/* ---- what an entry must say ---- */

static void entries(void **state)
{
	static const struct {
		const char *sentence;
		uint16_t flags, domid;
		uint32_t frame, ref;
		bool readonly;
		int result;
	} rows[] = {
		{ "a granted frame is taken for writing", GTF_permit_access,
		  MAPPER, 1, 8, false, GNTST_okay },
		{ "and for reading", GTF_permit_access, MAPPER, 1, 8, true,
		  GNTST_okay },
		{ "a readonly grant for reading",
		  GTF_permit_access | GTF_readonly, MAPPER, 1, 8, true,
		  GNTST_okay },
		{ "not for writing", GTF_permit_access | GTF_readonly, MAPPER,
		  1, 8, false, GNTST_permission_denied },
		{ "another domain's grant is not ours", GTF_permit_access, 7, 1,
		  8, true, GNTST_permission_denied },
		{ "an invalid entry grants nothing", GTF_invalid, MAPPER, 1, 8,
		  true, GNTST_bad_gntref },
		{ "nor does one for a transfer", GTF_accept_transfer, MAPPER, 1,
		  8, true, GNTST_bad_gntref },
		{ "nor a transitive one", GTF_transitive, MAPPER, 1, 8, true,
		  GNTST_bad_gntref },
		{ "uncached memory is refused", GTF_permit_access | GTF_PCD,
		  MAPPER, 1, 8, true, GNTST_general_error },
		{ "so are parts of pages", GTF_permit_access | GTF_sub_page,
		  MAPPER, 1, 8, true, GNTST_general_error },
		{ "nobody grants what it does not own", GTF_permit_access,
		  MAPPER, 5, 8, true, GNTST_bad_page },
		{ "nor a frame that is not there", GTF_permit_access, MAPPER,
		  NR_FRAMES, 8, true, GNTST_bad_page },
		{ "nor the highest number", GTF_permit_access, MAPPER,
		  UINT32_MAX, 8, false, GNTST_bad_page },
		{ "a page table is not granted for writing", GTF_permit_access,
		  MAPPER, 3, 8, false, GNTST_bad_page },
		{ "but may be read", GTF_permit_access, MAPPER, 3, 8, true,
		  GNTST_okay },
		{ "the last entry of the table is one", GTF_permit_access,
		  MAPPER, 1, 511, true, GNTST_okay },
		{ "the next is not", GTF_permit_access, MAPPER, 1, 512, true,
		  GNTST_bad_gntref },
		{ "nor the highest reference", GTF_permit_access, MAPPER, 1,
		  UINT32_MAX, true, GNTST_bad_gntref },
	};
	size_t i;

	frame_is_table[3] = true;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct grant_entry_v1 before;
		uint32_t ref = rows[i].ref % ENTRIES_PER_FRAME;
		struct page *pg;
		int rc;

		entry_set(ref, rows[i].flags, rows[i].domid, rows[i].frame);
		before = *entry(ref);
		rc = grant_take(granter, rows[i].ref, MAPPER, rows[i].readonly,
				&pg);
		if (rc != rows[i].result)
			fail_msg("%s: %d, not %d", rows[i].sentence, rc,
				 rows[i].result);
		if (rc == GNTST_okay)
			grant_give_back(granter, rows[i].ref, rows[i].readonly,
					pg);
		if (memcmp(&before, entry(ref), sizeof(before)))
			fail_msg("%s: the entry is not as it was",
				 rows[i].sentence);
	}
}

/* ---- flags tell the granter what is in use ---- */

static void flags(void **state)
{
	struct page *a, *b;

	entry_set(9, GTF_permit_access, MAPPER, 2);
	assert_int_equal(grant_take(granter, 9, MAPPER, true, &a), 0);
	assert_int_equal(entry(9)->flags, GTF_permit_access | GTF_reading);
	assert_int_equal(grant_take(granter, 9, MAPPER, false, &b), 0);
	assert_int_equal(entry(9)->flags,
			 GTF_permit_access | GTF_reading | GTF_writing);
	assert_int_equal(frame_table[2].refs, 2);
	assert_int_equal(frame_table[2].type_refs, 1);
	grant_give_back(granter, 9, false, b);
	assert_int_equal(entry(9)->flags, GTF_permit_access | GTF_reading);
	grant_give_back(granter, 9, true, a);
	assert_int_equal(entry(9)->flags, GTF_permit_access);
}

/* ---- an entry in use is what it was when it was taken ---- */

static void copied(void **state)
{
	struct page *a, *b;

	entry_set(9, GTF_permit_access, MAPPER, 2);
	assert_int_equal(grant_take(granter, 9, MAPPER, true, &a), 0);

	entry_set(9, GTF_permit_access, MAPPER, 3);
	assert_int_equal(grant_take(granter, 9, MAPPER, false, &b), 0);
	assert_ptr_equal(a, b);
	grant_give_back(granter, 9, false, b);

	entry_set(9, GTF_permit_access, 7, 2);
	assert_int_equal(grant_take(granter, 9, 7, true, &b),
			 GNTST_permission_denied);
	entry_set(9, GTF_invalid, 0, 0);
	assert_int_equal(grant_take(granter, 9, MAPPER, true, &b),
			 GNTST_bad_gntref);
	grant_give_back(granter, 9, true, a);
	assert_int_equal(entry(9)->flags, GTF_invalid);
}

/* ---- for backends ---- */

static void pins(void **state)
{
	struct page *pg;

	entry_set(9, GTF_permit_access | GTF_readonly, 0, 2);
	assert_int_equal(grant_pin(granter, 9, 0, false, &pg), -EPERM);
	assert_int_equal(grant_pin(granter, 9, MAPPER, true, &pg), -EPERM);
	assert_int_equal(grant_pin(granter, 10, 0, true, &pg), -EINVAL);
	assert_int_equal(grant_pin(granter, 9, 0, true, &pg), 0);
	assert_ptr_equal(pg, &frame_table[2]);
	grant_unpin(granter, 9, true, pg);
}

/* ---- handles ---- */

/* A grant that the mapper maps at va: as map_grant_ref does it. */
static uint32_t map_make(uint32_t ref, uint64_t va, bool readonly)
{
	struct map m = { .granter = granter, .va = va, .ref = ref,
			 .readonly = readonly };
	struct page *pg;
	uint32_t handle;

	assert_int_equal(grant_take(granter, ref, MAPPER, readonly, &pg), 0);
	m.frame = (uint32_t)(pg - frame_table);
	granter->refs++;
	assert_int_equal(map_add(mapper, &m, &handle), 0);
	map_ready(mapper, handle);
	return handle;
}

static void map_unmake(uint32_t handle)
{
	struct map m;

	assert_int_equal(map_begin_end(mapper, handle, &m), 0);
	grant_give_back(m.granter, m.ref, m.readonly, &frame_table[m.frame]);
	map_end(mapper, handle);
	domain_put(m.granter);
}

static void handles(void **state)
{
	struct map m;
	uint32_t a, b;

	assert_int_equal(map_begin_end(mapper, 0, &m), GNTST_bad_handle);
	entry_set(9, GTF_permit_access, MAPPER, 2);
	a = map_make(9, 0x1000, true);
	b = map_make(9, 0x2000, false);
	assert_int_not_equal(a, b);
	assert_int_equal(grant_maps(mapper), 2);

	/* not given yet, not even made, far out, and of another domain */
	assert_int_equal(map_begin_end(mapper, MAP_BUCKET, &m),
			 GNTST_bad_handle);
	assert_int_equal(map_begin_end(mapper, b + 1, &m), GNTST_bad_handle);
	assert_int_equal(map_begin_end(mapper, MAX_MAPTRACK, &m),
			 GNTST_bad_handle);
	assert_int_equal(map_begin_end(mapper, UINT32_MAX, &m),
			 GNTST_bad_handle);
	assert_int_equal(map_begin_end(granter, a, &m), GNTST_bad_handle);

	/* one at a time ends it, and it ends once */
	assert_int_equal(map_begin_end(mapper, b, &m), GNTST_okay);
	assert_int_equal(m.va, 0x2000);
	assert_int_equal(map_begin_end(mapper, b, &m), GNTST_bad_handle);
	map_ready(mapper, b);
	map_unmake(b);
	assert_int_equal(map_begin_end(mapper, b, &m), GNTST_bad_handle);
	map_unmake(a);
	assert_int_equal(grant_maps(mapper), 0);

	/* a free one is given again */
	a = map_make(9, 0x1000, true);
	map_unmake(a);
}

static void handle_bounds(void **state)
{
	struct map m = { .granter = granter };
	uint32_t i, handle;

	for (i = 0; i < MAX_MAPTRACK; i++)
		assert_int_equal(map_add(mapper, &m, &handle), GNTST_okay);
	assert_int_equal(map_add(mapper, &m, &handle), GNTST_no_space);
	map_end(mapper, 77);
	assert_int_equal(map_add(mapper, &m, &handle), GNTST_okay);
	assert_int_equal(handle, 77);
	for (i = 0; i < MAX_MAPTRACK; i++)
		map_end(mapper, i);
}

/* The mapper ends: all that it held comes back, in as many steps as it takes. */
static void release(void **state)
{
	unsigned i, steps = 0;

	for (i = 0; i < 200; i++) {
		entry_set(i, GTF_permit_access, MAPPER, i % 4);
		map_make(i, 0x1000, i % 2);
	}
	while (grant_release(mapper) == -ERESTART)
		assert_true(++steps < 100);
	assert_true(steps > 1);
	assert_int_equal(grant_maps(mapper), 0);
	for (i = 0; i < 200; i++)
		assert_int_equal(entry(i)->flags, GTF_permit_access);
}

/* The n-th allocation fails, for each n: an error, and nothing is held. */
static void no_memory(void **state)
{
	struct map m = { .granter = granter };
	struct page *pg;
	uint32_t handle;

	entry_set(100, GTF_permit_access, MAPPER, 2);
	fail_at = 1;
	assert_int_equal(grant_take(granter, 100, MAPPER, false, &pg),
			 GNTST_no_space);
	assert_int_equal(entry(100)->flags, GTF_permit_access);
	fail_at = 1;
	allocations = 0;
	assert_int_equal(map_add(mapper, &m, &handle), GNTST_no_space);
	fail_at = 2;
	allocations = 0;
	assert_int_equal(map_add(mapper, &m, &handle), GNTST_no_space);
	assert_int_equal(grant_maps(mapper), 0);
}

/* Who is granted nothing costs the granter no memory, whatever it asks for. */
static void strangers(void **state)
{
	struct page *pg;
	uint32_t ref;

	for (ref = 0; ref < ENTRIES_PER_FRAME; ref++)
		entry_set(ref, ref % 2 ? GTF_permit_access : GTF_invalid,
			  MAPPER, 1);
	fail_at = 1;
	for (ref = 0; ref < ENTRIES_PER_FRAME; ref++)
		assert_int_not_equal(grant_take(granter, ref, MAPPER + 1, true,
						&pg), GNTST_okay);
	assert_int_equal(allocations, 0);
}

/* Room for entries grows on demand up to its bound. */
static void growth(void **state)
{
	assert_int_equal(grant_grow(mapper, MAX_GRANT_FRAMES + 1),
			 GNTST_general_error);
	assert_int_equal(mapper->grants->nr_frames, 0);
	fail_at = 1;
	assert_int_equal(grant_grow(mapper, 2), GNTST_no_space);
	assert_int_equal(mapper->grants->nr_frames, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(entries), T(flags),	 T(copied),    T(pins),
		T(handles), T(handle_bounds), T(release), T(no_memory),
		T(strangers), T(growth),
	};

	return cmocka_run_group_tests_name("grant", tests, NULL, NULL);
}
