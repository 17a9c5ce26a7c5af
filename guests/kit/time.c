/*
 * time.c: pvclock, and timers on VIRQ_TIMER of vcpu 0.
 *
 * Time is read under the version of vcpu_info.time, which is odd while the
 * hypervisor writes.  Timers hang in one list in order of time; the hypervisor
 * is told of the first.
 */
#include "kit/time.h"

#include <stddef.h>
#include <stdint.h>

#include <xen/vcpu.h>

#include "kit/event.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/vcpu.h"

static struct timer *timers;

static uint64_t scale(uint64_t ticks, uint32_t mul, int8_t shift)
{
	ticks = shift < 0 ? ticks >> -shift : ticks << shift;
	return (unsigned __int128)ticks * mul >> 32;
}

uint64_t time_now(void)
{
	const struct vcpu_time_info *t = &this_vcpu()->info->time;
	uint32_t version;
	uint64_t ns;

	do {
		version = __atomic_load_n(&t->version, __ATOMIC_ACQUIRE);
		ns = t->system_time +
		     scale(tsc_read() - t->tsc_timestamp, t->tsc_to_system_mul,
			   t->tsc_shift);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while ((version & 1) ||
		 version != __atomic_load_n(&t->version, __ATOMIC_RELAXED));
	return ns;
}

uint64_t time_wall_ns(void)
{
	uint32_t version;
	uint64_t ns;

	do {
		version = __atomic_load_n(&shared_info->wc_version,
					  __ATOMIC_ACQUIRE);
		ns = ((uint64_t)shared_info->wc_sec_hi << 32 |
		      shared_info->wc_sec) * SECONDS + shared_info->wc_nsec;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while ((version & 1) ||
		 version != __atomic_load_n(&shared_info->wc_version,
					    __ATOMIC_RELAXED));
	return ns + time_now();
}

uint64_t time_wall_s(void)
{
	return time_wall_ns() / SECONDS;
}

/* A time that has passed already fires at once. */
static void alarm_set(void)
{
	if (timers)
		hypercall1(__HYPERVISOR_set_timer_op, timers->at_ns);
}

static void timers_run(void *arg)
{
	while (timers && timers->at_ns <= time_now()) {
		struct timer *t = timers;

		timers = t->next;
		t->at_ns = 0;
		t->fn(t->arg);
	}
	alarm_set();
}

void timer_cancel(struct timer *t)
{
	if (!t->at_ns)
		return;
	for (struct timer **link = &timers; *link; link = &(*link)->next) {
		if (*link == t) {
			*link = t->next;
			break;
		}
	}
	t->at_ns = 0;
}

void timer_set(struct timer *t, uint64_t at_ns, void (*fn)(void *), void *arg)
{
	struct timer **link = &timers;

	timer_cancel(t);
	while (*link && (*link)->at_ns <= at_ns)
		link = &(*link)->next;
	*t = (struct timer){ *link, at_ns, fn, arg };
	*link = t;
	if (timers == t)
		alarm_set();
}

void time_init(void)
{
	hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, NULL);
	if (event_bind_virq(VIRQ_TIMER, 0, timers_run, NULL) < 0)
		panic("no VIRQ_TIMER");
}
