/*
 * check_space.c: warnings about what rules match.
 *
 * An empty rule or set, an allow that no packet can ever reach, a name that is
 * not used.  Nothing is said that is not certain.
 */
#include "check.h"

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
			ranges_add_ref(r, v, a);
	foreach_node(a, i->routes)
		ranges_add_ref(r, v, a);
}

/* On a bridged net it also has the link-local address of its MAC (RFC 4291). */
static void add_link_local(struct rules *r, const struct rules_iface *i,
			   struct vec *v)
{
	const uint8_t *m = i->mac;
	const struct vfr_addr a = { { 0xfe, 0x80, [8] = m[0] ^ 2, m[1], m[2],
				      0xff, 0xfe, m[3], m[4], m[5] } };

	ranges_add(r, v, &a, &a);
}

/* The last address of IPv4 prefixes is for all in them. */
static void add_last(struct rules *r, const struct rules_ref *list,
		     struct vec *v)
{
	const struct rules_ref *p;
	struct vfr_addr lo, hi;

	foreach_node(p, list) {
		prefix_bounds(&p->lo, p->prefix_len, &lo, &hi);
		if (vfr_addr_is_v4(&p->lo))
			ranges_add(r, v, &hi, &hi);
	}
}

/* What is for all on the LAN, or for some, goes to each port of it. */
static void add_groups(struct rules *r, const struct rules_net *net,
		       struct vec *v)
{
	static const struct vfr_addr all6 = { { 0xff } };
	const struct vfr_addr lo4 = vfr_addr_v4(224u << 24);
	const struct vfr_addr hi4 = vfr_addr_v4(UINT32_MAX);
	struct vfr_addr lo6, hi6;

	prefix_bounds(&all6, 8, &lo6, &hi6);
	ranges_add(r, v, &lo4, &hi4);
	ranges_add(r, v, &lo6, &hi6);
	add_last(r, net->prefixes, v);
	add_last(r, net->nic->addresses, v);
}

/* What comes from an interface, or goes to it. */
static bool iface_bound_ranges(struct rules *r, const struct rules_iface *i,
			       bool from, struct ranges *out)
{
	struct vec v = { NULL };

	known_iface(r, i, &v);
	if (i->net->nic)
		add_link_local(r, i, &v);
	if (i->net->nic && !from)
		add_groups(r, i->net, &v);
	return ranges_build(r, &v, out);
}

/* The VFR's own addresses, and those bound to vifs. */
static bool known_ours(struct rules *r, struct ranges *out)
{
	const struct rules_ref *a;
	struct vec v = { NULL };
	struct rules_node *n;
	uint32_t i;

	for (i = 0; i < r->nr_ports; i++)
		if (r->ports[i]->kind == RULES_DOMAIN)
			known_iface(r, (void *)r->ports[i], &v);
		else
			foreach_node(a, ((struct rules_nic *)
					 r->ports[i])->addresses)
				ranges_add(r, &v, &a->lo, &a->lo);
	foreach_stmt(r, RULES_NET, n) {
		const struct rules_net *net = (void *)n;

		if (net->nic)
			continue;
		ranges_add(r, &v, &net->gateway4, &net->gateway4);
		ranges_add(r, &v, &net->gateway6, &net->gateway6);
	}
	return ranges_build(r, &v, out);
}

static bool known_nets(struct rules *r, struct ranges *out)
{
	const struct rules_ref *a;
	struct vec v = { NULL };
	struct rules_node *n;

	foreach_stmt(r, RULES_NET, n) {
		const struct rules_net *net = (void *)n;

		if (!net->nic)
			foreach_node(a, net->prefixes)
				ranges_add_ref(r, &v, a);
	}
	return ranges_build(r, &v, out);
}

/* Routes that lead away from a part of these. */
static bool known_away(struct rules *r, const struct ranges *from,
		       struct ranges *out)
{
	struct vec v = { NULL };
	struct rules_node *n;

	foreach_stmt(r, RULES_ROUTE, n) {
		const struct rules_ref *dst = ((struct rules_route *)n)->dst;

		if (dst->kind == RULES_REF_ADDR &&
		    ranges_hold(from, &dst->lo, &dst->hi))
			ranges_add_ref(r, &v, dst);
	}
	return ranges_build(r, &v, out);
}

static bool known_make(struct rules *r, struct known *k)
{
	struct ranges nets, away;

	return known_ours(r, &k->ours) && known_nets(r, &nets) &&
	       ranges_subtract(r, &nets, &k->ours, &k->dead) &&
	       known_away(r, &nets, &away) &&
	       ranges_subtract(r, &k->dead, &away, &k->dead) &&
	       known_away(r, &k->ours, &away) &&
	       ranges_subtract(r, &k->ours, &away, &k->ours);
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
	if (in && iface_bound_ranges(r, in, true, &bound) &&
	    !ranges_meet(&l->src, &bound))
		return "the domain may not send from these addresses";
	if (l->in != RULES_PORT_ANY && !in &&
	    r->ports[l->in]->kind == RULES_NIC &&
	    ranges_within(&l->src, &k->ours))
		return "from a nic nobody may claim an address of a domain";
	if (out && iface_bound_ranges(r, out, false, &bound) &&
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
	struct vec from = { NULL }, to = { NULL }, kinds = { NULL };
	const char *why = "its in, out or on exclude each other";
	const struct place *p;
	size_t i, n_from = 0, n_to = 0;

	if (!space_places(r, rule->from, true, &from) ||
	    !space_places(r, rule->to, false, &to) ||
	    !space_kinds(r, rule->what, rule->from_ports, &kinds))
		return;
	for (p = from.data, i = 0; i < from.n; i++)
		n_from += p[i].addrs.n;
	for (p = to.data, i = 0; i < to.n; i++)
		n_to += p[i].addrs.n;
	if (!n_from)
		why = "nothing is left of its `from`";
	else if (!n_to)
		why = "nothing is left of its `to`";
	else if (!kinds.n)
		why = "nothing is left of its ports";
	warn_at(r, EMPTY, &rule->node.pos, NULL,
		"this rule can never match: %s", why);
}

static bool set_is_empty(struct rules *r, struct rules_set *s)
{
	const struct vec *ports;
	struct ranges ranges;

	if (!s->has_ports)
		return space_addrs(r, s->members, &ranges) && !ranges.n;
	ports = space_set_ports(r, s);
	return ports && !ports->n;
}

static void check_empty_sets(struct rules *r)
{
	struct rules_node *n;

	foreach_stmt(r, RULES_SET, n) {
		struct rules_set *s = (struct rules_set *)n;

		if (s->unresolved || !set_is_empty(r, s))
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
