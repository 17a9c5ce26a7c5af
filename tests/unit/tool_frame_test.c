/*
 * Frames from descriptions: lengths, checksums, fragments, VLAN tags; and what
 * is read back out of them, also when they are cut anywhere.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/frame.h"

#define V4_SRC 0xc6336407u	/* 198.51.100.7 */
#define V4_DST 0x0a01000au	/* 10.1.0.10 */

static struct vfr_addr v6(uint8_t last)
{
	return (struct vfr_addr){ { 0x20, 0x01, 0x0d, 0xb8, [15] = last } };
}

static uint16_t be16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

/* One's complement sum, folded; 0xffff over data with a right checksum. */
static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
	for (size_t i = 0; i < len; i++)
		s += i % 2 ? p[i] : p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* Of the transport part, with the pseudo header, from the frame itself. */
static uint32_t transport_sum(const uint8_t *f, size_t len, bool is_v6,
			      bool pseudo)
{
	const uint8_t *ip = f + 14;
	size_t head = is_v6 ? 40 : 20, n = len - 14 - head;
	uint32_t s = 0;

	if (pseudo)
		s = sum(ip + (is_v6 ? 8 : 12), is_v6 ? 32 : 8,
			n + (is_v6 ? ip[6] : ip[9]));
	return sum(ip + head, n, s);
}

struct shape {
	const char	*what;
	bool		 is_v6;
	uint8_t		 proto;
	uint32_t	 payload;
	size_t		 len;		/* of the frame */
	bool		 pseudo;
};

static const struct shape shapes[] = {
	{ "TCP over IPv4", false, IPPROTO_TCP, 0, 14 + 20 + 20, true },
	{ "TCP, odd payload", false, IPPROTO_TCP, 7, 14 + 20 + 27, true },
	{ "UDP over IPv4", false, IPPROTO_UDP, 5, 14 + 20 + 13, true },
	{ "ICMP", false, IPPROTO_ICMP, 9, 14 + 20 + 17, false },
	{ "TCP over IPv6", true, IPPROTO_TCP, 0, 14 + 40 + 20, true },
	{ "UDP over IPv6", true, IPPROTO_UDP, 65000, 14 + 40 + 65008, true },
	{ "ICMPv6", true, IPPROTO_ICMPV6, 8, 14 + 40 + 16, true },
};

static struct frame_spec spec_of(const struct shape *s)
{
	return (struct frame_spec){
		.src = s->is_v6 ? v6(1) : vfr_addr_v4(V4_SRC),
		.dst = s->is_v6 ? v6(2) : vfr_addr_v4(V4_DST),
		.proto = s->proto, .ttl = 64, .sport = 40000, .dport = 80,
		.tcp_flags = TH_SYN, .tcp_seq = 77, .payload_len = s->payload,
		.icmp_type = 8, .icmp_id = 3,
	};
}

static void test_checksums(void **state)
{
	static uint8_t f[FRAME_MAX];

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *s = &shapes[i];
		struct frame_spec spec = spec_of(s);

		print_message("%s\n", s->what);
		assert_int_equal(frame_build(&spec, f, sizeof(f)), s->len);
		assert_int_equal(transport_sum(f, s->len, s->is_v6, s->pseudo),
				 0xffff);
		if (!s->is_v6)
			assert_int_equal(sum(f + 14, 20, 0), 0xffff);
	}
}

static void test_peek(void **state)
{
	struct frame_spec spec = spec_of(&shapes[1]);
	uint8_t f[256];
	struct frame_peek p;
	int len;

	spec.vlan = 20;
	len = frame_build(&spec, f, sizeof(f));
	assert_int_equal(len, 14 + 4 + 20 + 27);
	assert_int_equal(frame_vlan(f, len), 20);
	frame_peek(f, len, &p);
	assert_int_equal(p.net_off, 18);
	assert_true(p.has_addrs && p.has_ports && !p.arp);
	assert_true(vfr_addr_eq(&p.src, &spec.src));
	assert_true(vfr_addr_eq(&p.dst, &spec.dst));
	assert_int_equal(p.sport, 40000);
	assert_int_equal(p.dport, 80);
	assert_int_equal(p.tcp_flags, TH_SYN);
	assert_int_equal(p.tcp_seq, 77);
	assert_int_equal(p.payload_len, 7);
}

