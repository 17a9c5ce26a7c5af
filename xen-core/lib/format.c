/*
 * format.c: snprintf, as far as a hypervisor needs it.
 *
 *	%[-][0][width][.precision][l|ll|z|h]{d,i,u,x,X,p,s,c,%}
 *
 * width and precision may be `*'.  Precision is for strings, which need no NUL
 * within it.  What it does not know it prints as it stands.
 */
#include "log.h"

#include "lib.h"

struct out {
	char *buf;
	size_t size; /* with the NUL */
	size_t len;  /* of the whole text, also beyond size */
};

struct spec {
	bool left, zero;
	int width, precision; /* precision -1: none */
	int longs;	      /* 0: int, else 64 bits */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_field(struct out *o, const struct spec *s, const char *text,
		      int len)
{
	int pad = s->width - len;
	int i;

	for (; !s->left && pad > 0; pad--)
		put(o, ' ');
	for (i = 0; i < len; i++)
		put(o, text[i]);
	for (; pad > 0; pad--)
		put(o, ' ');
}

static void put_number(struct out *o, const struct spec *s, uint64_t n,
		       unsigned base, const char *sign)
{
	char text[96];
	int at = sizeof(text), sign_len = (int)strlen(sign);
	int min = s->zero && !s->left ? MIN(s->width, 64) - sign_len : 1;
	int digits = 0;

	do {
		text[--at] = "0123456789abcdef"[n % base];
		n /= base;
		digits++;
	} while (n != 0 || digits < min);
	while (sign_len > 0)
		text[--at] = sign[--sign_len];
	put_field(o, s, text + at, (int)sizeof(text) - at);
}

static int parse_int(const char **f, __builtin_va_list *ap)
{
	int n = 0;

	if (**f == '*') {
		(*f)++;
		return __builtin_va_arg(*ap, int);
	}
	while (**f >= '0' && **f <= '9' && n < 1000)
		n = n * 10 + *(*f)++ - '0';
	return n;
}

static struct spec parse_spec(const char **f, __builtin_va_list *ap)
{
	struct spec s = {.precision = -1};

	for (; **f == '-' || **f == '0'; (*f)++) {
		s.left |= **f == '-';
		s.zero |= **f == '0';
	}
	s.width = parse_int(f, ap);
	if (**f == '.') {
		(*f)++;
		s.precision = parse_int(f, ap);
	}
	for (; **f == 'l' || **f == 'z' || **f == 'h'; (*f)++)
		s.longs += **f != 'h';
	return s;
}

static uint64_t arg_unsigned(const struct spec *s, __builtin_va_list *ap)
{
	return s->longs ? __builtin_va_arg(*ap, uint64_t)
			: __builtin_va_arg(*ap, unsigned);
}

static void put_signed(struct out *o, const struct spec *s,
		       __builtin_va_list *ap)
{
	int64_t n = s->longs ? __builtin_va_arg(*ap, int64_t)
			     : __builtin_va_arg(*ap, int);

	put_number(o, s, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, 10,
		   n < 0 ? "-" : "");
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	size_t max = s->precision < 0 ? 4096 : (size_t)s->precision;

	if (text == NULL)
		text = "(null)";
	put_field(o, s, text, (int)strnlen(text, max));
}

/* One conversion; *f stands behind the '%' and moves behind the conversion. */
static void convert(struct out *o, const char **f, __builtin_va_list *ap)
{
	const char *start = *f;
	struct spec s = parse_spec(f, ap);
	char c;

	switch (*(*f)++) {
	case 'd':
	case 'i':
		put_signed(o, &s, ap);
		return;
	case 'u':
		put_number(o, &s, arg_unsigned(&s, ap), 10, "");
		return;
	case 'x':
	case 'X':
		put_number(o, &s, arg_unsigned(&s, ap), 16, "");
		return;
	case 'p':
		s.longs = 1;
		put_number(o, &s, arg_unsigned(&s, ap), 16, "0x");
		return;
	case 'c':
		c = (char)__builtin_va_arg(*ap, int);
		put_field(o, &s, &c, 1);
		return;
	case 's':
		put_string(o, &s, __builtin_va_arg(*ap, const char *));
		return;
	case '%':
		put(o, '%');
		return;
	}
	put(o, '%');
	*f = start;
}

int vformat(char *buf, size_t size, const char *fmt, __builtin_va_list args)
{
	struct out o = {.buf = buf, .size = size};
	__builtin_va_list ap;

	__builtin_va_copy(ap, args);
	while (*fmt != '\0') {
		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		fmt++;
		convert(&o, &fmt, &ap);
	}
	__builtin_va_end(ap);
	if (size > 0)
		buf[MIN(o.len, size - 1)] = '\0';
	return (int)o.len;
}

int format(char *buf, size_t size, const char *fmt, ...)
{
	__builtin_va_list ap;
	int len;

	__builtin_va_start(ap, fmt);
	len = vformat(buf, size, fmt, ap);
	__builtin_va_end(ap);
	return len;
}
