/*
 * rtc.c: the battery clock (MC146818), read once at boot.
 */
#include "rtc.h"

#ifndef SLUICE_TEST
#include "io.h"
#include "lib.h"
#include "platform.h"
#endif

#define MODE_BINARY	0x04
#define MODE_24H	0x02
#define HOUR_PM		0x80
#define UPDATING	0x80

static unsigned from_bcd(unsigned v, uint8_t mode)
{
	return mode & MODE_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static unsigned decode_hour(const struct rtc_time *t)
{
	unsigned h = from_bcd(t->hour & ~HOUR_PM, t->mode);

	if (t->mode & MODE_24H)
		return from_bcd(t->hour, t->mode);
	return h % 12 + (t->hour & HOUR_PM ? 12 : 0); /* 12 am is 0 */
}

/* Days from 1970-01-01 by the Gregorian calendar; 1970 to 2069 has no century
 * without a leap day. */
static uint64_t days(unsigned year, unsigned month, unsigned day)
{
	static const uint16_t before[] = {
		0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334,
	};
	uint64_t n = (year - 1970) * 365ull + (year - 1969) / 4;

	n += before[month - 1] + day - 1;
	return n + (year % 4 == 0 && month > 2);
}

uint64_t rtc_seconds(const struct rtc_time *t)
{
	unsigned second = from_bcd(t->second, t->mode);
	unsigned minute = from_bcd(t->minute, t->mode);
	unsigned hour = decode_hour(t);
	unsigned day = from_bcd(t->day, t->mode);
	unsigned month = from_bcd(t->month, t->mode);
	unsigned year = from_bcd(t->year, t->mode);

	if (second > 59 || minute > 59 || hour > 23 || day < 1 || day > 31 ||
	    month < 1 || month > 12 || year > 99)
		return 0;
	year += year >= 70 ? 1900 : 2000;
	return ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 +
	       second;
}

#ifndef SLUICE_TEST
static uint8_t cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static struct rtc_time rtc_read(void)
{
	unsigned polls = 100000; /* an update takes 2 ms */

	while ((cmos(0x0a) & UPDATING) && --polls > 0)
		;
	return (struct rtc_time){
		.second = cmos(0),
		.minute = cmos(2),
		.hour = cmos(4),
		.day = cmos(7),
		.month = cmos(8),
		.year = cmos(9),
		.mode = cmos(0x0b),
	};
}

uint64_t clock_rtc_seconds(void)
{
	struct rtc_time t = rtc_read(), again;
	unsigned tries = 10;

	/* Twice the same: no update came in between. */
	for (; tries > 0; tries--, t = again) {
		again = rtc_read();
		if (memcmp(&t, &again, sizeof(t)) == 0)
			break;
	}
	return rtc_seconds(&t);
}
#endif
