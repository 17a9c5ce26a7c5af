/*
 * Taps: filters, rings, verdicts.
 */
#include "vfr_kit.h"

#include <pcap/pcap.h>

#define RING (1 << 16)

static const struct kit_rule rules[] = {
	{ VFR_DENY, .proto = 17, .dport_lo = 9, .id = 99 }, { VFR_ALLOW },
};

static struct vfr_tap_ring *ring_new(void)
{
	return aligned_alloc(64, sizeof(struct vfr_tap_ring) + RING);
}

/* The next record, NULL: none.  Skips and frees as a consumer does. */
static const struct vfr_tap_record *next(struct vfr_tap_ring *r, uint64_t *at)
{
	for (;;) {
		const struct vfr_tap_record *rec;

		if (*at == r->prod)
			return NULL;
		rec = (const void *)(r->data + (*at & (RING - 1)));
		*at += rec->rec_len;
		if (rec->type == VFR_TAP_PACKET)
			return rec;
	}
}

static void test_stages(void **state)
{
	static const struct kit_nat masq[] = {
		{ VFR_NAT_MASQUERADE, .match = "10.1.0.0/24", .port = WAN },
	};
	struct kit *k = kit_new(NULL);
	struct vfr_tap_ring *r = ring_new();
	struct vfr_tap_config c = {
		.snaplen = 2000, .ring = r,
		.stages = VFR_TAP_INGRESS | VFR_TAP_EGRESS, .ring_bytes = RING,
	};
	const struct vfr_tap_record *in, *out;
	struct frame f;
	uint64_t at = 0, id;
	int tap;

	assert_int_equal(kit_load(k, rules, 2, masq, 1, 0), 0);
	tap = vfr_tap_open(k->v, &c);
	assert_int_equal(tap, 0);
	/* Allowed: as it came in, and as it left. */
	frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 53, 600);
	kit_rx(k, WEB, &f);
	in = next(r, &at);
	out = next(r, &at);
	assert_non_null(in);
	assert_non_null(out);
	assert_null(next(r, &at));
	assert_int_equal(in->stage, VFR_TAP_INGRESS);
	assert_int_equal(in->verdict, VFR_VERDICT_PASS);
	assert_int_equal(in->port, WEB);
	assert_int_equal(in->out, WAN);
	assert_int_equal(in->rule, 1);
	assert_int_equal(in->rule_id, 2);
	assert_int_equal(in->len, f.len);
	assert_int_equal(in->caplen, f.len);
	assert_memory_equal(in + 1, f.b, f.len);
	assert_int_equal(out->stage, VFR_TAP_EGRESS);
	assert_int_equal(out->out, WAN);
	assert_int_equal(out->packet_id, in->packet_id);
	assert_memory_equal(out + 1, k->caught[0].b, f.len);
	id = in->packet_id;
	r->cons = at;
	/* Denied: once, with the rule. */
	frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 9, 60);
	kit_rx(k, WEB, &f);
	in = next(r, &at);
	assert_int_equal(in->verdict, VFR_VERDICT_DROP);
	assert_int_equal(in->reason, VFR_DROP_RULE);
	assert_int_equal(in->rule_id, 99);
	assert_true(in->packet_id > id);
	/* Malformed: it is seen, too. */
	f.b[14] = 0x15;
	kit_rx(k, WEB, &f);
	in = next(r, &at);
	assert_int_equal(in->reason, VFR_DROP_MALFORMED);
	assert_memory_equal(in + 1, f.b, f.len);
	/* Answered by the VFR itself: local, and the answer leaves. */
	frame_arp(&f, WEB, 1, kit_mac[WEB], "10.1.0.10", "10.1.0.1");
	kit_rx(k, WEB, &f);
	out = next(r, &at);
	in = next(r, &at);
	assert_int_equal(out->stage, VFR_TAP_EGRESS);
	assert_int_equal(out->port, VFR_PORT_SELF);
	assert_int_equal(in->verdict, VFR_VERDICT_LOCAL);
	/* Refused by its egress port: only the drop is told. */
	k->refuse_port = DB;
	frame_udp(&f, WEB, "10.1.0.10", 4000, "10.1.0.20", 53, 60);
	kit_rx(k, WEB, &f);
	in = next(r, &at);
	assert_int_equal(in->verdict, VFR_VERDICT_DROP);
	assert_int_equal(in->reason, VFR_DROP_QUEUE_FULL);
	assert_null(next(r, &at));
	assert_int_equal(vfr_tap_close(k->v, tap), 0);
	assert_int_equal(vfr_tap_close(k->v, tap), -2);
	kit_rx(k, WEB, &f);
	assert_null(next(r, &at));
	kit_free(k);
	free(r);
}

