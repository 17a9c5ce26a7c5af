/*
 * kit_test.c: the guests' own printf, malloc and numbers, against the host's.
 *
 * They have the names of C's library, so they are compiled here under others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <limits.h>

#include <cmocka.h>

#define vsnprintf	kit_vsnprintf
#define snprintf	kit_snprintf
#define malloc		kit_malloc
#define calloc		kit_calloc
#define realloc		kit_realloc
#define free		kit_free
#define strtoul		kit_strtoul
#define strtol		kit_strtol

int kit_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int kit_snprintf(char *buf, size_t size, const char *fmt, ...);
void *kit_malloc(size_t size);
void *kit_calloc(size_t n, size_t size);
void *kit_realloc(void *p, size_t size);
void kit_free(void *p);
unsigned long kit_strtoul(const char *s, char **end, int base);
long kit_strtol(const char *s, char **end, int base);

#include "kit/libc/printf.c"
#include "kit/libc/malloc.c"
#include "kit/libc/number.c"

#undef vsnprintf
#undef snprintf
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef strtoul
#undef strtol

/* The heap grows into this, page by page; then there is no more. */
#define HEAP_PAGES 256
static char heap[HEAP_PAGES * PAGE_SIZE] __attribute__((aligned(4096)));
static size_t heap_used;

void *pages_alloc(size_t n)
{
	char *p = heap + heap_used * PAGE_SIZE;

	if (n > HEAP_PAGES - heap_used)
		return NULL;
	heap_used += n;
	return p;
}

#define SAME(...) do {							\
	char ours[128], theirs[128];					\
	int n = kit_snprintf(ours, sizeof(ours), __VA_ARGS__);		\
									\
	assert_int_equal(n, snprintf(theirs, sizeof(theirs), __VA_ARGS__)); \
	assert_string_equal(ours, theirs);				\
} while (0)

static void test_printf(void **state)
{
	SAME("plain %% text");
	SAME("%d %d %d", 0, -1, INT_MIN);
	SAME("%u %lu", UINT_MAX, ULONG_MAX);
	SAME("%ld %ld", LONG_MIN, LONG_MAX);
	SAME("%x %X %lx", 0xbeef, 0xbeef, 0x123456789abcdeful);
	SAME("[%5d] [%-5d] [%05d]", 42, 42, 42);
	SAME("[%5d] [%-5d] [%05d]", -42, -42, -42);
	SAME("[%2d] [%02x]", 12345, 0x12345);
	SAME("[%.3d] [%8.3d]", 7, 7);
	SAME("[%s] [%6s] [%-6s] [%.2s]", "abc", "abc", "abc", "abc");
	SAME("[%*d] [%.*s]", 6, 42, 2, "abc");
	SAME("[%c%c]", 'x', 'y');
	SAME("%zu %lld %llu", (size_t)5, -5ll, 5ull);
	SAME("%p", (void *)0x1234);
}

static void test_printf_bounds(void **state)
{
	char buf[8] = "zzzzzzz";

	assert_int_equal(kit_snprintf(buf, 4, "abcdef"), 6);
	assert_memory_equal(buf, "abc\0zzz", 8);
	assert_int_equal(kit_snprintf(buf, 1, "abcdef"), 6);
	assert_int_equal(buf[0], 0);
	assert_int_equal(kit_snprintf(NULL, 0, "%d", 12345), 5);
	assert_int_equal(kit_snprintf(buf, sizeof(buf), "100%"), 3);
	assert_int_equal(kit_snprintf(buf, sizeof(buf), "%s", (char *)NULL), 6);
}

static void test_numbers(void **state)
{
	static const char *const texts[] = {
		"0", "42", "-42", "+7", " 12x", "0x1f", "0x", "017", "", "x",
		"18446744073709551615", "99999999999999999999", "0xfg",
	};
	static const int bases[] = { 0, 8, 10, 16 };

	for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++) {
		for (size_t b = 0; b < 4; b++) {
			char *ours, *theirs;
			unsigned long n = kit_strtoul(texts[t], &ours, bases[b]);

			print_message("'%s' in base %d\n", texts[t], bases[b]);
			assert_true(n == strtoul(texts[t], &theirs, bases[b]));
			assert_ptr_equal(ours, theirs);
		}
	}
}

#define BLOCKS 200

/* Random blocks keep what is in them, and all room comes back in the end. */
static void test_heap(void **state)
{
	static struct {
		unsigned char *p;
		size_t size;
		unsigned char fill;
	} b[BLOCKS];

	srandom(1);
	for (int round = 0; round < 20000; round++) {
		size_t i = random() % BLOCKS, size = random() % 3000;

		for (size_t n = 0; n < b[i].size; n++)
			assert_int_equal(b[i].p[n], b[i].fill);
		if (round % 3) {
			kit_free(b[i].p);
			b[i].p = kit_malloc(size);
			b[i].size = size;
		} else {
			b[i].p = kit_realloc(b[i].p, size);
			if (size < b[i].size)
				b[i].size = size;
		}
		assert_non_null(b[i].p);
		assert_true((uintptr_t)b[i].p % 16 == 0);
		b[i].fill = random();
		memset(b[i].p, b[i].fill, b[i].size);
	}
	for (size_t i = 0; i < BLOCKS; i++)
		kit_free(b[i].p);
	assert_non_null(free_list);
	assert_null(free_list->next);		/* one piece again */
	assert_int_equal(free_list->units * sizeof(struct block),
			 heap_used * PAGE_SIZE);
}

static void test_heap_none(void **state)
{
	assert_null(kit_malloc(SIZE_MAX));
	assert_null(kit_malloc(SIZE_MAX / 2));
	assert_null(kit_calloc(SIZE_MAX / 2, 4));
	assert_null(kit_malloc(sizeof(heap) * 2));
	kit_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_printf_bounds),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_heap),
		cmocka_unit_test(test_heap_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
