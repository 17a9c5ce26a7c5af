/*
 * http_test.c: requests, good and hostile, as every server of ours reads them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/http.h"

#define END	"\r\n\r\n"
#define WHOLE	INT32_MAX	/* all of the text is the request */
#define MAX	1000

/* As a server sees it: memory of just that size, which is not to be written. */
static int read_exact(const char *text, size_t len, struct http_request *r)
{
	static char *exact;

	free(exact);
	exact = malloc(len ? len : 1);
	memcpy(exact, text, len);
	return http_request_read(exact, len, MAX, r);
}

static int read_text(const char *text, struct http_request *r)
{
	return read_exact(text, strlen(text), r);
}

static const struct {
	const char *what, *text;
	int result;
	const char *method, *path, *query;
	uint64_t length;
} requests[] = {
	{ "a plain request", "GET / HTTP/1.1" END, WHOLE, "GET", "/", "" },
	{ "of 1.0", "GET /a/b.html HTTP/1.0" END, WHOLE, "GET", "/a/b.html",
	  "" },
	{ "of a later 1.x", "GET / HTTP/1.2" END, WHOLE, "GET", "/", "" },
	{ "any method", "M-SEARCH / HTTP/1.1" END, WHOLE, "M-SEARCH", "/", "" },
	{ "with a query", "GET /a?b=c&d?e HTTP/1.1" END, WHOLE, "GET", "/a",
	  "b=c&d?e" },
	{ "codes stay", "GET /%61%20b?%zz HTTP/1.1" END, WHOLE, "GET",
	  "/%61%20b", "%zz" },
	{ "a whole address", "GET http://x/a HTTP/1.1" END, WHOLE, "GET", "/a",
	  "" },
	{ "after empty lines", "\r\n\r\nGET / HTTP/1.1" END, WHOLE, "GET", "/",
	  "" },
	{ "with a body", "POST / HTTP/1.0\r\nContent-Length: 12 " END, WHOLE,
	  "POST", "/", "", 12 },
	{ "not whole", "GET / HTTP/1.1\r\nHost: x\r\n", 0 },
	{ "nothing", "", 0 },
	{ "no method", " / HTTP/1.1" END, -400 },
	{ "a method that is no word", "G(T / HTTP/1.1" END, -400 },
	{ "no version", "GET /" END, -400 },
	{ "something else for a version", "GET / HTTQ/1.1" END, -400 },
	{ "another version", "GET / HTTP/2.0" END, -505 },
	{ "a version without a digit", "GET / HTTP/1.x" END, -505 },
	{ "words behind the version", "GET / HTTP/1.1 x" END, -505 },
	{ "no slash", "GET a HTTP/1.1" END, -400 },
	{ "no path", "GET http://x HTTP/1.1" END, -400 },
	{ "two blanks", "GET  / HTTP/1.1" END, -400 },
	{ "a tab in the path", "GET /\ta HTTP/1.1" END, -400 },
	{ "letters of no alphabet", "GET /\xc3\xa4 HTTP/1.1" END, -400 },
	{ "a fragment", "GET /a#b HTTP/1.1" END, -400 },
	{ "a CR in the request line", "GET /\ra HTTP/1.1" END, -400 },
	{ "a header without a colon", "GET / HTTP/1.1\r\nHost" END, -400 },
	{ "a header without a name", "GET / HTTP/1.1\r\n: x" END, -400 },
	{ "a blank before the colon", "GET / HTTP/1.1\r\nHost : x" END, -400 },
	{ "a header that goes on", "GET / HTTP/1.1\r\nA: b\r\n c" END, -400 },
	{ "a lone LF in a header", "GET / HTTP/1.1\r\nA: b\nC: d" END, -400 },
	{ "a lone CR in a header", "GET / HTTP/1.1\r\nA: b\rC: d" END, -400 },
	{ "no number of bytes", "GET / HTTP/1.1\r\nContent-Length: 0x0" END,
	  -400 },
	{ "an empty number", "GET / HTTP/1.1\r\nContent-Length: " END, -400 },
	{ "a negative one", "GET / HTTP/1.1\r\nContent-Length: -1" END, -400 },
	{ "one without end",
	  "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999" END, -400 },
	{ "two lengths",
	  "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-length: 5" END,
	  -400 },
	{ "chunks", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked" END, -501 },
};

static void test_requests(void **state)
{
	struct http_request r;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		int want = requests[i].result;
		int got = read_text(requests[i].text, &r);

		if (want == WHOLE)
			want = (int)strlen(requests[i].text);
		if (got != want)
			fail_msg("%s: %d, not %d", requests[i].what, got, want);
		if (want > 0 && (!text_is(r.method, requests[i].method) ||
				 !text_is(r.path, requests[i].path) ||
				 !text_is(r.query, requests[i].query) ||
				 r.h.length != requests[i].length))
			fail_msg("%s: is read as another", requests[i].what);
		if (want < 0)
			assert_string_not_equal(http_reason(-want), "?");
	}
}

