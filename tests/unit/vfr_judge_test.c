/*
 * What the rules say of a packet: none that pass by default, limits, the log.
 */
#include "vfr_kit.h"

static void test_nothing_loaded(void **state)
{
	static const struct vfr_limits lim = { .flows = 64, .rules = 1 };
	size_t size = vfr_size(&lim);
	void *mem = aligned_alloc(64, size);
	struct vfr *v;

	assert_null(vfr_create(mem, size - 1, &lim, 1));
	v = vfr_create(mem, size, &lim, 1);
	assert_non_null(v);
	assert_null(vfr_loaded(v));
	assert_int_equal(vfr_port_find(v, "web"), -2);
	vfr_destroy(v);
	free(mem);
}

/* Not even an answer to the questions that precede all else. */
static void test_closed_without_rules(void **state)
{
	static const int from[] = { WEB, BR, LAN };
	static const char *const addr[NR_KIT_PORTS][2] = {
		[WEB] = { "10.1.0.10", "10.1.0.1" },
		[BR] = { "192.168.1.50", "192.168.1.9" },
		[LAN] = { "192.168.1.9", "192.168.1.1" },
	};
	struct kit *k = kit_empty(NULL);
	struct frame f[4];
	unsigned int i, n;

	for (i = 0; i < ARRAY_LEN(from); i++) {
		int port = from[i];
		const char *const *a = addr[port];

		frame_udp(&f[0], port, a[0], 7, "10.1.0.20", 53, 9);
		frame_echo(&f[1], port, a[0], a[1], 8, 7, 9);
		frame_echo(&f[2], port, "fd00:1::10", "fd00:1::1", 128, 7, 9);
		frame_arp(&f[3], port, 1, kit_mac[port], a[0], a[1]);
		for (n = 0; n < 4; n++) {
			kit_rx(k, port, &f[n]);
			assert_string_equal(kit_last_reason(k), "no_ruleset");
		}
		assert_int_equal(kit_drops(k, port, VFR_DROP_NO_RULESET), 4);
	}
	kit_wait(k, 5);
	assert_int_equal(k->nr_caught, 0);
	kit_free(k);
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

/* A host of one NIC's link cannot come in by another NIC: its answers would
   go there. */
static void test_source_of_another_link(void **state)
{
	static const struct kit_rule rules[] = {
		{ VFR_ALLOW, .src = "192.168.1.0/24", .proto = 17 },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;

	KIT_LOAD(k, rules);
	frame_udp(&f, LAN, "192.168.1.9", 7, "10.1.0.10", 22, 9);
	kit_rx(k, LAN, &f);
	kit_one(k, WEB);
	kit_clear(k);
	frame_udp(&f, WAN, "192.168.1.9", 8, "10.1.0.10", 22, 9);
	kit_rx(k, WAN, &f);
	assert_int_equal(k->nr_caught, 0);
	assert_string_equal(kit_last_reason(k), "spoof");
	frame_udp(&f, WAN, "2001:db8:1::9", 8, "fd00:1::10", 22, 9);
	kit_rx(k, WAN, &f);
	assert_string_equal(kit_last_reason(k), "spoof");
	/* Nor claim its address on the link. */
	frame_arp(&f, WAN, 2, kit_mac[WAN], "192.168.1.9", "203.0.113.2");
	kit_rx(k, WAN, &f);
	assert_string_equal(kit_last_reason(k), "spoof");
	kit_free(k);
}

/* What is no IP packet is logged without the addresses of one before. */
static void test_log_of_other_frames(void **state)
{
	struct vfr_log_entry e[8];
	struct kit *k = kit_new(NULL);
	struct frame f;
	uint64_t lost;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "10.1.0.10", 7, "10.1.0.20", 9, 20);
	kit_rx(k, WEB, &f);
	vfr_log_read(k->v, e, ARRAY_LEN(e), &lost);
	memset(f.b, 0xff, 6);
	w16(f.b + 12, 0x88cc);		/* LLDP */
	kit_rx(k, WEB, &f);
	assert_int_equal(vfr_log_read(k->v, e, ARRAY_LEN(e), &lost), 1);
	assert_true(vfr_addr_is_zero(&e[0].src));
	assert_true(vfr_addr_is_zero(&e[0].dst));
	kit_free(k);
}

/* An address that means its own link leads to, and comes from, no other one
   (RFC 3927, 7; RFC 4291, 2.5.6). */
static void test_link_local(void **state)
{
	static const struct {
		const char *what;
		int from;
		const char *src, *dst;
		int to;			/* -1: nowhere */
		const char *reason;
	} t[] = {
		{ "from a link to a domain", WAN, "169.254.1.1", "10.1.0.10", -1, "martian" },
		{ "from one link to another", WAN, "169.254.1.1", "192.168.1.9", -1, "martian" },
		{ "from a domain to the link of the gateway", WEB, "10.1.0.10", "169.254.169.254", -1, "martian" },
		{ "from a link to no known address", LAN, "192.168.1.9", "169.254.1.1", -1, "martian" },
		{ "just below", WEB, "10.1.0.10", "169.253.255.255", WAN, "not dropped" },
		{ "just above", WEB, "10.1.0.10", "169.255.0.0", WAN, "not dropped" },
		{ "of IPv6, from a link to a domain", WAN, "fe80::1", "fd00:1::10", -1, "spoof" },
		{ "of IPv6, from a domain to a link", WEB, "fd00:1::10", "fe80::1", -1, "no_route" },
		{ "to what is translated", WEB, "10.1.0.10", "169.254.8.8", DB, "not dropped" },
	};
	static const struct kit_nat metadata[] = {
		{ VFR_NAT_REDIRECT, .match = "169.254.8.8", .to = "10.1.0.20", .port = WAN },
	};
	static const struct kit_rule quiet[] = { { VFR_ALLOW } };
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i;

	assert_int_equal(kit_load(k, quiet, 1, metadata, 1, 0), 0);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		kit_clear(k);
		frame_udp(&f, t[i].from, t[i].src, 7, t[i].dst, 9, 20);
		kit_rx(k, t[i].from, &f);
		if (strcmp(kit_last_reason(k), t[i].reason) ||
		    (t[i].to >= 0 && (k->nr_caught != 1 ||
				      k->caught[0].port != t[i].to)))
			fail_msg("%s: %s", t[i].what, kit_last_reason(k));
	}
	/* With the VFR itself it may speak. */
	kit_clear(k);
	frame_echo(&f, LAN, "169.254.1.1", "192.168.1.1", 8, 7, 9);
	kit_rx(k, LAN, &f);
	kit_one(k, LAN);
	kit_free(k);
}

