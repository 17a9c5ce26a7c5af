/*
 * The transmit scheduler: shares, rates, and that nobody starves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vfr/sched.h>

#define NR 4

struct world {
	struct vfr_sched	s;
	struct vfr_sched_port	ports[NR];
	uint64_t		sent[NR];	/* bytes */
	uint64_t		now;
};

static void world_init(struct world *w, const struct vfr_sched_ops *ops)
{
	int i;

	*w = (struct world){ .now = 1000000000 };
	vfr_sched_init(&w->s, ops, w->ports, NR);
	for (i = 0; i < NR; i++)
		w->sent[i] = 0;
}

/* Serve once; a port's packets are all of one size, without end. */
static int serve(struct world *w, const uint32_t size[NR])
{
	struct vfr_sched_grant g = vfr_sched_next(&w->s, w->now);
	uint64_t bytes = 0;
	uint32_t n = 0;

	if (g.port == VFR_SCHED_NONE)
		return -1;
	while (n < g.packets && bytes < g.bytes && n < 10000) {
		bytes += size[g.port];
		n++;
	}
	w->sent[g.port] += bytes;
	vfr_sched_done(&w->s, g.port, n, bytes, 1, w->now);
	return (int)g.port;
}

static void test_round(void **state)
{
	static const uint32_t size[NR] = { 60, 60, 60, 60 };
	struct world w;
	int i;

	world_init(&w, &vfr_sched_rr);
	assert_int_equal(serve(&w, size), -1);
	for (i = 0; i < NR; i++)
		vfr_sched_wake(&w.s, (uint32_t)i);
	vfr_sched_wake(&w.s, 2);		/* twice is once */
	for (i = 0; i < 40; i++)
		assert_int_equal(serve(&w, size), i % NR);
	vfr_sched_sleep(&w.s, 1);
	vfr_sched_sleep(&w.s, 1);
	assert_int_equal(serve(&w, size), 0);
	assert_int_equal(serve(&w, size), 2);
	assert_int_equal(serve(&w, size), 3);
	assert_int_equal(serve(&w, size), 0);
	for (i = 0; i < NR; i++)
		vfr_sched_sleep(&w.s, (uint32_t)i);
	assert_int_equal(serve(&w, size), -1);
	assert_null(w.s.tail);
}

/* Small packets and large ones: plain turns favour the large, deficits do
   not. */
static void test_fair(void **state)
{
	static const uint32_t size[NR] = { 60, 1514, 65000, 1514 };
	struct world w;
	int i, n;

	world_init(&w, &vfr_sched_drr);
	for (i = 0; i < NR; i++)
		vfr_sched_wake(&w.s, (uint32_t)i);
	for (n = 0; n < 40000; n++)
		serve(&w, size);
	for (i = 1; i < NR; i++) {
		assert_true(w.sent[i] > w.sent[0] * 99 / 100);
		assert_true(w.sent[i] < w.sent[0] * 101 / 100);
	}
	world_init(&w, &vfr_sched_rr);
	for (i = 0; i < NR; i++)
		vfr_sched_wake(&w.s, (uint32_t)i);
	for (n = 0; n < 4000; n++)
		serve(&w, size);
	assert_true(w.sent[1] > w.sent[0] * 20);
}

/*
 * Each turn takes packets of one size until no byte of the grant is left, or
 * the ring is empty; nr: packets on the ring when it is notified again.
 */
static void rounds(struct world *w, const uint32_t size[NR],
		   const uint32_t nr[NR], int n)
{
	uint32_t left[NR] = { 0 }, i;

	for (; n; n--) {
		for (i = 0; i < 2; i++) {	/* their guests send more */
			left[i] = left[i] ? left[i] : nr[i];
			vfr_sched_wake(&w->s, i);
		}
		for (i = 0; i < 2; i++) {
			struct vfr_sched_grant g = vfr_sched_next(&w->s, w->now);
			uint64_t bytes = 0;
			uint32_t k;

			for (k = 0; k < g.packets && bytes < g.bytes &&
				    left[g.port]; k++) {
				bytes += size[g.port];
				left[g.port]--;
			}
			w->sent[g.port] += bytes;
			vfr_sched_done(&w->s, g.port, k, bytes, left[g.port],
				       w->now);
		}
	}
}

/* Who takes more than its turn pays for it later, and nobody gets out of that
   by an empty ring. */
