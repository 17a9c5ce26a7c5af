/*
 * Translation: what goes out, what comes back, and that checksums stay right
 * (or wrong, if they were).
 */
#include "vfr_kit.h"

struct ends {
	const char	*src;
	int		 sport;
	const char	*dst;
	int		 dport;
};

/* A packet there, as it leaves and as it arrives, and the answer back. */
static const struct {
	const char *what;
	uint8_t proto;
	int from;
	struct ends sent;
	int to;
	struct ends seen;
} t[] = {
	{ "masquerade UDP", 17, WEB, { "10.1.0.10", 4000, "8.8.8.8", 53 },
	  WAN, { "203.0.113.2", 4000, "8.8.8.8", 53 } },
	{ "masquerade TCP", 6, WEB, { "10.1.0.10", 4000, "8.8.8.8", 443 },
	  WAN, { "203.0.113.2", 4000, "8.8.8.8", 443 } },
	{ "masquerade ping", 1, WEB, { "10.1.0.10", 99, "8.8.8.8", 0 },
	  WAN, { "203.0.113.2", 99, "8.8.8.8", 0 } },
	{ "redirect to another port", 6, WAN, { "8.8.8.8", 1234, "203.0.113.2", 8080 },
	  WEB, { "8.8.8.8", 1234, "10.1.0.10", 80 } },
	{ "redirect of a range", 17, WAN, { "8.8.8.8", 1234, "203.0.113.2", 5007 },
	  DB, { "8.8.8.8", 1234, "10.1.0.20", 6007 } },
	{ "static from outside", 17, WAN, { "8.8.8.8", 1234, "203.0.113.20", 9 },
	  DB, { "8.8.8.8", 1234, "10.1.0.20", 9 } },
	{ "static from inside", 17, DB, { "10.1.0.20", 1234, "8.8.8.8", 9 },
	  WAN, { "203.0.113.20", 1234, "8.8.8.8", 9 } },
	{ "hairpin: a domain uses the outer address", 6, DB, { "10.1.0.20", 1234, "203.0.113.2", 8080 },
	  WEB, { "10.1.0.20", 1234, "10.1.0.10", 80 } },
	{ "hairpin to itself", 6, WEB, { "10.1.0.10", 1234, "203.0.113.2", 8080 },
	  WEB, { "10.1.0.1", 1234, "10.1.0.10", 80 } },
	{ "to a LAN nothing is translated", 17, WEB, { "10.1.0.10", 1234, "192.168.1.9", 53 },
	  LAN, { "10.1.0.10", 1234, "192.168.1.9", 53 } },
};

static struct ends turned(const struct ends *e)
{
	return (struct ends){ e->dst, e->dport, e->src, e->sport };
}

static void build(struct frame *f, uint8_t proto, int port,
		  const struct ends *e, bool reply)
{
	static const struct tcp_spec syn = { SYN, 1000, 0, 500, 33 };
	static const struct tcp_spec synack = { SYN | ACK, 9, 1034, 500, 0 };

	if (proto == 6)
		frame_tcp(f, port, e->src, e->sport, e->dst, e->dport,
			  reply ? &synack : &syn);
	else if (proto == 17)
		frame_udp(f, port, e->src, e->sport, e->dst, e->dport, 33);
	else
		frame_echo(f, port, e->src, e->dst, reply ? 0 : 8,
			   (uint16_t)(reply ? e->dport : e->sport), 33);
}

static void arrives(struct kit *k, int port, uint8_t proto,
		    const struct ends *e, bool reply)
{
	const struct caught *c = kit_one(k, port);

	assert_true(sums_ok(c->b, c->len));
	addr_is(c->b + 26, e->src);
	addr_is(c->b + 30, e->dst);
	if (proto == 1) {
		assert_int_equal(be16(c->b + 38), reply ? e->dport : e->sport);
	} else {
		assert_int_equal(be16(c->b + 34), e->sport);
		assert_int_equal(be16(c->b + 36), e->dport);
	}
}

