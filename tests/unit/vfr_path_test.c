/*
 * The packet path: who may send what where, and what becomes of it.
 */
#include "vfr_kit.h"

static const struct kit_rule allow_all[] = { { VFR_ALLOW } };

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
	for (i = 0; i < sizeof(udp) / sizeof(udp[0]); i++) {
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

static void test_nothing_loaded(void **state)
{
	static const struct vfr_limits lim = { .flows = 64, .rules = 1 };
	size_t size = vfr_size(&lim);
	void *mem = aligned_alloc(64, size);
	struct vfr *v;
	struct vfr_packet p;

	assert_null(vfr_create(mem, size - 1, &lim, 1));
	v = vfr_create(mem, size, &lim, 1);
	assert_non_null(v);
	assert_null(vfr_loaded(v));
	assert_int_equal(vfr_port_find(v, "web"), -2);
	(void)p;
	vfr_destroy(v);
	free(mem);
}

static void test_default_deny(void **state)
{
	static const struct kit_rule rules[] = {
		{ VFR_ALLOW, .proto = 17, .dport_lo = 53, .dst = "10.1.0.20" },
		{ VFR_DENY, .proto = 17, .dport_lo = 54, .dst = "10.1.0.20" },
	};
	static const struct {
		const char *what;
		int dport;
		const char *reason;
	} t[] = {
		{ "what a rule allows passes", 53, "not dropped" },
		{ "what a rule denies does not", 54, "rule" },
		{ "what no rule names does not", 55, "default_deny" },
	};
	struct kit *k = kit_new(NULL);
	struct vfr_rule_stats st;
	struct frame f;
	unsigned int i;

	KIT_LOAD(k, rules);
	for (i = 0; i < 3; i++) {
		frame_udp(&f, WEB, "10.1.0.10", 1, "10.1.0.20", t[i].dport, 9);
		kit_rx(k, WEB, &f);
		assert_string_equal(kit_last_reason(k), t[i].reason);
	}
	assert_int_equal(kit_one(k, DB)->len, 51);
	assert_int_equal(vfr_rule_stats(k->v, 0, &st), 0);
	assert_int_equal(st.packets, 1);
	assert_int_equal(st.flows, 1);
	assert_int_equal(vfr_rule_stats(k->v, 1, &st), 0);
	assert_int_equal(st.packets, 1);
	assert_int_equal(vfr_rule_stats(k->v, VFR_NONE32, &st), 0);
	assert_int_equal(st.packets, 1);
	assert_int_equal(kit_drops(k, WEB, VFR_DROP_RULE), 1);
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

static void test_ping(void **state)
{
	static const struct {
		const char *what;
		int port;
		const char *src, *dst;
		uint8_t type, reply;
	} t[] = {
		{ "a domain pings its gateway", WEB, "10.1.0.10", "10.1.0.1", 8, 0 },
		{ "a LAN host pings the VFR", LAN, "192.168.1.9", "192.168.1.1", 8, 0 },
		{ "IPv6 gateway", WEB, "fd00:1::10", "fd00:1::1", 128, 129 },
		{ "link-local gateway", WEB, "fe80::5", "fe80::ff:fe02:1", 128, 129 },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 4; i++) {
		const struct caught *c;

		frame_echo(&f, t[i].port, t[i].src, t[i].dst, t[i].type, 77,
			   400);
		kit_rx(k, t[i].port, &f);
		c = kit_one(k, t[i].port);
		assert_int_equal(c->len, f.len);
		assert_true(sums_ok(c->b, c->len));
		assert_int_equal(c->b[t[i].type == 8 ? 34 : 54], t[i].reply);
		assert_memory_equal(c->b, kit_mac[t[i].port], 6);
		assert_memory_equal(c->b + f.len - 300, f.b + f.len - 300, 300);
	}
	for (i = 0; i < 200; i++)
		kit_rx(k, WEB, &f);
	assert_true(k->nr_caught < 40);
	assert_true(kit_drops(k, WEB, VFR_DROP_RATE) > 150);
	kit_free(k);
}

/* ICMP errors: a packet that cannot go on, and what its sender is told. */
static void test_errors(void **state)
{
	static const struct {
		const char *what;
		const char *src, *dst;
		int ttl;
		uint32_t payload;
		bool df;
		uint8_t type, code;
		uint16_t mtu;
		const char *reason;
	} t[] = {
		{ "hop limit", "10.1.0.10", "8.8.8.8", 1, 9, false, 11, 0, 0, "ttl" },
		{ "IPv6 hop limit", "fd00:1::10", "2001:db8::5", 1, 9, false, 3, 0, 0, "ttl" },
		{ "too big, must not fragment", "10.1.0.10", "8.8.8.8", 9, 1600, true, 3, 4, 1500, "mtu" },
		{ "too big for IPv6", "fd00:1::10", "2001:db8::5", 9, 1600, false, 2, 0, 1500, "mtu" },
		{ "nobody there", "10.1.0.10", "10.1.0.99", 9, 9, false, 3, 1, 0, "no_route" },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		bool v6 = strchr(t[i].src, ':');
		uint32_t l4 = v6 ? 54 : 34;
		const struct caught *c;

		frame_udp(&f, WEB, t[i].src, 7, t[i].dst, 9, t[i].payload);
		f.b[v6 ? 21 : 22] = (uint8_t)t[i].ttl;
		if (t[i].df)
			f.b[20] |= 0x40;
		frame_sums(&f);
		kit_rx(k, WEB, &f);
		if (strcmp(kit_last_reason(k), t[i].reason))
			fail_msg("%s: %s", t[i].what, kit_last_reason(k));
		c = kit_one(k, WEB);
		assert_true(sums_ok(c->b, c->len));
		assert_int_equal(c->b[l4], t[i].type);
		assert_int_equal(c->b[l4 + 1], t[i].code);
		assert_int_equal(be16(c->b + l4 + 6), t[i].mtu);
		assert_memory_equal(c->b + l4 + 8, f.b + 14, 28);
		assert_memory_equal(c->b, kit_mac[WEB], 6);
	}
	kit_free(k);
}

/* A packet that may be cut leaves in pieces that make up the whole. */
static void test_split(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_packet *p;
	struct frame f;
	uint32_t cut;

	KIT_LOAD(k, allow_all);
	for (cut = 213; cut < 4300; cut += 203) {
		uint8_t whole[4200];
		uint32_t at = 0;
		int i;

		frame_udp(&f, WEB, "10.1.0.10", 7, "8.8.8.8", 9, 4000);
		p = kit_packet(k, &f, cut);
		vfr_rx(k->v, WEB, &p, 1, ++k->now);
		assert_int_equal(k->nr_caught, 3);
		for (i = 0; i < 3; i++) {
			const struct caught *c = &k->caught[i];
			uint16_t off = be16(c->b + 20);

			assert_int_equal(c->port, WAN);
			assert_true(c->len <= 1514);
			assert_true(sums_ok(c->b, c->len));
			assert_int_equal(off & 0x2000, i < 2 ? 0x2000 : 0);
			assert_int_equal((off & 0x1fff) * 8, at);
			memcpy(whole + at, c->b + 34, c->len - 34);
			at += c->len - 34;
		}
		assert_int_equal(at, 4008);
		assert_memory_equal(whole, f.b + 34, 4008);
		assert_int_equal(k->packets_out, 0);
		kit_clear(k);
	}
	kit_account(k);
	kit_free(k);
}

static void test_reject(void **state)
{
	static const struct kit_rule rules[] = { { VFR_REJECT } };
	static const struct tcp_spec syn = { SYN, 1000, 0, 100, 0 };
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f;

	KIT_LOAD(k, rules);
	frame_tcp(&f, WEB, "10.1.0.10", 7, "10.1.0.20", 80, &syn);
	kit_rx(k, WEB, &f);
	c = kit_one(k, WEB);
	assert_true(sums_ok(c->b, c->len));
	assert_int_equal(c->b[47], RST | ACK);
	assert_int_equal(be32(c->b + 42), 1001);
	assert_int_equal(be16(c->b + 34), 80);
	frame_udp(&f, WEB, "fd00:1::10", 7, "fd00:1::20", 80, 10);
	kit_rx(k, WEB, &f);
	c = kit_one(k, WEB);
	assert_true(sums_ok(c->b, c->len));
	assert_int_equal(c->b[54], 1);
	assert_int_equal(c->b[55], 1);
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

static void header_sum(struct frame *f)
{
	uint32_t sum = 0, i, n = (f->b[14] & 15) * 4u;

	w16(f->b + 24, 0);
	for (i = 14; i < 14 + n; i += 2)
		sum += be16(f->b + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	w16(f->b + 24, (uint16_t)~sum);
}

static void test_malformed(void **state)
{
	static const struct {
		const char *what;
		bool v6;
		int at;			/* byte of the IP header */
		uint8_t value;
		const char *reason;
	} t[] = {
		{ "version 5", false, 0, 0x55, "malformed" },
		{ "header length below 20", false, 0, 0x44, "malformed" },
		{ "header longer than the packet", false, 0, 0x4f, "malformed" },
		{ "total length beyond the frame", false, 2, 0x40, "malformed" },
		{ "total length below the header", false, 3, 19, "malformed" },
		{ "wrong header checksum", false, 10, 0x12, "malformed" },
		{ "IPv6 length beyond the frame", true, 4, 0x40, "malformed" },
		{ "IPv6 version", true, 0, 0x70, "malformed" },
		{ "ICMPv4 in IPv6", true, 6, 1, "malformed" },
		{ "hop-by-hop that runs over", true, 6, 0, "malformed" },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		frame_udp(&f, WEB, t[i].v6 ? "fd00:1::10" : "10.1.0.10", 0xffff,
			  t[i].v6 ? "fd00:1::20" : "10.1.0.20", 0xffff, 4);
		f.b[14 + t[i].at] = t[i].value;
		if (!t[i].v6 && t[i].at != 10)
			header_sum(&f);		/* only one thing is wrong */
		kit_rx(k, WEB, &f);
		if (strcmp(kit_last_reason(k), t[i].reason))
			fail_msg("%s: %s", t[i].what, kit_last_reason(k));
	}
	assert_int_equal(k->nr_caught, 0);
	kit_free(k);
}

/* Every truncation and each changed byte: accounted for, nothing read
   beyond (ASan), and whatever gets out has sound checksums. */
static void test_every_byte(void **state)
{
	static const struct tcp_spec syn = { SYN, 1000, 0, 100, 30 };
	struct kit *k = kit_new(NULL);
	struct frame f, g;
	uint32_t i;
	int kind, bit;

	KIT_LOAD(k, allow_all);
	for (kind = 0; kind < 6; kind++) {
		switch (kind) {
		case 0:
			frame_udp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, 30);
			break;
		case 1:
			frame_tcp(&f, WEB, "fd00:1::10", 5, "fd00:1::20", 6, &syn);
			break;
		case 2:
			frame_echo(&f, WEB, "10.1.0.10", "10.1.0.1", 8, 5, 30);
			break;
		case 3:
			frame_arp(&f, WEB, 1, kit_mac[WEB], "10.1.0.10", "10.1.0.1");
			break;
		case 4:		/* an ICMP error with a quote */
			frame_echo(&f, WEB, "10.1.0.10", "10.1.0.20", 3, 0, 60);
			frame_udp(&g, DB, "10.1.0.20", 5, "10.1.0.10", 6, 30);
			memcpy(f.b + 42, g.b + 14, 58);
			frame_sums(&f);
			break;
		case 5:
			frame_echo(&f, WEB, "fd00:1::10", "ff02::1:ff00:1", 135, 0, 24);
			f.b[21] = 255;
			frame_sums(&f);
			break;
		}
		for (i = 0; i < f.len; i++) {
			g = f;
			g.len = i ? i : 1;
			kit_rx(k, WEB, &g);
			for (bit = 0; bit < 8; bit++) {
				g = f;
				g.b[i] ^= (uint8_t)(1 << bit);
				kit_rx(k, WEB, &g);
				kit_clear(k);
			}
		}
	}
	kit_free(k);
}

/* The same packet in pieces of every size comes out the same. */
static void test_pieces(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;
	uint32_t cut;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, 900);
	for (cut = 48; cut < 960; cut += 7) {
		struct vfr_packet *p = kit_packet(k, &f, cut);
		const struct caught *c;

		vfr_rx(k->v, WEB, &p, 1, ++k->now);
		c = kit_one(k, DB);
		assert_int_equal(c->len, f.len);
		assert_memory_equal(c->b + 14 + 20, f.b + 14 + 20, f.len - 34);
	}
	kit_free(k);
}

static void test_vlan(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, 30);
	memmove(f.b + 18, f.b + 14, f.len - 14);
	f.len += 4;
	w16(f.b + 12, 0x8100);
	w16(f.b + 14, 7);
	w16(f.b + 16, 0x800);
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "no_port");
	w16(f.b + 14, 0x6000);		/* priority only: untagged */
	kit_rx(k, WEB, &f);
	assert_int_equal(kit_one(k, DB)->len, f.len - 4);
	w16(f.b + 16, 0x8100);		/* a tag in a tag */
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "unsupported");
	kit_free(k);
}

