/*
 * space.c: what a rule matches, as sets of numbers.
 *
 * A rule matches the product of its lanes (in by a port, from addresses, out
 * by a port, to addresses; space_place.c) and its kinds (protocol and ports;
 * space_kind.c).  The checker compares these products, the compiler makes atoms
 * of them: what is warned about is what will be loaded.
 */
#include "rules_int.h"

#define LANES_MAX	4096	/* of one rule */

/* A copy at the end of the arena, of what was made at its start; or NULL. */
static void *keep(struct rules *r, const void *data, size_t bytes)
{
	bool before = arena_turn(r, true);
	void *copy = rules_alloc(r, bytes);

	arena_turn(r, before);
	return copy ? memcpy(copy, data, bytes) : NULL;
}

/* --- ports of the VFR: on, in, out --- */

static bool list_has_port(const struct rules *r, const struct rules_ref *list,
			  uint16_t port)
{
	const struct rules_node *p = r->ports[port];
	const struct rules_iface *i = (void *)p;
	const struct rules_ref *ref;

	foreach_node(ref, list) {
		const struct rules_node *t = ref->target;
		const struct rules_net *net = (void *)t;

		if (!t)
			continue;
		if (p->kind == RULES_NIC ? t == p || (t->kind == RULES_NET &&
			net->nic && &net->nic->node == p) :
		    ref->iface ? ref->iface == i :
		    t == &i->domain->node || t == &i->net->node)
			return true;
	}
	return false;
}

/* --- lanes --- */

static bool add_lane(struct rules *r, const struct rules_rule *rule,
		     struct vec *v, const struct lane *l)
{
	struct lane *slot;

	if (!l->src.n || !l->dst.n)
		return true;
	if (v->n >= LANES_MAX) {
		error_at(r, LIMIT, &rule->node.pos, "name nets or sets instead "
			 "of many nics and domains", "this rule speaks of more "
			 "than %d pairs of ports", LANES_MAX);
		return false;
	}
	slot = vec_add(r, v, sizeof(*slot));
	if (slot)
		*slot = *l;
	return slot;
}

/*
 * The lane with its `in` (or `out`) narrowed to the ports of a list, by calling
 * next for each that is left.
 */
struct narrow {
	const struct rules_rule	*rule;
	const struct rules_ref	*in, *out;
	struct vec		*lanes;
};

static bool narrow_out(struct rules *r, const struct narrow *n, struct lane l)
{
	uint32_t i;

	if (!n->out)
		return add_lane(r, n->rule, n->lanes, &l);
	if (l.out != RULES_PORT_ANY)
		return !list_has_port(r, n->out, l.out) ||
		       add_lane(r, n->rule, n->lanes, &l);
	for (i = 0; i < r->nr_ports; i++) {
		l.out = i;
		if (list_has_port(r, n->out, i) &&
		    !add_lane(r, n->rule, n->lanes, &l))
			return false;
	}
	return true;
}

static bool narrow_in(struct rules *r, const struct narrow *n, struct lane l)
{
	uint32_t i;

	if (!n->in)
		return narrow_out(r, n, l);
	if (l.in != RULES_PORT_ANY)
		return !list_has_port(r, n->in, l.in) || narrow_out(r, n, l);
	for (i = 0; i < r->nr_ports; i++) {
		l.in = i;
		if (list_has_port(r, n->in, i) && !narrow_out(r, n, l))
			return false;
	}
	return true;
}

/* `on X` is: in by X, or out by X. */
static bool narrow_on(struct rules *r, const struct rules_rule *rule,
		      const struct lane *l, struct vec *lanes)
{
	struct narrow n = { rule, rule->in, rule->out, lanes };
	size_t before = lanes->n;

	if (!rule->on)
		return narrow_in(r, &n, *l);
	n.in = rule->on;
	if (!narrow_in(r, &n, *l))
		return false;
	/* In by X at any rate: what goes out by X says nothing more. */
	if (l->in != RULES_PORT_ANY && lanes->n > before)
		return true;
	n.in = NULL;
	n.out = rule->on;
	return narrow_in(r, &n, *l);
}

/* Their addresses, which several lanes share, last as long as the rule. */
static bool places_keep(struct rules *r, struct vec *places)
{
	struct place *p = places->data;
	size_t i;

	for (i = 0; i < places->n; i++) {
		struct ranges *a = &p[i].addrs;

		if (!a->n || a->r == ranges_any.r)
			continue;
		a->r = keep(r, a->r, a->n * sizeof(*a->r));
		if (!a->r)
			return false;
	}
	return true;
}

static bool rule_lanes(struct rules *r, const struct rules_rule *rule,
		       struct vec *lanes)
{
	struct vec from = { NULL }, to = { NULL };
	const struct place *f, *t;
	size_t i, j;

	if (!space_places(r, rule->from, true, &from) ||
	    !space_places(r, rule->to, false, &to) ||
	    !places_keep(r, &from) || !places_keep(r, &to))
		return false;
	f = from.data;
	t = to.data;
	for (i = 0; i < from.n; i++)
		for (j = 0; j < to.n; j++) {
			struct lane l = { f[i].port, t[j].port, f[i].addrs,
					  t[j].addrs };

			if (!narrow_on(r, rule, &l, lanes))
				return false;
		}
	return true;
}

/* --- the whole rule --- */

/*
 * NULL: it matches nothing, or an error was reported.  All names are known.  It
 * is made at the start of the arena and kept at the end.
 */
const struct space *space_of_rule(struct rules *r,
				  const struct rules_rule *rule)
{
	static const uint8_t frags[][2] = {
		[RULES_FRAG_NONE] = { 0, 0 },
		[RULES_FRAG_ANY] = { VFR_FRAG_ANY, VFR_FRAG_ANY },
		[RULES_FRAG_LATER] = { VFR_FRAG_LATER, VFR_FRAG_LATER },
		[RULES_FRAG_NOT] = { 0, VFR_FRAG_ANY },
	};
	struct vec lanes = { NULL }, kinds = { NULL };
	struct space s;

	if (!rule_lanes(r, rule, &lanes) ||
	    !space_kinds(r, rule->what, rule->from_ports, &kinds) ||
	    !lanes.n || !kinds.n)
		return NULL;
	s = (struct space){
		keep(r, lanes.data, lanes.n * sizeof(struct lane)),
		keep(r, kinds.data, kinds.n * sizeof(struct kind)),
		lanes.n, kinds.n, rule->tcp_flags, rule->tcp_mask,
		frags[rule->frag][0], frags[rule->frag][1] };
	return s.lanes && s.kinds ? keep(r, &s, sizeof(s)) : NULL;
}
