/*
 * parse_net.c: nics, nets and routes.
 */
#include "parse.h"

#define MTU_MIN		68	/* RFC 791 */
#define MTU_MAX		65535
#define VLAN_MAX	4094

/* --- nic --- */

static bool nic_device(struct parser *p, void *obj)
{
	struct rules_nic *n = obj;

	if (p->tok.kind != TOK_WORD && p->tok.kind != TOK_STRING)
		return parse_expected(p, "a device like nic0");
	n->device.pos = p->tok.pos;
	n->device.text = p->tok.kind == TOK_STRING ? p->tok.s :
		rules_strdup(p->r, p->tok.s, p->tok.len);
	n->device_quoted = p->tok.kind == TOK_STRING;
	if (strlen(n->device.text) >= RULES_DEVICE_MAX)
		return parse_error(p, &p->tok, RULES_CODE_LIMIT, NULL,
				   "the name of a device has at most %d bytes",
				   RULES_DEVICE_MAX - 1);
	parse_next(p);
	return n->device.text;
}

static bool parse_vlan_id(struct parser *p, uint16_t *vlan,
			  struct rules_text *text)
{
	uint64_t id;

	if (!parse_number(p, text, 1, VLAN_MAX, &id, "a VLAN id"))
		return false;
	*vlan = id;
	return true;
}

static bool nic_vlan(struct parser *p, void *obj)
{
	struct rules_nic *n = obj;

	if (!parse_vlan_id(p, &n->vlan, &n->vlan_text))
		return false;
	if (!parse_accept(p, "on"))
		return parse_expected(p, "`on` and the nic that carries the "
				      "VLAN");
	n->parent.pos = p->tok.pos;
	return parse_name(p, &n->parent.text, "the nic that carries the VLAN");
}

static bool nic_address(struct parser *p, void *obj)
{
	struct rules_nic *n = obj;

	return (n->addresses = parse_refs(p, REF_LINKS));
}

static bool nic_gateway(struct parser *p, void *obj)
{
	struct rules_nic *n = obj;

	return (n->gateways = parse_refs(p, REF_ADDRS));
}

static bool nic_mac(struct parser *p, void *obj)
{
	struct rules_nic *n = obj;

	return parse_mac(p, &n->mac_text, n->mac);
}

static bool parse_mtu(struct parser *p, struct rules_text *t, uint32_t *mtu)
{
	uint64_t n;

	if (!parse_number(p, t, MTU_MIN, MTU_MAX, &n, "an MTU"))
		return false;
	*mtu = n;
	return true;
}

static bool nic_mtu(struct parser *p, void *obj)
{
	struct rules_nic *n = obj;

	return parse_mtu(p, &n->mtu_text, &n->mtu);
}

static bool nic_rate(struct parser *p, void *obj)
{
	struct rules_nic *n = obj;

	return parse_rate(p, &n->rate_text, &n->rate_bps);
}

static bool parse_no_ping(struct parser *p, bool *no_ping)
{
	*no_ping = true;
	if (!parse_accept(p, "ping"))
		return parse_expected(p, "`ping`");
	return true;
}

static bool nic_no(struct parser *p, void *obj)
{
	return parse_no_ping(p, &((struct rules_nic *)obj)->no_ping);
}

static const struct clause nic_clauses[] = {
	{ "device", nic_device }, { "vlan", nic_vlan },
	{ "address", nic_address }, { "gateway", nic_gateway },
	{ "mac", nic_mac }, { "mtu", nic_mtu }, { "rate", nic_rate },
	{ "no", nic_no }, { NULL },
};

/* nic NAME [device D] [vlan N on NIC] [address A/N] [gateway A] ... */
struct rules_node *parse_nic(struct parser *p)
{
	struct rules_nic *n = node_begin(p, sizeof(*n), RULES_NIC);

	if (!n)
		return NULL;
	n->device.text = n->parent.text = n->mac_text.text = "";
	n->mtu_text.text = n->rate_text.text = n->vlan_text.text = "";
	parse_next(p);
	if (parse_node_name(p, &n->node, "a name for the nic"))
		parse_clauses(p, nic_clauses, n, "address, gateway, device, "
			      "vlan, mac, mtu, rate or `no ping`");
	return &n->node;
}

