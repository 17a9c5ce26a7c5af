/*
 * frame.c: frames from descriptions, and the answers that neighbours would
 * give to the VFR's ARP requests and neighbour solicitations.
 */
#include "frame.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#define VLAN_TAG_LEN	4
#define VLAN_ID_MASK	0xfff
#define TAGS_MAX	(2 * VLAN_TAG_LEN)
#define ETHERTYPE_QINQ	0x88a8	/* IEEE 802.1ad service tag */
#define IPV4_IN_ADDR	12	/* where struct vfr_addr holds it */
#define SCTP_HEADER_LEN 12
#define TCP_WINDOW	65535
#define ND_HOPLIMIT	255	/* RFC 4861, 7.1: all else is dropped */
#define ANSWER_MAX	128	/* bytes of an answer, with room to spare */
#define ND_OPT_UNIT	8	/* option lengths count 8 bytes */

static uint32_t sum16(const uint8_t *p, size_t len, uint32_t sum)
{
	for (; len > 1; p += 2, len -= 2)
		sum += p[0] << 8 | p[1];
	if (len)
		sum += p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* A checksum in network order over bytes whose own field is zero. */
static uint16_t checksum(const uint8_t *p, size_t len, uint32_t sum)
{
	return htons(~sum16(p, len, sum) & 0xffff);
}

/* An address as it is on the wire: 4 bytes of IPv4, 16 of IPv6. */
static const uint8_t *wire_addr(const struct vfr_addr *a)
{
	return vfr_addr_is_v4(a) ? a->b + IPV4_IN_ADDR : a->b;
}

static void set_v4(struct vfr_addr *a, const void *wire)
{
	*a = vfr_addr_v4(0);
	memcpy(a->b + IPV4_IN_ADDR, wire, 4);
}

static uint32_t pseudo_header(const struct frame_spec *s, size_t len)
{
	size_t addr_len = vfr_addr_is_v4(&s->src) ? 4 : 16;
	uint32_t sum = s->proto;

	sum += (len >> 16) + (len & 0xffff);
	sum = sum16(wire_addr(&s->src), addr_len, sum);
	return sum16(wire_addr(&s->dst), addr_len, sum);
}

/* SCTP's checksum: RFC 9260, appendix A, bit by bit; speed is no matter. */
static uint32_t crc32c(const uint8_t *p, size_t len)
{
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static size_t transport_header_len(const struct frame_spec *s)
{
	if (s->frag_off)
		return 0;
	switch (s->proto) {
	case IPPROTO_TCP:
		return sizeof(struct tcphdr);
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 8;
	case IPPROTO_SCTP:
		return SCTP_HEADER_LEN;
	default:
		return 0;
	}
}

static void put_tcp(const struct frame_spec *s, uint8_t *p, size_t len)
{
	struct tcphdr h = {
		.th_sport = htons(s->sport),
		.th_dport = htons(s->dport),
		.th_seq = htonl(s->tcp_seq),
		.th_ack = htonl(s->tcp_ack),
		.th_off = sizeof(h) / 4,
		.th_flags = s->tcp_flags,
		.th_win = htons(TCP_WINDOW),
	};

	memcpy(p, &h, sizeof(h));
	h.th_sum = checksum(p, len, pseudo_header(s, len));
	memcpy(p, &h, sizeof(h));
}

static void put_udp(const struct frame_spec *s, uint8_t *p, size_t len)
{
	struct udphdr h = {
		.uh_sport = htons(s->sport),
		.uh_dport = htons(s->dport),
		.uh_ulen = htons(len),
	};

	memcpy(p, &h, sizeof(h));
	h.uh_sum = checksum(p, len, pseudo_header(s, len));
	if (h.uh_sum == 0)
		h.uh_sum = 0xffff;	/* RFC 768: 0 means "none" */
	memcpy(p, &h, sizeof(h));
}

static void put_icmp(const struct frame_spec *s, uint8_t *p, size_t len)
{
	uint16_t words[2] = { htons(s->icmp_id), htons(s->icmp_seq) }, sum;

	p[0] = s->icmp_type;
	p[1] = s->icmp_code;
	p[2] = p[3] = 0;
	memcpy(p + 4, words, sizeof(words));
	sum = checksum(p, len, s->proto == IPPROTO_ICMPV6 ?
		       pseudo_header(s, len) : 0);
	memcpy(p + 2, &sum, sizeof(sum));
}

static void put_sctp(const struct frame_spec *s, uint8_t *p, size_t len)
{
	uint16_t ports[2] = { htons(s->sport), htons(s->dport) };
	uint32_t crc;

	memset(p, 0, SCTP_HEADER_LEN);
	memcpy(p, ports, sizeof(ports));
	crc = crc32c(p, len);
	memcpy(p + 8, &crc, sizeof(crc));	/* little-endian, as sent */
}

static void put_transport(const struct frame_spec *s, uint8_t *p, size_t len)
{
	if (s->frag_off)
		return;
	if (s->proto == IPPROTO_TCP)
		put_tcp(s, p, len);
	else if (s->proto == IPPROTO_UDP)
		put_udp(s, p, len);
	else if (s->proto == IPPROTO_ICMP || s->proto == IPPROTO_ICMPV6)
		put_icmp(s, p, len);
	else if (s->proto == IPPROTO_SCTP)
		put_sctp(s, p, len);
}

static size_t put_ethernet(const struct frame_spec *s, uint8_t *p,
			   uint16_t ethertype)
{
	size_t len = 2 * ETH_ALEN;
	uint16_t type = htons(ethertype);

	memcpy(p, s->dst_mac, ETH_ALEN);
	memcpy(p + ETH_ALEN, s->src_mac, ETH_ALEN);
	if (s->vlan) {
		uint16_t tag[2] = { htons(ETHERTYPE_VLAN), htons(s->vlan) };

		memcpy(p + len, tag, sizeof(tag));
		len += sizeof(tag);
	}
	memcpy(p + len, &type, sizeof(type));
	return len + sizeof(type);
}

static size_t put_ipv4(const struct frame_spec *s, uint8_t *p, size_t len)
{
	struct iphdr h = {
		.version = 4,
		.ihl = sizeof(h) / 4,
		.tot_len = htons(sizeof(h) + len),
		.id = htons(s->ip_id),
		.frag_off = htons(s->frag_off / 8 |
				  (s->more_frags ? IP_MF : 0) |
				  (s->dont_frag ? IP_DF : 0)),
		.ttl = s->ttl,
		.protocol = s->proto,
	};

	memcpy(&h.saddr, wire_addr(&s->src), 4);
	memcpy(&h.daddr, wire_addr(&s->dst), 4);
	memcpy(p, &h, sizeof(h));
	h.check = checksum(p, sizeof(h), 0);
	memcpy(p, &h, sizeof(h));
	return sizeof(h);
}

static bool is_fragment(const struct frame_spec *s)
{
	return s->frag_off || s->more_frags;
}

static size_t put_ipv6(const struct frame_spec *s, uint8_t *p, size_t len)
{
	struct ip6_hdr h = { .ip6_hlim = s->ttl };
	struct ip6_frag f = { .ip6f_nxt = s->proto };

	h.ip6_vfc = 6 << 4;
	h.ip6_nxt = is_fragment(s) ? IPPROTO_FRAGMENT : s->proto;
	h.ip6_plen = htons(len + (is_fragment(s) ? sizeof(f) : 0));
	memcpy(&h.ip6_src, s->src.b, 16);
	memcpy(&h.ip6_dst, s->dst.b, 16);
	memcpy(p, &h, sizeof(h));
	if (!is_fragment(s))
		return sizeof(h);

	f.ip6f_offlg = htons(s->frag_off | (s->more_frags ? 1 : 0));
	f.ip6f_ident = htonl(s->ip_id);
	memcpy(p + sizeof(h), &f, sizeof(f));
	return sizeof(h) + sizeof(f);
}

int frame_build(const struct frame_spec *s, uint8_t *buf, size_t room)
{
	size_t head = transport_header_len(s);
	size_t len = head + s->payload_len;
	size_t off;

	bool v4 = vfr_addr_is_v4(&s->src);

	if (v4 != vfr_addr_is_v4(&s->dst) || s->frag_off % 8 ||
	    (s->more_frags && len % 8))
		return -EINVAL;
	if (s->payload_len > FRAME_PAYLOAD_MAX ||
	    room < ETH_HLEN + VLAN_TAG_LEN + sizeof(struct ip6_hdr) +
		   sizeof(struct ip6_frag) + len)
		return -EMSGSIZE;

	if (v4) {
		off = put_ethernet(s, buf, ETHERTYPE_IP);
		off += put_ipv4(s, buf + off, len);
	} else {
		off = put_ethernet(s, buf, ETHERTYPE_IPV6);
		off += put_ipv6(s, buf + off, len);
	}
	memset(buf + off, 0, len);
	put_transport(s, buf + off, len);
	return off + len;
}

static uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static void peek_tcp(const uint8_t *frame, size_t off, size_t end,
		     struct frame_peek *p)
{
	struct tcphdr h;

	memcpy(&h, frame + off, sizeof(h));
	p->tcp_flags = h.th_flags;
	p->tcp_seq = ntohl(h.th_seq);
	if (end > off + h.th_off * 4)
		p->payload_len = end - off - h.th_off * 4;
}

/* Ports of what begins at off, in a packet that ends at end by its own header
 * and at len in fact; they stay 0 where nothing shows them. */
static void peek_ports(const uint8_t *frame, size_t off, size_t end,
		       size_t len, struct frame_peek *p)
{
	if ((p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6) &&
	    len >= off + 8) {
		p->has_icmp = true;
		p->icmp_type = frame[off];
		p->icmp_code = frame[off + 1];
		p->icmp_id = get16(frame + off + 4);
	}
	if ((p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP &&
	     p->proto != IPPROTO_SCTP) || len < off + 4)
		return;
	p->has_ports = true;
	p->sport = get16(frame + off);
	p->dport = get16(frame + off + 2);
	if (p->proto == IPPROTO_TCP && len >= off + sizeof(struct tcphdr))
		peek_tcp(frame, off, end, p);
}

static void peek_ipv4(const uint8_t *frame, size_t off, size_t len,
		      struct frame_peek *p)
{
	struct iphdr h;

	if (len < off + sizeof(h))
		return;
	memcpy(&h, frame + off, sizeof(h));
	if (h.version != 4)
		return;
	p->has_addrs = true;
	p->proto = h.protocol;
	set_v4(&p->src, &h.saddr);
	set_v4(&p->dst, &h.daddr);
	if ((ntohs(h.frag_off) & IP_OFFMASK) == 0)
		peek_ports(frame, off + h.ihl * 4,
			   off + ntohs(h.tot_len), len, p);
}

static void peek_ipv6(const uint8_t *frame, size_t off, size_t len,
		      struct frame_peek *p)
{
	struct ip6_hdr h;

	if (len < off + sizeof(h))
		return;
	memcpy(&h, frame + off, sizeof(h));
	if (h.ip6_vfc >> 4 != 6)
		return;
	p->has_addrs = true;
	p->proto = h.ip6_nxt;
	memcpy(p->src.b, &h.ip6_src, 16);
	memcpy(p->dst.b, &h.ip6_dst, 16);
	peek_ports(frame, off + sizeof(h),
		   off + sizeof(h) + ntohs(h.ip6_plen), len, p);
}

static void peek_arp(const uint8_t *frame, size_t off, size_t len,
		     struct frame_peek *p)
{
	struct ether_arp a;

	if (len < off + sizeof(a))
		return;
	memcpy(&a, frame + off, sizeof(a));
	p->has_addrs = true;
	p->arp = true;
	set_v4(&p->src, a.arp_spa);
	set_v4(&p->dst, a.arp_tpa);
}

void frame_peek(const uint8_t *frame, size_t len, struct frame_peek *p)
{
	size_t off = ETH_HLEN;

	memset(p, 0, sizeof(*p));
	if (len < off)
		return;
	p->ethertype = get16(frame + off - 2);
	while ((p->ethertype == ETHERTYPE_VLAN ||
		p->ethertype == ETHERTYPE_QINQ) &&
	       len >= off + VLAN_TAG_LEN && off < ETH_HLEN + TAGS_MAX) {
		off += VLAN_TAG_LEN;
		p->ethertype = get16(frame + off - 2);
	}
	p->net_off = off;
	if (p->ethertype == ETHERTYPE_IP)
		peek_ipv4(frame, off, len, p);
	else if (p->ethertype == ETHERTYPE_IPV6)
		peek_ipv6(frame, off, len, p);
	else if (p->ethertype == ETHERTYPE_ARP)
		peek_arp(frame, off, len, p);
}

uint16_t frame_vlan(const uint8_t *frame, size_t len)
{
	if (len < ETH_HLEN + VLAN_TAG_LEN ||
	    get16(frame + ETH_HLEN - 2) != ETHERTYPE_VLAN)
		return 0;
	return get16(frame + ETH_HLEN) & VLAN_ID_MASK;
}

void frame_neighbour_mac(const struct vfr_addr *addr, uint8_t mac[6])
{
	static const uint8_t prefix[2] = { 0x02, 0x4e };	/* local bit */

	memcpy(mac, prefix, sizeof(prefix));
	memcpy(mac + sizeof(prefix), addr->b + IPV4_IN_ADDR, 4);
}

static int answer_arp(const uint8_t *frame, size_t off, size_t len,
		      uint8_t *buf)
{
	struct vfr_addr asked;
	struct ether_arp a;
	uint8_t mac[ETH_ALEN];

	if (len < off + sizeof(a))
		return 0;
	memcpy(&a, frame + off, sizeof(a));
	if (a.ea_hdr.ar_op != htons(ARPOP_REQUEST) ||
	    memcmp(a.arp_spa, a.arp_tpa, 4) == 0)	/* gratuitous */
		return 0;

	set_v4(&asked, a.arp_tpa);
	frame_neighbour_mac(&asked, mac);
	memcpy(buf, frame, off);
	memcpy(buf, a.arp_sha, ETH_ALEN);
	memcpy(buf + ETH_ALEN, mac, ETH_ALEN);
	a.ea_hdr.ar_op = htons(ARPOP_REPLY);
	memcpy(a.arp_tha, a.arp_sha, ETH_ALEN);
	memcpy(a.arp_sha, mac, ETH_ALEN);
	memcpy(a.arp_tpa, a.arp_spa, 4);
	memcpy(a.arp_spa, asked.b + IPV4_IN_ADDR, 4);
	memcpy(buf + off, &a, sizeof(a));
	return off + sizeof(a);
}

static int answer_nd(const uint8_t *frame, size_t off, size_t len,
		     uint8_t *buf)
{
	struct nd_neighbor_solicit ns;
	struct nd_neighbor_advert na = { .nd_na_type = ND_NEIGHBOR_ADVERT };
	struct nd_opt_hdr opt = { ND_OPT_TARGET_LINKADDR, 1 };
	struct frame_spec s = {
		.proto = IPPROTO_ICMPV6, .ttl = ND_HOPLIMIT,
	};
	struct ip6_hdr ip;
	size_t body = sizeof(na) + ND_OPT_UNIT;
	uint8_t mac[ETH_ALEN], *p;

	if (len < off + sizeof(ip) + sizeof(ns))
		return 0;
	memcpy(&ip, frame + off, sizeof(ip));
	memcpy(&ns, frame + off + sizeof(ip), sizeof(ns));
	if (ip.ip6_nxt != IPPROTO_ICMPV6 ||
	    ns.nd_ns_type != ND_NEIGHBOR_SOLICIT ||
	    IN6_IS_ADDR_UNSPECIFIED(&ip.ip6_src))	/* probing itself */
		return 0;

	na.nd_na_flags_reserved =
		ND_NA_FLAG_SOLICITED | ND_NA_FLAG_OVERRIDE;
	na.nd_na_target = ns.nd_ns_target;
	memcpy(s.src.b, &ns.nd_ns_target, 16);
	memcpy(s.dst.b, &ip.ip6_src, 16);
	frame_neighbour_mac(&s.src, mac);

	memcpy(buf, frame, off);	/* the VLAN tag stays */
	memcpy(buf, frame + ETH_ALEN, ETH_ALEN);
	memcpy(buf + ETH_ALEN, mac, ETH_ALEN);
	off += put_ipv6(&s, buf + off, body);
	p = buf + off;
	memcpy(p, &na, sizeof(na));
	memcpy(p + sizeof(na), &opt, sizeof(opt));
	memcpy(p + sizeof(na) + sizeof(opt), mac, ETH_ALEN);
	na.nd_na_cksum = checksum(p, body, pseudo_header(&s, body));
	memcpy(p, &na, sizeof(na));
	return off + body;
}

int frame_answer_neighbour(const uint8_t *frame, size_t len, uint8_t *buf,
			   size_t room)
{
	size_t off = ETH_HLEN;
	uint16_t type;

	if (len < ETH_HLEN + VLAN_TAG_LEN || room < ANSWER_MAX)
		return 0;
	memcpy(&type, frame + off - 2, sizeof(type));
	if (type == htons(ETHERTYPE_VLAN)) {
		off += VLAN_TAG_LEN;
		memcpy(&type, frame + off - 2, sizeof(type));
	}
	if (type == htons(ETHERTYPE_ARP))
		return answer_arp(frame, off, len, buf);
	if (type == htons(ETHERTYPE_IPV6))
		return answer_nd(frame, off, len, buf);
	return 0;
}
