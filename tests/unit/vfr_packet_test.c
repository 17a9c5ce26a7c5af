/*
 * Packets in every form: malformed, in pieces, tagged, too long for one frame,
 * with work left to the NIC.
 */
#include "vfr_kit.h"

/* Of the IPv4 header alone, however long it says it is. */
static void header_sum(struct frame *f)
{
	w16(f->b + 24, 0);
	w16(f->b + 24, (uint16_t)~add_sum(0, f->b + 14,
					  (f->b[14] & 15) * 4u));
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
	for (i = 0; i < ARRAY_LEN(t); i++) {
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

enum { OF_UDP, OF_TCP6, OF_PING, OF_ARP, OF_ICMP_ERROR, OF_NDP, NR_OF };

/* A sound frame from web; whatever the VFR parses is in one of them. */
static void sample(struct frame *f, int kind)
{
	static const struct tcp_spec syn = { SYN, 1000, 0, 100, 30 };
	struct frame quote;

	switch (kind) {
	case OF_UDP:
		frame_udp(f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, 30);
		break;
	case OF_TCP6:
		frame_tcp(f, WEB, "fd00:1::10", 5, "fd00:1::20", 6, &syn);
		break;
	case OF_PING:
		frame_echo(f, WEB, "10.1.0.10", "10.1.0.1", 8, 5, 30);
		break;
	case OF_ARP:
		frame_arp(f, WEB, 1, kit_mac[WEB], "10.1.0.10", "10.1.0.1");
		break;
	case OF_ICMP_ERROR:
		frame_udp(&quote, DB, "10.1.0.20", 5, "10.1.0.10", 6, 30);
		frame_error(f, WEB, "10.1.0.10", "10.1.0.20", 3, 0,
			    quote.b + 14, 58);
		break;
	case OF_NDP:
		frame_echo(f, WEB, "fd00:1::10", "ff02::1:ff00:1", 135, 0, 24);
		f->b[21] = 255;
		frame_sums(f);
		break;
	}
}

/* What lies behind the header is its sender's business, and may be wrong. */
static void check_headers(struct kit *k)
{
	int i;

	for (i = 0; i < k->nr_caught; i++) {
		const uint8_t *b = k->caught[i].b;

		if (be16(b + 12) == 0x800)
			assert_int_equal(add_sum(0, b + 14, (b[14] & 15) * 4u),
					 0xffff);
	}
	kit_clear(k);
}

/* Every truncation and each changed bit: accounted for, nothing read beyond
   (ASan), and whatever gets out has a sound header. */
static void test_every_byte(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f, g;
	uint32_t i;
	int kind, bit;

	KIT_LOAD(k, allow_all);
	for (kind = 0; kind < NR_OF; kind++) {
		sample(&f, kind);
		for (i = 0; i < f.len; i++) {
			g = f;
			g.len = i ? i : 1;
			kit_rx(k, WEB, &g);
			check_headers(k);
			for (bit = 0; bit < 8; bit++) {
				g = f;
				g.b[i] ^= (uint8_t)(1 << bit);
				kit_rx(k, WEB, &g);
				check_headers(k);
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

static const struct tcp_spec big = { ACK | PSH, 2, 6, 1000, 900 };

/* As a guest's driver hands it over. */
static struct vfr_packet *big_packet(struct kit *k, struct frame *f,
				     uint32_t cut)
{
	struct vfr_packet *p;

	frame_tcp(f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, &big);
	p = kit_packet(k, f, cut);
	p->csum = VFR_CSUM_PARTIAL;
	p->csum_start = 34;
	p->csum_offset = 16;
	return p;
}

static void test_offload(void **state)
{
	static const struct tcp_spec syn = { SYN, 1, 0, 1000, 0 };
	static const struct tcp_spec synack = { SYN | ACK, 5, 2, 1000, 0 };
	static const struct tcp_spec ack = { ACK, 2, 6, 1000, 0 };
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f;

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
	kit_free(k);
}

/* Cut up by the helper, each segment is complete and in order. */
static void test_segments(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;
	struct vfr_packet *p = big_packet(k, &f, 100);
	uint8_t hdr[128], seg[1600];
	uint32_t from, n, seen = 0;
	unsigned int i;
	int hlen;

	p->gso = VFR_GSO_TCP4;
	p->gso_size = 200;
	for (i = 0; (hlen = vfr_packet_segment(p, i, hdr, sizeof(hdr), &from,
					       &n)) > 0; i++) {
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
	kit_free(k);
}

/* A partial checksum, the sum of the pseudo header alone, made whole. */
static void test_checksum(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;
	struct vfr_packet *p = big_packet(k, &f, 333);
	uint8_t pseudo[12];

	memcpy(pseudo, p->hdr + 26, 8);
	w16(pseudo + 8, 6);
	w16(pseudo + 10, 920);
	w16(p->hdr + 50, (uint16_t)add_sum(0, pseudo, 12));
	vfr_packet_checksum(p);
	assert_memory_equal(p->hdr + 50, f.b + 50, 2);
	p->release(p);
	kit_free(k);
}

/* n bytes of IPv6 options (a multiple of 8) before the transport's header. */
static void add_options6(struct frame *f, uint32_t n)
{
	uint8_t *h = f->b + 54;

	memmove(h + n, h, f->len - 54);
	memset(h, 0, n);
	h[0] = f->b[20];
	h[1] = (uint8_t)(n / 8 - 1);
	h[2] = 1;		/* PadN over all the rest */
	h[3] = (uint8_t)(n - 4);
	f->b[20] = 60;
	w16(f->b + 18, (uint16_t)(be16(f->b + 18) + n));
	f->len += n;
}

/* As a guest leaves it to the last hop, which a frontend did not ask for: the
   port makes it what it would have been. */
static void test_checksum6(void **state)
{
	static const struct {
		const char *what;
		uint8_t proto;
		uint32_t payload, options, cut;
	} t[] = {
		{ "UDP", 17, 300, 0, 0 },
		{ "UDP of an odd length in odd pieces", 17, 301, 0, 77 },
		{ "UDP without a byte", 17, 0, 0, 0 },
		{ "UDP behind options", 17, 300, 8, 0 },
		{ "UDP behind many options", 17, 301, 128, 77 },
		{ "TCP", 6, 900, 0, 0 },
		{ "TCP in odd pieces", 6, 901, 0, 77 },
		{ "TCP behind options", 6, 900, 16, 0 },
		{ "TCP behind many options", 6, 901, 128, 77 },
	};
	static const struct kit_rule all[] = {
		{ VFR_ALLOW, .flags = VFR_RULE_STATELESS },
	};
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f;
	unsigned int i;

	KIT_LOAD(k, all);
	k->no_partial = true;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct tcp_spec ack = { ACK, 2, 6, 1000, t[i].payload };
		uint32_t at = 54 + t[i].options + (t[i].proto == 6 ? 16 : 6);
		struct vfr_packet *p;
		struct frame partial;
		uint8_t pseudo[36];

		if (t[i].proto == 17)
			frame_udp(&f, WEB, "fd00:1::10", 5, "fd00:1::20", 6,
				  t[i].payload);
		else
			frame_tcp(&f, WEB, "fd00:1::10", 5, "fd00:1::20", 6,
				  &ack);
		memcpy(pseudo, f.b + 22, 32);
		w16(pseudo + 32, t[i].proto);
		w16(pseudo + 34, (uint16_t)(f.len - 54));
		if (t[i].options)
			add_options6(&f, t[i].options);
		partial = f;
		w16(partial.b + at, (uint16_t)add_sum(0, pseudo, 36));
		p = kit_packet(k, &partial, t[i].cut);
		p->csum = VFR_CSUM_PARTIAL;
		vfr_rx(k->v, WEB, &p, 1, ++k->now);
		c = kit_one(k, DB);
		if (c->len != f.len || c->csum != VFR_CSUM_NONE ||
		    memcmp(c->b + 54, f.b + 54, f.len - 54))
			fail_msg("%s: %04x, not %04x", t[i].what,
				 be16(c->b + at), be16(f.b + at));
	}
	kit_free(k);
}

/* UDP's 0 would say that there is none. */
static void test_checksum6_zero(void **state)
{
	static const struct kit_rule all[] = {
		{ VFR_ALLOW, .flags = VFR_RULE_STATELESS },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;

	KIT_LOAD(k, all);
	k->no_partial = true;
	frame_udp(&f, WEB, "fd00:1::10", 5, "fd00:1::20", 6, 4);
	w32(f.b + 62, 0);
	w16(f.b + 60, 0);
	/* What the payload lacks to a sum of 0xffff with the header's. */
	w16(f.b + 60, (uint16_t)~add_sum(0, f.b + 54, 12));
	kit_rx_csum(k, WEB, &f, VFR_CSUM_PARTIAL, VFR_GSO_NONE, 0);
	assert_int_equal(be16(kit_one(k, DB)->b + 60), 0xffff);
	kit_free(k);
}

/* Offloads that do not fit the packet are refused. */
static void test_bad_offload(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, 90);
	kit_rx_csum(k, WEB, &f, VFR_CSUM_PARTIAL, VFR_GSO_TCP4, 200);
	assert_string_equal(kit_last_reason(k), "malformed");
	frame_echo(&f, WEB, "10.1.0.10", "10.1.0.20", 8, 6, 90);
	kit_rx_csum(k, WEB, &f, VFR_CSUM_PARTIAL, VFR_GSO_NONE, 0);
	assert_string_equal(kit_last_reason(k), "malformed");
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_offload),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_checksum6),
		cmocka_unit_test(test_checksum6_zero),
		cmocka_unit_test(test_bad_offload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
