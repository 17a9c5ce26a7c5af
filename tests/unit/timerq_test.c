/*
 * The timer queue: always the earliest first, through random insertions and
 * removals, compared with a plain array.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../xen-core/lib/timerq.h"

#define NR 300

static struct timer timers[NR];

static struct timer *earliest(void)
{
	struct timer *best = NULL;

	for (int i = 0; i < NR; i++)
		if (timers[i].set && (!best || timers[i].at < best->at))
			best = &timers[i];
	return best;
}

static void check_first(const struct timerq *q)
{
	struct timer *want = earliest();

	if (want == NULL) {
		assert_null(q->first);
		return;
	}
	assert_non_null(q->first);
	assert_true(q->first->set);
	assert_int_equal(q->first->at, want->at);
}

static void toggle(struct timerq *q, struct timer *t)
{
	if (t->set)
		timerq_remove(q, t);
	else
		timerq_insert(q, t);
	t->set = !t->set;
}

static void random_toggles(void **state)
{
	struct timerq q = { NULL };

	srandom(1);
	for (int i = 0; i < 60000; i++) {
		struct timer *t = &timers[random() % NR];

		if (!t->set)
			t->at = (ns_t)random() % 1000;
		toggle(&q, t);
		check_first(&q);
	}
	while (q.first != NULL) {
		toggle(&q, q.first);
		check_first(&q);
	}
	assert_null(earliest());
}

/* A heap's worst shapes: ascending and descending insertion, then drained. */
static void sorted_drain(void **state)
{
	for (int down = 0; down < 2; down++) {
		struct timerq q = { NULL };
		ns_t last = 0;

		for (int i = 0; i < NR; i++) {
			timers[i].at = (ns_t)(down ? NR - i : i);
			timerq_insert(&q, &timers[i]);
		}
		for (int i = 0; i < NR; i++) {
			struct timer *t = q.first;

			assert_true(t->at >= last);
			last = t->at;
			timerq_remove(&q, t);
			assert_null(t->next);
			assert_null(t->prev);
			assert_null(t->child);
		}
		assert_null(q.first);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_toggles),
		cmocka_unit_test(sorted_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
