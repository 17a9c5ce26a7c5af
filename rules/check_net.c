/*
 * check_net.c: nics and nets fit together.
 *
 * Gives every nic and every interface its port, in the order of the text.
 */
#include "check.h"

#include <errno.h>

#define PORTS_MAX	(UINT16_MAX - 1)
#define KEY_MAX		80
#define LEN_MAX_NET	126	/* a /30 or /126: room for us and a domain */

uint16_t add_port(struct rules *r, struct vec *ports, struct rules_node *n)
{
	struct rules_node **slot;

	if (ports->n >= PORTS_MAX) {
		diag_fatal(r, -E2BIG, &n->pos, "more than %d nics and "
			   "interfaces", PORTS_MAX);
		return RULES_PORT_ANY;
	}
	slot = vec_add(r, ports, sizeof(*slot));
	if (!slot)
		return RULES_PORT_ANY;
	*slot = n;
	r->ports = ports->data;
	r->nr_ports = ports->n;
	return ports->n - 1;
}

void claim_addr(struct rules *r, const struct vfr_addr *a,
		struct rules_node *n, const struct rules_pos *pos)
{
	char key[KEY_MAX];
	struct strbuf b;

	strbuf_init(&b, key, sizeof(key));
	out_print(&b.out, "@%A", a);
	check_unique(r, key, n, pos, "address");
}

static void print_mac(const struct rules_out *out, const uint8_t mac[6])
{
	static const char hex[] = "0123456789abcdef";
	int i;

	for (i = 0; i < 6; i++)
		out_print(out, "%s%c%c", i ? ":" : "", hex[mac[i] >> 4],
			  hex[mac[i] & 15]);
}

bool mac_is_set(const uint8_t mac[6])
{
	return mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5];
}

/* A MAC that stays the same as long as the name does: locally administered. */
void choose_mac(struct rules *r, uint8_t mac[6], const char *name,
		struct rules_node *n)
{
	uint64_t h = hash_text(HASH_SEED, name, strlen(name));
	char key[KEY_MAX];
	struct strbuf b;
	int i;

	do {
		h = hash_text(h, "mac", 3);
		mac[0] = 2;
		for (i = 1; i < 6; i++)
			mac[i] = h >> 8 * i;
		strbuf_init(&b, key, sizeof(key));
		out_print(&b.out, "@");
		print_mac(&b.out, mac);
	} while (symbol_find(r, key, b.len));
	check_unique(r, key, n, &n->pos, "MAC");
}

void claim_mac(struct rules *r, const uint8_t mac[6], struct rules_node *n,
	       const struct rules_text *text)
{
	char key[KEY_MAX];
	struct strbuf b;

	strbuf_init(&b, key, sizeof(key));
	out_print(&b.out, "@");
	print_mac(&b.out, mac);
	check_unique(r, key, n, &text->pos, "MAC");
}

/* --- nics --- */

bool prefix_has(const struct rules_ref *p, const struct vfr_addr *a)
{
	struct vfr_prefix prefix = { p->lo, p->prefix_len };

	return vfr_addr_is_v4(&p->lo) == vfr_addr_is_v4(a) &&
	       vfr_prefix_has(&prefix, a);
}

/* A network of IPv4 keeps its first and last address (RFC 3021 tells of two). */
void check_host(struct rules *r, const struct rules_ref *a,
		const struct rules_ref *p)
{
	struct vfr_addr lo, hi;

	prefix_bounds(&p->lo, p->prefix_len, &lo, &hi);
	if (!vfr_addr_is_v4(&lo) || p->prefix_len > LEN_MAX_NET)
		return;
	if (vfr_addr_eq(&lo, &a->lo) || vfr_addr_eq(&hi, &a->lo))
		error_at(r, VALUE, &a->node.pos, NULL, "%A is the %s address "
			 "of its net", &a->lo, vfr_addr_eq(&lo, &a->lo) ?
			 "network" : "broadcast");
}

