/*
 * check_iface.c: the interfaces of domains.
 */
#include "check.h"

static void addr_in_net(struct rules *r, struct rules_iface *i,
			const struct rules_ref *a)
{
	const struct rules_net *n = i->net;
	struct rules_ref *p;

	foreach_node(p, n->prefixes)
		if (prefix_has(p, &a->lo))
			break;
	if (!p) {
		if (n->prefixes)
			diag_report(r, &(struct diag_args){ RULES_ERROR,
				    RULES_CODE_CONFLICT, &a->node.pos,
				    &n->node.pos, NULL }, "address %A is in no "
				    "prefix of net `%s`", &a->lo, n->node.name);
		return;
	}
	check_host(r, a, p);
}

static void check_routed(struct rules *r, const struct rules_ref *a)
{
	bool v4 = vfr_addr_is_v4(&a->lo);

	if (a->prefix_len == (v4 ? VFR_V4_BITS : 0))
		error_at(r, CONFLICT, &a->node.pos, NULL, "a domain routes "
			 "some prefixes, not everything");
}

static void iface_addresses(struct rules *r, struct rules_iface *i)
{
	bool routed = !*i->net->bridge.text;
	struct rules_ref *a;

	if (!i->addresses)
		error_at(r, CONFLICT, &i->node.pos, routed ? "write on NET "
			 "address ADDRESS" : "write `address any` if it may "
			 "use whichever it likes",
			 "the interface has no address");
	foreach_node(a, i->addresses) {
		if (a->kind == RULES_REF_ANY) {
			if (routed)
				error_at(r, CONFLICT, &a->node.pos, NULL,
					 "on a routed net an interface has "
					 "addresses of its own");
			continue;
		}
		addr_in_net(r, i, a);
		claim_addr(r, &a->lo, &i->domain->node, &a->node.pos);
	}
	foreach_node(a, i->routes) {
		if (!routed)
			error_at(r, CONFLICT, &a->node.pos, NULL, "only a "
				 "domain on a routed net can route prefixes");
		check_routed(r, a);
	}
}

static void iface_name(struct rules *r, struct rules_iface *i)
{
	char name[2 * RULES_NAME_MAX];
	struct strbuf b;

	strbuf_init(&b, name, sizeof(name));
	out_print(&b.out, "%s", i->domain->node.name);
	if (i->domain->ifaces->node.next)
		out_print(&b.out, ".%s", i->node.name);
	i->port_name = rules_strdup(r, name, b.len);
	if (!i->port_name)
		i->port_name = "";
}

void check_iface(struct rules *r, struct rules_iface *i, struct vec *ports)
{
	struct rules_text net = { i->node.name, i->node.pos };
	struct rules_iface *o;

	i->port = RULES_PORT_ANY;
	i->net = (struct rules_net *)resolve_text(r, &net,
						  KIND_BIT(RULES_NET));
	if (!i->net)
		return;
	for (o = i->domain->ifaces; o != i; o = (void *)o->node.next)
		if (o->net == i->net)
			error_at(r, CONFLICT, &i->node.pos, "give one "
				 "interface both addresses", "domain `%s` is "
				 "on net `%s` twice", i->domain->node.name,
				 i->node.name);
	i->port = add_port(r, ports, &i->node);
	iface_name(r, i);
	iface_addresses(r, i);
	if (!i->rate_bps)
		i->rate_bps = i->domain->rate_bps;
	if (mac_is_set(i->mac))
		claim_mac(r, i->mac, &i->domain->node, &i->mac_text);
	else
		choose_mac(r, i->mac, i->port_name, &i->domain->node);
}
