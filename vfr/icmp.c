/*
 * icmp.c: errors that the VFR sends, errors about its flows that others send,
 * and the little it answers for itself.
 *
 * Errors quote the packet as it came in, with payload.  Everything the VFR
 * sends on its own account is limited per port, so that it cannot be used to
 * amplify or to reflect; answers to pings apart from the rest, so that a flood
 * of those silences no error.
 */
#include "internal.h"

#define ANSWERS_PER_S	100
#define ANSWERS_BURST	20
#define QUOTE_MAX	512

static const struct {
	uint8_t type4, code4, type6, code6;
} errors[] = {
	[ICMP_TTL]	  = { 11, 0, 3, 0 },
	[ICMP_TOO_BIG]	  = { 3, 4, 2, 0 },
	[ICMP_NO_ROUTE]	  = { 3, 0, 1, 0 },
	[ICMP_NO_HOST]	  = { 3, 1, 1, 3 },
	[ICMP_PROHIBITED] = { 3, 13, 1, 1 },
};

static bool may_answer(struct vfr *v, struct bucket *b)
{
	return bucket_take(v, b, ANSWERS_PER_S, 1000, ANSWERS_BURST);
}

/* RFC 1122, 3.2.2 and RFC 4443, 2.4: about which packets none is sent. */
static bool deserves_error(const struct judge *j)
{
	return !j->icmp_error && !(j->frag & VFR_FRAG_LATER) &&
	       !j->multicast && !vfr_addr_is_zero(&j->key.src);
}

/* Our address towards the sender, NULL if we have none. */
static const struct vfr_addr *our_addr(const struct vfr *v,
				       const struct judge *j)
{
	const struct iface *ifc = &v->t->ifaces[j->in];

	if (!j->v6)
		return vfr_addr_is_zero(&ifc->addr4) ? NULL : &ifc->addr4;
	return vfr_addr_is_zero(&ifc->addr6) ? &ifc->ll : &ifc->addr6;
}

/*
 * The IP header of an answer to j, after the Ethernet header of p, for n
 * bytes of payload.  Returns where the payload goes.
 */
static uint8_t *answer_ip(const struct judge *j, struct vfr_packet *p,
			  const struct vfr_addr *from, uint8_t proto,
			  uint32_t n)
{
	uint8_t *ip = p->hdr + ETH_LEN;
	uint32_t hlen = j->v6 ? IP6_LEN : IP4_LEN;

	memset(p->hdr, 0, ETH_LEN + hlen);
	put16(p->hdr + 12, j->v6 ? ETH_IP6 : ETH_IP4);
	if (j->v6) {
		ip[0] = 0x60;
		put16(ip + 4, n);
		ip[6] = proto;
		ip[7] = 64;
		memcpy(ip + 8, from->b, 16);
		memcpy(ip + 24, j->p->hdr + j->l3 + 8, 16);
	} else {
		ip[0] = 0x45;
		put16(ip + 2, IP4_LEN + n);
		put16(ip + 4, (uint16_t)p->id);
		ip[8] = 64;
		ip[9] = proto;
		memcpy(ip + 12, from->b + 12, 4);
		memcpy(ip + 16, j->p->hdr + j->l3 + 12, 4);
		sum_store(ip + 10, (uint16_t)~sum_fold(sum_add(0, ip, IP4_LEN)));
	}
	return ip + hlen;
}

static uint64_t answer_pseudo(const struct judge *j, const uint8_t *ip,
			      uint8_t proto, uint32_t n)
{
	return j->v6 ? sum_pseudo(ip + 8, ip + 24, 16, proto, n)
		     : sum_pseudo(ip + 12, ip + 16, 4, proto, n);
}

static void answer_ether(const struct vfr *v, const struct judge *j,
			 struct vfr_packet *p)
{
	const struct iface *ifc = &v->t->ifaces[j->in];

	/* On a bridge the answer comes from whom the packet was for. */
	forward_ether(p, ETH_LEN, j->p->hdr + 6,
		      j->bridged ? j->p->hdr : ifc->mac, ifc->vlan);
}

static void answer_send(struct vfr *v, const struct judge *j,
			struct vfr_packet *p)
{
	answer_ether(v, j, p);
	own_send(v, p, j->in);
}

