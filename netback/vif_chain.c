/* vif_chain.c: see vif_chain.h. */
#include "vif_chain.h"

#include "barrier.h"
#include "lib.h"

#define ETH_MIN		14
#define PAGE_BYTES	4096u

static_assert(sizeof(struct netif_extra_info) <=
	      sizeof(struct netif_tx_request), "netif.h: it fits in a slot");

static void fatal(struct vif_chain *c, const char *why)
{
	c->bad = why;
	c->fatal = true;
}

static bool slot_read(struct netif_tx_back_ring *ring, RING_IDX prod,
		      struct netif_tx_request *r)
{
	if (ring->req_cons == prod)
		return false;
	RING_COPY_REQUEST(ring, ring->req_cons, r);
	ring->req_cons++;
	return true;
}

static void extra_take(struct vif_chain *c, const struct netif_extra_info *x)
{
	if (x->type != XEN_NETIF_EXTRA_TYPE_GSO || c->gso) {
		c->bad = "extra information that was not offered";
		return;
	}
	c->gso = true;
	c->gso_type = x->u.gso.type;
	c->gso_size = x->u.gso.size;
	if (!c->gso_size || (c->gso_type != XEN_NETIF_GSO_TYPE_TCPV4 &&
			     c->gso_type != XEN_NETIF_GSO_TYPE_TCPV6))
		c->bad = "segments that are none";
}

/* The slots of extra information behind the first request. */
static void extras_read(struct netif_tx_back_ring *ring, RING_IDX prod,
			struct vif_chain *c)
{
	struct netif_extra_info x;
	struct netif_tx_request r;

	do {
		if (c->nr_extra == XEN_NETIF_EXTRA_TYPE_MAX ||
		    !slot_read(ring, prod, &r)) {
			fatal(c, "extra slots without an end");
			return;
		}
		memcpy(&x, &r, sizeof(x));
		c->nr_extra++;
		extra_take(c, &x);
	} while (x.flags & XEN_NETIF_EXTRA_FLAG_MORE);
}

static void slots_read(struct netif_tx_back_ring *ring, RING_IDX prod,
		       struct vif_chain *c)
{
	struct netif_tx_request r;

	do {
		if (!slot_read(ring, prod, &r)) {
			fatal(c, "a packet that does not end");
			return;
		}
		if (c->nr_all == CHAIN_READ) {
			fatal(c, "a packet of too many slots");
			return;
		}
		c->id[c->nr_all++] = r.id;
		if (c->nr < CHAIN_SLOTS)
			c->slot[c->nr++] = r;
		else
			c->bad = "a packet of too many slots";
		if (c->nr_all == 1 && r.flags & NETTXF_extra_info)
			extras_read(ring, prod, c);
	} while (!c->fatal && r.flags & NETTXF_more_data);
}

/* The first slot's size is the whole packet's: make it its own. */
static void sizes_check(struct vif_chain *c)
{
	uint32_t rest = 0;

	for (uint32_t i = 1; i < c->nr; i++)
		rest += c->slot[i].size;
	if (c->slot[0].size < rest + 1 || c->slot[0].size < ETH_MIN) {
		c->bad = "sizes that do not add up";
		return;
	}
	c->slot[0].size = (uint16_t)(c->slot[0].size - rest);
	for (uint32_t i = 0; i < c->nr; i++)
		if (c->slot[i].size == 0 ||
		    c->slot[i].offset + c->slot[i].size > PAGE_BYTES) {
			c->bad = "a slot that leaves its page";
			return;
		}
}

bool vif_chain_read(struct netif_tx_back_ring *ring, struct vif_chain *c)
{
	RING_IDX prod = READ_ONCE(ring->sring->req_prod);

	if (prod == ring->req_cons)
		return false;
	xen_rmb(); /* the requests are read behind the index */
	memset(c, 0, sizeof(*c));
	/* No more than there are slots whose responses are not due. */
	if (prod - ring->req_cons >
	    RING_SIZE(ring) - (ring->req_cons - ring->rsp_prod_pvt)) {
		fatal(c, "a request index out of range");
		return true;
	}
	slots_read(ring, prod, c);
	if (!c->bad)
		sizes_check(c);
	return true;
}
