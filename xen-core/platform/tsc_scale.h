/*
 * tsc_scale.h: from TSC ticks to nanoseconds as the ABI does it (xen/xen.h,
 * struct vcpu_time_info): ns = ((ticks << shift) * mul) >> 32, a negative shift
 * to the right.
 *
 * A guest starts from a stamp (ticks, ns) and scales what has passed since.
 * Two roundings would make it differ by a nanosecond from who started from
 * another stamp, and time could run backwards between two vcpus.  So the low
 * bits of mul are zero, and stamps are made only where the product has no
 * fraction: all sums are then exact.
 */
#ifndef TSC_SCALE_H
#define TSC_SCALE_H

#include "types.h"

#define TSC_MUL_ZEROS 10 /* low bits: leaves a precision of 2^-21 or better */

struct tsc_scale {
	uint32_t mul;
	int8_t	 shift;
};

static inline struct tsc_scale tsc_scale_of(uint64_t rate_khz)
{
	struct tsc_scale s = {0};
	uint64_t khz = rate_khz;

	/* As near to 1 GHz as makes mul use all its bits: 2^31 <= mul. */
	while (khz > 2000000) {
		khz >>= 1;
		s.shift--;
	}
	while (khz <= 1000000) {
		khz <<= 1;
		s.shift++;
	}
	/* From the unshifted rate, for khz lost bits. */
	if (s.shift < 0)
		s.mul = (uint32_t)(((1000000ull << 32) << -s.shift) / rate_khz);
	else
		s.mul = (uint32_t)(((1000000ull << 32) / rate_khz) >> s.shift);
	s.mul &= ~((1u << TSC_MUL_ZEROS) - 1);
	return s;
}

static inline uint64_t tsc_scale_ns(const struct tsc_scale *s, uint64_t ticks)
{
	if (s->shift < 0)
		ticks >>= -s->shift;
	else
		ticks <<= s->shift;
	return (uint64_t)(((unsigned __int128)ticks * s->mul) >> 32);
}

/* The last number of ticks at or before ticks that makes a whole number of ns. */
static inline uint64_t tsc_scale_exact(const struct tsc_scale *s,
				       uint64_t ticks)
{
	return ticks & ~((1ull << (32 - TSC_MUL_ZEROS - s->shift)) - 1);
}

/* The least number of ticks that makes at least ns. */
static inline uint64_t tsc_scale_ticks(const struct tsc_scale *s, uint64_t ns)
{
	/* ns < 2^63: beyond it there is no time. */
	unsigned __int128 n = ((unsigned __int128)ns << 32) + s->mul - 1;
	uint64_t ticks;

	/* 128 by 32 bits in two steps; there is no library to do it. */
	uint64_t high = (uint64_t)(n >> 32);
	uint64_t rest = (high % s->mul) << 32 | (uint32_t)n;

	ticks = ((high / s->mul) << 32) + rest / s->mul;
	if (s->shift < 0)
		return ticks << -s->shift;
	return (ticks + (1ull << s->shift) - 1) >> s->shift;
}

#endif
