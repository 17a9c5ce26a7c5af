/*
 * format(): each conversion, what does not fit, what it does not know.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"

#define SAME(want, ...)                                                   \
	do {                                                              \
		char buf[128];                                            \
		int len = format(buf, sizeof(buf), __VA_ARGS__);          \
		assert_string_equal(buf, want);                           \
		assert_int_equal(len, strlen(want));                      \
	} while (0)

static void numbers(void **state)
{
	SAME("0", "%d", 0);
	SAME("-2147483648", "%d", INT_MIN);
	SAME("4294967295", "%u", UINT_MAX);
	SAME("-9223372036854775808", "%ld", LONG_MIN);
	SAME("18446744073709551615", "%lu", ULONG_MAX);
	SAME("ffffffffffffffff 0", "%lx %x", ULONG_MAX, 0u);
	SAME("7 8", "%zu %llu", (size_t)7, 8ull);
	SAME("0x10", "%p", (void *)16);
}

static void widths(void **state)
{
	SAME("[   42]", "[%5d]", 42);
	SAME("[42   ]", "[%-5d]", 42);
	SAME("[00042]", "[%05d]", 42);
	SAME("[-0042]", "[%05d]", -42);
	SAME("[123456]", "[%3d]", 123456);
	SAME("[    7]", "[%*d]", 5, 7);
	SAME("[0]", "[%0*d]", 0, 0);
	SAME("[    0.001234]", "[%5u.%06u]", 0u, 1234u);
}

static void strings(void **state)
{
	char unended[3] = { 'a', 'b', 'c' };

	SAME("ab", "%s", "ab");
	SAME("[  ab]", "[%4s]", "ab");
	SAME("[ab  ]", "[%-4s]", "ab");
	SAME("[abc]", "[%.3s]", unended);
	SAME("[abc]", "[%.*s]", 3, unended);
	SAME("x%", "%c%%", 'x');
}

/* Through a pointer, so that the compiler does not check these. */
static const char *volatile hostile;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
static void unknown(void **state)
{
	char buf[64];

	hostile = "%y %";
	format(buf, sizeof(buf), hostile, 0);
	assert_string_equal(buf, "%y %");
	hostile = "%s";
	format(buf, sizeof(buf), hostile, NULL);
	assert_string_equal(buf, "(null)");
}
#pragma GCC diagnostic pop

static void truncated(void **state)
{
	char buf[8];

	memset(buf, '#', sizeof(buf));
	assert_int_equal(format(buf, 4, "%s", "abcdef"), 6);
	assert_memory_equal(buf, "abc\0####", 8);
	assert_int_equal(format(NULL, 0, "%u", 12345u), 5);
	assert_int_equal(format(buf, 1, "abc"), 3);
	assert_int_equal(buf[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),  cmocka_unit_test(widths),
		cmocka_unit_test(strings),  cmocka_unit_test(unknown),
		cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
