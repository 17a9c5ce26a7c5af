/*
 * nospec.h: indices that a guest chose.
 *
 * A bounds check that the CPU predicts wrongly lets it read beyond the array
 * for a moment and leave traces of what it saw in the cache.  So an index is
 * also masked by arithmetic that no prediction skips.
 */
#ifndef NOSPEC_H
#define NOSPEC_H

#include "types.h"

/* i where i < n, else 0.  To be used after the check, which reports. */
static inline uint64_t index_nospec(uint64_t i, uint64_t n)
{
	uint64_t mask;

	/* carry = i < n; mask = carry ? ~0 : 0 */
	asm("cmp %2, %1; sbb %0, %0" : "=r"(mask) : "r"(i), "r"(n) : "cc");
	return i & mask;
}

#endif
