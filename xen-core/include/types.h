/*
 * types.h: integers, errors and the two kinds of frame numbers.
 *
 * Frame numbers of different spaces are different types, so that mixing them
 * does not compile.
 */
#ifndef TYPES_H
#define TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

typedef struct {
	uint64_t n;
} mfn_t; /* machine frame; page_of() checks it */
typedef struct {
	uint64_t n;
} pfn_t; /* the guest's numbering, not the CPU's */

#define MFN(x)		((mfn_t){(x)})
#define PFN(x)		((pfn_t){(x)})
#define MFN_NONE	MFN(~0ull)

typedef uint64_t paddr_t; /* machine address */

static inline bool mfn_eq(mfn_t a, mfn_t b)
{
	return a.n == b.n;
}

#ifdef SLUICE_TEST
#include <errno.h>
#else
#define XEN_ERRNO(name, value) name = value,
enum {
#include <xen/errno.h>
	ERESTART = 85, /* internal: call again; never what a guest gets */
};
#endif

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)		((a) < (b) ? (a) : (b))
#define MAX(a, b)		((a) > (b) ? (a) : (b))
#define ROUND_UP(x, to)		(((x) + (to)-1) & ~((uint64_t)(to)-1))
#define ROUND_DOWN(x, to)	((x) & ~((uint64_t)(to)-1))
#define container_of(p, type, field) \
	((type *)((char *)(p)-offsetof(type, field)))

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define noreturn		__attribute__((noreturn))
/* What each system call of a guest runs through lies together: link.lds */
#define entry_path		__attribute__((section(".text.entry")))
#define static_assert		_Static_assert
#define packed			__attribute__((packed))
#define aligned(n)		__attribute__((aligned(n)))
#define printf_like(f, a)	__attribute__((format(printf, f, a)))

/* Every access the compiler could repeat or split, as exactly one access. */
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))

#endif
