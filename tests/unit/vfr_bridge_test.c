/*
 * Bridged nets: domains that sit directly on the LAN behind a NIC.
 */
#include "vfr_kit.h"

static void test_bridge(void **state)
{
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, BR, "192.168.1.50", 5, "192.168.1.9", 6, 9);
	memcpy(f.b, kit_mac[LAN], 6);
	kit_rx(k, BR, &f);
	c = kit_one(k, LAN);
	assert_memory_equal(c->b, f.b, f.len);		/* not a bit changed */
	frame_udp(&f, LAN, "192.168.1.9", 6, "192.168.1.50", 5, 9);
	memcpy(f.b, kit_mac[BR], 6);
	kit_rx(k, LAN, &f);
	c = kit_one(k, BR);
	assert_memory_equal(c->b, f.b, f.len);
	assert_int_equal(kit_step(k, VFR_STEP_FLOW_HIT), 0);

	frame_udp(&f, BR, "192.168.1.51", 5, "192.168.1.9", 6, 9);
	memcpy(f.b, kit_mac[LAN], 6);
	kit_rx(k, BR, &f);
	assert_string_equal(kit_last_reason(k), "spoof");
	frame_udp(&f, LAN, "192.168.1.9", 6, "192.168.1.51", 5, 9);
	memcpy(f.b, kit_mac[BR], 6);		/* its MAC, not its address */
	kit_rx(k, LAN, &f);
	assert_string_equal(kit_last_reason(k), "not_for_us");
	frame_udp(&f, LAN, "192.168.1.9", 6, "192.168.1.50", 5, 9);
	f.b[5] = 0x77;				/* for some other station */
	kit_rx(k, LAN, &f);
	assert_string_equal(kit_last_reason(k), "not_for_us");
	/* Broadcast goes to all of the net, by copies. */
	frame_udp(&f, LAN, "192.168.1.9", 6, "255.255.255.255", 5, 900);
	memset(f.b, 0xff, 6);
	kit_rx(k, LAN, &f);
	c = kit_one(k, BR);
	assert_memory_equal(c->b, f.b, f.len);
	assert_int_equal(k->packets_out, 0);
	kit_free(k);
}

/* A bridged domain bound to any address: free to use them, owner of none. */
static void test_bridge_any(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;

	kit_br_any = true;
	KIT_LOAD(k, allow_all);
	kit_br_any = false;
	frame_udp(&f, LAN, "192.168.1.9", 6, "10.1.0.10", 5, 9);
	kit_rx(k, LAN, &f);
	kit_one(k, WEB);
	frame_udp(&f, BR, "192.168.1.77", 6, "192.168.1.9", 5, 9);
	memcpy(f.b, kit_mac[LAN], 6);
	kit_rx(k, BR, &f);
	kit_one(k, LAN);
	frame_arp(&f, LAN, 1, kit_mac[LAN], "192.168.1.9", "192.168.1.77");
	kit_rx(k, LAN, &f);
	kit_one(k, BR);
	/* It may ask for an address, too. */
	frame_udp(&f, BR, "0.0.0.0", 68, "255.255.255.255", 67, 200);
	memset(f.b, 0xff, 6);
	kit_rx(k, BR, &f);
	assert_int_equal(kit_one(k, LAN)->len, f.len);
	kit_free(k);
	/* One that is bound may not. */
	k = kit_new(NULL);
	KIT_LOAD(k, allow_all);
	kit_rx(k, BR, &f);
	assert_string_equal(kit_last_reason(k), "spoof");
	kit_free(k);
}

/* IPv4 is kept as a part of IPv6's space, but is no part of a binding to that. */
static void test_any_of_one_family(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;

	kit_br_any6 = true;
	KIT_LOAD(k, allow_all);
	kit_br_any6 = false;
	frame_udp(&f, BR, "192.168.1.50", 6, "10.1.0.10", 5, 9);
	kit_rx(k, BR, &f);
	kit_one(k, WEB);
	kit_clear(k);
	frame_udp(&f, BR, "2001:db8:7::7", 6, "fd00:1::20", 5, 9);
	kit_rx(k, BR, &f);
	kit_one(k, DB);
	frame_udp(&f, BR, "192.168.1.77", 6, "10.1.0.10", 5, 9);
	kit_rx(k, BR, &f);
	assert_string_equal(kit_last_reason(k), "spoof");
	kit_free(k);
}

static void test_bridge_reject(void **state)
{
	static const struct kit_rule rules[] = { { VFR_REJECT } };
	static const struct tcp_spec syn = { SYN, 1000, 0, 100, 0 };
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f;

	KIT_LOAD(k, rules);
	frame_tcp(&f, BR, "192.168.1.50", 7, "192.168.1.9", 80, &syn);
	memcpy(f.b, kit_mac[LAN], 6);
	kit_rx(k, BR, &f);
	c = kit_one(k, BR);
	assert_true(sums_ok(c->b, c->len));
	assert_memory_equal(c->b, kit_mac[BR], 6);
	assert_memory_equal(c->b + 6, kit_mac[LAN], 6);
	assert_int_equal(c->b[47], RST | ACK);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bridge),
		cmocka_unit_test(test_bridge_any),
		cmocka_unit_test(test_any_of_one_family),
		cmocka_unit_test(test_bridge_reject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