static void test_egress_full(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;

	KIT_LOAD(k, allow_all);
	k->refuse_port = DB;
	frame_udp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, 30);
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "queue_full");
	vfr_port_link(k->v, WAN, false);
	frame_udp(&f, WEB, "10.1.0.10", 5, "203.0.113.1", 6, 30);
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "link_down");
	assert_int_equal(k->packets_out, 0);
	kit_free(k);
}

static void test_offload(void **state)
{
	static const struct tcp_spec syn = { SYN, 1, 0, 1000, 0 };
	static const struct tcp_spec synack = { SYN | ACK, 5, 2, 1000, 0 };
	static const struct tcp_spec ack = { ACK, 2, 6, 1000, 0 };
	static const struct tcp_spec big = { ACK | PSH, 2, 6, 1000, 900 };
	struct kit *k = kit_new(NULL);
	struct vfr_packet *p;
	const struct caught *c;
	struct frame f;
	uint8_t hdr[128];
	uint32_t from, n, seen = 0;
	int i, hlen;

	KIT_LOAD(k, allow_all);
	frame_tcp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, &syn);
	kit_rx(k, WEB, &f);
	frame_tcp(&f, DB, "10.1.0.20", 6, "10.1.0.10", 5, &synack);
	kit_rx(k, DB, &f);
	frame_tcp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, &ack);
	kit_rx(k, WEB, &f);
	kit_clear(k);
	frame_tcp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, &big);
	kit_rx_csum(k, WEB, &f, VFR_CSUM_PARTIAL, VFR_GSO_TCP4, 200);
	c = kit_one(k, DB);
	assert_int_equal(c->gso, VFR_GSO_TCP4);
	assert_int_equal(c->gso_size, 200);
	assert_int_equal(c->csum, VFR_CSUM_PARTIAL);
	assert_int_equal(c->csum_start, 34);

	/* Cut up by the helper, each segment is complete and in order. */
	p = kit_packet(k, &f, 100);
	p->gso = VFR_GSO_TCP4;
	p->gso_size = 200;
	p->csum = VFR_CSUM_PARTIAL;
	p->csum_start = 34;
	p->csum_offset = 16;
	for (i = 0; (hlen = vfr_packet_segment(p, (unsigned int)i, hdr,
					       sizeof(hdr), &from, &n)) > 0; i++) {
		uint8_t seg[1600];

		assert_int_equal(hlen, 54);
		assert_int_equal(n, i < 4 ? 200 : 100);
		memcpy(seg, hdr, 54);
		assert_int_equal(vfr_packet_copy(p, from, seg + 54, n), n);
		assert_true(sums_ok(seg, 54 + n));
		assert_int_equal(be32(seg + 38), 2 + seen);
		assert_int_equal(seg[47] & PSH, i == 4 ? PSH : 0);
		seen += n;
	}
	assert_int_equal(seen, 900);
	p->release(p);

	/* A partial checksum made whole. */
	p = kit_packet(k, &f, 333);
	p->csum = VFR_CSUM_PARTIAL;
	p->csum_start = 34;
	p->csum_offset = 16;
	{
		uint8_t pseudo[12], *h = p->hdr;
		uint32_t sum = 0;

		memcpy(pseudo, h + 26, 8);
		w16(pseudo + 8, 6);
		w16(pseudo + 10, 920);
		for (i = 0; i < 12; i += 2)
			sum += be16(pseudo + i);
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		w16(h + 50, (uint16_t)sum);
	}
	vfr_packet_checksum(p);
	assert_memory_equal(p->hdr + 50, f.b + 50, 2);
	p->release(p);

	/* Offloads that do not fit the packet are refused. */
	frame_udp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, 90);
	kit_rx_csum(k, WEB, &f, VFR_CSUM_PARTIAL, VFR_GSO_TCP4, 200);
	assert_string_equal(kit_last_reason(k), "malformed");
	frame_echo(&f, WEB, "10.1.0.10", "10.1.0.20", 8, 6, 90);
	kit_rx_csum(k, WEB, &f, VFR_CSUM_PARTIAL, VFR_GSO_NONE, 0);
	assert_string_equal(kit_last_reason(k), "malformed");
	kit_free(k);
}

