/*
 * vif_tx.c: packets from a guest (xen/io/netif.h, "transmit").
 *
 * Requests are copied once, and checked; the frames they grant are used in
 * place and stay pinned until the packet's journey ends.  Then the grants are
 * let go, and only then the responses are produced: a frontend takes a response
 * for leave to use the frame again.
 */
#include "vif.h"
#include "vif_chain.h"

#include "grant.h"
#include "domain.h"
#include "lib.h"
#include "page.h"

#define BURST		VFR_BURST

static_assert(CHAIN_SLOTS <= NET_SLOTS_MAX, "a chain is a packet");

static void respond(struct vif *v, uint16_t id, int status)
{
	struct netif_tx_response *r;

	r = RING_GET_RESPONSE(&v->tx, v->tx.rsp_prod_pvt);
	r->id = id;
	r->status = (int16_t)status;
	v->tx.rsp_prod_pvt++;
	vif_unsettled(v);
}

void vif_tx_push(struct vif *v)
{
	int notify;

	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&v->tx, notify);
	if (notify)
		v->tx_notify = true;
}

/* The journey of a packet ends here; by the VFR, or by whoever sent it. */
static void tx_release(struct vfr_packet *p)
{
	struct net_packet *np = net_packet_of(p);
	struct vif *v = np->vif;

	for (uint32_t i = 0; i < np->nr_slots; i++)
		grant_unpin(v->d, np->slot[i].ref, true, np->slot[i].page);
	if (v->connected) {
		for (uint32_t i = 0; i < np->nr_slots; i++) {
			respond(v, np->slot[i].id, NETIF_RSP_OKAY);
			/* Its extra slots follow the first request. */
			for (uint32_t k = 0; i == 0 && k < np->nr_extra; k++)
				respond(v, 0, NETIF_RSP_NULL);
		}
	}
	v->sending -= np->nr_sending;
	net_packet_put(np);
	vif_put(v);
}

/* Of what the VFR made there is no net_packet. */
static struct vif *sender(const struct vfr_packet *p)
{
	return p->port == VFR_PORT_SELF ?
		       NULL : ((const struct net_packet *)p)->vif;
}

bool vif_sends(struct vfr_packet *p, uint32_t pieces, uint32_t room)
{
	struct vif *v = sender(p);

	if (!v)
		return true;
	/* No more of its than room is left for others, behind this one too. */
	if (v->sending + 2 * pieces > room)
		return false;
	net_packet_of(p)->nr_sending = pieces;
	v->sending += pieces;
	return true;
}

void vif_sends_not(struct vfr_packet *p)
{
	struct vif *v = sender(p);

	if (!v)
		return;
	v->sending -= net_packet_of(p)->nr_sending;
	net_packet_of(p)->nr_sending = 0;
}

static void refuse(struct vif *v, const struct vif_chain *c)
{
	for (uint32_t i = 0; i < c->nr_all; i++) {
		respond(v, c->id[i], NETIF_RSP_ERROR);
		for (uint32_t k = 0; i == 0 && k < c->nr_extra; k++)
			respond(v, 0, NETIF_RSP_NULL);
	}
}

static int pin_slots(struct vif *v, struct net_packet *np,
		     const struct vif_chain *c)
{
	for (uint32_t i = 0; i < c->nr; i++) {
		const struct netif_tx_request *r = &c->slot[i];
		struct page *pg;
		int rc = grant_pin(v->d, r->gref, DOM0, true, &pg);

		if (rc)
			return rc;
		np->slot[i].page = pg;
		np->slot[i].ref = r->gref;
		np->slot[i].id = r->id;
		np->nr_slots++;
		rc = vfr_packet_add(&np->p, (char *)page_virt(pg) + r->offset,
				    page_mfn(pg).n << PAGE_SHIFT, r->offset,
				    r->size);
		if (rc)
			return rc;
	}
	return 0;
}

