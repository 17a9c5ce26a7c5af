/*
 * Borrowed Virtual Time: shares, allowance, sleepers, warp and its limits.
 *
 * A small simulated CPU: clients that always want to run, or that sleep and
 * wake by a period, scheduled as sched/schedule.c does it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bvt.h"

#define MS	1000000ull
#define SLICE	(5 * MS)

struct client {
	struct bvt b;
	uint64_t period, burst; /* 0: never sleeps */
	uint64_t wakes_at, left; /* now; of the burst */
	uint64_t ran, worst_wait, woke_at;
	bool asleep, waiting;
};

struct sim {
	struct bvt_queue q;
	struct client *c;
	unsigned nr;
	struct client *cur;
	uint64_t now, last, until; /* until: the slice's end */
};

static void sim_init(struct sim *s, struct client *c, unsigned nr)
{
	memset(s, 0, sizeof(*s));
	s->c = c;
	s->nr = nr;
	for (unsigned i = 0; i < nr; i++) {
		uint32_t weight = c[i].b.weight;

		bvt_init(&c[i].b, &s->q);
		assert_int_equal(bvt_set(&c[i].b, weight, false, 0, 0, 0), 0);
		c[i].left = c[i].burst;
		bvt_enqueue(&s->q, &c[i].b);
	}
}

static void sim_account(struct sim *s)
{
	if (s->cur) {
		uint64_t ns = s->now - s->last;

		bvt_ran(&s->cur->b, ns, s->now);
		s->cur->ran += ns;
		if (s->cur->period)
			s->cur->left -= MIN(ns, s->cur->left);
	}
	s->last = s->now;
}

static void sim_choose(struct sim *s)
{
	struct client *prev = s->cur, *next;
	struct bvt *cur = prev && !prev->asleep ? &prev->b : NULL;
	struct bvt *b = bvt_pick(&s->q, cur, false, SLICE);

	next = b ? container_of(b, struct client, b) : NULL;
	if (next != prev) {
		if (next) {
			bvt_dequeue(&s->q, &next->b);
			bvt_chosen(&next->b);
		}
		if (cur)
			bvt_enqueue(&s->q, cur);
	}
	s->cur = next;
	if (!next)
		return;
	if (next->waiting) {
		next->waiting = false;
		next->worst_wait = MAX(next->worst_wait,
				       s->now - next->woke_at);
	}
	s->until = s->now + bvt_slice(&s->q, &next->b, SLICE);
}

static void sim_sleep_if_done(struct sim *s)
{
	struct client *c = s->cur;

	if (!c || !c->period || c->left)
		return;
	c->asleep = true;
	c->wakes_at = s->now + c->period;
	bvt_sleep(&c->b, s->now);
}

static bool sim_wake_due(struct sim *s)
{
	bool any = false;

	for (unsigned i = 0; i < s->nr; i++) {
		struct client *c = &s->c[i];

		if (!c->asleep || c->wakes_at > s->now || c == s->cur)
			continue;
		c->asleep = false;
		c->left = c->burst;
		c->waiting = true;
		c->woke_at = s->now;
		bvt_wake(&s->q, s->cur && !s->cur->asleep ? &s->cur->b : NULL,
			 &c->b, s->now, SLICE);
		bvt_enqueue(&s->q, &c->b);
		any = true;
	}
	return any;
}

static uint64_t sim_next_event(const struct sim *s)
{
	uint64_t at = UINT64_MAX;

	if (s->cur) {
		at = s->until;
		if (s->cur->period)
			at = MIN(at, s->now + s->cur->left);
	}
	for (unsigned i = 0; i < s->nr; i++)
		if (s->c[i].asleep)
			at = MIN(at, s->c[i].wakes_at);
	return at;
}

static void sim_run(struct sim *s, uint64_t for_ns)
{
	uint64_t end = s->now + for_ns;

	sim_choose(s);
	while (s->now < end) {
		s->now = MIN(MAX(sim_next_event(s), s->now), end);
		sim_account(s);
		sim_sleep_if_done(s);
		sim_wake_due(s);
		sim_choose(s);
		sim_wake_due(s); /* whoever fell asleep in the choice */
	}
}

