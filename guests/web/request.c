/*
 * request.c: a file is asked for by a path, and by nothing else.
 */
#include "web/request.h"

#include "http/http.h"

/* No empty parts but after a final slash, no "." or "..". */
static bool parts_ok(const char *path)
{
	while (*path) {
		size_t n = 0;

		path++;				/* the slash */
		while (path[n] && path[n] != '/')
			n++;
		if ((!n && path[0]) || (n == 1 && path[0] == '.') ||
		    (n == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += n;
	}
	return true;
}

static int path_read(struct text coded, char *path)
{
	size_t n = 0;

	while (coded.len) {
		int c = text_decode(&coded);

		if (c < ' ' || c > '~' || c == '\\')
			return -400;
		if (n + 1 == WEB_PATH_MAX)
			return -414;
		path[n++] = (char)c;
	}
	path[n] = 0;
	return parts_ok(path) ? 0 : -400;
}

int web_request_read(const char *buf, size_t len, struct web_request *r)
{
	struct http_request http;
	int n = http_request_read(buf, len, WEB_REQUEST_MAX, &http), rc;

	if (n <= 0)
		return n;
	if (text_is(http.method, "GET"))
		r->method = WEB_GET;
	else if (text_is(http.method, "HEAD"))
		r->method = WEB_HEAD;
	else
		return -501;
	rc = path_read(http.path, r->path);
	if (rc)
		return rc;
	r->keep_alive = http.h.keep_alive;
	return http.h.length ? -413 : n;
}
