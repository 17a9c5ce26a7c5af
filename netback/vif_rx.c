/*
 * vif_rx.c: packets to a guest: what its two modes have in common, the ring's
 * indices and the packets that wait.  How a packet gets into the guest's
 * buffers is vif_copy.c or vif_flip.c.
 *
 * What finds no buffers waits, bounded; the frontend notifies when it has posted
 * some.
 */
#include "vif.h"

#include "page.h"
#include "time.h"

/* Requests that are posted; a lie about them ends the service. */
static uint32_t posted(struct vif *v)
{
	uint32_t n = READ_ONCE(v->rx.sring->req_prod) - v->rx.req_cons;

	if (n > RING_SIZE(&v->rx)) {
		vif_broken(v, "a receive index out of range");
		return 0;
	}
	return n;
}

/* Ask to be notified once n requests are posted; true when they are. */
static bool want(struct vif *v, uint32_t n)
{
	if (posted(v) >= n)
		return true;
	v->rx.sring->req_event = v->rx.req_cons + n;
	xen_mb();
	return posted(v) >= n;
}

static void push(struct vif *v)
{
	int notify;

	if (v->rx_ops->settle)
		v->rx_ops->settle(v);
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&v->rx, notify);
	if (notify)
		v->rx_notify = true;
}

/* The VFR has 256 packets of its own; they are no net_packets. */
static struct net_source from_vfr = { FROM_VFR, 128, 1 };

static struct net_source *source_of(struct vfr_packet *p)
{
	return p->port == VFR_PORT_SELF ? &from_vfr : net_packet_of(p)->from;
}

static uint32_t frames_of(struct vfr_packet *p)
{
	return p->port == VFR_PORT_SELF ?
		       1 : MAX(net_packet_of(p)->nr_slots, 1u);
}

/* What is cut, if p is a segment of it. */
static struct net_packet *whole_of(struct vfr_packet *p)
{
	return p->port == VFR_PORT_SELF ? NULL : net_packet_of(p)->cut_from;
}

/*
 * What a packet that begins to wait keeps from its source, or gives back when it
 * ends to.  A segment has no frames, but keeps all those of the whole: once,
 * however many of its segments wait.
 */
static uint32_t frames_kept(struct vfr_packet *p)
{
	struct net_packet *w = whole_of(p);

	if (!w)
		return frames_of(p);
	return w->nr_waiting++ ? 0 : frames_of(w->whole);
}

static uint32_t frames_freed(struct vfr_packet *p)
{
	struct net_packet *w = whole_of(p);

	if (!w)
		return frames_of(p);
	return --w->nr_waiting ? 0 : frames_of(w->whole);
}

static void append(struct vif *v, struct vfr_packet *p)
{
	if (v->wait_tail)
		v->wait_tail->next = p;
	else
		v->wait_head = p;
	v->wait_tail = p;
}

static void uncount(struct vif *v, struct vfr_packet *p)
{
	struct net_source *s = source_of(p);

	v->nr_wait[s->kind] -= frames_of(p);
	s->waiting -= frames_freed(p);
}

static bool wait(struct vif *v, struct vfr_packet *p)
{
	struct net_source *s = source_of(p);
	uint32_t left = s->limit - MIN(s->limit, s->waiting);

	if (v->nr_wait[s->kind] >= MIN(s->share * left, (uint32_t)VIF_RX_QUEUE))
		return false;
	p->next = NULL;
	if (!v->wait_head)
		v->moved_ns = now_ns();
	append(v, p);
	v->nr_wait[s->kind] += frames_of(p);
	s->waiting += frames_kept(p);
	return true;
}

static bool fits(const struct vif *v, const struct vfr_packet *p)
{
	return p->len <= PAGE_SIZE ||
	       v->features & (SLUICE_VIF_SG | SLUICE_VIF_FLIP);
}

static bool is_ipv6(const struct vfr_packet *p)
{
	return p->hdr[12] == 0x86 && p->hdr[13] == 0xdd;
}

/* May the frontend get p without its checksum? */
static bool takes_partial(const struct vif *v, const struct vfr_packet *p)
{
	return is_ipv6(p) ? v->features & SLUICE_VIF_CSUM6 :
			    !(v->features & SLUICE_VIF_NO_CSUM);
}

/* Into the ring, or to the end of those that wait for buffers. */
static int give(void *ctx, struct vfr_packet *p)
{
	struct vif *v = ctx;

	if (!fits(v, p))
		return -EIO;
	if (p->csum == VFR_CSUM_PARTIAL && !takes_partial(v, p))
		vfr_packet_checksum(p);
	if (v->wait_head || !want(v, v->rx_ops->slots(p)))
		return wait(v, p) ? 0 : -ENOBUFS;
	v->rx_ops->deliver(v, p);
	vif_delivered(v);
	return 0;
}

/* Large segments that the frontend did not ask for. */
static bool to_cut(const struct vif *v, const struct vfr_packet *p)
{
	return p->gso != VFR_GSO_NONE &&
	       (!takes_partial(v, p) ||
		!(v->features & (p->gso == VFR_GSO_TCP4 ? SLUICE_VIF_TSO4 :
							  SLUICE_VIF_TSO6)));
}

/* The VFR's side: taken over when this returns 0. */
static int port_transmit(void *ctx, struct vfr_packet *p)
{
	struct vif *v = ctx;

	if (v->broken || !v->connected)
		return -EIO;
	if (to_cut(v, p))
		return net_segments(p, give, v, &v->ring_drops);
	return give(v, p);
}

static void port_flush(void *ctx)
{
	struct vif *v = ctx;

	if (!v->connected)
		return;
	push(v);
	vif_notify(v);
}

const struct vfr_port_ops vif_port_ops = {
	.transmit = port_transmit,
	.flush = port_flush,
};

static struct vfr_packet *wait_pop(struct vif *v)
{
	struct vfr_packet *p = v->wait_head;

	v->wait_head = p->next;
	if (!v->wait_head)
		v->wait_tail = NULL;
	p->next = NULL;
	uncount(v, p);
	return p;
}

static void forget(struct vif *v, struct vfr_packet *p)
{
	uncount(v, p);
	v->ring_drops++;
	p->release(p);
}

void vif_rx_run(struct vif *v)
{
	bool any = false;

	while (v->wait_head && !v->broken &&
	       want(v, v->rx_ops->slots(v->wait_head))) {
		v->rx_ops->deliver(v, wait_pop(v));
		any = true;
	}
	if (any) {
		v->moved_ns = now_ns();
		push(v);
		vif_notify(v);
	}
}

void vif_rx_drop_from(struct vif *v, const struct vif *sender)
{
	struct vfr_packet *p, *next = v->wait_head;

	if (!sender->source.waiting)
		return;
	/* Once around: what stays goes to the end again, in its order. */
	v->wait_head = v->wait_tail = NULL;
	while ((p = next)) {
		next = p->next;
		p->next = NULL;
		if (source_of(p) == &sender->source)
			forget(v, p);
		else
			append(v, p);
	}
}

void vif_rx_drop_all(struct vif *v)
{
	while (v->wait_head) {
		struct vfr_packet *p = wait_pop(v);

		v->ring_drops++;
		p->release(p);
	}
}
