/*
 * Fragments: held until the first one comes, judged with it, counted for flows;
 * and that no port uses up what others need for theirs.
 */
#include "vfr_kit.h"

struct piece {
	uint32_t	from, to;
	bool		more;
	int		out;		/* frames that come out now */
	const char	*reason;	/* NULL: do not look */
};

static const struct {
	const char *what;
	struct piece p[8];
} frags[] = {
	{ "in order", {
		{ 0, 800, true, 1, 0 }, { 800, 1600, true, 1, 0 },
		{ 1600, 2008, false, 1, 0 } } },
	{ "the first comes last", {
		{ 1600, 2008, false, 0, 0 }, { 800, 1600, true, 0, 0 },
		{ 0, 800, true, 3, 0 } } },
	{ "one twice: only the copy is dropped", {
		{ 0, 800, true, 1, 0 }, { 0, 800, true, 0, "frag_overlap" },
		{ 800, 2008, false, 1, 0 } } },
	{ "one that waits, twice", {
		{ 800, 2008, false, 0, 0 },
		{ 800, 2008, false, 0, "frag_overlap" },
		{ 0, 800, true, 2, 0 } } },
	{ "nothing new", {
		{ 0, 800, true, 1, 0 }, { 800, 1600, true, 1, 0 },
		{ 400, 1200, true, 0, "frag_overlap" },
		{ 1600, 2008, false, 1, 0 } } },
	{ "nothing new but an end", {
		{ 0, 800, true, 1, 0 }, { 800, 1600, true, 1, 0 },
		{ 800, 1600, false, 0, "frag_overlap" },
		{ 1600, 2008, false, 0, "frag_overlap" } } },
	{ "one byte more than there was room for", {
		{ 0, 800, true, 1, 0 }, { 792, 1600, true, 0, "frag_overlap" },
		{ 1600, 2008, false, 0, "frag_overlap" } } },
	{ "around another", {
		{ 0, 8, true, 1, 0 }, { 800, 1600, true, 1, 0 },
		{ 8, 2008, false, 0, "frag_overlap" } } },
	{ "beyond the end", {
		{ 0, 800, true, 1, 0 }, { 800, 1000, false, 1, 0 },
		{ 1600, 2008, true, 0, NULL } } },
	{ "two ends", {
		{ 0, 400, true, 1, 0 }, { 1600, 2008, false, 1, 0 },
		{ 800, 1000, false, 0, "frag_overlap" } } },
	{ "too small for its header", {
		{ 0, 0, true, 0, "frag_overlap" } } },
	{ "a middle that is no multiple of eight", {
		{ 0, 801, true, 0, "malformed" } } },
};

static void test_fragments(void **state)
{
	unsigned int i, n;

	for (i = 0; i < ARRAY_LEN(frags); i++) {
		struct kit *k = nat_kit();
		struct frame f, g;

		frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 53, 2000);
		for (n = 0; frags[i].p[n].to || frags[i].p[n].reason; n++) {
			const struct piece *p = &frags[i].p[n];
			int c;

			kit_clear(k);
			frame_fragment(&g, &f, 7, p->from, p->to, p->more);
			if (!p->to)
				g.len = 60;
			kit_rx(k, WEB, &g);
			if (k->nr_caught != p->out)
				fail_msg("%s: piece %u: %d frames (%s)",
					 frags[i].what, n, k->nr_caught,
					 kit_last_reason(k));
			if (p->reason &&
			    strcmp(kit_last_reason(k), p->reason))
				fail_msg("%s: piece %u: %s", frags[i].what, n,
					 kit_last_reason(k));
			for (c = 0; c < k->nr_caught; c++) {
				addr_is(k->caught[c].b + 26, "203.0.113.2");
				assert_true(sums_ok(k->caught[c].b, 60));
			}
		}
		kit_wait(k, 60);
		assert_int_equal(k->packets_out, 0);
		kit_free(k);
	}
}

