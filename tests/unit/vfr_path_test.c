/*
 * The way through: who may send what from where, and where it comes out.
 */
#include "vfr_kit.h"

/* A UDP packet, where it goes and why not. */
static const struct {
	const char *what;
	int from;
	const char *src, *dst;
	int out;		/* port, -1 = dropped */
	const char *reason;	/* then */
} udp[] = {
	{ "a domain reaches another of its net", WEB, "10.1.0.10", "10.1.0.20", DB, 0 },
	{ "a domain reaches the internet by the gateway", WEB, "10.1.0.10", "8.8.8.8", WAN, 0 },
	{ "a domain reaches a host on a NIC's link", WEB, "10.1.0.10", "192.168.1.9", LAN, 0 },
	{ "the internet reaches a domain", WAN, "8.8.8.8", "10.1.0.10", WEB, 0 },
	{ "a routed domain reaches a bridged one", WEB, "10.1.0.10", "192.168.1.50", BR, 0 },
	{ "a bridged domain reaches a routed one by the VFR", BR, "192.168.1.50", "10.1.0.10", WEB, 0 },
	{ "IPv6 goes the same way", WEB, "fd00:1::10", "fd00:1::20", DB, 0 },
	{ "IPv6 from outside to a domain", WAN, "2001:db8:9::9", "fd00:1::20", DB, 0 },
	{ "a domain cannot use another's address", WEB, "10.1.0.20", "8.8.8.8", -1, "spoof" },
	{ "a domain cannot use the gateway's address", WEB, "10.1.0.1", "10.1.0.20", -1, "spoof" },
	{ "a domain cannot use any address", WEB, "8.8.8.8", "10.1.0.20", -1, "spoof" },
	{ "a domain cannot use another's IPv6 address", WEB, "fd00:1::20", "2001:db8:9::9", -1, "spoof" },
	{ "a NIC's packet cannot claim a domain's address", WAN, "10.1.0.20", "10.1.0.10", -1, "spoof" },
	{ "nor an unused address of a routed net", WAN, "10.1.0.77", "10.1.0.10", -1, "spoof" },
	{ "nor the VFR's own", WAN, "192.168.1.1", "10.1.0.10", -1, "spoof" },
	{ "nor a bridged domain's", WAN, "192.168.1.50", "10.1.0.10", -1, "spoof" },
	{ "link-local sources are not forwarded", WAN, "fe80::1", "fd00:1::20", -1, "spoof" },
	{ "link-local destinations are not forwarded", WEB, "fd00:1::10", "fe80::77", -1, "no_route" },
	{ "nobody at that address of a routed net", WEB, "10.1.0.10", "10.1.0.99", -1, "no_route" },
	{ "a loopback source is a martian", WEB, "127.0.0.1", "10.1.0.20", -1, "martian" },
	{ "a loopback destination is a martian", WEB, "10.1.0.10", "127.0.0.1", -1, "martian" },
	{ "a multicast source is a martian", WEB, "224.0.0.1", "10.1.0.20", -1, "martian" },
	{ "class E is a martian", WEB, "10.1.0.10", "240.0.0.1", -1, "martian" },
	{ "source 0.0.0.0 is a martian", WEB, "0.0.0.0", "10.1.0.20", -1, "martian" },
	{ "the unspecified IPv6 source is a martian", WEB, "::", "fd00:1::20", -1, "martian" },
	{ "IPv6 loopback is a martian", WEB, "::1", "fd00:1::20", -1, "martian" },
	{ "a multicast destination is not routed", WEB, "10.1.0.10", "224.0.0.5", -1, "not_for_us" },
	{ "limited broadcast is not routed", WEB, "10.1.0.10", "255.255.255.255", -1, "not_for_us" },
	{ "no service of the VFR itself", WEB, "10.1.0.10", "10.1.0.1", -1, "local" },
	{ "nor on a NIC", WAN, "8.8.8.8", "203.0.113.2", -1, "local" },
	{ "nor on another link's address", WEB, "10.1.0.10", "203.0.113.2", -1, "local" },
};

