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

/* Who an IP packet in a group MAC is for: a group or all, not one station. */
static void test_group_address(void **state)
{
	static const struct {
		const char *src, *dst;
		bool passes;
	} t[] = {
		{ "192.168.1.50", "255.255.255.255", true },
		{ "192.168.1.50", "224.0.0.251", true },
		{ "192.168.1.50", "192.168.1.255", true },	/* the NIC's */
		{ "192.168.1.50", "198.51.100.255", true },	/* the net's */
		{ "192.168.1.50", "192.168.1.9", false },
		{ "192.168.1.50", "192.168.1.127", false },
		{ "192.168.1.50", "10.1.0.255", false },	/* elsewhere */
		{ "192.168.1.50", "8.8.8.8", false },
		{ "2001:db8:1::50", "ff02::fb", true },
		{ "2001:db8:1::50", "2001:db8:1::9", false },
		{ "2001:db8:1::50", "2001:db8:1:0:ffff:ffff:ffff:ffff", false },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		kit_clear(k);
		frame_udp(&f, BR, t[i].src, 7, t[i].dst, 9, 20);
		memset(f.b, 0xff, 6);
		kit_rx(k, BR, &f);
		if (k->nr_caught != t[i].passes ||
		    (!t[i].passes && strcmp(kit_last_reason(k), "martian")))
			fail_msg("to %s: %d frames, %s", t[i].dst,
				 k->nr_caught, kit_last_reason(k));
	}
	kit_free(k);
}

static void broadcast(struct kit *k, int n)
{
	struct frame f;
	int i;

	kit_clear(k);
	for (i = 0; i < n; i++) {
		frame_udp(&f, BR, "192.168.1.50", 7 + i, "255.255.255.255", 9,
			  20);
		memset(f.b, 0xff, 6);
		kit_rx(k, BR, &f);
	}
}

/* A group's packet is asked of the rules like any other. */
static void test_group_rules(void **state)
{
	static const struct kit_rule few[] = {
		{ VFR_ALLOW, .limit = 1, .limit_period_ms = 60000 },
	};
	static const struct kit_rule told[] = {
		{ VFR_DENY, .id = 7, .flags = VFR_RULE_LOG },
	};
	struct kit *k = kit_new(NULL);
	struct vfr_log_entry e[2];
	struct vfr_rule_stats st;

	KIT_LOAD(k, few);
	broadcast(k, 20);
	kit_one(k, LAN);
	assert_string_equal(kit_last_reason(k), "limit");
	assert_int_equal(kit_drops(k, BR, VFR_DROP_LIMIT), 19);
	vfr_rule_stats(k->v, 0, &st);
	assert_int_equal(st.packets, 1);
	assert_int_equal(st.limited, 19);

	KIT_LOAD(k, told);
	while (vfr_log_read(k->v, e, 2, NULL))
		;
	broadcast(k, 1);
	assert_string_equal(kit_last_reason(k), "rule");
	assert_int_equal(vfr_log_read(k->v, e, 2, NULL), 1);
	assert_int_equal(e[0].kind, VFR_LOG_RULE);
	assert_int_equal(e[0].rule_id, 7);
	assert_int_equal(e[0].out, LAN);
	vfr_rule_stats(k->v, 0, &st);
	assert_int_equal(st.packets, 1);

	assert_int_equal(kit_load(k, NULL, 0, NULL, 0, 0), 0);
	broadcast(k, 3);
	assert_string_equal(kit_last_reason(k), "default_deny");
	assert_int_equal(k->nr_caught, 0);
	vfr_rule_stats(k->v, VFR_NONE32, &st);
	assert_int_equal(st.packets, 3);
	kit_free(k);
}

/* A group's packet is not longer than what the link takes either. */
static void test_group_mtu(void **state)
{
	static const struct {
		uint32_t payload;
		const char *reason;	/* NULL: it passes */
	} t[] = {
		{ 1472, NULL }, { 1473, "mtu" }, { 60000, "mtu" },
	};
	struct kit *k = kit_new(NULL);
	unsigned int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct frame f;

		frame_udp(&f, BR, "192.168.1.50", 6, "224.0.0.251", 5,
			  t[i].payload);
		memcpy(f.b, "\1\0\x5e\0\0\xfb", 6);
		kit_clear(k);
		kit_rx(k, BR, &f);
		if (t[i].reason)
			assert_string_equal(kit_last_reason(k), t[i].reason);
		else
			kit_one(k, LAN);
		assert_int_equal(k->nr_caught, 0);
	}
	kit_clear(k);
	assert_int_equal(vfr_port_detach(k->v, LAN), 0);
	broadcast(k, 1);		/* nobody is there: no matter how long */
	assert_int_equal(kit_drops(k, BR, VFR_DROP_MTU), 2);
	kit_free(k);
}