/* No datagram is longer than its length field can say ("ping of death"). */
static void test_fragment_too_far(void **state)
{
	static const struct {
		uint32_t to;
		bool passes;
	} t[] = { { 65515, true }, { 65516, false }, { 65535, false } };
	struct kit *k = kit_new(NULL);
	struct frame f, g;
	unsigned int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		frame_udp(&f, WEB, "10.1.0.10", 7, "203.0.113.1", 9, 65500);
		frame_fragment(&g, &f, (uint16_t)i, 0, 64, true);
		kit_rx(k, WEB, &g);
		kit_clear(k);
		frame_fragment(&g, &f, (uint16_t)i, 65504, 65508, false);
		g.b[17] += t[i].to - 65508;	/* what frame_udp() cannot make */
		g.len += t[i].to - 65508;
		frame_sums(&g);
		kit_rx(k, WEB, &g);
		if (k->nr_caught != t[i].passes)
			fail_msg("%u: %s", t[i].to, kit_last_reason(k));
	}
	kit_free(k);
}

/* After a reload that numbers the ports anew the rules still mean the port that
   a fragment came in by. */
static void test_fragment_reload(void **state)
{
	static const struct kit_rule all[] = {
		{ VFR_ALLOW, .flags = VFR_RULE_STATELESS },
	};
	static const struct kit_rule db_only[] = {
		{ VFR_ALLOW, .flags = VFR_RULE_STATELESS, .in = WEB + 1,
		  .id = 9 },
	};
	struct kit *k = kit_new(NULL);
	struct frame f, g;

	KIT_LOAD(k, all);
	frame_udp(&f, WEB, "10.1.0.10", 7, "203.0.113.1", 9, 200);
	frame_fragment(&g, &f, 5, 0, 64, true);
	kit_rx(k, WEB, &g);
	kit_one(k, WAN);
	kit_clear(k);
	kit_swap = true;		/* the number of web is db's now */
	KIT_LOAD(k, db_only);
	kit_swap = false;
	frame_fragment(&g, &f, 5, 64, 208, false);
	kit_rx(k, WEB, &g);
	assert_int_equal(k->nr_caught, 0);
	assert_string_equal(kit_last_reason(k), "default_deny");
	kit_free(k);
}

/* Later fragments cannot do what the first may not. */
static void test_fragment_verdict(void **state)
{
	static const struct kit_rule rules[] = {
		{ VFR_DENY, .proto = 17, .dport_lo = 53 }, { VFR_ALLOW },
	};
	struct kit *k = kit_new(NULL);
	struct frame f, g;
	int i;

	KIT_LOAD(k, rules);
	frame_udp(&f, WEB, "10.1.0.10", 4000, "10.1.0.20", 53, 2000);
	frame_fragment(&g, &f, 7, 800, 2008, false);
	kit_rx(k, WEB, &g);
	assert_true(kit_step(k, VFR_STEP_HELD) == 0);
	frame_fragment(&g, &f, 7, 0, 800, true);
	kit_rx(k, WEB, &g);
	assert_int_equal(k->nr_caught, 0);
	assert_int_equal(kit_drops(k, WEB, VFR_DROP_RULE), 2);
	/* A port number at the edge: split inside the UDP header. */
	frame_udp(&f, WEB, "10.1.0.10", 4000, "10.1.0.20", 54, 2000);
	f.b[16] = 0;
	w16(f.b + 16, 24);
	w16(f.b + 20, 0x2000);
	f.len = 38;
	frame_sums(&f);
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "frag_overlap");
	/* A flood of lonely pieces stays bounded, and others get through. */
	frame_udp(&f, WEB, "10.1.0.10", 4000, "10.1.0.20", 54, 2000);
	for (i = 0; i < 500; i++) {
		frame_fragment(&g, &f, (uint16_t)(100 + i), 800, 2008, false);
		kit_rx(k, WEB, &g);
	}
	assert_true(k->packets_out <= 4);
	kit_clear(k);
	frame_udp(&f, DB, "10.1.0.20", 4000, "10.1.0.10", 54, 2000);
	frame_fragment(&g, &f, 9, 800, 2008, false);
	kit_rx(k, DB, &g);
	frame_fragment(&g, &f, 9, 0, 800, true);
	kit_rx(k, DB, &g);
	assert_int_equal(k->nr_caught, 2);
	kit_free(k);
}