static void test_debt_is_paid(void **state)
{
	static const struct {
		const char *what;
		uint32_t size[NR], nr[NR];
	} t[] = {
		{ "large and small, without end", { 65000, 60 }, { 100000, 100000 } },
		{ "one large packet at a time", { 65000, 60 }, { 1, 100000 } },
		{ "two at a time", { 40000, 1514 }, { 2, 100000 } },
		{ "a little more than a turn", { 24300, 60 }, { 1, 100000 } },
	};
	struct world w;
	unsigned int i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		world_init(&w, &vfr_sched_drr);
		rounds(&w, t[i].size, t[i].nr, 1000);
		if (w.sent[1] < 950ull * VFR_SCHED_QUANTUM_BYTES ||
		    w.sent[0] * 100 > w.sent[1] * 105 ||
		    w.sent[0] * 100 < w.sent[1] * 95)
			fail_msg("%s: %lu and %lu bytes", t[i].what,
				 (unsigned long)w.sent[0],
				 (unsigned long)w.sent[1]);
	}
}

/* A port that is gone leaves no debt to the next one of its number; what is
   left over of a turn is not kept for later. */
static void test_nothing_inherited(void **state)
{
	struct vfr_sched_grant g;
	struct world w;

	world_init(&w, &vfr_sched_drr);
	vfr_sched_wake(&w.s, 0);
	g = vfr_sched_next(&w.s, w.now);
	vfr_sched_done(&w.s, 0, 1, 1000000, false, w.now);
	vfr_sched_sleep(&w.s, 0);
	vfr_sched_wake(&w.s, 0);
	g = vfr_sched_next(&w.s, w.now);
	assert_int_equal(g.bytes, VFR_SCHED_QUANTUM_BYTES);
	vfr_sched_done(&w.s, 0, 1, 60, false, w.now);
	vfr_sched_wake(&w.s, 0);
	g = vfr_sched_next(&w.s, w.now);
	assert_int_equal(g.bytes, VFR_SCHED_QUANTUM_BYTES);
}

/* 8 Mbit/s for ten seconds are 10 MB, give or take the bucket. */
static void test_rate(void **state)
{
	static const uint32_t size[NR] = { 1514, 1514, 65000, 60 };
	struct vfr_sched_grant g;
	struct world w;
	uint64_t end;
	int i;

	world_init(&w, &vfr_sched_drr);
	for (i = 0; i < NR; i++) {
		vfr_sched_wake(&w.s, (uint32_t)i);
		if (i)
			vfr_sched_rate(&w.s, (uint32_t)i, 8000000, 0, w.now);
	}
	end = w.now + 10000000000ull;
	while (w.now < end) {
		for (i = 0; i < 8; i++)
			serve(&w, size);
		w.now += 100000;
	}
	for (i = 1; i < NR; i++) {
		assert_true(w.sent[i] > 9900000);
		assert_true(w.sent[i] < 10000000 + 2 * 66000);
	}
	assert_true(w.sent[0] > 100000000);

	/* All in debt: told when to ask again, and then there is something. */
	vfr_sched_sleep(&w.s, 0);
	while (serve(&w, size) >= 0)
		;
	g = vfr_sched_next(&w.s, w.now);
	assert_int_equal(g.port, VFR_SCHED_NONE);
	assert_true(g.again_ns > w.now);
	assert_true(g.again_ns < w.now + 100000000);
	w.now = g.again_ns;
	assert_true(serve(&w, size) > 0);
}

/* Small packets at every moment take no more of a rate than large ones. */
static void test_rate_of_small(void **state)
{
	static const uint64_t mbit[] = { 1, 3, 8, 10, 97, 100, 999, 1000 };
	static const uint64_t gap_ns[] = { 480, 999, 1000, 1001, 3300, 5000, 7777 };
	const uint64_t size = 60, seconds = 2;
	unsigned int i, k;

	for (i = 0; i < sizeof(mbit) / sizeof(mbit[0]); i++) {
		for (k = 0; k < sizeof(gap_ns) / sizeof(gap_ns[0]); k++) {
			uint64_t now = 1000000000, sent = 0, offered = 0, due;
			uint64_t end = now + seconds * 1000000000;
			struct vfr_rate r;

			vfr_rate_set(&r, mbit[i] * 1000000, 0, now);
			due = r.bytes_per_s * seconds + r.burst_bytes;
			for (; now < end; now += gap_ns[k]) {
				offered += size;
				if (!vfr_rate_allows(&r, now))
					continue;
				r.tokens -= (int64_t)size;
				sent += size;
			}
			if (offered < due)
				due = offered;
			/* An addition may be a nanosecond off. */
			if (sent > due + due / 1000 || sent < due - due / 1000)
				fail_msg("%lu Mbit/s, %lu ns: %lu of %lu",
					 (unsigned long)mbit[i],
					 (unsigned long)gap_ns[k],
					 (unsigned long)sent,
					 (unsigned long)due);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_debt_is_paid),
		cmocka_unit_test(test_nothing_inherited),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_rate_of_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
