/*
 * string.c: memory and strings for a program without a C library.
 *
 * The compiler itself emits calls of the first four.  They use the string
 * instructions, as vector registers belong to the guest: words first, which
 * costs nothing where the CPU copies whole lines and is eight times faster
 * where it goes step by step, as emulators do.
 */
#include "lib.h"

static inline void copy_up(void *to, const void *from, size_t n)
{
	size_t words = n / 8, bytes = n % 8;

	asm volatile("rep movsq; mov %3, %2; rep movsb"
		     : "+&D"(to), "+&S"(from), "+&c"(words)
		     : "r"(bytes)
		     : "memory");
}

/* From the last byte to the first. */
static inline void copy_down(void *to, const void *from, size_t n)
{
	char *d = (char *)to + n - 1;
	const char *s = (const char *)from + n - 1;

	asm volatile("std; rep movsb; cld"
		     : "+D"(d), "+S"(s), "+c"(n)
		     :
		     : "memory");
}

void *memcpy(void *to, const void *from, size_t n)
{
	copy_up(to, from, n);
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	/* Upwards unless the target starts inside the source. */
	if ((uintptr_t)to - (uintptr_t)from >= n)
		copy_up(to, from, n);
	else
		copy_down(to, from, n);
	return to;
}

void *memset(void *to, int c, size_t n)
{
	uint64_t pattern = (uint8_t)c * 0x0101010101010101ull;
	size_t words = n / 8, bytes = n % 8;
	void *d = to;

	asm volatile("rep stosq; mov %3, %1; rep stosb"
		     : "+&D"(d), "+&c"(words)
		     : "a"(pattern), "r"(bytes)
		     : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (; n != 0; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

size_t strlen(const char *s)
{
	return strnlen(s, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n != 0; n--, a++, b++) {
		if (*a != *b)
			return (uint8_t)*a - (uint8_t)*b;
		if (*a == '\0')
			break;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (*s == '\0')
			return NULL;
	}
}