static void test_limits_and_log(void **state)
{
	static const struct kit_rule rules[] = {
		{ VFR_ALLOW, .proto = 17, .dport_lo = 1, .limit = 3,
		  .limit_period_ms = 1000, .flags = VFR_RULE_STATELESS },
		{ VFR_ALLOW, .proto = 17, .dport_lo = 2, .limit = 2,
		  .limit_period_ms = 1000,
		  .flags = VFR_RULE_STATELESS | VFR_RULE_LIMIT_SOURCE },
		{ VFR_DENY, .proto = 17, .dport_lo = 3, .flags = VFR_RULE_LOG },
	};
	struct kit *k = kit_new(NULL);
	struct vfr_log_entry e[64];
	struct vfr_rule_stats st;
	struct frame f;
	uint64_t lost;
	int i;

	KIT_LOAD(k, rules);
	frame_udp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 1, 9);
	for (i = 0; i < 10; i++)
		kit_rx(k, WEB, &f);
	assert_int_equal(k->nr_caught, 3);
	kit_wait(k, 0.7);		/* two more */
	for (i = 0; i < 10; i++)
		kit_rx(k, WEB, &f);
	assert_int_equal(k->nr_caught, 5);
	assert_int_equal(kit_drops(k, WEB, VFR_DROP_LIMIT), 15);
	vfr_rule_stats(k->v, 0, &st);
	assert_int_equal(st.limited, 15);

	kit_clear(k);
	for (i = 0; i < 4; i++) {	/* each source has its own */
		frame_udp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 2, 9);
		kit_rx(k, WEB, &f);
		frame_udp(&f, DB, "10.1.0.20", 5, "10.1.0.10", 2, 9);
		kit_rx(k, DB, &f);
	}
	assert_int_equal(k->nr_caught, 4);

	vfr_log_read(k->v, e, 64, &lost);	/* the limits' drops */
	frame_udp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 3, 9);
	for (i = 0; i < 30; i++)
		kit_rx(k, WEB, &f);
	assert_int_equal(vfr_log_read(k->v, e, 64, &lost), 10);
	assert_int_equal(e[0].rule, 2);
	assert_int_equal(e[0].rule_id, 3);
	assert_int_equal(e[0].dport, 3);
	assert_int_equal(e[0].in, WEB);
	assert_int_equal(e[0].out, DB);
	kit_wait(k, 1);
	kit_rx(k, WEB, &f);
	assert_int_equal(vfr_log_read(k->v, e, 64, &lost), 1);
	assert_int_equal(e[0].suppressed, 20);
	assert_int_equal(lost, 0);
	kit_free(k);
}

