/*
 * split.c: cut an IPv4 packet that is too long for the way out (RFC 791).
 *
 * The pieces are packets of the VFR's own with a new header each; their
 * payload stays where it is, in the fragments of the original, which is
 * released when the last piece has been sent.
 */
#include "internal.h"

/* Append bytes [from, from + n) of p to c, whose header is in place. */
static bool append(struct vfr_packet *c, const struct vfr_packet *p,
		   uint32_t from, uint32_t n)
{
	uint32_t i, k;

	if (from < p->hdr_len) {
		k = p->hdr_len - from < n ? p->hdr_len - from : n;
		if (c->hdr_len + k > VFR_HDR_MAX)
			return false;
		memcpy(c->hdr + c->hdr_len, p->hdr + from, k);
		c->hdr_len += k;
		c->len += k;
		from += k;
		n -= k;
	}
	from -= p->hdr_len;
	for (i = 0; i < p->nr_frags && n; i++) {
		const struct vfr_frag *f = &p->frags[i];

		if (from >= f->len) {
			from -= f->len;
			continue;
		}
		k = f->len - from < n ? f->len - from : n;
		if (vfr_packet_add(c, f->data + from, f->handle,
				   f->offset + from, k))
			return false;
		n -= k;
		from = 0;
	}
	return true;
}

/* The piece of p's payload [from, from + n); last: none follows. */
static struct vfr_packet *piece(struct vfr *v, struct vfr_packet *p,
				uint16_t l3, uint32_t from, uint32_t n,
				bool last)
{
	struct vfr_packet *c = own_clone(v, p);
	uint32_t start = l3 + IP4_LEN;
	uint16_t off;
	uint8_t *ip;

	if (!c)
		return NULL;
	c->csum = VFR_CSUM_NONE;
	c->nr_frags = 0;
	c->len = c->hdr_len = (uint16_t)start;
	ip = c->hdr + l3;
	off = get16(ip + 6);
	if (!last)
		off |= IP4_MF;
	put16(ip + 6, (uint16_t)(off + from / 8));
	put16(ip + 2, (uint16_t)(IP4_LEN + n));
	put16(ip + 10, 0);
	sum_store(ip + 10, (uint16_t)~sum_fold(sum_add(0, ip, IP4_LEN)));
	if (append(c, p, start + from, n))
		return c;
	c->release(c);
	return NULL;
}

bool split_can(const struct judge *j)
{
	const uint8_t *ip = j->p->hdr + j->l3;

	return !j->v6 && !j->bridged && !(get16(ip + 6) & IP4_DF) &&
	       ip[0] == 0x45 && j->p->gso == VFR_GSO_NONE;
}

/*
 * j's packet is ready to be sent by iface but for its length.  It counts as
 * ended in the VFR, its pieces as made by it.
 */
void split_send(struct vfr *v, struct judge *j, uint16_t iface)
{
	const struct iface *o = &v->t->ifaces[iface];
	struct vfr_packet *p = j->p, *c;
	uint16_t l3 = o->vlan ? ETH_LEN + VLAN_LEN : ETH_LEN;
	uint32_t room = (o->mtu - IP4_LEN) & ~7u, from, n;
	uint32_t total = p->len - l3 - IP4_LEN;

	vfr_packet_checksum(p);
	for (from = 0; from < total; from += n) {
		n = total - from < room ? total - from : room;
		c = piece(v, p, l3, from, n, from + n == total);
		if (!c) {	/* without this one the rest is of no use */
			own_missed(v, (total - from + room - 1) / room,
				   total - from);
			break;
		}
		own_send(v, c, iface);
	}
	judge_local(v, j);
}
