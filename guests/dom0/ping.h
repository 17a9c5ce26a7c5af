/*
 * ping.h: asking guests of the kit whether they are alive, one after another.
 */
#ifndef DOM0_PING_H
#define DOM0_PING_H

#include <stdbool.h>

struct domain;

struct ping_result {
	unsigned int asked, answered;
};

/*
 * Ask one (or, with NULL, each running domain that can answer) and wait for
 * the answer, for a bounded time, before the next is asked.  each() hears of
 * every domain, done() of the end; either may be NULL.  One that was started a
 * moment ago is waited for until it says where it answers.  -EBUSY while
 * another is under way.
 */
int ping_start(struct domain *one, void (*each)(struct domain *d, bool alive),
	       void (*done)(const struct ping_result *r));

#endif