/* A datagram of 208 bytes in two pieces. */
static void send_two(struct kit *k, int port, const struct frame *f,
		     uint16_t id)
{
	struct frame g;

	frame_fragment(&g, f, id, 0, 64, true);
	kit_rx(k, port, &g);
	frame_fragment(&g, f, id, 64, 208, false);
	kit_rx(k, port, &g);
}

/* Rules about fragments hold for those that belong to a flow, too. */
static void test_fragment_rules(void **state)
{
	static const struct kit_rule later[] = {
		{ VFR_DENY, .in = WEB + 1, .frag = VFR_FRAG_LATER },
		{ VFR_ALLOW, .src = "10.1.0.10" },
		{ VFR_DENY },
	}, stateless[] = {
		{ VFR_DENY, .frag = VFR_FRAG_LATER },
		{ VFR_ALLOW, .flags = VFR_RULE_STATELESS },
	}, answers[] = {
		{ VFR_DENY, .in = WEB + 1, .frag = VFR_FRAG_LATER },
		{ VFR_ALLOW, .src = "10.1.0.20" },
		{ VFR_DENY },
	}, others[] = {
		{ VFR_DENY, .in = DB + 1, .frag = VFR_FRAG_LATER },
		{ VFR_ALLOW, .src = "10.1.0.20" },
		{ VFR_DENY },
	};
	static const struct {
		const char *what;
		const struct kit_rule *rules;
		int nr_rules;
		int out;		/* of two fragments from web */
	} cases[] = {
		{ "of the flow's opener", later, 3, 1 },
		{ "without a flow", stateless, 2, 1 },
		{ "of the answer", answers, 3, 1 },
		{ "those of others", others, 3, 2 },
	};
	struct frame f, q;
	unsigned int i;

	frame_udp(&q, DB, "10.1.0.20", 53, "10.1.0.10", 4000, 200);
	frame_udp(&f, WEB, "10.1.0.10", 4000, "10.1.0.20", 53, 200);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct kit *k = kit_new(NULL);
		int out = cases[i].out;
		struct vfr_rule_stats st;

		assert_int_equal(kit_load(k, cases[i].rules, cases[i].nr_rules,
					  NULL, 0, 0), 0);
		kit_rx(k, DB, &q);
		kit_clear(k);
		send_two(k, WEB, &f, 7);
		if (k->nr_caught != out)
			fail_msg("%s: %s", cases[i].what, kit_last_reason(k));
		assert_int_equal(kit_drops(k, WEB, VFR_DROP_RULE), 2 - out);
		vfr_rule_stats(k->v, 0, &st);
		assert_int_equal(st.packets, 2 - out);
		kit_free(k);
	}
}

