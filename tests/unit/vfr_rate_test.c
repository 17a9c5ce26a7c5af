/*
 * The rate of a NIC: what is above it is dropped as it comes in, and counted.
 */
#include "vfr_kit.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nic),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
