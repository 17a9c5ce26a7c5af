/*
 * stats.c: counters and flows for those who list them.
 */
#include <errno.h>

#include "internal.h"

static void rule_copy(const struct rule_rt *rt, struct vfr_rule_stats *st)
{
	*st = (struct vfr_rule_stats){
		.packets = rt->packets, .bytes = rt->bytes, .flows = rt->flows,
		.limited = rt->limited, .log_suppressed = rt->log_suppressed,
	};
}

int vfr_rule_stats(const struct vfr *v, uint32_t rule,
		   struct vfr_rule_stats *st)
{
	if (rule == VFR_NONE32)
		rule = v->lim.rules;
	else if (!v->t->blob || rule >= v->t->rs.p.nr_rules)
		return -ENOENT;
	rule_copy(&v->rules[rule], st);
	return 0;
}

int vfr_nat_stats(const struct vfr *v, uint32_t nat, struct vfr_rule_stats *st)
{
	if (!v->t->blob || nat >= v->t->rs.p.nr_nats)
		return -ENOENT;
	rule_copy(&v->nats[nat], st);
	return 0;
}

void vfr_stats(const struct vfr *v, struct vfr_stats *st)
{
	*st = v->st;
	st->flows = v->nr_flows;
	st->flows_max = v->lim.flows;
	st->embryonic = v->nr_embryonic;
	st->fragments = v->nr_frags;
	st->reload_left = v->reload_left;
}

static void flow_copy(const struct vfr *v, const struct flow *f,
		      struct vfr_flow_info *fi)
{
	const struct flow_key *a = &f->side[0].key, *b = &f->side[1].key;
	uint32_t left = f->expires - v->ticks;

	*fi = (struct vfr_flow_info){
		.src = a->src, .dst = a->dst, .sport = a->sport,
		.dport = a->dport, .reply_src = b->src, .reply_dst = b->dst,
		.reply_sport = b->sport, .reply_dport = b->dport,
		.in = a->dev, .out = b->dev, .proto = a->proto,
		.state = f->state,
		.established = !(f->flags & FLOW_EMBRYONIC),
		.rule = f->rule,
		.packets = { f->side[0].packets, f->side[1].packets },
		.bytes = { f->side[0].bytes, f->side[1].bytes },
		.expires_ns = v->now + ((uint64_t)left << 20),
	};
}

int vfr_flow_next(const struct vfr *v, uint32_t *pos, struct vfr_flow_info *fi)
{
	while (*pos < v->lim.flows) {
		const struct flow *f = &v->flows[(*pos)++];

		if ((f->flags & FLOW_LIVE) && !flow_expired(v, f)) {
			flow_copy(v, f, fi);
			return 0;
		}
	}
	return -ENOENT;
}
