/*
 * check_space.c: warnings about what rules match.
 *
 * An empty rule or set, an allow that no packet can ever reach, a rule that an
 * earlier one takes everything from, a rule without which nothing changes.
 * Nothing is said that is not certain: a rule counts as covered only if one
 * other rule covers every part of it.
 */
#include "rules_int.h"

/* --- what cannot be --- */

/* Whose addresses the VFR knows; made once for a file. */
struct known {
	struct ranges	ours;		/* bound to vifs, or the VFR's own */
	struct ranges	dead;		/* of routed nets, and nobody's */
};

static void known_iface(struct rules *r, const struct rules_iface *i,
			struct vec *v)
{
	const struct rules_ref *a;

	foreach_node(a, i->addresses)
		if (a->kind == RULES_REF_ADDR)
			ranges_add(r, v, &a->lo, &a->hi);
	foreach_node(a, i->routes)
		ranges_add(r, v, &a->lo, &a->hi);
}

bool iface_bound_ranges(struct rules *r, const struct rules_iface *i,
			struct ranges *out)
{
	struct vec v = { NULL };

	known_iface(r, i, &v);
	return ranges_build(r, &v, out);
}

static bool known_make(struct rules *r, struct known *k)
{
	struct vec ours = { NULL }, nets = { NULL };
	const struct rules_ref *a;
	struct rules_node *n;
	struct ranges all;
	uint32_t i;

	for (i = 0; i < r->nr_ports; i++)
		if (r->ports[i]->kind == RULES_DOMAIN)
			known_iface(r, (void *)r->ports[i], &ours);
		else
			foreach_node(a, ((struct rules_nic *)
					 r->ports[i])->addresses)
				ranges_add(r, &ours, &a->lo, &a->lo);
	foreach_stmt(r, RULES_NET, n) {
		const struct rules_net *net = (void *)n;

		if (net->nic || *net->bridge.text)
			continue;
		ranges_add(r, &ours, &net->gateway4, &net->gateway4);
		ranges_add(r, &ours, &net->gateway6, &net->gateway6);
		foreach_node(a, net->prefixes)
			ranges_add(r, &nets, &a->lo, &a->hi);
	}
	return ranges_build(r, &ours, &k->ours) &&
	       ranges_build(r, &nets, &all) &&
	       ranges_subtract(r, &all, &k->ours, &k->dead);
}

static const struct rules_iface *bound_iface(const struct rules *r,
					     uint16_t port)
{
	const struct rules_iface *i;

	if (port == RULES_PORT_ANY || r->ports[port]->kind != RULES_DOMAIN)
		return NULL;
	i = (void *)r->ports[port];
	return i->addresses && i->addresses->kind == RULES_REF_ADDR ? i : NULL;
}

/* Are these addresses of one family alone, and of different ones? */
static bool families_differ(const struct ranges *a, const struct ranges *b)
{
	return (ranges_within(a, &ranges_v4) && !ranges_meet(b, &ranges_v4)) ||
	       (ranges_within(b, &ranges_v4) && !ranges_meet(a, &ranges_v4));
}

/* Why no packet can take this lane; NULL if one can. */
static const char *lane_impossible(struct rules *r, const struct known *k,
				   const struct lane *l)
{
	const struct rules_iface *in = bound_iface(r, l->in);
	const struct rules_iface *out = bound_iface(r, l->out);
	struct ranges bound;

	if (families_differ(&l->src, &l->dst))
		return "one side is IPv4, the other IPv6";
	if (in && iface_bound_ranges(r, in, &bound) &&
	    !ranges_meet(&l->src, &bound))
		return "the domain may not send from these addresses";
	if (l->in != RULES_PORT_ANY && !in &&
	    r->ports[l->in]->kind == RULES_NIC &&
	    ranges_within(&l->src, &k->ours))
		return "from a nic nobody may claim an address of a domain";
	if (out && iface_bound_ranges(r, out, &bound) &&
	    !ranges_meet(&l->dst, &bound))
		return "these addresses are not behind that port";
	if (l->out != RULES_PORT_ANY && !out &&
	    r->ports[l->out]->kind == RULES_NIC &&
	    ranges_within(&l->dst, &k->ours))
		return "an address of a domain is not behind a nic";
	if (l->out == RULES_PORT_ANY && ranges_within(&l->dst, &k->dead))
		return "no domain has this address";
	return NULL;
}

