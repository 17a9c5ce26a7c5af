/*
 * check_nat.c: translations: masquerade, redirect, static.
 */
#include "check.h"

const struct rules_ref *nat_host(const struct rules_ref *ref)
{
	const struct rules_domain *d = (const void *)ref->target;

	if (ref->kind == RULES_REF_ADDR)
		return ref;
	if (ref->iface)
		return ref->iface->addresses;
	return d && d->ifaces ? d->ifaces->addresses : NULL;
}

unsigned int refs_families(const struct rules_ref *list)
{
	const struct rules_ref *a;
	unsigned int families = 0;

	foreach_node(a, list)
		if (a->kind == RULES_REF_ADDR)
			families |= vfr_addr_is_v4(&a->lo) ? FAMILY_4
							   : FAMILY_6;
	return families;
}

/* A packet is of one family before and after.  0: said elsewhere. */
static void share_family(struct rules *r, const struct rules_ref *at,
			 unsigned int a, unsigned int b)
{
	if (a && b && !(a & b))
		error_at(r, CONFLICT, &at->node.pos, "give both an address of "
			 "one family", "this translates nothing: on one side "
			 "is IPv%d, on the other IPv%d", a & FAMILY_4 ? 4 : 6,
			 b & FAMILY_4 ? 4 : 6);
}

static bool one_host(struct rules *r, const struct rules_ref *ref)
{
	const struct rules_domain *d = (void *)ref->target;

	if (ref->kind == RULES_REF_ADDR && !ref->range && !ref->not &&
	    ref->prefix_len == 128)
		return true;
	if (ref->target && !ref->not && (ref->iface || !d->ifaces ||
					 !d->ifaces->node.next)) {
		check_has_addresses(r, ref);
		return true;
	}
	if (ref->target || ref->kind != RULES_REF_NAME)
		error_at(r, KIND, &ref->node.pos, "write an address or DOMAIN."
			 "NET", "here stands one host");
	return false;
}

/* `tcp { 80, not 80 }` is no port. */
static void some_ports(struct rules *r, const struct rules_match *what)
{
	size_t mark = arena_mark(r);
	struct vec kinds = { NULL };

	if (space_kinds(r, what, NULL, &kinds) && !kinds.n)
		warn_at(r, EMPTY, &what->node.pos, NULL,
			"this can never match: nothing is left of its ports");
	arena_release(r, mark);
}

/* outside: the addresses of the nic. */
static void check_redirect(struct rules *r, struct rules_nat *n,
			   const struct rules_ref *outside)
{
	const struct rules_match *m = n->what, *t = n->to_port;

	if (resolve_matches(r, n->what, false))
		some_ports(r, m);
	resolve_hosts(r, n->to, KIND_BIT(RULES_DOMAIN), false);
	if (one_host(r, n->to))
		share_family(r, n->to, refs_families(n->at ? n->at : outside),
			     refs_families(nat_host(n->to)));
	if (match_classes(n->what) & CLASS_OTHER)
		error_at(r, KIND, &m->node.pos, "tcp, udp, sctp, a service of "
			 "them, or any", "this cannot be redirected");
	if (!t)
		return;
	if (t->node.next || !t->ports || t->ports->node.next ||
	    t->ports->kind != RULES_REF_PORT || t->ports->not ||
	    t->proto != m->proto || m->node.next ||
	    t->ports->port_lo == 0)
		error_at(r, CONFLICT, &t->node.pos, "as in `tcp 8080 to web "
			 "tcp 80`", "the new port is one port of the protocol "
			 "that is redirected");
	else if (!m->ports || m->ports->node.next ||
		 m->ports->kind != RULES_REF_PORT || m->ports->not)
		error_at(r, CONFLICT, &t->node.pos, "redirect each port in a "
			 "line of its own", "a new port needs one port, or a "
			 "range, to be moved");
	else if (t->ports->port_hi != t->ports->port_lo &&
		 t->ports->port_hi - t->ports->port_lo !=
		 m->ports->port_hi - m->ports->port_lo)
		error_at(r, CONFLICT, &t->node.pos, NULL,
			 "the two ranges of ports differ in length");
	else if (t->ports->port_lo + (m->ports->port_hi - m->ports->port_lo) >
		 UINT16_MAX)
		error_at(r, VALUE, &t->node.pos, NULL, "the moved range ends "
			 "above port %d", UINT16_MAX);
}

static void check_static(struct rules *r, struct rules_nat *n)
{
	const struct rules_ref *in = n->from, *out = n->at;

	resolve_hosts(r, n->from, KIND_BIT(RULES_DOMAIN), false);
	if (out->kind != RULES_REF_ADDR || out->not || out->range) {
		error_at(r, KIND, &out->node.pos, NULL,
			 "here stands the address, or prefix, outside");
		return;
	}
	if (in->kind == RULES_REF_ADDR && !in->range && !in->not) {
		if (in->prefix_len != out->prefix_len ||
		    vfr_addr_is_v4(&in->lo) != vfr_addr_is_v4(&out->lo))
			error_at(r, CONFLICT, &out->node.pos, NULL, "inside "
				 "and outside are not of the same size");
		return;
	}
	if (!one_host(r, in))
		return;
	if (out->prefix_len != 128)
		error_at(r, CONFLICT, &out->node.pos, "write one address",
			 "a domain has one address, not a prefix");
	else
		share_family(r, in, refs_families(nat_host(in)),
			     refs_families(out));
}

static unsigned int ranges_families(const struct ranges *a)
{
	return (ranges_meet(a, &ranges_v4) ? FAMILY_4 : 0) |
	       (ranges_within(a, &ranges_v4) ? 0 : FAMILY_6);
}

static void check_masquerade(struct rules *r, struct rules_nat *n,
			     const struct rules_ref *outside)
{
	uint32_t errors = r->nr_errors;
	const struct rules_ref *ref;
	struct ranges from;
	size_t mark;

	resolve_hosts(r, n->from, KINDS_MEMBER, false);
	foreach_node(ref, n->from) {
		if (ref->not)
			error_at(r, SYNTAX, &ref->node.pos, NULL,
				 "masquerade takes no `not`");
		check_has_addresses(r, ref);
	}
	if (errors != r->nr_errors)
		return;
	mark = arena_mark(r);
	if (space_addrs(r, n->from, &from))
		share_family(r, n->from, ranges_families(&from),
			     refs_families(outside));
	arena_release(r, mark);
}

void check_nat(struct rules *r, struct rules_nat *n)
{
	const struct rules_ref *outside;
	const struct rules_nic *nic;

	resolve_hosts(r, n->nic, KIND_BIT(RULES_NIC), false);
	nic = (const struct rules_nic *)n->nic->target;
	outside = nic ? nic->addresses : NULL;
	switch (n->nat) {
	case RULES_MASQUERADE:	check_masquerade(r, n, outside); break;
	case RULES_REDIRECT:	check_redirect(r, n, outside); break;
	case RULES_STATIC:	check_static(r, n); break;
	}
	if (nic && n->at && n->at->kind == RULES_REF_ADDR)
		check_outside(r, n, nic);
	if (nic && !nic->addresses && !(n->nat == RULES_REDIRECT && n->at) &&
	    n->nat != RULES_STATIC)
		error_at(r, CONFLICT, &n->nic->node.pos, "give it one",
			 "`%s` has no address to translate with",
			 nic->node.name);
}
