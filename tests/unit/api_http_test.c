/*
 * api_http_test.c: requests, good and hostile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dom0/http.h"

static const struct {
	const char *what, *head;
	int status;
	const char *path, *query, *token;
	uint64_t content_length;
} requests[] = {
	{ "a plain request", "GET /v1/ports HTTP/1.1\r\nHost: x\r\n\r\n", 0,
	  "/v1/ports", "", NULL, 0 },
	{ "with a query and a token",
	  "GET /v1/capture?port=web&snaplen=96 HTTP/1.1\r\n"
	  "authorization: bearer  abc \r\nHost: x\r\n\r\n", 0,
	  "/v1/capture", "port=web&snaplen=96", "abc", 0 },
	{ "with a body",
	  "POST /v1/rules HTTP/1.0\r\nContent-Length: 12 \r\n\r\n", 0,
	  "/v1/rules", "", NULL, 12 },
	{ "another scheme is no token",
	  "GET / HTTP/1.1\r\nAuthorization: Basic abc\r\n\r\n", 0, "/", "",
	  NULL, 0 },
	{ "a header's name is compared whole",
	  "GET / HTTP/1.1\r\nX-Authorization: Bearer abc\r\n"
	  "Authorization2: Bearer abc\r\n\r\n", 0, "/", "", NULL, 0 },
	{ "no version", "GET /\r\n\r\n", 400, NULL, NULL, NULL, 0 },
	{ "another version", "GET / HTTP/2.0\r\n\r\n", 505, NULL, NULL, NULL,
	  0 },
	{ "no path", "GET x HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, 0 },
	{ "no method", " / HTTP/1.1\r\n\r\n", 400, NULL, NULL, NULL, 0 },
	{ "chunks", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
	  501, NULL, NULL, NULL, 0 },
	{ "a length that is none",
	  "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, NULL, NULL,
	  NULL, 0 },
	{ "a length without end",
	  "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
	  400, NULL, NULL, NULL, 0 },
};

static void test_parse(void **state)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct http_request r;
		size_t len = strlen(requests[i].head);
		char *head = strdup(requests[i].head);
		int status;

		if (http_head_len(head, len) != len)
			fail_msg("%s: no end", requests[i].what);
		if (http_head_len(head, len - 1) != 0)
			fail_msg("%s: an early end", requests[i].what);
		status = http_parse(head, len, &r);
		if (status != requests[i].status)
			fail_msg("%s: status %d", requests[i].what, status);
		if (!status) {
			assert_string_equal(r.path, requests[i].path);
			assert_string_equal(r.query, requests[i].query);
			assert_int_equal(r.content_length,
					 requests[i].content_length);
			if (requests[i].token)
				assert_string_equal(r.token,
						    requests[i].token);
			else
				assert_null(r.token);
		}
		free(head);
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
		int n = http_param(table[i].query, table[i].name, buf,
				   table[i].room);

		if (n != table[i].len)
			fail_msg("%s in %s: %d", table[i].name,
				 table[i].query, n);
		if (n >= 0)
			assert_string_equal(buf, table[i].value);
	}
}

static void test_secret(void **state)
{
	assert_true(http_secret_equal("secret", "secret"));
	assert_false(http_secret_equal("secret", "secreT"));
	assert_false(http_secret_equal("secre", "secret"));
	assert_false(http_secret_equal("secretsecret", "secret"));
	assert_false(http_secret_equal("", "secret"));
	assert_false(http_secret_equal("", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
