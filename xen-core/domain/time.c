/*
 * time.c: what a vcpu sees of time: real, virtual and wall clock, its timers,
 * and where it has been (runstate).
 *
 * A vcpu computes system time from its CPU's TSC and the last stamp that we left
 * it; the stamp is renewed at each switch to it and once a second while it
 * runs.  All that changes in the guest's view is written between two changes of
 * a version, odd meanwhile.
 *
 * Virtual time is the time spent in RUNSTATE_running.  Its alarm, and the
 * periodic tick, are set only while the vcpu runs: neither wakes anyone.
 */
#include "time.h"

#include <sluice/control.h>

#include "domain.h"
#include "event.h"
#include "guest_access.h"
#include "io.h"
#include "lib.h"
#include "percpu.h"

#define STAMP_PERIOD_NS	1000000000ull

/* ---- stamps ---- */

static void time_info_fill(struct vcpu_time_info *t)
{
	struct tsc_stamp s;

	tsc_stamp_now(&s);
	t->tsc_timestamp = s.tsc;
	t->system_time = s.system_time;
	t->tsc_to_system_mul = s.mul;
	t->tsc_shift = s.shift;
	t->flags = READ_ONCE(tsc_stable) ? XEN_PVCLOCK_TSC_STABLE_BIT : 0;
}