static void test_udp(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < ARRAY_LEN(udp); i++) {
		const struct caught *c;

		kit_clear(k);
		kit_wait(k, 1);
		kit_clear(k);
		frame_udp(&f, udp[i].from, udp[i].src, 1000 + (int)i,
			  udp[i].dst, 53, 20);
		kit_rx(k, udp[i].from, &f);
		/* IPv6 next hops on NICs are not known yet: a question. */
		if (udp[i].out < 0) {
			if (strcmp(kit_last_reason(k), udp[i].reason))
				fail_msg("%s: %s, not %s", udp[i].what,
					 kit_last_reason(k), udp[i].reason);
			continue;
		}
		if (k->nr_caught != 1 || k->caught[0].port != udp[i].out)
			fail_msg("%s: not sent there (%s)", udp[i].what,
				 kit_last_reason(k));
		c = kit_one(k, udp[i].out);
		assert_memory_equal(c->b, kit_mac[udp[i].out], 6);
		assert_memory_equal(c->b + 6, kit_gw_mac[udp[i].out], 6);
		assert_true(sums_ok(c->b, c->len));
		/* One hop less, but not between domains of one net. */
		assert_int_equal(c->b[c->b[14] >> 4 == 6 ? 21 : 22],
				 udp[i].from >= WEB && udp[i].from != BR &&
				 udp[i].out >= WEB && udp[i].out != BR ? 64 : 63);
	}
	kit_free(k);
}

static void test_mac_binding(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "10.1.0.10", 1, "10.1.0.20", 2, 9);
	f.b[11] ^= 1;				/* another source MAC */
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "spoof");
	frame_udp(&f, WEB, "10.1.0.10", 1, "10.1.0.20", 2, 9);
	f.b[5] ^= 1;				/* another destination MAC */
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "not_for_us");
	frame_udp(&f, WAN, "8.8.8.8", 1, "10.1.0.20", 2, 9);
	memcpy(f.b + 6, kit_gw_mac[WAN], 6);	/* our own MAC comes back */
	kit_rx(k, WAN, &f);
	assert_string_equal(kit_last_reason(k), "spoof");
	frame_udp(&f, WEB, "10.1.0.10", 1, "10.1.0.20", 2, 9);
	f.b[6] |= 1;				/* a group as source */
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "martian");
	assert_int_equal(k->nr_caught, 0);
	kit_free(k);
}

static void load_routes(struct kit *k, const struct vfr_rs_route *routes,
			uint32_t n, const struct kit_nat *nats, int nr_nats)
{
	kit_routes = routes;
	kit_nr_routes = n;
	assert_int_equal(kit_load(k, allow_all, 1, nats, nr_nats, 0), 0);
	kit_nr_routes = 0;
}

/* Its prefix is ::/0, and IPv4 is kept as a part of that. */
static void test_default_route6(void **state)
{
	struct vfr_rs_route lan6 = { .via = kit_addr("2001:db8:1::9"),
				     .port = LAN };
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f;

	load_routes(k, &lan6, 1, NULL, 0);
	frame_udp(&f, WEB, "10.1.0.10", 5, "8.8.8.8", 53, 9);
	kit_rx(k, WEB, &f);
	c = kit_one(k, WAN);
	assert_memory_equal(c->b, kit_mac[WAN], 6);
	frame_udp(&f, WEB, "fd00:1::10", 5, "2001:db8:9::9", 53, 9);
	kit_rx(k, WEB, &f);
	c = kit_one(k, LAN);	/* the question for that next hop */
	assert_int_equal(c->b[54], 135);
	assert_memory_equal(c->b + 62, kit_addr("2001:db8:1::9").b, 16);
	kit_wait(k, 5);
	kit_free(k);
}

static struct vfr_rs_route route(const char *dst, const char *src,
				 const char *via, int port)
{
	return (struct vfr_rs_route){
		.dst = kit_prefix(dst), .src = kit_prefix(src),
		.via = kit_addr(via), .port = (uint16_t)port,
	};
}

/*
 * An answer goes out where the question came in, by the next hop that the
 * routes give for what comes from who answers: the inside address.
 */