static struct vfr_packet *kept[64];
static int nr_kept;

static int keep(void *ctx, struct vfr_packet *p)
{
	kept[nr_kept++] = p;
	return 0;
}

/* A domain that is slow to take its copies uses up the VFR's own packets: what
   is lost then is in the accounts. */
static void test_lost_copies(void **state)
{
	static const struct vfr_port_ops slow = { .transmit = keep };
	struct vfr_device d = { .name = "br", .ops = &slow, .mtu = 1500,
				.kind = VFR_PORT_VIF };
	struct kit *k = kit_new(NULL);
	struct vfr_port_stats before, st;
	struct frame f;
	int i;

	KIT_LOAD(k, allow_all);
	assert_int_equal(vfr_port_detach(k->v, BR), 0);
	assert_int_equal(vfr_port_attach(k->v, &d), BR);
	vfr_port_stats(k->v, VFR_PORT_SELF, &before);
	frame_udp(&f, LAN, "192.168.1.9", 7, "255.255.255.255", 9, 20);
	memset(f.b, 0xff, 6);
	for (i = 0; i < 40; i++)
		kit_rx(k, LAN, &f);
	assert_int_equal(nr_kept, 16);	/* half of them */
	vfr_port_stats(k->v, VFR_PORT_SELF, &st);
	assert_int_equal(st.rx_packets - before.rx_packets, 40);
	assert_int_equal(st.rx_bytes - before.rx_bytes, 40 * f.len);
	assert_int_equal(st.forwarded - before.forwarded, 16);
	assert_int_equal(st.drops[VFR_DROP_NO_BUFFER], 24);
	while (nr_kept) {
		nr_kept--;
		kept[nr_kept]->release(kept[nr_kept]);
	}
	kit_free(k);
}

/* What Ethernet padded is no part of a copy: a NIC that adds up the checksum
   would add it, too. */
static void test_padded_copy(void **state)
{
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f;
	uint32_t len;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, BR, "192.168.1.50", 7, "255.255.255.255", 9, 3);
	memset(f.b, 0xff, 6);
	len = f.len;
	memset(f.b + len, 0xaa, 60 - len);
	f.len = 60;
	kit_rx_csum(k, BR, &f, VFR_CSUM_PARTIAL, VFR_GSO_NONE, 0);
	c = kit_one(k, LAN);
	assert_int_equal(c->csum, VFR_CSUM_PARTIAL);
	assert_int_equal(c->csum_start, 34);
	assert_int_equal(c->len, len);
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

/* It may use whichever address nobody else has. */
static void test_any_but_others(void **state)
{
	static const struct {
		const char *what, *src, *dst;
		const char *reason;
	} t[] = {
		{ "a LAN host's own", "192.168.1.77", "10.1.0.10", "not dropped" },
		{ "the VFR's on the LAN", "192.168.1.1", "10.1.0.10", "spoof" },
		{ "the VFR's on another link", "203.0.113.2", "10.1.0.10", "spoof" },
		{ "a routed net's gateway", "10.1.0.1", "10.1.0.10", "spoof" },
		{ "a routed domain's", "10.1.0.20", "10.1.0.10", "spoof" },
		{ "a free one of a routed net", "10.1.0.77", "10.1.0.10", "spoof" },
		{ "any of IPv6", "2001:db8:1::77", "fd00:1::10", "not dropped" },
		{ "a routed domain's of IPv6", "fd00:1::20", "fd00:1::10", "spoof" },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i;

	kit_br_any = true;
	KIT_LOAD(k, allow_all);
	kit_br_any = false;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		frame_udp(&f, BR, t[i].src, 6, t[i].dst, 5, 9);
		kit_rx(k, BR, &f);
		if (strcmp(kit_last_reason(k), t[i].reason))
			fail_msg("%s: %s", t[i].what, kit_last_reason(k));
	}
	/* Nor does it get what is for them. */
	frame_udp(&f, LAN, "192.168.1.9", 6, "10.1.0.20", 5, 9);
	memcpy(f.b, kit_mac[BR], 6);
	kit_rx(k, LAN, &f);
	assert_string_equal(kit_last_reason(k), "not_for_us");
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
		cmocka_unit_test(test_group_address),
		cmocka_unit_test(test_group_rules),
		cmocka_unit_test(test_group_mtu),
		cmocka_unit_test(test_lost_copies),
		cmocka_unit_test(test_padded_copy),
		cmocka_unit_test(test_bridge_any),
		cmocka_unit_test(test_any_but_others),
		cmocka_unit_test(test_any_of_one_family),
		cmocka_unit_test(test_bridge_reject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