static void test_drops_only(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_tap_ring *r = ring_new();
	struct vfr_tap_config c = {
		.device = "web", .snaplen = 50, .ring = r, .ring_bytes = RING,
		.stages = VFR_TAP_DROP,
	};
	const struct vfr_tap_record *rec;
	struct frame f;
	uint64_t at = 0;

	KIT_LOAD(k, rules);
	assert_int_equal(vfr_tap_open(k->v, &c), 0);
	frame_udp(&f, WEB, "10.1.0.10", 4000, "10.1.0.20", 53, 60);
	kit_rx(k, WEB, &f);
	/* Neither there nor on its way there. */
	frame_udp(&f, DB, "10.1.0.20", 4000, "8.8.8.8", 9, 60);
	kit_rx(k, DB, &f);
	assert_null(next(r, &at));
	/* It would have left there. */
	frame_udp(&f, DB, "10.1.0.20", 4000, "10.1.0.10", 9, 60);
	kit_rx(k, DB, &f);
	rec = next(r, &at);
	assert_non_null(rec);
	assert_int_equal(rec->stage, VFR_TAP_DROP);
	assert_int_equal(rec->port, DB);
	assert_int_equal(rec->out, WEB);
	assert_int_equal(rec->rule_id, 99);
	frame_udp(&f, WEB, "10.1.0.10", 4000, "10.1.0.20", 9, 60);
	kit_rx(k, WEB, &f);
	rec = next(r, &at);
	assert_int_equal(rec->stage, VFR_TAP_DROP);
	assert_int_equal(rec->caplen, 50);
	assert_int_equal(rec->len, f.len);
	assert_null(next(r, &at));
	kit_free(k);
	free(r);
}

static int refuse(void *ctx, struct vfr_packet *p)
{
	return -5;
}

/* A device that goes and comes back, maybe as another port, is still it. */
static void test_follows_device(void **state)
{
	static const struct vfr_port_ops ops = { .transmit = refuse };
	struct vfr_device d = { .kind = VFR_PORT_VIF, .ops = &ops,
				.mtu = 1500 };
	struct kit *k = kit_new(NULL);
	struct vfr_tap_ring *r = ring_new();
	struct vfr_tap_config c = {
		.device = "web", .snaplen = 50, .ring = r, .ring_bytes = RING,
		.stages = VFR_TAP_INGRESS,
	};
	struct vfr_packet *p;
	struct frame f;
	uint64_t at = 0;
	int port;

	KIT_LOAD(k, rules);
	assert_int_equal(vfr_tap_open(k->v, &c), 0);
	assert_int_equal(vfr_port_detach(k->v, WEB), 0);
	d.name = "other";
	assert_int_equal(vfr_port_attach(k->v, &d), WEB);
	frame_udp(&f, WEB, "10.1.0.10", 4000, "10.1.0.20", 9, 60);
	p = kit_packet(k, &f, 0);
	vfr_rx(k->v, WEB, &p, 1, k->now);
	assert_null(next(r, &at));
	d.name = "web";
	port = vfr_port_attach(k->v, &d);
	assert_true(port >= 0 && port != WEB);
	assert_int_equal(vfr_port_detach(k->v, WEB), 0);
	kit_rx(k, port, &f);
	assert_int_equal(next(r, &at)->port, port);
	assert_null(next(r, &at));
	kit_free(k);
	free(r);
}

