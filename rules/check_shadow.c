/*
 * check_shadow.c: one rule and another: which earlier one takes everything from
 * a rule, and which rule is one without which nothing changes.
 *
 * A rule counts as covered only if one other rule covers every part of it.
 */
#include "check.h"

/* The least box around a space: most pairs differ in it already. */
struct hull {
	const struct rules_rule	*rule;
	u128			 src_lo, src_hi, dst_lo, dst_hi;
	uint16_t		 dport_lo, dport_hi;
	int16_t			 proto;		/* -1: any, or several */
};

static void hull_lanes(struct hull *h, const struct space *s)
{
	uint32_t i;

	h->src_lo = h->dst_lo = ~(u128)0;
	for (i = 0; i < s->nr_lanes; i++) {
		const struct ranges *src = &s->lanes[i].src;
		const struct ranges *dst = &s->lanes[i].dst;
		u128 n;

		n = addr_number(&src->r[0].lo);
		h->src_lo = n < h->src_lo ? n : h->src_lo;
		n = addr_number(&src->r[src->n - 1].hi);
		h->src_hi = n > h->src_hi ? n : h->src_hi;
		n = addr_number(&dst->r[0].lo);
		h->dst_lo = n < h->dst_lo ? n : h->dst_lo;
		n = addr_number(&dst->r[dst->n - 1].hi);
		h->dst_hi = n > h->dst_hi ? n : h->dst_hi;
	}
}

static void hull_make(struct hull *h, const struct rules_rule *rule)
{
	const struct space *s = rule->space;
	uint32_t i;

	memset(h, 0, sizeof(*h));
	h->rule = rule;
	hull_lanes(h, s);
	h->proto = s->kinds[0].any_proto ? -1 : s->kinds[0].proto;
	h->dport_lo = UINT16_MAX;
	for (i = 0; i < s->nr_kinds; i++) {
		const struct kind *k = &s->kinds[i];

		if (k->any_proto || k->proto != h->proto)
			h->proto = -1;
		h->dport_lo = k->dport_lo < h->dport_lo ? k->dport_lo
							: h->dport_lo;
		h->dport_hi = k->dport_hi > h->dport_hi ? k->dport_hi
							: h->dport_hi;
	}
}

static bool hull_covers(const struct hull *a, const struct hull *b)
{
	return a->dst_lo <= b->dst_lo && a->dst_hi >= b->dst_hi &&
	       a->src_lo <= b->src_lo && a->src_hi >= b->src_hi &&
	       (a->proto < 0 || a->proto == b->proto) &&
	       a->dport_lo <= b->dport_lo && a->dport_hi >= b->dport_hi;
}

static bool hull_meets(const struct hull *a, const struct hull *b)
{
	return a->dst_lo <= b->dst_hi && b->dst_lo <= a->dst_hi &&
	       a->src_lo <= b->src_hi && b->src_lo <= a->src_hi &&
	       (a->proto < 0 || b->proto < 0 || a->proto == b->proto) &&
	       a->dport_lo <= b->dport_hi && b->dport_lo <= a->dport_hi;
}

static bool port_covers(uint16_t a, uint16_t b)
{
	return a == RULES_PORT_ANY || a == b;
}

static bool port_meets(uint16_t a, uint16_t b)
{
	return a == RULES_PORT_ANY || b == RULES_PORT_ANY || a == b;
}

static bool lane_covers(const struct lane *a, const struct lane *b)
{
	return port_covers(a->in, b->in) && port_covers(a->out, b->out) &&
	       ranges_within(&b->src, &a->src) &&
	       ranges_within(&b->dst, &a->dst);
}

bool kind_covers(const struct kind *a, const struct kind *b)
{
	return (a->any_proto || (!b->any_proto && a->proto == b->proto)) &&
	       a->sport_lo <= b->sport_lo && a->sport_hi >= b->sport_hi &&
	       a->dport_lo <= b->dport_lo && a->dport_hi >= b->dport_hi;
}

static bool kind_meets(const struct kind *a, const struct kind *b)
{
	return (a->any_proto || b->any_proto || a->proto == b->proto) &&
	       a->sport_lo <= b->sport_hi && b->sport_lo <= a->sport_hi &&
	       a->dport_lo <= b->dport_hi && b->dport_lo <= a->dport_hi;
}

/* (x & am) == a follows from (x & bm) == b */
static bool bits_cover(uint8_t a, uint8_t am, uint8_t b, uint8_t bm)
{
	return (am & ~bm) == 0 && (b & am) == a;
}

static bool bits_meet(uint8_t a, uint8_t am, uint8_t b, uint8_t bm)
{
	return ((a ^ b) & am & bm) == 0;
}

static bool space_covers(const struct space *a, const struct space *b)
{
	uint32_t i, j;

	if (!bits_cover(a->tcp_flags, a->tcp_mask, b->tcp_flags, b->tcp_mask) ||
	    !bits_cover(a->frag, a->frag_mask, b->frag, b->frag_mask))
		return false;
	for (i = 0; i < b->nr_kinds; i++) {
		for (j = 0; j < a->nr_kinds; j++)
			if (kind_covers(&a->kinds[j], &b->kinds[i]))
				break;
		if (j == a->nr_kinds)
			return false;
	}
	for (i = 0; i < b->nr_lanes; i++) {
		for (j = 0; j < a->nr_lanes; j++)
			if (lane_covers(&a->lanes[j], &b->lanes[i]))
				break;
		if (j == a->nr_lanes)
			return false;
	}
	return true;
}

