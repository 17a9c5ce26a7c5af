/*
 * http.c: the request is hostile text.
 *
 * It is looked at only when it is complete, up to the empty line; every line
 * must be well-formed.  What is not understood but could change where the next
 * request begins (a body of whatever form) is refused.
 */
#include "web/http.h"

#include <stdint.h>
#include <string.h>

struct text {			/* a piece of the request */
	const char *s;
	size_t len;
};

/* The request up to and with its empty line; 0: it is not complete. */
static size_t request_len(const char *buf, size_t len)
{
	for (size_t i = 0; i + 4 <= len; i++)
		if (!memcmp(buf + i, "\r\n\r\n", 4))
			return i + 4;
	return 0;
}

/* Cut a line off the front of *rest, which ends in CR LF; without them. */
static struct text line_cut(struct text *rest)
{
	struct text line = { rest->s, 0 };

	while (line.s[line.len] != '\r' || line.s[line.len + 1] != '\n')
		line.len++;
	rest->s += line.len + 2;
	rest->len -= line.len + 2;
	return line;
}

/* Cut a word that ends at a blank or at the end of the line. */
static struct text word_cut(struct text *line)
{
	struct text w = { line->s, 0 };

	while (w.len < line->len && w.s[w.len] != ' ')
		w.len++;
	line->s += w.len;
	line->len -= w.len;
	if (line->len) {
		line->s++;
		line->len--;
	}
	return w;
}

static bool is(struct text t, const char *word)
{
	return t.len == strlen(word) && !memcmp(t.s, word, t.len);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool is_nocase(struct text t, const char *word)
{
	if (t.len != strlen(word))
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (lower(t.s[i]) != word[i])
			return false;
	return true;
}

/* ---- the path ---- */

static int hex(char c)
{
	c = lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next character of the target, decoded; -1: none that a path may have. */
static int decoded(struct text *t)
{
	int c = (unsigned char)t->s[0], high, low;
	size_t n = 1;

	if (c == '%') {
		if (t->len < 3)
			return -1;
		high = hex(t->s[1]);
		low = hex(t->s[2]);
		if (high < 0 || low < 0)
			return -1;
		c = high << 4 | low;
		n = 3;
	}
	t->s += n;
	t->len -= n;
	return c > ' ' && c < 0x7f && c != '\\' ? c : c == ' ' ? ' ' : -1;
}

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

/* "http://host/path" is what proxies are asked for, and servers must take. */
static void authority_cut(struct text *t)
{
	static const char scheme[] = "http://";

	if (t->len < sizeof(scheme) - 1 ||
	    memcmp(t->s, scheme, sizeof(scheme) - 1))
		return;
	t->s += sizeof(scheme) - 1;
	t->len -= sizeof(scheme) - 1;
	while (t->len && *t->s != '/') {
		t->s++;
		t->len--;
	}
}

static int path_take(struct text target, char *path)
{
	size_t n = 0;

	authority_cut(&target);
	if (!target.len || *target.s != '/')
		return -400;
	while (target.len && *target.s != '?' && *target.s != '#') {
		int c = decoded(&target);

		if (c < 0)
			return -400;
		if (n + 1 == HTTP_PATH_MAX)
			return -414;
		path[n++] = c;
	}
	path[n] = 0;
	return parts_ok(path) ? 0 : -400;
}

/* ---- lines ---- */

static int request_line(struct text line, struct http_request *r)
{
	struct text method = word_cut(&line), target = word_cut(&line);

	if (is(line, "HTTP/1.1"))
		r->keep_alive = true;
	else if (is(line, "HTTP/1.0"))
		r->keep_alive = false;
	else
		return line.len > 5 && !memcmp(line.s, "HTTP/", 5) ? -505
								   : -400;
	if (is(method, "GET"))
		r->method = HTTP_GET;
	else if (is(method, "HEAD"))
		r->method = HTTP_HEAD;
	else
		return method.len ? -501 : -400;
	return path_take(target, r->path);
}

static bool name_char(char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static struct text trimmed(struct text t)
{
	while (t.len && (*t.s == ' ' || *t.s == '\t')) {
		t.s++;
		t.len--;
	}
	while (t.len && (t.s[t.len - 1] == ' ' || t.s[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* A list with commas: the words that we know. */
static void connection_header(struct text value, struct http_request *r)
{
	while (value.len) {
		struct text w = { value.s, 0 };

		while (w.len < value.len && w.s[w.len] != ',')
			w.len++;
		value.s += w.len;
		value.len -= w.len;
		if (value.len) {
			value.s++;
			value.len--;
		}
		w = trimmed(w);
		if (is_nocase(w, "close"))
			r->keep_alive = false;
		else if (is_nocase(w, "keep-alive"))
			r->keep_alive = true;
	}
}

static int header(struct text line, struct http_request *r)
{
	struct text name = { line.s, 0 }, value;

	while (name.len < line.len && name_char(name.s[name.len]))
		name.len++;
	if (!name.len || name.len == line.len || name.s[name.len] != ':')
		return -400;	/* also lines that go on the one before */
	value = trimmed((struct text){ name.s + name.len + 1,
				       line.len - name.len - 1 });
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.s[i] < ' ' && value.s[i] != '\t')
			return -400;
	if (is_nocase(name, "connection"))
		connection_header(value, r);
	else if (is_nocase(name, "transfer-encoding"))
		return -501;
	else if (is_nocase(name, "content-length") && !is(value, "0"))
		return -413;
	return 0;
}

int http_parse(const char *buf, size_t len, struct http_request *r)
{
	size_t total;
	struct text rest, line;
	int rc;

	/* Empty lines before a request are to be forgiven. */
	size_t skipped = 0;

	while (skipped + 2 <= len && !memcmp(buf + skipped, "\r\n", 2))
		skipped += 2;
	buf += skipped;
	len -= skipped;

	total = request_len(buf, len);
	if (!total)
		return len + skipped < HTTP_REQUEST_MAX ? 0 : -431;
	if (total + skipped > HTTP_REQUEST_MAX)
		return -431;
	rest = (struct text){ buf, total };
	rc = request_line(line_cut(&rest), r);
	while (!rc) {
		line = line_cut(&rest);
		if (!line.len)
			return total + skipped;
		rc = header(line, r);
	}
	return rc;
}

/* ---- words ---- */

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} table[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 404, "Not Found" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 431, "Request Header Fields Too Large" },
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

const char *http_type(const char *path)
{
	static const struct {
		const char *ending, *type;
	} table[] = {
		{ "html", "text/html; charset=utf-8" },
		{ "htm", "text/html; charset=utf-8" },
		{ "txt", "text/plain; charset=utf-8" },
		{ "css", "text/css" },
		{ "js", "text/javascript" },
		{ "json", "application/json" },
		{ "svg", "image/svg+xml" },
		{ "png", "image/png" },
		{ "jpg", "image/jpeg" },
		{ "gif", "image/gif" },
		{ "ico", "image/x-icon" },
		{ "pdf", "application/pdf" },
		{ "wasm", "application/wasm" },
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(dot + 1, table[i].ending))
			return table[i].type;
	return "application/octet-stream";
}
