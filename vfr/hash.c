/*
 * hash.c: a keyed hash, so that strangers cannot choose what collides, and
 * random numbers for ports and such.  Not for secrets that must withstand
 * more than guessing over the network.
 */
#include "internal.h"

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, 8);
	return x;
}

uint64_t hash_bytes(const uint64_t seed[4], const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = seed[0] ^ len, tail = 0;

	for (; len >= 16; p += 16, len -= 16)
		h = mix(load64(p) ^ seed[1], load64(p + 8) ^ h ^ seed[2]);
	if (len >= 8) {
		h = mix(load64(p) ^ seed[2], h ^ seed[3]);
		p += 8;
		len -= 8;
	}
	memcpy(&tail, p, len);
	h = mix(tail ^ seed[3], h ^ seed[1]);
	return mix(h ^ seed[2], seed[0] | 1);
}

/* The same idea for a flow's key, with the multiplications side by side. */
uint32_t hash_flow(const uint64_t seed[4], const struct flow_key *k)
{
	const uint8_t *p = (const uint8_t *)k;
	uint32_t tail;
	uint64_t h;

	memcpy(&tail, p + 40, 4);
	h = mix(load64(p) ^ seed[0], load64(p + 8) ^ seed[1]) ^
	    mix(load64(p + 16) ^ seed[2], load64(p + 24) ^ seed[3]) ^
	    mix(load64(p + 32) ^ seed[1], tail ^ seed[2]);
	return (uint32_t)(mix(h ^ seed[3], seed[0]) >> 16);
}

uint32_t vfr_random(struct vfr *v)
{
	v->rng += 0x9e3779b97f4a7c15ull;
	return (uint32_t)(mix(v->rng ^ v->seed[0], v->seed[1] | 1) >> 16);
}
