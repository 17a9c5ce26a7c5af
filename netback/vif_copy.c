/*
 * vif_copy.c: packets to a guest by one copy into frames that it granted
 * (xen/io/netif.h, "receive").
 *
 * A packet needs a buffer for each page of it, and one slot more where it is a
 * large segment.  Responses go into the ring in order, each with the id of the
 * request in its slot.
 */
#include "vif.h"

#include "grant.h"
#include "lib.h"
#include "page.h"

static uint32_t plan(struct vfr_packet *p)
{
	return (p->len + PAGE_SIZE - 1) / PAGE_SIZE +
	       (p->gso != VFR_GSO_NONE);
}

static struct netif_rx_response *response(struct vif *v,
					  struct netif_rx_request *r)
{
	RING_COPY_REQUEST(&v->rx, v->rx.req_cons, r);
	v->rx.req_cons++;
	return RING_GET_RESPONSE(&v->rx, v->rx.rsp_prod_pvt++);
}

/* Bytes [from, from + n) of the packet into the granted frame. */
static int copy_out(struct vif *v, const struct vfr_packet *p, uint32_t from,
		    uint32_t n, uint32_t ref)
{
	struct page *pg;

	if (grant_pin(v->d, ref, DOM0, false, &pg))
		return NETIF_RSP_ERROR;
	vfr_packet_copy(p, from, page_virt(pg), n);
	grant_unpin(v->d, ref, false, pg);
	return (int)n;
}

static void put_gso(struct vif *v, const struct vfr_packet *p)
{
	struct netif_rx_request r;
	struct netif_extra_info *x = (void *)response(v, &r);

	memset(x, 0, sizeof(*x));
	x->type = XEN_NETIF_EXTRA_TYPE_GSO;
	x->u.gso.type = p->gso == VFR_GSO_TCP4 ? XEN_NETIF_GSO_TYPE_TCPV4 :
						 XEN_NETIF_GSO_TYPE_TCPV6;
	x->u.gso.size = p->gso_size;
}

static void deliver(struct vif *v, struct vfr_packet *p)
{
	uint32_t from = 0;

	while (from < p->len) {
		uint32_t n = MIN(p->len - from, (uint32_t)PAGE_SIZE);
		struct netif_rx_response *out;
		struct netif_rx_request r;
		uint16_t flags = 0;

		out = response(v, &r);
		if (from + n < p->len)
			flags |= NETRXF_more_data;
		if (from == 0 && p->csum == VFR_CSUM_PARTIAL)
			flags |= NETRXF_csum_blank | NETRXF_data_validated;
		else if (from == 0 && p->csum == VFR_CSUM_VALID)
			flags |= NETRXF_data_validated;
		if (from == 0 && p->gso != VFR_GSO_NONE)
			flags |= NETRXF_extra_info;
		out->id = r.id;
		out->offset = 0;
		out->flags = flags;
		out->status = (int16_t)copy_out(v, p, from, n, r.gref);
		if (from == 0 && p->gso != VFR_GSO_NONE)
			put_gso(v, p);
		from += n;
	}
}

const struct vif_rx_ops vif_copy_ops = {
	.plan = plan,
	.deliver = deliver,
};
