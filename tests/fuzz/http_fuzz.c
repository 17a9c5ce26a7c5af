/*
 * http_fuzz.c: any bytes as the head of a request, and of a response.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http.h"

#define MAX	2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct text t, const char *buf, int len)
{
	return t.s >= buf && t.s + t.len <= buf + len;
}

/* What servers rely on. */
static void request_check(const char *buf, int len,
			  const struct http_request *r)
{
	struct text value = http_header(&r->h, "host"), path = r->path;

	if (!within(r->method, buf, len) || !within(r->path, buf, len) ||
	    !within(r->h.lines, buf, len) ||
	    (r->query.len && !within(r->query, buf, len)) ||
	    (value.len && !within(value, buf, len)))
		abort();
	if (!r->method.len || !r->path.len || *r->path.s != '/' ||
	    memchr(r->path.s, ' ', r->path.len) ||
	    memchr(value.s, '\n', value.len))
		abort();
	while (path.len)
		if (text_decode(&path) < 0)
			break;
}

/* What a relay relies on: lines that it writes again are lines. */
static void response_check(const char *buf, int len,
			   const struct http_response *r)
{
	struct text lines = r->h.lines, name, value;

	if (!within(lines, buf, len) || r->status < 100 || r->status > 999 ||
	    memchr(r->reason.s, '\n', r->reason.len))
		abort();
	while (http_header_next(&lines, &name, &value))
		if (!name.len || memchr(name.s, '\n', name.len) ||
		    memchr(value.s, '\r', value.len))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *buf = (const char *)data;
	struct http_response answer;
	struct http_request r;
	int n = http_response_read(buf, size, MAX, &answer);

	if (n > 0)
		response_check(buf, n, &answer);
	n = http_request_read(buf, size, MAX, &r);

	if (n > MAX || (n > 0 && (size_t)n > size))
		abort();
	if (n > 0)
		request_check(buf, n, &r);
	if (n < 0 && !strcmp(http_reason(-n), "?"))
		abort();
	return 0;
}