static void assert_share(const struct client *c, uint64_t total, double want)
{
	double share = (double)c->ran / (double)total;

	if (share < want * 0.98 || share > want * 1.02)
		fail_msg("share %f, want %f", share, want);
}

static void shares_follow_weights(void **state)
{
	struct client c[3] = {
		{ .b.weight = 100 }, { .b.weight = 200 }, { .b.weight = 400 },
	};
	struct sim s;

	sim_init(&s, c, 3);
	sim_run(&s, 10000 * MS);
	for (int i = 0; i < 3; i++)
		assert_share(&c[i], 10000 * MS, (1 << i) / 7.0);
}

static void extreme_weights(void **state)
{
	struct client c[3] = {
		{ .b.weight = 1 }, { .b.weight = 65535 }, { .b.weight = 65535 },
	};
	struct sim s;

	sim_init(&s, c, 3);
	sim_run(&s, 200000 * MS);
	assert_share(&c[1], 200000 * MS, 0.5);
	assert_share(&c[2], 200000 * MS, 0.5);
	assert_true(c[0].ran > 0); /* even the least one is not starved */
}

/* Times of a millisecond and below add up though weights do not divide. */
static void rounding_does_not_drift(void **state)
{
	struct bvt b = { .weight = 65535 };

	for (int i = 0; i < 1000000; i++)
		bvt_ran(&b, 1, (uint64_t)i);
	assert_int_equal(b.avt, 1000000ull * 256 / 65535);
}

static void virtual_time_wraps(void **state)
{
	struct client c[2] = { { .b.weight = 256 }, { .b.weight = 256 } };
	struct sim s;

	sim_init(&s, c, 2);
	s.q.svt = UINT64_MAX - 1000 * MS;
	c[0].b.avt = c[1].b.avt = s.q.svt;
	sim_run(&s, 10000 * MS);
	assert_share(&c[0], 10000 * MS, 0.5);
	assert_true(s.q.svt < 10000 * MS); /* it has gone round */
}

static void a_sleeper_gets_no_credit(void **state)
{
	struct client c[2] = { { .b.weight = 256 }, { .b.weight = 256 } };
	struct sim s;

	sim_init(&s, c, 2);
	bvt_dequeue(&s.q, &c[1].b);
	c[1].asleep = true;
	c[1].wakes_at = 60000 * MS;
	sim_run(&s, 60000 * MS);
	sim_run(&s, 1000 * MS);
	assert_share(&c[1], 1000 * MS, 0.5);
}

/* One that slept while the queue's time stood still keeps its place. */
static void waking_never_goes_back(void **state)
{
	struct bvt_queue q = { .svt = 1000 };
	struct bvt b = { .weight = 256, .avt = 5000 };

	bvt_wake(&q, NULL, &b, 0, SLICE);
	assert_int_equal(b.avt, 5000);
	b.avt = 10;
	bvt_wake(&q, NULL, &b, 0, SLICE);
	assert_int_equal(b.avt, 1000);
}

static void the_allowance_bounds_switches(void **state)
{
	struct client c[2] = { { .b.weight = 256 }, { .b.weight = 256 } };
	struct sim s;
	struct client *last = NULL;
	unsigned switches = 0;

	sim_init(&s, c, 2);
	sim_choose(&s);
	for (uint64_t t = 0; t < 1000; t++) {
		sim_run(&s, MS);
		switches += s.cur != last;
		last = s.cur;
	}
	/* Ahead by 5 ms before a switch: turns of 10 ms. */
	assert_in_range(switches, 80, 120);
}

static void set_warp(struct client *c, uint64_t warp, uint64_t limit,
		     uint64_t unwarp)
{
	assert_int_equal(bvt_set(&c->b, c->b.weight, true, warp, limit, unwarp),
			 0);
}

/* What a client gets in 200 ms that wants half of the CPU, 10 ms at a time,
 * beside three hogs. */
