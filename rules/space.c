/*
 * space.c: what a rule matches, as sets of numbers.
 *
 * A rule matches the product of its lanes (in by a port, from addresses, out
 * by a port, to addresses) and its kinds (protocol and ports; space_kind.c).
 * The checker compares these products, the compiler makes atoms of them: what
 * is warned about is what will be loaded.
 *
 * Names mean ports: `from web` is what comes in by web's port with one of its
 * addresses.  Because the VFR drops whatever claims an address that is bound to
 * another port, a long list of domains may be kept as their addresses alone,
 * which matches the same packets; otherwise two lists of domains would be
 * multiplied.
 */
#include "rules_int.h"

#define PLACES_KEPT	4	/* bound places with a port each; more are merged */
#define LANES_MAX	4096	/* of one rule */

/* A copy at the end of the arena, of what was made at its start; or NULL. */
static void *keep(struct rules *r, const void *data, size_t bytes)
{
	bool before = arena_turn(r, true);
	void *copy = rules_alloc(r, bytes);

	arena_turn(r, before);
	return copy ? memcpy(copy, data, bytes) : NULL;
}

static bool add_place(struct rules *r, struct vec *v, uint16_t port,
		      const struct ranges *addrs)
{
	struct place *slot = vec_add(r, v, sizeof(*slot));

	if (slot)
		*slot = (struct place){ port, *addrs };
	return slot;
}

/* --- addresses of names --- */

static bool iface_ranges(struct rules *r, const struct rules_iface *i,
			 struct vec *v)
{
	const struct rules_ref *a;

	foreach_node(a, i->addresses)
		if (a->kind == RULES_REF_ADDR && !ranges_add_ref(r, v, a))
			return false;
	return true;
}

static bool iface_is_bound(const struct rules_iface *i)
{
	return i->addresses && i->addresses->kind == RULES_REF_ADDR;
}

static bool prefixes_ranges(struct rules *r, const struct rules_net *n,
			    struct vec *v)
{
	const struct rules_ref *p;

	foreach_node(p, n->prefixes)
		if (!ranges_add_ref(r, v, p))
			return false;
	return true;
}

static const struct ranges *set_ranges_make(struct rules *r,
					    struct rules_set *s)
{
	struct ranges *out = rules_alloc(r, sizeof(*out));

	if (!out)
		return NULL;
	s->ranges = out;	/* a cycle has been reported: it ends here */
	if (!space_addrs(r, s->members, out))
		return NULL;
	return out;
}

/* A set's own ranges, made once: they outlast what asks for them. */
static const struct ranges *set_ranges(struct rules *r, struct rules_set *s)
{
	const struct ranges *out = s->ranges;
	bool before;

	if (out)
		return out;
	before = arena_turn(r, true);
	out = set_ranges_make(r, s);
	arena_turn(r, before);
	return out;
}

/* The addresses of one name, whatever port they are at. */
static bool target_ranges(struct rules *r, const struct rules_ref *ref,
			  struct vec *v)
{
	const struct rules_node *n = ref->target;
	const struct rules_iface *i;
	const struct ranges *set;
	uint32_t k;

	if (!n)
		return true;
	if (ref->iface)
		return iface_ranges(r, ref->iface, v);
	switch (n->kind) {
	case RULES_DOMAIN:
		foreach_node(i, ((const struct rules_domain *)n)->ifaces)
			if (!iface_ranges(r, i, v))
				return false;
		return true;
	case RULES_NET:
		return prefixes_ranges(r, (const struct rules_net *)n, v);
	case RULES_SET:
		set = set_ranges(r, (struct rules_set *)n);
		for (k = 0; set && k < set->n; k++)
			if (!ranges_add(r, v, &set->r[k].lo, &set->r[k].hi))
				return false;
		return set;
	default:
		return true;
	}
}

static bool ref_ranges(struct rules *r, const struct rules_ref *ref,
		       struct vec *v)
{
	if (ref->kind == RULES_REF_ANY)
		return ranges_add(r, v, &ranges_any.r->lo, &ranges_any.r->hi);
	if (ref->kind == RULES_REF_ADDR)
		return ranges_add_ref(r, v, ref);
	return target_ranges(r, ref, v);
}

/* The members marked `not`, or the others, as one set. */
static bool list_ranges(struct rules *r, const struct rules_ref *list, bool not,
			struct ranges *out)
{
	struct vec v = { NULL };
	const struct rules_ref *ref;

	foreach_node(ref, list)
		if (ref->not == not && !ref_ranges(r, ref, &v))
			return false;
	return ranges_build(r, &v, out);
}

bool only_nots(const struct rules_ref *list)
{
	const struct rules_ref *ref;

	foreach_node(ref, list)
		if (!ref->not)
			return false;
	return list;
}

/* All but what is marked `not`; of nothing but `not`, everything else. */
bool space_addrs(struct rules *r, const struct rules_ref *list,
		 struct ranges *out)
{
	struct ranges yes, no;

	if (!list_ranges(r, list, false, &yes) ||
	    !list_ranges(r, list, true, &no))
		return false;
	if (only_nots(list))
		yes = ranges_any;
	if (no.n)
		return ranges_subtract(r, &yes, &no, out);
	*out = yes;
	return true;
}

/* --- places --- */

static bool iface_place(struct rules *r, const struct rules_iface *i,
			struct vec *places)
{
	struct vec v = { NULL };
	struct ranges addrs = ranges_any;

	if (i->port == RULES_PORT_ANY)
		return true;	/* was reported */
	if (iface_is_bound(i) &&
	    (!iface_ranges(r, i, &v) || !ranges_build(r, &v, &addrs)))
		return false;
	return add_place(r, places, i->port, &addrs);
}