static const struct {
	const char *what, *text;
	int result, status;
	uint64_t length;
	bool has_length, keep_alive, coded;
} responses[] = {
	{ "a plain one", "HTTP/1.1 200 OK\r\nContent-Length: 5" END "hello", 38,
	  200, 5, true, true },
	{ "without words", "HTTP/1.1 204 " END, WHOLE, 204, 0, false, true },
	{ "with nothing there", "HTTP/1.1 204" END, WHOLE, 204, 0, false, true },
	{ "of 1.0", "HTTP/1.0 404 Not Found" END, WHOLE, 404 },
	{ "of 1.0, to go on", "HTTP/1.0 200 OK\r\nConnection: keep-alive" END,
	  WHOLE, 200, 0, false, true },
	{ "its end", "HTTP/1.1 200 OK\r\nConnection: close" END, WHOLE, 200 },
	{ "chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" END, WHOLE,
	  200, 0, false, true, true },
	{ "not whole", "HTTP/1.1 200 OK\r\n", 0 },
	{ "another protocol", "SSH-2.0-x" END, -502 },
	{ "another version", "HTTP/2 200 OK" END, -502 },
	{ "no status", "HTTP/1.1 OK" END, -502 },
	{ "a long status", "HTTP/1.1 2000 OK" END, -502 },
	{ "a small status", "HTTP/1.1 099 OK" END, -502 },
	{ "a line's end in its words", "HTTP/1.1 200 O\nK" END, -502 },
	{ "two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
	  "Content-Length: 2" END, -502 },
	{ "a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: x" END,
	  -502 },
	{ "a header that goes on", "HTTP/1.1 200 OK\r\nA: b\r\n c" END, -502 },
};

static void test_responses(void **state)
{
	struct http_response r;

	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		const char *text = responses[i].text;
		int want = responses[i].result;
		int got = http_response_read(text, strlen(text), MAX, &r);

		if (want == WHOLE)
			want = (int)strlen(text);
		if (got != want)
			fail_msg("%s: %d, not %d", responses[i].what, got,
				 want);
		if (want > 0 && (r.status != responses[i].status ||
				 r.h.length != responses[i].length ||
				 r.h.has_length != responses[i].has_length ||
				 r.h.keep_alive != responses[i].keep_alive ||
				 r.h.coded != responses[i].coded))
			fail_msg("%s: is read as another", responses[i].what);
	}
}

static void test_nul(void **state)
{
	static const char path[] = "GET /a\0b HTTP/1.1" END;
	static const char value[] = "GET / HTTP/1.1\r\nA: b\0c" END;
	struct http_request r;

	assert_int_equal(read_exact(path, sizeof(path) - 1, &r), -400);
	assert_int_equal(read_exact(value, sizeof(value) - 1, &r), -400);
}

