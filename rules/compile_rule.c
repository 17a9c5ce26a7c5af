/*
 * compile_rule.c: rules, and the atoms and sets that stand for what they match.
 *
 * Atoms of one rule stand next to each other and are about as many as its text
 * has members: of two long lists of addresses one is kept as a set.
 */
#include "compile.h"

#include <errno.h>

#include <vfr/ruleset.h>

#define PRODUCT_MAX	64	/* atoms for which both lists are written out */
#define LIST_MAX	65536	/* atoms for which the longer one is */

/* --- sets --- */

static bool set_is(const struct compiler *c, const struct vfr_cls_set *s,
		   const struct ranges *a)
{
	const struct vfr_cls_range *r = c->ranges.data;

	return s->count == a->n && memcmp(r + s->first, a->r,
					  a->n * sizeof(*r)) == 0;
}

/* The index of a set of these ranges, VFR_CLS_NO_SET if there is no room. */
static uint16_t add_set(struct compiler *c, const struct ranges *a)
{
	struct vfr_cls_set *s = c->sets.data;
	size_t i;

	for (i = c->sets.n; i > 0; i--)
		if (set_is(c, &s[i - 1], a))
			return i - 1;
	if (c->sets.n >= VFR_CLS_MAX_SETS ||
	    c->ranges.n + a->n > VFR_CLS_MAX_RANGES)
		return VFR_CLS_NO_SET;
	s = vec_add(c->r, &c->sets, sizeof(*s));
	if (!s)
		return VFR_CLS_NO_SET;
	*s = (struct vfr_cls_set){ c->ranges.n, a->n };
	for (i = 0; i < a->n; i++) {
		struct vfr_cls_range *r = vec_add(c->r, &c->ranges, sizeof(*r));

		if (!r)
			return VFR_CLS_NO_SET;
		*r = a->r[i];
	}
	return c->sets.n - 1;
}

/* --- atoms --- */

/* One end of a lane as atoms have it: prefixes, perhaps with a set. */
struct end {
	struct vec	prefixes;
	uint16_t	set;
};

static void end_list(struct compiler *c, const struct ranges *a, struct end *e)
{
	e->set = VFR_CLS_NO_SET;
	list_prefixes(c->r, a, &e->prefixes);
}

static void end_set(struct compiler *c, const struct ranges *a, struct end *e)
{
	struct vfr_prefix *p;

	arena_turn(c->r, false);
	e->set = add_set(c, a);
	arena_turn(c->r, true);
	if (e->set == VFR_CLS_NO_SET) {
		end_list(c, a, e);
		return;
	}
	p = vec_add(c->r, &e->prefixes, sizeof(*p));
	if (p)
		*p = hull_prefix(a);
}

/* The lists are for a moment, at the end of the arena; sets at its start. */
static void choose_ends(struct compiler *c, const struct lane *l,
			uint32_t nr_kinds, struct end *src, struct end *dst)
{
	uint64_t ns = count_prefixes(&l->src, LIST_MAX);
	uint64_t nd = count_prefixes(&l->dst, LIST_MAX);
	bool src_set = false, dst_set = false;

	if (ns * nd * nr_kinds > PRODUCT_MAX) {
		src_set = ns > 1 && ns <= nd;
		dst_set = nd > 1 && nd < ns;
	}
	if ((src_set ? 1 : ns) * (dst_set ? 1 : nd) * nr_kinds > LIST_MAX) {
		src_set = ns > 1;
		dst_set = nd > 1;
	}
	if (src_set)
		end_set(c, &l->src, src);
	else
		end_list(c, &l->src, src);
	if (dst_set)
		end_set(c, &l->dst, dst);
	else
		end_list(c, &l->dst, dst);
}

/* IPv4 and IPv6 never meet in one packet, nor ICMP with the other's. */
static bool families_meet(const struct kind *k, const struct vfr_prefix *src,
			  const struct vfr_prefix *dst)
{
	unsigned int both = prefix_families(src) & prefix_families(dst);

	if (!k->any_proto && k->proto == PROTO_ICMP)
		return both & FAMILY_4;
	if (!k->any_proto && k->proto == PROTO_ICMP6)
		return both & FAMILY_6;
	return both;
}

