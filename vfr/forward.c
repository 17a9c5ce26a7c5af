/*
 * forward.c: from "it may pass" to the egress port.
 */
#include "internal.h"

static struct rule_rt *rule_rt(struct vfr *v, uint32_t rule)
{
	return &v->rules[rule == NONE32 ? v->lim.rules : rule];
}

/* Bytes of IP that the largest frame of this packet will have. */
static uint32_t ip_bytes(const struct judge *j)
{
	const struct vfr_packet *p = j->p;
	uint32_t hlen;

	if (likely(p->gso == VFR_GSO_NONE))
		return j->ip_len;
	hlen = j->l4 - j->l3 + (p->hdr[j->l4 + 12] >> 4) * 4;
	if (hlen + p->gso_size < j->ip_len)
		return hlen + p->gso_size;
	return j->ip_len;
}

static bool decrements(const struct vfr *v, const struct judge *j, uint16_t out)
{
	const struct iface *i = &v->t->ifaces[j->in], *o = &v->t->ifaces[out];

	/* Two domains of one routed net see each other as on one link. */
	return !j->bridged && !(i->kind == VFR_PORT_VIF &&
				o->kind == VFR_PORT_VIF && i->net == o->net);
}

bool forward_leaves_link(const struct vfr *v, const struct judge *j,
			 uint16_t out)
{
	return decrements(v, j, out);
}

bool forward_is_long(const struct vfr *v, const struct judge *j, uint16_t out)
{
	const struct iface *o = &v->t->ifaces[out];

	return o->dev != NONE16 && ip_bytes(j) > o->mtu;
}

static HOT bool fits(struct vfr *v, struct judge *j, uint16_t out)
{
	const uint8_t *h = j->p->hdr + j->l3;
	uint32_t mtu = v->t->ifaces[out].mtu;

	if (unlikely(h[j->v6 ? 7 : 8] <= 1) && decrements(v, j, out)) {
		j->out = v->t->ifaces[out].dev;
		icmp_error(v, j, ICMP_TTL, 0);
		judge_drop(v, j, VFR_DROP_TTL);
		return false;
	}
	if (unlikely(ip_bytes(j) > mtu) && !split_can(j)) {
		j->out = v->t->ifaces[out].dev;
		icmp_error(v, j, ICMP_TOO_BIG, mtu);
		judge_drop(v, j, VFR_DROP_MTU);
		return false;
	}
	return true;
}

bool forward_fits(struct vfr *v, struct judge *j, uint16_t out)
{
	return fits(v, j, out);
}

static void hop(const struct judge *j)
{
	uint8_t *h = j->p->hdr + j->l3, old[2];

	if (j->v6) {
		h[7]--;
		return;
	}
	memcpy(old, h + 8, 2);
	h[8]--;
	sum_update(h + 10, old, h + 8, 2);
}

static HOT void ether(struct vfr_packet *p, uint16_t l3, const uint8_t *dst,
		      const uint8_t *src, uint16_t vlan)
{
	uint16_t n = vlan ? ETH_LEN + VLAN_LEN : ETH_LEN;
	uint16_t type = get16(p->hdr + l3 - 2);
	uint8_t *h, s[6], d[6];
	int grow = n - l3;

	memcpy(s, src, 6);	/* src and dst may lie in the old header */
	if (dst)
		memcpy(d, dst, 6);
	p->hdr -= grow;
	p->hdr_len = (uint16_t)(p->hdr_len + grow);
	p->len += (uint32_t)grow;
	p->csum_start = (uint16_t)(p->csum_start + grow);
	h = p->hdr;
	if (dst)
		memcpy(h, d, 6);
	memcpy(h + 6, s, 6);
	if (vlan) {
		put16(h + 12, ETH_VLAN);
		put16(h + 14, vlan);
	}
	put16(h + n - 2, type);
}

void forward_ether(struct vfr_packet *p, uint16_t l3, const uint8_t *dst,
		   const uint8_t *src, uint16_t vlan)
{
	ether(p, l3, dst, src, vlan);
}

/* Cut off what Ethernet padded; it is not part of the packet. */
static void trim(struct vfr_packet *p, uint32_t len)
{
	uint32_t have = p->hdr_len, i;

	if (likely(len >= p->len))
		return;
	p->len = len;
	if (len <= have) {
		p->hdr_len = (uint16_t)len;
		p->nr_frags = 0;
		return;
	}
	for (i = 0; i < p->nr_frags; i++) {
		if (have + p->frags[i].len >= len) {
			p->frags[i].len = len - have;
			p->nr_frags = (uint8_t)(i + 1);
			return;
		}
		have += p->frags[i].len;
	}
}

void forward_trim(struct vfr_packet *p, uint32_t len)
{
	trim(p, len);
}

