/* number.c: text to numbers, as strtol and strtoul of C. */
#include <stdlib.h>

#include <limits.h>
#include <stdbool.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return INT_MAX;
}

unsigned long strtoul(const char *s, char **end, int base)
{
	const char *start = s;
	unsigned long n = 0;
	bool minus, digits = false, over = false;

	while (*s == ' ' || *s == '\t')
		s++;
	minus = *s == '-';
	if (*s == '-' || *s == '+')
		s++;
	if ((base == 0 || base == 16) && s[0] == '0' &&
	    (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16) {
		s += 2;
		base = 16;
	} else if (base == 0) {
		base = *s == '0' ? 8 : 10;
	}
	for (; digit_value(*s) < base; s++) {
		over |= __builtin_mul_overflow(n, base, &n);
		over |= __builtin_add_overflow(n, digit_value(*s), &n);
		digits = true;
	}
	if (end)
		*end = (char *)(digits ? s : start);
	if (over)
		return ULONG_MAX;
	return minus ? -n : n;
}

long strtol(const char *s, char **end, int base)
{
	return strtoul(s, end, base);
}

int atoi(const char *s)
{
	return strtol(s, NULL, 10);
}
