/*
 * http.h: requests of HTTP/1.1 (RFC 9112), as far as dom0 takes them.
 *
 * Text from strangers: it is read in place, and whatever it holds the answer is
 * a request or the status to refuse it with.
 */
#ifndef DOM0_HTTP_H
#define DOM0_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_request {		/* pointers into the head, NUL-ended */
	const char *method;	/* "GET" */
	const char *path;	/* "/v1/ports", without the query */
	const char *query;	/* "a=b&c=d", as it came; "" if none */
	const char *token;	/* of `Authorization: Bearer`, or NULL */
	uint64_t    content_length;
	bool	    expects_continue;
};

/* Bytes of the head at the start of buf with its empty line, 0 where the end
 * has not come yet. */
size_t http_head_len(const char *buf, size_t len);

/*
 * Take apart the head of len bytes at buf, which is changed.  0, or the status
 * to answer with: 400 malformed, 501 a transfer coding, 505 not HTTP/1.x.
 */
int http_parse(char *buf, size_t len, struct http_request *r);

/*
 * The decoded value of a parameter of the query into buf, with a NUL; its
 * length, -1 if it is not there, -2 if it does not fit or is malformed.  The
 * value holds no NUL.
 */
int http_param(const char *query, const char *name, char *buf, size_t size);

/* "OK", "Unauthorized" ... */
const char *http_reason(int status);

/* Is got the secret?  The time it takes does not depend on what they hold. */
bool http_secret_equal(const char *got, const char *secret);

#endif
