/*
 * time.h: system time and timers.
 */
#ifndef KIT_TIME_H
#define KIT_TIME_H

#include <stdint.h>

#define MICROSECONDS	1000ul
#define MILLISECONDS	1000000ul
#define SECONDS		1000000000ul

void time_init(void);

/* Nanoseconds since the hypervisor started; never goes back on one vcpu. */
uint64_t time_now(void);
/* Since 1970, UTC plus the domain's offset; it goes on as time_now() does. */
uint64_t time_wall_ns(void);
uint64_t time_wall_s(void);

static inline uint64_t tsc_read(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* A timer belongs to its user; all zero is one that is not set. */
struct timer {
	struct timer	*next;
	uint64_t	 at_ns;		/* system time; 0: not set */
	void		(*fn)(void *arg);
	void		*arg;
};

/* Call fn(arg) once from event_dispatch() when at_ns has come. */
void timer_set(struct timer *t, uint64_t at_ns, void (*fn)(void *), void *arg);
void timer_cancel(struct timer *t);

#endif
