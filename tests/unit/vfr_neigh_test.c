/*
 * Neighbours: how they are asked for, and what becomes of packets that wait for
 * the answer.
 */
#include "vfr_kit.h"

static void test_arp_resolves(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_port_stats st;
	struct frame f;
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 3; i++) {
		frame_udp(&f, WEB, "10.1.0.10", 5 + i, "192.168.1.44", 2, 9);
		kit_rx(k, WEB, &f);
	}
	assert_int_equal(kit_step(k, VFR_STEP_HELD), 0);
	assert_int_equal(k->nr_caught, 1);	/* one question */
	assert_int_equal(be16(k->caught[0].b + 12), 0x806);
	vfr_port_stats(k->v, WEB, &st);
	assert_int_equal(st.held, 3);
	kit_clear(k);
	frame_arp(&f, LAN, 2, kit_mac[LAN], "192.168.1.44", "192.168.1.1");
	kit_rx(k, LAN, &f);
	assert_int_equal(k->nr_caught, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(k->caught[i].port, LAN);
		assert_int_equal(be16(k->caught[i].b + 34), 5 + i);
		assert_memory_equal(k->caught[i].b, kit_mac[LAN], 6);
	}
	kit_free(k);
}

static void test_arp_fails(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 40; i++) {
		frame_udp(&f, WEB, "10.1.0.10", 5, "192.168.1.45", 2 + i, 9);
		kit_rx(k, WEB, &f);
	}
	/* 16 may wait for one neighbour. */
	assert_int_equal(kit_drops(k, WEB, VFR_DROP_NO_NEIGHBOUR), 24);
	kit_wait(k, 10);
	assert_int_equal(kit_drops(k, WEB, VFR_DROP_NO_NEIGHBOUR), 40);
	assert_int_equal(k->packets_out, 0);
	/* A flood of next hops cannot grow the table beyond its bound. */
	for (i = 0; i < 100; i++) {
		char dst[32];

		snprintf(dst, sizeof(dst), "192.168.1.%d", 100 + i);
		frame_udp(&f, WEB, "10.1.0.10", 5, dst, 7, 9);
		kit_rx(k, WEB, &f);
	}
	kit_free(k);
}

/* The VFR asks for a neighbour on a NIC and hears the answer. */
static void test_ndp_resolves(void **state)
{
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "fd00:1::10", 5, "2001:db8:1::9", 2, 9);
	kit_rx(k, WEB, &f);
	c = kit_one(k, LAN);
	assert_int_equal(c->b[54], NS);
	assert_true(sums_ok(c->b, c->len));
	frame_nd(&f, LAN, NA, "2001:db8:1::9", "2001:db8:1::1",
		 "2001:db8:1::9", kit_mac[LAN]);
	kit_rx(k, LAN, &f);
	c = kit_one(k, LAN);
	assert_int_equal(c->b[20], 17);
	assert_memory_equal(c->b, kit_mac[LAN], 6);
	kit_free(k);
}

/* Of what was caught at a domain, the errors "host unreachable" about f. */
static int told_unreachable(const struct kit *k, int port,
			    const struct frame *f)
{
	bool v6 = f->b[14] >> 4 == 6;
	uint32_t l4 = v6 ? 54 : 34;
	int i, n = 0;

	for (i = 0; i < k->nr_caught; i++) {
		const struct caught *c = &k->caught[i];

		if (c->port != port)
			continue;
		n++;
		assert_true(sums_ok(c->b, c->len));
		assert_int_equal(c->b[l4], v6 ? 1 : 3);
		assert_int_equal(c->b[l4 + 1], v6 ? 3 : 1);
		assert_memory_equal(c->b + l4 + 8, f->b + 14, v6 ? 48 : 28);
		assert_memory_equal(c->b, kit_mac[port], 6);
	}
	return n;
}

/* RFC 1812, 4.3.3.1 and RFC 4443, 3.1: whoever asked for it is told, once. */
static void test_silent_neighbour(void **state)
{
	static const struct { const char *src, *dst; } t[] = {
		{ "10.1.0.10", "192.168.1.45" },
		{ "fd00:1::10", "2001:db8:1::45" },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i, n;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 2; i++) {
		frame_udp(&f, WEB, t[i].src, 5, t[i].dst, 7, 9);
		for (n = 0; n < 3; n++)
			kit_rx(k, WEB, &f);
		assert_int_equal(told_unreachable(k, WEB, &f), 0);
		kit_clear(k);
		kit_wait(k, 4);
		assert_int_equal(told_unreachable(k, WEB, &f), 1);
		/* While it is known to be silent the answer comes at once. */
		kit_clear(k);
		kit_rx(k, WEB, &f);
		assert_string_equal(kit_last_reason(k), "no_neighbour");
		assert_int_equal(told_unreachable(k, WEB, &f), 1);
		kit_wait(k, 10);
		kit_clear(k);
	}
	kit_free(k);
}