struct vfr_packet *icmp_error_make(struct vfr *v, const struct judge *j,
				   enum icmp_what what, uint32_t mtu)
{
	const struct vfr_addr *from = our_addr(v, j);
	struct vfr_packet *p;
	struct own *o;
	uint32_t quote = j->ip_len < QUOTE_MAX ? j->ip_len : QUOTE_MAX;
	uint64_t sum;
	uint8_t *h;

	if (!deserves_error(j) || !from ||
	    !may_answer(v, &v->ports[j->dev].errors))
		return NULL;
	p = own_packet(v);
	if (!p)
		return NULL;
	o = p->owner;
	quote = vfr_packet_copy(j->p, j->l3, o->data, quote);
	h = answer_ip(j, p, from, j->v6 ? IP_ICMP6 : IP_ICMP,
		      ICMP_LEN + quote);
	memset(h, 0, ICMP_LEN);
	h[0] = j->v6 ? errors[what].type6 : errors[what].type4;
	h[1] = j->v6 ? errors[what].code6 : errors[what].code4;
	if (what == ICMP_TOO_BIG && j->v6)
		put32(h + 4, mtu);
	else if (what == ICMP_TOO_BIG)
		put16(h + 6, (uint16_t)mtu);	/* RFC 1191 */
	sum = sum_add(sum_add(0, h, ICMP_LEN), o->data, quote);
	if (j->v6)
		sum += answer_pseudo(j, p->hdr + ETH_LEN, IP_ICMP6,
				     ICMP_LEN + quote);
	sum_store(h + 2, (uint16_t)~sum_fold(sum));
	p->len = (uint32_t)(h + ICMP_LEN - p->hdr);
	p->hdr_len = (uint16_t)p->len;
	vfr_packet_add(p, o->data, 0, 0, quote);
	answer_ether(v, j, p);
	return p;
}

void icmp_error(struct vfr *v, const struct judge *j, enum icmp_what what,
		uint32_t mtu)
{
	struct vfr_packet *p = icmp_error_make(v, j, what, mtu);

	if (p)
		own_send(v, p, j->in);
}

/* RFC 9293, 3.10.7.1: the reset for a segment that fits no connection. */
void tcp_reject(struct vfr *v, const struct judge *j)
{
	const uint8_t *t = j->p->hdr + j->l4;
	uint32_t len = j->l3 + j->ip_len - j->l4 - (t[12] >> 4) * 4u;
	struct vfr_addr from = j->fkey.dst;
	struct vfr_packet *p;
	uint8_t *h;

	if ((t[13] & TCP_RST) || (j->frag & VFR_FRAG_LATER) ||
	    !may_answer(v, &v->ports[j->dev].errors))
		return;
	p = own_packet(v);
	if (!p)
		return;
	h = answer_ip(j, p, &from, IP_TCP, TCP_LEN);
	memset(h, 0, TCP_LEN);
	put16(h, j->fkey.dport);
	put16(h + 2, j->fkey.sport);
	h[12] = 5 << 4;
	if (t[13] & TCP_ACK) {
		h[13] = TCP_RST;
		memcpy(h + 4, t + 8, 4);
	} else {
		h[13] = TCP_RST | TCP_ACK;
		put32(h + 8, get32(t + 4) + len + !!(t[13] & TCP_SYN) +
			     !!(t[13] & TCP_FIN));
	}
	sum_store(h + 16, (uint16_t)~sum_fold(
		answer_pseudo(j, p->hdr + ETH_LEN, IP_TCP, TCP_LEN) +
		sum_add(0, h, TCP_LEN)));
	p->len = (uint32_t)(h + TCP_LEN - p->hdr);
	p->hdr_len = (uint16_t)p->len;
	answer_send(v, j, p);
}

/* --- to the VFR itself --- */

