/*
 * life.c: frontends that take things away while they are used, or stop in the
 * middle, or just go on and on.
 */
#include "netabuse/netabuse.h"

#include <string.h>

#include <xen/sched.h>

#include "kit/check.h"
#include "kit/event.h"
#include "kit/grant.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "kit/xenbus.h"

#define HOST		0xcb007101	/* 203.0.113.1 */
#define BYSTANDER	0x0a010014	/* 10.1.0.20 */
#define STALLED		0x0a010042	/* 10.1.0.66 */
#define PORT_ALLOWED	7
#define PORT_DENIED	6666

/* ---- rings that are not what they were ---- */

static void one_page_for_both(void)
{
	front_prepare(0);
	front_write_number("rx-ring-ref", front.tx_ref);
	front_write("state", "4");
	tx_good(SILENCE_NS);
	check("one page as both rings", front_disconnect(), 0);
}

static void rings_freed(void)
{
	void *tx = front.tx;

	check("connected", front_connect(), 0);
	check("a ring given back to the hypervisor", pages_release(tx, 1), 1);
	front.tx = pages_alloc_zeroed(1);
	front_notify();
	check("disconnected", front_disconnect(), 0);
}

static void rings_revoked(void)
{
	check("connected", front_connect(), 0);
	check("a ring's grant is in use", grant_end(front.tx_ref), 0);
	grant_table[front.tx_ref].flags = 0;
	grant_table[front.rx_ref].flags = 0;
	check("rings revoked while connected", tx_good(ANSWER_NS), NETIF_RSP_OKAY);
	grant_table[front.tx_ref].frame = 0x100;
	check("and replaced", tx_good(ANSWER_NS), NETIF_RSP_OKAY);
	check("disconnected", front_disconnect(), 0);
}

static void port_closed(void)
{
	check("connected", front_connect(), 0);
	event_close(front.port);
	front_write_number("state", XenbusStateClosed);
	check("disconnected without a port", backend_state(),
	      XenbusStateClosed);
	front_write_number("state", XenbusStateInitialising);
	check("nothing is held", front_release(), 0);
}

void attack_rings(unsigned long n)
{
	one_page_for_both();
	rings_freed();
	rings_revoked();
	port_closed();
}

/* ---- sending ---- */

/* As many requests as there is room for, all the same; the ring takes care of
 * itself. */
static void tx_fill(const struct netif_tx_request *r)
{
	front.tx_seen = __atomic_load_n(&front.tx->rsp_prod,
					__ATOMIC_ACQUIRE);
	while (front.tx_prod - front.tx_seen < RING)
		tx_put(r);
	tx_push();
}

static void udp_flood(uint32_t ip, uint16_t port, uint16_t len, uint64_t ms)
{
	struct netif_tx_request r = { .gref = front.tx_gref[0], .size = len };
	uint64_t until = time_now() + ms * MILLISECONDS;

	udp_make(front.tx_page[0], ip, port, len);
	do {
		tx_fill(&r);
		front.tx->rsp_event = front.tx_seen + RING / 2;
		event_poll(front.port, time_now() + MILLISECONDS);
	} while (time_now() < until);
}

static void connect_and_find(void)
{
	check("connected", front_connect(), 0);
	check("the gateway answers", gateway_find(), 0);
}

/* Requests that are refused, as fast as they can be made. */
void attack_garbage(unsigned long ms)
{
	struct netif_tx_request r = { .gref = UINT32_MAX };
	uint64_t until = time_now() + ms * MILLISECONDS;

	check("connected", front_connect(), 0);
	while (time_now() < until)
		tx_fill(&r);
	check("disconnected", front_disconnect(), 0);
}

void attack_flood(unsigned long ms)
{
	connect_and_find();
	udp_flood(HOST, PORT_ALLOWED, 1400, ms);
	check("disconnected in the middle", front_disconnect(), 0);
}

/* A short life, whose end comes with packets on their way to a NIC: its own
 * crash, or somebody else's word. */
void burst_run(void)
{
	uint64_t dice = tsc_read() >> 8;

	if (front_connect())
		guest_shutdown(SHUTDOWN_crash);
	gateway_find();
	udp_flood(HOST, PORT_ALLOWED, 1400, dice % 4);
	if (dice >> 4 & 1)
		guest_shutdown(dice >> 5 & 1 ? SHUTDOWN_crash :
					       SHUTDOWN_poweroff);
	if (dice >> 5 & 1 && !front_disconnect())
		front_connect();
	event_loop();
}

