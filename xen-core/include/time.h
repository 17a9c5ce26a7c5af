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

/* System time now.  Any context, any CPU. */
ns_t now_ns(void);

extern uint64_t tsc_khz; /* measured at boot */

/* The scale of xen/xen.h struct vcpu_time_info for tsc_khz. */
void tsc_scale(uint32_t *mul, int8_t *shift);

/*
 * One-shot timers.  fn runs in SOFTIRQ_TIMER on the CPU that the timer was set on last, interrupts on, no lock
 * held.  timer_set() on one that is set moves it.  timer_stop() returns when
 * fn is not running and will not run; not from fn itself.
 */
struct timer {
	ns_t	 at;
	void	 (*fn)(void *);
	void	 *arg;
	uint32_t cpu;
	uint32_t slot;		/* in the CPU's heap, 0: not set */
	bool	 running;
};

void timer_init(struct timer *t, void (*fn)(void *), void *arg);
void timer_set(struct timer *t, ns_t at); /* on this CPU */
void timer_stop(struct timer *t);
void timer_softirq(void);
void timer_interrupt(void); /* from the local APIC's vector, interrupts off */

/* At boot: calibrate, read the RTC; on each CPU: its queue. */
void time_init(void);
void time_init_cpu(void);

struct vcpu_time {
	struct timer singleshot;	/* VCPUOP_set_singleshot_timer, set_timer_op */
	struct timer periodic;		/* 100 Hz until stopped */
	struct timer virtual_alarm;	/* armed only while the vcpu runs */
	ns_t periodic_ns;		/* 0: off */
	ns_t virtual_ns;		/* ran so far; S */
	ns_t virtual_at;		/* alarm, in virtual time; ~0: none */
	struct vcpu_runstate_info runstate; /* S */
	uint64_t runstate_va;		/* O: 0: not registered */
	uint64_t time_va;		/* O: register_vcpu_time_memory_area */
	bool	 runstate_late;		/* O: to be written at the next kernel entry */
};

/* Creation and end of a vcpu's timers. */
void vcpu_time_init(struct vcpu *v);
void vcpu_time_destroy(struct vcpu *v);

/* At each switch to v, and now and then while it runs: refresh
 * vcpu_info.time.  Also the secondary area if registered. */
void vcpu_time_update(struct vcpu *v);

/* Wall clock of d's shared_info; at creation and when the offset changes. */
void wallclock_update(struct domain *d);
uint64_t wallclock_s(void); /* seconds since 1970 at system time 0 */

/* Copy v's runstate to where the guest asked; in the context of v, kernel mode. */
void runstate_publish(struct vcpu *v);

/* The same for a hypercall, with the present state's time up to now. */
void runstate_get(struct vcpu *v, struct vcpu_runstate_info *out);

/*
 * Alarms on real time.  singleshot: at a system time, at once when it is past;
 * periodic: every period ns, 0: off.  v is any vcpu, from any CPU; they raise
 * VIRQ_TIMER.
 */
void vcpu_singleshot_set(struct vcpu *v, ns_t at);
void vcpu_singleshot_stop(struct vcpu *v);
void vcpu_periodic_set(struct vcpu *v, ns_t period);

/* Virtual time and its alarm (VIRQ_SLUICE_VTIMER; ~0: none): current only. */
ns_t vcpu_virtual_now(struct vcpu *v);
void vcpu_virtual_alarm(struct vcpu *v, ns_t at);

long do_set_timer_op(ns_t timeout);

#endif
