/*
 * text.c: formatted text through a callback, a piece at a time.
 */
#include "rules_int.h"

#define NUMBER_MAX	24	/* digits of a uint64_t, and some */
#define QUOTED_MAX	40	/* bytes of a %.*s */

static void out_raw(const struct rules_out *out, const char *s, size_t len)
{
	if (len)
		out->write(out->ctx, s, len);
}

static void out_number(const struct rules_out *out, uint64_t n,
		       unsigned int base, unsigned int width)
{
	char buf[NUMBER_MAX];
	size_t i = sizeof(buf);

	do {
		buf[--i] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n || sizeof(buf) - i < width);
	out_raw(out, buf + i, sizeof(buf) - i);
}

static void out_quoted(const struct rules_out *out, const char *s)
{
	size_t from = 0, i;

	out_raw(out, "\"", 1);
	for (i = 0; s[i]; i++) {
		if (s[i] != '"' && s[i] != '\\' && s[i] != '\n')
			continue;
		out_raw(out, s + from, i - from);
		out_raw(out, "\\", 1);
		out_raw(out, s[i] == '\n' ? "n" : s + i, 1);
		from = i + 1;
	}
	out_raw(out, s + from, i - from);
	out_raw(out, "\"", 1);
}

/* RFC 5952: the longest run of zero groups, if above one, becomes "::". */
static void out_addr6(const struct rules_out *out, const struct vfr_addr *a)
{
	unsigned int g[8], best = 8, best_len = 1, i, n;

	for (i = 0; i < 8; i++)
		g[i] = (unsigned int)a->b[2 * i] << 8 | a->b[2 * i + 1];
	for (i = 0; i < 8; i += n + 1) {
		for (n = 0; i + n < 8 && !g[i + n]; n++)
			;
		if (n > best_len) {
			best = i;
			best_len = n;
		}
	}
	for (i = 0; i < 8; i++) {
		if (i == best) {
			out_raw(out, "::", 2);
			i += best_len - 1;
			continue;
		}
		if (i && i != best + best_len)
			out_raw(out, ":", 1);
		out_number(out, g[i], 16, 1);
	}
}

static void out_addr(const struct rules_out *out, const struct vfr_addr *a)
{
	if (vfr_addr_is_v4(a))
		out_print(out, "%u.%u.%u.%u", a->b[12], a->b[13], a->b[14],
			  a->b[15]);
	else
		out_addr6(out, a);
}

void out_vprint(const struct rules_out *out, const char *fmt, va_list ap)
{
	while (*fmt) {
		const char *from = fmt;
		const char *s;
		int n;

		while (*fmt && *fmt != '%')
			fmt++;
		out_raw(out, from, fmt - from);
		if (!*fmt)
			return;
		fmt++;
		switch (*fmt++) {
		case 's':
			s = va_arg(ap, const char *);
			out_raw(out, s, strlen(s));
			break;
		case '.':	/* %.*s */
			fmt += 2;
			n = va_arg(ap, int);
			s = va_arg(ap, const char *);
			out_raw(out, s, n < QUOTED_MAX ? n : QUOTED_MAX);
			if (n > QUOTED_MAX)
				out_raw(out, "...", 3);
			break;
		case 'c': {
			char c = va_arg(ap, int);

			out_raw(out, &c, 1);
			break;
		}
		case 'u':
			out_number(out, va_arg(ap, unsigned int), 10, 1);
			break;
		case 'd':
			n = va_arg(ap, int);
			if (n < 0)
				out_raw(out, "-", 1);
			out_number(out, n < 0 ? -(uint64_t)n : (uint64_t)n, 10,
				   1);
			break;
		case 'l':	/* %lu */
			fmt++;
			out_number(out, va_arg(ap, uint64_t), 10, 1);
			break;
		case 'x':
			out_number(out, va_arg(ap, uint64_t), 16, 16);
			break;
		case 'A':
			out_addr(out, va_arg(ap, const struct vfr_addr *));
			break;
		case 'q':
			out_quoted(out, va_arg(ap, const char *));
			break;
		default:
			out_raw(out, "%", 1);
		}
	}
}

void out_print(const struct rules_out *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	out_vprint(out, fmt, ap);
	va_end(ap);
}

static void strbuf_write(void *ctx, const char *text, size_t len)
{
	struct strbuf *b = ctx;
	size_t room = b->cap - 1 - b->len;

	if (len > room)
		len = room;
	memcpy(b->buf + b->len, text, len);
	b->len += len;
	b->buf[b->len] = 0;
}

void strbuf_init(struct strbuf *b, char *buf, size_t cap)
{
	b->buf = buf;
	b->cap = cap;
	b->len = 0;
	b->buf[0] = 0;
	b->out = (struct rules_out){ strbuf_write, b };
}

bool word_is(const char *s, size_t len, const char *keyword)
{
	return strlen(keyword) == len && memcmp(s, keyword, len) == 0;
}