/* The guest may write into it meanwhile: that harms only itself. */
void vcpu_time_update(struct vcpu *v)
{
	struct vcpu_time_info *t = &v->event.info->time;
	uint32_t version = READ_ONCE(t->version) & ~1u;

	WRITE_ONCE(t->version, version + 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* odd before any change */
	time_info_fill(t);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* changes before even */
	WRITE_ONCE(t->version, version + 2);
}

void wallclock_update(struct domain *d)
{
	struct shared_info *s = d->shared;
	uint64_t seconds = wallclock_s() + (uint64_t)READ_ONCE(d->time_offset_s);
	uint32_t version = READ_ONCE(s->wc_version) & ~1u;

	WRITE_ONCE(s->wc_version, version + 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	s->wc_sec = (uint32_t)seconds;
	s->wc_sec_hi = (uint32_t)(seconds >> 32);
	s->wc_nsec = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	WRITE_ONCE(s->wc_version, version + 2);
}

/* ---- runstate ---- */

void runstate_change(struct vcpu *v, int state, ns_t now)
{
	struct vcpu_runstate_info *r = &v->time.runstate;

	if (r->state == state)
		return;
	if (now > r->state_entry_time)
		r->time[r->state] += now - r->state_entry_time;
	r->state_entry_time = now;
	r->state = state;
}

/* v's own runstate changes only while it does not run or on its own CPU; of
 * another one that runs, the answer may be older by a moment. */
void runstate_get(struct vcpu *v, struct vcpu_runstate_info *out)
{
	uint64_t flags = sched_lock(v);
	ns_t now = now_ns();

	*out = v->time.runstate;
	sched_unlock(v, flags);
	if (now > out->state_entry_time)
		out->time[out->state] += now - out->state_entry_time;
}

static void runstate_write(struct vcpu *v)
{
	struct vcpu_runstate_info r = v->time.runstate;
	uint64_t at = v->time.runstate_va, flag_at;

	flag_at = at + offsetof(struct vcpu_runstate_info, state_entry_time);
	if (READ_ONCE(v->d->vm_assist) & 1u << VMASST_TYPE_runstate_update_flag) {
		uint64_t entry = r.state_entry_time | XEN_RUNSTATE_UPDATE;

		/* The flag first, the rest, then the flag's end. */
		if (copy_to_guest(flag_at, &entry, sizeof(entry)) != 0)
			return;
		r.state_entry_time = entry;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (copy_to_guest(at, &r, sizeof(r)) != 0)
			return;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		entry &= ~XEN_RUNSTATE_UPDATE;
		copy_to_guest(flag_at, &entry, sizeof(entry));
		return;
	}
	copy_to_guest(at, &r, sizeof(r));
}

/* The secondary time area has a version of its own. */
static void time_area_write(struct vcpu *v)
{
	struct vcpu_time_info t = {0};
	uint64_t at = v->time.time_va;
	uint32_t version;

	if (copy_from_guest(&version, at, sizeof(version)) != 0)
		return;
	version |= 1;
	if (copy_to_guest(at, &version, sizeof(version)) != 0)
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	time_info_fill(&t);
	t.version = version;
	if (copy_to_guest(at, &t, sizeof(t)) != 0)
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	version++;
	copy_to_guest(at, &version, sizeof(version));
}

void runstate_publish(struct vcpu *v)
{
	if (v->time.runstate_va == 0 && v->time.time_va == 0)
		return;
	v->runstate_late = !v->kernel_mode;
	if (v->runstate_late)
		return; /* the addresses are the kernel's */
	if (v->time.runstate_va != 0)
		runstate_write(v);
	if (v->time.time_va != 0)
		time_area_write(v);
}

/* ---- virtual time ---- */

ns_t vcpu_virtual_now(struct vcpu *v)
{
	struct vcpu_runstate_info r;

	runstate_get(v, &r);
	return r.time[RUNSTATE_running];
}

static void virtual_alarm_arm(struct vcpu *v)
{
	ns_t left, now;

	if (v->time.virtual_at == VIRTUAL_ALARM_NONE)
		return;
	now = vcpu_virtual_now(v);
	left = v->time.virtual_at > now ? v->time.virtual_at - now : 0;
	timer_set(&v->time.virtual_alarm, now_ns() + left);
}

static void virtual_alarm_fire(void *arg)
{
	struct vcpu *v = arg;

	v->time.virtual_at = VIRTUAL_ALARM_NONE;
	virq_raise(v, VIRQ_SLUICE_VTIMER);
}

void vcpu_virtual_alarm(struct vcpu *v, ns_t at)
{
	timer_stop(&v->time.virtual_alarm);
	v->time.virtual_at = at;
	virtual_alarm_arm(v);
}

/* ---- timers on real time ---- */

static void singleshot_fire(void *arg)
{
	virq_raise(arg, VIRQ_TIMER);
}

void vcpu_singleshot_set(struct vcpu *v, ns_t at)
{
	timer_set(&v->time.singleshot, at);
}

void vcpu_singleshot_stop(struct vcpu *v)
{
	timer_stop(&v->time.singleshot);
}

/* Ticks that passed while v did not run are one tick. */
static void periodic_arm(struct vcpu *v)
{
	ns_t period = READ_ONCE(v->time.periodic_ns);
	ns_t now = now_ns();

	if (period == 0)
		return;
	if (v->time.periodic_at + period <= now) {
		v->time.periodic_at +=
			(now - v->time.periodic_at) / period * period;
		virq_raise(v, VIRQ_TIMER);
	}
	timer_set(&v->time.periodic, v->time.periodic_at + period);
}

static void periodic_fire(void *arg)
{
	periodic_arm(arg);
}

void vcpu_periodic_set(struct vcpu *v, ns_t period)
{
	WRITE_ONCE(v->time.periodic_ns, period);
	if (v != current)
		return; /* from its next switch on */
	timer_stop(&v->time.periodic);
	v->time.periodic_at = now_ns();
	periodic_arm(v);
}

static void poll_timeout(void *arg)
{
	struct vcpu *v = arg;

	/* Not if something else ended the poll: v may sleep for other reasons. */
	if (READ_ONCE(v->event.poll) != POLL_NONE)
		vcpu_wake(v);
}

long do_set_timer_op(ns_t timeout)
{
	if (timeout == 0)
		vcpu_singleshot_stop(current);
	else
		vcpu_singleshot_set(current, timeout);
	return 0;
}

/* ---- on and off the CPU ---- */

/* The page tables are still those of who ran before: v's areas are written by
 * cpu_switch(), once its own are loaded. */
void vcpu_time_enter(struct vcpu *v)
{
	vcpu_time_update(v);
	periodic_arm(v);
	virtual_alarm_arm(v);
}

void vcpu_time_leave(struct vcpu *v)
{
	if (v->time.periodic.set)
		timer_cancel(&v->time.periodic);
	if (v->time.virtual_alarm.set)
		timer_cancel(&v->time.virtual_alarm);
}

void vcpu_time_init(struct vcpu *v)
{
	timer_init(&v->time.singleshot, singleshot_fire, v);
	timer_init(&v->time.periodic, periodic_fire, v);
	timer_init(&v->time.virtual_alarm, virtual_alarm_fire, v);
	timer_init(&v->time.poll, poll_timeout, v);
	v->time.periodic_ns = PERIODIC_DEFAULT_NS;
	v->time.virtual_at = VIRTUAL_ALARM_NONE;
	v->time.runstate.state = RUNSTATE_offline;
	v->time.runstate.state_entry_time = now_ns();
}

void vcpu_time_destroy(struct vcpu *v)
{
	timer_stop(&v->time.singleshot);
	timer_stop(&v->time.periodic);
	timer_stop(&v->time.virtual_alarm);
	timer_stop(&v->time.poll);
}
