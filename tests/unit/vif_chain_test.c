/*
 * The slots of a packet off a transmit ring, as vif_tx.c gets them: what is
 * there is read once, what cannot be a packet is refused with all its ids, and
 * no index leads outside of the ring.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../netback/vif_chain.h"

#define MORE	NETTXF_more_data
#define EXTRA	NETTXF_extra_info
#define RING	256

static union {
	struct netif_tx_sring ring;
	char page[4096];
} shared;
static struct netif_tx_back_ring ring;

/* The header says ring[1]: a pointer does not know. */
static union netif_tx_sring_entry *slot(RING_IDX i)
{
	union netif_tx_sring_entry *entries = shared.ring.ring;

	return &entries[i % RING];
}

static void ring_new(RING_IDX at)
{
	memset(&shared, 0, sizeof(shared));
	BACK_RING_ATTACH(&ring, &shared.ring, at, 4096);
	shared.ring.req_prod = shared.ring.rsp_prod = at;
}

static void put(uint16_t size, uint16_t offset, uint16_t flags)
{
	RING_IDX i = shared.ring.req_prod++;

	slot(i)->req = (struct netif_tx_request){
		.gref = i, .id = (uint16_t)i, .size = size, .offset = offset,
		.flags = flags,
	};
}

static void put_extra(uint8_t type, uint8_t flags, uint16_t size, uint8_t gso)
{
	struct netif_extra_info x = { .type = type, .flags = flags };
	RING_IDX i = shared.ring.req_prod++;

	x.u.gso.size = size;
	x.u.gso.type = gso;
	memcpy(slot(i), &x, sizeof(x));
}

static void test_good(void **state)
{
	struct vif_chain c;

	ring_new(0xfffffffe);		/* indexes run over */
	assert_false(vif_chain_read(&ring, &c));
	put(300, 0, MORE | EXTRA);
	put_extra(1, 0, 1000, 1);
	put(100, 3996, MORE);
	put(199, 0, 0);
	put(60, 0, 0);
	assert_true(vif_chain_read(&ring, &c));
	assert_null(c.bad);
	assert_int_equal(c.nr, 3);
	assert_int_equal(c.nr_all, 3);
	assert_int_equal(c.nr_extra, 1);
	assert_int_equal(c.slot[0].size, 1);
	assert_int_equal(c.slot[2].size, 199);
	assert_int_equal(c.id[1], 0);
	assert_true(c.gso);
	assert_int_equal(c.gso_size, 1000);
	assert_true(vif_chain_read(&ring, &c));
	assert_null(c.bad);
	assert_int_equal(c.nr, 1);
	assert_false(c.gso);
	assert_false(vif_chain_read(&ring, &c));
}

/* The producer may be ahead by the slots whose responses are not due. */
static void test_indexes(void **state)
{
	static const struct {
		RING_IDX prod;		/* 100 consumed, 40 responded to */
		bool fatal;
	} rows[] = {
		{ 101, false }, { 296, false }, { 297, true },
		{ 100 + RING, true }, { 99, true }, { 41, true }, { 0, true },
		{ 0x80000000, true }, { 0xffffffff, true },
	};
	struct vif_chain c;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ring_new(100);
		ring.rsp_prod_pvt = 40;
		put(60, 0, 0);
		shared.ring.req_prod = rows[i].prod;
		assert_true(vif_chain_read(&ring, &c));
		assert_int_equal(c.fatal, rows[i].fatal);
		assert_int_equal(c.nr_all, !rows[i].fatal);
		assert_int_equal(ring.req_cons, 100 + !rows[i].fatal);
	}
}

static void test_long(void **state)
{
	static const struct {
		uint32_t slots;
		bool bad, fatal;
	} rows[] = {
		{ 18, false, false }, { CHAIN_SLOTS, false, false },
		{ CHAIN_SLOTS + 1, true, false }, { CHAIN_READ, true, false },
		{ CHAIN_READ + 1, true, true }, { RING, true, true },
	};
	struct vif_chain c;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ring_new(7);
		put(60000, 0, MORE);
		while (shared.ring.req_prod < 6 + rows[i].slots)
			put(1, 0, MORE);
		put(1, 0, 0);
		slot(7)->req.size = 100 + rows[i].slots - 1;
		assert_true(vif_chain_read(&ring, &c));
		assert_int_equal(c.bad != NULL, rows[i].bad);
		assert_int_equal(c.fatal, rows[i].fatal);
		assert_in_range(c.nr, 1, CHAIN_SLOTS);
		assert_int_equal(c.nr_all, rows[i].slots < CHAIN_READ ?
						   rows[i].slots : CHAIN_READ);
		if (!rows[i].fatal)
			assert_false(vif_chain_read(&ring, &c));
	}
}

static void test_extras(void **state)
{
	static const struct {
		uint8_t type, flags;
		uint16_t size;
		uint8_t gso;
		bool bad, fatal;
	} rows[] = {
		{ 1, 0, 1, 1, false, false }, { 1, 0, 9000, 2, false, false },
		{ 1, 0, 0, 1, true, false }, { 1, 0, 1000, 0, true, false },
		{ 1, 0, 1000, 3, true, false }, { 0, 0, 1000, 1, true, false },
		{ 4, 0, 1000, 1, true, false }, { 9, 0, 1000, 1, true, false },
		{ 1, 1, 1000, 1, true, true },
	};
	struct vif_chain c;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ring_new(0);
		put(100, 0, EXTRA);
		put_extra(rows[i].type, rows[i].flags, rows[i].size,
			  rows[i].gso);
		assert_true(vif_chain_read(&ring, &c));
		assert_int_equal(c.bad != NULL, rows[i].bad);
		assert_int_equal(c.fatal, rows[i].fatal);
		assert_int_equal(c.nr_extra, 1);
	}
}

static void test_sizes(void **state)
{
	static const struct {
		uint16_t first, offset, second, offset2;
		bool bad;
	} rows[] = {
		{ 14, 0, 1, 0, false }, { 13, 0, 1, 0, true },
		{ 100, 0, 99, 0, false }, { 100, 0, 100, 0, true },
		{ 100, 0, 0, 0, true }, { 100, 4095, 99, 0, false },
		{ 100, 4095, 98, 0, true }, { 100, 0, 10, 4087, true },
		{ 100, 4096, 10, 0, true }, { 0, 0, 0, 0, true },
		{ 65535, 0, 4096, 0, true }, { 8192, 0, 4096, 0, false },
		{ 8192, 65535, 4096, 0, true },
	};
	struct vif_chain c;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ring_new(0);
		put(rows[i].first, rows[i].offset, MORE);
		put(rows[i].second, rows[i].offset2, 0);
		assert_true(vif_chain_read(&ring, &c));
		assert_int_equal(c.bad != NULL, rows[i].bad);
		assert_false(c.fatal);
		assert_int_equal(c.nr_all, 2);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_indexes),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_extras),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
