/*
 * schedule.c: who runs next on a CPU, and the switch to it.
 */
#include "check.h"
#include "cpu.h"
#include "heap.h"
#include "io.h"
#include "log.h"
#include "runq.h"
#include "time.h"

#define STAMP_NS	500000000ull	/* a time stamp is renewed after */

uint64_t ctx_switches;

static uint64_t slice_ns = SCHED_SLICE_DEFAULT_NS;
static uint32_t next_home; /* A: where the next new vcpu goes */

/* The queue is locked.  What is chosen is in no queue any more. */
static struct vcpu *choose(uint32_t cpu, struct vcpu *prev)
{
	struct runq *rq = &runqs[cpu];
	uint64_t me = 1ull << cpu;
	struct bvt *cur = NULL, *b;

	if (!is_idle(prev) && prev->sched.why_not == 0)
		cur = &prev->sched.bvt;
	b = bvt_pick(&rq->q, cur, prev->sched.yielded, slice_ns);
	if (b == NULL || (b == cur && prev->sched.yielded)) {
		/* Idle first, then a look at the others: who leaves something
		 * in its queue after our look finds us. */
		if (b == NULL)
			__atomic_fetch_or(&idle_cpus, me, __ATOMIC_SEQ_CST);
		if (runq_steal(cpu))
			b = bvt_pick(&rq->q, cur, prev->sched.yielded,
				     slice_ns);
	}
	if (b == NULL)
		return this_cpu()->idle;
	__atomic_fetch_and(&idle_cpus, ~me, __ATOMIC_SEQ_CST);
	if (b != cur) {
		bvt_dequeue(&rq->q, b);
		bvt_chosen(b);
	}
	return vcpu_of(b);
}

static void slice_set(struct runq *rq, struct vcpu *next, ns_t now)
{
	ns_t at;

	if (is_idle(next))
		return;
	at = now + bvt_slice(&rq->q, &next->sched.bvt, slice_ns);
	/* Balancing has a time of its own: at a wake-up the queue is not as it
	 * mostly is. */
	at = MIN(at, rq->balance_at);
	/* One that is set too early is left: to look in vain now and then costs
	 * less than to set the hardware at each switch. */
	if (!rq->slice.set || at < rq->slice.at)
		timer_set(&rq->slice, at);
}

static void slice_over(void *unused)
{
	softirq_raise(this_cpu_id(), SOFTIRQ_SCHEDULE);
}

/* next is not prev; the queue is locked. */
static void hand_over(struct runq *rq, struct vcpu *prev, struct vcpu *next,
		      ns_t now)
{
	if (!is_idle(prev)) {
		if (prev->sched.why_not != 0)
			bvt_sleep(&prev->sched.bvt, now);
		runstate_change(prev, resting_state(prev), now);
	}
	if (!is_idle(next)) {
		next->sched.running = true;
		next->sched.ran_since = now;
		next->sched.stamped = now;
		next->sched.last_cpu = this_cpu_id();
		runstate_change(next, RUNSTATE_running, now);
	}
	rq->cur = next;
	rq->cur_weight = is_idle(next) ? 0 : next->sched.bvt.weight;
}

static void stay(struct vcpu *v, ns_t now)
{
	if (is_idle(v) || now - v->sched.stamped < STAMP_NS)
		return;
	v->sched.stamped = now;
	vcpu_time_update(v);
	runstate_publish(v);
}

void schedule(void)
{
	uint32_t cpu = this_cpu_id();
	struct runq *rq = &runqs[cpu];
	struct vcpu *prev = current, *next;
	bool rest;
	ns_t now;

	irq_disable();
	spin_lock(&rq->lock);
	now = now_ns();
	if (!is_idle(prev))
		runq_account(prev, now);
	runq_balance(cpu, now);
	next = choose(cpu, prev);
	rest = rq->q.nr != 0;
	prev->sched.yielded = false;
	slice_set(rq, next, now);
	if (next != prev)
		hand_over(rq, prev, next, now);
	spin_unlock(&rq->lock);
	if (rest) /* one that went idle just now saw an empty queue, or a lock */
		sched_raise_idle(SOFTIRQ_SCHEDULE);
	if (next == prev) {
		irq_enable();
		stay(prev, now);
		return;
	}

	softirq_deferred();
	__atomic_fetch_add(&ctx_switches, 1, __ATOMIC_RELAXED);
	if (!is_idle(prev))
		vcpu_time_leave(prev);
	if (!is_idle(next))
		vcpu_time_enter(next);
	cpu_switch(prev, next);
}

void sched_switch_done(struct vcpu *prev)
{
	struct runq *rq;
	uint64_t flags;

	if (is_idle(prev))
		return;
	rq = runq_lock(prev, &flags);
	__atomic_store_n(&prev->sched.running, false, __ATOMIC_RELEASE);
	if (prev->sched.why_not == 0)
		runq_enqueue(prev);
	runq_unlock(rq, flags);
}

void idle_loop(void)
{
	for (;;) {
		irq_enable();
		softirq_deferred();
		softirq_run();
		irq_disable();
		if (softirq_pending())
			continue;
		irqs_off_end();
		/* STI lets HLT begin before any interrupt. */
		asm volatile("sti; hlt" : : : "memory");
	}
}

/* ---- the slice ---- */

int sched_set_slice(uint64_t ns)
{
	if (ns < SCHED_SLICE_MIN_NS || ns > SCHED_SLICE_MAX_NS)
		return -EINVAL;
	WRITE_ONCE(slice_ns, ns);
	return 0;
}

uint64_t sched_get_slice(void)
{
	return READ_ONCE(slice_ns);
}

/* ---- birth and death ---- */

void sched_vcpu_init(struct vcpu *v)
{
	uint32_t n = __atomic_fetch_add(&next_home, 1, __ATOMIC_RELAXED);

	v->sched.cpu = v->sched.last_cpu = n % READ_ONCE(nr_cpus);
	v->sched.why_not = VCPU_DOWN;
	bvt_init(&v->sched.bvt, &runqs[v->sched.cpu].q);
}

void sched_vcpu_destroy(struct vcpu *v)
{
	CHECK(!v->sched.running && !is_queued(v));
}

void sched_init(void)
{
	uint32_t i;

	for (i = 0; i < MAX_CPUS; i++)
		timer_init(&runqs[i].slice, slice_over, NULL);
}

void sched_init_cpu(void)
{
	struct cpu *c = this_cpu();
	struct vcpu *v = heap_alloc(sizeof(*v));

	if (v == NULL)
		panic("no memory for the idle vcpu of CPU %u", c->id);
	v->d = &idle_domain;
	v->id = c->id;
	v->loaded_on = NOT_LOADED;
	v->sched.cpu = v->sched.last_cpu = c->id;
	v->sched.running = true;
	c->idle = v;
	current = v;
	runqs[c->id].cur = v;
	__atomic_fetch_or(&idle_cpus, 1ull << c->id, __ATOMIC_SEQ_CST);
}