/* The key that is asked has the addresses behind the translation. */
static void test_fragment_rules_nat(void **state)
{
	static const struct kit_nat redirect[] = {
		{ VFR_NAT_REDIRECT, .to = "10.1.0.10", .proto = 17, .lo = 8080,
		  .to_lo = 80, .port = WAN },
	};
	static const struct kit_rule rules[] = {
		{ VFR_DENY, .dst = "10.1.0.10", .proto = 17, .dport_lo = 80,
		  .frag = VFR_FRAG_LATER },
		{ VFR_ALLOW },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;

	assert_int_equal(kit_load(k, rules, 2, redirect, 1, 0), 0);
	frame_udp(&f, WAN, "8.8.8.8", 9, "203.0.113.2", 8080, 200);
	send_two(k, WAN, &f, 7);
	kit_one(k, WEB);
	assert_string_equal(kit_last_reason(k), "rule");
	kit_free(k);
}

/* An answer may acknowledge all bytes of a segment that came in fragments. */
static void test_fragment_tcp(void **state)
{
	static const struct tcp_spec syn = { SYN, 1000, 0, 5000, 0 };
	static const struct tcp_spec synack = { SYN | ACK, 9000, 1001, 5000, 0 };
	static const struct tcp_spec ack = { ACK, 1001, 9001, 5000, 0 };
	static const struct tcp_spec data = { FIN | ACK, 1001, 9001, 5000, 1000 };
	static const struct {
		const char *what;
		struct { uint32_t from, to; } piece[2];
		uint32_t acked;
		int passes;
	} cases[] = {
		{ "in order", { { 0, 512 }, { 512, 1020 } }, 2002, 1 },
		{ "the first comes last", { { 512, 1020 }, { 0, 512 } }, 2002, 1 },
		{ "not more than was sent", { { 0, 512 }, { 512, 1020 } }, 2003, 0 },
		{ "not what has not come", { { 0, 512 } }, 2002, 0 },
	};
	struct frame f, g;
	unsigned int i, n;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct tcp_spec answer = { ACK, 9001, cases[i].acked, 5000, 0 };
		struct kit *k = kit_new(NULL);

		KIT_LOAD(k, allow_all);
		frame_tcp(&f, WAN, "8.8.8.8", 40, "10.1.0.10", 22, &syn);
		kit_rx(k, WAN, &f);
		frame_tcp(&f, WEB, "10.1.0.10", 22, "8.8.8.8", 40, &synack);
		kit_rx(k, WEB, &f);
		frame_tcp(&f, WAN, "8.8.8.8", 40, "10.1.0.10", 22, &ack);
		kit_rx(k, WAN, &f);
		frame_tcp(&f, WAN, "8.8.8.8", 40, "10.1.0.10", 22, &data);
		for (n = 0; n < 2 && cases[i].piece[n].to; n++) {
			uint32_t to = cases[i].piece[n].to;

			frame_fragment(&g, &f, 5, cases[i].piece[n].from, to,
				       to < 1020);
			kit_rx(k, WAN, &g);
		}
		kit_clear(k);
		frame_tcp(&f, WEB, "10.1.0.10", 22, "8.8.8.8", 40, &answer);
		kit_rx(k, WEB, &f);
		if (k->nr_caught != cases[i].passes)
			fail_msg("%s: %s", cases[i].what, kit_last_reason(k));
		kit_free(k);
	}
}

/* Whoever has less than its share of what waits gets it from who has most. */
static void test_fragment_shares_held(void **state)
{
	static const struct vfr_limits lim = {
		.ports = 8, .flows = 1024, .rules = 256, .fragments = 64,
	};
	struct kit *k = kit_new(&lim);
	struct frame f, g;
	int i, n;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 2; i++) {	/* web: 32 pieces, lan as many */
		for (n = 1; n < 17; n++) {
			uint32_t at = (uint32_t)n * 64;

			frame_udp(&f, WEB, "10.1.0.10", 7, "8.8.8.8", 9, 1400);
			frame_fragment(&g, &f, (uint16_t)i, at, at + 64, true);
			kit_rx(k, WEB, &g);
			frame_udp(&f, LAN, "192.168.1.9", 7, "8.8.8.8", 9, 1400);
			frame_fragment(&g, &f, (uint16_t)i, at, at + 64, true);
			kit_rx(k, LAN, &g);
		}
	}
	assert_int_equal(k->packets_out, 64);
	/* They have more than their share: a further one of theirs is lost. */
	frame_fragment(&g, &f, 9, 64, 128, true);
	kit_rx(k, LAN, &g);
	assert_string_equal(kit_last_reason(k), "frag_limit");
	assert_int_equal(k->packets_out, 64);
	kit_clear(k);
	frame_udp(&f, DB, "10.1.0.20", 7, "8.8.8.8", 9, 200);
	frame_fragment(&g, &f, 5, 64, 208, false);
	kit_rx(k, DB, &g);
	frame_fragment(&g, &f, 5, 0, 64, true);
	kit_rx(k, DB, &g);
	assert_int_equal(k->nr_caught, 2);
	assert_int_equal(kit_drops(k, DB, VFR_DROP_FRAG_LIMIT), 0);
	kit_wait(k, 31);
	assert_int_equal(k->packets_out, 0);
	kit_free(k);
}