static int add_atom(struct compiler *c, uint32_t rule, const struct space *s,
		    const struct lane *l, const struct kind *k,
		    const struct vfr_prefix *src, const struct vfr_prefix *dst,
		    uint16_t src_set, uint16_t dst_set)
{
	struct vfr_cls_rule *a;

	if (!families_meet(k, src, dst))
		return 0;
	if (c->atoms.n >= VFR_CLS_MAX_ATOMS)
		return -E2BIG;
	a = vec_add(c->r, &c->atoms, sizeof(*a));
	if (!a)
		return -ENOMEM;
	*a = (struct vfr_cls_rule){
		.src = src->addr, .src_len = src->len, .src_set = src_set,
		.dst = dst->addr, .dst_len = dst->len, .dst_set = dst_set,
		.proto = k->proto, .any_proto = k->any_proto,
		.sport_lo = k->sport_lo, .sport_hi = k->sport_hi,
		.dport_lo = k->dport_lo, .dport_hi = k->dport_hi,
		.in = l->in, .out = l->out,
		.tcp_flags = s->tcp_flags, .tcp_mask = s->tcp_mask,
		.frag = s->frag, .frag_mask = s->frag_mask, .rule = rule,
	};
	return 0;
}

static int product_atoms(struct compiler *c, uint32_t rule,
			 const struct space *s, const struct lane *l,
			 const struct end *src, const struct end *dst)
{
	const struct vfr_prefix *ps = src->prefixes.data;
	const struct vfr_prefix *pd = dst->prefixes.data;
	size_t i, j;
	uint32_t k;
	int rc;

	for (i = 0; i < src->prefixes.n; i++)
		for (j = 0; j < dst->prefixes.n; j++)
			for (k = 0; k < s->nr_kinds; k++) {
				rc = add_atom(c, rule, s, l, &s->kinds[k],
					      &ps[i], &pd[j], src->set,
					      dst->set);
				if (rc)
					return rc;
			}
	return c->r->fatal;
}

static int lane_atoms(struct compiler *c, uint32_t rule, const struct space *s,
		      const struct lane *l)
{
	struct end src = { { NULL } }, dst = { { NULL } };
	size_t mark;
	int rc;

	arena_turn(c->r, true);
	mark = arena_mark(c->r);
	choose_ends(c, l, s->nr_kinds, &src, &dst);
	arena_turn(c->r, false);
	rc = product_atoms(c, rule, s, l, &src, &dst);
	arena_turn(c->r, true);
	arena_release(c->r, mark);
	arena_turn(c->r, false);
	return rc;
}

int compile_rule(struct compiler *c, const struct rules_rule *rule)
{
	struct vfr_rs_rule *out = vec_add(c->r, &c->rules, sizeof(*out));
	uint32_t index = c->rules.n - 1, i;
	const struct space *s = rule->space;
	struct rules_pos pos = rule->node.pos; /* atoms may come to lie there */
	int rc = 0;

	if (!out)
		return -ENOMEM;
	*out = (struct vfr_rs_rule){
		.id = rule->id,
		.action = rule->action == RULES_ALLOW ? VFR_ALLOW :
			  rule->action == RULES_DENY ? VFR_DENY : VFR_REJECT,
		.flags = (rule->stateless ? VFR_RULE_STATELESS : 0) |
			 (rule->log ? VFR_RULE_LOG : 0) |
			 (rule->per_source ? VFR_RULE_LIMIT_SOURCE : 0),
		.limit = rule->limit,
		.limit_period_ms = rule->limit ? rule->limit_period_ms : 0,
		.limit_burst = rule->limit_burst,
		.label = add_string(c, rule->label),
		.comment = add_string(c, rule->comment),
		.file = file_string(c, rule->node.pos.file),
		.line = rule->node.pos.line,
		.text = add_string(c, rule->canonical),
	};
	for (i = 0; s && i < s->nr_lanes && !rc; i++)
		rc = lane_atoms(c, index, s, &s->lanes[i]);
	if (rc == -E2BIG)
		too_large(c, &pos, "atoms");
	return rc;
}
