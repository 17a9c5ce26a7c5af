/*
 * seldom.h: lines that a stranger can cause as often as he likes: one a second
 * is said, with how many were not.
 */
#ifndef DOM0_SELDOM_H
#define DOM0_SELDOM_H

#include <stdint.h>

struct seldom {			/* all zero: nothing was said yet */
	uint64_t     said_ns;
	unsigned int unsaid;	/* since */
};

/* Print it, with a newline behind it, or count it. */
void seldom_say(struct seldom *s, uint64_t now_ns, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