/* Only the first of a family would be used. */
static void nic_gateway_alone(struct rules *r, const struct rules_nic *n,
			      const struct rules_ref *gw)
{
	const struct rules_ref *o;
	bool v4 = vfr_addr_is_v4(&gw->lo);

	for (o = n->gateways; o != gw; o = (void *)o->node.next)
		if (vfr_addr_is_v4(&o->lo) == v4) {
			error_at(r, CONFLICT, &gw->node.pos, "for some "
				 "destinations write a route", "`%s` has an "
				 "IPv%d gateway already", n->node.name,
				 v4 ? 4 : 6);
			return;
		}
}

static void nic_gateways(struct rules *r, struct rules_nic *n)
{
	struct rules_ref *gw, *a;

	foreach_node(gw, n->gateways) {
		nic_gateway_alone(r, n, gw);
		foreach_node(a, n->addresses)
			if (prefix_has(a, &gw->lo))
				break;
		if (!a)
			error_at(r, CONFLICT, &gw->node.pos, "a gateway is a "
				 "neighbour on the same link", "gateway %A is "
				 "in no prefix of `%s`", &gw->lo, n->node.name);
		else if (vfr_addr_eq(&a->lo, &gw->lo))
			error_at(r, CONFLICT, &gw->node.pos, NULL,
				 "gateway %A is our own address", &gw->lo);
		else
			check_host(r, gw, a);
	}
}

static void nic_vlan(struct rules *r, struct rules_nic *n)
{
	struct rules_node *parent = resolve_text(r, &n->parent,
						 KIND_BIT(RULES_NIC));
	char key[KEY_MAX];
	struct strbuf b;

	if (!parent)
		return;
	n->parent_nic = (struct rules_nic *)parent;
	if (n->parent_nic->vlan) {
		error_at(r, CONFLICT, &n->parent.pos, "name the nic that "
			 "carries both", "a VLAN within a VLAN is not "
			 "supported");
		return;
	}
	strbuf_init(&b, key, sizeof(key));
	out_print(&b.out, "@%u on %s", n->vlan, parent->name);
	check_unique(r, key, &n->node, &n->vlan_text.pos, "VLAN");
}

/* nic0, nic1 ... in the order of the text, for those that name no device. */
static void nic_device(struct rules *r, struct rules_nic *n, unsigned int *nr)
{
	char name[KEY_MAX];
	struct strbuf b;

	if (n->vlan)
		return;		/* its parent's, once that is known */
	strbuf_init(&b, name, sizeof(name));
	if (*n->device.text)
		out_print(&b.out, "@%s", n->device.text);
	else
		out_print(&b.out, "@nic%u", (*nr)++);
	n->device_name = rules_strdup(r, name + 1, b.len - 1);
	check_unique(r, name, &n->node, *n->device.text ? &n->device.pos
							: &n->node.pos,
		     "device");
}

static void check_nics(struct rules *r, struct vec *ports)
{
	unsigned int nr = 0;
	struct rules_node *node;

	foreach_stmt(r, RULES_NIC, node) {
		struct rules_nic *n = (struct rules_nic *)node;
		struct rules_ref *a;

		n->port = add_port(r, ports, node);
		nic_device(r, n, &nr);
		if (mac_is_set(n->mac))
			claim_mac(r, n->mac, node, &n->mac_text);
		foreach_node(a, n->addresses) {
			claim_addr(r, &a->lo, node, &a->node.pos);
			check_host(r, a, a);
		}
		nic_gateways(r, n);
	}
	foreach_stmt(r, RULES_NIC, node) {
		struct rules_nic *n = (struct rules_nic *)node;

		if (!n->vlan)
			continue;
		nic_vlan(r, n);
		if (*n->device.text)
			error_at(r, CONFLICT, &n->device.pos, "leave it out",
				 "a VLAN uses the device of the nic that "
				 "carries it");
		n->device_name = n->parent_nic && n->parent_nic->device_name ?
			n->parent_nic->device_name : "";
	}
}

/* --- nets --- */

struct vfr_addr net_gateway_in(const struct rules_net *n,
			       const struct rules_ref *p)
{
	const struct rules_ref *ref;
	struct vfr_addr gw = p->lo;

	foreach_node(ref, n->gateways)
		if (prefix_has(p, &ref->lo))
			return ref->lo;
	addr_next(&gw);
	return gw;
}

