/*
 * rejudge.c: a flow that an older ruleset allowed.
 *
 * It goes on if the ruleset in force would make the same flow of its first
 * packet: the source still bound to its port, the same translations, ways by
 * the same ports, and a stateful rule that allows it.  No rule is asked if the
 * load said to keep flows.
 */
#include "internal.h"

/* The opener's first packet, as far as rules and routes can ask. */
static void flow_judge(struct vfr *v, const struct flow *f, struct judge *j)
{
	const struct flow_key *a = &f->side[0].key, *b = &f->side[1].key;
	bool icmp = a->proto == IP_ICMP || a->proto == IP_ICMP6;

	memset(j, 0, sizeof(*j));
	j->fkey = *a;
	j->dev = a->dev;
	j->in = j->key.in = iface_find(v, a->dev, a->vlan);
	j->v6 = !vfr_addr_is_v4(&a->src);
	j->bridged = a->bridged;
	j->key.src = a->src;
	j->key.dst = a->dst;
	j->key.proto = a->proto;
	if (icmp) {
		j->key.sport = a->proto == IP_ICMP ? ICMP_ECHO : ICMP6_ECHO;
	} else {
		j->key.sport = a->sport;
		j->key.dport = a->dport;
	}
	if (a->proto == IP_TCP)
		j->key.tcp_flags = TCP_SYN;
	j->key.out = iface_find(v, b->dev, b->vlan);
}

/* The translations of f are what the ruleset in force would make. */
static bool nat_same(struct vfr *v, struct flow *f, struct judge *j)
{
	const struct flow_key *b = &f->side[1].key;
	struct vfr_addr src = j->key.src;
	uint32_t nat_dst, nat_src;

	nat_dst = nat_find_dst(v, j, &j->key.dst, &j->key.dport);
	if (!vfr_addr_eq(&j->key.dst, &b->src))
		return false;
	if ((b->proto == IP_TCP || b->proto == IP_UDP) &&
	    j->key.dport != b->sport)
		return false;
	nat_src = nat_find_src(v, j, j->key.out, &src);
	if (!vfr_addr_eq(&src, &b->dst))
		return false;
	f->nat_dst = (uint16_t)nat_dst;
	f->nat_src = (uint16_t)nat_src;
	return true;
}

/* A link that is down for the moment ends no flow. */
static bool ways_same(struct vfr *v, struct flow *f, const struct judge *j)
{
	struct way there, back;

	if (j->bridged) {
		there = (struct way){ .out = j->key.out, .neigh = NONE16 };
		back = (struct way){ .out = j->in, .neigh = NONE16 };
	} else if (!route_leads(v, &j->key.src, &j->key.dst, j->key.out,
				&there) ||
		   !route_back(v, j->in, &j->key.dst, &j->key.src, &back)) {
		return false;
	}
	side_way(&f->side[0], &there);
	side_way(&f->side[1], &back);
	f->side[0].in = j->in;
	f->side[1].in = j->key.out;
	return true;
}

static bool rules_allow(struct vfr *v, struct flow *f, const struct judge *j)
{
	uint32_t rule;

	if (v->keep_flows) {
		if (f->gen + 1 == v->gen && f->rule != NONE32)
			f->rule = v->remap[f->rule];
		else
			f->rule = NONE32;
		return true;
	}
	rule = vfr_cls_lookup(&v->t->rs.cls, &j->key);
	if (rule == VFR_CLS_NONE ||
	    v->t->rs.p.rules[rule].action != VFR_ALLOW ||
	    (v->t->rs.p.rules[rule].flags & VFR_RULE_STATELESS))
		return false;
	f->rule = rule;
	return true;
}

bool rejudge_flow(struct vfr *v, struct flow *f)
{
	struct judge j;

	if (!v->t->blob)
		return false;
	flow_judge(v, f, &j);
	if (j.in == NONE16 || j.key.out == NONE16 || !judge_binding(v, &j))
		return false;
	if (!j.bridged && !nat_same(v, f, &j))
		return false;
	if (!ways_same(v, f, &j) || !rules_allow(v, f, &j))
		return false;
	if (!v->keep_flows)
		v->st.reload_checked++;
	f->gen = v->gen;
	return true;
}
