/*
 * flip_test.c: how packets are laid into the pages of a flip ring, and whose
 * bytes are left around them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../netback/flip_plan.h"
#include "../../netback/leftover.h"

#define HDR	128

/* A packet with its headers pulled, from frames of which it fills such parts. */
struct part {
	uint32_t offset, len;	/* len 0: no more */
};

static struct vfr_packet packet(uint16_t hdr, const struct part *parts)
{
	struct vfr_packet p = { .hdr_len = hdr, .len = hdr };

	for (; parts->len; parts++) {
		p.frags[p.nr_frags++] = (struct vfr_frag){
			.offset = parts->offset, .len = parts->len,
		};
		p.len += parts->len;
	}
	return p;
}

static const struct {
	const char *what;
	bool givable;
	uint16_t hdr;
	struct part parts[4];
	bool by_piece;
	uint32_t slots;
} rows[] = {
	{ "a large packet goes as it is", true, HDR, { { 140, 1300 } }, true,
	  1 },
	{ "another's frames do not", false, HDR, { { 140, 1300 } }, false, 1 },
	{ "a small one is packed", true, HDR, { { 140, 60 } }, false, 1 },
	{ "one byte below the limit is packed", true, HDR,
	  { { 140, FLIP_MIN_BYTES - HDR - 1 } }, false, 1 },
	{ "at the limit it goes", true, HDR, { { 140, FLIP_MIN_BYTES - HDR } },
	  true, 1 },
	{ "one that is all headers is packed", true, 60, { { 0 } }, false, 1 },
	{ "headers with no room before them are packed", true, HDR + 4,
	  { { 131, 1300 } }, false, 1 },
	{ "headers that just fit go", true, HDR, { { 128, 1300 } }, true, 1 },
	{ "three frames take three slots", true, HDR,
	  { { 140, 3956 }, { 0, 4096 }, { 0, 100 } }, true, 3 },
	{ "packed, the same take two and a bit", false, HDR,
	  { { 140, 3956 }, { 0, 4096 }, { 0, 100 } }, false, 3 },
	{ "packed, 4096 bytes take one", false, HDR, { { 140, 3968 } }, false,
	  1 },
	{ "a piece that leaves its frame is not believed", true, HDR,
	  { { 140, 3956 }, { 1, 4096 } }, false, 2 },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vfr_packet p = packet(rows[i].hdr, rows[i].parts);
		bool by = flip_by_piece(&p, rows[i].givable);

		if (by != rows[i].by_piece ||
		    flip_slots(&p, by) != rows[i].slots)
			fail_msg("%s: %d, %u slots", rows[i].what, by,
				 flip_slots(&p, by));
	}
}

/* The pieces follow each other, lie in their pages, and are the whole packet. */
static void test_pieces_add_up(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vfr_packet p = packet(rows[i].hdr, rows[i].parts);
		bool by = flip_by_piece(&p, rows[i].givable);
		uint32_t from = 0;

		for (uint32_t k = 0; k < flip_slots(&p, by); k++) {
			struct flip_piece x = flip_piece(&p, by, k, from);

			assert_int_equal(x.from, from);
			assert_true(x.len > 0);
			assert_true(x.offset + x.len <= FLIP_PAGE);
			assert_true(!x.exchange || by);
			from += x.len;
		}
		assert_int_equal(from, p.len);
	}
}

static void test_headers_stand_before_the_rest(void **state)
{
	struct vfr_packet p = packet(HDR, (struct part[]){ { 140, 3956 },
							   { 0, 200 }, { 0 } });
	struct flip_piece x = flip_piece(&p, true, 0, 0);

	assert_int_equal(x.offset, 12);
	assert_int_equal(x.hdr, HDR);
	assert_int_equal(x.len, HDR + 3956);
	assert_true(x.exchange);
	x = flip_piece(&p, true, 1, x.len);
	assert_int_equal(x.hdr, 0);
	assert_int_equal(x.len, 200);
	assert_false(x.exchange);	/* the short end of a long packet */
}

/* ---- whose bytes are left in a frame ---- */

static void test_left_after_one_filling(void **state)
{
	struct page pg = { .use = 0 };

	leftover_given(&pg, 7);
	assert_false(leftover_is(&pg, 7));	/* not said to be posted */
	leftover_posted(&pg);
	assert_true(leftover_is(&pg, 7));
	assert_false(leftover_is(&pg, 8));
	leftover_posted(&pg);			/* the packet went elsewhere */
	assert_false(leftover_is(&pg, 7));
	leftover_posted(&pg);
	assert_false(leftover_is(&pg, 7));
}

static void test_a_fresh_frame_is_nobodys(void **state)
{
	struct page pg = { .use = 0 };

	assert_false(leftover_is(&pg, 0));
	leftover_posted(&pg);
	assert_false(leftover_is(&pg, 0));
}

static void test_numbers_do_not_come_back(void **state)
{
	uint32_t last = 0;
	struct page pg;

	assert_int_equal(leftover_number(&last), 1);
	assert_int_equal(leftover_number(&last), 2);
	last = LEFTOVER_WHOSE - 1;
	assert_int_equal(leftover_number(&last), LEFTOVER_WHOSE);
	assert_int_equal(leftover_number(&last), 0);
	assert_int_equal(leftover_number(&last), 0);

	leftover_given(&pg, LEFTOVER_WHOSE);	/* the last one fits */
	leftover_posted(&pg);
	assert_true(leftover_is(&pg, LEFTOVER_WHOSE));
	leftover_given(&pg, 0);			/* nobody's stays nobody's */
	leftover_posted(&pg);
	assert_false(leftover_is(&pg, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_pieces_add_up),
		cmocka_unit_test(test_headers_stand_before_the_rest),
		cmocka_unit_test(test_left_after_one_filling),
		cmocka_unit_test(test_a_fresh_frame_is_nobodys),
		cmocka_unit_test(test_numbers_do_not_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
