/* http.c: see http.h. */
#include "http/http.h"

#include <string.h>

#define LENGTH_MAX	(1ull << 40)	/* of a body */

/* ---- lines ---- */

/* The text up to and with its empty line; 0: that is not there. */
static size_t head_len(const char *buf, size_t len)
{
	for (size_t i = 0; i + 4 <= len; i++)
		if (!memcmp(buf + i, "\r\n\r\n", 4))
			return i + 4;
	return 0;
}

/* Cut a line off, without its CR LF.  False: its CR stands alone. */
static bool line_cut(struct text *rest, struct text *line)
{
	*line = text_cut(rest, '\r');
	if (!rest->len || *rest->s != '\n')
		return false;
	text_take(rest, 1);
	return true;
}

/* RFC 9110, "Tokens" */
static bool is_token(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		char c = t.s[i], letter = c | 0x20;

		if (!(letter >= 'a' && letter <= 'z') &&
		    !(c >= '0' && c <= '9') &&
		    !(c && strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return t.len;
}

static bool is_printable(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.s[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* ---- the request's own line ---- */

static int version_read(struct text t, struct http_headers *h)
{
	struct text rest = t;

	if (t.len <= 5 || !text_is(text_take(&rest, 5), "HTTP/"))
		return -400;
	if (rest.len != 3 || !text_is(text_take(&rest, 2), "1.") ||
	    *rest.s < '0' || *rest.s > '9')
		return -505;
	h->keep_alive = *rest.s != '0';
	return 0;
}

/* "http://host/path" is what proxies are asked for, and servers must take. */
static void authority_cut(struct text *t)
{
	static const char scheme[] = "http://";

	if (!text_begins_nocase(*t, scheme))
		return;
	text_take(t, sizeof(scheme) - 1);
	while (t->len && *t->s != '/')
		text_take(t, 1);
}

static int target_read(struct text t, struct http_request *r)
{
	/* A '#' is never sent: what follows it is the client's own. */
	for (size_t i = 0; i < t.len; i++)
		if (t.s[i] <= ' ' || t.s[i] > '~' || t.s[i] == '#')
			return -400;
	authority_cut(&t);
	if (!t.len || *t.s != '/')
		return -400;
	r->path = text_cut(&t, '?');
	r->query = t;
	return 0;
}

static int request_line(struct text line, struct http_request *r)
{
	struct text target;
	int rc;

	r->method = text_cut(&line, ' ');
	target = text_cut(&line, ' ');
	if (!is_token(r->method))
		return -400;
	rc = version_read(line, &r->h);
	return rc ? rc : target_read(target, r);
}

/* ---- the response's ---- */

/* "HTTP/1.1 404 Not Found" */
static bool status_line(struct text line, struct http_response *r)
{
	struct text version = text_cut(&line, ' ');
	struct text status = text_cut(&line, ' ');
	uint64_t n;

	if (version_read(version, &r->h) || status.len != 3 ||
	    !text_number(status, 999, &n) || n < 100)
		return false;
	r->status = (int)n;
	r->reason = line;
	return is_printable(line);
}

/* ---- headers ---- */

/* "Name: value".  False: malformed, or it goes on the line before. */
static bool header_split(struct text line, struct text *name,
			 struct text *value)
{
	struct text rest = line;

	*name = text_cut(&rest, ':');
	*value = text_trim(rest);
	return name->len < line.len && is_token(*name) && is_printable(*value);
}

/* A list with commas: the words that we know. */
static void connection_read(struct text value, struct http_headers *h)
{
	while (value.len) {
		struct text word = text_trim(text_cut(&value, ','));

		if (text_is_nocase(word, "close"))
			h->keep_alive = false;
		else if (text_is_nocase(word, "keep-alive"))
			h->keep_alive = true;
	}
}

/* Said twice it could be two things to two readers. */
static bool length_read(struct text value, struct http_headers *h)
{
	if (h->has_length || !text_number(value, LENGTH_MAX, &h->length))
		return false;
	h->has_length = true;
	return true;
}

static bool header_read(struct text line, struct http_headers *h)
{
	struct text name, value;

	if (!header_split(line, &name, &value))
		return false;
	if (text_is_nocase(name, "connection"))
		connection_read(value, h);
	else if (text_is_nocase(name, "transfer-encoding"))
		h->coded = true;
	else if (text_is_nocase(name, "content-length"))
		return length_read(value, h);
	return true;
}

/* False: some line is malformed. */
static bool headers_read(struct text rest, struct http_headers *h)
{
	struct text line;

	h->lines = rest;
	do {
		if (!line_cut(&rest, &line) ||
		    (line.len && !header_read(line, h)))
			return false;
	} while (line.len);
	return true;
}

bool http_header_next(struct text *lines, struct text *name,
		      struct text *value)
{
	struct text line;

	return line_cut(lines, &line) && header_split(line, name, value);
}

struct text http_header(const struct http_headers *h, const char *name)
{
	struct text rest = h->lines, found, value;

	while (http_header_next(&rest, &found, &value))
		if (text_is_nocase(found, name))
			return value;
	return (struct text){ "", 0 };
}

/* ---- all of it ---- */

int http_request_read(const char *buf, size_t len, size_t max,
		      struct http_request *r)
{
	size_t skipped = 0, total;
	struct text rest, line;
	int rc;

	/* Empty lines before a request are to be forgiven. */
	while (skipped + 2 <= len && !memcmp(buf + skipped, "\r\n", 2))
		skipped += 2;
	total = head_len(buf + skipped, len - skipped);
	if (!total)
		return len < max ? 0 : -431;
	if (skipped + total > max)
		return -431;
	*r = (struct http_request){ .h.length = 0 };
	rest = (struct text){ buf + skipped, total };
	if (!line_cut(&rest, &line))
		return -400;
	rc = request_line(line, r);
	if (rc)
		return rc;
	if (!headers_read(rest, &r->h))
		return -400;
	return r->h.coded ? -501 : (int)(skipped + total);
}

int http_response_read(const char *buf, size_t len, size_t max,
		       struct http_response *r)
{
	size_t total = head_len(buf, len);
	struct text rest = { buf, total }, line;

	if (!total)
		return len < max ? 0 : -502;
	*r = (struct http_response){ .status = 0 };
	if (total > max || !line_cut(&rest, &line) || !status_line(line, r) ||
	    !headers_read(rest, &r->h))
		return -502;
	return (int)total;
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
		{ 414, "URI Too Long" },
		{ 422, "Unprocessable Content" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].reason;
	return "?";
}