/* One device's own traffic is left out: the capture's, on its way out. */
static void test_except(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_tap_ring *r = ring_new();
	struct vfr_tap_config c = {
		.except = "db", .snaplen = 50, .ring = r, .ring_bytes = RING,
		.stages = VFR_TAP_INGRESS | VFR_TAP_EGRESS,
	};
	struct frame f;
	uint64_t at = 0;

	KIT_LOAD(k, rules);
	assert_int_equal(vfr_tap_open(k->v, &c), 0);
	frame_udp(&f, DB, "10.1.0.20", 4000, "8.8.8.8", 53, 60);
	kit_rx(k, DB, &f);
	frame_udp(&f, WAN, "8.8.8.8", 53, "10.1.0.20", 4000, 60);
	kit_rx(k, WAN, &f);
	frame_udp(&f, WEB, "10.1.0.10", 4000, "10.1.0.20", 9, 60);
	kit_rx(k, WEB, &f);
	assert_null(next(r, &at));
	frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 53, 60);
	kit_rx(k, WEB, &f);
	assert_int_equal(next(r, &at)->port, WEB);
	assert_int_equal(next(r, &at)->out, WAN);
	kit_free(k);
	free(r);
}

static void test_full(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_tap_ring *r = ring_new();
	struct vfr_tap_config c = {
		.device = "web", .snaplen = 1500, .ring = r, .ring_bytes = RING,
		.stages = VFR_TAP_INGRESS,
	};
	const struct vfr_tap_record *rec;
	uint64_t at = 0, seen = 0;
	struct frame f;
	int i;

	KIT_LOAD(k, rules);
	assert_int_equal(vfr_tap_open(k->v, &c), 0);
	frame_udp(&f, WEB, "10.1.0.10", 4000, "10.1.0.20", 53, 600);
	for (i = 0; i < 200; i++)
		kit_rx(k, WEB, &f);
	while ((rec = next(r, &at)))
		seen++;
	assert_int_equal(seen + r->lost, 200);
	assert_int_equal(r->seen, 200);
	assert_true(r->lost > 0);
	/* Read, and it goes on; the gap is told once. */
	r->cons = at;
	kit_rx(k, WEB, &f);
	rec = next(r, &at);
	assert_int_equal(rec->lost, r->lost);
	kit_rx(k, WEB, &f);
	rec = next(r, &at);
	assert_int_equal(rec->lost, 0);
	/* Many times around. */
	for (i = 0; i < 1000; i++) {
		r->cons = at;
		frame_udp(&f, WEB, "10.1.0.10", 4000, "10.1.0.20", 53,
			  (uint32_t)(i * 37) % 1400);
		kit_rx(k, WEB, &f);
		rec = next(r, &at);
		assert_non_null(rec);
		assert_memory_equal(rec + 1, f.b, rec->caplen);
	}
	/* A consumer that lies about its place gets nothing, and harms none. */
	for (i = 0; i < 64; i++) {
		at = r->prod;
		r->cons = ~0ull << i;
		kit_rx(k, WEB, &f);
		r->cons = r->prod + (1ull << i);
		kit_rx(k, WEB, &f);
		assert_int_equal(r->prod, at);
	}
	kit_free(k);
	free(r);
}

/* The tail that Ethernet padded, or a sender added, is cut off before the
   record is written: what is captured is still what came in, up to there. */
static void test_trimmed(void **state)
{
	static const uint32_t tails[] = { 0, 1, 18, 127, 128, 129, 500 };
	struct kit *k = kit_new(NULL);
	struct vfr_tap_ring *r = ring_new();
	struct vfr_tap_config c = {
		.device = "web", .snaplen = 2000, .ring = r, .ring_bytes = RING,
		.stages = VFR_TAP_INGRESS,
	};
	const struct vfr_tap_record *rec;
	struct frame f;
	uint64_t at = 0;
	uint32_t ip_end;
	unsigned int i;

	KIT_LOAD(k, rules);
	assert_int_equal(vfr_tap_open(k->v, &c), 0);
	for (i = 0; i < ARRAY_LEN(tails); i++) {
		frame_udp(&f, WEB, "10.1.0.10", 4000, "10.1.0.20", 53, 600);
		ip_end = f.len;
		memset(f.b + ip_end, 0xee, tails[i]);
		f.len += tails[i];
		kit_rx(k, WEB, &f);
		rec = next(r, &at);
		assert_non_null(rec);
		assert_int_equal(rec->len, f.len);
		assert_true(rec->caplen >= ip_end && rec->caplen <= f.len);
		assert_memory_equal(rec + 1, f.b, rec->caplen);
	}
	kit_free(k);
	free(r);
}

static void other_tap(struct kit *k, struct vfr_tap_ring *r)
{
	struct vfr_tap_config c = {
		.device = "web", .snaplen = 2000, .ring = r, .ring_bytes = RING,
		.stages = VFR_TAP_EGRESS,
	};

	assert_true(vfr_tap_open(k->v, &c) >= 0);
}