static bool kinds_meet(const struct space *a, const struct space *b)
{
	uint32_t i, j;

	for (i = 0; i < a->nr_kinds; i++)
		for (j = 0; j < b->nr_kinds; j++)
			if (kind_meets(&a->kinds[i], &b->kinds[j]))
				return true;
	return false;
}

static bool lanes_meet(const struct space *a, const struct space *b)
{
	uint32_t i, j;

	for (i = 0; i < a->nr_lanes; i++)
		for (j = 0; j < b->nr_lanes; j++) {
			const struct lane *x = &a->lanes[i], *y = &b->lanes[j];

			if (port_meets(x->in, y->in) &&
			    port_meets(x->out, y->out) &&
			    ranges_meet(&x->src, &y->src) &&
			    ranges_meet(&x->dst, &y->dst))
				return true;
		}
	return false;
}

static bool space_meets(const struct space *a, const struct space *b)
{
	return bits_meet(a->tcp_flags, a->tcp_mask, b->tcp_flags,
			 b->tcp_mask) &&
	       bits_meet(a->frag, a->frag_mask, b->frag, b->frag_mask) &&
	       kinds_meet(a, b) && lanes_meet(a, b);
}

/* Work left, in pairs of rules; large spaces count for more. */
struct budget {
	uint64_t	left;
};

static bool budget_take(struct budget *b, const struct space *x,
			const struct space *y)
{
	uint64_t cost = 1 + ((uint64_t)x->nr_lanes * y->nr_lanes +
			     (uint64_t)x->nr_kinds * y->nr_kinds) / 4;

	if (cost > b->left) {
		b->left = 0;
		return false;
	}
	b->left -= cost;
	return true;
}

static bool same_effect(const struct rules_rule *a, const struct rules_rule *b)
{
	return a->action == b->action && a->stateless == b->stateless &&
	       a->log == b->log && !a->limit && !b->limit;
}

static void say_covered(struct rules *r, const struct rules_rule *by,
			const struct rules_rule *rule, bool later)
{
	bool same = same_effect(by, rule);
	enum rules_code code = later || same ? RULES_CODE_REDUNDANT
					     : RULES_CODE_SHADOWED;
	const char *text = later ?
		"this rule is redundant: a later one does the same" : same ?
		"this rule is redundant: an earlier one does the same" :
		"this rule never matches: an earlier one takes all of it";

	diag_report(r, &(struct diag_args){ RULES_WARNING, code,
		    &rule->node.pos, &by->node.pos,
		    later || same ? "take one of them out" :
		    "put it before the other, or take it out" }, "%s", text);
}

/* The first of the rules before i that takes all of it. */
static bool check_shadowed(struct rules *r, const struct hull *h, size_t i,
			   struct budget *b)
{
	size_t k;

	for (k = 0; k < i; k++) {
		if (!hull_covers(&h[k], &h[i]))
			continue;
		if (!budget_take(b, h[k].rule->space, h[i].rule->space))
			return false;
		if (space_covers(h[k].rule->space, h[i].rule->space)) {
			say_covered(r, h[k].rule, h[i].rule, false);
			return true;
		}
	}
	return false;
}

/* A later rule does the same, and none between them does something else. */
static void check_redundant(struct rules *r, const struct hull *h, size_t i,
			    size_t n, struct budget *b)
{
	const struct rules_rule *rule = h[i].rule;
	size_t k;

	if (rule->log || rule->limit || *rule->comment)
		return;
	for (k = i + 1; k < n && b->left; k++) {
		const struct rules_rule *o = h[k].rule;

		if (!hull_meets(&h[k], &h[i]))
			continue;
		if (!budget_take(b, o->space, rule->space))
			return;
		if (same_effect(rule, o)) {
			if (hull_covers(&h[k], &h[i]) &&
			    space_covers(o->space, rule->space)) {
				say_covered(r, o, rule, true);
				return;
			}
		} else if (space_meets(o->space, rule->space)) {
			return;
		}
	}
}

static void compare_all(struct rules *r, const struct hull *h, size_t n)
{
	struct budget b = { r->limits.shadow_work };
	size_t i;

	for (i = 0; i < n; i++) {
		if (r->nr_warnings >= r->limits.warnings)
			return;
		/* The quick looks at hulls are work, too. */
		if (b.left <= n) {
			warn_at(r, LIMIT, &h[i].rule->node.pos, NULL,
				"too many rules: this one and those below it "
				"were not compared with each other");
			return;
		}
		b.left -= n;
		if (!check_shadowed(r, h, i, &b))
			check_redundant(r, h, i, n, &b);
	}
}

void check_shadows(struct rules *r)
{
	size_t mark = arena_mark(r), nr = 0;
	struct rules_node *n;
	struct hull *hulls, *h;

	if (r->nr_errors)
		return;
	foreach_stmt(r, RULES_RULE, n)
		nr += ((struct rules_rule *)n)->space != NULL;
	h = hulls = rules_alloc(r, nr * sizeof(*h));
	if (!hulls)
		return;
	foreach_stmt(r, RULES_RULE, n)
		if (((struct rules_rule *)n)->space)
			hull_make(h++, (struct rules_rule *)n);
	compare_all(r, hulls, nr);
	arena_release(r, mark);
}
