/*
 * What a sender is told: answers to pings, errors, rejects.
 */
#include "vfr_kit.h"

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
	for (i = 0; i < ARRAY_LEN(t); i++) {
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

/* Who pings the VFR takes no errors and resets from others on his link. */
static void test_pings_and_errors(void **state)
{
	static const struct kit_rule rules[] = { { VFR_REJECT } };
	static const struct tcp_spec syn = { SYN, 1000, 0, 100, 0 };
	struct kit *k = kit_new(NULL);
	struct frame f;
	int i;

	KIT_LOAD(k, rules);
	frame_echo(&f, WAN, "8.8.8.8", "203.0.113.2", 8, 5, 1);
	for (i = 0; i < 50; i++)
		kit_rx(k, WAN, &f);
	assert_true(kit_drops(k, WAN, VFR_DROP_RATE) > 0);
	kit_clear(k);
	frame_udp(&f, WAN, "9.9.9.9", 7, "10.1.0.10", 9, 20);
	kit_rx(k, WAN, &f);
	assert_int_equal(kit_one(k, WAN)->b[34], 3);
	frame_tcp(&f, WAN, "9.9.9.9", 7, "10.1.0.10", 80, &syn);
	kit_rx(k, WAN, &f);
	assert_int_equal(kit_one(k, WAN)->b[47], RST | ACK);
	/* Nor the other way round: errors have their limit, pings go on. */
	kit_wait(k, 2);
	for (i = 0; i < 50; i++)
		kit_rx(k, WAN, &f);
	assert_true(k->nr_caught < 40);
	kit_clear(k);
	frame_echo(&f, WAN, "8.8.8.8", "203.0.113.2", 8, 5, 1);
	kit_rx(k, WAN, &f);
	assert_int_equal(kit_one(k, WAN)->b[34], 0);
	kit_free(k);
}

/* A NIC that keeps what it is to send. */
static struct vfr_packet *kept;
static int nr_kept;

static int slow_transmit(void *ctx, struct vfr_packet *p)
{
	p->next = kept;
	kept = p;
	nr_kept++;
	return 0;
}

static void slow_send(void)
{
	struct vfr_packet *p;

	while ((p = kept)) {
		kept = p->next;
		p->release(p);
	}
	nr_kept = 0;
}

static void slow_wan(struct kit *k)
{
	static const struct vfr_port_ops ops = { .transmit = slow_transmit };
	struct vfr_device dev = { .name = "wan", .kind = VFR_PORT_NIC,
				  .mtu = 1500, .ops = &ops };
	struct frame f;

	memcpy(dev.mac, kit_gw_mac[WAN], 6);
	assert_int_equal(vfr_port_detach(k->v, WAN), 0);
	assert_int_equal(vfr_port_attach(k->v, &dev), WAN);
	frame_udp(&f, WEB, "10.1.0.10", 7, "203.0.113.1", 9, 9);
	kit_rx(k, WEB, &f);
	frame_arp(&f, WAN, 2, kit_mac[WAN], "203.0.113.1", "203.0.113.2");
	kit_rx(k, WAN, &f);
	slow_send();
}

/* Pieces of one domain's packets leave the VFR enough to answer another. */
static void test_answers_beside_pieces(void **state)
{
	struct kit *k = kit_new(NULL);	/* 32 packets of the VFR's own */
	struct frame big, f;
	int i;

	KIT_LOAD(k, allow_all);
	slow_wan(k);
	frame_udp(&big, WEB, "10.1.0.10", 7, "203.0.113.1", 9, 60000);
	for (i = 1; i < 3; i++) {
		kit_rx(k, WEB, &big);	/* 41 pieces */
		assert_int_equal(nr_kept, 16);
		assert_int_equal(kit_drops(k, VFR_PORT_SELF,
					   VFR_DROP_NO_BUFFER), i * 25);
		frame_arp(&f, DB, 1, kit_mac[DB], "10.1.0.20", "10.1.0.1");
		kit_rx(k, DB, &f);
		assert_int_equal(be16(kit_one(k, DB)->b + 20), 2);
		frame_udp(&f, DB, "10.1.0.20", 7, "10.1.0.99", 9, 20);
		kit_rx(k, DB, &f);
		assert_int_equal(kit_one(k, DB)->b[34], 3);
		slow_send();
	}
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_reject),
		cmocka_unit_test(test_pings_and_errors),
		cmocka_unit_test(test_answers_beside_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
