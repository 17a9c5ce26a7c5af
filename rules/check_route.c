/*
 * check_route.c: routes, and what they are in the VFR's table.
 */
#include "check.h"

#include <errno.h>

#define KEY_MAX 120

static bool entry_add(struct rules *r, struct vec *v,
		      const struct vfr_prefix *dst,
		      const struct vfr_prefix *src)
{
	struct route_entry *e = vec_add(r, v, sizeof(*e));

	if (e)
		*e = (struct route_entry){ *dst, *src };
	return e;
}

static struct vfr_prefix ref_prefix(const struct rules_ref *ref)
{
	return (struct vfr_prefix){ .addr = ref->lo, .len = ref->prefix_len };
}

/* For sources of these families.  The next hop is for its own. */
static bool route_from(struct rules *r, const struct rules_route *rt,
		       const struct vfr_prefix *src, unsigned int families,
		       struct vec *out)
{
	static const struct vfr_prefix all6;
	struct vfr_prefix dst = ref_prefix(rt->dst);

	if (rt->via)
		families &= vfr_addr_is_v4(&rt->via->lo) ? FAMILY_4 : FAMILY_6;
	if (rt->dst->kind == RULES_REF_ADDR)
		return !families || entry_add(r, out, &dst, src);
	dst = (struct vfr_prefix){ vfr_addr_v4(0), VFR_V4_BITS };
	return (!(families & FAMILY_4) || entry_add(r, out, &dst, src)) &&
	       (!(families & FAMILY_6) || entry_add(r, out, &all6, src));
}

bool route_entries(struct rules *r, const struct rules_route *rt,
		   struct vec *out)
{
	static const struct vfr_prefix any;
	const struct vfr_prefix *p;
	struct vec v = { NULL };
	struct vfr_prefix one;
	struct ranges src;
	size_t i;

	if (!rt->src)
		return route_from(r, rt, &any, FAMILY_4 | FAMILY_6, out);
	if (rt->src->kind == RULES_REF_ADDR && !rt->src->node.next) {
		one = ref_prefix(rt->src);
		return route_from(r, rt, &one, prefix_families(&one), out);
	}
	if (!space_addrs(r, rt->src, &src) || !list_prefixes(r, &src, &v))
		return false;
	for (i = 0; i < v.n; i++) {
		p = (const struct vfr_prefix *)v.data + i;
		if (!route_from(r, rt, p, prefix_families(p), out))
			return false;
	}
	return true;
}

/* Of equal ones the first counts, whether its nic is up or not. */
static void check_first(struct rules *r, struct rules_route *rt)
{
	const struct rules_node *o = NULL;
	struct vec v = { NULL };
	bool counts = false;
	char key[KEY_MAX];
	size_t i;

	if (!route_entries(r, rt, &v))
		return;
	for (i = 0; i < v.n; i++) {
		const struct route_entry *e = (struct route_entry *)v.data + i;
		const char *copy;
		struct strbuf b;

		strbuf_init(&b, key, sizeof(key));
		out_print(&b.out, "@%A/%u from %A/%u", &e->dst.addr,
			  e->dst.len, &e->src.addr, e->src.len);
		copy = rules_strdup(r, key, b.len);
		if (!copy)
			return;
		if (symbol_define(r, copy, &rt->node) == -EEXIST)
			o = symbol_find(r, key, b.len);
		else
			counts = true;
	}
	if (o && !counts)
		diag_report(r, &(struct diag_args){ RULES_ERROR,
			    RULES_CODE_CONFLICT, &rt->node.pos, &o->pos,
			    "take one of them out" },
			    "there is a route for this already");
}

void check_route(struct rules *r, struct rules_route *rt)
{
	uint32_t errors = r->nr_errors;
	struct rules_nic *nic = NULL;
	struct rules_node *n;
	struct rules_ref *src;

	rt->port = RULES_PORT_ANY;
	foreach_node(src, rt->src)
		if (src->not || src->range)
			error_at(r, SYNTAX, &src->node.pos, NULL, "here stands "
				 "a prefix, a net or a domain");
		else if (src->kind == RULES_REF_NAME &&
			 resolve(r, src, KIND_BIT(RULES_NET) |
				 KIND_BIT(RULES_DOMAIN), false))
			check_has_addresses(r, src);
	if (rt->on) {
		n = resolve(r, rt->on, KIND_BIT(RULES_NIC), false);
		nic = (struct rules_nic *)n;
		if (!n)
			return;
	} else if (rt->via) {
		nic = nic_of_addr(r, &rt->via->lo);
		if (!nic) {
			error_at(r, CONFLICT, &rt->via->node.pos, "to route by "
				 "a domain write `routes PREFIX` behind its "
				 "address", "%A is on the link of no nic",
				 &rt->via->lo);
			return;
		}
	}
	rt->port = nic->port;
	if (rt->via && rt->dst->kind == RULES_REF_ADDR &&
	    vfr_addr_is_v4(&rt->via->lo) != vfr_addr_is_v4(&rt->dst->lo))
		error_at(r, CONFLICT, &rt->via->node.pos, NULL, "the next hop "
			 "is of the other family than the destination");
	if (errors == r->nr_errors)
		check_first(r, rt);
}
