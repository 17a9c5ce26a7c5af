/*
 * The lab: packets reach next hops although nobody describes neighbours, the
 * outcome of each is told, time passes, and all memory comes back.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/lab.h"

#define WAN 0			/* ports of the ruleset below */
#define WEB 1
#define FAR	0xc6336407u	/* 198.51.100.7 */
#define WEB_IP	0x0a01000au	/* 10.1.0.10 */
#define DB_IP	0x0a010014u	/* 10.1.0.20: nobody */

/* nic wan, net dmz, domain web; allow tcp 80, deny the rest */
static const char strings[] = "\0wan\0nic0\0dmz\0web\0f.vfr\0allow\0deny";
enum { S_WAN = 1, S_NIC0 = 5, S_DMZ = 10, S_WEB = 14, S_FILE = 18,
       S_ALLOW = 24, S_DENY = 30 };

static void *make_ruleset(size_t *len)
{
	const struct vfr_prefix addrs[] = {
		{ vfr_addr_v4(0xcb007102), VFR_V4_BITS + 24 },
		{ vfr_addr_v4(0x0a010001), VFR_V4_BITS + 24 },
		{ vfr_addr_v4(WEB_IP), 128 },
	};
	const struct vfr_rs_net nets[] = {
		{ .name = S_DMZ, .kind = VFR_NET_ROUTED, .nic = VFR_NONE16,
		  .mac = { 2, 0, 0, 0, 0, 1 }, .first_addr = 1, .nr_addrs = 1 },
	};
	const struct vfr_rs_port ports[] = {
		{ .name = S_WAN, .device = S_NIC0, .kind = VFR_PORT_NIC,
		  .flags = VFR_PORT_PING, .net = VFR_NONE16, .nr_addrs = 1,
		  .gateway4 = vfr_addr_v4(0xcb007101) },
		{ .name = S_WEB, .device = S_WEB, .kind = VFR_PORT_VIF,
		  .mac = { 2, 0, 0, 0, 0, 2 }, .first_addr = 2,
		  .nr_addrs = 1 },
	};
	const struct vfr_rs_rule rules[] = {
		{ .id = 1, .action = VFR_ALLOW, .file = S_FILE, .line = 1,
		  .text = S_ALLOW },
		{ .id = 2, .action = VFR_DENY, .file = S_FILE, .line = 2,
		  .text = S_DENY },
	};
	const struct vfr_cls_rule any = {
		.src_len = 0, .dst_len = 0, .any_proto = 1,
		.sport_hi = UINT16_MAX, .dport_hi = UINT16_MAX,
		.in = VFR_CLS_ANY_PORT, .out = VFR_CLS_ANY_PORT,
		.src_set = VFR_CLS_NO_SET, .dst_set = VFR_CLS_NO_SET,
	};
	struct vfr_cls_rule atoms[2] = { any, any };
	const struct vfr_cls_set no_sets[1];
	const struct vfr_cls_range no_ranges[1];
	const struct vfr_cls_input in = {
		.rules = atoms, .nr_rules = 2, .sets = no_sets,
		.ranges = no_ranges,
	};
	size_t arena_len, blob_max, cls_len;
	void *arena, *cls, *blob;
	struct vfr_rs_parts parts;

	atoms[0].any_proto = 0;
	atoms[0].proto = IPPROTO_TCP;
	atoms[0].dport_lo = atoms[0].dport_hi = 80;
	atoms[1].rule = 1;
	arena_len = vfr_cls_arena_size(&in);
	blob_max = vfr_cls_blob_max(&in);
	arena = malloc(arena_len);
	cls = malloc(blob_max);
	assert_int_equal(vfr_cls_build(&in, arena, arena_len, cls, blob_max,
				       &cls_len, NULL), 0);
	parts = (struct vfr_rs_parts){
		.hash = 7, .strings = strings, .nr_strings = sizeof(strings),
		.addrs = addrs, .nr_addrs = 3, .nets = nets, .nr_nets = 1,
		.ports = ports, .nr_ports = 2, .rules = rules, .nr_rules = 2,
		.classifier = cls, .nr_classifier = cls_len,
	};
	*len = vfr_ruleset_size(&parts);
	blob = malloc(*len);
	vfr_ruleset_write(&parts, blob);
	free(arena);
	free(cls);
	return blob;
}

struct fixture {
	void		*blob;
	struct lab	 lab;
};

static void setup(struct fixture *f)
{
	const char *why = "";
	size_t len;

	f->blob = make_ruleset(&len);
	if (lab_create(&f->lab, f->blob, len, NULL, &why))
		fail_msg("%s", why);
}

static void teardown(struct fixture *f)
{
	lab_destroy(&f->lab);
	free(f->blob);
}

static void send_tcp(struct lab *l, unsigned int port, uint32_t src,
		     uint16_t sport, uint32_t dst, uint16_t dport,
		     uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct frame_spec s = {
		.src = vfr_addr_v4(src), .dst = vfr_addr_v4(dst),
		.proto = IPPROTO_TCP, .ttl = 64, .sport = sport,
		.dport = dport, .tcp_flags = flags, .tcp_seq = seq,
		.tcp_ack = ack,
	};
	struct lab_link link;
	uint8_t buf[128];
	int len;

	lab_link(l, port, &s.src, &s.dst, &link);
	memcpy(s.src_mac, link.src_mac, 6);
	memcpy(s.dst_mac, link.dst_mac, 6);
	s.vlan = link.vlan;
	len = frame_build(&s, buf, sizeof(buf));
	lab_send(l, port, buf, len, len);
}

