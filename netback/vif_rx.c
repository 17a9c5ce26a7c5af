/*
 * vif_rx.c: packets to a guest, by one copy into frames that it granted
 * (xen/io/netif.h, "receive").
 *
 * A packet needs a buffer for each page of it, and one slot more where it is a
 * large segment.  Responses go into the ring in order, each with the id of the
 * request in its slot.  What finds no buffers waits, bounded; the frontend
 * notifies when it has posted some.
 */
#include "vif.h"

#include "domain.h"
#include "grant.h"
#include "lib.h"
#include "page.h"
#include "time.h"

static uint32_t slots_of(const struct vfr_packet *p)
{
	return (p->len + PAGE_SIZE - 1) / PAGE_SIZE +
	       (p->gso != VFR_GSO_NONE);
}

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

static void deliver(struct vif *v, const struct vfr_packet *p)
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

static void push(struct vif *v)
{
	int notify;

	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&v->rx, notify);
	if (notify)
		v->rx_notify = true;
}

static bool wait(struct vif *v, struct vfr_packet *p)
{
	if (v->nr_wait == VIF_RX_QUEUE)
		return false;
	p->next = NULL;
	if (v->wait_tail) {
		v->wait_tail->next = p;
	} else {
		v->wait_head = p;
		v->moved_ns = now_ns();
	}
	v->wait_tail = p;
	v->nr_wait++;
	return true;
}

static bool fits(const struct vif *v, const struct vfr_packet *p)
{
	return p->len <= PAGE_SIZE || v->features & SLUICE_VIF_SG;
}

/* The VFR's side: taken over when this returns 0. */
static int port_transmit(void *ctx, struct vfr_packet *p)
{
	struct vif *v = ctx;

	if (v->broken || !v->connected || !fits(v, p))
		return -EIO;
	if (p->csum == VFR_CSUM_PARTIAL && v->features & SLUICE_VIF_NO_CSUM)
		vfr_packet_checksum(p);
	if (v->wait_head || !want(v, slots_of(p)))
		return wait(v, p) ? 0 : -ENOBUFS;
	deliver(v, p);
	p->release(p);
	return 0;
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
	v->nr_wait--;
	p->next = NULL;
	return p;
}

void vif_rx_run(struct vif *v)
{
	bool any = false;

	while (v->wait_head && !v->broken && want(v, slots_of(v->wait_head))) {
		struct vfr_packet *p = wait_pop(v);

		deliver(v, p);
		p->release(p);
		any = true;
	}
	if (any) {
		v->moved_ns = now_ns();
		push(v);
		vif_notify(v);
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