static void test_answers_by_source(void **state)
{
	static const struct {
		const char *what;
		int to;
		const char *asker, *asked, *inside, *hop;
	} t[] = {
		{ "by the route from the domain", DB, "9.9.9.9", "10.1.0.20", "10.1.0.20", "203.0.113.7" },
		{ "also if it is translated", DB, "9.9.9.9", "203.0.113.20", "10.1.0.20", "203.0.113.7" },
		{ "by the longer prefix from elsewhere", DB, "8.8.8.8", "10.1.0.20", "10.1.0.20", "203.0.113.9" },
		{ "by the longer source", WEB, "8.8.8.8", "10.1.0.10", "10.1.0.10", "203.0.113.8" },
		{ "by the gateway: the route is another NIC's", WEB, "7.7.7.7", "10.1.0.10", "10.1.0.10", "203.0.113.1" },
		{ "by the gateway: none is from there", WEB, "6.6.6.6", "10.1.0.10", "10.1.0.10", "203.0.113.1" },
		{ "directly: it is on the link", WEB, "203.0.113.66", "10.1.0.10", "10.1.0.10", "203.0.113.66" },
	};
	static const struct kit_nat outside[] = {
		{ VFR_NAT_STATIC, .match = "10.1.0.20", .to = "203.0.113.20", .port = WAN },
	};
	const struct vfr_rs_route routes[] = {
		route("0.0.0.0/0", "10.1.0.20", "203.0.113.7", WAN),
		route("8.8.8.0/24", "10.1.0.0/24", "203.0.113.9", WAN),
		route("8.8.8.0/24", "10.1.0.10", "203.0.113.8", WAN),
		route("7.7.7.0/24", "10.1.0.0/24", "192.168.1.9", LAN),
	};
	struct vfr_addr hop;
	struct kit *k;
	struct frame f;
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		const struct caught *c;

		k = kit_new(NULL);
		load_routes(k, routes, ARRAY_LEN(routes), outside, 1);
		frame_udp(&f, WAN, t[i].asker, 7, t[i].asked, 53, 20);
		kit_rx(k, WAN, &f);
		kit_one(k, t[i].to);
		frame_udp(&f, t[i].to, t[i].inside, 53, t[i].asker, 7, 20);
		kit_rx(k, t[i].to, &f);
		if (k->nr_caught != 1 || k->caught[0].port != WAN)
			fail_msg("%s: %s", t[i].what, kit_last_reason(k));
		c = kit_one(k, WAN);
		hop = kit_addr(t[i].hop);
		/* Known, or asked for. */
		if (!strcmp(t[i].hop, "203.0.113.1"))
			assert_memory_equal(c->b, kit_mac[WAN], 6);
		else if (be16(c->b + 12) != 0x806 ||
			 memcmp(c->b + 38, hop.b + 12, 4))
			fail_msg("%s: not by %s", t[i].what, t[i].hop);
		kit_wait(k, 5);
		kit_free(k);
	}
}

/* Of two NICs on one link, each answers its own hosts by itself. */
static void test_two_on_one_link(void **state)
{
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f;

	kit_lan_on_wan = true;
	KIT_LOAD(k, allow_all);
	kit_lan_on_wan = false;
	frame_udp(&f, LAN, "203.0.113.66", 7, "10.1.0.10", 53, 20);
	kit_rx(k, LAN, &f);
	kit_one(k, WEB);
	frame_udp(&f, WEB, "10.1.0.10", 53, "203.0.113.66", 7, 20);
	kit_rx(k, WEB, &f);
	c = kit_one(k, LAN);
	assert_int_equal(be16(c->b + 12), 0x806);
	frame_arp(&f, LAN, 2, kit_mac[LAN], "203.0.113.66", "203.0.113.3");
	kit_rx(k, LAN, &f);
	c = kit_one(k, LAN);
	assert_int_equal(be16(c->b + 12), 0x800);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_mac_binding),
		cmocka_unit_test(test_default_route6),
		cmocka_unit_test(test_answers_by_source),
		cmocka_unit_test(test_two_on_one_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