static void check_possible(struct rules *r, const struct known *k,
			   const struct rules_rule *rule)
{
	const struct space *s = rule->space;
	const char *why = NULL;
	uint32_t i;

	if (rule->action != RULES_ALLOW)
		return;
	for (i = 0; i < s->nr_lanes; i++) {
		why = lane_impossible(r, k, &s->lanes[i]);
		if (!why)
			return;
	}
	warn_at(r, IMPOSSIBLE, &rule->node.pos, NULL,
		"this rule can never match: %s", why);
}

/* The lists of a rule that leave nothing. */
static void say_empty(struct rules *r, const struct rules_rule *rule)
{
	struct vec from = { NULL }, to = { NULL };
	const char *why = "its in, out or on exclude each other";
	const struct place *p;
	size_t i, n_from = 0, n_to = 0;

	if (!space_places(r, rule->from, true, &from) ||
	    !space_places(r, rule->to, false, &to))
		return;
	for (p = from.data, i = 0; i < from.n; i++)
		n_from += p[i].addrs.n;
	for (p = to.data, i = 0; i < to.n; i++)
		n_to += p[i].addrs.n;
	if (!n_from)
		why = "nothing is left of its `from`";
	else if (!n_to)
		why = "nothing is left of its `to`";
	warn_at(r, EMPTY, &rule->node.pos, NULL,
		"this rule can never match: %s", why);
}

static void check_empty_sets(struct rules *r)
{
	struct rules_node *n;
	struct ranges ranges;

	foreach_stmt(r, RULES_SET, n) {
		struct rules_set *s = (struct rules_set *)n;

		if (s->unresolved)
			continue;
		if (s->members && (s->has_ports ||
		    !space_addrs(r, s->members, &ranges) || ranges.n))
			continue;
		warn_at(r, EMPTY, &n->pos, NULL, "set `%s` holds nothing",
			n->name);
	}
}

static void check_space(struct rules *r, const struct known *k,
			struct rules_rule *rule)
{
	uint32_t errors = r->nr_errors;
	size_t mark = arena_mark(r);

	rule->space = space_of_rule(r, rule);
	if (r->fatal)
		return;
	if (rule->space)
		check_possible(r, k, rule);
	else if (errors == r->nr_errors)
		say_empty(r, rule);
	arena_release(r, mark);
}

void check_spaces(struct rules *r)
{
	size_t mark = arena_mark(r);
	struct rules_node *n;
	struct known k;

	if (r->nr_errors)
		return;		/* would only repeat what was said */
	check_empty_sets(r);
	if (!known_make(r, &k))
		return;
	foreach_stmt(r, RULES_RULE, n) {
		struct rules_rule *rule = (struct rules_rule *)n;

		if (!rule->unresolved)
			check_space(r, &k, rule);
		if (r->fatal)
			return;
	}
	arena_release(r, mark);
}

/* --- one rule and another --- */

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

static bool kind_covers(const struct kind *a, const struct kind *b)
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

/* --- names --- */

/* Of the first file alone: a shared file of names is not used up by each. */
void check_unused(struct rules *r)
{
	struct rules_node *n;

	if (r->nr_errors)
		return;		/* what would use it may be broken */
	for (n = r->stmts; n; n = n->next) {
		bool net = n->kind == RULES_NET;

		if (n->used || n->pos.file ||
		    (n->kind != RULES_SET && n->kind != RULES_SERVICE &&
		     n->kind != RULES_LET && !net))
			continue;
		warn_at(r, UNUSED, &n->pos, net ? "put a domain on it, or take "
			"it out" : "use it, or take it out",
			"`%s` is not used", n->name);
	}
}
