/*
 * compile_net.c: nets, ports (nics and interfaces of domains) and routes.
 */
#include "compile.h"

#include <vfr/ruleset.h>

void compile_net(struct compiler *c, const struct rules_net *n)
{
	struct vfr_rs_net *out = vec_add(c->r, &c->nets, sizeof(*out));
	const struct rules_ref *p;

	if (!out)
		return;
	*out = (struct vfr_rs_net){
		.name = add_string(c, n->node.name),
		.kind = n->nic ? VFR_NET_BRIDGED : VFR_NET_ROUTED,
		.nic = n->nic ? n->nic->port : VFR_NONE16,
		.first_addr = c->addrs.n,
	};
	if (!n->nic)
		memcpy(out->mac, n->mac, sizeof(out->mac));
	foreach_node(p, n->prefixes) {
		struct vfr_addr gw = n->nic ? p->lo : net_gateway_in(n, p);

		add_addr(c, &gw, p->prefix_len);
	}
	out->nr_addrs = c->addrs.n - out->first_addr;
}

static void compile_nic(struct compiler *c, const struct rules_nic *n,
			struct vfr_rs_port *out)
{
	const struct rules_ref *a;

	out->name = add_string(c, n->node.name);
	out->device = add_string(c, n->device_name);
	out->kind = VFR_PORT_NIC;
	out->flags = n->no_ping ? 0 : VFR_PORT_PING;
	out->vlan = n->vlan;
	out->net = VFR_NONE16;
	memcpy(out->mac, n->mac, sizeof(out->mac));
	out->mtu = n->mtu;
	out->rate_bps = n->rate_bps;
	foreach_node(a, n->addresses)
		add_addr(c, &a->lo, a->prefix_len);
	foreach_node(a, n->gateways) {
		struct vfr_addr *gw = vfr_addr_is_v4(&a->lo) ? &out->gateway4
							     : &out->gateway6;

		if (vfr_addr_is_zero(gw))
			*gw = a->lo;
	}
}

/* Of both families. */
static void add_any(struct compiler *c)
{
	const struct vfr_addr all4 = vfr_addr_v4(0), all6 = { { 0 } };

	add_addr(c, &all4, VFR_V4_BITS);
	add_addr(c, &all6, 0);
}

static void compile_iface(struct compiler *c, const struct rules_iface *i,
			  struct vfr_rs_port *out)
{
	const struct rules_ref *a;

	out->name = out->device = add_string(c, i->port_name);
	out->kind = VFR_PORT_VIF;
	out->flags = i->net->nic || i->net->no_ping ? 0 : VFR_PORT_PING;
	out->net = i->net->index;
	memcpy(out->mac, i->mac, sizeof(out->mac));
	out->mtu = i->net->mtu;
	out->rate_bps = i->rate_bps;
	foreach_node(a, i->addresses) {
		if (a->kind == RULES_REF_ANY)
			add_any(c);
		else
			add_addr(c, &a->lo, 128);
	}
	foreach_node(a, i->routes)
		add_addr(c, &a->lo, a->prefix_len);
}

void compile_port(struct compiler *c, const struct rules_node *n)
{
	struct vfr_rs_port port = { .first_addr = c->addrs.n }, *out;

	if (n->kind == RULES_NIC)
		compile_nic(c, (const void *)n, &port);
	else
		compile_iface(c, (const void *)n, &port);
	port.nr_addrs = c->addrs.n - port.first_addr;
	out = vec_add(c->r, &c->ports, sizeof(*out));
	if (out)
		*out = port;
}

void compile_route(struct compiler *c, const struct rules_route *rt)
{
	const struct route_entry *e;
	struct vfr_rs_route *out;
	struct vec v = { NULL };
	size_t i;

	if (!route_entries(c->r, rt, &v))
		return;
	for (i = 0; i < v.n; i++) {
		e = (const struct route_entry *)v.data + i;
		out = vec_add(c->r, &c->routes, sizeof(*out));
		if (!out)
			return;
		*out = (struct vfr_rs_route){
			.dst = e->dst, .src = e->src, .port = rt->port,
			.file = file_string(c, rt->node.pos.file),
			.line = rt->node.pos.line,
		};
		if (rt->via)
			out->via = rt->via->lo;
	}
}
