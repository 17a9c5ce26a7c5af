/*
 * parse.c: a frame's headers into a struct judge.
 *
 * Whatever a length field claims is checked against the packet before it is
 * used, and headers are pulled into the private copy before they are read.
 * What a receiver could read differently than we do is dropped.
 */
#include "internal.h"

static bool bad(struct judge *j, enum vfr_reason reason)
{
	j->kind = PKT_BAD;
	j->reason = reason;
	return false;
}

/* Bytes up to `end` are in hdr, or the packet is at fault. */
static HOT bool need(struct judge *j, uint32_t end)
{
	if (likely(end <= j->p->hdr_len) || !vfr_packet_pull(j->p, end))
		return true;
	return bad(j, end > j->p->len ? VFR_DROP_MALFORMED : VFR_DROP_HEADERS);
}

/* A transport header of n bytes at l4 lies within the IP packet. */
static HOT bool need_l4(struct judge *j, uint32_t n)
{
	if (unlikely(j->l4 + n > j->l3 + j->ip_len))
		return bad(j, j->frag ? VFR_DROP_FRAG_OVERLAP
				      : VFR_DROP_MALFORMED);
	return need(j, j->l4 + n);
}

static bool parse_ports(struct judge *j)
{
	const uint8_t *h = j->p->hdr + j->l4;

	j->key.sport = j->sport = get16(h);
	j->key.dport = j->dport = get16(h + 2);
	return true;
}

static bool parse_tcp(struct judge *j)
{
	uint32_t hlen;

	if (!need_l4(j, TCP_LEN))
		return false;
	hlen = (j->p->hdr[j->l4 + 12] >> 4) * 4;
	if (unlikely(hlen < TCP_LEN))
		return bad(j, VFR_DROP_MALFORMED);
	if (!need_l4(j, hlen))
		return false;
	j->key.tcp_flags = j->p->hdr[j->l4 + 13];
	return parse_ports(j);
}

static bool parse_udp(struct judge *j)
{
	uint32_t len, room = j->l3 + j->ip_len - j->l4;

	if (!need_l4(j, UDP_LEN))
		return false;
	len = get16(j->p->hdr + j->l4 + 4);
	if (unlikely(len < UDP_LEN || (len > room && !j->frag)))
		return bad(j, VFR_DROP_MALFORMED);
	return parse_ports(j);
}

static bool parse_sctp(struct judge *j)
{
	return need_l4(j, 12) && parse_ports(j);
}

static bool parse_icmp(struct judge *j)
{
	const uint8_t *h;
	uint8_t type, echo = j->v6 ? ICMP6_ECHO : ICMP_ECHO;
	uint8_t reply = j->v6 ? ICMP6_ECHO_REPLY : ICMP_ECHO_REPLY;

	if (!need_l4(j, ICMP_LEN))
		return false;
	h = j->p->hdr + j->l4;
	type = h[0];
	j->key.sport = type;
	j->key.dport = h[1];
	if (type == echo)
		j->echo = ECHO_REQUEST;
	else if (type == reply)
		j->echo = ECHO_REPLY;
	if (type == echo)
		j->sport = get16(h + 4);
	else if (type == reply)
		j->dport = get16(h + 4);
	else if (j->v6)
		j->icmp_error = type < ICMP6_ECHO;
	else
		j->icmp_error = (type >= 3 && type <= 5) || type == 11 ||
				type == 12;
	return true;
}

static bool parse_transport(struct judge *j)
{
	switch (j->key.proto) {
	case IP_TCP:
		return parse_tcp(j);
	case IP_UDP:
		return parse_udp(j);
	case IP_SCTP:
		return parse_sctp(j);
	case IP_DCCP:
	case IP_UDPLITE:	/* as far as the checksum, for nat.c */
		return need_l4(j, 8);
	case IP_ICMP:
		return j->v6 ? bad(j, VFR_DROP_MALFORMED) : parse_icmp(j);
	case IP_ICMP6:
		return j->v6 ? parse_icmp(j) : bad(j, VFR_DROP_MALFORMED);
	default:
		return true;
	}
}

