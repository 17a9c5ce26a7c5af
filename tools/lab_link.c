/*
 * lab_link.c: who is where in the lab: ports of the ruleset and of the VFR, and
 * the Ethernet addresses that a frame has on each.
 */
#include "lab.h"

#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

void lab_device_mac(unsigned int n, uint8_t mac[6])
{
	/* Unlike any neighbour's, which ends in a part of its address. */
	const uint8_t own[6] = { 0x02, 0x4c, n >> 24, n >> 16, n >> 8, n };

	memcpy(mac, own, sizeof(own));
}

unsigned int lab_vfr_port(const struct lab *l, unsigned int rs_port)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);
	int port;

	if (rs_port >= rs->p.nr_ports)
		return VFR_PORT_SELF;
	port = vfr_port_find(l->v, vfr_ruleset_text(
		rs, rs->p.ports[rs_port].device));
	return port < 0 ? VFR_PORT_SELF : (unsigned int)port;
}

unsigned int lab_rs_port(const struct lab *l, unsigned int vfr_port,
			 const uint8_t *frame, size_t len)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);
	uint16_t vlan = frame_vlan(frame, len);
	unsigned int i;

	for (i = 0; i < rs->p.nr_ports; i++)
		if (lab_vfr_port(l, i) == vfr_port &&
		    (rs->p.ports[i].kind == VFR_PORT_VIF ||
		     rs->p.ports[i].vlan == vlan))
			return i;
	return VFR_NONE16;
}

unsigned int lab_first_rs_port(const struct lab *l, unsigned int vfr_port)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);
	unsigned int i;

	for (i = 0; i < rs->p.nr_ports; i++)
		if (lab_vfr_port(l, i) == vfr_port)
			return i;
	return VFR_NONE16;
}

bool lab_is_neighbour_talk(const struct lab *l, uint64_t id,
			   const uint8_t *frame, size_t len)
{
	struct frame_peek p;

	if (id == l->id)
		return false;
	frame_peek(frame, len, &p);
	return p.ethertype == ETHERTYPE_ARP ||
	       (p.proto == IPPROTO_ICMPV6 &&
		(p.icmp_type == ND_NEIGHBOR_SOLICIT ||
		 p.icmp_type == ND_NEIGHBOR_ADVERT));
}

static bool is_any(const struct vfr_prefix *p)
{
	return !p->len || (p->len == VFR_V4_BITS && vfr_addr_is_v4(&p->addr));
}

/* Length of the longest of a port's prefixes that holds a, or -1.  `any` is
 * no prefix: who may have any address is not known by one. */
static int longest_prefix(const struct vfr_ruleset *rs,
			  const struct vfr_rs_port *rp,
			  const struct vfr_addr *a)
{
	int best = -1;
	uint32_t i;

	for (i = 0; i < rp->nr_addrs; i++) {
		const struct vfr_prefix *p = &rs->p.addrs[rp->first_addr + i];

		if (p->len > best && !is_any(p) && vfr_prefix_has(p, a))
			best = p->len;
	}
	return best;
}

static bool has_gateway(const struct vfr_rs_port *rp, const struct vfr_addr *a)
{
	return rp->kind == VFR_PORT_NIC &&
	       !vfr_addr_is_zero(vfr_addr_is_v4(a) ? &rp->gateway4 :
				 &rp->gateway6);
}

unsigned int lab_port_of(const struct lab *l, const struct vfr_addr *src)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);
	unsigned int port = 0;
	int best = -1;
	uint32_t i;

	for (i = 0; i < rs->p.nr_ports; i++) {
		int len = longest_prefix(rs, &rs->p.ports[i], src);

		if (len > best) {
			best = len;
			port = i;
		}
	}
	for (i = 0; best < 0 && i < rs->p.nr_ports; i++)
		if (has_gateway(&rs->p.ports[i], src))
			return i;
	for (i = 0; best < 0 && i < rs->p.nr_ports; i++)
		if (rs->p.ports[i].kind == VFR_PORT_NIC)
			return i;
	return port;
}

