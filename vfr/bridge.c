/*
 * bridge.c: nets whose domains sit directly on the LAN behind a NIC.
 *
 * The NIC is the only way out, so what is not a domain's MAC lies behind it.
 * Packets keep their Ethernet header, but sender and receiver must match
 * their bindings, and the rules and flows hold as for routed packets.  The
 * stations seen behind the NIC are remembered for listings, in a bounded
 * table, for five minutes.
 */
#include "internal.h"

#define AGE_NS	(300 * NS_PER_S)

void bridge_learn(struct vfr *v, const struct judge *j)
{
	const uint8_t *mac = j->p->hdr + 6;
	struct mac_entry *e;
	uint64_t h;
	uint32_t k;

	h = hash_bytes(v->seed, mac, 6);
	for (k = 0; k < 4; k++) {
		e = &v->macs[(h + k) % v->lim.macs];
		if (e->seen_ns && memcmp(e->mac, mac, 6) &&
		    v->now - e->seen_ns < AGE_NS)
			continue;
		if (!e->seen_ns)
			v->st.macs++;
		memcpy(e->mac, mac, 6);
		e->dev = j->dev;
		e->vlan = j->vlan;
		e->seen_ns = v->now;
		return;
	}
}

void bridge_tick(struct vfr *v)
{
	uint32_t i;

	for (i = 0; i < v->lim.macs && v->st.macs; i++) {
		if (v->macs[i].seen_ns &&
		    v->now - v->macs[i].seen_ns >= AGE_NS) {
			v->macs[i].seen_ns = 0;
			v->st.macs--;
		}
	}
}

void bridge_send(struct vfr *v, struct judge *j, uint16_t iface)
{
	struct way w = { .out = iface, .neigh = NONE16 };

	j->bridged = 1;
	TRACE(v, j, BRIDGE, iface, 0);
	forward_way(v, j, &w);
}

/* A copy of j's packet to one more port of the net. */
static void copy_to(struct vfr *v, struct judge *j, uint16_t iface)
{
	const struct iface *o = &v->t->ifaces[iface];
	struct vfr_packet *c;

	if (o->dev == NONE16)
		return;
	c = own_clone(v, j->p);
	if (!c) {
		own_missed(v, 1, j->l3 + j->ip_len);
		return;
	}
	forward_trim(c, j->l3 + j->ip_len);
	forward_ether(c, j->l3, c->hdr, c->hdr + 6, o->vlan);
	own_send(v, c, iface);
}

/* Port i of the net that j came in from, other than where it came in. */
static bool is_other(const struct vfr *v, const struct judge *j, uint32_t i)
{
	const struct iface *in = &v->t->ifaces[j->in], *o = &v->t->ifaces[i];

	if (i == j->in)
		return false;
	if (o->bridged)
		return o->net == in->net;
	return in->bridged && v->t->rs.p.nets[in->net].nic == i;
}

void bridge_flood(struct vfr *v, struct judge *j)
{
	const struct iface *in = &v->t->ifaces[j->in];
	uint16_t to;
	uint32_t i;

	if (!j->multicast) {
		to = iface_of_mac(v, in->net, j->p->hdr);
		if (to == NONE16 && in->bridged)
			to = v->t->rs.p.nets[in->net].nic;
		if (to == NONE16 || to == j->in)
			judge_drop(v, j, VFR_DROP_NOT_FOR_US);
		else
			bridge_send(v, j, to);
		return;
	}
	for (i = 0; i < v->t->nr_ifaces; i++)
		if (is_other(v, j, i))
			copy_to(v, j, (uint16_t)i);
	judge_local(v, j);
}

/* The vif of that net with this address, NONE16 if none is known to have it:
 * then *any says whether some vif, bound to any address, may. */
static uint16_t vif_of(const struct vfr *v, uint16_t net,
		       const struct vfr_addr *a, bool *any)
{
	uint32_t i;

	*any = false;
	for (i = 0; i < v->t->nr_ifaces; i++) {
		const struct iface *ifc = &v->t->ifaces[i];

		if (!ifc->bridged || ifc->net != net)
			continue;
		if (iface_is_any(v, (uint16_t)i))
			*any = true;
		else if (iface_has_addr(v, (uint16_t)i, a))
			return (uint16_t)i;
	}
	return NONE16;
}

