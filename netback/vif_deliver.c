/*
 * vif_deliver.c: the bytes of packets into guests' buffers, beside net_lock.
 *
 * What the VFR lets pass, and a guest has buffers for, is ready.  Whoever lets
 * net_lock go takes over the vifs with ready packets, and copies or exchanges
 * while other CPUs judge.  So the lock is held for headers, not for bytes.
 *
 * One CPU at a time delivers to a vif, and packets stay in their order.  While
 * it does, the given packets and the receive ring behind rx.req_cons are its
 * own, and the vif stays connected.  What it has delivered goes onto a stack,
 * and is released under net_lock, by who has that next.
 */
#include "vif.h"

#include "domain.h"
#include "event.h"
#include "sched.h"
#include "time.h"

static struct vif *ready;	/* N: with ready packets, and nobody delivers */
static struct vif *finished;	/* A: delivered, not released yet */
static uint64_t spent_ns;	/* N: on what was finished */

/* ---- ready ---- */

static void list(struct vif *v)
{
	v->listed = true;
	v->next_ready = ready;
	ready = v;
}

void vif_ready(struct vif *v, struct vfr_packet *p)
{
	packets_push(&v->ready, p);
	if (!v->listed && !v->delivering)
		list(v);
}

void vif_ready_drop(struct vif *v)
{
	struct vif **at = &ready;
	struct vfr_packet *p;

	while ((p = packets_pop(&v->ready))) {
		v->ring_drops++;
		p->release(p);
	}
	if (!v->listed)
		return;
	while (*at != v)
		at = &(*at)->next_ready;
	*at = v->next_ready;
	v->listed = false;
}

bool vifs_ready(void)
{
	return ready;
}

struct vif *vifs_claim(void)
{
	struct vif *mine = ready;

	ready = NULL;
	for (struct vif *v = mine; v; v = v->next_ready) {
		v->listed = false;
		v->delivering = true;
		v->given = v->ready;
		v->ready = (struct packet_queue){ NULL, NULL };
	}
	return mine;
}

/* ---- delivering ---- */

/* The checksum that the frontend wants to find complete. */
static void complete(const struct vif *v, struct vfr_packet *p)
{
	if (p->csum == VFR_CSUM_PARTIAL && !vif_takes_partial(v, p))
		vfr_packet_checksum(p);
}

static void deliver(struct vif *v)
{
	int notify;

	v->nr_given = 0;
	for (struct vfr_packet *p = v->given.head; p; p = p->next) {
		v->nr_given++;
		complete(v, p);
		v->rx_ops->deliver(v, p);
	}
	if (v->rx_ops->settle)
		v->rx_ops->settle(v);
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&v->rx, notify);
	if (notify)
		evtchn_notify_guest(v->d, v->evtchn, v);
}

static void finished_push(struct vif *v)
{
	v->next_ready = __atomic_load_n(&finished, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&finished, &v->next_ready, v, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
}

uint64_t vifs_deliver(struct vif *mine)
{
	uint64_t began = now_ns(), start = began;

	while (mine) {
		struct vif *v = mine;

		mine = v->next_ready;
		deliver(v);
		v->delivery_ns = now_ns() - start;
		start += v->delivery_ns;
		finished_push(v); /* not ours any more */
	}
	return start - began;
}

/* ---- finishing ---- */

bool vifs_to_finish(void)
{
	return __atomic_load_n(&finished, __ATOMIC_SEQ_CST);
}

/* Who sends pays, be it in segments; what NICs bring is paid by who gets it. */
static void charge(const struct vif *v, const struct net_source *from,
		   uint32_t packets)
{
	struct domain *d = v->d;

	if (from->kind == FROM_VIF)
		d = container_of(from, struct vif, source)->d;
	sched_charge(d, v->delivery_ns * packets / v->nr_given);
}

/* Before any is released: the last may be what keeps its sender's domain. */
static void charge_all(const struct vif *v)
{
	const struct vfr_packet *p = v->given.head;
	const struct net_source *from = net_source_of(p);
	uint32_t n = 0;

	for (; p; p = p->next, n++) {
		if (net_source_of(p) == from)
			continue;
		charge(v, from, n);
		from = net_source_of(p);
		n = 0;
	}
	charge(v, from, n);
}

static void finish(struct vif *v)
{
	struct vfr_packet *p;

	charge_all(v);
	spent_ns += v->delivery_ns;
	while ((p = packets_pop(&v->given)))
		p->release(p);
	v->ring_drops += v->lost;
	v->lost = 0;
	v->delivering = false;
	if (v->ready.head)
		list(v);
}

void vifs_finish(void)
{
	struct vif *done = __atomic_exchange_n(&finished, NULL,
					       __ATOMIC_SEQ_CST);

	while (done) {
		struct vif *v = done;

		done = v->next_ready;
		finish(v);
	}
}

uint64_t vifs_spent(void)
{
	uint64_t ns = spent_ns;

	spent_ns = 0;
	return ns;
}
