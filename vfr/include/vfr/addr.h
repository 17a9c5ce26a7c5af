/*
 * vfr/addr.h: addresses as the VFR keeps them.
 *
 * One form for both families: 16 bytes in network order, IPv4 mapped into
 * ::ffff:0:0/96.  So one prefix, one set and one rule can hold either family:
 * ::/0 is "any", ::ffff:0:0/96 is "any IPv4", and the length of an IPv4
 * prefix is 96 more than people write.  A packet on the wire that carries a
 * mapped address in an IPv6 header is malformed, hence nothing is ambiguous.
 */
#ifndef VFR_ADDR_H
#define VFR_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VFR_V4_BITS	96	/* length of ::ffff:0:0/96 */

struct vfr_addr {
	uint8_t b[16];
};

struct vfr_prefix {
	struct vfr_addr	addr;	/* host bits may be set where a host is meant */
	uint8_t		len;	/* 0 to 128 */
	uint8_t		zero[3];
};

/* ip: host order */
static inline struct vfr_addr vfr_addr_v4(uint32_t ip)
{
	return (struct vfr_addr){ { [10] = 0xff, [11] = 0xff,
		[12] = ip >> 24, [13] = (ip >> 16) & 0xff,
		[14] = (ip >> 8) & 0xff, [15] = ip & 0xff } };
}

static inline bool vfr_addr_is_v4(const struct vfr_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

static inline bool vfr_addr_eq(const struct vfr_addr *a,
			       const struct vfr_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline bool vfr_addr_is_zero(const struct vfr_addr *a)
{
	static const struct vfr_addr zero;

	return vfr_addr_eq(a, &zero);
}

/* Is a within p?  p->len <= 128. */
static inline bool vfr_prefix_has(const struct vfr_prefix *p,
				  const struct vfr_addr *a)
{
	unsigned int bytes = p->len / 8, bits = p->len % 8;

	if (memcmp(p->addr.b, a->b, bytes))
		return false;
	return !bits || ((p->addr.b[bytes] ^ a->b[bytes]) >> (8 - bits)) == 0;
}

#endif