/* What the sender left for the last hop to do must be what we can carry. */
static bool parse_offloads(struct judge *j)
{
	struct vfr_packet *p = j->p;
	bool tcp = j->key.proto == IP_TCP;

	if (p->csum == VFR_CSUM_PARTIAL) {
		if (j->frag || (!tcp && j->key.proto != IP_UDP))
			return bad(j, VFR_DROP_MALFORMED);
		p->csum_start = j->l4;
		p->csum_offset = tcp ? 16 : 6;
	}
	if (p->gso != VFR_GSO_NONE &&
	    (!tcp || p->csum != VFR_CSUM_PARTIAL || p->gso_size < 32 ||
	     (p->gso == VFR_GSO_TCP6) != j->v6))
		return bad(j, VFR_DROP_MALFORMED);
	return true;
}

/* Options that steer packets past our routing are refused. */
static bool parse_options(struct judge *j, const uint8_t *o, uint32_t n)
{
	while (n && *o) {
		uint32_t len = *o == 1 ? 1 : n > 1 ? o[1] : 0;

		if (!len || len > n || (*o != 1 && len < 2))
			return bad(j, VFR_DROP_MALFORMED);
		if (*o == 131 || *o == 137)	/* source routes */
			return bad(j, VFR_DROP_UNSUPPORTED);
		o += len;
		n -= len;
	}
	return true;
}

/* Two stores of 8 bytes: they are soon read back as such. */
static void addr4_load(struct vfr_addr *a, const uint8_t *p)
{
	uint64_t lo = 0, hi = 0xffff0000;
	uint32_t ip;

	memcpy(&ip, p, 4);
	hi |= (uint64_t)ip << 32;
	memcpy(a->b, &lo, 8);
	memcpy(a->b + 8, &hi, 8);
}

static bool parse_ip4(struct judge *j)
{
	const uint8_t *h = j->p->hdr + j->l3;
	uint32_t hlen, x;
	uint8_t src, dst;

	if (!need(j, j->l3 + IP4_LEN))
		return false;
	hlen = (h[0] & 15) * 4;
	j->ip_len = get16(h + 2);
	if (unlikely(h[0] >> 4 != 4 || hlen < IP4_LEN || j->ip_len < hlen ||
		     j->l3 + j->ip_len > j->p->len))
		return bad(j, VFR_DROP_MALFORMED);
	if (unlikely(hlen > IP4_LEN) && !need(j, j->l3 + hlen))
		return false;
	if (unlikely(sum_fold(likely(hlen == IP4_LEN)
			? sum_add(0, h, IP4_LEN) /* a constant: unrolled */
			: sum_add(0, h, hlen)) != 0xffff))
		return bad(j, VFR_DROP_MALFORMED);
	if (unlikely(hlen > IP4_LEN) &&
	    !parse_options(j, h + IP4_LEN, hlen - IP4_LEN))
		return false;

	j->l4 = j->frag_at = j->l3 + hlen;
	j->key.proto = h[9];
	addr4_load(&j->key.src, h + 12);
	addr4_load(&j->key.dst, h + 16);
	src = h[12];
	dst = h[16];
	/* 0.0.0.0 asks for an address; judge.c knows where it may. */
	if (unlikely(src == 127 || (src == 0 && get32(h + 12)) || src >= 224 ||
		     dst == 127 || dst == 0 ||
		     (dst >= 240 && get32(h + 16) != 0xffffffff)))
		return bad(j, VFR_DROP_MARTIAN);
	j->multicast |= dst >= 224;

	x = get16(h + 6);
	if (unlikely(x & (IP4_MF | IP4_OFFSET))) {
		j->frag_off = (uint16_t)((x & IP4_OFFSET) * 8);
		j->frag_more = !!(x & IP4_MF);
		j->frag_id = get16(h + 4);
		j->frag = VFR_FRAG_ANY | (j->frag_off ? VFR_FRAG_LATER : 0);
	}
	return true;
}

static bool addr6_ok(struct judge *j)
{
	static const uint8_t loopback[16] = { [15] = 1 };
	const struct vfr_addr *s = &j->key.src, *d = &j->key.dst;

	return !(s->b[0] == 0xff || vfr_addr_is_v4(s) || vfr_addr_is_v4(d) ||
		 !memcmp(s->b, loopback, 16) || !memcmp(d->b, loopback, 16) ||
		 vfr_addr_is_zero(d));
}

