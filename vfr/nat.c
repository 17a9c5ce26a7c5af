/*
 * nat.c: which translation a new flow gets, and the translation of packets.
 *
 * A flow holds the keys of both its directions; a packet is translated by
 * making it the mirror of the other key.  Checksums are updated from the
 * difference (RFC 1624), so that one that was wrong stays wrong.
 */
#include "internal.h"

#define PORT_TRIES	64
#define PORT_FIRST	1024

/* Host bits of a, network bits of p. */
static struct vfr_addr into(const struct vfr_prefix *p,
			    const struct vfr_addr *a)
{
	struct vfr_addr r = *a;
	unsigned int bytes = p->len / 8, bits = p->len % 8;
	uint8_t mask = (uint8_t)(0xff00 >> bits);

	memcpy(r.b, p->addr.b, bytes);
	if (bits)
		r.b[bytes] = (p->addr.b[bytes] & mask) |
			     (a->b[bytes] & (uint8_t)~mask);
	return r;
}

static bool same_family(const struct vfr_addr *a, const struct vfr_addr *b)
{
	return vfr_addr_is_v4(a) == vfr_addr_is_v4(b);
}

/* Is a on this side of a static translation?  A side is of one family, also
   one of IPv6 that holds the place where IPv4 is kept. */
static bool side_has(const struct vfr_prefix *side, const struct vfr_addr *a)
{
	return same_family(&side->addr, a) && vfr_prefix_has(side, a);
}

static bool redirects(const struct vfr *v, const struct vfr_rs_nat *n,
		      const struct judge *j)
{
	bool ports = j->key.proto == IP_TCP || j->key.proto == IP_UDP ||
		     j->key.proto == IP_SCTP;

	if (!same_family(&n->to.addr, &j->key.dst))
		return false;
	if (n->match.len ? !vfr_prefix_has(&n->match, &j->key.dst)
			 : !iface_has_addr(v, n->port, &j->key.dst))
		return false;
	return (n->lo == 0 && n->hi == 65535) ||
	       (ports && j->key.dport >= n->lo && j->key.dport <= n->hi);
}

uint32_t nat_find_dst(struct vfr *v, const struct judge *j,
		      struct vfr_addr *dst, uint16_t *dport)
{
	const struct vfr_rs_parts *p = &v->t->rs.p;
	bool vif = v->t->ifaces[j->in].kind == VFR_PORT_VIF;
	uint32_t i;

	for (i = 0; i < p->nr_nats; i++) {
		const struct vfr_rs_nat *n = &p->nats[i];

		if ((n->proto && n->proto != j->key.proto) ||
		    (j->in != n->port && !vif))
			continue;
		if (n->kind == VFR_NAT_STATIC &&
		    side_has(&n->to, &j->key.dst)) {
			*dst = into(&n->match, &j->key.dst);
			return i;
		}
		if (n->kind == VFR_NAT_REDIRECT && redirects(v, n, j)) {
			*dst = n->to.addr;
			if (n->to_lo)
				*dport = (uint16_t)(n->to_lo +
						    (j->key.dport - n->lo));
			return i;
		}
	}
	return NONE32;
}

static struct vfr_addr port_addr(const struct vfr *v, uint16_t port, bool v4)
{
	const struct vfr_rs_port *o = &v->t->rs.p.ports[port];
	const struct vfr_prefix *a = v->t->rs.p.addrs + o->first_addr;
	uint32_t i;

	for (i = 0; i < o->nr_addrs; i++)
		if (vfr_addr_is_v4(&a[i].addr) == v4)
			return a[i].addr;
	return (struct vfr_addr){ { 0 } };
}

/*
 * A domain that reaches itself by an outer address: its answer must come to
 * the VFR, too, so it sees the gateway as the sender.
 */
static bool to_itself(const struct vfr *v, const struct judge *j, uint16_t out)
{
	return out == j->in && v->t->ifaces[out].kind == VFR_PORT_VIF &&
	       !vfr_addr_eq(&j->key.dst, &j->fkey.dst);
}

/* *src is zero if the port has no address of that family. */
uint32_t nat_find_src(struct vfr *v, const struct judge *j, uint16_t out,
		      struct vfr_addr *src)
{
	const struct vfr_rs_parts *p = &v->t->rs.p;
	uint32_t i;

	for (i = 0; i < p->nr_nats; i++) {
		const struct vfr_rs_nat *n = &p->nats[i];

		if (n->port != out || n->kind == VFR_NAT_REDIRECT ||
		    (n->proto && n->proto != j->key.proto) ||
		    (n->kind == VFR_NAT_STATIC ?
		     !side_has(&n->match, &j->key.src) :
		     !vfr_prefix_has(&n->match, &j->key.src)))
			continue;
		if (n->kind == VFR_NAT_STATIC)
			*src = into(&n->to, &j->key.src);
		else
			*src = port_addr(v, n->port,
					 vfr_addr_is_v4(&j->key.src));
		return i;
	}
	if (unlikely(to_itself(v, j, out)))
		*src = vfr_addr_is_v4(src) ? v->t->ifaces[out].addr4
					   : v->t->ifaces[out].addr6;
	return NONE32;
}

