/* nic_flow.c: which flow is it?  So that each keeps to one queue, in order. */
#include "nic_flow.h"

#include <stdbool.h>

#define ETH_LEN		14
#define TYPE_IPV4	0x0800
#define TYPE_IPV6	0x86dd
#define TYPE_VLAN	0x8100
#define TYPE_QINQ	0x88a8
#define PROTO_TCP	6
#define PROTO_UDP	17
#define FRAGMENT	0x3fff	/* IPv4: More Fragments, offset */

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static uint32_t mix(uint32_t h, uint32_t word)
{
	h = (h ^ word) * 0x9e3779b1; /* 2^32 by the golden ratio */
	return h ^ h >> 16; /* the upper bits are the good ones */
}

static uint32_t mix_words(uint32_t h, const uint8_t *p, unsigned words)
{
	while (words--) {
		h = mix(h, get32(p));
		p += 4;
	}
	return h;
}

static bool has_ports(uint8_t proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP;
}

static uint32_t hash_ipv4(const uint8_t *ip, unsigned len)
{
	unsigned header = (ip[0] & 15u) * 4;
	uint32_t h = mix_words(ip[9], ip + 12, 2);

	/* Later fragments have no ports: then no fragment uses them. */
	if (has_ports(ip[9]) && !(get16(ip + 6) & FRAGMENT) &&
	    header >= 20 && len >= header + 4)
		h = mix(h, get32(ip + header));
	return h;
}

static uint32_t hash_ipv6(const uint8_t *ip, unsigned len)
{
	uint32_t h = mix_words(ip[6], ip + 8, 8);

	if (has_ports(ip[6]) && len >= 44)
		h = mix(h, get32(ip + 40));
	return h;
}

uint32_t nic_flow_hash(const uint8_t *frame, unsigned len)
{
	unsigned at = ETH_LEN;
	uint32_t type;

	if (len < ETH_LEN)
		return 0;
	type = get16(frame + 12);
	while ((type == TYPE_VLAN || type == TYPE_QINQ) && len >= at + 4) {
		type = get16(frame + at + 2);
		at += 4;
	}
	if (type == TYPE_IPV4 && len >= at + 20)
		return hash_ipv4(frame + at, len - at);
	if (type == TYPE_IPV6 && len >= at + 40)
		return hash_ipv6(frame + at, len - at);
	return mix_words(0, frame, 3); /* the stations */
}
