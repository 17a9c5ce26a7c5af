/*
 * vif_flip.c: packets to a guest by exchange of pages (sluice/flip.h).
 *
 * A packet from a NIC lies in frames of the hypervisor's pool.  Its headers are
 * written back before it, what lies around it is zeroed if it is not the guest's
 * own (leftover.h), and the frame takes the place of an empty one of the guest,
 * which the pool gets.  The guest's CPUs may hold translations to that until the
 * flush at the end of the burst: before it no response is seen, and no frame
 * goes back to the pool.
 *
 * Everything else is copied into the posted page: packets of other domains (the
 * page that their sender would get for its own had to be zeroed whole first,
 * which costs what a copy does), what the VFR made, small pieces, and pages that
 * cannot be exchanged since the guest uses them otherwise too.
 */
#include "vif.h"

#include "domain.h"
#include "flip_plan.h"
#include "leftover.h"
#include "lib.h"
#include "mm.h"
#include "page.h"

#include <sluice/flip.h>

static_assert(FLIP_PAGE == PAGE_SIZE, "flip_plan.h");
static_assert(sizeof(union sluice_flip_slot) ==
	      sizeof(union netif_rx_sring_entry), "the ring is netif's");
static_assert(offsetof(struct sluice_flip_ring, slot) ==
	      offsetof(struct netif_rx_sring, ring), "the ring is netif's");

/* Frames of a NIC's pool that nobody else holds: no clone of the packet is on
 * its way.  What the VFR makes has no struct net_packet around it. */
static bool givable(const struct vfr_packet *p)
{
	return p->port != VFR_PORT_SELF && !p->refs &&
	       ((const struct net_packet *)p)->nic;
}

/* A clone may be gone by the time that p is delivered: once planned is planned. */
static uint32_t plan(struct vfr_packet *p)
{
	bool by_piece = flip_by_piece(p, givable(p));

	if (p->port != VFR_PORT_SELF)
		net_packet_of(p)->by_piece = by_piece;
	return flip_slots(p, by_piece);
}

/* ---- exchange ---- */

/* Where the packet remembers its frame, so that another can take its place. */
static struct page **frame_of(struct net_packet *np, const struct vfr_frag *f)
{
	struct page *pg = virt_page(f->data);

	for (uint32_t i = 0; i < np->nr_slots; i++)
		if (np->slot[i].page == pg)
			return &np->slot[i].page;
	return NULL;
}

/* The frame as the guest is to find it: the piece, and around it zeroes, or what
 * the guest itself has left there. */
static void frame_dress(const struct vif *v, const struct vfr_packet *p,
			const struct flip_piece *x, const struct page *pg)
{
	uint8_t *frame = page_virt(pg);
	uint32_t end = x->offset + x->len;

	memset(frame, 0, x->offset); /* the device's own header */
	memcpy(frame + x->offset, p->hdr, x->hdr);
	if (!leftover_is(pg, v->whose))
		memset(frame + end, 0, PAGE_SIZE - end);
}

static bool exchange(struct vif *v, struct vfr_packet *p, uint32_t i,
		     const struct flip_piece *x, uint64_t pte)
{
	struct page **frame = frame_of(net_packet_of(p), &p->frags[i]), *got;

	if (!frame)
		return false;
	frame_dress(v, p, x, *frame);
	if (mm_exchange(v->d, pte, *frame, &got))
		return false;
	leftover_given(got, v->whose);
	*frame = got;
	v->flush_page = got;
	return true;
}

/* ---- copy ---- */

static bool copy(struct vif *v, const struct vfr_packet *p,
		 const struct flip_piece *x, uint64_t pte)
{
	struct page *pg;

	if (mm_get_mapped(v->d, pte, &pg))
		return false;
	vfr_packet_copy(p, x->from, (char *)page_virt(pg) + x->offset, x->len);
	page_put_type(pg);
	return true;
}

/* ---- the ring ---- */

static uint16_t first_flags(const struct vfr_packet *p)
{
	return (uint16_t)(
		(p->csum == VFR_CSUM_PARTIAL ? SLUICE_FLIP_BLANK : 0) |
		(p->csum != VFR_CSUM_NONE ? SLUICE_FLIP_VALID : 0) |
		(p->gso == VFR_GSO_TCP4 ? SLUICE_FLIP_GSO4 : 0) |
		(p->gso == VFR_GSO_TCP6 ? SLUICE_FLIP_GSO6 : 0));
}

static void deliver_piece(struct vif *v, struct vfr_packet *p, uint32_t i,
			  const struct flip_piece *x, uint16_t flags)
{
	union sluice_flip_slot *slot =
		(void *)RING_GET_REQUEST(&v->rx, v->rx.req_cons);
	uint64_t pte = READ_ONCE(slot->req.pte);
	struct sluice_flip_response r = {
		.offset = x->offset, .len = x->len, .flags = flags,
	};

	v->rx.req_cons++;
	v->rx.rsp_prod_pvt++;
	if (i == 0 && p->gso != VFR_GSO_NONE)
		r.gso_size = p->gso_size;
	if (x->exchange && exchange(v, p, i, x, pte)) {
		r.flags |= SLUICE_FLIP_EXCHANGED;
	} else if (!copy(v, p, x, pte)) {
		r.flags |= SLUICE_FLIP_ERROR;
		r.len = 0;
		v->lost++;
	}
	slot->rsp = r;
}

static void deliver(struct vif *v, struct vfr_packet *p)
{
	bool by_piece = p->port != VFR_PORT_SELF && net_packet_of(p)->by_piece;
	uint32_t nr = flip_slots(p, by_piece), from = 0;

	for (uint32_t i = 0; i < nr; i++) {
		struct flip_piece x = flip_piece(p, by_piece, i, from);

		deliver_piece(v, p, i, &x,
			      (i == 0 ? first_flags(p) : 0) |
				      (i + 1 < nr ? SLUICE_FLIP_MORE : 0));
		from += x.len;
	}
}

/*
 * One flush for all that was exchanged since the last: the stamp of the latest
 * frame tells which CPUs have not flushed since.
 */
static void settle(struct vif *v)
{
	if (v->flush_page)
		tlb_flush_frame(v->flush_page, v->d);
	v->flush_page = NULL;
}

const struct vif_rx_ops vif_flip_ops = {
	.plan = plan,
	.deliver = deliver,
	.settle = settle,
};