static bool is_multicast(const struct vfr_addr *a)
{
	return vfr_addr_is_v4(a) ? a->b[12] >= 224 : a->b[0] == 0xff;
}

/* RFC 1112, 6.4 and RFC 2464, 7 */
static void multicast_mac(const struct vfr_addr *a, uint8_t mac[6])
{
	static const uint8_t all[4] = { 255, 255, 255, 255 };

	if (!vfr_addr_is_v4(a)) {
		memcpy(mac, "\x33\x33", 2);
		memcpy(mac + 2, a->b + 12, 4);
	} else if (memcmp(a->b + 12, all, 4) == 0) {
		memset(mac, 0xff, 6);
	} else {
		memcpy(mac, "\x01\x00\x5e", 3);
		memcpy(mac + 3, a->b + 13, 3);
		mac[3] &= 0x7f;
	}
}

/* The vif that has dst on the LAN behind a NIC port, or NULL. */
static const struct vfr_rs_port *bridged_vif(const struct vfr_ruleset *rs,
					     unsigned int nic,
					     const struct vfr_addr *dst)
{
	const struct vfr_rs_port *found = NULL;
	int best = -1;
	uint32_t i;

	for (i = 0; i < rs->p.nr_ports; i++) {
		const struct vfr_rs_port *rp = &rs->p.ports[i];
		int len;

		if (rp->kind != VFR_PORT_VIF ||
		    rs->p.nets[rp->net].kind != VFR_NET_BRIDGED ||
		    rs->p.nets[rp->net].nic != nic)
			continue;
		len = longest_prefix(rs, rp, dst);
		if (len > best) {
			best = len;
			found = rp;
		}
	}
	return found;
}

/* The station on a LAN that takes frames to dst. */
static void lan_mac(const struct vfr_ruleset *rs, unsigned int nic,
		    const struct vfr_addr *dst, uint8_t mac[6])
{
	const struct vfr_rs_port *vif = bridged_vif(rs, nic, dst);

	if (vif)
		memcpy(mac, vif->mac, 6);
	else
		frame_neighbour_mac(dst, mac);
}

/* A NIC's own Ethernet address: of the rule file, else the device's. */
static void nic_mac(const struct lab *l, unsigned int rs_port, uint8_t mac[6])
{
	static const uint8_t none[6];
	const struct vfr_rs_port *rp = &vfr_loaded(l->v)->p.ports[rs_port];
	unsigned int port = lab_vfr_port(l, rs_port), i;

	memcpy(mac, rp->mac, 6);
	for (i = 0; memcmp(mac, none, 6) == 0 && i < l->nr_devices; i++)
		if (l->devices[i].port == port)
			lab_device_mac(i, mac);
}

void lab_link(const struct lab *l, unsigned int rs_port,
	      const struct vfr_addr *src, const struct vfr_addr *dst,
	      struct lab_link *link)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);
	const struct vfr_rs_port *rp = &rs->p.ports[rs_port];
	const struct vfr_rs_net *net;

	link->vlan = rp->vlan;
	if (rp->kind == VFR_PORT_VIF) {
		net = &rs->p.nets[rp->net];
		memcpy(link->src_mac, rp->mac, 6);
		if (net->kind == VFR_NET_BRIDGED)
			lan_mac(rs, net->nic, dst, link->dst_mac);
		else
			memcpy(link->dst_mac, net->mac, 6);
	} else {
		frame_neighbour_mac(src, link->src_mac);
		if (bridged_vif(rs, rs_port, dst))
			lan_mac(rs, rs_port, dst, link->dst_mac);
		else
			nic_mac(l, rs_port, link->dst_mac);
	}
	if (is_multicast(dst))
		multicast_mac(dst, link->dst_mac);
}
