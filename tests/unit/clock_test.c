/*
 * From the battery clock's registers to seconds, and from TSC ticks to
 * nanoseconds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../xen-core/platform/rtc.h"
#include "../../xen-core/platform/tsc_scale.h"

#define BINARY_24H	0x06
#define BCD_24H		0x02
#define BCD_12H		0x00

static void rtc_dates(void **state)
{
	static const struct {
		const char *what;
		struct rtc_time t; /* s, min, h, d, mon, y, mode */
		uint64_t want;
	} rows[] = {
		{ "the epoch", { 0, 0, 0, 1, 1, 70, BINARY_24H }, 0 },
		{ "a leap day, BCD",
		  { 0x59, 0x59, 0x23, 0x29, 0x02, 0x24, BCD_24H }, 1709251199 },
		{ "the day after it",
		  { 0, 0, 0, 0x01, 0x03, 0x24, BCD_24H }, 1709251200 },
		{ "no leap day in 2023",
		  { 0, 0, 0, 1, 3, 23, BINARY_24H }, 1677628800 },
		{ "2000 was a leap year",
		  { 0, 0, 0, 1, 3, 0, BINARY_24H }, 951868800 },
		{ "12 am is 0 o'clock",
		  { 0, 0, 0x12, 0x01, 0x01, 0x26, BCD_12H }, 1767225600 },
		{ "12 pm is noon",
		  { 0, 0, 0x92, 0x01, 0x01, 0x26, BCD_12H }, 1767268800 },
		{ "11 pm is 23 o'clock",
		  { 0, 0, 0x91, 0x01, 0x01, 0x26, BCD_12H }, 1767308400 },
		{ "2069 is the last", { 59, 59, 23, 31, 12, 69, BINARY_24H },
		  3155759999 },
		{ "month 0", { 0, 0, 0, 1, 0, 26, BINARY_24H }, 0 },
		{ "month 13", { 0, 0, 0, 1, 13, 26, BINARY_24H }, 0 },
		{ "day 0", { 0, 0, 0, 0, 1, 26, BINARY_24H }, 0 },
		{ "nothing there", { 255, 255, 255, 255, 255, 255, 255 }, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rtc_seconds(&rows[i].t) != rows[i].want)
			fail_msg("%s: %lu", rows[i].what,
				 rtc_seconds(&rows[i].t));
}

static const uint64_t rates[] = {
	1000, 30000, 999999, 1000000, 1000001, 1999999, 2000000,
	2000001, 2394464, 3000000, 5700000, 9999999,
};

static void scale_is_right(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct tsc_scale s = tsc_scale_of(rates[i]);
		uint64_t day = 86400ull * 1000 * rates[i]; /* ticks */
		uint64_t ns = tsc_scale_ns(&s, day);
		int64_t off = (int64_t)(ns - 86400000000000ull);

		assert_true(s.mul >= 1u << 30); /* bits are not wasted */
		/* below one in a million, as the zero bits of mul allow */
		assert_true(llabs(off) < 86400000);
	}
}

/* The promise to guests: from whatever stamp, the same nanosecond. */
static void stamps_agree(void **state)
{
	srandom(2);
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct tsc_scale s = tsc_scale_of(rates[i]);

		for (int n = 0; n < 2000; n++) {
			uint64_t at = (uint64_t)random() << 15 ^
				      (uint64_t)random();
			uint64_t stamp = tsc_scale_exact(
				&s, at - (uint64_t)random() % (at + 1));

			assert_int_equal(tsc_scale_ns(&s, at),
					 tsc_scale_ns(&s, stamp) +
						 tsc_scale_ns(&s, at - stamp));
		}
	}
}

static void stamps_are_recent(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct tsc_scale s = tsc_scale_of(rates[i]);
		uint64_t at = 123456789012345ull;
		uint64_t old = at - tsc_scale_exact(&s, at);

		assert_true(tsc_scale_ns(&s, old) < 10000000);
	}
}

static void ticks_round_up(void **state)
{
	srandom(3);
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct tsc_scale s = tsc_scale_of(rates[i]);

		for (int n = 0; n < 2000; n++) {
			uint64_t ns = (uint64_t)random() << (random() % 20);
			uint64_t ticks = tsc_scale_ticks(&s, ns);

			assert_true(tsc_scale_ns(&s, ticks) >= ns);
			/* and no later than one tick, or the granule of a fast
			 * TSC, before it */
			if (ticks > 16)
				assert_true(tsc_scale_ns(&s, ticks - 16) <= ns);
		}
	}
	{
		struct tsc_scale s = tsc_scale_of(3000000);

		assert_true(tsc_scale_ticks(&s, 1ull << 60) > 1ull << 61);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rtc_dates),
		cmocka_unit_test(scale_is_right),
		cmocka_unit_test(stamps_agree),
		cmocka_unit_test(stamps_are_recent),
		cmocka_unit_test(ticks_round_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