static void net_gateway(struct rules *r, struct rules_net *n,
			const struct rules_ref *p)
{
	struct vfr_addr gw = net_gateway_in(n, p);
	struct vfr_addr *first = vfr_addr_is_v4(&gw) ? &n->gateway4
						     : &n->gateway6;

	if (vfr_addr_is_zero(first))
		*first = gw;
	claim_addr(r, &gw, &n->node, &p->node.pos);
}

/* The VFR has one address in each prefix: the first that is written. */
static void net_address(struct rules *r, const struct rules_net *n,
			const struct rules_ref *gw)
{
	const struct rules_ref *p, *o;

	foreach_node(p, n->prefixes)
		if (prefix_has(p, &gw->lo))
			break;
	if (!p) {
		error_at(r, CONFLICT, &gw->node.pos, NULL, "address %A is in "
			 "no prefix of `%s`", &gw->lo, n->node.name);
		return;
	}
	for (o = n->gateways; o != gw; o = (void *)o->node.next)
		if (prefix_has(p, &o->lo)) {
			error_at(r, CONFLICT, &gw->node.pos, NULL, "the VFR "
				 "has address %A in this prefix already",
				 &o->lo);
			return;
		}
	check_host(r, gw, p);
}

static void net_routed(struct rules *r, struct rules_net *n)
{
	struct rules_ref *p, *gw;

	if (!n->prefixes)
		error_at(r, CONFLICT, &n->node.pos, "write net NAME "
			 "10.1.0.0/24, or bridged on NIC", "the routed net `%s` has no "
			 "prefix", n->node.name);
	foreach_node(p, n->prefixes) {
		if (p->prefix_len > LEN_MAX_NET)
			error_at(r, VALUE, &p->node.pos, NULL, "this prefix is "
				 "too long to hold us and a domain");
		else
			net_gateway(r, n, p);
	}
	foreach_node(gw, n->gateways)
		net_address(r, n, gw);
	if (!mac_is_set(n->mac))
		choose_mac(r, n->mac, n->node.name, &n->node);
	else
		claim_mac(r, n->mac, &n->node, &n->mac_text);
}

/* What comes in by the nic belongs to one net. */
static void bridge_alone(struct rules *r, const struct rules_net *n)
{
	const struct rules_node *o;

	foreach_stmt(r, RULES_NET, o) {
		if (o == &n->node)
			return;
		if (n->nic && ((const struct rules_net *)o)->nic == n->nic)
			error_at(r, CONFLICT, &n->bridge.pos, NULL, "net `%s` "
				 "is bridged on nic `%s` already", o->name,
				 n->nic->node.name);
	}
}

static void net_bridged(struct rules *r, struct rules_net *n)
{
	n->nic = (struct rules_nic *)resolve_text(r, &n->bridge,
						  KIND_BIT(RULES_NIC));
	bridge_alone(r, n);
	if (n->gateways)
		error_at(r, CONFLICT, &n->gateways->node.pos, "give the nic "
			 "an address", "a bridged net has no address of ours");
	if (*n->mac_text.text)
		error_at(r, CONFLICT, &n->mac_text.pos, NULL,
			 "a bridged net has no MAC of its own");
}

static void check_all_nets(struct rules *r)
{
	struct rules_node *node, **slot;
	struct vec v = { NULL };

	foreach_stmt(r, RULES_NET, node) {
		struct rules_net *n = (struct rules_net *)node;

		if (*n->bridge.text)
			net_bridged(r, n);
		else
			net_routed(r, n);
		n->index = v.n;
		slot = vec_add(r, &v, sizeof(*slot));
		if (!slot)
			return;
		*slot = node;
		if (v.n >= PORTS_MAX) {
			diag_fatal(r, -E2BIG, &node->pos, "too many nets");
			return;
		}
	}
	r->nets = v.data;
	r->nr_nets = v.n;
}

void check_nets(struct rules *r)
{
	struct vec ports = { NULL };
	struct rules_node *n;
	struct rules_iface *i;

	check_nics(r, &ports);
	check_all_nets(r);
	foreach_stmt(r, RULES_DOMAIN, n)
		foreach_node(i, ((struct rules_domain *)n)->ifaces)
			check_iface(r, i, &ports);
	check_overlaps(r);
	foreach_stmt(r, RULES_ROUTE, n)
		check_route(r, (struct rules_route *)n);
}