static void test_detach(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_device d = { .name = "web", .mtu = 1500 };
	struct vfr_stats st;
	struct frame f;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "10.1.0.10", 5, "192.168.1.77", 1, 9);
	kit_rx(k, WEB, &f);		/* held for its neighbour */
	frame_udp(&f, DB, "10.1.0.20", 5, "10.1.0.10", 1, 9);
	kit_rx(k, DB, &f);
	vfr_stats(k->v, &st);
	assert_int_equal(st.flows, 2);
	assert_int_equal(k->packets_out, 1);
	assert_int_equal(vfr_port_detach(k->v, WEB), 0);
	assert_int_equal(k->packets_out, 0);
	vfr_stats(k->v, &st);
	assert_int_equal(st.flows, 0);
	kit_rx(k, DB, &f);
	assert_string_equal(kit_last_reason(k), "port_down");
	assert_int_equal(vfr_port_attach(k->v, &d), -22);
	kit_free(k);
}

static int nowhere(void *ctx, struct vfr_packet *p)
{
	return -5;
}

/* A device goes by two names; neither may be taken by another. */
static void test_alias(void **state)
{
	static const struct vfr_port_ops ops = { .transmit = nowhere };
	struct vfr_device a = { .name = "nic7", .alias = "0000:00:07.0",
				.mtu = 1500, .ops = &ops };
	struct vfr_device b = { .name = "0000:00:07.0", .mtu = 1500,
				.ops = &ops };
	struct vfr_device c = { .name = "nic8", .alias = "nic7", .mtu = 1500,
				.ops = &ops };
	struct kit *k = kit_new(NULL);
	int port = vfr_port_attach(k->v, &a);

	assert_true(port >= 0);
	assert_int_equal(vfr_port_find(k->v, "nic7"), port);
	assert_int_equal(vfr_port_find(k->v, "0000:00:07.0"), port);
	assert_int_equal(vfr_port_find(k->v, ""), -2);
	assert_int_equal(vfr_port_attach(k->v, &b), -17);
	assert_int_equal(vfr_port_attach(k->v, &c), -17);
	assert_int_equal(vfr_port_detach(k->v, (unsigned)port), 0);
	port = vfr_port_attach(k->v, &b);
	assert_true(port >= 0);
	assert_int_equal(vfr_port_find(k->v, "nic7"), -2);
	kit_free(k);
}