void bridge_ask(struct vfr *v, struct judge *j, const struct vfr_addr *target)
{
	const struct iface *in = &v->t->ifaces[j->in];
	bool any = false;
	uint16_t to;

	if (j->multicast)
		to = vif_of(v, in->net, target, &any);
	else
		to = iface_of_mac(v, in->net, j->p->hdr);
	if (to == NONE16 && any)
		return bridge_flood(v, j);
	/* Who asks for itself announces itself. */
	if ((to == NONE16 || to == j->in) && in->kind == VFR_PORT_VIF)
		to = v->t->rs.p.nets[in->net].nic;
	if (to == NONE16 || to == j->in)
		judge_local(v, j);
	else
		bridge_send(v, j, to);
}

/* Is that one of these prefixes' last address, for all its hosts (RFC 919)? */
static bool is_last(const struct vfr_prefix *a, uint32_t n, uint32_t ip)
{
	struct vfr_addr x = vfr_addr_v4(ip);

	for (; n; n--, a++)
		if (a->len > VFR_V4_BITS && a->len < 127 &&
		    vfr_prefix_has(a, &x) &&
		    (ip | UINT32_MAX << (128 - a->len)) == UINT32_MAX)
			return true;
	return false;
}

/* Is j for a group, or all of its net? */
static bool for_group(const struct vfr *v, const struct judge *j)
{
	const struct vfr_rs_parts *p = &v->t->rs.p;
	const struct vfr_rs_net *n = &p->nets[v->t->ifaces[j->in].net];
	const struct vfr_rs_port *nic = &p->ports[n->nic];
	const struct vfr_addr *a = &j->key.dst;
	uint32_t ip = get32(a->b + 12);

	if (j->v6)
		return a->b[0] == 0xff;
	return a->b[12] >= 224 ||
	       is_last(p->addrs + n->first_addr, n->nr_addrs, ip) ||
	       is_last(p->addrs + nic->first_addr, nic->nr_addrs, ip);
}

/* Multicast and broadcast: each way out is asked of the rules. */
static void group(struct vfr *v, struct judge *j)
{
	enum vfr_reason reason = VFR_DROP_NOT_FOR_US;	/* nobody else there */
	uint32_t i, rule = NONE32;

	/* For one station it would get by without a flow; receivers ignore
	   it anyway (RFC 1122, 3.3.6). */
	if (!for_group(v, j))
		return judge_drop(v, j, VFR_DROP_MARTIAN);
	for (i = 0; i < v->t->nr_ifaces; i++) {
		if (!is_other(v, j, i))
			continue;
		j->key.out = (uint16_t)i;
		reason = open_ask(v, j);
		if (reason == VFR_DROP_NONE && forward_is_long(v, j, j->key.out))
			reason = VFR_DROP_MTU;
		if (reason != VFR_DROP_NONE)
			continue;
		rule = j->rule;
		open_count(v, j, rule);
		copy_to(v, j, (uint16_t)i);
	}
	if (rule == NONE32)
		return judge_drop(v, j, reason);
	j->rule = rule;		/* for captures: that let it pass */
	judge_local(v, j);
}

void bridge_rx(struct vfr *v, struct judge *j)
{
	const struct iface *in = &v->t->ifaces[j->in];
	int dir;

	if (!judge_binding(v, j))
		return judge_drop(v, j, VFR_DROP_SPOOF);
	if (in->kind == VFR_PORT_NIC)
		bridge_learn(v, j);
	if (j->multicast)
		return group(v, j);
	j->to = iface_of_mac(v, in->net, j->p->hdr);
	if (j->to == NONE16 && in->kind == VFR_PORT_VIF)
		j->to = v->t->rs.p.nets[in->net].nic;
	if (j->to == NONE16 || j->to == j->in ||
	    (v->t->ifaces[j->to].kind == VFR_PORT_VIF &&
	     !iface_has_addr(v, j->to, &j->key.dst)))
		return judge_drop(v, j, VFR_DROP_NOT_FOR_US);
	if (unlikely(j->frag))
		return frag_rx(v, j);
	judge_flow(v, j, &dir);
}
