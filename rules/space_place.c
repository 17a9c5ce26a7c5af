/*
 * space_place.c: where the hosts of a list are: their addresses, and the ports
 * of the VFR that these are at.
 *
 * Names mean ports: `from web` is what comes in by web's port with one of its
 * addresses.  Because the VFR drops whatever claims an address that is bound to
 * another port, a long list of domains may be kept as their addresses alone,
 * which matches the same packets; otherwise two lists of domains would be
 * multiplied.
 */
#include "rules_int.h"

#define PLACES_KEPT	4	/* bound places with a port each; more are merged */

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

static bool add_place(struct rules *r, struct vec *v, uint16_t port,
		      const struct ranges *addrs)
{
	struct place *slot = vec_add(r, v, sizeof(*slot));

	if (slot)
		*slot = (struct place){ port, *addrs };
	return slot;
}

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

/* Addresses that the VFR lets come from one vif alone.  Any address at a port
 * (`not` a nic) is more than those. */
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