/* Turn an echo request round, in place. */
static void echo(struct vfr *v, struct judge *j)
{
	struct vfr_packet *p = j->p;
	uint8_t *ip = p->hdr + j->l3, *h = p->hdr + j->l4, *ttl, old[2];
	uint8_t addr[16], mac[6];
	uint32_t n = j->v6 ? 16 : 4, at = j->v6 ? 8 : 12;

	memcpy(old, h, 2);
	h[0] = j->v6 ? ICMP6_ECHO_REPLY : ICMP_ECHO_REPLY;
	sum_update(h + 2, old, h, 2);
	memcpy(addr, ip + at, n);
	memcpy(ip + at, ip + at + n, n);
	memcpy(ip + at + n, addr, n);
	ttl = ip + (j->v6 ? 7 : 8);
	memcpy(old, j->v6 ? ttl - 1 : ttl, 2);
	*ttl = 64;
	if (!j->v6)
		sum_update(ip + 10, old, ttl, 2);
	memcpy(mac, p->hdr + 6, 6);
	forward_ether(p, j->l3, mac, v->t->ifaces[j->in].mac, j->vlan);
	TRACE(v, j, LOCAL, 0, 0);
	judge_send(v, j, j->dev);
}

void icmp_local(struct vfr *v, struct judge *j)
{
	bool request = (j->key.proto == IP_ICMP && j->key.sport == ICMP_ECHO) ||
		       (j->key.proto == IP_ICMP6 && j->key.sport == ICMP6_ECHO);

	if (!request || j->key.dport || j->frag ||
	    !(v->t->ifaces[j->in].rs->flags & VFR_PORT_PING))
		judge_drop(v, j, VFR_DROP_LOCAL);
	else if (!may_answer(v, &v->ports[j->dev].pings))
		judge_drop(v, j, VFR_DROP_RATE);
	else
		echo(v, j);
}

/* --- errors about flows --- */

struct quote {			/* the packet that an error quotes */
	uint16_t	l3, l4;		/* in hdr */
	uint8_t		proto;
	uint16_t	sport, dport;	/* as in a flow's key */
	struct flow_key	back;		/* key of packets that answer it */
};

/* Over IPv6's extension headers, as parse.c goes; of fragments, the first. */
static bool quote_chain(struct judge *j, struct quote *q)
{
	uint32_t end = j->l3 + j->ip_len, i;
	const uint8_t *h;

	for (i = 0; ip6_is_extension(q->proto); i++) {
		if (i == MAX_IP6_HEADERS || q->l4 + 8u > end ||
		    vfr_packet_pull(j->p, q->l4 + 8))
			return false;
		h = j->p->hdr + q->l4;
		if (q->proto == IP6_FRAG ? get16(h + 2) & 0xfff8
					 : q->proto == IP6_ROUTING && h[3])
			return false;
		q->l4 += q->proto == IP6_FRAG ? 8 : (h[1] + 1) * 8;
		q->proto = h[0];
	}
	return true;
}

static bool quote_ip(struct judge *j, struct quote *q)
{
	const uint8_t *h = j->p->hdr;
	uint32_t end = j->l3 + j->ip_len, hlen = j->v6 ? IP6_LEN : IP4_LEN;

	q->l3 = j->l4 + ICMP_LEN;
	if (q->l3 + hlen > end || vfr_packet_pull(j->p, q->l3 + hlen))
		return false;
	h += q->l3;
	if (j->v6) {
		q->l4 = q->l3 + IP6_LEN;
		q->proto = h[6];
		memcpy(&q->back.dst, h + 8, 16);
		memcpy(&q->back.src, h + 24, 16);
		if (h[0] >> 4 != 6 || !quote_chain(j, q))
			return false;
	} else {
		q->l4 = q->l3 + (h[0] & 15) * 4;
		q->proto = h[9];
		q->back.dst = vfr_addr_v4(get32(h + 12));
		q->back.src = vfr_addr_v4(get32(h + 16));
		if (h[0] >> 4 != 4 || (h[0] & 15) < 5 ||
		    (get16(h + 6) & IP4_OFFSET))
			return false;
	}
	return q->l4 + 8u <= end && !vfr_packet_pull(j->p, q->l4 + 8);
}

