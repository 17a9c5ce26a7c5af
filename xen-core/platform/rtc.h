/* rtc.h: the arithmetic of the battery clock, apart from its ports. */
#ifndef RTC_H
#define RTC_H

#include "types.h"

struct rtc_time {
	uint8_t second, minute, hour, day, month, year; /* as in the chip */
	uint8_t mode; /* register B */
};

/* Seconds since 1970; 0 when a field is out of its range.  Years are 1970 to
 * 2069. */
uint64_t rtc_seconds(const struct rtc_time *t);

#endif
