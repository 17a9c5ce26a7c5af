/*
 * request.h: what a server of files wants of a request (http/http.h).
 * Freestanding, no state: it is also built for tests.
 */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define WEB_REQUEST_MAX	4000	/* bytes of a request with its headers */
#define WEB_PATH_MAX	256	/* bytes of a decoded path with its NUL */

enum web_method { WEB_GET, WEB_HEAD };

struct web_request {
	enum web_method method;
	/* "/a/b": decoded, without the query; printable, no empty, "." or ".."
	 * parts; a "/" at the end stays. */
	char path[WEB_PATH_MAX];
	bool keep_alive;	/* the connection is to go on after the answer */
};

/*
 * Read one request.  Returns its length, 0 where it is not complete yet, or
 * minus the status to refuse it with; the connection is to be closed then.
 * Beside those of http_request_read(): 413 a body, 414 a path, 501 a method.
 */
int web_request_read(const char *buf, size_t len, struct web_request *r);

#endif
