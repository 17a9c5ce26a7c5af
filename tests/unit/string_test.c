/*
 * The hypervisor's own memcpy and kin against the C library's, for each length
 * and alignment up to some words, with a guard on both sides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Under other names, so that this program keeps its own. */
#define memcpy hv_memcpy
#define memmove hv_memmove
#define memset hv_memset
#define memcmp hv_memcmp
#define strlen hv_strlen
#define strnlen hv_strnlen
#define strcmp hv_strcmp
#define strncmp hv_strncmp
#define strchr hv_strchr
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "../../xen-core/lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr

#define SIZE	320
#define LEN	150

static uint8_t source[SIZE], mine[SIZE], theirs[SIZE];

static void fill(void)
{
	for (int i = 0; i < SIZE; i++) {
		source[i] = (uint8_t)random();
		mine[i] = theirs[i] = (uint8_t)random();
	}
}

static void copies(void **state)
{
	fill();
	for (size_t n = 0; n < LEN; n++)
		for (size_t d = 0; d < 9; d++)
			for (size_t s = 0; s < 9; s++) {
				hv_memcpy(mine + 8 + d, source + s, n);
				memcpy(theirs + 8 + d, source + s, n);
				assert_memory_equal(mine, theirs, SIZE);
			}
}

static void moves_that_overlap(void **state)
{
	fill();
	for (size_t n = 0; n < LEN; n++)
		for (size_t d = 0; d < 70; d += 3)
			for (size_t s = 0; s < 70; s += 3) {
				hv_memmove(mine + d, mine + s, n);
				memmove(theirs + d, theirs + s, n);
				assert_memory_equal(mine, theirs, SIZE);
			}
}

static void sets(void **state)
{
	fill();
	for (size_t n = 0; n < LEN; n++)
		for (size_t d = 0; d < 9; d++) {
			hv_memset(mine + d, (int)(n + 200), n);
			memset(theirs + d, (int)(n + 200), n);
			assert_memory_equal(mine, theirs, SIZE);
		}
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void compares(void **state)
{
	fill();
	for (size_t n = 1; n < LEN; n++)
		for (size_t at = 0; at < n; at++) {
			memcpy(mine, source, SIZE);
			mine[at] = (uint8_t)random();
			assert_int_equal(sign(hv_memcmp(mine, source, n)),
					 sign(memcmp(mine, source, n)));
			assert_int_equal(hv_memcmp(mine, source, at), 0);
		}
}

static void strings(void **state)
{
	assert_int_equal(hv_strlen("abc"), 3);
	assert_int_equal(hv_strnlen("abc", 2), 2);
	assert_int_equal(hv_strcmp("abc", "abc"), 0);
	assert_true(hv_strcmp("abc", "abd") < 0);
	assert_true(hv_strcmp("ab\x80", "ab") > 0);
	assert_int_equal(hv_strncmp("abc", "abd", 2), 0);
	assert_int_equal(hv_strncmp("ab", "abd", 2), 0);
	assert_null(hv_strchr("abc", 'd'));
	assert_string_equal(hv_strchr("abc", 'b'), "bc");
	assert_string_equal(hv_strchr("abc", 0), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies), cmocka_unit_test(moves_that_overlap),
		cmocka_unit_test(sets),	  cmocka_unit_test(compares),
		cmocka_unit_test(strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
