/* string.c: the part of string.h that guests need, plain and small. */
#include <string.h>

#include <stdint.h>
#include <stdlib.h>

/* By words: emulated CPUs take as long for a byte. */
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	size_t words = n / 8, bytes = n % 8;
	void *dst = to;

	asm volatile("rep movsq\n\tmov %3, %%rcx\n\trep movsb"
		     : "+D"(dst), "+S"(from), "+c"(words)
		     : "r"(bytes) : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	uint8_t *dst = to;
	const uint8_t *src = from;

	if (dst <= src || dst >= src + n)
		return memcpy(to, from, n);
	while (n--)
		dst[n] = src[n];
	return to;
}

void *memset(void *to, int c, size_t n)
{
	size_t words = n / 8, bytes = n % 8;
	void *dst = to;

	asm volatile("rep stosq\n\tmov %2, %%rcx\n\trep stosb"
		     : "+D"(dst), "+c"(words)
		     : "r"(bytes), "a"((uint8_t)c * 0x0101010101010101ul)
		     : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const uint8_t *p = s;

	for (; n; n--, p++)
		if (*p == (uint8_t)c)
			return (void *)p;
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return p - s;
}

size_t strnlen(const char *s, size_t max)
{
	const char *p = memchr(s, 0, max);

	return p ? (size_t)(p - s) : max;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	return memchr(s, c, strlen(s) + 1);
}

char *strrchr(const char *s, int c)
{
	for (size_t n = strlen(s) + 1; n--;)
		if (s[n] == (char)c)
			return (char *)s + n;
	return NULL;
}

size_t strspn(const char *s, const char *of)
{
	size_t n = 0;

	while (s[n] && strchr(of, s[n]))
		n++;
	return n;
}

size_t strcspn(const char *s, const char *of)
{
	size_t n = 0;

	while (s[n] && !strchr(of, s[n]))
		n++;
	return n;
}

char *strncpy(char *restrict to, const char *restrict from, size_t n)
{
	size_t len = strnlen(from, n);

	memcpy(to, from, len);
	memset(to + len, 0, n - len);
	return to;
}

char *strcpy(char *restrict to, const char *restrict from)
{
	return memcpy(to, from, strlen(from) + 1);
}

char *strdup(const char *s)
{
	return strndup(s, strlen(s));
}

char *strndup(const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = 0;
	return copy;
}
