/*
 * open.c: a packet that belongs to no flow.
 *
 * Destination translation, route, rules, source translation, in this order;
 * the rules see real addresses.  If the rule is stateful a flow is made that
 * remembers all of it, and only what follows from the flow is asked again.
 */
#include "internal.h"

static bool is_echo(const struct judge *j)
{
	return j->key.proto == IP_ICMP ? j->key.sport == ICMP_ECHO
				       : j->key.proto == IP_ICMP6 &&
					 j->key.sport == ICMP6_ECHO;
}

/*
 * ICMP that is no error and no echo request (timestamps, answers that nobody
 * asked for): a flow of it would let more through between its two addresses,
 * in both directions, than the rule has said.
 */
static bool is_other_icmp(const struct judge *j)
{
	return (j->key.proto == IP_ICMP || j->key.proto == IP_ICMP6) &&
	       !j->icmp_error && !is_echo(j);
}

static bool has_ports(const struct judge *j)
{
	return j->key.proto == IP_TCP || j->key.proto == IP_UDP ||
	       is_echo(j);
}

void open_count(struct vfr *v, const struct judge *j, uint32_t rule)
{
	struct rule_rt *rt = &v->rules[rule == NONE32 ? v->lim.rules : rule];

	rt->packets++;
	rt->bytes += j->p->len;
}

enum vfr_reason open_ask(struct vfr *v, struct judge *j)
{
	const struct vfr_rs_rule *r;
	uint32_t rule;

	rule = vfr_cls_lookup(&v->t->rs.cls, &j->key);
	j->rule = rule;
	if (rule == VFR_CLS_NONE) {
		TRACE(v, j, NO_RULE, 0, 0);
		open_count(v, j, NONE32);
		return VFR_DROP_DEFAULT_DENY;
	}
	TRACE(v, j, RULE, rule, 0);
	r = &v->t->rs.p.rules[rule];
	if (r->limit && !limit_rule(v, rule, &j->key.src)) {
		TRACE(v, j, LIMIT, rule, 0);
		v->rules[rule].limited++;
		if (r->action == VFR_ALLOW)
			return VFR_DROP_LIMIT;
	} else if (r->flags & VFR_RULE_LOG) {
		log_rule(v, j, rule);
	}
	if (r->action == VFR_ALLOW)
		return VFR_DROP_NONE;
	open_count(v, j, rule);
	return VFR_DROP_RULE;
}

bool open_allowed(struct vfr *v, struct judge *j)
{
	enum vfr_reason reason = open_ask(v, j);

	if (reason == VFR_DROP_NONE)
		return true;
	if (reason == VFR_DROP_RULE &&
	    v->t->rs.p.rules[j->rule].action == VFR_REJECT) {
		if (j->key.proto == IP_TCP)
			tcp_reject(v, j);
		else
			icmp_error(v, j, ICMP_PROHIBITED, 0);
	}
	judge_drop(v, j, reason);
	return false;
}

/* Whose share a flow takes from: the domain's that it concerns. */
static uint32_t owner_of(const struct vfr *v, uint16_t in, uint16_t out)
{
	const struct iface *i = &v->t->ifaces[in], *o = &v->t->ifaces[out];

	if (i->kind == VFR_PORT_NIC && o->kind == VFR_PORT_VIF &&
	    o->dev != NONE16)
		return o->dev;
	return i->dev;
}

/* The keys of both directions.  real: destination after translation. */
static void flow_keys(struct vfr *v, struct flow *f, const struct judge *j,
		      uint16_t out, const struct vfr_addr *nat_src)
{
	struct flow_key *k = &f->side[1].key;
	const struct iface *o = &v->t->ifaces[out];

	f->side[0].key = j->fkey;
	f->side[0].in = j->in;
	f->side[1].in = out;
	memset(k, 0, sizeof(*k));
	k->src = j->key.dst;
	k->dst = *nat_src;
	k->sport = is_echo(j) || !has_ports(j) ? j->fkey.dport : j->key.dport;
	k->dport = j->fkey.sport;
	k->dev = o->dev;
	k->vlan = o->vlan;
	k->proto = j->key.proto;
	k->bridged = j->fkey.bridged;
	k->echo = j->fkey.echo ? ECHO_REPLY : 0;
}

static bool flow_is_mirror(const struct flow *f)
{
	const struct flow_key *a = &f->side[0].key, *b = &f->side[1].key;

	return vfr_addr_eq(&a->src, &b->dst) && vfr_addr_eq(&a->dst, &b->src) &&
	       a->sport == b->dport && a->dport == b->sport;
}

struct opening {
	struct way	way;
	uint32_t	nat_dst, nat_src;	/* index or NONE32 */
	struct vfr_addr	src;		/* after source NAT */
	bool		snat;		/* it is another one */
};

