/*
 * check.h: what to do when we are wrong ourselves.
 *
 * CHECK is always compiled in and stops the machine: it guards what isolation
 * rests on.  ASSERT is the same in a debug build and nothing in a release.
 * Neither is for what a guest can cause: that is an error to return.
 */
#ifndef CHECK_H
#define CHECK_H

#ifdef SLUICE_TEST
#include <assert.h>
#define CHECK(x)	assert(x)
#define ASSERT(x)	assert(x)
#else
#include "types.h"

/* Print registers and a symbolised backtrace, stop all CPUs.  Any context. */
noreturn void panic(const char *fmt, ...) printf_like(1, 2);

#define CHECK(x)                                                           \
	do {                                                               \
		if (unlikely(!(x)))                                        \
			panic("%s:%d: check failed: %s", __FILE__,         \
			      __LINE__, #x);                               \
	} while (0)
#ifdef SLUICE_DEBUG
#define ASSERT(x)	CHECK(x)
#else
#define ASSERT(x)	((void)sizeof(x))
#endif
#endif

#endif
