/* text.c: see text.h. */
#include "http/text.h"

#include <string.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

bool text_is(struct text t, const char *word)
{
	return t.len == strlen(word) && !memcmp(t.s, word, t.len);
}

bool text_begins_nocase(struct text t, const char *word)
{
	size_t len = strlen(word);

	if (t.len < len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (lower(t.s[i]) != word[i])
			return false;
	return true;
}

bool text_is_nocase(struct text t, const char *word)
{
	return t.len == strlen(word) && text_begins_nocase(t, word);
}

struct text text_take(struct text *t, size_t n)
{
	struct text first = { t->s, n };

	t->s += n;
	t->len -= n;
	return first;
}

struct text text_cut(struct text *t, char end)
{
	const char *at = memchr(t->s, end, t->len);
	struct text first = text_take(t, at ? (size_t)(at - t->s) : t->len);

	if (at)
		text_take(t, 1);
	return first;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct text text_trim(struct text t)
{
	while (t.len && is_blank(*t.s))
		text_take(&t, 1);
	while (t.len && is_blank(t.s[t.len - 1]))
		t.len--;
	return t;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int text_decode(struct text *t)
{
	int c = (unsigned char)*t->s, high, low;

	if (c != '%') {
		text_take(t, 1);
		return c;
	}
	if (t->len < 3)
		return -1;
	high = hex(t->s[1]);
	low = hex(t->s[2]);
	if (high < 0 || low < 0)
		return -1;
	text_take(t, 3);
	return high << 4 | low;
}

bool text_number(struct text t, uint64_t max, uint64_t *n)
{
	*n = 0;
	for (size_t i = 0; i < t.len; i++) {
		uint64_t digit = (uint64_t)(t.s[i] - '0');

		if (digit > 9 || digit > max || *n > (max - digit) / 10)
			return false;
		*n = *n * 10 + digit;
	}
	return t.len;
}
