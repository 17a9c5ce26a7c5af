/*
 * random.c: numbers that others should not guess: ports, sequence numbers.
 *
 * The CPU's generator where it has one; and in any case what the TSC makes of
 * the moments of asking, through a mixer (splitmix64).
 */
#include <stdbool.h>
#include <stdint.h>

#include <lwip/arch.h>

#include "kit/time.h"

static bool cpu_has_rdrand(void)
{
	uint32_t a = 1, b, c, d;

	/* Xen's prefix: what the hypervisor says, not the bare CPU. */
	asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e\n\tcpuid"
		     : "+a"(a), "=b"(b), "=c"(c), "=d"(d) : "2"(0));
	return c >> 30 & 1;
}

static uint64_t cpu_random(void)
{
	uint64_t n = 0;

	asm volatile("rdrand %0" : "+r"(n) : : "cc");
	return n;
}

uint32_t net_random(void)
{
	static int rdrand = -1;
	static uint64_t state;
	uint64_t z;

	if (rdrand < 0)
		rdrand = cpu_has_rdrand();
	if (rdrand)
		state ^= cpu_random();
	state += tsc_read() * 2 + 0x9e3779b97f4a7c15;
	z = state;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z >> 32;
}