static HOT void send_way(struct vfr *v, struct judge *j, const struct way *w)
{
	const struct iface *o = &v->t->ifaces[w->out];
	struct vfr_packet *p = j->p;
	bool too_long = ip_bytes(j) > o->mtu;

	if (unlikely(o->dev == NONE16))
		return judge_drop(v, j, VFR_DROP_PORT_DOWN);
	trim(p, j->l3 + j->ip_len);
	if (likely(decrements(v, j, w->out)))
		hop(j);
	if (unlikely(j->bridged)) {
		ether(p, j->l3, p->hdr, p->hdr + 6, o->vlan);
	} else if (o->kind == VFR_PORT_VIF) {
		ether(p, j->l3, o->peer_mac, o->mac, o->vlan);
	} else if (unlikely(w->neigh == NONE16)) {
		return judge_drop(v, j, VFR_DROP_NO_NEIGHBOUR);
	} else {
		struct neigh *n = &v->neighs[w->neigh];

		n->used_ns = v->now;
		ether(p, j->l3,
			      n->state == NEIGH_VALID ? n->mac : NULL,
			      o->mac, o->vlan);
		if (unlikely(n->state != NEIGH_VALID))
			return too_long ? judge_drop(v, j, VFR_DROP_NO_NEIGHBOUR)
					: neigh_hold(v, j, w->neigh);
	}
	if (unlikely(too_long))
		split_send(v, j, w->out);
	else
		judge_send(v, j, o->dev);
}

/* False: nobody answers at the next hop, and j was dropped. */
static inline bool hop_answers(struct vfr *v, struct judge *j,
			       const struct way *w)
{
	return w->neigh == NONE16 ||
	       likely(v->neighs[w->neigh].state == NEIGH_VALID) ||
	       neigh_awaited(v, j, w->neigh);
}

void forward_way(struct vfr *v, struct judge *j, const struct way *w)
{
	if (hop_answers(v, j, w))
		send_way(v, j, w);
}

/* The next hop of f is not known, or no longer what it was. */
static void flow_way_again(struct vfr *v, struct flow *f, int dir,
			   struct way *w)
{
	struct flow_side *s = &f->side[dir];
	uint32_t route;

	if (dir == 0) {
		struct way again;

		if (!route_way(v, &s->key.src, &f->side[1].key.src, &again,
			       &route) || again.out != s->out)
			return;
		*w = again;
	} else if (!route_back(v, s->out, &f->side[1].key.src,
			       &f->side[0].key.src, w)) {
		return;	/* nobody knows the way: dropped */
	}
	route_resolve(v, w);
	s->neigh = w->neigh;
	s->neigh_gen = w->neigh == NONE16 ? 0 : v->neighs[w->neigh].gen;
}

/* The next hop that a flow remembers, or a new one if that is gone. */
static HOT void flow_way(struct vfr *v, struct flow *f, int dir, struct way *w)
{
	const struct flow_side *s = &f->side[dir];

	w->out = s->out;
	w->neigh = s->neigh;
	if (unlikely(s->neigh == NONE16
		     ? v->t->ifaces[s->out].kind != VFR_PORT_VIF &&
		       !(f->flags & FLOW_BRIDGED)
		     : v->neighs[s->neigh].gen != s->neigh_gen))
		flow_way_again(v, f, dir, w);
}

static void count_nat(struct vfr *v, uint16_t nat, uint32_t len)
{
	if (nat != NONE16) {
		v->nats[nat].packets++;
		v->nats[nat].bytes += len;
	}
}

static void count(struct vfr *v, struct flow *f, int dir, uint32_t len)
{
	struct rule_rt *rt = rule_rt(v, f->rule);

	f->side[dir].packets++;
	f->side[dir].bytes += len;
	rt->packets++;
	rt->bytes += len;
}

void forward_flow(struct vfr *v, struct judge *j, struct flow *f, int dir)
{
	const struct flow_key *to = &f->side[!dir].key;
	struct way w;

	j->rule = f->rule;
	if (unlikely(j->bridged && j->to != f->side[dir].out))
		return judge_drop(v, j, VFR_DROP_STATE);
	if (unlikely(!fits(v, j, f->side[dir].out)))
		return;
	flow_way(v, f, dir, &w);
	if (unlikely(!hop_answers(v, j, &w)))
		return;
	count(v, f, dir, j->p->len);
	if (f->flags & FLOW_NAT) {
		count_nat(v, f->nat_dst, j->p->len);
		count_nat(v, f->nat_src, j->p->len);
		nat_rewrite(j, &to->dst, &to->src, to->dport, to->sport);
	}
	send_way(v, j, &w);
}

void forward_related(struct vfr *v, struct judge *j, struct flow *f, int dir)
{
	struct way w;

	j->rule = f->rule;
	if (!fits(v, j, f->side[dir].out))
		return;
	flow_way(v, f, dir, &w);
	forward_way(v, j, &w);
}
