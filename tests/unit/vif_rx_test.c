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

#include "event.h"
#include "heap.h"
#include "sched.h"
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
static struct vif sender;
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

void vif_judged(struct vif *v)
{
}

void evtchn_notify_guest(struct domain *d, uint32_t port, const void *arg)
{
}

void sched_charge(struct domain *d, uint64_t ns)
{
}

static struct vfr_packet *delivered[NR];
static unsigned nr_delivered;

static uint32_t plan(struct vfr_packet *p)
{
	return 1;
}

static void deliver(struct vif *v, struct vfr_packet *p)
{
	delivered[nr_delivered++ % NR] = p;
	v->rx.req_cons++;
	v->rx.rsp_prod_pvt++;
}

static const struct vif_rx_ops ops = { .plan = plan, .deliver = deliver };

static void deliver_all(void)
{
	vifs_deliver(vifs_claim());
	vifs_finish();
}

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
	np->from = &sender.source;
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
	sender.source = (struct net_source){ FROM_VIF, VIF_WAITS, VIF_WAIT_SHARE };
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
		assert_true(sender.source.waiting <= VIF_WAITS + FRAMES);
		assert_true(frames_held() <= sender.source.waiting);
		shared.ring.req_prod++;
		vif_rx_run(&vif);
		deliver_all();
	}
	assert_true(frames_held() > 0);
	vif_rx_drop_all(&vif);
	assert_int_equal(frames_held(), 0);
	assert_int_equal(sender.source.waiting, 0);
	assert_int_equal(vif.nr_wait[FROM_VIF], 0);
	assert_int_equal(net_packets_used(), 0);
}

static void small_give(unsigned i)
{
	packet_make(&whole[i]);
	whole[i].p.gso = VFR_GSO_NONE;
	whole[i].p.csum = VFR_CSUM_VALID;
	held[i] = true;
	assert_int_equal(vif_port_ops.transmit(&vif, &whole[i].p), 0);
}

/* A second CPU gets nothing of a vif to which another delivers; what comes
 * meanwhile is delivered after that, and in order. */
static void test_one_at_a_time(void **state)
{
	struct vif *mine;

	vif_make();
	nr_delivered = 0;
	shared.ring.req_prod = 3;
	small_give(0);
	mine = vifs_claim();
	assert_ptr_equal(mine, &vif);
	small_give(1);
	small_give(2);
	small_give(3);			/* no buffer: it waits */
	assert_false(vifs_ready());
	assert_null(vifs_claim());
	vifs_deliver(mine);
	assert_true(vifs_to_finish());
	assert_true(held[0]);		/* the lock is not ours */
	vifs_finish();
	assert_false(held[0]);
	assert_true(vifs_ready());
	deliver_all();
	assert_int_equal(nr_delivered, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_ptr_equal(delivered[i], &whole[i].p);
	assert_true(held[3]);
	shared.ring.req_prod++;
	vif_rx_run(&vif);
	deliver_all();
	assert_false(held[3]);
	assert_int_equal(shared.ring.rsp_prod, 4);
	assert_false(vifs_ready());
}

/* What is ready and not given yet is dropped with its vif. */
static void test_dropped_when_ready(void **state)
{
	vif_make();
	shared.ring.req_prod = 2;
	small_give(0);
	small_give(1);
	vif_ready_drop(&vif);
	assert_false(held[0] || held[1]);
	assert_int_equal(vif.ring_drops, 2);
	assert_null(vifs_claim());
}

/* What asks for large segments, and does not take what is above a page. */
static void test_large_without_sg(void **state)
{
	const uint32_t segments = (FRAMES * PIECE + MSS - 1) / MSS;

	vif_make();
	vif.features = SLUICE_VIF_TSO4;
	shared.ring.req_prod = segments;
	packet_make(&whole[0]);
	held[0] = true;
	nr_delivered = 0;
	assert_int_equal(vif_port_ops.transmit(&vif, &whole[0].p), 0);
	deliver_all();
	assert_int_equal(nr_delivered, segments);
	assert_int_equal(vif.ring_drops, 0);
	assert_false(held[0]);
}

static int setup(void **state)
{
	return net_packets_init(1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow_receiver),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_dropped_when_ready),
		cmocka_unit_test(test_large_without_sg),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