/* A flow has two ends: none is opened to a domain that is not there yet. */
static void test_absent(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_stats st;
	struct frame f;

	assert_int_equal(vfr_port_detach(k->v, WEB), 0);
	KIT_LOAD(k, allow_all);
	frame_udp(&f, DB, "10.1.0.20", 5, "10.1.0.10", 1, 9);
	kit_rx(k, DB, &f);
	assert_string_equal(kit_last_reason(k), "port_down");
	KIT_LOAD(k, allow_all);		/* judges every flow anew */
	kit_rx(k, DB, &f);
	assert_string_equal(kit_last_reason(k), "port_down");
	vfr_stats(k->v, &st);
	assert_int_equal(st.flows, 0);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_loaded),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_default_deny),
		cmocka_unit_test(test_mac_binding),
		cmocka_unit_test(test_arp),
		cmocka_unit_test(test_arp_resolves),
		cmocka_unit_test(test_arp_fails),
		cmocka_unit_test(test_silent_neighbour),
		cmocka_unit_test(test_silent_neighbour_nat),
		cmocka_unit_test(test_neighbour_answers_late),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_reject),
		cmocka_unit_test(test_ndp),
		cmocka_unit_test(test_bridge),
		cmocka_unit_test(test_bridge_any),
		cmocka_unit_test(test_bridge_reject),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_egress_full),
		cmocka_unit_test(test_offload),
		cmocka_unit_test(test_limits_and_log),
		cmocka_unit_test(test_detach),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
