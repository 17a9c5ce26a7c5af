/*
 * web_text_test.c: what guests/web makes of requests (request.c) and of its
 * ramdisk (files.c).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "web/files.h"
#include "web/request.h"

#define END "\r\n\r\n"
#define WHOLE INT32_MAX		/* all of the text is the request */

/* As the server sees it: memory of just that size. */
static int parse(const char *text, struct web_request *r)
{
	size_t len = strlen(text);
	char *exact = malloc(len ? len : 1);
	int n;

	memcpy(exact, text, len);
	n = web_request_read(exact, len, r);
	free(exact);
	return n;
}

static const struct {
	const char *what, *text;
	int result;
	const char *path;
} requests[] = {
	{ "a plain request", "GET / HTTP/1.1" END, WHOLE, "/" },
	{ "the headers alone", "HEAD / HTTP/1.1" END, WHOLE, "/" },
	{ "with a query", "GET /a?b=c HTTP/1.1" END, WHOLE, "/a" },
	{ "coded letters", "GET /%61%20b HTTP/1.1" END, WHOLE, "/a b" },
	{ "a folder", "GET /a/ HTTP/1.1" END, WHOLE, "/a/" },
	{ "an empty body", "GET / HTTP/1.1\r\nContent-Length: 0" END, WHOLE,
	  "/" },
	{ "not whole", "GET / HTTP/1.1\r\nHost: x\r\n", 0, NULL },
	{ "an unknown method", "PUT / HTTP/1.1" END, -501, NULL },
	{ "no path", "GET http://x HTTP/1.1" END, -400, NULL },
	{ "up", "GET /a/../b HTTP/1.1" END, -400, NULL },
	{ "up, coded", "GET /%2e%2E/b HTTP/1.1" END, -400, NULL },
	{ "up, with a coded slash", "GET /a%2f../b HTTP/1.1" END, -400, NULL },
	{ "up at the end", "GET /.. HTTP/1.1" END, -400, NULL },
	{ "a dot", "GET /./b HTTP/1.1" END, -400, NULL },
	{ "two slashes", "GET //b HTTP/1.1" END, -400, NULL },
	{ "a backslash", "GET /..\\b HTTP/1.1" END, -400, NULL },
	{ "a NUL", "GET /a%00b HTTP/1.1" END, -400, NULL },
	{ "a line's end in the path", "GET /a%0d%0ab HTTP/1.1" END, -400,
	  NULL },
	{ "half a code", "GET /%4 HTTP/1.1" END, -400, NULL },
	{ "no code", "GET /%zz HTTP/1.1" END, -400, NULL },
	{ "a body", "GET / HTTP/1.1\r\ncontent-length: 5" END, -413, NULL },
	{ "chunks", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked" END, -501,
	  NULL },
};

static void test_requests(void **state)
{
	struct web_request r;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		int want = requests[i].result;
		int got = parse(requests[i].text, &r);

		if (want == WHOLE)
			want = (int)strlen(requests[i].text);
		if (got != want)
			fail_msg("%s: %d, not %d", requests[i].what, got, want);
		if (requests[i].path && strcmp(r.path, requests[i].path))
			fail_msg("%s: %s", requests[i].what, r.path);
	}
}

/* What is read of two requests in a row is the first alone. */
static void test_pipeline(void **state)
{
	static const char two[] = "GET /a HTTP/1.1" END "GET /b HTTP/1.1" END;
	struct web_request r;
	int n = parse(two, &r);

	assert_string_equal(r.path, "/a");
	assert_int_equal(n, strlen(two) / 2);
	assert_int_equal(parse(two + n, &r), n);
	assert_string_equal(r.path, "/b");
}

static void test_too_long(void **state)
{
	static char text[2 * WEB_REQUEST_MAX];
	struct web_request r;

	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "GET /", 5);
	strcpy(text + WEB_PATH_MAX + 3, " HTTP/1.1" END);
	assert_true(parse(text, &r) > 0);
	assert_int_equal(strlen(r.path), WEB_PATH_MAX - 1);
	memcpy(text + WEB_PATH_MAX + 3, "aa", 2);
	strcpy(text + WEB_PATH_MAX + 4, " HTTP/1.1" END);
	assert_int_equal(parse(text, &r), -414);
}

/* ---- the ramdisk ---- */

#define ENTRY(mode, size, namesize, rest) \
	"070701" "00000001" mode "00000000" "00000000" "00000001" "00000000" \
	size "00000000" "00000000" "00000000" "00000000" namesize "00000000" \
	rest
#define FILE_MODE "000081a4"
#define TRAILER ENTRY("00000000", "00000000", "0000000b", "TRAILER!!!\0\0\0\0")
static const char disk[] =
	ENTRY("000041ed", "00000000", "00000004", "./d\0\0\0")
	ENTRY(FILE_MODE, "00000005", "00000006", "./d/a\0hello\0\0\0")
	ENTRY(FILE_MODE, "00000000", "00000002", "e\0")
	TRAILER;

static void test_archive(void **state)
{
	struct archive a;
	const char *data;
	size_t len;

	assert_int_equal(archive_init(&a, disk, sizeof(disk) - 1), 2);
	assert_true(archive_find(&a, "/d/a", &data, &len));
	assert_int_equal(len, 5);
	assert_memory_equal(data, "hello", 5);
	assert_true(archive_find(&a, "/e", &data, &len));
	assert_int_equal(len, 0);
	assert_false(archive_find(&a, "/d", &data, &len));
	assert_false(archive_find(&a, "/TRAILER!!!", &data, &len));
	assert_false(archive_find(&a, "/x", &data, &len));
}

/* An archive that is cut anywhere has no files; it is never read beyond. */
static void test_archive_cut(void **state)
{
	struct archive a;
	const char *data;
	size_t len;

	for (size_t n = 0; n < sizeof(disk) - 5; n++) {
		char *piece = malloc(n ? n : 1);

		memcpy(piece, disk, n);
		assert_int_equal(archive_init(&a, piece, n), -EINVAL);
		assert_false(archive_find(&a, "/d/a", &data, &len));
		free(piece);
	}
}

static void test_archive_lies(void **state)
{
#define LIE_LEN	(112 + 124)	/* an entry named "e", and the trailer */
	static const char *const lies[] = {
		ENTRY(FILE_MODE, "ffffffff", "00000002", "e\0") TRAILER,
		ENTRY(FILE_MODE, "00000000", "ffffffff", "e\0") TRAILER,
		ENTRY(FILE_MODE, "00000000", "00000000", "e\0") TRAILER,
		ENTRY(FILE_MODE, "0000000g", "00000002", "e\0") TRAILER,
		ENTRY(FILE_MODE, "00000000", "00000002", "ee") TRAILER,
	};
	struct archive a;

	static const char truth[] =
		ENTRY(FILE_MODE, "00000000", "00000002", "e\0") TRAILER;

	assert_int_equal(archive_init(&a, truth, LIE_LEN), 1);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		if (archive_init(&a, lies[i], LIE_LEN) != -EINVAL)
			fail_msg("lie %zu is believed", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_archive),
		cmocka_unit_test(test_archive_cut),
		cmocka_unit_test(test_archive_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