static void test_there_and_back(void **state)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct kit *k = nat_kit();
		struct ends back = turned(&t[i].seen);
		struct ends home = turned(&t[i].sent);
		struct frame f;

		build(&f, t[i].proto, t[i].from, &t[i].sent, false);
		kit_rx(k, t[i].from, &f);
		arrives(k, t[i].to, t[i].proto, &t[i].seen, false);
		build(&f, t[i].proto, t[i].to, &back, true);
		kit_rx(k, t[i].to, &f);
		arrives(k, t[i].from, t[i].proto, &home, true);
		kit_free(k);
	}
}

static void test_ports(void **state)
{
	struct kit *k = nat_kit();
	struct vfr_rule_stats st;
	const struct caught *c;
	struct frame f;
	uint16_t port;

	/* Two domains, the same port, one outer address. */
	frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 53, 9);
	kit_rx(k, WEB, &f);
	assert_int_equal(be16(kit_one(k, WAN)->b + 34), 4000);
	frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 54, 9);
	kit_rx(k, WEB, &f);		/* another peer: no clash */
	assert_int_equal(be16(kit_one(k, WAN)->b + 34), 4000);
	/* What comes from outside to the very reply key... */
	frame_udp(&f, WAN, "8.8.8.8", 53, "203.0.113.2", 4001, 9);
	kit_rx(k, WAN, &f);
	assert_string_equal(kit_last_reason(k), "local");
	/* ... and a clash, made by a static entry's flow to the same place. */
	frame_echo(&f, WEB, "10.1.0.10", "8.8.8.8", 8, 5, 9);
	kit_rx(k, WEB, &f);
	c = kit_one(k, WAN);
	port = be16(c->b + 38);
	assert_int_equal(port, 5);
	assert_int_equal(vfr_nat_stats(k->v, 3, &st), 0);
	assert_int_equal(st.flows, 3);
	assert_int_equal(st.packets, 3);
	kit_free(k);
}

/* Both domains behind one address, the same port, the same peer. */
static void test_clash(void **state)
{
	static const struct kit_nat masq[] = {
		{ VFR_NAT_MASQUERADE, .match = "10.1.0.0/24", .port = WAN },
	};
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f;
	uint16_t port;

	assert_int_equal(kit_load(k, allow_all, 1, masq, 1, 0), 0);
	frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 53, 9);
	kit_rx(k, WEB, &f);
	kit_one(k, WAN);
	frame_udp(&f, DB, "10.1.0.20", 4000, "8.8.8.8", 53, 9);
	kit_rx(k, DB, &f);
	c = kit_one(k, WAN);
	port = be16(c->b + 34);
	assert_true(sums_ok(c->b, c->len));
	assert_int_not_equal(port, 4000);
	assert_true(port >= 1024);
	frame_udp(&f, WAN, "8.8.8.8", 53, "203.0.113.2", port, 9);
	kit_rx(k, WAN, &f);
	c = kit_one(k, DB);
	assert_int_equal(be16(c->b + 36), 4000);
	/* SCTP's checksum covers the ports: no second one is possible. */
	frame_ip(&f, WEB, "10.1.0.10", "8.8.8.8", 132, 20);
	w32(frame_l4(&f), 4000u << 16 | 53);
	kit_rx(k, WEB, &f);
	kit_one(k, WAN);
	frame_ip(&f, DB, "10.1.0.20", "8.8.8.8", 132, 20);
	w32(frame_l4(&f), 4000u << 16 | 53);
	kit_rx(k, DB, &f);
	assert_string_equal(kit_last_reason(k), "nat");
	kit_free(k);
}

