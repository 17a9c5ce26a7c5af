/*
 * vif_rx.c: packets to a guest: those for which there are buffers are ready
 * (vif_deliver.c), others wait, bounded; the frontend notifies when it has
 * posted some.
 */
#include "vif.h"

#include "page.h"
#include "time.h"

/* Requests that are posted, and free; a lie about them ends the service. */
static uint32_t posted(struct vif *v)
{
	uint32_t n = READ_ONCE(v->rx.sring->req_prod) - v->rx_taken;

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
	v->rx.sring->req_event = v->rx_taken + n;
	xen_mb();
	return posted(v) >= n;
}

/* True: p has its buffers, and is taken over. */
static bool make_ready(struct vif *v, struct vfr_packet *p)
{
	uint32_t n = v->rx_ops->plan(p);

	if (!want(v, n))
		return false;
	v->rx_taken += n;
	vif_ready(v, p);
	return true;
}

/* The VFR has 256 packets of its own. */
struct net_source net_from_vfr = { FROM_VFR, 128, 1 };

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

static void uncount(struct vif *v, struct vfr_packet *p)
{
	struct net_source *s = net_source_of(p);

	v->nr_wait[s->kind] -= frames_of(p);
	s->waiting -= frames_freed(p);
}

static bool wait(struct vif *v, struct vfr_packet *p)
{
	struct net_source *s = net_source_of(p);
	uint32_t left = s->limit - MIN(s->limit, s->waiting);

	if (v->nr_wait[s->kind] >= MIN(s->share * left, (uint32_t)VIF_RX_QUEUE))
		return false;
	if (!v->wait.head)
		v->moved_ns = now_ns();
	packets_push(&v->wait, p);
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

bool vif_takes_partial(const struct vif *v, const struct vfr_packet *p)
{
	return is_ipv6(p) ? v->features & SLUICE_VIF_CSUM6 :
			    !(v->features & SLUICE_VIF_NO_CSUM);
}

/* Ready, or at the end of those that wait for buffers. */
static int give(void *ctx, struct vfr_packet *p)
{
	struct vif *v = ctx;

	if (!fits(v, p))
		return -EIO;
	if (v->wait.head || !make_ready(v, p))
		return wait(v, p) ? 0 : -ENOBUFS;
	vif_judged(v);
	return 0;
}

/* Large segments that the frontend did not ask for, or has no way to take: some
 * ask for them without scatter-gather. */
static bool to_cut(const struct vif *v, const struct vfr_packet *p)
{
	return p->gso != VFR_GSO_NONE &&
	       (!fits(v, p) || !vif_takes_partial(v, p) ||
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

const struct vfr_port_ops vif_port_ops = {
	.transmit = port_transmit,
};

static void forget(struct vif *v, struct vfr_packet *p)
{
	uncount(v, p);
	v->ring_drops++;
	p->release(p);
}

void vif_rx_run(struct vif *v)
{
	struct vfr_packet *p;

	while ((p = v->wait.head) && !v->broken) {
		struct vfr_packet *next = p->next;

		if (!make_ready(v, p))
			break;
		v->wait.head = next;
		uncount(v, p);
		v->moved_ns = now_ns();
	}
}

void vif_rx_drop_from(struct vif *v, const struct vif *sender)
{
	struct packet_queue all = v->wait;
	struct vfr_packet *p;

	if (!sender->source.waiting)
		return;
	/* Once around: what stays goes to the end again, in its order. */
	v->wait.head = NULL;
	while ((p = packets_pop(&all))) {
		if (net_source_of(p) == &sender->source)
			forget(v, p);
		else
			packets_push(&v->wait, p);
	}
}

void vif_rx_drop_all(struct vif *v)
{
	struct vfr_packet *p;

	while ((p = packets_pop(&v->wait)))
		forget(v, p);
}