/* Questions to the bystander, no more than it can answer, and no buffer for
 * what it says. */
void attack_leech(unsigned long ms)
{
	struct netif_tx_request r = { .gref = front.tx_gref[0], .size = 200 };

	connect_and_find();
	udp_make(front.tx_page[0], BYSTANDER, PORT_ALLOWED, 200);
	for (; ms > 10; ms -= 10) {
		for (unsigned int i = 0; i < 10; i++)
			tx_put(&r);
		tx_push();
		event_poll(start_info->store_evtchn,
			   time_now() + 10 * MILLISECONDS);
	}
	check("disconnected", front_disconnect(), 0);
}

/* Questions to the VFR itself, whose own packets are few; no buffer at all. */
void attack_deaf(unsigned long ms)
{
	struct netif_tx_request r = { .gref = front.tx_gref[0], .size = 60 };
	uint64_t until = time_now() + ms * MILLISECONDS;

	check("connected", front_connect(), 0);
	arp_ask(front.tx_page[0]);
	while (time_now() < until) {
		tx_fill(&r);
		event_poll(front.port, time_now() + MILLISECONDS);
	}
	check("disconnected", front_disconnect(), 0);
}

/* Each request is a TCP packet to be cut into some hundred segments: a few at
 * a time, enough for any queue. */
void attack_segments(unsigned long ms)
{
	struct {
		struct netif_tx_request r;
		struct netif_extra_info x;
	} slots = {
		.r = { .gref = front.tx_gref[0], .size = 4096,
		       .flags = NETTXF_extra_info | NETTXF_csum_blank },
		.x = { .type = XEN_NETIF_EXTRA_TYPE_GSO,
		       .u.gso = { .size = 32,
				  .type = XEN_NETIF_GSO_TYPE_TCPV4 } },
	};
	struct netif_tx_request x = { 0 };
	uint64_t until = time_now() + ms * MILLISECONDS;

	connect_and_find();
	tcp_make(front.tx_page[0], HOST, PORT_ALLOWED, 4096);
	memcpy(&x, &slots.x, sizeof(slots.x));
	while (time_now() < until) {
		for (unsigned int i = 0; i < 30; i++) {
			tx_put(&slots.r);
			tx_put(&x);
		}
		tx_push();
		event_poll(start_info->store_evtchn,
			   time_now() + 10 * MILLISECONDS);
	}
	check("disconnected", front_disconnect(), 0);
}

/* Some buffers, and never another. */
void attack_stall(unsigned long ms)
{
	check("connected", front_connect(), 0);
	for (unsigned int i = 0; i < 8; i++)
		rx_put(i, front.rx_gref[i]);
	rx_push();
	event_poll(front.port, time_now() + ms * MILLISECONDS);
	while (ms--)
		event_poll(start_info->store_evtchn,
			   time_now() + MILLISECONDS);
	check("disconnected", front_disconnect(), 0);
}

static void notify_many(void)
{
	for (unsigned int i = 0; i < 1000; i++)
		front_notify();
}

void attack_events(unsigned long ms)
{
	uint64_t until = time_now() + ms * MILLISECONDS;

	check("connected", front_connect(), 0);
	other_vcpu(notify_many);
	while (time_now() < until)
		notify_many();
	other_vcpu(NULL);
	check("it serves", tx_good(ANSWER_NS), NETIF_RSP_OKAY);
	check("disconnected", front_disconnect(), 0);
}

/* ---- changes behind the backend's back ---- */

/* Requests, grants and indexes, whatever they were. */
static void scribble(void)
{
	for (unsigned int i = 0; i < 500; i++) {
		uint64_t x = random64();
		struct netif_tx_request *r = &front.tx->ring[x % RING].req;
		unsigned int ref = front.tx_gref[x >> 8 & 7];

		switch (x >> 60) {
		case 0:
			r->flags = x >> 16 & 15;
			break;
		case 1:
			r->size = x >> 16 & 0xfff;
			break;
		case 2:
			r->gref = x >> 16 & 511;
			break;
		case 3:
			grant_table[ref].flags = x >> 16 & 7;
			break;
		case 4:
			grant_table[ref].frame = x >> 16 & 0xfffff;
			break;
		case 5:
			grant_table[ref].flags = GTF_permit_access;
			break;
		case 6:
			front.rx->ring[x % RING].req.gref = x >> 16 & 511;
			break;
		case 7:
			front.tx->req_event = front.tx->rsp_event = x;
			break;
		case 8:
			front.rx->req_event = front.rx->rsp_event = x;
			break;
		default:
			r->flags = 0;
			r->size = 60;
			r->gref = front.tx_gref[8];
		}
	}
}

