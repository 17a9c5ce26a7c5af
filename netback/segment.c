/*
 * segment.c: what a port does whose device cannot cut large TCP packets.
 *
 * Each segment is a net_packet with headers and checksum of its own; its
 * payload stays where it is, in the whole packet, which is released when the
 * last of them has been: one more net_packet keeps count of that.
 */
#include "netback.h"

static void part_done(struct net_packet *whole)
{
	if (--whole->nr_parts)
		return;
	whole->whole->release(whole->whole);
	net_packet_put(whole);
}

static void segment_release(struct vfr_packet *p)
{
	struct net_packet *np = net_packet_of(p);
	struct net_packet *whole = p->owner;

	net_packet_put(np);
	part_done(whole);
}

/* Append bytes [from, from + n) of the whole packet. */
static int payload_add(struct vfr_packet *s, const struct vfr_packet *p,
		       uint32_t from, uint32_t n)
{
	uint32_t k;
	int rc = 0;

	if (from < p->hdr_len) {
		k = MIN(p->hdr_len - from, n);
		if (k)
			rc = vfr_packet_add(s, p->hdr + from, 0, 0, k);
		from += k;
		n -= k;
	}
	from -= p->hdr_len;
	for (uint32_t i = 0; i < p->nr_frags && n && !rc; i++) {
		const struct vfr_frag *f = &p->frags[i];

		if (from >= f->len) {
			from -= f->len;
			continue;
		}
		k = MIN(f->len - from, n);
		rc = vfr_packet_add(s, f->data + from, f->handle,
				    f->offset + from, k);
		n -= k;
		from = 0;
	}
	return n ? -EINVAL : rc;
}

/* 1: np is segment i.  0: there are no more.  -EINVAL: the packet is broken. */
static int segment_make(struct net_packet *np, struct net_packet *whole,
			uint32_t i)
{
	const struct vfr_packet *p = whole->whole;
	struct vfr_packet *s = &np->p;
	uint32_t from, n;
	int len;

	vfr_packet_init(s, segment_release, whole);
	np->cut_from = whole;
	len = vfr_packet_segment(p, i, s->hdr, VFR_HDR_MAX, &from, &n);
	if (len <= 0)
		return len;
	s->hdr_len = (uint16_t)len;
	s->len = (uint32_t)len;
	s->port = p->port;
	if (p->port != VFR_PORT_SELF)
		np->from = ((const struct net_packet *)p)->from;
	s->id = p->id;
	return payload_add(s, p, from, n) ? -EINVAL : 1;
}

/* Segments that wait must not take all packets, without which nothing comes in
 * for anybody. */
#define LEAVE	256

static int segment_send(struct net_packet *whole, uint32_t i,
			net_transmit_fn *transmit, void *ctx)
{
	struct net_packet *np;
	int rc;

	if (net_packets_free() <= LEAVE)
		return -ENOBUFS;
	np = net_packet_get();
	rc = segment_make(np, whole, i);
	if (rc > 0) {
		whole->nr_parts++; /* before it can be released */
		rc = transmit(ctx, &np->p);
		if (!rc)
			return 1;
		whole->nr_parts--;
	}
	net_packet_put(np);
	return rc;
}

int net_segments(struct vfr_packet *p, net_transmit_fn *transmit, void *ctx,
		 uint64_t *lost)
{
	struct net_packet *whole = net_packet_get();
	uint32_t i = 0;
	int rc;

	if (!whole)
		return -ENOBUFS;
	whole->whole = p;
	whole->nr_parts = 1;	/* this loop */
	whole->nr_waiting = 0;
	while ((rc = segment_send(whole, i, transmit, ctx)) > 0)
		i++;
	if (i == 0) {
		net_packet_put(whole);
		return rc ? rc : -EINVAL;
	}
	if (rc < 0)
		++*lost;
	part_done(whole);
	return 0;
}
