/*
 * timerq.h: a queue of timers, ordered by time.  The caller locks.
 */
#ifndef TIMERQ_H
#define TIMERQ_H

#include "time.h"

struct timerq {
	struct timer *first; /* the earliest; NULL: empty */
};

void timerq_insert(struct timerq *q, struct timer *t); /* t->at is set */
void timerq_remove(struct timerq *q, struct timer *t); /* t is in q */

#endif
