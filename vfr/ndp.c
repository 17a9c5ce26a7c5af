/*
 * ndp.c: who has which IPv6 address (RFC 4861), and the same claims checked
 * as in arp.c.  The VFR announces nothing by itself: domains are configured.
 */
#include "internal.h"

enum { OPT_SOURCE_MAC = 1, OPT_TARGET_MAC = 2 };
enum { NA_ROUTER = 0x80, NA_SOLICITED = 0x40, NA_OVERRIDE = 0x20 };

#define NS_LEN	24	/* ICMPv6 header and target */

/* The MAC in an option of that kind; NULL: none.  False: broken options. */
static bool option_mac(const struct judge *j, uint32_t from, uint8_t kind,
		       const uint8_t **mac)
{
	const uint8_t *o = j->p->hdr + j->l4 + from;
	uint32_t n = j->l3 + j->ip_len - j->l4 - from;

	*mac = NULL;
	while (n) {
		if (n < 8 || !o[1] || o[1] * 8u > n)
			return false;
		if (o[0] == kind && o[1] == 1)
			*mac = o + 2;
		n -= o[1] * 8u;
		o += o[1] * 8u;
	}
	return true;
}

static bool sum_ok(const struct judge *j)
{
	uint32_t n = j->l3 + j->ip_len - j->l4;
	const uint8_t *ip = j->p->hdr + j->l3;

	return sum_fold(sum_pseudo(ip + 8, ip + 24, 16, IP_ICMP6, n) +
			sum_add(0, j->p->hdr + j->l4, n)) == 0xffff;
}

/* An NDP message from us; mac NULL: to the group of dst. */
static void ndp_send(struct vfr *v, uint16_t iface, uint8_t type,
		     uint8_t flags, const uint8_t *mac,
		     const struct vfr_addr *src, const struct vfr_addr *dst,
		     const struct vfr_addr *target)
{
	const struct iface *ifc = &v->t->ifaces[iface];
	struct vfr_packet *p = own_packet(v);
	uint8_t group[6] = { 0x33, 0x33, dst->b[12], dst->b[13], dst->b[14],
			     dst->b[15] };
	uint8_t *ip, *h;

	if (!p)
		return;
	ip = p->hdr + ETH_LEN;
	h = ip + IP6_LEN;
	p->len = p->hdr_len = ETH_LEN + IP6_LEN + NS_LEN + 8;
	memset(p->hdr, 0, p->len);
	put16(p->hdr + 12, ETH_IP6);
	ip[0] = 0x60;
	put16(ip + 4, NS_LEN + 8);
	ip[6] = IP_ICMP6;
	ip[7] = 255;
	memcpy(ip + 8, src->b, 16);
	memcpy(ip + 24, dst->b, 16);
	h[0] = type;
	h[4] = flags;
	memcpy(h + 8, target->b, 16);
	h[24] = type == NDP_NS ? OPT_SOURCE_MAC : OPT_TARGET_MAC;
	h[25] = 1;
	memcpy(h + 26, ifc->mac, 6);
	sum_store(h + 2, (uint16_t)~sum_fold(
		sum_pseudo(ip + 8, ip + 24, 16, IP_ICMP6, NS_LEN + 8) +
		sum_add(0, h, NS_LEN + 8)));
	forward_ether(p, ETH_LEN, mac ? mac : group, ifc->mac, ifc->vlan);
	own_send(v, p, iface);
}

void ndp_ask(struct vfr *v, uint16_t iface, const struct vfr_addr *a)
{
	const struct iface *ifc = &v->t->ifaces[iface];
	struct vfr_addr group = { { 0xff, 2, [11] = 1, [12] = 0xff, a->b[13],
				    a->b[14], a->b[15] } };

	ndp_send(v, iface, NDP_NS, 0, NULL, &ifc->ll, &group, a);
}

static void answer(struct vfr *v, struct judge *j,
		   const struct vfr_addr *target)
{
	static const struct vfr_addr all = { { 0xff, 2, [15] = 1 } };
	bool dad = vfr_addr_is_zero(&j->key.src);

	ndp_send(v, j->in, NDP_NA,
		 NA_ROUTER | NA_OVERRIDE | (dad ? 0 : NA_SOLICITED),
		 dad ? NULL : j->p->hdr + 6, target,
		 dad ? &all : &j->key.src, target);
	judge_local(v, j);
}

/* Is a on the link of the bridged net that j came in from? */
static bool on_link(const struct vfr *v, const struct judge *j,
		    const struct vfr_addr *a)
{
	uint16_t net = v->t->ifaces[j->in].net;
	const struct fib_entry *e;

	if (route_link_local(a) || net_has(v, net, a))
		return true;
	e = route_find(v, a, a);
	if (e && e->kind == FIB_VIF)
		return v->t->ifaces[e->out].net == net;
	return e && e->out == v->t->rs.p.nets[net].nic &&
	       vfr_addr_is_zero(&e->via);
}

/*
 * What passes a bridge stays on its link: a router on the LAN would send on
 * what is for an address elsewhere, with all that its options hold.
 */
