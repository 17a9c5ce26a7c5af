/*
 * http.h: requests of HTTP/1.0 and 1.1, as a server of files needs them
 * (RFC 9112).  Freestanding, no state: it is also built for tests.
 */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_REQUEST_MAX	4000	/* bytes of a request with its headers */
#define HTTP_PATH_MAX		256	/* bytes of a decoded path with its NUL */

enum http_method { HTTP_GET, HTTP_HEAD };

struct http_request {
	enum http_method method;
	/* "/a/b": decoded, without the query; printable, no empty, "." or ".."
	 * parts; a "/" at the end stays. */
	char path[HTTP_PATH_MAX];
	bool keep_alive;	/* the connection is to go on after the answer */
};

/*
 * Read one request.  Returns its length, 0 where it is not complete yet, or
 * minus the status to refuse it with; the connection is to be closed then.
 */
int http_parse(const char *buf, size_t len, struct http_request *r);

/* The words of a status, "?" if we never send it. */
const char *http_reason(int status);

/* The media type by the name's ending. */
const char *http_type(const char *path);

#endif
