/*
 * api_http_test.c: what dom0's API wants of requests, good and hostile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dom0/request.h"

static const struct {
	const char *what, *headers, *token;
} tokens[] = {
	{ "a token", "Authorization: Bearer abc\r\n", "abc" },
	{ "in other letters, with blanks", "authorization:  beareR  abc \r\n",
	  "abc" },
	{ "behind another header", "Host: x\r\nAuthorization: Bearer abc\r\n",
	  "abc" },
	{ "none", "Host: x\r\n", "" },
	{ "another scheme", "Authorization: Basic abc\r\n", "" },
	{ "the scheme alone", "Authorization: Bearer\r\n", "" },
	{ "a header's name is compared whole",
	  "X-Authorization: Bearer abc\r\nAuthorization2: Bearer abc\r\n", "" },
	{ "the first of two counts",
	  "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", "a" },
};

static void test_tokens(void **state)
{
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		struct http_request r;
		char head[256];
		int len = snprintf(head, sizeof(head),
				   "GET / HTTP/1.1\r\n%s\r\n",
				   tokens[i].headers);

		assert_int_equal(http_request_read(head, (size_t)len, 256, &r),
				 len);
		if (!text_is(request_token(&r), tokens[i].token))
			fail_msg("%s", tokens[i].what);
	}
}

static void test_params(void **state)
{
	static const struct {
		const char *query, *name;
		size_t room;
		int len;
		const char *value;
	} table[] = {
		{ "a=1&b=2", "a", 8, 1, "1" },
		{ "a=1&b=2", "b", 8, 1, "2" },
		{ "a=1&b=2", "c", 8, -1, "" },
		{ "ab=1", "b", 8, -1, "" },
		{ "b2=1&b=3", "b", 8, 1, "3" },
		{ "a=", "a", 8, 0, "" },
		{ "a", "a", 8, -1, "" },
		{ "", "a", 8, -1, "" },
		{ "b&a=1", "a", 8, 1, "1" },
		{ "a=tcp+port%2080%26", "a", 16, 12, "tcp port 80&" },
		{ "a=%", "a", 8, -2, "" },
		{ "a=%4", "a", 8, -2, "" },
		{ "a=%zz", "a", 8, -2, "" },
		{ "a=%00", "a", 8, -2, "" },
		{ "a=1234567", "a", 8, 7, "1234567" },
		{ "a=12345678", "a", 8, -2, "" },
	};
	char buf[32];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct text query = { table[i].query,
					    strlen(table[i].query) };
		int n = query_param(query, table[i].name, buf, table[i].room);

		if (n != table[i].len)
			fail_msg("%s in %s: %d", table[i].name,
				 table[i].query, n);
		if (n >= 0)
			assert_string_equal(buf, table[i].value);
	}
}

static bool equal(const char *got, const char *secret)
{
	return secret_equal((struct text){ got, strlen(got) }, secret);
}

static void test_secret(void **state)
{
	assert_true(equal("secret", "secret"));
	assert_false(equal("secret", "secreT"));
	assert_false(equal("secre", "secret"));
	assert_false(equal("secretsecret", "secret"));
	assert_false(equal("", "secret"));
	assert_false(equal("", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