static bool is_outside(const struct vfr_rs_nat *n, const struct vfr_addr *a)
{
	if (n->kind == VFR_NAT_STATIC)
		return side_has(&n->to, a);
	return n->kind == VFR_NAT_REDIRECT && n->match.len == 128 &&
	       vfr_addr_eq(&n->match.addr, a);
}

bool nat_owns(const struct vfr *v, uint16_t iface, const struct vfr_addr *a)
{
	const struct vfr_rs_nat *n = v->t->rs.p.nats;
	const struct vfr_rs_nat *end = n + v->t->rs.p.nr_nats;

	for (; n < end; n++)
		if (n->port == iface && is_outside(n, a))
			return true;
	return false;
}

bool nat_has(const struct vfr *v, const struct vfr_addr *a)
{
	const struct vfr_rs_nat *n = v->t->rs.p.nats;
	const struct vfr_rs_nat *end = n + v->t->rs.p.nr_nats;

	for (; n < end; n++)
		if (is_outside(n, a))
			return true;
	return false;
}

/*
 * Put f into the table under a reply key that nobody else has.  The opener's
 * own port is kept if it is free; any_port: else another is tried.
 */
bool nat_insert(struct vfr *v, struct flow *f, bool any_port)
{
	uint16_t *port = &f->side[1].key.dport;
	uint32_t i;

	if (flow_insert(v, f))
		return true;
	if (!any_port)
		return false;
	for (i = 0; i < PORT_TRIES; i++) {
		*port = (uint16_t)(PORT_FIRST +
				   vfr_random(v) % (65536 - PORT_FIRST));
		if (flow_insert(v, f))
			return true;
	}
	return false;
}

/* Where the transport checksum lies, NULL if there is none to keep right. */
static uint8_t *transport_sum(const struct judge *j)
{
	uint8_t *h = j->p->hdr + j->l4;

	if (j->frag & VFR_FRAG_LATER)
		return NULL;
	switch (j->key.proto) {
	case IP_TCP:
		return h + 16;
	case IP_DCCP:
		return h + 6;
	case IP_UDP:
	case IP_UDPLITE:	/* none is an error: it stays one */
		if (!h[6] && !h[7] && j->p->csum != VFR_CSUM_PARTIAL)
			return NULL;	/* the sender made none (RFC 6935) */
		return h + 6;
	case IP_ICMP:
	case IP_ICMP6:
		return h + 2;
	default:
		return NULL;
	}
}

static void rewrite_addr(const struct judge *j, uint8_t *at,
			 const struct vfr_addr *a, uint8_t *sum)
{
	uint32_t n = j->v6 ? 16 : 4;
	const uint8_t *to = a->b + 16 - n;

	if (!memcmp(at, to, n))
		return;
	if (!j->v6)
		sum_update(j->p->hdr + j->l3 + 10, at, to, n);
	if (sum && j->key.proto != IP_ICMP) {
		if (j->p->csum == VFR_CSUM_PARTIAL)
			sum_update_plain(sum, at, to, n);
		else
			sum_update(sum, at, to, n);
	}
	memcpy(at, to, n);
}

static void rewrite_port(const struct judge *j, uint8_t *at, uint16_t port,
			 uint8_t *sum)
{
	uint8_t to[2];

	put16(to, port);
	if (!memcmp(at, to, 2))
		return;
	if (sum && j->p->csum != VFR_CSUM_PARTIAL)
		sum_update(sum, at, to, 2);
	memcpy(at, to, 2);
}

static void rewrite_ports(const struct judge *j, uint16_t sport,
			  uint16_t dport, uint8_t *sum)
{
	uint8_t *h = j->p->hdr + j->l4;

	switch (j->key.proto) {
	case IP_TCP:
	case IP_UDP:
	case IP_SCTP:	/* its CRC covers the ports: they never change */
		rewrite_port(j, h, sport, sum);
		rewrite_port(j, h + 2, dport, sum);
		break;
	case IP_ICMP:
	case IP_ICMP6:
		if (j->key.sport == (j->v6 ? ICMP6_ECHO : ICMP_ECHO))
			rewrite_port(j, h + 4, sport, sum);
		else if (j->key.sport == (j->v6 ? ICMP6_ECHO_REPLY
						: ICMP_ECHO_REPLY))
			rewrite_port(j, h + 4, dport, sum);
		break;
	}
}

void nat_rewrite(struct judge *j, const struct vfr_addr *src,
		 const struct vfr_addr *dst, uint16_t sport, uint16_t dport)
{
	uint8_t *ip = j->p->hdr + j->l3;
	uint8_t *sum = transport_sum(j);

	rewrite_addr(j, ip + (j->v6 ? 8 : 12), src, sum);
	rewrite_addr(j, ip + (j->v6 ? 24 : 16), dst, sum);
	if (j->frag & VFR_FRAG_LATER)
		return;
	rewrite_ports(j, sport, dport, sum);
	if ((j->key.proto == IP_UDP || j->key.proto == IP_UDPLITE) && sum &&
	    !sum[0] && !sum[1] && j->p->csum != VFR_CSUM_PARTIAL)
		sum[0] = sum[1] = 0xff;
}