/* The same of datagrams: 8 places, 5 ports, so each is sure of one. */
static void test_fragment_shares(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f, g, web, lan;
	struct vfr_stats st;
	int i;

	KIT_LOAD(k, allow_all);
	frame_udp(&web, WEB, "10.1.0.10", 7, "8.8.8.8", 9, 1400);
	frame_udp(&lan, LAN, "192.168.1.9", 7, "8.8.8.8", 9, 1400);
	for (i = 0; i < 4; i++) {
		frame_fragment(&g, &web, (uint16_t)(100 + i), 0, 64, true);
		kit_rx(k, WEB, &g);
		frame_fragment(&g, &lan, (uint16_t)(100 + i), 0, 64, true);
		kit_rx(k, LAN, &g);
	}
	vfr_stats(k->v, &st);
	assert_int_equal(st.fragments, 8);
	kit_clear(k);
	frame_udp(&f, DB, "10.1.0.20", 7, "8.8.8.8", 9, 200);
	send_two(k, DB, &f, 5);
	assert_int_equal(k->nr_caught, 2);
	/* The others keep all but the oldest of one of them. */
	kit_clear(k);
	for (i = 0; i < 4; i++) {
		frame_fragment(&g, &web, (uint16_t)(100 + i), 64, 128, true);
		kit_rx(k, WEB, &g);
		frame_fragment(&g, &lan, (uint16_t)(100 + i), 64, 128, true);
		kit_rx(k, LAN, &g);
	}
	assert_int_equal(k->nr_caught, 7);
	kit_wait(k, 31);
	vfr_stats(k->v, &st);
	assert_int_equal(st.fragments, 0);
	kit_free(k);
}

/* A fragment of IPv6 from web to db: n bytes, from offset `from` on. */
static void fragment6(struct frame *f, uint8_t next, uint16_t from, bool more,
		      const uint8_t *bytes, uint32_t n)
{
	uint8_t *h;

	frame_ip(f, WEB, "fd00:1::10", "fd00:1::20", 44, 8 + n);
	h = frame_l4(f);
	h[0] = next;
	h[1] = 0;
	w16(h + 2, (uint16_t)(from | more));
	w32(h + 4, 77);
	memcpy(h + 8, bytes, n);
}

/*
 * All fragments of IPv6 name the header that the first one begins with, which
 * need not be the transport's.
 */
static void test_fragments6(void **state)
{
	static const struct {
		const char *what;
		uint8_t next;
		uint8_t begin[16];	/* of the datagram, 128 bytes long */
	} cases[] = {
		{ "UDP", 17, { 0, 7, 0, 9, 0, 128, 1, 2 } },
		{ "destination options before it", 60,
		  { 17, 0, 1, 4, 0, 0, 0, 0, 0, 7, 0, 9, 0, 120, 1, 2 } },
	};
	unsigned int i;
	bool swap;

	for (i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		const uint8_t next = cases[i / 2].next;
		struct kit *k = kit_new(NULL);
		uint8_t b[128] = { 0 };
		struct frame f[2];

		memcpy(b, cases[i / 2].begin, 16);
		swap = i % 2;
		KIT_LOAD(k, allow_all);
		fragment6(&f[swap], next, 0, true, b, 64);
		fragment6(&f[!swap], next, 64, false, b + 64, 64);
		kit_rx(k, WEB, &f[0]);
		kit_rx(k, WEB, &f[1]);
		if (k->nr_caught != 2)
			fail_msg("%s, %s: %s", cases[i / 2].what,
				 swap ? "the last first" : "in order",
				 kit_last_reason(k));
		kit_free(k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_fragment_verdict),
		cmocka_unit_test(test_fragment_too_far),
		cmocka_unit_test(test_fragment_reload),
		cmocka_unit_test(test_fragment_rules),
		cmocka_unit_test(test_fragment_rules_nat),
		cmocka_unit_test(test_fragments6),
		cmocka_unit_test(test_fragment_tcp),
		cmocka_unit_test(test_fragment_shares_held),
		cmocka_unit_test(test_fragment_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
