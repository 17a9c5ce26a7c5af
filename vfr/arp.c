/*
 * arp.c: who has which IPv4 address (RFC 826).
 *
 * On a vif the VFR answers for every address of a routed net but the
 * domain's own, so that all traffic comes to it.  On a NIC it answers for its
 * own addresses and those it translates.  Between a bridged net's domains and
 * its NIC, requests and answers go to whom they concern, after the sender's
 * claim has been checked against its binding.
 */
#include "internal.h"

enum { ARP_REQUEST = 1, ARP_REPLY = 2, ARP_LEN = 28 };

struct arp {
	struct vfr_addr	spa, tpa;	/* sender and target address */
	const uint8_t	*sha;
	uint16_t	op;
};

static void arp_write(uint8_t *h, uint16_t op, const uint8_t *sha,
		      const struct vfr_addr *spa, const uint8_t *tha,
		      const struct vfr_addr *tpa)
{
	static const uint8_t start[6] = { 0, 1, 8, 0, 6, 4 };

	memcpy(h, start, 6);
	put16(h + 6, op);
	memcpy(h + 8, sha, 6);
	memcpy(h + 14, spa->b + 12, 4);
	memcpy(h + 18, tha, 6);
	memcpy(h + 24, tpa->b + 12, 4);
}

static void arp_send(struct vfr *v, uint16_t iface, uint16_t op,
		     const uint8_t *mac, const struct vfr_addr *spa,
		     const struct vfr_addr *tpa)
{
	static const uint8_t nobody[6];
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	const struct iface *ifc = &v->t->ifaces[iface];
	struct vfr_packet *p = own_packet(v);

	if (!p)
		return;
	p->len = p->hdr_len = ETH_LEN + ARP_LEN;
	put16(p->hdr + 12, ETH_ARP);
	arp_write(p->hdr + ETH_LEN, op, ifc->mac, spa, mac ? mac : nobody, tpa);
	forward_ether(p, ETH_LEN, mac ? mac : all, ifc->mac, ifc->vlan);
	own_send(v, p, iface);
}

void arp_ask(struct vfr *v, uint16_t iface, const struct vfr_addr *a)
{
	static const struct vfr_addr none = { { [10] = 0xff, [11] = 0xff } };
	const struct iface *ifc = &v->t->ifaces[iface];
	const struct vfr_addr *from = &ifc->addr4;

	arp_send(v, iface, ARP_REQUEST, NULL,
		 vfr_addr_is_zero(from) ? &none : from, a);
}

static bool arp_read(const struct judge *j, struct arp *a)
{
	static const uint8_t start[6] = { 0, 1, 8, 0, 6, 4 };
	const uint8_t *h = j->p->hdr + j->l3;

	a->op = get16(h + 6);
	a->sha = h + 8;
	a->spa = vfr_addr_v4(get32(h + 14));
	a->tpa = vfr_addr_v4(get32(h + 24));
	return !memcmp(h, start, 6) &&
	       (a->op == ARP_REQUEST || a->op == ARP_REPLY);
}

static void answer(struct vfr *v, struct judge *j, const struct arp *a)
{
	arp_send(v, j->in, ARP_REPLY, a->sha, &a->tpa, &a->spa);
	judge_local(v, j);
}

static void arp_nic(struct vfr *v, struct judge *j, const struct arp *a)
{
	const struct iface *ifc = &v->t->ifaces[j->in];

	if (addr_is_taken(v, j->in, &a->spa))
		return judge_drop(v, j, VFR_DROP_SPOOF);
	if (a->op == ARP_REQUEST && (iface_has_addr(v, j->in, &a->tpa) ||
				     nat_owns(v, j->in, &a->tpa))) {
		neigh_learn(v, j->in, &a->spa, a->sha);
		return answer(v, j, a);
	}
	if (a->op == ARP_REPLY)
		neigh_learn(v, j->in, &a->spa, a->sha);
	if (ifc->net != NONE16 && memcmp(j->p->hdr, ifc->mac, 6)) {
		bridge_learn(v, j);
		return bridge_ask(v, j, &a->tpa);
	}
	judge_local(v, j);
}

static void arp_vif(struct vfr *v, struct judge *j, const struct arp *a)
{
	const struct iface *ifc = &v->t->ifaces[j->in];
	bool probe = !(get32(a->spa.b + 12));	/* RFC 5227 */

	if (memcmp(a->sha, ifc->peer_mac, 6) ||
	    !iface_has_addr(v, j->in, probe ? &a->tpa : &a->spa))
		return judge_drop(v, j, VFR_DROP_SPOOF);
	if (ifc->bridged) {
		if (a->op == ARP_REQUEST && iface_owns(v, j->in, &a->tpa))
			return answer(v, j, a);
		return bridge_ask(v, j, &a->tpa);
	}
	if (a->op == ARP_REQUEST && !iface_has_addr(v, j->in, &a->tpa) &&
	    net_has(v, ifc->net, &a->tpa))
		return answer(v, j, a);
	judge_local(v, j);
}

void arp_rx(struct vfr *v, struct judge *j)
{
	struct arp a;

	j->ip_len = ARP_LEN;
	if (!arp_read(j, &a))
		return judge_drop(v, j, VFR_DROP_MALFORMED);
	j->key.src = a.spa;
	j->key.dst = a.tpa;
	if (memcmp(a.sha, j->p->hdr + 6, 6))
		return judge_drop(v, j, VFR_DROP_SPOOF);
	if (v->t->ifaces[j->in].kind == VFR_PORT_NIC)
		arp_nic(v, j, &a);
	else
		arp_vif(v, j, &a);
}