/* The header chain from `next` at j->l4; leaves l4 at the transport. */
static bool parse_chain(struct judge *j, uint8_t next)
{
	uint32_t end = j->l3 + j->ip_len, i, len;
	const uint8_t *h;

	for (i = 0; i < MAX_IP6_HEADERS; i++) {
		if (!ip6_is_extension(next)) {
			j->key.proto = next;
			return true;
		}
		if (j->l4 + 8u > end || (next == IP6_HOP && i))
			return bad(j, VFR_DROP_MALFORMED);
		if (!need(j, j->l4 + 8))
			return false;
		h = j->p->hdr + j->l4;
		len = next == IP6_FRAG ? 8 : (h[1] + 1) * 8;
		if (j->l4 + len > end)
			return bad(j, VFR_DROP_MALFORMED);
		if (next == IP6_ROUTING && h[3])
			return bad(j, VFR_DROP_UNSUPPORTED);
		if (next == IP6_FRAG) {
			if (j->frag)
				return bad(j, VFR_DROP_MALFORMED);
			j->frag_off = get16(h + 2) & 0xfff8;
			j->frag_more = h[3] & 1;
			j->frag_id = get32(h + 4);
			if (j->frag_off || j->frag_more)
				j->frag = VFR_FRAG_ANY |
					(j->frag_off ? VFR_FRAG_LATER : 0);
		}
		next = h[0];
		j->l4 = (uint16_t)(j->l4 + len);
		if (j->frag && !j->frag_at)
			j->frag_at = j->l4;
		if (j->frag_off) {	/* the rest is in the first one */
			j->key.proto = next;
			return true;
		}
	}
	return bad(j, VFR_DROP_HEADERS);
}

static bool parse_ip6(struct judge *j)
{
	const uint8_t *h = j->p->hdr + j->l3;

	if (!need(j, j->l3 + IP6_LEN))
		return false;
	j->ip_len = IP6_LEN + get16(h + 4);
	if (unlikely(h[0] >> 4 != 6 || j->l3 + j->ip_len > j->p->len))
		return bad(j, VFR_DROP_MALFORMED);
	memcpy(&j->key.src, h + 8, 16);
	memcpy(&j->key.dst, h + 24, 16);
	j->l4 = j->l3 + IP6_LEN;
	if (unlikely(!addr6_ok(j)))
		return bad(j, VFR_DROP_MARTIAN);
	j->multicast |= j->key.dst.b[0] == 0xff;
	return parse_chain(j, h[6]);
}

bool parse_ip(struct judge *j)
{
	bool ok = j->v6 ? parse_ip6(j) : parse_ip4(j);

	if (unlikely(!ok))
		return false;
	j->key.frag = j->frag;
	if (likely(!(j->frag & VFR_FRAG_LATER)) && !parse_transport(j))
		return false;
	j->kind = PKT_IP;
	return parse_offloads(j);
}

bool parse_frame(struct judge *j)
{
	const uint8_t *h = j->p->hdr;
	uint16_t type;

	if (!need(j, ETH_LEN))
		return false;
	if (unlikely(h[6] & 1))
		return bad(j, VFR_DROP_MARTIAN);
	j->multicast = h[0] & 1;
	type = get16(h + 12);
	j->l3 = ETH_LEN;
	if (type == ETH_VLAN) {
		if (!need(j, ETH_LEN + VLAN_LEN))
			return false;
		j->vlan = get16(h + 14) & 0xfff;
		type = get16(h + 16);
		j->l3 += VLAN_LEN;
	}
	switch (type) {
	case ETH_IP4:
		return parse_ip(j);
	case ETH_IP6:
		j->v6 = 1;
		return parse_ip(j);
	case ETH_ARP:
		if (!need(j, j->l3 + 28))
			return false;
		/* It has nothing that the last hop could do. */
		if (j->p->csum == VFR_CSUM_PARTIAL ||
		    j->p->gso != VFR_GSO_NONE)
			return bad(j, VFR_DROP_MALFORMED);
		j->kind = PKT_ARP;
		return true;
	default:
		return bad(j, VFR_DROP_UNSUPPORTED);
	}
}