static struct flow *flow_make(struct vfr *v, struct judge *j,
			      const struct opening *o)
{
	struct flow *f = flow_alloc(v, owner_of(v, j->in, o->way.out));
	struct way back;

	if (!f) {
		judge_drop(v, j, VFR_DROP_FLOW_LIMIT);
		return NULL;
	}
	f->rule = j->rule;
	f->gen = v->gen;
	f->nat_dst = (uint16_t)o->nat_dst;
	f->nat_src = (uint16_t)o->nat_src;
	f->expires = v->ticks + TICKS(30);
	flow_keys(v, f, j, o->way.out, &o->src);
	side_way(&f->side[0], &o->way);
	if (j->bridged) {
		f->flags |= FLOW_BRIDGED;
		back = (struct way){ .out = j->in, .neigh = NONE16 };
	} else if (!route_back(v, j->in, &j->key.dst, &j->key.src,
			       &back)) {
		back = (struct way){ .out = j->in, .neigh = NONE16 };
	}
	side_way(&f->side[1], &back);

	if (j->key.proto == IP_TCP && !tcp_open(v, f, j)) {
		flow_free(v, f);
		judge_drop(v, j, VFR_DROP_STATE);
		return NULL;
	}
	if (!nat_insert(v, f, o->snat && has_ports(j))) {
		flow_free(v, f);
		judge_drop(v, j, o->snat ? VFR_DROP_NAT : VFR_DROP_FLOW_LIMIT);
		return NULL;
	}
	if (!flow_is_mirror(f))
		f->flags |= FLOW_NAT;
	v->st.flows_created++;
	v->rules[f->rule].flows++;
	if (o->nat_dst != NONE32)
		v->nats[o->nat_dst].flows++;
	if (o->nat_src != NONE32)
		v->nats[o->nat_src].flows++;
	return f;
}

/*
 * Is the sender told that no way leads there?  Only whom the rules would let
 * through: else anybody could learn which addresses are in use.  There is no
 * port that they could name.
 */
static bool may_know(struct vfr *v, struct judge *j)
{
	uint32_t rule;

	j->key.out = VFR_CLS_ANY_PORT;
	rule = vfr_cls_lookup(&v->t->rs.cls, &j->key);
	return rule != VFR_CLS_NONE &&
	       v->t->rs.p.rules[rule].action == VFR_ALLOW;
}

static bool is_link_local4(const struct vfr_addr *a)
{
	return vfr_addr_is_v4(a) && a->b[12] == 169 && a->b[13] == 254;
}

/* RFC 3927, 7.  IPv6's have no route, and are bound to talk to us alone. */
static bool must_stay(const struct vfr *v, const struct judge *j, uint16_t out)
{
	return (is_link_local4(&j->key.src) || is_link_local4(&j->key.dst)) &&
	       forward_leaves_link(v, j, out);
}

/* Destination translation and route; rules are asked by what comes out. */
static bool find_way(struct vfr *v, struct judge *j, struct opening *o)
{
	uint32_t route;

	if (j->bridged) {
		o->way = (struct way){ .out = j->to, .neigh = NONE16 };
		o->nat_dst = NONE32;
		TRACE(v, j, BRIDGE, j->to, 0);
		return true;
	}
	/* For us alone (judge_binding()), so not to be sent elsewhere. */
	o->nat_dst = route_link_local(&j->key.src) ?
		NONE32 : nat_find_dst(v, j, &j->key.dst, &j->key.dport);
	if (o->nat_dst != NONE32)
		TRACE(v, j, NAT_DST, o->nat_dst, 0);
	else if (iface_owns(v, j->in, &j->key.dst)) {
		icmp_local(v, j);
		return false;
	}
	if (!route_way(v, &j->key.src, &j->key.dst, &o->way, &route)) {
		const struct fib_entry *e =
			route_find(v, &j->key.src, &j->key.dst);

		if (e && e->kind == FIB_SELF) {
			icmp_local(v, j);
			return false;
		}
		if (may_know(v, j))
			icmp_error(v, j, e ? ICMP_NO_HOST : ICMP_NO_ROUTE, 0);
		judge_drop(v, j, VFR_DROP_NO_ROUTE);
		return false;
	}
	TRACE(v, j, ROUTE, o->way.out, route);
	if (unlikely(must_stay(v, j, o->way.out))) {
		judge_drop(v, j, VFR_DROP_MARTIAN);
		return false;
	}
	return true;
}

static void stateless(struct vfr *v, struct judge *j, struct opening *o)
{
	open_count(v, j, j->rule);
	if (o->nat_dst != NONE32 || o->snat) {
		judge_drop(v, j, VFR_DROP_NAT);	/* that needs a flow */
		return;
	}
	route_resolve(v, &o->way);
	forward_way(v, j, &o->way);
}

struct flow *open_packet(struct vfr *v, struct judge *j)
{
	struct opening o = { .nat_src = NONE32 };
	struct flow *f;

	if (!find_way(v, j, &o))
		return NULL;
	j->key.out = o.way.out;
	j->out = v->t->ifaces[o.way.out].dev;
	if (!open_allowed(v, j))
		return NULL;
	if (v->t->ifaces[o.way.out].dev == NONE16) {	/* a flow has two ends */
		judge_drop(v, j, VFR_DROP_PORT_DOWN);
		return NULL;
	}
	if (!forward_fits(v, j, o.way.out))
		return NULL;
	o.src = j->key.src;
	if (!j->bridged)
		o.nat_src = nat_find_src(v, j, o.way.out, &o.src);
	o.snat = !vfr_addr_eq(&o.src, &j->key.src);
	if ((v->t->rs.p.rules[j->rule].flags & VFR_RULE_STATELESS) ||
	    is_other_icmp(j)) {
		stateless(v, j, &o);
		return NULL;
	}
	if (j->icmp_error || (j->frag & VFR_FRAG_LATER)) {
		judge_drop(v, j, VFR_DROP_STATE);	/* opens nothing */
		return NULL;
	}
	if (vfr_addr_is_zero(&o.src)) {		/* no address to translate to */
		judge_drop(v, j, VFR_DROP_NAT);
		return NULL;
	}
	if (o.nat_src != NONE32)
		TRACE(v, j, NAT_SRC, o.nat_src, 0);
	f = flow_make(v, j, &o);
	if (!f)
		return NULL;
	TRACE(v, j, FLOW_NEW, f->rule, 0);
	forward_flow(v, j, f, 0);
	return f;
}