static void race_round(void)
{
	struct netif_tx_request r = { .gref = front.tx_gref[8], .size = 60 };
	uint64_t until = time_now() + 20 * MILLISECONDS;

	if (front_connect())
		return;
	for (unsigned int i = 0; i < RX_PAGES; i++)
		rx_put(i, front.rx_gref[i]);
	rx_push();
	arp_ask(front.tx_page[8]);
	while (time_now() < until)
		tx_fill(&r);
}

void attack_race(unsigned long ms)
{
	uint64_t until = time_now() + ms * MILLISECONDS;

	other_vcpu(scribble);
	while (time_now() < until) {
		race_round();
		front_disconnect();
	}
	other_vcpu(NULL);
	for (unsigned int i = 0; i < 8; i++) {
		struct grant_entry_v1 *e = &grant_table[front.tx_gref[i]];

		check("nothing is held",
		      e->flags & (GTF_reading | GTF_writing), 0);
		e->frame = va_to_mfn(front.tx_page[i]);
		e->flags = GTF_permit_access | GTF_readonly;
	}
	check("connected", front_connect(), 0);
	check("it serves", tx_good(ANSWER_NS), NETIF_RSP_OKAY);
	check("disconnected", front_disconnect(), 0);
}

/* The port in the header changes between one that the rules allow and one that
 * they do not, while the packet is judged. */
static void port_flip(void)
{
	volatile uint8_t *port = (uint8_t *)front.tx_page[0] + 36;

	for (unsigned int i = 0; i < 1000; i++) {
		port[0] = PORT_DENIED >> 8;
		port[1] = PORT_DENIED & 0xff;
		port[0] = PORT_ALLOWED >> 8;
		port[1] = PORT_ALLOWED & 0xff;
	}
}

void attack_rewrite(unsigned long ms)
{
	connect_and_find();
	udp_make(front.tx_page[0], HOST, PORT_ALLOWED, 60);
	other_vcpu(port_flip);
	udp_flood(HOST, PORT_ALLOWED, 60, ms);
	other_vcpu(NULL);
	check("disconnected", front_disconnect(), 0);
}

/* ---- again and again ---- */

static bool held(int ref)
{
	return grant_table[ref].flags & (GTF_reading | GTF_writing);
}

/* With the same rings and port: by a word for each step, and a packet. */
static bool cycle_short(void)
{
	front_write("state", "4");
	if (tx_good(ANSWER_NS) != NETIF_RSP_OKAY)
		return false;
	front_write("state", "1");
	return !held(front.tx_ref) && !held(front.rx_ref) &&
	       !held(front.tx_gref[0]);
}

/* A packet each time to a domain that takes none, and gone: what it granted is
 * its own again at once. */
void attack_ghosts(unsigned long n)
{
	struct netif_tx_request r = { .gref = front.tx_gref[1], .size = 60 };
	unsigned long done = 0;

	connect_and_find();
	check("disconnected", front_disconnect(), 0);
	udp_make(front.tx_page[1], STALLED, PORT_ALLOWED, 60);
	front_prepare(0);
	while (done < n) {
		front_write("state", "4");
		tx_put(&r);
		if (tx_good(ANSWER_NS) != NETIF_RSP_OKAY)
			break;
		front_write("state", "1");
		if (held(front.tx_gref[1]))
			break;
		front.tx_prod = front.tx_seen = front.tx->rsp_prod;
		front.tx->req_prod = front.tx_prod;
		done++;
	}
	check("nothing is held by what is gone", done, n);
	check("nothing is held", front_release(), 0);
}

void attack_cycles(unsigned long n)
{
	uint64_t began = time_now();
	unsigned long done = 0;

	front_prepare(0);
	while (done < n && cycle_short())
		done++;
	check("nothing is held", front_release(), 0);
	check("cycles", done, n);
	printf("cycles: %lu in %lu ms\n", done,
	       (time_now() - began) / MILLISECONDS);
}
