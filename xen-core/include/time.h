/*
 * time.h: system time, timers, and the three times of a vcpu.
 *
 * Real time is system time: ns since boot, monotonic and the same on all CPUs.
 * Virtual time is what a vcpu has run.  Wall-clock time is system time plus the
 * RTC at boot plus the domain's offset.
 */
#ifndef TIME_H
#define TIME_H

#include "spinlock.h"
#include "types.h" /* first: Xen's headers use its integers */

#include <xen/vcpu.h>
#include <xen/xen.h>

struct domain;
struct vcpu;

typedef uint64_t ns_t; /* nanoseconds since boot */

/* ---- platform/time.c ---- */

/* System time now; 0 before time_init().  Any context, any CPU. */
ns_t now_ns(void);

extern uint64_t tsc_khz;  /* measured at boot */
extern bool	tsc_stable; /* the TSCs of all CPUs agree */

/* The TSC of this CPU at a system time. */
uint64_t tsc_at(ns_t at);

/*
 * What a guest needs to compute system time by itself, struct
 * vcpu_time_info's fields for this CPU: exact to what now_ns() gives.
 */
struct tsc_stamp {
	uint64_t tsc;
	ns_t	 system_time;
	uint32_t mul;
	int8_t	 shift;
};
void tsc_stamp_now(struct tsc_stamp *s);

/* At boot: measure the TSC, read the RTC; on each CPU: compare its TSC with
 * the boot CPU's, start its timer queue. */
void time_init(void);
void time_init_cpu(void);
void tsc_sync_serve(void); /* the boot CPU, while it waits for another */

/* ---- platform/timer.c ---- */

/*
 * One-shot timers.  fn runs in SOFTIRQ_TIMER on the CPU that the timer was set
 * on last, interrupts on, no lock held; it may set its own timer again, not
 * free it.  One caller at a time may set or stop a timer.
 */
struct timer {
	ns_t	 at;
	void	 (*fn)(void *);
	void	 *arg;
	uint32_t cpu;		/* whose queue */
	bool	 set;
	struct timer *child, *next, *prev; /* lib/timerq.c */
};

void timer_init(struct timer *t, void (*fn)(void *), void *arg);

/* On this CPU; moves one that is set.  A time in the past is due at once. */
void timer_set(struct timer *t, ns_t at);

/* Returns when fn is not running and will not run; not from fn itself. */
void timer_stop(struct timer *t);

/* The same without waiting for fn; for callers that hold a run-queue lock. */
void timer_cancel(struct timer *t);

void timer_softirq(void);
void timer_interrupt(void); /* from the local APIC's vector, interrupts off */

/* ---- domain/time.c ---- */

#define PERIODIC_DEFAULT_NS	10000000ull /* until the guest stops it */
#define VIRTUAL_ALARM_NONE	(~0ull)

struct vcpu_time {
	struct timer singleshot;	/* VCPUOP_set_singleshot_timer, set_timer_op */
	struct timer periodic;		/* set only while the vcpu runs */
	struct timer virtual_alarm;	/* likewise */
	struct timer poll;		/* SCHEDOP_poll's timeout */
	ns_t periodic_ns;		/* O: 0: off */
	ns_t periodic_at;		/* O: the next one */
	ns_t virtual_at;		/* O: alarm, in virtual time */
	struct vcpu_runstate_info runstate; /* S */
	uint64_t runstate_va;		/* O: 0: not registered */
	uint64_t time_va;		/* O: likewise */
};

/* Creation and end of a vcpu's timers; at the end it is off its CPU. */
void vcpu_time_init(struct vcpu *v);
void vcpu_time_destroy(struct vcpu *v);

/*
 * v is about to run here: refresh its vcpu_info's time and its timers.  Another's
 * address space may be loaded.  vcpu_time_leave(): it goes off the CPU.
 */
void vcpu_time_enter(struct vcpu *v);
void vcpu_time_leave(struct vcpu *v);

/* vcpu_info.time alone, of any vcpu that does not run elsewhere. */
void vcpu_time_update(struct vcpu *v);

/* vcpu_op's timers.  A time in the past is due at once. */
void vcpu_singleshot_set(struct vcpu *v, ns_t at);  /* v is current */
void vcpu_singleshot_stop(struct vcpu *v);
void vcpu_periodic_set(struct vcpu *v, ns_t period); /* 0: off */

/* The vcpu's virtual time, and its alarm: VIRQ_SLUICE_VTIMER.  current only. */
ns_t vcpu_virtual_now(struct vcpu *v);
void vcpu_virtual_alarm(struct vcpu *v, ns_t at);

/* Change v's runstate (xen/vcpu.h RUNSTATE_*); under its run-queue lock. */
void runstate_change(struct vcpu *v, int state, ns_t now);

/* The runstate with the present state accounted up to now.  Any vcpu. */
void runstate_get(struct vcpu *v, struct vcpu_runstate_info *out);

/*
 * Copy current's runstate and time to where the guest asked, after a switch to
 * it and when it registers a place.  In user mode runstate_late is set instead,
 * and this is due at the next entry into kernel mode.  A fault is ignored.
 */
void runstate_publish(struct vcpu *v);

/* Wall clock of d's shared_info; at creation and when the offset changes. */
void wallclock_update(struct domain *d);
uint64_t wallclock_s(void); /* seconds since 1970 at system time 0 */

long do_set_timer_op(ns_t timeout);

#endif