/* Nobody learns, past the rules, which addresses are in use. */
static void test_nobody_there(void **state)
{
	static const struct kit_rule rules[] = { { VFR_DENY, .id = 9 } };
	struct kit *k = kit_new(NULL);
	struct frame f;

	KIT_LOAD(k, rules);
	frame_udp(&f, WAN, "8.8.8.8", 7, "10.1.0.99", 9, 20);
	kit_rx(k, WAN, &f);
	assert_int_equal(k->nr_caught, 0);
	assert_string_equal(kit_last_reason(k), "no_route");
	KIT_LOAD(k, allow_all);
	kit_rx(k, WAN, &f);
	kit_one(k, WAN);
	assert_string_equal(kit_last_reason(k), "no_route");
	kit_free(k);
}

/* One that is down for a moment is not said to have the MTU 0. */
static void test_port_not_there(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;

	assert_int_equal(vfr_port_detach(k->v, WEB), 0);
	KIT_LOAD(k, allow_all);
	frame_udp(&f, WAN, "8.8.8.8", 7, "10.1.0.10", 9, 20);
	f.b[20] = 0x40;			/* don't fragment */
	frame_sums(&f);
	kit_rx(k, WAN, &f);
	assert_int_equal(k->nr_caught, 0);
	assert_string_equal(kit_last_reason(k), "port_down");
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_loaded),
		cmocka_unit_test(test_closed_without_rules),
		cmocka_unit_test(test_default_deny),
		cmocka_unit_test(test_limits_and_log),
		cmocka_unit_test(test_source_of_another_link),
		cmocka_unit_test(test_port_not_there),
		cmocka_unit_test(test_log_of_other_frames),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_link_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