static void test_keep_alive(void **state)
{
	static const struct {
		const char *text;
		bool keep;
	} rows[] = {
		{ "GET / HTTP/1.1" END, true },
		{ "GET / HTTP/1.0" END, false },
		{ "GET / HTTP/1.1\r\nConnection: close" END, false },
		{ "GET / HTTP/1.0\r\nconnection: Keep-Alive" END, true },
		{ "GET / HTTP/1.1\r\nConnection: te , CLOSE" END, false },
		{ "GET / HTTP/1.1\r\nConnection: closed" END, true },
	};
	struct http_request r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(read_text(rows[i].text, &r) > 0);
		if (r.h.keep_alive != rows[i].keep)
			fail_msg("%s", rows[i].text);
	}
}

static void test_headers(void **state)
{
	struct http_request r;

	assert_true(read_text("GET / HTTP/1.1\r\nHOST:\t x y \r\nEmpty:\r\n"
			      "a: 1\r\nA: 2" END "host2: z" END, &r) > 0);
	assert_true(text_is(http_header(&r.h, "host"), "x y"));
	assert_true(text_is(http_header(&r.h, "a"), "1"));
	assert_int_equal(http_header(&r.h, "empty").len, 0);
	assert_int_equal(http_header(&r.h, "hos").len, 0);
	assert_int_equal(http_header(&r.h, "host2").len, 0);
}

/* What is read of two requests in a row is the first alone. */
static void test_pipeline(void **state)
{
	static const char two[] = "GET /a HTTP/1.1" END "GET /b HTTP/1.1" END;
	struct http_request r;
	int n = read_text(two, &r);

	assert_true(text_is(r.path, "/a"));
	assert_int_equal(n, strlen(two) / 2);
	assert_int_equal(read_text(two + n, &r), n);
	assert_true(text_is(r.path, "/b"));
}

/* Every piece of a request is "not yet". */
static void test_pieces(void **state)
{
	static const char text[] = "GET /a%20b HTTP/1.1\r\nHost: x" END;
	struct http_request r;

	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_equal(read_exact(text, n, &r), 0);
}

static void test_too_long(void **state)
{
	static char text[2 * MAX];
	struct http_request r;

	memset(text, 'a', sizeof(text) - 1);
	assert_int_equal(read_exact(text, MAX, &r), -431);
	assert_int_equal(read_exact(text, MAX - 1, &r), 0);

	memcpy(text, "GET /", 5);
	memcpy(text + MAX - 13, " HTTP/1.1" END, 13);
	assert_int_equal(read_text(text, &r), MAX);
	memcpy(text + MAX - 13, "aaaaaaaaaaaaa", 13);
	memcpy(text + MAX - 12, " HTTP/1.1" END, 13);
	assert_int_equal(read_text(text, &r), -431);
}

static void test_decode(void **state)
{
	struct text t = { "a%41%00%fF%4", 12 };

	assert_int_equal(text_decode(&t), 'a');
	assert_int_equal(text_decode(&t), 'A');
	assert_int_equal(text_decode(&t), 0);
	assert_int_equal(text_decode(&t), 255);
	assert_int_equal(t.len, 2);
	assert_int_equal(text_decode(&t), -1);
	t = (struct text){ "%4g", 3 };
	assert_int_equal(text_decode(&t), -1);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool ok;
		uint64_t n;
	} rows[] = {
		{ "0", 0, true, 0 },
		{ "007", 7, true, 7 },
		{ "8", 7, false, 0 },
		{ "70", 69, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "", 7, false, 0 },
		{ "1 ", 7, false, 0 },
		{ "+1", 7, false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct text t = { rows[i].text, strlen(rows[i].text) };
		uint64_t n;
		bool ok = text_number(t, rows[i].max, &n);

		if (ok != rows[i].ok || (ok && n != rows[i].n))
			fail_msg("`%s`, at most %lu", rows[i].text,
				 rows[i].max);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
