/*
 * frame.h: make an Ethernet frame from a description, checksums right.
 *
 * This is how a packet in words becomes bytes for the evaluator.  It only
 * makes well-formed packets; broken ones come from captures and fuzzers.
 */
#ifndef TOOLS_FRAME_H
#define TOOLS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfr/addr.h>

#define FRAME_MAX	  65600		/* bytes: any IP packet in a frame */
#define FRAME_PAYLOAD_MAX 65000		/* bytes after TCP's or UDP's header */

struct frame_spec {
	uint8_t	 dst_mac[6], src_mac[6];
	uint16_t vlan;			/* 0: untagged */
	struct vfr_addr src, dst;	/* of one family */
	uint8_t	 ttl;			/* or hop limit */
	uint8_t	 proto;			/* IPPROTO_* */
	uint16_t ip_id;
	uint16_t frag_off;		/* bytes, a multiple of 8 */
	bool	 more_frags;
	bool	 dont_frag;
	uint16_t sport, dport;		/* TCP, UDP, SCTP */
	uint8_t	 icmp_type, icmp_code;	/* ICMP, ICMPv6 */
	uint16_t icmp_id, icmp_seq;
	uint8_t	 tcp_flags;
	uint32_t tcp_seq, tcp_ack;
	uint32_t payload_len;		/* bytes after the transport header */
};

/* Build into buf; its length, or -EMSGSIZE when room does not suffice,
 * -EINVAL when the description contradicts itself. */
int frame_build(const struct frame_spec *s, uint8_t *buf, size_t room);

/*
 * What the headers of a frame say, as far as they are there.  It finds who
 * speaks, so that a captured frame can be given to the right port; it judges
 * nothing, which is the VFR's job.
 */
struct frame_peek {
	uint16_t ethertype;		/* behind the VLAN tags */
	uint16_t net_off;		/* bytes before the network header */
	bool	 has_addrs;		/* else neither IP nor ARP, or cut */
	bool	 arp;			/* src, dst are the ARP's */
	uint8_t	 proto;
	struct vfr_addr src, dst;
	bool	 has_ports;
	uint16_t sport, dport;
	uint8_t	 tcp_flags;
	uint32_t tcp_seq;
	uint32_t payload_len;		/* TCP: bytes after its header */
	bool	 has_icmp;
	uint8_t	 icmp_type, icmp_code;	/* ICMP, ICMPv6 */
	uint16_t icmp_id;
};

void frame_peek(const uint8_t *frame, size_t len, struct frame_peek *p);

/* The VLAN of the outermost tag, 0 if there is none. */
uint16_t frame_vlan(const uint8_t *frame, size_t len);

/* The Ethernet address that a neighbour with this address has in the lab. */
void frame_neighbour_mac(const struct vfr_addr *addr, uint8_t mac[6]);

/* Answer to an ARP request or neighbour solicitation in frame, as that
 * neighbour gives it.  Length, or 0 when frame asks nothing. */
int frame_answer_neighbour(const uint8_t *frame, size_t len, uint8_t *buf,
			   size_t room);

#endif