static bool stays(const struct vfr *v, const struct judge *j)
{
	static const struct vfr_addr routers = { { 0xff, 2, [15] = 2 } };
	const struct vfr_addr *dst = &j->key.dst;

	if (!v->t->ifaces[j->in].bridged && !j->bridged)
		return true;	/* it ends here */
	if (j->key.sport == NDP_RS)
		return route_link_local(dst) || vfr_addr_eq(dst, &routers);
	return dst->b[0] == 0xff ? dst->b[1] == 2 : on_link(v, j, dst);
}

/* May this vif use the address in NDP?  Any link-local one if routed. */
static bool may_use(const struct vfr *v, const struct judge *j,
		    const struct vfr_addr *a)
{
	const struct iface *ifc = &v->t->ifaces[j->in];

	return iface_has_addr(v, j->in, a) ||
	       (!ifc->bridged && route_link_local(a));
}

static void solicit_vif(struct vfr *v, struct judge *j,
			const struct vfr_addr *target)
{
	const struct iface *ifc = &v->t->ifaces[j->in];

	if (iface_owns(v, j->in, target))
		return answer(v, j, target);
	if (ifc->bridged)
		return bridge_ask(v, j, target);
	if (!iface_has_addr(v, j->in, target) && net_has(v, ifc->net, target) &&
	    !vfr_addr_is_zero(&j->key.src))
		return answer(v, j, target);
	judge_local(v, j);
}

static void ndp_vif(struct vfr *v, struct judge *j,
		    const struct vfr_addr *target, const uint8_t *mac)
{
	const struct iface *ifc = &v->t->ifaces[j->in];
	bool dad = vfr_addr_is_zero(&j->key.src);

	if (!may_use(v, j, dad ? target : &j->key.src) ||
	    (mac && memcmp(mac, ifc->peer_mac, 6)))
		return judge_drop(v, j, VFR_DROP_SPOOF);
	switch (j->key.sport) {
	case NDP_NS:
		return solicit_vif(v, j, target);
	case NDP_NA:
		if (!may_use(v, j, target))
			return judge_drop(v, j, VFR_DROP_SPOOF);
		if (ifc->bridged)
			return bridge_flood(v, j);
		return judge_local(v, j);
	case NDP_RS:
		if (ifc->bridged)
			return bridge_flood(v, j);
		return judge_local(v, j);
	default:		/* domains are no routers */
		return judge_drop(v, j, VFR_DROP_SPOOF);
	}
}

static void ndp_nic(struct vfr *v, struct judge *j,
		    const struct vfr_addr *target, const uint8_t *mac)
{
	const struct vfr_addr *src = &j->key.src;

	if (!vfr_addr_is_zero(src) && addr_is_taken(v, j->in, src))
		return judge_drop(v, j, VFR_DROP_SPOOF);
	switch (j->key.sport) {
	case NDP_NS:
		if (iface_owns(v, j->in, target) ||
		    nat_owns(v, j->in, target)) {
			if (mac)
				neigh_learn(v, j->in, src, mac);
			return answer(v, j, target);
		}
		if (j->bridged)
			return bridge_ask(v, j, target);
		break;
	case NDP_NA:
		if (addr_is_taken(v, j->in, target))
			return judge_drop(v, j, VFR_DROP_SPOOF);
		if (mac)
			neigh_learn(v, j->in, target, mac);
		break;
	case NDP_REDIRECT:
		return judge_drop(v, j, VFR_DROP_UNSUPPORTED);
	}
	if (j->bridged)
		bridge_flood(v, j);
	else
		judge_local(v, j);
}

bool ndp_rx(struct vfr *v, struct judge *j)
{
	uint8_t kind;
	const uint8_t *mac;
	struct vfr_addr target = { { 0 } };
	uint32_t from = 8, end = j->l3 + j->ip_len;

	if (j->key.proto != IP_ICMP6 || j->key.sport < NDP_RS ||
	    j->key.sport > NDP_REDIRECT)
		return false;
	if (j->frag || j->p->hdr[j->l3 + 7] != 255 || j->key.dport ||
	    vfr_packet_pull(j->p, end) || !sum_ok(j)) {
		judge_drop(v, j, VFR_DROP_MALFORMED);
		return true;
	}
	kind = j->key.sport == NDP_NA ? OPT_TARGET_MAC : OPT_SOURCE_MAC;
	if (j->key.sport == NDP_RA) {
		from = 16;
	} else if (j->key.sport != NDP_RS) {
		from = j->key.sport == NDP_REDIRECT ? 40 : NS_LEN;
		if (j->l4 + from <= end)
			memcpy(target.b, j->p->hdr + j->l4 + 8, 16);
	}
	if (j->l4 + from > end || target.b[0] == 0xff ||
	    vfr_addr_is_v4(&target) ||	/* those are ARP's */
	    !option_mac(j, from, kind, &mac)) {
		judge_drop(v, j, VFR_DROP_MALFORMED);
		return true;
	}
	if (!stays(v, j))
		judge_drop(v, j, VFR_DROP_NOT_FOR_US);
	else if (v->t->ifaces[j->in].kind == VFR_PORT_VIF)
		ndp_vif(v, j, &target, mac);
	else
		ndp_nic(v, j, &target, mac);
	return true;
}
