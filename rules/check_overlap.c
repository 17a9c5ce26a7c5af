/*
 * check_overlap.c: each address lies in one place.
 *
 * A routed net, a prefix behind a domain and a LAN have no address in common.
 * A domain may send from all that is behind it: were a part of that elsewhere
 * as well, it could speak for others, or for the VFR.  Links of nics and
 * bridged nets are parts of LANs, and may share their prefix: of two uplinks on
 * one link, of a net and the nic that it is bridged on.
 */
#include "check.h"

#include <errno.h>

struct claim {
	struct vfr_addr		lo, hi;
	const struct rules_ref	*ref;
	const struct rules_node	*owner;	/* may overlap itself */
	const char		*name;
	bool			lan;
};

#define CLAIMS_MAX 8192		/* each is compared with each */

static void claim(struct rules *r, struct vec *v, struct claim c)
{
	const struct claim *o = v->data;
	struct claim *slot;
	size_t i;

	if (r->fatal)
		return;
	if (v->n >= CLAIMS_MAX) {
		diag_fatal(r, -E2BIG, &c.ref->node.pos, "more than %d prefixes "
			   "of nics, nets and domains", CLAIMS_MAX);
		return;
	}
	prefix_bounds(&c.ref->lo, c.ref->prefix_len, &c.lo, &c.hi);
	for (i = 0; i < v->n; i++, o++) {
		if (addr_cmp(&c.hi, &o->lo) < 0 ||
		    addr_cmp(&o->hi, &c.lo) < 0 || o->owner == c.owner ||
		    (o->lan && c.lan) ||
		    vfr_addr_is_v4(&o->lo) != vfr_addr_is_v4(&c.lo))
			continue;
		diag_report(r, &(struct diag_args){ RULES_ERROR,
			    RULES_CODE_CONFLICT, &c.ref->node.pos,
			    &o->ref->node.pos, NULL },
			    "this overlaps addresses of `%s`", o->name);
		return;
	}
	slot = vec_add(r, v, sizeof(*slot));
	if (slot)
		*slot = c;
}

static void claim_list(struct rules *r, struct vec *v,
		       const struct rules_ref *list,
		       const struct rules_node *owner, const char *name,
		       bool lan)
{
	const struct rules_ref *ref;

	foreach_node(ref, list)
		if (ref->kind == RULES_REF_ADDR)
			claim(r, v, (struct claim){ .ref = ref, .owner = owner,
						    .name = name, .lan = lan });
}

/* Where the net has a prefix, its domains' addresses are in that. */
static void claim_iface(struct rules *r, struct vec *v,
			const struct rules_iface *i)
{
	const char *name = i->domain->node.name;

	if (i->net && !i->net->prefixes)
		claim_list(r, v, i->addresses, &i->node, name, true);
	claim_list(r, v, i->routes, &i->node, name, false);
}

void check_overlaps(struct rules *r)
{
	const struct rules_iface *i;
	struct rules_node *n;
	struct vec v = { NULL };

	foreach_stmt(r, RULES_NIC, n)
		claim_list(r, &v, ((struct rules_nic *)n)->addresses, n,
			   n->name, true);
	foreach_stmt(r, RULES_NET, n)
		claim_list(r, &v, ((struct rules_net *)n)->prefixes, n,
			   n->name, *((struct rules_net *)n)->bridge.text);
	foreach_stmt(r, RULES_DOMAIN, n)
		foreach_node(i, ((struct rules_domain *)n)->ifaces)
			claim_iface(r, &v, i);
}