static void test_checksums(void **state)
{
	struct kit *k = nat_kit();
	const struct caught *c;
	struct frame f;
	int i;

	/* UDP without a checksum stays without. */
	frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 53, 9);
	w16(f.b + 40, 0);
	kit_rx(k, WEB, &f);
	c = kit_one(k, WAN);
	assert_int_equal(be16(c->b + 40), 0);
	/* A wrong one stays wrong. */
	frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 53, 9);
	f.b[40] ^= 0x55;
	kit_rx(k, WEB, &f);
	c = kit_one(k, WAN);
	assert_false(sums_ok(c->b, c->len));
	/* Corner values of the sum. */
	for (i = 0; i < 65536; i += 5) {
		frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 53, 4);
		w16(f.b + 42, (uint16_t)i);
		frame_sums(&f);
		if (!be16(f.b + 40))
			w16(f.b + 40, 0xffff);
		kit_rx(k, WEB, &f);
		c = kit_one(k, WAN);
		assert_true(be16(c->b + 40));
		assert_true(sums_ok(c->b, c->len));
	}
	/* A partial one, of the addresses, protocol 17 and 17 bytes. */
	frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 53, 9);
	w16(f.b + 40, (uint16_t)add_sum(17 + 17, f.b + 26, 8));
	kit_rx_csum(k, WEB, &f, VFR_CSUM_PARTIAL, 0, 0);
	c = kit_one(k, WAN);
	assert_int_equal(c->csum, VFR_CSUM_PARTIAL);
	assert_int_equal(be16(c->b + 40), add_sum(17 + 17, c->b + 26, 8));
	kit_free(k);
}

/* RFC 6935: tunnels over IPv6 may do without, too. */
static void test_no_checksum6(void **state)
{
	static const struct kit_nat nat = {
		VFR_NAT_STATIC, .match = "fd00:1::10/128",
		.to = "2001:db8::77/128", .port = WAN
	};
	struct kit *k = kit_new(NULL);
	struct vfr_addr web = kit_addr("fd00:1::10");
	const struct caught *c;
	struct frame f;

	assert_int_equal(kit_load(k, allow_all, 1, &nat, 1, 0), 0);
	frame_udp(&f, WAN, "2001:db8:9::9", 7, "2001:db8::77", 4789, 20);
	w16(f.b + 60, 0);
	kit_rx(k, WAN, &f);
	c = kit_one(k, WEB);
	assert_memory_equal(c->b + 38, web.b, 16);
	assert_int_equal(be16(c->b + 60), 0);
	/* With one it is kept right. */
	frame_sums(&f);
	kit_rx(k, WAN, &f);
	c = kit_one(k, WEB);
	assert_true(sums_ok(c->b, c->len));
	kit_free(k);
}