/* The quote is the packet as its sender knows it. */
static void test_silent_neighbour_nat(void **state)
{
	static const struct kit_nat nat = {
		VFR_NAT_MASQUERADE, .match = "10.1.0.0/24", .port = LAN
	};
	struct kit *k = kit_new(NULL);
	struct frame f;

	assert_int_equal(kit_load(k, allow_all, 1, &nat, 1, 0), 0);
	frame_udp(&f, WEB, "10.1.0.10", 5, "192.168.1.45", 7, 9);
	kit_rx(k, WEB, &f);
	kit_clear(k);
	kit_wait(k, 4);
	assert_int_equal(told_unreachable(k, WEB, &f), 1);
	kit_free(k);
}

/* No error where the neighbour answers, or the sender has gone meanwhile;
   and none of the VFR's own packets is lost by it. */
static void test_neighbour_answers_late(void **state)
{
	static const struct vfr_limits few = {
		.ports = 8, .flows = 1024, .rules = 256, .neighbours = 128,
		.hosts = 64, .macs = 16, .fragments = 8, .packets = 4,
		.sources = 64, .taps = 4, .tap_insns = 64, .log = 64,
	};
	struct kit *k = kit_new(&few);
	struct frame f, arp;
	char dst[32];
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 40; i++) {
		snprintf(dst, sizeof(dst), "192.168.1.%d", 100 + i);
		frame_udp(&f, WEB, "10.1.0.10", 5, dst, 7, 9);
		kit_rx(k, WEB, &f);
		frame_arp(&arp, LAN, 2, kit_mac[LAN], dst, "192.168.1.1");
		kit_rx(k, LAN, &arp);
		kit_wait(k, 0.3);
	}
	kit_wait(k, 9);
	assert_int_equal(told_unreachable(k, WEB, &f), 0);
	frame_udp(&f, WEB, "10.1.0.10", 5, "192.168.1.45", 7, 9);
	kit_rx(k, WEB, &f);
	kit_clear(k);
	assert_int_equal(vfr_port_detach(k->v, WEB), 0);
	kit_wait(k, 4);
	assert_int_equal(told_unreachable(k, WEB, &f), 0);
	/* There are packets left to answer with. */
	frame_udp(&f, DB, "10.1.0.20", 5, "192.168.1.46", 7, 9);
	kit_rx(k, DB, &f);
	kit_clear(k);
	kit_wait(k, 4);
	assert_int_equal(told_unreachable(k, DB, &f), 1);
	kit_free(k);
}

/* What waits was allowed by rules that are no longer in force. */
static void test_reload_while_waiting(void **state)
{
	static const struct kit_rule none[] = { { VFR_DENY, .id = 5 } };
	struct kit *k = kit_new(NULL);
	struct vfr_port_stats st;
	struct frame f, arp;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "10.1.0.10", 5, "192.168.1.45", 7, 9);
	kit_rx(k, WEB, &f);
	vfr_port_stats(k->v, WEB, &st);
	assert_int_equal(st.held, 1);
	kit_clear(k);
	KIT_LOAD(k, none);
	kit_account(k);
	vfr_port_stats(k->v, WEB, &st);
	assert_int_equal(st.held, 0);
	assert_int_equal(st.drops[VFR_DROP_NO_NEIGHBOUR], 1);
	assert_int_equal(k->packets_out, 0);
	frame_arp(&arp, LAN, 2, kit_mac[LAN], "192.168.1.45", "192.168.1.1");
	kit_rx(k, LAN, &arp);
	assert_int_equal(k->nr_caught, 0);
	/* Nor does an error go out that was made for it. */
	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "10.1.0.10", 5, "192.168.1.46", 7, 9);
	kit_rx(k, WEB, &f);
	KIT_LOAD(k, none);
	kit_clear(k);
	kit_wait(k, 4);
	assert_int_equal(told_unreachable(k, WEB, &f), 0);
	kit_free(k);
}