/* What the VFR itself sends is shown when it is sent, and only then. */
static void test_own(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_tap_ring *r = ring_new();
	const struct vfr_tap_record *rec;
	struct frame f;
	uint64_t at = 0;

	KIT_LOAD(k, rules);
	other_tap(k, r);
	/* The answer has no way. */
	frame_arp(&f, WEB, 1, kit_mac[WEB], "10.1.0.10", "10.1.0.1");
	k->refuse_port = WEB;
	kit_rx(k, WEB, &f);
	assert_null(next(r, &at));
	assert_int_equal(r->seen, 0);
	k->refuse_port = -1;
	kit_rx(k, WEB, &f);
	rec = next(r, &at);
	assert_non_null(rec);
	assert_int_equal(rec->port, VFR_PORT_SELF);
	assert_memory_equal(rec + 1, k->caught[0].b, rec->caplen);
	assert_null(next(r, &at));
	assert_int_equal(r->seen, 1);
	kit_free(k);
	free(r);
}

/* A record that is taken back leaves nothing behind: the gap before it is told
   by the next one, and it was neither seen nor lost. */
static void test_rewind(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_tap_ring *r = ring_new();
	const struct vfr_tap_record *rec;
	struct frame f;
	uint64_t at = 0, seen;

	KIT_LOAD(k, rules);
	other_tap(k, r);
	frame_udp(&f, DB, "10.1.0.20", 53, "10.1.0.10", 4000, 1000);
	while (!r->lost)
		kit_rx(k, DB, &f);
	while (next(r, &at))
		;
	k->refuse_port = WEB;		/* full, and lost a second time */
	kit_rx(k, DB, &f);
	assert_int_equal(r->lost, 1);
	r->cons = at;
	seen = r->seen;
	kit_rx(k, DB, &f);
	k->refuse_port = -1;
	kit_rx(k, DB, &f);
	rec = next(r, &at);
	assert_non_null(rec);
	assert_int_equal(rec->lost, 1);
	assert_int_equal(r->seen, seen + 1);
	kit_free(k);
	free(r);
}

static void test_bad_config(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_tap_ring *r = ring_new();
	static const struct vfr_bpf_insn loop[] = { { 5, 0, 0, 0xffffffff } };
	const struct vfr_tap_config good = {
		.device = "web", .snaplen = 96, .ring = r, .ring_bytes = RING,
		.stages = VFR_TAP_INGRESS,
	};
	struct vfr_tap_config c;
	int i;

	c = good; c.snaplen = 0;
	assert_int_equal(vfr_tap_open(k->v, &c), -22);
	c = good; c.ring_bytes = 5000;
	assert_int_equal(vfr_tap_open(k->v, &c), -22);
	c = good; c.stages = 0;
	assert_int_equal(vfr_tap_open(k->v, &c), -22);
	c = good; c.filter = loop; c.nr_filter = 1;
	assert_int_equal(vfr_tap_open(k->v, &c), -22);
	for (i = 0; i < 4; i++)
		assert_int_equal(vfr_tap_open(k->v, &good), i);
	assert_int_equal(vfr_tap_open(k->v, &good), -28);
	kit_free(k);
	free(r);
}

