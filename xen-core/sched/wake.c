/*
 * wake.c: reasons why a vcpu may not run: set, and cleared.
 *
 * It sleeps, is down or paused; when the last reason ends it wakes.
 */
#include "check.h"
#include "cpu.h"
#include "event.h"
#include "io.h"
#include "platform.h"
#include "runq.h"
#include "time.h"

static void reason_set(struct runq *rq, struct vcpu *v, uint32_t reason)
{
	v->sched.why_not |= reason;
	if (is_queued(v)) {
		runq_dequeue(v);
		bvt_sleep(&v->sched.bvt, now_ns());
	}
	if (v->sched.running)
		softirq_raise(v->sched.cpu, SOFTIRQ_SCHEDULE);
	else
		runstate_change(v, resting_state(v), now_ns());
}

static void wake(struct runq *rq, struct vcpu *v, ns_t now)
{
	const struct bvt *cur = NULL;

	if (!is_idle(rq->cur)) {
		runq_account(rq->cur, now);
		if (rq->cur->sched.why_not == 0)
			cur = &rq->cur->sched.bvt;
	}
	bvt_wake(&rq->q, cur, &v->sched.bvt, now, sched_get_slice());
	runq_account(v, now); /* work that was charged to it in its sleep */
	runq_enqueue(v);
}

static void reason_clear(struct runq *rq, struct vcpu *v, uint32_t reason)
{
	if (!(v->sched.why_not & reason))
		return;
	v->sched.why_not &= ~reason;
	if (v->sched.running)
		return;
	if (v->sched.why_not != 0) {
		runstate_change(v, resting_state(v), now_ns());
		return;
	}
	wake(rq, v, now_ns());
}

void vcpu_wake(struct vcpu *v)
{
	uint64_t flags;
	struct runq *rq = runq_lock(v, &flags);

	reason_clear(rq, v, VCPU_BLOCKED);
	runq_unlock(rq, flags);
}

/* One that polls with upcalls masked sleeps on. */
static bool has_upcall(const struct vcpu *v)
{
	return event_deliverable(v) || READ_ONCE(v->nmi_pending);
}

void vcpu_kick(struct vcpu *v)
{
	uint64_t flags;
	struct runq *rq = runq_lock(v, &flags);

	/*
	 * Also for current: on its way to sleep it has looked already, and an
	 * interrupt may raise an event before the CPU leaves it.
	 */
	if (v->sched.why_not & VCPU_BLOCKED) {
		if (has_upcall(v))
			reason_clear(rq, v, VCPU_BLOCKED);
	} else if (v->sched.running && v != current)
		ipi_send(1ull << v->sched.cpu, IPI_KICK);
	runq_unlock(rq, flags);
}

void vcpu_up(struct vcpu *v)
{
	uint64_t flags;
	struct runq *rq = runq_lock(v, &flags);

	reason_clear(rq, v, VCPU_DOWN);
	runq_unlock(rq, flags);
}

void vcpu_down(struct vcpu *v)
{
	uint64_t flags;
	struct runq *rq = runq_lock(v, &flags);

	reason_set(rq, v, VCPU_DOWN);
	runq_unlock(rq, flags);
}

void vcpu_pause_nosync(struct vcpu *v)
{
	uint64_t flags;
	struct runq *rq = runq_lock(v, &flags);

	if (v->sched.pause_count++ == 0)
		reason_set(rq, v, VCPU_PAUSED);
	runq_unlock(rq, flags);
}

void vcpu_unpause(struct vcpu *v)
{
	uint64_t flags;
	struct runq *rq = runq_lock(v, &flags);

	CHECK(v->sched.pause_count > 0);
	if (--v->sched.pause_count == 0)
		reason_clear(rq, v, VCPU_PAUSED);
	runq_unlock(rq, flags);
}

/* Or until another CPU has unpaused it. */
static void wait_off_cpu(struct vcpu *v)
{
	ASSERT(v != current && irqs_enabled());
	while (__atomic_load_n(&v->sched.running, __ATOMIC_ACQUIRE) &&
	       READ_ONCE(v->sched.why_not) & VCPU_PAUSED)
		cpu_relax();
	cpu_sync(v);
}

void vcpu_pause(struct vcpu *v)
{
	vcpu_pause_nosync(v);
	wait_off_cpu(v);
}

void domain_pause_nosync(struct domain *d)
{
	struct vcpu *v;
	uint32_t i;

	domain_for_each_vcpu(d, v, i)
		vcpu_pause_nosync(v);
}

void domain_pause_wait(struct domain *d)
{
	struct vcpu *v;
	uint32_t i;

	domain_for_each_vcpu(d, v, i)
		wait_off_cpu(v);
}

void domain_pause(struct domain *d)
{
	domain_pause_nosync(d);
	domain_pause_wait(d);
}

void domain_unpause(struct domain *d)
{
	struct vcpu *v;
	uint32_t i;

	domain_for_each_vcpu(d, v, i)
		vcpu_unpause(v);
}

/* ---- current's own wishes ---- */

void vcpu_sleep(void)
{
	struct vcpu *v = current;
	uint64_t flags;
	struct runq *rq = runq_lock(v, &flags);

	reason_set(rq, v, VCPU_BLOCKED);
	runq_unlock(rq, flags);

	/* Who made an event pending before it could see us blocked has not
	 * woken us: our store comes before this load. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (has_upcall(v))
		vcpu_wake(v);
}

void vcpu_block(void)
{
	struct vcpu *v = current;

	WRITE_ONCE(v->event.info->evtchn_upcall_mask, 0);
	WRITE_ONCE(v->event.poll, POLL_NONE);
	vcpu_sleep();
}

void vcpu_yield(void)
{
	current->sched.yielded = true;
	softirq_raise(this_cpu_id(), SOFTIRQ_SCHEDULE);
}

