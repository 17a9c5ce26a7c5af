/*
 * Neighbours: who may claim which address by ARP and NDP, and what becomes of
 * packets whose next hop is asked for.
 */
#include "vfr_kit.h"

static const struct {
	const char *what;
	int port;
	uint16_t op;
	int mac_of;		/* sender MAC: of that port's station */
	const char *spa, *tpa;
	int answered;		/* a frame comes out of this port, -1 none */
	const char *reason;
} arps[] = {
	{ "a domain finds its gateway", WEB, 1, WEB, "10.1.0.10", "10.1.0.1", WEB, 0 },
	{ "a domain finds its neighbours at the gateway", WEB, 1, WEB, "10.1.0.10", "10.1.0.20", WEB, 0 },
	{ "a domain probes its own address in silence", WEB, 1, WEB, "0.0.0.0", "10.1.0.10", -1, 0 },
	{ "a domain cannot probe another's address", WEB, 1, WEB, "0.0.0.0", "10.1.0.20", -1, "spoof" },
	{ "a domain cannot announce another's address", WEB, 1, WEB, "10.1.0.20", "10.1.0.20", -1, "spoof" },
	{ "a domain cannot answer for another", WEB, 2, WEB, "10.1.0.20", "10.1.0.1", -1, "spoof" },
	{ "a domain cannot use another's MAC in ARP", WEB, 1, DB, "10.1.0.10", "10.1.0.1", -1, "spoof" },
	{ "nothing is said of other nets", WEB, 1, WEB, "10.1.0.10", "192.168.1.9", -1, 0 },
	{ "a host on the LAN finds the VFR", LAN, 1, LAN, "192.168.1.9", "192.168.1.1", LAN, 0 },
	{ "a LAN host finds a bridged domain itself", LAN, 1, LAN, "192.168.1.9", "192.168.1.50", BR, 0 },
	{ "a LAN host's question for others stays there", LAN, 1, LAN, "192.168.1.9", "192.168.1.77", -1, 0 },
	{ "a LAN host cannot claim a bridged domain's address", LAN, 2, LAN, "192.168.1.50", "192.168.1.1", -1, "spoof" },
	{ "a LAN host cannot claim ours", LAN, 2, LAN, "192.168.1.1", "192.168.1.1", -1, "spoof" },
	{ "a bridged domain finds the LAN", BR, 1, BR, "192.168.1.50", "192.168.1.9", LAN, 0 },
	{ "a bridged domain finds the VFR", BR, 1, BR, "192.168.1.50", "192.168.1.1", BR, 0 },
	{ "a bridged domain cannot claim other addresses", BR, 2, BR, "192.168.1.9", "192.168.1.1", -1, "spoof" },
};

static void test_arp(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < sizeof(arps) / sizeof(arps[0]); i++) {
		int port = arps[i].port;

		kit_clear(k);
		frame_arp(&f, port, arps[i].op, kit_mac[arps[i].mac_of],
			  arps[i].spa, arps[i].tpa);
		if (arps[i].mac_of != port)	/* Ethernet is honest */
			memcpy(f.b + 6, kit_mac[port], 6);
		kit_rx(k, port, &f);
		if (arps[i].reason &&
		    strcmp(kit_last_reason(k), arps[i].reason))
			fail_msg("%s: %s", arps[i].what, kit_last_reason(k));
		if (k->nr_caught != (arps[i].answered >= 0) ||
		    (k->nr_caught && k->caught[0].port != arps[i].answered))
			fail_msg("%s: %d frames", arps[i].what, k->nr_caught);
		if (k->nr_caught && arps[i].answered == port) {
			assert_int_equal(be16(k->caught[0].b + 20), 2);
			assert_memory_equal(k->caught[0].b + 22,
					    kit_gw_mac[port], 6);
		}
	}
	kit_free(k);
}

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

static void test_ndp(void **state)
{
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct vfr_addr a;
	struct frame f;
	uint8_t *h;

	KIT_LOAD(k, allow_all);
	/* Who has the gateway? */
	frame_ip(&f, WEB, "fd00:1::10", "ff02::1:ff00:1", 58, 32);
	h = frame_l4(&f);
	memset(h, 0, 32);
	memcpy(f.b, "\x33\x33\xff\0\0\1", 6);
	f.b[21] = 255;
	h[0] = 135;
	a = kit_addr("fd00:1::1");
	memcpy(h + 8, a.b, 16);
	h[24] = h[25] = 1;
	memcpy(h + 26, kit_mac[WEB], 6);
	frame_sums(&f);
	kit_rx(k, WEB, &f);
	c = kit_one(k, WEB);
	assert_true(sums_ok(c->b, c->len));
	assert_int_equal(c->b[54], 136);
	assert_memory_equal(c->b + 54 + 26, kit_gw_mac[WEB], 6);
	assert_memory_equal(c->b, kit_mac[WEB], 6);

	f.b[21] = 64;		/* came from afar */
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "malformed");
	f.b[21] = 255;
	h[26] ^= 1;		/* another MAC in the option */
	frame_sums(&f);
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "spoof");
	frame_ip(&f, WEB, "fd00:1::10", "ff02::1", 58, 16);
	memcpy(f.b, "\x33\x33\0\0\0\1", 6);
	h = frame_l4(&f);
	memset(h, 0, 16);
	f.b[21] = 255;
	h[0] = 134;		/* a domain that plays router */
	frame_sums(&f);
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "spoof");
	assert_int_equal(k->nr_caught, 0);

	/* The VFR asks for a neighbour on a NIC and hears the answer. */
	frame_udp(&f, WEB, "fd00:1::10", 5, "2001:db8:1::9", 2, 9);
	kit_rx(k, WEB, &f);
	c = kit_one(k, LAN);
	assert_int_equal(c->b[54], 135);
	assert_true(sums_ok(c->b, c->len));
	frame_ip(&f, LAN, "2001:db8:1::9", "2001:db8:1::1", 58, 32);
	h = frame_l4(&f);
	memset(h, 0, 32);
	f.b[21] = 255;
	h[0] = 136;
	a = kit_addr("2001:db8:1::9");
	memcpy(h + 8, a.b, 16);
	h[24] = 2;
	h[25] = 1;
	memcpy(h + 26, kit_mac[LAN], 6);
	frame_sums(&f);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arp),
		cmocka_unit_test(test_arp_resolves),
		cmocka_unit_test(test_arp_fails),
		cmocka_unit_test(test_ndp),
		cmocka_unit_test(test_silent_neighbour),
		cmocka_unit_test(test_silent_neighbour_nat),
		cmocka_unit_test(test_neighbour_answers_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
