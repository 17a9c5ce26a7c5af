/*
 * request.c: see request.h.
 */
#include "dom0/request.h"

#include <string.h>

struct text request_token(const struct http_request *r)
{
	static const char scheme[] = "bearer ";
	struct text value = http_header(&r->h, "authorization");

	if (!text_begins_nocase(value, scheme))
		return (struct text){ "", 0 };
	text_take(&value, sizeof(scheme) - 1);
	return text_trim(value);
}

bool secret_equal(struct text got, const char *secret)
{
	size_t len = strlen(secret);
	volatile unsigned char differ = got.len != len;

	/* As many steps for every secret: past its end it is compared again. */
	for (size_t i = 0; i < got.len; i++)
		differ |= (unsigned char)(got.s[i] ^ secret[len ? i % len : 0]);
	return !differ && len;
}

/* What follows `name=`; false: it is not there. */
static bool param_find(struct text query, const char *name, struct text *value)
{
	size_t len = strlen(name);

	while (query.len) {
		struct text pair = text_cut(&query, '&');

		if (pair.len > len && !memcmp(pair.s, name, len) &&
		    pair.s[len] == '=') {
			text_take(&pair, len + 1);
			*value = pair;
			return true;
		}
	}
	return false;
}

int query_param(struct text query, const char *name, char *buf, size_t size)
{
	struct text value;
	size_t n = 0;

	if (!param_find(query, name, &value))
		return -1;
	while (value.len) {
		bool blank = *value.s == '+';
		int c = text_decode(&value);

		if (c <= 0 || n + 1 >= size)
			return -2;
		buf[n++] = blank ? ' ' : (char)c;
	}
	buf[n] = 0;
	return (int)n;
}
