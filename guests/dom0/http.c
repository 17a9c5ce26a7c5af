/*
 * http.c: see http.h.
 */
#include "dom0/http.h"

#include <string.h>

#define SECRET_MAX	256

size_t http_head_len(const char *buf, size_t len)
{
	for (size_t i = 3; i < len; i++)
		if (buf[i] == '\n' && buf[i - 1] == '\r' &&
		    buf[i - 2] == '\n' && buf[i - 3] == '\r')
			return i + 1;
	return 0;
}

/* The line at s ends here: NUL instead of CR LF.  The next line, NULL: none. */
static char *line_cut(char *s, char *end)
{
	for (; s + 1 < end; s++)
		if (s[0] == '\r' && s[1] == '\n') {
			*s = 0;
			return s + 2;
		}
	return NULL;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* The value of a header line if it is that header, else NULL. */
static char *header_value(char *line, const char *name)
{
	for (; *name; line++, name++)
		if (lower(*line) != *name)
			return NULL;
	if (*line++ != ':')
		return NULL;
	return line + strspn(line, " \t");
}

static bool starts_with_word(const char *s, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (lower(s[i]) != word[i])
			return false;
	return true;
}

/* RFC 6750: `Bearer TOKEN`; the scheme in any case. */
static const char *bearer(char *value)
{
	static const char scheme[] = "bearer ";
	char *token;

	if (!starts_with_word(value, scheme, sizeof(scheme) - 1))
		return NULL;
	token = value + sizeof(scheme) - 1;
	token += strspn(token, " ");
	token[strcspn(token, " \t")] = 0;
	return token;
}

static int number(const char *s, uint64_t *n)
{
	*n = 0;
	if (!*s)
		return 400;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (*n > (1ull << 40))
			return 400;
		*n = *n * 10 + (uint64_t)(*s - '0');
	}
	return s[strspn(s, " \t")] ? 400 : 0;
}

static int header_take(char *line, struct http_request *r)
{
	char *v;

	v = header_value(line, "authorization");
	if (v) {
		r->token = bearer(v);
		return 0;
	}
	v = header_value(line, "content-length");
	if (v)
		return number(v, &r->content_length);
	if (header_value(line, "transfer-encoding"))
		return 501;
	if (header_value(line, "expect"))
		r->expects_continue = true;
	return 0;
}

static int request_line(char *line, struct http_request *r)
{
	char *target = strchr(line, ' '), *version, *query;

	version = target ? strchr(target + 1, ' ') : NULL;
	if (!version || target == line)
		return 400;
	*target++ = 0;
	*version++ = 0;
	if (strncmp(version, "HTTP/1.", 7) || !version[7] || version[8])
		return 505;
	query = strchr(target, '?');
	if (query)
		*query++ = 0;
	r->method = line;
	r->path = target;
	r->query = query ? query : "";
	return *target == '/' ? 0 : 400;
}

int http_parse(char *buf, size_t len, struct http_request *r)
{
	char *line = buf, *next, *end = buf + len;
	int status;

	*r = (struct http_request){ .method = NULL };
	if (memchr(buf, 0, len))
		return 400;
	next = line_cut(line, end);
	if (!next)
		return 400;
	status = request_line(line, r);
	for (line = next; !status && line; line = next) {
		next = line_cut(line, end);
		if (!next || !*line)
			break;
		status = header_take(line, r);
	}
	return status;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a query, decoded, or -1; *s moves behind it. */
static int decoded(const char **s)
{
	const char *p = *s;
	int high, low;

	if (*p == '+') {
		*s = p + 1;
		return ' ';
	}
	if (*p != '%') {
		*s = p + 1;
		return (unsigned char)*p;
	}
	high = hex(p[1]);
	low = high < 0 ? -1 : hex(p[2]);
	if (low < 0 || (high == 0 && low == 0))
		return -1;
	*s = p + 3;
	return high << 4 | low;
}

int http_param(const char *query, const char *name, char *buf, size_t size)
{
	size_t len = strlen(name), n = 0;
	const char *s = query;
	int c;

	while (strncmp(s, name, len) || s[len] != '=') {
		s = strchr(s, '&');
		if (!s)
			return -1;
		s++;
	}
	s += len + 1;
	while (*s && *s != '&') {
		c = decoded(&s);
		if (c < 0 || n + 1 >= size)
			return -2;
		buf[n++] = (char)c;
	}
	buf[n] = 0;
	return (int)n;
}

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} table[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 422, "Unprocessable Content" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].reason;
	return "";
}

bool http_secret_equal(const char *got, const char *secret)
{
	size_t got_len = strnlen(got, SECRET_MAX);
	size_t len = strnlen(secret, SECRET_MAX);
	volatile unsigned char differ = got_len != len;

	/* As many steps for every secret: past its end it is compared again. */
	for (size_t i = 0; i < got_len; i++)
		differ |= (unsigned char)(got[i] ^ secret[len ? i % len : 0]);
	return !differ && len;
}