/* --- net --- */

static bool net_bridged(struct parser *p, void *obj)
{
	struct rules_net *n = obj;

	if (!parse_accept(p, "on"))
		return parse_expected(p, "`on` and the nic of the LAN");
	n->bridge.pos = p->tok.pos;
	return parse_name(p, &n->bridge.text, "the nic of the LAN");
}

static bool net_address(struct parser *p, void *obj)
{
	struct rules_net *n = obj;

	return (n->gateways = parse_refs(p, REF_ADDRS));
}

static bool net_mac(struct parser *p, void *obj)
{
	struct rules_net *n = obj;

	return parse_mac(p, &n->mac_text, n->mac);
}

static bool net_mtu(struct parser *p, void *obj)
{
	struct rules_net *n = obj;

	return parse_mtu(p, &n->mtu_text, &n->mtu);
}

static bool net_no(struct parser *p, void *obj)
{
	return parse_no_ping(p, &((struct rules_net *)obj)->no_ping);
}

static const struct clause net_clauses[] = {
	{ "bridged", net_bridged }, { "address", net_address },
	{ "mac", net_mac }, { "mtu", net_mtu }, { "no", net_no }, { NULL },
};

/* net NAME [PREFIX, ...] [bridged on NIC] [address GATEWAY] ... */
struct rules_node *parse_net(struct parser *p)
{
	struct rules_net *n = node_begin(p, sizeof(*n), RULES_NET);

	if (!n)
		return NULL;
	n->bridge.text = n->mac_text.text = n->mtu_text.text = "";
	parse_next(p);
	if (!parse_node_name(p, &n->node, "a name for the net"))
		return &n->node;
	if (tok_is_punct(p, '{') || tok_opaque(p) ||
	    (p->tok.kind == TOK_WORD && p->tok.len &&
	     (memchr(p->tok.s, '/', p->tok.len) ||
	      memchr(p->tok.s, ':', p->tok.len) || p->tok.s[0] <= '9'))) {
		n->prefixes = parse_refs(p, REF_PREFIXES);
		if (!n->prefixes)
			return &n->node;
	}
	parse_clauses(p, net_clauses, n, "a prefix, address, bridged, mac, mtu "
		      "or `no ping`");
	return &n->node;
}

/* --- route --- */

static bool route_from(struct parser *p, void *obj)
{
	struct rules_route *r = obj;

	return (r->src = parse_refs(p, REF_HOSTS));
}

static bool route_via(struct parser *p, void *obj)
{
	struct rules_route *r = obj;

	return (r->via = parse_ref(p, REF_ADDRS));
}

static bool route_on(struct parser *p, void *obj)
{
	struct rules_route *r = obj;

	return (r->on = parse_ref(p, REF_NAMES));
}

static const struct clause route_clauses[] = {
	{ "from", route_from }, { "via", route_via }, { "on", route_on },
	{ NULL },
};

/* route default|PREFIX [from PREFIX|NET] via ADDRESS [on NIC] */
struct rules_node *parse_route(struct parser *p)
{
	struct rules_route *r = node_begin(p, sizeof(*r), RULES_ROUTE);

	if (!r)
		return NULL;
	parse_next(p);
	if (tok_value_is(p, "default")) {
		r->dst = node_begin(p, sizeof(*r->dst), RULES_SET);
		if (!r->dst)
			return NULL;
		r->dst->kind = RULES_REF_ANY;
		if (!parse_text(p, &r->dst->text))
			return &r->node;
	} else {
		r->dst = parse_ref(p, REF_PREFIXES);
		if (!r->dst)
			return &r->node;
	}
	if (!parse_clauses(p, route_clauses, r, "via, on or from"))
		return &r->node;
	if (!r->via && !r->on)
		parse_expected(p, "`via` and the next hop, or `on` and a nic");
	return &r->node;
}