static uint64_t gets(bool warp)
{
	struct client c[4] = {
		{ .b.weight = 256 }, { .b.weight = 256 }, { .b.weight = 256 },
		{ .b.weight = 256, .period = 10 * MS, .burst = 10 * MS },
	};
	struct sim s;

	sim_init(&s, c, 4);
	if (warp)
		set_warp(&c[3], 100 * MS, 0, 0);
	sim_run(&s, 100 * MS); /* until it has slept, and may warp */
	c[3].ran = 0;
	sim_run(&s, 200 * MS);
	return c[3].ran;
}

static void warp_buys_latency(void **state)
{
	assert_int_equal(gets(true), 100 * MS);
	assert_in_range(gets(false), 45 * MS, 75 * MS);
}

/*
 * One that needs 1 ms of every 4 beside a hog, and one that sends: that one naps
 * so often that it mostly warps, too, and the light one is at its limit now and
 * then.  It waits for a part of the allowance, whatever both may do.
 */
static void a_wake_is_served_soon(void **state)
{
	static const bool warp[][2] = { { false, false }, { true, true } };

	for (size_t i = 0; i < ARRAY_SIZE(warp); i++) {
		struct client c[3] = {
			{ .b.weight = 256 },
			{ .b.weight = 256, .period = 1000, .burst = MS },
			{ .b.weight = 256, .period = 3 * MS, .burst = MS },
		};
		struct sim s;

		sim_init(&s, c, 3);
		for (int k = 0; k < 2; k++)
			if (warp[i][k])
				set_warp(&c[1 + k], 20 * MS, 10 * MS, 5 * MS);
		sim_run(&s, 100 * MS);
		c[2].worst_wait = 0;
		sim_run(&s, 10000 * MS);
		if (c[2].worst_wait > SLICE / BVT_WAKE_PART)
			fail_msg("row %zu: it waited %lu us", i,
				 c[2].worst_wait / 1000);
	}
}

static void warp_buys_no_share(void **state)
{
	struct client c[2] = { { .b.weight = 256 }, { .b.weight = 256 } };
	struct sim s;

	sim_init(&s, c, 2);
	set_warp(&c[1], 100 * MS, 0, 0);
	c[1].b.warping = true;
	sim_run(&s, 20000 * MS);
	assert_share(&c[0], 20000 * MS, 0.5);
}

static void warp_ends_at_its_limit(void **state)
{
	struct client c[2] = { { .b.weight = 256 }, { .b.weight = 256 } };
	struct sim s;

	sim_init(&s, c, 2);
	set_warp(&c[1], BVT_NS_MAX, 30 * MS, 100 * MS);
	bvt_dequeue(&s.q, &c[1].b);
	bvt_wake(&s.q, &c[0].b, &c[1].b, 0, SLICE);
	bvt_enqueue(&s.q, &c[1].b);
	assert_true(c[1].b.warping);
	sim_run(&s, 200 * MS);
	assert_false(c[1].b.warping);
	/* 30 ms in one go, and then even the other catches up. */
	assert_share(&c[0], 200 * MS, 0.5);
}

/* Short naps do not start a new stretch, nor end the pause after it. */
static void naps_do_not_evade_the_limit(void **state)
{
	struct client c[2] = {
		{ .b.weight = 256 },
		{ .b.weight = 256, .period = 1000, .burst = MS },
	};
	struct sim s;

	sim_init(&s, c, 2);
	set_warp(&c[1], BVT_NS_MAX, 30 * MS, 100 * MS);
	sim_run(&s, 1000 * MS);
	assert_true(c[1].ran < 520 * MS);
	assert_true(c[0].ran > 470 * MS);
}

static void unwarp_time_is_kept(void **state)
{
	struct bvt_queue q = {0};
	struct bvt b = { .weight = 256 };

	bvt_set(&b, 256, true, MS, 10 * MS, 100 * MS);
	bvt_wake(&q, NULL, &b, 0, SLICE);
	assert_true(b.warping);
	bvt_ran(&b, 10 * MS, 10 * MS);
	assert_false(b.warping);
	bvt_sleep(&b, 11 * MS);
	bvt_wake(&q, NULL, &b, 109 * MS, SLICE);
	assert_false(b.warping);
	bvt_sleep(&b, 109 * MS);
	bvt_wake(&q, NULL, &b, 110 * MS, SLICE);
	assert_true(b.warping);
}

