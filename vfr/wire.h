/*
 * wire.h: header layouts, byte order and Internet checksums.
 *
 * Headers are read through these at any alignment; nothing is assumed about
 * where a packet starts.
 */
#ifndef VFR_WIRE_H
#define VFR_WIRE_H

#include <stdint.h>
#include <string.h>

#define ETH_LEN		14
#define VLAN_LEN	4
#define IP4_LEN		20
#define IP6_LEN		40
#define TCP_LEN		20
#define UDP_LEN		8
#define ICMP_LEN	8

enum {
	ETH_IP4 = 0x0800, ETH_ARP = 0x0806, ETH_VLAN = 0x8100,
	ETH_QINQ = 0x88a8, ETH_IP6 = 0x86dd,
};
enum {
	IP_ICMP = 1, IP_IGMP = 2, IP_TCP = 6, IP_UDP = 17, IP_DCCP = 33,
	IP_ICMP6 = 58, IP_SCTP = 132, IP_UDPLITE = 136,
	IP6_HOP = 0, IP6_ROUTING = 43, IP6_FRAG = 44, IP6_NONE = 59,
	IP6_DEST = 60,
};
enum {
	TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16,
};
enum {			/* ICMP types */
	ICMP_ECHO_REPLY = 0, ICMP_UNREACH = 3, ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11, ICMP_PARAMETER = 12,
	ICMP6_UNREACH = 1, ICMP6_TOO_BIG = 2, ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4, ICMP6_ECHO = 128, ICMP6_ECHO_REPLY = 129,
	ICMP6_MLD_FIRST = 130, ICMP6_MLD_LAST = 132,
	NDP_RS = 133, NDP_RA = 134, NDP_NS = 135, NDP_NA = 136,
	NDP_REDIRECT = 137, ICMP6_MLD2 = 143,
};
enum { IP4_DF = 0x4000, IP4_MF = 0x2000, IP4_OFFSET = 0x1fff };

/* Headers that may stand between IPv6's and the transport's. */
#define MAX_IP6_HEADERS	8

static inline int ip6_is_extension(uint8_t next)
{
	return next == IP6_HOP || next == IP6_ROUTING || next == IP6_FRAG ||
	       next == IP6_DEST;
}

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	uint32_t x;

	memcpy(&x, p, 4);
	return __builtin_bswap32(x);
}

static inline void put16(uint8_t *p, uint16_t x)
{
	p[0] = x >> 8;
	p[1] = x & 0xff;
}

static inline void put32(uint8_t *p, uint32_t x)
{
	x = __builtin_bswap32(x);
	memcpy(p, &x, 4);
}

/*
 * Sums are of 16-bit words in network order, folded late (RFC 1071).  sum_add
 * over pieces of even length adds up to the sum of the whole.
 */
static inline uint64_t sum_add(uint64_t sum, const uint8_t *p, uint32_t n)
{
	uint32_t x, i;

#pragma GCC unroll 5	/* an IPv4 header */
	for (i = 0; i < n / 4; i++) {
		memcpy(&x, p + 4 * i, 4);
		sum += x;
	}
	p += n & ~3u;
	n &= 3;
	if (n >= 2) {
		uint16_t h;

		memcpy(&h, p, 2);
		sum += h;
		p += 2;
		n -= 2;
	}
	return n ? sum + *p : sum;
}

/* The 16-bit sum as it lies in memory (byte order of the packet). */
static inline uint16_t sum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static inline void sum_store(uint8_t *p, uint16_t sum)
{
	memcpy(p, &sum, 2);
}

/*
 * The field at p covers n bytes that change from `from` to `to`; n is even
 * and they lie at an even offset (RFC 1624, equation 3).
 */
static inline void sum_update(uint8_t *p, const void *from, const void *to,
			      uint32_t n)
{
	const uint8_t *f = from;
	uint16_t field, x;
	uint64_t sum;
	uint32_t i;

	memcpy(&field, p, 2);
	sum = (uint16_t)~field;
	for (i = 0; i < n; i += 2) {
		memcpy(&x, f + i, 2);
		sum += (uint16_t)~x;
	}
	sum = sum_add(sum, to, n);
	sum_store(p, (uint16_t)~sum_fold(sum));
}

/* The same for a field that holds the plain sum (a partial checksum). */
static inline void sum_update_plain(uint8_t *p, const void *from,
				    const void *to, uint32_t n)
{
	uint16_t field;

	memcpy(&field, p, 2);
	sum_store(p, (uint16_t)~field);
	sum_update(p, from, to, n);
	memcpy(&field, p, 2);
	sum_store(p, (uint16_t)~field);
}

/* Sum of the pseudo header; len in bytes.  a: 16-byte addresses. */
static inline uint64_t sum_pseudo(const uint8_t *src, const uint8_t *dst,
				  uint32_t n, uint8_t proto, uint32_t len)
{
	uint8_t tail[8] = { 0, 0, 0, 0, 0, 0, 0, proto };

	put32(tail, len);
	return sum_add(sum_add(sum_add(0, src, n), dst, n), tail, 8);
}

#endif