static bool set_offloads(struct vfr_packet *p, const struct vif_chain *c)
{
	uint16_t flags = c->slot[0].flags;

	if (flags & NETTXF_csum_blank)
		p->csum = VFR_CSUM_PARTIAL;
	else if (flags & NETTXF_data_validated)
		p->csum = VFR_CSUM_VALID;
	if (!c->gso)
		return true;
	p->gso = c->gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? VFR_GSO_TCP4 :
							   VFR_GSO_TCP6;
	p->gso_size = c->gso_size;
	return p->csum == VFR_CSUM_PARTIAL;
}

/* A packet from the chain, or NULL: it was refused. */
static struct vfr_packet *packet_make(struct vif *v, struct vif_chain *c)
{
	struct net_packet *np = c->bad ? NULL : net_packet_get();

	if (!np) {
		refuse(v, c);
		return NULL;
	}
	vfr_packet_init(&np->p, tx_release, v);
	np->vif = v;
	np->from = &v->source;
	if (pin_slots(v, np, c) || !set_offloads(&np->p, c)) {
		for (uint32_t i = 0; i < np->nr_slots; i++)
			grant_unpin(v->d, np->slot[i].ref, true,
				    np->slot[i].page);
		net_packet_put(np);
		refuse(v, c);
		return NULL;
	}
	np->nr_extra = c->nr_extra;
	vfr_packet_seal(&np->p);
	v->in_flight++;
	return &np->p;
}

static bool ring_has_work(struct vif *v)
{
	return !v->broken && v->tx.sring->req_prod != v->tx.req_cons;
}

/*
 * May so many slots more leave the ring?  A sender that has its share of what
 * all use is not refused, its requests wait: it gets its turn when one of
 * its packets is back.  The share of packets is as many as are left.
 */
static bool may_take(const struct vif *v, uint32_t slots)
{
	return v->sending + slots < VIF_SENDING &&
	       v->in_flight <= net_packets_free();
}

/*
 * Bytes that it is on its way out: a large segment has headers in each of its
 * pieces.  So a sender of many small pieces is not given more of a link than others.
 */
#define HEADERS		54	/* Ethernet, IPv4, TCP: the least */

static uint64_t bytes_of(const struct vfr_packet *p)
{
	uint32_t pieces;

	if (p->gso == VFR_GSO_NONE || !p->gso_size)
		return p->len;
	pieces = (p->len + p->gso_size - 1u) / p->gso_size;
	return p->len + (uint64_t)HEADERS * (pieces - 1);
}

bool vif_tx_run(struct vif *v, uint32_t *packets, uint64_t *bytes,
		uint64_t now)
{
	uint32_t limit = MIN(*packets, (uint32_t)BURST), n = 0, slots = 0;
	uint64_t max_bytes = *bytes, taken = 0;
	struct vfr_packet *burst[BURST];

	*packets = 0;
	while (*packets < limit && taken < max_bytes && ring_has_work(v) &&
	       may_take(v, slots)) {
		struct vif_chain c;
		struct vfr_packet *p;

		if (!vif_chain_read(&v->tx, &c))
			break;
		++*packets;
		if (c.fatal)
			vif_broken(v, c.bad);
		p = packet_make(v, &c);
		if (!p)
			continue;
		taken += bytes_of(p);
		slots += c.nr;
		burst[n++] = p;
	}
	if (n)
		vfr_rx(net_vfr, (unsigned)v->port, burst, n, now);
	*bytes = taken;
	if (!ring_has_work(v))
		return false;
	v->starved = !may_take(v, 0);
	return !v->starved;
}

bool vif_tx_rearm(struct vif *v)
{
	int more;

	if (v->broken || v->starved)
		return false;
	RING_FINAL_CHECK_FOR_REQUESTS(&v->tx, more);
	return more;
}

void vif_tx_hold(struct vif *v)
{
	v->tx.sring->req_event = v->tx.req_cons + RING_SIZE(&v->tx) / 2;
}