static void charged_work_counts(void **state)
{
	struct client c[2] = { { .b.weight = 256 }, { .b.weight = 256 } };
	struct sim s;

	sim_init(&s, c, 2);
	for (int i = 0; i < 1000; i++) {
		sim_run(&s, 10 * MS);
		bvt_ran(&c[0].b, 2 * MS, s.now); /* work done for it elsewhere */
	}
	/* c1 - c0 = 2 ms in each 10 */
	assert_share(&c[0], 10000 * MS, 0.4);
}

static void a_move_keeps_the_lag(void **state)
{
	struct bvt_queue from = { .svt = 1000 }, to = { .svt = 50 };
	struct bvt b = { .weight = 256, .avt = 1300 };

	bvt_move(&from, &to, &b);
	assert_int_equal(b.avt, 350);
}

static void a_yield_lets_others_run(void **state)
{
	struct bvt_queue q = {0};
	struct bvt a = { .weight = 256 }, b = { .weight = 256, .avt = 900 * MS };

	bvt_enqueue(&q, &b);
	assert_ptr_equal(bvt_pick(&q, &a, false, SLICE), &a);
	assert_ptr_equal(bvt_pick(&q, &a, true, SLICE), &b);
	bvt_dequeue(&q, &b);
	assert_ptr_equal(bvt_pick(&q, &a, true, SLICE), &a);
	assert_null(bvt_pick(&q, NULL, false, SLICE));
}

static void equals_take_turns(void **state)
{
	struct bvt_queue q = {0};
	struct bvt b[3] = { { .weight = 1 }, { .weight = 1 }, { .weight = 1 } };

	for (int i = 0; i < 3; i++)
		bvt_enqueue(&q, &b[i]);
	for (int i = 0; i < 9; i++) {
		struct bvt *next = bvt_pick(&q, NULL, false, SLICE);

		assert_ptr_equal(next, &b[i % 3]);
		bvt_dequeue(&q, next);
		bvt_enqueue(&q, next);
	}
	assert_int_equal(q.nr, 3);
	assert_int_equal(q.weight, 3);
}

static void parameters_are_checked(void **state)
{
	static const struct {
		const char *what;
		uint32_t weight;
		uint64_t warp, limit, unwarp;
		int want;
	} rows[] = {
		{ "weight 0", 0, 0, 0, 0, -EINVAL },
		{ "weight 1", 1, 0, 0, 0, 0 },
		{ "weight 65535", 65535, 0, 0, 0, 0 },
		{ "weight 65536", 65536, 0, 0, 0, -EINVAL },
		{ "warp at the limit", 1, BVT_NS_MAX, 0, 0, 0 },
		{ "warp too long", 1, BVT_NS_MAX + 1, 0, 0, -EINVAL },
		{ "limit too long", 1, 0, BVT_NS_MAX + 1, 0, -EINVAL },
		{ "pause too long", 1, 0, 0, UINT64_MAX, -EINVAL },
	};
	struct bvt b = { .weight = 7 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (bvt_set(&b, rows[i].weight, true, rows[i].warp,
			    rows[i].limit, rows[i].unwarp) != rows[i].want)
			fail_msg("%s", rows[i].what);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_follow_weights),
		cmocka_unit_test(extreme_weights),
		cmocka_unit_test(rounding_does_not_drift),
		cmocka_unit_test(virtual_time_wraps),
		cmocka_unit_test(a_sleeper_gets_no_credit),
		cmocka_unit_test(waking_never_goes_back),
		cmocka_unit_test(the_allowance_bounds_switches),
		cmocka_unit_test(warp_buys_latency),
		cmocka_unit_test(a_wake_is_served_soon),
		cmocka_unit_test(warp_buys_no_share),
		cmocka_unit_test(warp_ends_at_its_limit),
		cmocka_unit_test(naps_do_not_evade_the_limit),
		cmocka_unit_test(unwarp_time_is_kept),
		cmocka_unit_test(charged_work_counts),
		cmocka_unit_test(a_move_keeps_the_lag),
		cmocka_unit_test(a_yield_lets_others_run),
		cmocka_unit_test(equals_take_turns),
		cmocka_unit_test(parameters_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
