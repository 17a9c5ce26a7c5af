/*
 * The rate of a NIC: what is above it is dropped as it comes in, and counted.
 */
#include "vfr_kit.h"

#include "../../vfr/internal.h"

#define RATE_BPS	8000000		/* 1 MB a second */
#define BURST		65550		/* what such a rate may be ahead */

/* Packets of 1,042 bytes, one in 100 us of the kit: ten times the rate. */
static uint64_t flood(struct kit *k, int port, const char *src, const char *dst)
{
	struct frame f;
	uint64_t bytes = 0;
	int i;

	frame_udp(&f, port, src, 1000, dst, 2000, 1000);
	for (i = 0; i < 10000; i++) {
		k->now += 99000;	/* kit_rx() takes 1,000 */
		kit_clear(k);
		kit_rx(k, port, &f);
		bytes += k->nr_caught ? f.len : 0;
	}
	return bytes;
}

static void test_nic(void **state)
{
	struct kit *k;
	uint64_t bytes;

	kit_wan_rate_bps = RATE_BPS;
	k = kit_new(NULL);
	KIT_LOAD(k, allow_all);
	bytes = flood(k, WAN, "8.8.8.8", "10.1.0.10");
	assert_in_range(bytes, RATE_BPS / 8 - 2000, RATE_BPS / 8 + BURST + 2000);
	assert_in_range(kit_drops(k, WAN, VFR_DROP_PORT_RATE), 8800, 9000);
	kit_account(k);

	/* After a while it may send at once as much as it could be ahead. */
	kit_wait(k, 1);
	bytes = flood(k, WAN, "8.8.8.8", "10.1.0.10");
	assert_in_range(bytes, RATE_BPS / 8 + BURST - 2000,
			RATE_BPS / 8 + BURST + 2000);
	kit_free(k);
	kit_wan_rate_bps = 0;
}

/* What goes out by the NIC, and what comes in by others, is not its affair. */
static void test_others(void **state)
{
	struct kit *k;

	kit_wan_rate_bps = RATE_BPS;
	k = kit_new(NULL);
	KIT_LOAD(k, allow_all);
	assert_in_range(flood(k, WEB, "10.1.0.10", "8.8.8.8"), 10000 * 1042,
			10000 * 1042);
	assert_in_range(flood(k, LAN, "192.168.1.9", "10.1.0.10"), 10000 * 1042,
			10000 * 1042);
	assert_int_equal(kit_drops(k, WAN, VFR_DROP_PORT_RATE), 0);
	kit_free(k);
	kit_wan_rate_bps = 0;
}

static uint64_t taken(struct kit *k, struct bucket *b, uint32_t rate,
		      uint32_t burst, uint32_t n, uint64_t gap_ns)
{
	uint64_t got = 0;

	for (; n; n--, k->v->now += gap_ns)
		got += bucket_take(k->v, b, rate, 1000, burst);
	return got;
}

/* Events of a limit: as many as it says, also where many more are refused. */
static void test_limit(void **state)
{
	static const struct {
		uint32_t rate;
		uint64_t gap_ns;
	} t[] = {
		{ 10, 1000 }, { 1500, 1000 }, { 1999, 1000 }, { 3333, 777 },
		{ 300001, 1000 }, { 300001, 3000 }, { 999999, 500 },
	};
	struct kit *k = kit_new(NULL);
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct bucket b = { 0 };
		uint32_t n = 1000000000 / t[i].gap_ns;
		uint64_t got, due = t[i].rate;

		got = taken(k, &b, t[i].rate, 1, n, t[i].gap_ns);
		if (got > due + due / 500 + 1 || (t[i].rate <= 10 && got < due))
			fail_msg("%u at %lu ns: %lu", t[i].rate,
				 (unsigned long)t[i].gap_ns,
				 (unsigned long)got);
	}
	kit_free(k);
}

/* However long there was nothing, it may be as much at once as ever. */
static void test_limit_idle(void **state)
{
	static const uint32_t days[] = { 1, 100, 214, 400, 10000 };
	const uint32_t most = 1000000;
	struct kit *k = kit_new(NULL);
	struct bucket b = { 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(days); i++) {
		assert_int_equal(taken(k, &b, most, most, 2 * most, 0), most);
		k->v->now += days[i] * 86400 * NS_PER_S;
	}
	/* Slower than its period: a fifth of what the bucket holds. */
	b = (struct bucket){ 0 };
	assert_int_equal(taken(k, &b, 10, 100, 200, 0), 100);
	k->v->now += 2 * NS_PER_S;
	assert_int_equal(taken(k, &b, 10, 100, 200, 0), 20);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nic),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