/* A prefix of IPv6 that holds the place where IPv4 is kept is IPv6's alone. */
static void test_families(void **state)
{
	static const struct kit_nat low[] = {
		{ VFR_NAT_STATIC, .match = "fd00:1::/64", .to = "::/64", .port = WAN },
		{ VFR_NAT_STATIC, .match = "::/48", .to = "2001:db8:5::/48", .port = WAN },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;

	assert_int_equal(kit_load(k, allow_all, 1, low, ARRAY_LEN(low), 0), 0);
	frame_udp(&f, WAN, "8.8.8.8", 7, "10.1.0.10", 9, 20);
	kit_rx(k, WAN, &f);
	assert_int_equal(kit_step(k, VFR_STEP_NAT_DST), -1);
	addr_is(kit_one(k, WEB)->b + 30, "10.1.0.10");
	frame_udp(&f, DB, "10.1.0.20", 7, "8.8.8.8", 9, 20);
	kit_rx(k, DB, &f);
	assert_int_equal(kit_step(k, VFR_STEP_NAT_SRC), -1);
	addr_is(kit_one(k, WAN)->b + 26, "10.1.0.20");
	/* Nor does the VFR answer for all of IPv4. */
	frame_arp(&f, WAN, 1, kit_mac[WAN], "203.0.113.1", "203.0.113.77");
	kit_rx(k, WAN, &f);
	assert_int_equal(k->nr_caught, 0);
	kit_free(k);
}

/* Two protocols that have no ports for the VFR, but a checksum that covers the
   addresses, where UDP's lies. */
static void test_other_checksums(void **state)
{
	static const struct {
		const char *what;
		uint8_t proto;
		int from, to;
		const char *src, *dst;
		int at;			/* of the checksum */
	} other[] = {
		{ "DCCP", 33, WEB, WAN, "10.1.0.10", "8.8.8.8", 40 },
		{ "UDP-Lite", 136, WEB, WAN, "10.1.0.10", "8.8.8.8", 40 },
		{ "DCCP over IPv6", 33, WAN, WEB, "2001:db8:9::9", "2001:db8::77", 60 },
		{ "UDP-Lite over IPv6", 136, WAN, WEB, "2001:db8:9::9", "2001:db8::77", 60 },
	};
	static const struct kit_nat both[] = {
		{ VFR_NAT_MASQUERADE, .match = "10.1.0.0/24", .port = WAN },
		{ VFR_NAT_STATIC, .match = "fd00:1::10", .to = "2001:db8::77", .port = WAN },
	};
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f;
	unsigned int i, n;

	assert_int_equal(kit_load(k, allow_all, 1, both, 2, 0), 0);
	for (i = 0; i < ARRAY_LEN(other); i++) {
		for (n = 0; n < 65536; n += 5) {
			frame_ip(&f, other[i].from, other[i].src, other[i].dst,
				 other[i].proto, 30);
			w16(frame_l4(&f) + 10, (uint16_t)n);
			frame_sums(&f);
			if (!be16(f.b + other[i].at))
				w16(f.b + other[i].at, 0xffff);
			kit_rx(k, other[i].from, &f);
			c = kit_one(k, other[i].to);
			if (!sums_ok(c->b, c->len) ||
			    (other[i].proto == 136 && !be16(c->b + other[i].at)))
				fail_msg("%s, %u", other[i].what, n);
		}
		/* Cut short before its checksum. */
		frame_ip(&f, other[i].from, other[i].src, other[i].dst,
			 other[i].proto, 7);
		kit_rx(k, other[i].from, &f);
		assert_string_equal(kit_last_reason(k), "malformed");
	}
	kit_free(k);
}

/* An ICMP error about a translated packet: inside and outside translated. */
static void test_related(void **state)
{
	static const struct tcp_spec syn = { SYN, 1000, 0, 500, 0 };
	struct kit *k = nat_kit();
	const struct caught *c;
	struct frame f, q;
	uint8_t out[64];

	frame_udp(&q, WEB, "10.1.0.10", 4000, "8.8.8.8", 53, 40);
	kit_rx(k, WEB, &q);
	c = kit_one(k, WAN);
	memcpy(out, c->b + 14, 28);
	frame_error(&f, WAN, "5.5.5.5", "203.0.113.2", 11, 0, out, 28);
	kit_rx(k, WAN, &f);
	c = kit_one(k, WEB);
	assert_true(sums_ok(c->b, c->len));
	addr_is(c->b + 26, "5.5.5.5");
	addr_is(c->b + 30, "10.1.0.10");
	addr_is(c->b + 42 + 12, "10.1.0.10");
	addr_is(c->b + 42 + 16, "8.8.8.8");
	assert_int_equal(be16(c->b + 62), 4000);

	/* From the redirect's target to the outside: web stays hidden. */
	frame_tcp(&q, WAN, "8.8.8.8", 1234, "203.0.113.2", 8080, &syn);
	kit_rx(k, WAN, &q);
	c = kit_one(k, WEB);
	memcpy(out, c->b + 14, 40);
	frame_error(&f, WEB, "10.1.0.10", "8.8.8.8", 3, 3, out, 28);
	kit_rx(k, WEB, &f);
	c = kit_one(k, WAN);
	assert_true(sums_ok(c->b, c->len));
	addr_is(c->b + 26, "203.0.113.2");
	addr_is(c->b + 30, "8.8.8.8");
	addr_is(c->b + 42 + 16, "203.0.113.2");
	assert_int_equal(be16(c->b + 64), 8080);
	/* Whoever does not know the sequence number says nothing. */
	f.b[66] ^= 0x40;
	frame_sums(&f);
	kit_rx(k, WEB, &f);
	assert_int_equal(k->nr_caught, 0);
	assert_string_equal(kit_last_reason(k), "state");
	kit_free(k);
}

/* Of a protocol whose ports are not translated the quote keeps its bytes. */
static void test_related_plain(void **state)
{
	static const struct { const char *what; uint8_t proto; } plain[] = {
		{ "SCTP", 132 }, { "ESP", 50 }, { "GRE", 47 },
	};
	struct kit *k = nat_kit();
	const struct caught *c;
	struct frame f, q;
	uint8_t out[28];
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(plain); i++) {
		frame_ip(&q, WEB, "10.1.0.10", "8.8.8.8", plain[i].proto,
			 40);
		w32(q.b + 34, 0x13881770);
		w32(q.b + 38, 0xdeadbeef);
		kit_rx(k, WEB, &q);
		memcpy(out, kit_one(k, WAN)->b + 14, 28);
		frame_error(&f, WAN, "5.5.5.5", "203.0.113.2", 3, 4, out, 28);
		kit_rx(k, WAN, &f);
		c = kit_one(k, WEB);
		assert_true(sums_ok(c->b, c->len));
		addr_is(c->b + 42 + 12, "10.1.0.10");
		if (memcmp(c->b + 62, q.b + 34, 8))
			fail_msg("%s: %08x %08x", plain[i].what,
				 be32(c->b + 62), be32(c->b + 66));
	}
	kit_free(k);
}