/*
 * From a routed net: the addresses bound to its domains, which nobody else can
 * claim.  To it: its prefixes.  A bridged net also has its nic's side.
 */
static bool net_places(struct rules *r, const struct rules_net *n, bool from,
		       struct vec *places)
{
	struct ranges addrs;
	struct vec v = { NULL };
	uint32_t i;

	for (i = 0; i < r->nr_ports; i++) {
		const struct rules_iface *f = (void *)r->ports[i];

		if (r->ports[i]->kind != RULES_DOMAIN || f->net != n)
			continue;
		if (!iface_is_bound(f)) {
			if (!iface_place(r, f, places))
				return false;
		} else if (!iface_ranges(r, f, &v)) {
			return false;
		}
	}
	if (!n->nic && !from) {
		v.n = 0;
		if (!prefixes_ranges(r, n, &v))
			return false;
	}
	if (!ranges_build(r, &v, &addrs) ||
	    (addrs.n && !add_place(r, places, RULES_PORT_ANY, &addrs)))
		return false;
	if (!n->nic)
		return true;
	v = (struct vec){ NULL };
	addrs = ranges_any;
	if (n->prefixes &&
	    (!prefixes_ranges(r, n, &v) || !ranges_build(r, &v, &addrs)))
		return false;
	return add_place(r, places, n->nic->port, &addrs);
}

static bool name_places(struct rules *r, const struct rules_ref *ref, bool from,
			struct vec *places)
{
	const struct rules_node *n = ref->target;
	const struct rules_iface *i;

	if (!n)
		return true;
	if (ref->iface)
		return iface_place(r, ref->iface, places);
	switch (n->kind) {
	case RULES_NIC:
		return add_place(r, places,
				 ((const struct rules_nic *)n)->port,
				 &ranges_any);
	case RULES_NET:
		return net_places(r, (const struct rules_net *)n, from, places);
	case RULES_DOMAIN:
		foreach_node(i, ((const struct rules_domain *)n)->ifaces)
			if (!iface_place(r, i, places))
				return false;
		return true;
	default:
		return true;
	}
}

static bool is_place_name(const struct rules_ref *ref)
{
	return ref->kind == RULES_REF_NAME &&
	       (!ref->target || ref->target->kind != RULES_SET);
}

/* Addresses that the VFR lets come from one vif alone. */
/* Any address at a port (`not` a nic) is more than those that it is bound to. */
static bool place_is_bound(const struct rules *r, const struct place *p)
{
	return p->port != RULES_PORT_ANY && p->addrs.r != ranges_any.r &&
	       r->ports[p->port]->kind == RULES_DOMAIN &&
	       iface_is_bound((struct rules_iface *)r->ports[p->port]);
}

/* Many places of domains become one at any port; see above. */
static bool merge_places(struct rules *r, struct vec *places)
{
	struct place *p = places->data;
	struct vec v = { NULL };
	struct ranges addrs;
	size_t i, n = 0;
	uint32_t k;

	if (places->n <= PLACES_KEPT)
		return true;
	for (i = 0; i < places->n; i++) {
		if (p[i].port != RULES_PORT_ANY && !place_is_bound(r, &p[i])) {
			p[n++] = p[i];
			continue;
		}
		for (k = 0; k < p[i].addrs.n; k++)
			if (!ranges_add(r, &v, &p[i].addrs.r[k].lo,
				       &p[i].addrs.r[k].hi))
				return false;
	}
	places->n = n;
	return ranges_build(r, &v, &addrs) &&
	       (!addrs.n || add_place(r, places, RULES_PORT_ANY, &addrs));
}

/* Every port but the nics that the list excludes. */
static bool not_nics(struct rules *r, const struct rules_ref *list,
		     struct vec *places)
{
	const struct rules_ref *ref;
	uint32_t i;

	for (i = 0; i < r->nr_ports; i++) {
		foreach_node(ref, list)
			if (ref->target == r->ports[i])
				break;
		if (!ref && !add_place(r, places, i, &ranges_any))
			return false;
	}
	return true;
}

static bool excludes_nic(const struct rules_ref *list)
{
	const struct rules_ref *ref;

	foreach_node(ref, list)
		if (ref->not && ref->target && ref->target->kind == RULES_NIC)
			return true;
	return false;
}

bool space_places(struct rules *r, const struct rules_ref *list, bool from,
		  struct vec *places)
{
	const struct rules_ref *ref;
	struct ranges no, addrs;
	struct vec v = { NULL };
	struct place *p;
	size_t i;

	if (!list)
		return add_place(r, places, RULES_PORT_ANY, &ranges_any);
	foreach_node(ref, list) {
		if (ref->not)
			continue;
		if (is_place_name(ref) ? !name_places(r, ref, from, places)
				       : !ref_ranges(r, ref, &v))
			return false;
	}
	if (!ranges_build(r, &v, &addrs) ||
	    (addrs.n && !add_place(r, places, RULES_PORT_ANY, &addrs)))
		return false;
	if (excludes_nic(list) ? !not_nics(r, list, places) :
	    only_nots(list) &&
	    !add_place(r, places, RULES_PORT_ANY, &ranges_any))
		return false;
	if (!merge_places(r, places) || !list_ranges(r, list, true, &no))
		return false;
	p = places->data;
	for (i = 0; no.n && i < places->n; i++)
		if (!ranges_subtract(r, &p[i].addrs, &no, &p[i].addrs))
			return false;
	return true;
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
