/*
 * segment_test.c: a large TCP packet in segments: what they carry, who releases
 * what, and what becomes of it when the device or the packets run out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netback.h"

#define HEADERS	54		/* Ethernet, IPv4, TCP */
#define PIECE	1000
#define NR	4		/* pieces of payload beside that in hdr */
#define INLINE	40		/* bytes of it there */
#define MSS	700
#define PAYLOAD	(INLINE + NR * PIECE)
#define SEGMENTS ((PAYLOAD + MSS - 1) / MSS)

static uint8_t payload[PAYLOAD];
static struct net_packet sender;	/* whose the whole packet is */
#define whole	sender.p
static struct net_source source;
static unsigned released, in_use, packets_left, room;
static struct vfr_packet *taken[SEGMENTS];
static unsigned nr_taken;

struct net_packet *net_packet_get(void)
{
	if (!packets_left)
		return NULL;
	packets_left--;
	in_use++;
	return calloc(1, sizeof(struct net_packet));
}

/* Those that are left for others are not to be had. */
uint32_t net_packets_free(void)
{
	return 256 + packets_left;
}

void net_packet_put(struct net_packet *np)
{
	in_use--;
	free(np);
}

static void whole_release(struct vfr_packet *p)
{
	assert_ptr_equal(p, &whole);
	released++;
}

static int transmit(void *ctx, struct vfr_packet *p)
{
	assert_ptr_equal(ctx, &room);
	if (nr_taken == room)
		return -ENOBUFS;
	taken[nr_taken++] = p;
	return 0;
}

static int setup(void **state)
{
	uint8_t *h = whole.buf + VFR_HEADROOM;

	for (unsigned i = 0; i < PAYLOAD; i++)
		payload[i] = (uint8_t)(i * 7 + i / 256);
	memset(&sender, 0, sizeof(sender));
	sender.from = &source;
	vfr_packet_init(&whole, whole_release, NULL);
	h[12] = 8;
	h[14] = 0x45;
	h[14 + 9] = 6;
	h[34 + 12] = 0x50;
	memcpy(h + HEADERS, payload, INLINE);
	whole.hdr_len = HEADERS + INLINE;
	whole.len = whole.hdr_len;
	for (unsigned i = 0; i < NR; i++)
		vfr_packet_add(&whole, payload + INLINE + i * PIECE, 0, 0,
			       PIECE);
	whole.csum = VFR_CSUM_PARTIAL;
	whole.csum_start = 34;
	whole.csum_offset = 16;
	whole.gso = VFR_GSO_TCP4;
	whole.gso_size = MSS;
	whole.port = 9;
	released = in_use = nr_taken = 0;
	packets_left = 100;
	room = SEGMENTS;
	return 0;
}

static void test_whole(void **state)
{
	uint64_t lost = 0;
	unsigned at = 0;

	assert_int_equal(net_segments(&whole, transmit, &room, &lost), 0);
	assert_int_equal(nr_taken, SEGMENTS);
	assert_int_equal(lost, 0);
	for (unsigned i = 0; i < SEGMENTS; i++) {
		struct vfr_packet *s = taken[i];
		uint8_t got[MSS];
		unsigned n = vfr_packet_copy(s, HEADERS, got, sizeof(got));

		assert_int_equal(s->len, HEADERS + n);
		assert_int_equal(s->gso, VFR_GSO_NONE);
		assert_int_equal(s->csum, VFR_CSUM_NONE);
		assert_int_equal(s->port, 9);
		assert_ptr_equal(net_packet_of(s)->from, &source);
		assert_memory_equal(got, payload + at, n);
		at += n;
	}
	assert_int_equal(at, PAYLOAD);
	for (unsigned i = SEGMENTS; i-- > 0;) { /* in any order */
		assert_int_equal(released, 0);
		taken[i]->release(taken[i]);
	}
	assert_int_equal(released, 1);
	assert_int_equal(in_use, 0);
}

/* The device has no room for the n-th, or there is no packet for it. */
static void test_ends_early(void **state)
{
	for (unsigned n = 0; n < 2 * SEGMENTS; n++) {
		uint64_t lost = 0;
		unsigned sent = n % SEGMENTS;
		int rc;

		setup(state);
		if (n < SEGMENTS)
			room = sent;
		else
			packets_left = sent + 1; /* and the one that counts */
		rc = net_segments(&whole, transmit, &room, &lost);
		assert_int_equal(nr_taken, sent);
		assert_int_equal(rc, sent ? 0 : -ENOBUFS);
		assert_int_equal(lost, sent ? 1 : 0);
		assert_int_equal(released, 0);
		for (unsigned i = 0; i < sent; i++)
			taken[i]->release(taken[i]);
		assert_int_equal(released, sent ? 1 : 0);
		assert_int_equal(in_use, 0);
	}
}

static void test_no_packet(void **state)
{
	uint64_t lost = 0;

	packets_left = 0;
	assert_int_equal(net_segments(&whole, transmit, &room, &lost),
			 -ENOBUFS);
	assert_int_equal(released, 0);
}

/* A TCP header longer than what there is of it. */
static void test_broken(void **state)
{
	uint64_t lost = 0;

	whole.hdr[34 + 12] = 0xf0;
	whole.hdr_len = HEADERS;
	assert_int_equal(net_segments(&whole, transmit, &room, &lost), -EINVAL);
	assert_int_equal(in_use, 0);
	assert_int_equal(released, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_whole, setup),
		cmocka_unit_test_setup(test_ends_early, setup),
		cmocka_unit_test_setup(test_no_packet, setup),
		cmocka_unit_test_setup(test_broken, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
