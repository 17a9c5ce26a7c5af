/*
 * request.h: what dom0's API wants of a request (http/http.h): who may ask, and
 * the parameters of a query.
 */
#ifndef DOM0_REQUEST_H
#define DOM0_REQUEST_H

#include "http/http.h"

/* The token of `Authorization: Bearer TOKEN` (RFC 6750); empty if none. */
struct text request_token(const struct http_request *r);

/* Is got the secret?  The time it takes does not depend on what they hold.
 * Nothing equals an empty secret. */
bool secret_equal(struct text got, const char *secret);

/*
 * The decoded value of a parameter of the query into buf, with a NUL; its
 * length, -1 if it is not there, -2 if it does not fit or is malformed.  The
 * value holds no NUL.
 */
int query_param(struct text query, const char *name, char *buf, size_t size);

#endif