static bool quote_read(struct judge *j, struct quote *q)
{
	const uint8_t *h;

	memset(q, 0, sizeof(*q));
	if (!quote_ip(j, q))
		return false;
	h = j->p->hdr + q->l4;
	switch (q->proto) {
	case IP_TCP:
	case IP_UDP:
	case IP_SCTP:
		q->back.dport = get16(h);
		q->back.sport = get16(h + 2);
		break;
	case IP_ICMP:
	case IP_ICMP6:
		if (h[0] == (j->v6 ? ICMP6_ECHO : ICMP_ECHO)) {
			q->back.dport = get16(h + 4);
			q->back.echo = ECHO_REPLY;
		} else if (h[0] == (j->v6 ? ICMP6_ECHO_REPLY :
					    ICMP_ECHO_REPLY)) {
			q->back.sport = get16(h + 4);
			q->back.echo = ECHO_REQUEST;
		} else {
			return false;
		}
		break;
	}
	q->back.proto = q->proto;
	q->back.dev = j->dev;
	q->back.vlan = j->vlan;
	q->back.bridged = j->bridged;
	return true;
}

/* Change n bytes that the ICMP checksum at sum covers. */
static void edit(uint8_t *sum, uint8_t *at, const uint8_t *to, uint32_t n)
{
	sum_update(sum, at, to, n);
	memcpy(at, to, n);
}

/* The quoted packet becomes the one that its sender sent: a's mirror. */
static void quote_translate(struct judge *j, const struct quote *q,
			    const struct flow_key *a)
{
	uint8_t *sum = j->p->hdr + j->l4 + 2, *ip = j->p->hdr + q->l3;
	uint8_t *h = j->p->hdr + q->l4, ports[4], ipsum[2];
	uint32_t n = j->v6 ? 16 : 4, at = j->v6 ? 8 : 12;

	if (!j->v6) {
		memcpy(ipsum, ip + 10, 2);
		sum_update(ipsum, ip + 12, a->src.b + 12, 4);
		sum_update(ipsum, ip + 16, a->dst.b + 12, 4);
		edit(sum, ip + 10, ipsum, 2);
	}
	edit(sum, ip + at, a->src.b + 16 - n, n);
	edit(sum, ip + at + n, a->dst.b + 16 - n, n);
	put16(ports, a->sport);
	put16(ports + 2, a->dport);
	if (q->proto == IP_TCP || q->proto == IP_UDP)
		edit(sum, h, ports, 4);
	else if (q->proto == IP_ICMP || q->proto == IP_ICMP6)
		/* an echo request, else a reply */
		edit(sum, h + 4, q->back.dport ? ports : ports + 2, 2);
}

static bool type_passes(const struct judge *j)
{
	if (j->v6)
		return j->key.sport <= ICMP6_PARAMETER;
	return j->key.sport == ICMP_UNREACH ||
	       j->key.sport == ICMP_TIME_EXCEEDED ||
	       j->key.sport == ICMP_PARAMETER;
}

/* The flow whose packet is quoted; *dir: the way the error goes. */
static struct flow *quoted_flow(struct vfr *v, struct judge *j,
				struct quote *q, int *dir)
{
	struct flow *f;

	if (!type_passes(j) || !quote_read(j, q))
		return NULL;
	/* It goes out by the flow's port: past the rules if to others. */
	if (!vfr_addr_eq(&j->key.dst, &q->back.dst))
		return NULL;
	f = flow_find(v, &q->back, flow_hash(v, &q->back), NONE32, dir);
	if (!f || (f->gen != v->gen && !rejudge_flow(v, f)))
		return NULL;
	if (q->proto == IP_TCP &&
	    !tcp_seq_known(f, !*dir, get32(j->p->hdr + q->l4 + 4)))
		return NULL;	/* RFC 5927: somebody guesses */
	return f;
}

bool icmp_related(struct vfr *v, struct judge *j)
{
	const struct flow_key *to;
	struct vfr_addr src;
	struct quote q;
	struct flow *f;
	int dir;

	f = quoted_flow(v, j, &q, &dir);
	if (!f)
		return false;
	TRACE(v, j, RELATED, f->rule, 0);
	if (f->flags & FLOW_NAT) {
		to = &f->side[!dir].key;
		quote_translate(j, &q, to);
		/* A router on a translated side stays hidden behind the
		   address that its side is known by. */
		src = vfr_addr_eq(&f->side[dir].key.src, &to->dst)
			? j->key.src : to->dst;
		nat_rewrite(j, &src, &to->src, 0, 0);
	}
	forward_related(v, j, f, dir);
	return true;
}
