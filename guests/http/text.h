/*
 * text.h: a piece of text that somebody else sent.  It has no NUL at its end,
 * may hold one, and is never written to.
 *
 * Freestanding, no state: it is also built for tests.
 */
#ifndef HTTP_TEXT_H
#define HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	const char *s;
	size_t	    len;
};

bool text_is(struct text t, const char *word);
/* As text_is(), with letters in any case; word has small ones. */
bool text_is_nocase(struct text t, const char *word);
bool text_begins_nocase(struct text t, const char *word);

/* What stands before the first `end`, or all; *t goes on behind it. */
struct text text_cut(struct text *t, char end);
/* The first n bytes; n <= t->len. */
struct text text_take(struct text *t, size_t n);

/* Without blanks and tabs at both ends. */
struct text text_trim(struct text t);

/*
 * The next character of a text that is not empty, `%41` being one, and *t goes
 * on behind it.  0 to 255, or -1: no two hexadecimal digits.
 */
int text_decode(struct text *t);

/* Decimal digits and nothing else, at most max; false: it is no such number. */
bool text_number(struct text t, uint64_t max, uint64_t *n);

#endif
