/*
 * http.h: heads of HTTP/1.0 and 1.1 (RFC 9112), as small servers need them.
 *
 * The text is a stranger's, whether he asks or answers.  It is looked at only
 * when it is there up to its empty line, every line of it must be well-formed,
 * and what could change where the next request begins is understood or refused.
 * What the request wants is the caller's to judge: its path, its body, and who
 * may ask.
 *
 * Freestanding, no state: it is also built for tests.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/text.h"

/* What a head says after its first line. */
struct http_headers {
	struct text lines;	/* for http_header() */
	uint64_t    length;	/* of the body, which begins behind the head */
	bool	    has_length;	/* it was said */
	bool	    coded;	/* the body has a transfer coding */
	bool	    keep_alive;	/* the connection is to go on after the answer */
};

struct http_request {		/* pieces of the text that was read */
	struct text method;	/* "GET"; a word, never empty */
	struct text path;	/* "/a%20b"; as it came, with its first slash */
	struct text query;	/* "a=b&c=d"; as it came; empty if none */
	struct http_headers h;
};

struct http_response {
	int	    status;	/* 100 to 999 */
	struct text reason;	/* its words; may be empty */
	struct http_headers h;
};

/*
 * Read the head of a request; the body is not looked at.  Returns the length of
 * the head, of max bytes at most, or 0 where it is not whole yet, or minus the
 * status to refuse it with, after which the connection must be closed: 400
 * malformed, 431 longer than max, 501 a transfer coding, 505 not HTTP/1.x.
 */
int http_request_read(const char *buf, size_t len, size_t max,
		      struct http_request *r);

/* The same of a response; all that is wrong with it is 502. */
int http_response_read(const char *buf, size_t len, size_t max,
		       struct http_response *r);

/* The first header of that name, in small letters: its value; empty if none. */
struct text http_header(const struct http_headers *h, const char *name);
/* One by one: *lines is h->lines to begin with.  False: there are no more. */
bool http_header_next(struct text *lines, struct text *name,
		      struct text *value);

/* "OK", "Bad Gateway" ...; "?" for a status that we never send. */
const char *http_reason(int status);

#endif