/* Each length is its own heap block, so that ASan sees one byte too far. */
static void test_peek_cut_anywhere(void **state)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		static uint8_t f[FRAME_MAX];
		struct frame_spec spec = spec_of(&shapes[i]);
		int len;

		spec.payload_len = 4;
		spec.vlan = i;
		len = frame_build(&spec, f, sizeof(f));
		for (int cut = 0; cut <= len; cut++) {
			uint8_t *c = malloc(cut ? cut : 1);
			uint8_t answer[128];
			struct frame_peek p;

			memcpy(c, f, cut);
			frame_peek(c, cut, &p);
			frame_vlan(c, cut);
			frame_answer_neighbour(c, cut, answer, 128);
			free(c);
		}
	}
}

static void test_fragments(void **state)
{
	struct frame_spec spec = spec_of(&shapes[2]);
	uint8_t f[256];
	int len;

	spec.payload_len = 16;
	spec.more_frags = true;
	len = frame_build(&spec, f, sizeof(f));
	assert_int_equal(len, 14 + 20 + 24);
	assert_int_equal(be16(f + 14 + 6), 0x2000);

	spec.frag_off = 24;		/* a later one shows no ports */
	spec.more_frags = false;
	len = frame_build(&spec, f, sizeof(f));
	assert_int_equal(len, 14 + 20 + 16);
	assert_int_equal(be16(f + 14 + 6), 3);

	spec = spec_of(&shapes[5]);
	spec.payload_len = 16;
	spec.more_frags = true;
	len = frame_build(&spec, f, sizeof(f));
	assert_int_equal(len, 14 + 40 + 8 + 24);
	assert_int_equal(f[14 + 6], IPPROTO_FRAGMENT);
	assert_int_equal(be16(f + 14 + 4), 8 + 24);
}

static void test_refuses(void **state)
{
	struct frame_spec spec = spec_of(&shapes[0]);
	uint8_t f[256];

	spec.dst = v6(1);
	assert_int_equal(frame_build(&spec, f, sizeof(f)), -EINVAL);
	spec = spec_of(&shapes[0]);
	spec.frag_off = 4;
	assert_int_equal(frame_build(&spec, f, sizeof(f)), -EINVAL);
	spec = spec_of(&shapes[0]);
	spec.payload_len = 300;
	assert_int_equal(frame_build(&spec, f, sizeof(f)), -EMSGSIZE);
	spec.payload_len = UINT32_MAX;
	assert_int_equal(frame_build(&spec, f, sizeof(f)), -EMSGSIZE);
}

static void test_answers_arp(void **state)
{
	static const uint8_t request[42] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 203, 0, 113, 2,
		0, 0, 0, 0, 0, 0, 203, 0, 113, 1,
	};
	struct vfr_addr asked = vfr_addr_v4(0xcb007101);
	uint8_t a[128], mac[6];

	frame_neighbour_mac(&asked, mac);
	assert_int_equal(frame_answer_neighbour(request, sizeof(request), a,
						sizeof(a)), 42);
	assert_memory_equal(a, request + 6, 6);
	assert_memory_equal(a + 6, mac, 6);
	assert_int_equal(be16(a + 20), 2);
	assert_memory_equal(a + 22, mac, 6);
	assert_memory_equal(a + 28, request + 38, 4);
	assert_memory_equal(a + 32, request + 22, 6);
	assert_memory_equal(a + 38, request + 28, 4);
}

static void test_answers_solicitation(void **state)
{
	struct frame_spec s = {
		.src = v6(2), .dst = { { 0xff, 2, [11] = 1, 0xff, [15] = 1 } },
		.proto = IPPROTO_ICMPV6, .ttl = 255,
		.icmp_type = ND_NEIGHBOR_SOLICIT, .payload_len = 16,
		.src_mac = { 2, 0, 0, 0, 0, 9 },
	};
	struct vfr_addr asked = v6(1);
	uint8_t f[128], a[128];
	int len = frame_build(&s, f, sizeof(f));

	memcpy(f + 14 + 40 + 8, asked.b, 16);
	len = frame_answer_neighbour(f, len, a, sizeof(a));
	assert_int_equal(len, 14 + 40 + 32);
	assert_memory_equal(a, s.src_mac, 6);
	assert_int_equal(a[14 + 7], 255);
	assert_memory_equal(a + 14 + 8, asked.b, 16);
	assert_int_equal(a[54], ND_NEIGHBOR_ADVERT);
	assert_int_equal(transport_sum(a, len, true, true), 0xffff);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_peek),
		cmocka_unit_test(test_peek_cut_anywhere),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_answers_arp),
		cmocka_unit_test(test_answers_solicitation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