static const struct {
	const char *what;
	struct vfr_bpf_insn p[4];
	uint32_t nr;
	int rc;
} programs[] = {
	{ "accept all", { { 6, 0, 0, 1 } }, 1, 0 },
	{ "empty", { { 6, 0, 0, 1 } }, 0, -22 },
	{ "without a return", { { 0x28, 0, 0, 12 } }, 1, -22 },
	{ "a jump beyond the end", { { 0x15, 1, 0, 5 }, { 6, 0, 0, 0 } }, 2, -22 },
	{ "the other branch beyond the end", { { 0x15, 0, 1, 5 }, { 6, 0, 0, 0 } }, 2, -22 },
	{ "a jump always beyond the end", { { 5, 0, 0, 1 }, { 6, 0, 0, 0 } }, 2, -22 },
	{ "a jump far away", { { 5, 0, 0, 0x7fffffff }, { 6, 0, 0, 0 } }, 2, -22 },
	{ "a jump onto the return", { { 5, 0, 0, 0 }, { 6, 0, 0, 0 } }, 2, 0 },
	{ "division by zero", { { 0x34, 0, 0, 0 }, { 6, 0, 0, 0 } }, 2, -22 },
	{ "division by a number", { { 0x34, 0, 0, 2 }, { 6, 0, 0, 0 } }, 2, 0 },
	{ "modulo zero", { { 0x94, 0, 0, 0 }, { 6, 0, 0, 0 } }, 2, -22 },
	{ "memory word 16", { { 2, 0, 0, 16 }, { 6, 0, 0, 0 } }, 2, -22 },
	{ "memory word 15", { { 2, 0, 0, 15 }, { 6, 0, 0, 0 } }, 2, 0 },
	{ "a shift by 32", { { 0x64, 0, 0, 32 }, { 6, 0, 0, 0 } }, 2, -22 },
	{ "an unknown code", { { 0xff, 0, 0, 0 }, { 6, 0, 0, 0 } }, 2, -22 },
};

static void test_check(void **state)
{
	static struct vfr_bpf_insn many[VFR_BPF_MAX + 1];
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(programs); i++)
		if (vfr_bpf_check(programs[i].p, programs[i].nr) !=
		    programs[i].rc)
			fail_msg("%s", programs[i].what);
	for (i = 0; i <= VFR_BPF_MAX; i++)
		many[i].code = 6;
	assert_int_equal(vfr_bpf_check(many, VFR_BPF_MAX), 0);
	assert_int_equal(vfr_bpf_check(many, VFR_BPF_MAX + 1), -22);
}

/* The same answer as libpcap's interpreter, filter by filter, on packets of
   all kinds and lengths. */
static void test_against_libpcap(void **state)
{
	static const char *const filters[] = {
		"ip", "arp", "ip6", "tcp port 80", "udp and dst host 10.1.0.20",
		"net 10.1.0.0/16 and not port 22", "tcp[13] & 2 != 0",
		"vlan and tcp port 443", "greater 200", "less 64",
		"icmp[icmptype] == icmp-echo", "ip[2:2] > 300",
		"ether host 02:00:00:02:00:0a", "ip6 and udp portrange 5-700",
		"portrange 100-2000 or (len - 3) % 7 = 2",
		"ip[8] / 3 < 20 and ip[8] * 2 > 6",
	};
	static const struct tcp_spec tcp = { SYN, 1, 2, 3, 40 };
	pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
	struct frame f;
	unsigned int n, kind, cut, flips;

	srand(7);
	for (n = 0; n < ARRAY_LEN(filters); n++) {
		struct bpf_program prog;

		assert_int_equal(pcap_compile(p, &prog, filters[n], 1,
					      PCAP_NETMASK_UNKNOWN), 0);
		assert_int_equal(vfr_bpf_check((const void *)prog.bf_insns,
					       prog.bf_len), 0);
		for (kind = 0; kind < 5; kind++) {
			switch (kind) {
			case 0:
				frame_udp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 600, 300);
				break;
			case 1:
				frame_tcp(&f, WEB, "10.1.0.10", 22, "10.1.0.20", 80, &tcp);
				break;
			case 2:
				frame_udp(&f, WEB, "fd00:1::10", 5, "fd00:1::20", 600, 30);
				break;
			case 3:
				frame_echo(&f, WEB, "10.1.0.10", "10.1.0.20", 8, 1, 9);
				break;
			case 4:
				frame_arp(&f, WEB, 1, kit_mac[WEB], "10.1.0.10", "10.1.0.1");
				break;
			}
			for (cut = 1; cut <= f.len; cut += 1 + cut / 64) {
				for (flips = 0; flips < 3; flips++) {
					uint32_t a, b;

					a = bpf_filter(prog.bf_insns, f.b,
						       f.len, cut);
					b = vfr_bpf_run((const void *)prog.bf_insns,
							f.b, f.len, cut);
					if (a != b)
						fail_msg("%s: %u, not %u",
							 filters[n], b, a);
					f.b[rand() % (int)f.len] ^= (uint8_t)rand();
				}
			}
		}
		pcap_freecode(&prog);
	}
	pcap_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_drops_only),
		cmocka_unit_test(test_follows_device),
		cmocka_unit_test(test_except),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_trimmed),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_rewind),
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_against_libpcap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
