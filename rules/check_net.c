/*
 * check_net.c: nics, nets, domains and routes fit together.
 *
 * Gives every nic and every interface its port, in the order of the text.
 */
#include "rules_int.h"

#include <errno.h>

#define PORTS_MAX	(UINT16_MAX - 1)
#define KEY_MAX		80

/* One more port.  n: a nic or an interface. */
static uint16_t add_port(struct rules *r, struct vec *ports,
			 struct rules_node *n)
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

static void claim_addr(struct rules *r, const struct vfr_addr *a,
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

static bool mac_is_set(const uint8_t mac[6])
{
	return mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5];
}

/* A MAC that stays the same as long as the name does: locally administered. */
static void choose_mac(struct rules *r, uint8_t mac[6], const char *name,
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

static void claim_mac(struct rules *r, const uint8_t mac[6],
		      struct rules_node *n, const struct rules_text *text)
{
	char key[KEY_MAX];
	struct strbuf b;

	strbuf_init(&b, key, sizeof(key));
	out_print(&b.out, "@");
	print_mac(&b.out, mac);
	check_unique(r, key, n, &text->pos, "MAC");
}

/* --- nics --- */

static bool prefix_has(const struct rules_ref *p, const struct vfr_addr *a)
{
	struct vfr_prefix prefix = { p->lo, p->prefix_len };

	return vfr_prefix_has(&prefix, a);
}

static void nic_gateways(struct rules *r, struct rules_nic *n)
{
	struct rules_ref *gw, *a;

	foreach_node(gw, n->gateways) {
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
		foreach_node(a, n->addresses)
			claim_addr(r, &a->lo, node, &a->node.pos);
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

#define LEN_MAX_NET 126		/* a /30 or /126: room for us and a domain */

/* Our address in a prefix: the one written, or the first. */
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
	foreach_node(gw, n->gateways) {
		foreach_node(p, n->prefixes)
			if (prefix_has(p, &gw->lo))
				break;
		if (!p)
			error_at(r, CONFLICT, &gw->node.pos, NULL, "address "
				 "%A is in no prefix of `%s`", &gw->lo,
				 n->node.name);
	}
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

/* The prefixes of routed nets and the links of nics are all different. */
struct claimed {
	struct vfr_addr		lo, hi;
	const struct rules_ref	*ref;
	const struct rules_node	*owner;
};

#define CLAIMED_MAX 8192	/* each is compared with each */

static bool claim_prefix(struct rules *r, struct vec *v,
			 const struct rules_ref *ref,
			 const struct rules_node *owner)
{
	struct claimed c = { .ref = ref, .owner = owner }, *o = v->data, *slot;
	size_t i;

	if (v->n >= CLAIMED_MAX) {
		diag_fatal(r, -E2BIG, &ref->node.pos, "more than %d prefixes "
			   "of nics and nets", CLAIMED_MAX);
		return false;
	}
	prefix_bounds(&ref->lo, ref->prefix_len, &c.lo, &c.hi);
	for (i = 0; i < v->n; i++) {
		if (addr_cmp(&c.hi, &o[i].lo) < 0 ||
		    addr_cmp(&o[i].hi, &c.lo) < 0 || o[i].owner == owner)
			continue;
		/* Two uplinks may share a link; two nets may not. */
		if (owner->kind == RULES_NIC && o[i].owner->kind == RULES_NIC)
			continue;
		diag_report(r, &(struct diag_args){ RULES_ERROR,
			    RULES_CODE_CONFLICT, &ref->node.pos,
			    &o[i].ref->node.pos, NULL },
			    "this prefix overlaps that of `%s`",
			    o[i].owner->name);
		return false;
	}
	slot = vec_add(r, v, sizeof(*slot));
	if (slot)
		*slot = c;
	return slot;
}

static void check_overlaps(struct rules *r)
{
	const struct rules_ref *ref;
	struct rules_node *n;
	struct vec v = { NULL };

	foreach_stmt(r, RULES_NIC, n)
		foreach_node(ref, ((struct rules_nic *)n)->addresses)
			claim_prefix(r, &v, ref, n);
	foreach_stmt(r, RULES_NET, n)
		if (!*((struct rules_net *)n)->bridge.text)
			foreach_node(ref, ((struct rules_net *)n)->prefixes)
				if (!claim_prefix(r, &v, ref, n))
					break;
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
	check_overlaps(r);
}

/* --- interfaces --- */

static void addr_in_net(struct rules *r, struct rules_iface *i,
			const struct rules_ref *a)
{
	const struct rules_net *n = i->net;
	struct vfr_addr lo, hi;
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
	prefix_bounds(&p->lo, p->prefix_len, &lo, &hi);
	if (vfr_addr_is_v4(&a->lo) && (vfr_addr_eq(&lo, &a->lo) ||
				       vfr_addr_eq(&hi, &a->lo)))
		error_at(r, VALUE, &a->node.pos, NULL, "%A is the %s address "
			 "of its net", &a->lo, vfr_addr_eq(&lo, &a->lo) ?
			 "network" : "broadcast");
}

static bool overlap(const struct rules_ref *a, const struct rules_ref *b)
{
	return vfr_addr_is_v4(&a->lo) == vfr_addr_is_v4(&b->lo) &&
	       (prefix_has(a, &b->lo) || prefix_has(b, &a->lo));
}

/* A prefix behind a domain is in no net. */
static void check_routed(struct rules *r, const struct rules_ref *a)
{
	bool v4 = vfr_addr_is_v4(&a->lo);
	struct rules_node *n;
	struct rules_ref *q;

	if (a->prefix_len == (v4 ? VFR_V4_BITS : 0)) {
		error_at(r, CONFLICT, &a->node.pos, NULL, "a domain routes "
			 "some prefixes, not everything");
		return;
	}
	foreach_stmt(r, RULES_NET, n)
		foreach_node(q, ((struct rules_net *)n)->prefixes)
			if (overlap(a, q))
				error_at(r, CONFLICT, &a->node.pos, NULL,
					 "this prefix overlaps net `%s`",
					 n->name);
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

static void check_iface(struct rules *r, struct rules_iface *i,
			struct vec *ports)
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

/* --- routes --- */

static void check_route(struct rules *r, struct rules_route *rt)
{
	struct rules_nic *nic = NULL;
	struct rules_node *n;
	struct rules_ref *src;

	rt->port = RULES_PORT_ANY;
	foreach_node(src, rt->src)
		if (src->not || src->range)
			error_at(r, SYNTAX, &src->node.pos, NULL, "here stands "
				 "a prefix, a net or a domain");
		else if (src->kind == RULES_REF_NAME)
			resolve(r, src, KIND_BIT(RULES_NET) |
				KIND_BIT(RULES_DOMAIN), false);
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
	foreach_stmt(r, RULES_ROUTE, n)
		check_route(r, (struct rules_route *)n);
}

/* --- the blocks of domains --- */

#define MEMORY_MIN	(1u << 20)

static void after_resolve(struct rules *r, struct rules_domain *d)
{
	struct rules_ref *a;

	foreach_node(a, d->after)
		resolve(r, a, KIND_BIT(RULES_DOMAIN), false);
}

/*
 * Does d wait for itself?  Follows one chain for each `after`; a domain that
 * has been looked at (mark) is not followed again, so the work is linear.
 */
static bool after_cycle(struct rules *r, struct rules_domain *d,
			unsigned int depth)
{
	struct rules_ref *a;
	bool found = false;

	if (d->mark == 2 || depth > 1000)
		return false;
	if (d->mark == 1)
		return true;
	d->mark = 1;
	foreach_node(a, d->after) {
		if (!a->target || found)
			continue;
		if (after_cycle(r, (struct rules_domain *)a->target,
				depth + 1)) {
			error_at(r, CONFLICT, &a->node.pos, NULL, "`%s` and "
				 "`%s` wait for each other", d->node.name,
				 a->target->name);
			found = true;
		}
	}
	d->mark = 2;
	return false;
}

static void check_block(struct rules *r, struct rules_domain *d)
{
	struct rules_disk *k, *o;

	if (*d->kernel && !d->memory_bytes)
		error_at(r, CONFLICT, &d->node.pos, "write memory 64M",
			 "domain `%s` has a kernel and no memory",
			 d->node.name);
	if (d->memory_bytes && d->memory_bytes < MEMORY_MIN)
		error_at(r, VALUE, &d->node.pos, NULL, "domain `%s` needs at "
			 "least 1M of memory", d->node.name);
	if (!*d->kernel && *d->ramdisk)
		error_at(r, CONFLICT, &d->node.pos, NULL, "domain `%s` has a "
			 "ramdisk and no kernel", d->node.name);
	if (!d->warp_ns && (d->warp_limit_ns || d->unwarp_ns))
		warn_at(r, CONFLICT, &d->node.pos, "write warp TIME",
			"without warp, warp_limit and unwarp mean nothing");
	foreach_node(k, d->disks)
		for (o = d->disks; o != k; o = (void *)o->node.next)
			if (strcmp(o->node.name, k->node.name) == 0)
				error_at(r, CONFLICT, &k->node.pos, NULL,
					 "disk `%s` is given twice",
					 k->node.name);
}

void check_blocks(struct rules *r)
{
	struct rules_node *n;

	foreach_stmt(r, RULES_DOMAIN, n) {
		after_resolve(r, (struct rules_domain *)n);
		check_block(r, (struct rules_domain *)n);
	}
	foreach_stmt(r, RULES_DOMAIN, n)
		after_cycle(r, (struct rules_domain *)n, 0);
}