/* One domain asks for more of a LAN's addresses than the table has room for. */
static void test_scan(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 1, 0, 77 };
	struct kit *k = kit_new(NULL);
	struct frame f, arp;
	char dst[32];
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 40; i++) {
		snprintf(dst, sizeof(dst), "192.168.1.%d", 100 + i);
		frame_udp(&f, WEB, "10.1.0.10", 5, dst, 7, 9);
		kit_rx(k, WEB, &f);
		/* Another's next hop is asked for, and gets its time. */
		if (i == 29) {
			kit_clear(k);
			frame_udp(&f, DB, "10.1.0.20", 5, "203.0.113.77", 7, 9);
			kit_rx(k, DB, &f);
			assert_int_equal(be16(kit_one(k, WAN)->b + 12), 0x806);
		}
	}
	kit_clear(k);
	frame_arp(&arp, WAN, 2, mac, "203.0.113.77", "203.0.113.2");
	kit_rx(k, WAN, &arp);
	assert_memory_equal(kit_one(k, WAN)->b, mac, 6);
	/* What was given up is counted, and what is known stays known. */
	assert_int_equal(kit_drops(k, WEB, VFR_DROP_NO_NEIGHBOUR), 40 - 13);
	frame_udp(&f, DB, "10.1.0.20", 5, "192.168.1.9", 7, 9);
	kit_rx(k, DB, &f);
	assert_memory_equal(kit_one(k, LAN)->b, kit_mac[LAN], 6);
	kit_free(k);
}

/*
 * A station of the LAN has more addresses than the table has room for, and
 * answers for all.  The other link's next hops still find room, up to its half.
 */
static void test_many_addresses(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 1, 0, 77 };
	struct kit *k = kit_new(NULL);
	struct vfr_stats st;
	struct frame f, arp;
	char addr[32];
	int i;

	KIT_LOAD(k, allow_all);
	kit_wait(k, 95);		/* nobody is known any more */
	for (i = 0; i < 40; i++) {
		kit_clear(k);
		snprintf(addr, sizeof(addr), "192.168.1.%d", 100 + i);
		frame_udp(&f, WEB, "10.1.0.10", 5, addr, 7, 9);
		kit_rx(k, WEB, &f);
		frame_arp(&arp, LAN, 2, mac, addr, "192.168.1.1");
		kit_rx(k, LAN, &arp);
	}
	vfr_stats(k->v, &st);
	for (i = 0; i < 40; i++) {
		kit_clear(k);
		snprintf(addr, sizeof(addr), "203.0.113.%d", 100 + i);
		frame_udp(&f, DB, "10.1.0.20", 5, addr, 9, 9);
		kit_rx(k, DB, &f);
		if (i >= (int)st.neighbours / 2)
			break;
		assert_int_equal(be16(kit_one(k, WAN)->b + 12), 0x806);
		frame_arp(&arp, WAN, 2, mac, addr, "203.0.113.2");
		kit_rx(k, WAN, &arp);
		assert_memory_equal(kit_one(k, WAN)->b, mac, 6);
	}
	assert_string_equal(kit_last_reason(k), "no_neighbour");
	/* The LAN keeps those that were used last. */
	frame_udp(&f, DB, "10.1.0.20", 5, "192.168.1.115", 7, 9);
	kit_clear(k);
	kit_rx(k, DB, &f);
	assert_memory_equal(kit_one(k, LAN)->b, mac, 6);
	kit_free(k);
}

/* Half of the packets that may wait is the most that one port can have. */
static void test_held_share(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_port_stats st;
	struct frame f;
	char dst[32];
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 130; i++) {
		snprintf(dst, sizeof(dst), "192.168.1.%d", 100 + i % 10);
		frame_udp(&f, WEB, "10.1.0.10", 5, dst, 7 + i, 9);
		kit_rx(k, WEB, &f);
	}
	vfr_port_stats(k->v, WEB, &st);
	assert_int_equal(st.held, 24);	/* of 48 */
	frame_udp(&f, DB, "10.1.0.20", 5, "203.0.113.77", 7, 9);
	kit_rx(k, DB, &f);
	vfr_port_stats(k->v, DB, &st);
	assert_int_equal(st.held, 1);
	/* As many again when those are gone. */
	kit_wait(k, 10);
	for (i = 0; i < 130; i++) {
		snprintf(dst, sizeof(dst), "192.168.1.%d", 100 + i % 10);
		frame_udp(&f, WEB, "10.1.0.10", 5, dst, 7 + i, 9);
		kit_rx(k, WEB, &f);
	}
	vfr_port_stats(k->v, WEB, &st);
	assert_int_equal(st.held, 24);	/* of 48 */
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arp_resolves),
		cmocka_unit_test(test_ndp_resolves),
		cmocka_unit_test(test_arp_fails),
		cmocka_unit_test(test_silent_neighbour),
		cmocka_unit_test(test_silent_neighbour_nat),
		cmocka_unit_test(test_neighbour_answers_late),
		cmocka_unit_test(test_reload_while_waiting),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_held_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