static void test_allowed_and_answered(void **state)
{
	struct fixture f;
	struct lab *l = &f.lab;

	setup(&f);
	send_tcp(l, WAN, FAR, 40000, WEB_IP, 80, TH_SYN, 1, 0);
	assert_int_equal(l->verdict, LAB_PASSED);
	assert_int_equal(l->rule, 0);
	assert_non_null(lab_sent(l));
	assert_int_equal(lab_sent(l)->port, lab_vfr_port(l, WEB));

	/* the answer needs the gateway's MAC, which the lab supplies */
	send_tcp(l, WEB, WEB_IP, 80, FAR, 40000, TH_SYN | TH_ACK, 9, 2);
	assert_int_equal(l->verdict, LAB_PASSED);
	assert_non_null(lab_sent(l));
	assert_int_equal(lab_sent(l)->port, lab_vfr_port(l, WAN));
	teardown(&f);
}

static void test_denied(void **state)
{
	struct fixture f;

	setup(&f);
	send_tcp(&f.lab, WAN, FAR, 40000, WEB_IP, 22, TH_SYN, 1, 0);
	assert_int_equal(f.lab.verdict, LAB_DROPPED);
	assert_int_equal(f.lab.reason, VFR_DROP_RULE);
	assert_int_equal(f.lab.rule, 1);
	assert_null(lab_sent(&f.lab));
	teardown(&f);
}

static void test_spoofed(void **state)
{
	struct fixture f;

	setup(&f);
	send_tcp(&f.lab, WEB, DB_IP, 40000, FAR, 80, TH_SYN, 1, 0);
	assert_int_equal(f.lab.verdict, LAB_DROPPED);
	assert_int_equal(f.lab.reason, VFR_DROP_SPOOF);
	teardown(&f);
}

static void test_reset_forgets(void **state)
{
	struct fixture f;
	struct vfr_stats st;

	setup(&f);
	send_tcp(&f.lab, WAN, FAR, 40000, WEB_IP, 80, TH_SYN, 1, 0);
	vfr_stats(f.lab.v, &st);
	assert_int_equal(st.flows, 1);
	assert_int_equal(lab_reset(&f.lab), 0);
	vfr_stats(f.lab.v, &st);
	assert_int_equal(st.flows, 0);
	teardown(&f);
}

/* A connection that nobody goes on with is forgotten, however long the wait. */
static void test_time_passes(void **state)
{
	static const uint64_t waits_s[] = { 3600, 86400ull * 365 * 50 };
	struct fixture f;
	struct vfr_stats st;

	setup(&f);
	for (size_t i = 0; i < 2; i++) {
		uint64_t ns = waits_s[i] * 1000000000ull;
		uint64_t until;

		send_tcp(&f.lab, WAN, FAR, 40000, WEB_IP, 80, TH_SYN, 1, 0);
		until = f.lab.now_ns + ns;
		lab_wait(&f.lab, ns);
		assert_true(f.lab.now_ns == until);
		vfr_stats(f.lab.v, &st);
		assert_int_equal(st.flows, 0);
	}
	teardown(&f);
}

static void test_port_of(void **state)
{
	struct vfr_addr web = vfr_addr_v4(WEB_IP), far = vfr_addr_v4(FAR);
	struct fixture f;

	setup(&f);
	assert_int_equal(lab_port_of(&f.lab, &web), WEB);
	assert_int_equal(lab_port_of(&f.lab, &far), WAN);
	teardown(&f);
}

/* Whatever the address of a neighbour, its MAC is not that of our NIC. */
static void test_neighbour_is_not_us(void **state)
{
	static const struct vfr_addr srcs[] = {
		{ { 0x20, 0x01, 0x0d, 0xb8 } },
		{ { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
		{ { [10] = 0xff, 0xff, 9 } },
	};
	struct vfr_addr web = vfr_addr_v4(WEB_IP);
	struct lab_link link;
	struct fixture f;

	setup(&f);
	for (size_t i = 0; i < sizeof(srcs) / sizeof(srcs[0]); i++) {
		lab_link(&f.lab, WAN, &srcs[i], &web, &link);
		assert_memory_not_equal(link.src_mac, link.dst_mac, 6);
	}
	teardown(&f);
}

/* No length that a capture may claim does harm. */
static void test_lengths(void **state)
{
	static const uint32_t lens[] = { 0, 1, 13, 14, 60, 1514, 65535,
		VFR_MAX_LEN, VFR_MAX_LEN + 1, UINT32_MAX };
	static const uint8_t zeros[60];
	struct fixture f;

	setup(&f);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		lab_send(&f.lab, WAN, zeros, 60, lens[i]);
		assert_int_equal(f.lab.verdict, LAB_DROPPED);
	}
	lab_send(&f.lab, 99, zeros, 60, 60);	/* no such port */
	assert_int_equal(f.lab.verdict, LAB_DROPPED);
	teardown(&f);
}

static void test_refuses(void **state)
{
	const char *why = "";
	uint8_t junk[256] = { 0 };
	struct lab l;

	assert_true(lab_create(&l, junk, sizeof(junk), NULL, &why) < 0);
	assert_true(why[0] != '\0');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed_and_answered),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_spoofed),
		cmocka_unit_test(test_reset_forgets),
		cmocka_unit_test(test_time_passes),
		cmocka_unit_test(test_port_of),
		cmocka_unit_test(test_neighbour_is_not_us),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