static void test_reload(void **state)
{
	struct kit *k = nat_kit();
	struct vfr_stats st;
	struct frame f, g;

	frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 53, 9);
	frame_udp(&g, WAN, "8.8.8.8", 53, "203.0.113.2", 4000, 9);
	kit_rx(k, WEB, &f);
	kit_clear(k);
	assert_int_equal(kit_load(k, allow_all, 1, nat_kinds, 4, 0), 0);
	kit_rx(k, WAN, &g);
	kit_one(k, WEB);
	/* Without the translation the flow has no meaning any more. */
	assert_int_equal(kit_load(k, allow_all, 1, nat_kinds, 1, 0), 0);
	kit_rx(k, WAN, &g);
	assert_string_equal(kit_last_reason(k), "local");
	vfr_stats(k->v, &st);
	assert_int_equal(st.reload_closed, 1);
	kit_free(k);
}

static void test_arp_for_nat(void **state)
{
	struct kit *k = nat_kit();
	struct frame f;

	frame_arp(&f, WAN, 1, kit_mac[WAN], "203.0.113.1", "203.0.113.20");
	kit_rx(k, WAN, &f);
	assert_memory_equal(kit_one(k, WAN)->b + 22, kit_gw_mac[WAN], 6);
	frame_arp(&f, WAN, 1, kit_mac[WAN], "203.0.113.1", "203.0.113.21");
	kit_rx(k, WAN, &f);
	assert_int_equal(k->nr_caught, 0);
	kit_free(k);
}

/* A source that means this link alone is not sent elsewhere by a redirect. */
static void test_link_local_source(void **state)
{
	static const struct kit_nat to_web[] = {
		{ VFR_NAT_REDIRECT, .to = "fd00:1::10", .proto = 17, .lo = 80,
		  .port = WAN },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;

	assert_int_equal(kit_load(k, allow_all, 1, to_web, 1, 0), 0);
	frame_udp(&f, WAN, "2001:db8:9::9", 7, "2001:db8::2", 80, 20);
	kit_rx(k, WAN, &f);
	kit_one(k, WEB);
	kit_clear(k);
	frame_udp(&f, WAN, "fe80::99", 7, "2001:db8::2", 80, 20);
	kit_rx(k, WAN, &f);
	assert_int_equal(k->nr_caught, 0);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_clash),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_no_checksum6),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_other_checksums),
		cmocka_unit_test(test_related),
		cmocka_unit_test(test_related_plain),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_arp_for_nat),
		cmocka_unit_test(test_link_local_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
