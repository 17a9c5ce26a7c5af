/*
 * Packets that wait for a guest's buffers: what a guest that is slow on purpose
 * can keep of the frames of others.  It does not ask for large segments, so
 * they are cut, and each of the pieces keeps the whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "heap.h"
#include "time.h"
#include "vif.h"

#define HEADERS	54		/* Ethernet, IPv4, TCP */
#define FRAMES	17
#define PIECE	3800
#define MSS	1448
#define NR	100		/* large packets */

static union {
	struct netif_rx_sring ring;
	char page[4096];
} shared;
static struct vif vif;
static struct net_source source;
static struct net_packet whole[NR];
static bool held[NR];
static uint8_t payload[PIECE];

/* --- what the rest of the hypervisor does --- */

void *heap_alloc(size_t size)
{
	return calloc(1, size);
}

uint64_t now_ns(void)
{
	return 1;
}

void vif_broken(struct vif *v, const char *why)
{
	fail_msg("%s", why);
}

void vif_notify(struct vif *v)
{
}

void vif_delivered(struct vif *v)
{
}

static uint32_t slots(const struct vfr_packet *p)
{
	return 1;
}

static void deliver(struct vif *v, struct vfr_packet *p)
{
	v->rx.req_cons++;
	v->rx.rsp_prod_pvt++;
	p->release(p);
}

static const struct vif_rx_ops ops = { .slots = slots, .deliver = deliver };

/* --- the test --- */

static void released(struct vfr_packet *p)
{
	held[net_packet_of(p) - whole] = false;
}

static void packet_make(struct net_packet *np)
{
	uint8_t *h;

	vfr_packet_init(&np->p, released, NULL);
	h = np->p.hdr;
	memset(h, 0, HEADERS);
	h[12] = 8;
	h[14] = 0x45;
	h[14 + 9] = 6;
	h[34 + 12] = 0x50;
	np->p.hdr_len = np->p.len = HEADERS;
	for (unsigned i = 0; i < FRAMES; i++)
		vfr_packet_add(&np->p, payload, 0, 0, PIECE);
	np->p.csum = VFR_CSUM_PARTIAL;
	np->p.csum_start = 34;
	np->p.csum_offset = 16;
	np->p.gso = VFR_GSO_TCP4;
	np->p.gso_size = MSS;
	np->p.port = 9;
	np->from = &source;
	np->nr_slots = FRAMES;
}

static uint32_t frames_held(void)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < NR; i++)
		n += held[i] ? FRAMES : 0;
	return n;
}

static void vif_make(void)
{
	memset(&vif, 0, sizeof(vif));
	memset(&shared, 0, sizeof(shared));
	BACK_RING_INIT(&vif.rx, &shared.ring, 4096);
	vif.connected = true;
	vif.features = SLUICE_VIF_SG;
	vif.rx_ops = &ops;
	source = (struct net_source){ FROM_VIF, VIF_WAITS, VIF_WAIT_SHARE };
}

/* With one buffer for each packet, so that something always moves. */
static void test_slow_receiver(void **state)
{
	vif_make();
	for (unsigned i = 0; i < NR; i++) {
		packet_make(&whole[i]);
		held[i] = true;
		if (vif_port_ops.transmit(&vif, &whole[i].p))
			held[i] = false;
		assert_true(source.waiting <= VIF_WAITS + FRAMES);
		assert_true(frames_held() <= source.waiting);
		shared.ring.req_prod++;
		vif_rx_run(&vif);
	}
	assert_true(frames_held() > 0);
	vif_rx_drop_all(&vif);
	assert_int_equal(frames_held(), 0);
	assert_int_equal(source.waiting, 0);
	assert_int_equal(vif.nr_wait[FROM_VIF], 0);
	assert_int_equal(net_packets_used(), 0);
}

static int setup(void **state)
{
	return net_packets_init(1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow_receiver),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
