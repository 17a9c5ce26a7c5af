/*
 * printf.c: formatted text.  Output goes into a bounded buffer, like
 * vsnprintf of C: always NUL-ended where there is room for a byte, and the
 * result is the length that the whole text would have had.
 */
#include <stdio.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct out {
	char	*buf;
	size_t	 size;
	size_t	 len;		/* produced, also past size */
};

struct spec {
	bool	 left, zero, upper, is_signed;
	int	 width;
	int	 precision;	/* -1: none */
	int	 longs;
	unsigned base;
};

static void out_char(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void out_padded(struct out *o, const char *s, size_t len,
		       const struct spec *sp)
{
	int pad = sp->width > (int)len ? sp->width - (int)len : 0;

	if (!sp->left)
		for (; pad; pad--)
			out_char(o, ' ');
	while (len--)
		out_char(o, *s++);
	for (; pad; pad--)
		out_char(o, ' ');
}

static void out_number(struct out *o, uint64_t n, bool minus, struct spec *sp)
{
	const char *digits = sp->upper ? "0123456789ABCDEF"
				       : "0123456789abcdef";
	char buf[80], *end = buf + sizeof(buf), *p = end;
	int min = sp->precision >= 0 ? sp->precision : 1;

	if (sp->zero && !sp->left && sp->precision < 0)
		min = sp->width - minus;
	if (min > 64)
		min = 64;
	for (; n || end - p < min; n /= sp->base)
		*--p = digits[n % sp->base];
	if (minus)
		*--p = '-';
	out_padded(o, p, end - p, sp);
}

static const char *parse_number(const char *fmt, int *n, va_list *ap)
{
	*n = 0;
	if (*fmt == '*') {
		*n = va_arg(*ap, int);
		return fmt + 1;
	}
	while (*fmt >= '0' && *fmt <= '9')
		*n = *n * 10 + *fmt++ - '0';
	return fmt;
}

static const char *parse_spec(const char *fmt, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){ .precision = -1, .base = 10 };
	for (; *fmt == '-' || *fmt == '0'; fmt++) {
		sp->left |= *fmt == '-';
		sp->zero |= *fmt == '0';
	}
	fmt = parse_number(fmt, &sp->width, ap);
	if (*fmt == '.')
		fmt = parse_number(fmt + 1, &sp->precision, ap);
	for (; *fmt == 'l' || *fmt == 'z'; fmt++)
		sp->longs++;
	return fmt;
}

static void out_string(struct out *o, const char *s, struct spec *sp)
{
	if (!s)
		s = "(null)";
	out_padded(o, s, sp->precision >= 0 ? strnlen(s, sp->precision)
					    : strlen(s), sp);
}

static void out_integer(struct out *o, struct spec *sp, va_list *ap)
{
	int64_t n;

	if (!sp->is_signed) {
		out_number(o, sp->longs ? va_arg(*ap, unsigned long)
					: va_arg(*ap, unsigned int), false, sp);
		return;
	}
	n = sp->longs ? va_arg(*ap, long) : va_arg(*ap, int);
	out_number(o, n < 0 ? -(uint64_t)n : (uint64_t)n, n < 0, sp);
}

static void out_conversion(struct out *o, char c, struct spec *sp, va_list *ap)
{
	char ch;

	switch (c) {
	case 'd':
	case 'i':
		sp->is_signed = true;
		out_integer(o, sp, ap);
		break;
	case 'X':
	case 'x':
		sp->upper = c == 'X';
		sp->base = 16;
		/* fall through */
	case 'u':
		out_integer(o, sp, ap);
		break;
	case 'p':
		out_char(o, '0');
		out_char(o, 'x');
		sp->base = 16;
		sp->longs = 1;
		out_integer(o, sp, ap);
		break;
	case 's':
		out_string(o, va_arg(*ap, const char *), sp);
		break;
	case 'c':
		ch = va_arg(*ap, int);
		out_padded(o, &ch, 1, sp);
		break;
	default:
		out_char(o, c);
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size };
	struct spec sp;
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		if (*fmt != '%') {
			out_char(&o, *fmt++);
			continue;
		}
		fmt = parse_spec(fmt + 1, &sp, &args);
		if (*fmt)
			out_conversion(&o, *fmt++, &sp, &args);
	}
	va_end(args);
	if (size)
		buf[o.len < size ? o.len : size - 1] = 0;
	return o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}
