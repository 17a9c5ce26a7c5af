/*
 * schedule.c: states of vcpus, run queues, placement over CPUs.
 *
 * Each CPU has a run queue of the vcpus that want it and do not run.  A vcpu is
 * taken out of a queue when it is chosen, and put into one by who ends the last
 * reason for not running, or, if it still runs or its state is not saved yet,
 * by sched_switch_done().
 *
 * CPUs share out the vcpus in three ways: a vcpu that wakes goes to an idle CPU
 * if there is one; a CPU that runs dry takes from another's queue; and now and
 * then a CPU with less weight in its queue takes from one with more.
 *
 * Locks: a queue's lock, interrupts off.  A second one is only tried, never
 * waited for: who does not get it leaves the vcpu where it is.
 */
#include "sched.h"

#include "check.h"
#include "cpu.h"
#include "domain.h"
#include "event.h"
#include "heap.h"
#include "io.h"
#include "log.h"
#include "percpu.h"
#include "platform.h"
#include "time.h"

#define BALANCE_NS	30000000ull
#define STAMP_NS	500000000ull	/* a time stamp is renewed after */
#define CHARGE_MAX_NS	100000000ll	/* that may wait to be charged */

struct runq {
	struct spinlock lock;
	struct bvt_queue q;
	struct vcpu *cur;	/* chosen last; it runs or is about to */
	uint32_t cur_weight;	/* 0: idle */
	struct timer slice;
	uint64_t balance_at;	/* system time */
} aligned(64);

static struct runq runqs[MAX_CPUS];
static uint64_t idle_cpus; /* A: those whose cur is the idle vcpu */
static uint64_t slice_ns = SCHED_SLICE_DEFAULT_NS;
static uint32_t next_home; /* A: where the next new vcpu goes */

uint64_t ctx_switches;

static struct vcpu *vcpu_of(struct bvt *b)
{
	return container_of(b, struct vcpu, sched.bvt);
}

static bool is_idle(const struct vcpu *v)
{
	return v->d == &idle_domain;
}

static bool is_queued(const struct vcpu *v)
{
	return v->sched.bvt.next != NULL;
}

/* ---- locks ---- */

static struct runq *runq_lock(const struct vcpu *v, uint64_t *flags)
{
	*flags = irq_save();
	for (;;) {
		uint32_t cpu = READ_ONCE(v->sched.cpu);

		spin_lock(&runqs[cpu].lock);
		if (READ_ONCE(v->sched.cpu) == cpu)
			return &runqs[cpu];
		spin_unlock(&runqs[cpu].lock);
	}
}

static void runq_unlock(struct runq *rq, uint64_t flags)
{
	spin_unlock_irqrestore(&rq->lock, flags);
}

uint64_t sched_lock(const struct vcpu *v)
{
	uint64_t flags;

	runq_lock(v, &flags);
	return flags;
}

void sched_unlock(const struct vcpu *v, uint64_t flags)
{
	runq_unlock(&runqs[v->sched.cpu], flags);
}

/* ---- placement ---- */

/* Both queues are locked; v does not run. */
static void move(struct vcpu *v, uint32_t to)
{
	struct runq *from = &runqs[v->sched.cpu];

	bvt_move(&from->q, &runqs[to].q, &v->sched.bvt);
	WRITE_ONCE(v->sched.cpu, to);
}

/* An idle CPU, preferably v's, which nobody else will choose meanwhile; or ~0. */
static uint32_t claim_idle(const struct vcpu *v)
{
	uint64_t mask = __atomic_load_n(&idle_cpus, __ATOMIC_SEQ_CST);

	while (mask != 0) {
		uint32_t home = v->sched.cpu;
		uint32_t cpu = mask >> home & 1 ?
				       home : (uint32_t)__builtin_ctzll(mask);
		uint64_t bit = 1ull << cpu;

		mask = __atomic_fetch_and(&idle_cpus, ~bit, __ATOMIC_SEQ_CST);
		if (mask & bit)
			return cpu;
	}
	return ~0u;
}

bool sched_raise_idle(enum softirq which)
{
	uint64_t mask = __atomic_load_n(&idle_cpus, __ATOMIC_SEQ_CST) &
			~(1ull << this_cpu_id());

	if (mask != 0)
		softirq_raise((uint32_t)__builtin_ctzll(mask), which);
	return mask != 0;
}

/* v wants to run: into its queue, or an idle CPU's.  Its own is locked. */
static void enqueue(struct vcpu *v)
{
	uint32_t cpu = claim_idle(v);
	bool moved = false;

	runstate_change(v, RUNSTATE_runnable, now_ns());
	if (cpu == ~0u) {
		cpu = v->sched.cpu;
	} else if (cpu != v->sched.cpu && spin_trylock(&runqs[cpu].lock)) {
		move(v, cpu);
		moved = true;
	}
	bvt_enqueue(&runqs[v->sched.cpu].q, &v->sched.bvt);
	if (moved)
		spin_unlock(&runqs[cpu].lock);
	/* If it could not move, the idle CPU comes and takes it. */
	softirq_raise(cpu, SOFTIRQ_SCHEDULE);
	if (cpu != v->sched.cpu)
		softirq_raise(v->sched.cpu, SOFTIRQ_SCHEDULE);
}

static void dequeue(struct vcpu *v)
{
	bvt_dequeue(&runqs[v->sched.cpu].q, &v->sched.bvt);
}

/* The heaviest vcpu in cpu's queue of at most max weight moves here, to me,
 * whose queue is locked.  NULL: none, or the lock is taken. */
static struct bvt *pull(uint32_t me, uint32_t cpu, uint64_t max)
{
	struct runq *rq = &runqs[cpu];
	struct bvt *best = NULL, *b;

	if (READ_ONCE(rq->q.nr) == 0 || !spin_trylock(&rq->lock))
		return NULL;
	b = rq->q.head;
	for (uint32_t i = 0; i < rq->q.nr; i++, b = b->next)
		if (b->weight <= max && (!best || b->weight >= best->weight))
			best = b;
	if (best != NULL) {
		bvt_dequeue(&rq->q, best);
		move(vcpu_of(best), me);
		bvt_enqueue(&runqs[me].q, best);
	}
	spin_unlock(&rq->lock);
	return best;
}

/* This CPU, me, has nothing to do: what waits elsewhere? */
static bool steal(uint32_t me)
{
	uint32_t i, nr = READ_ONCE(nr_cpus);

	for (i = 1; i < nr; i++)
		if (pull(me, (me + i) % nr, UINT64_MAX) != NULL)
			return true;
	return false;
}

static uint64_t load_of(const struct runq *rq)
{
	return READ_ONCE(rq->q.weight) + READ_ONCE(rq->cur_weight);
}

/*
 * Take from the CPU with the most weight if that makes us more equal, or as
 * unequal the other way round: then three equal vcpus on two CPUs take turns.
 */
static void balance(uint32_t me, ns_t now)
{
	uint64_t most = 0, mine = load_of(&runqs[me]), load;
	uint32_t i, busiest = me;

	if (now < runqs[me].balance_at)
		return;
	runqs[me].balance_at = now + BALANCE_NS;
	for (i = 0; i < READ_ONCE(nr_cpus); i++) {
		load = load_of(&runqs[i]);
		if (load > most) {
			most = load;
			busiest = i;
		}
	}
	if (busiest != me && most > mine)
		pull(me, busiest, most - mine);
}

/* ---- the choice ---- */

static int resting_state(const struct vcpu *v)
{
	if (v->sched.why_not == 0)
		return RUNSTATE_runnable;
	return v->sched.why_not == VCPU_BLOCKED ? RUNSTATE_blocked :
						  RUNSTATE_offline;
}

/* Time that v ran, and that others worked for it, up to now. */
static void account(struct vcpu *v, ns_t now)
{
	int64_t ns = __atomic_exchange_n(&v->sched.charged, 0,
					 __ATOMIC_RELAXED);

	if (v->sched.running && now > v->sched.ran_since)
		ns += (int64_t)(now - v->sched.ran_since);
	v->sched.ran_since = now;
	if (ns < 0) {	/* what it lost is only known when that is over */
		__atomic_fetch_add(&v->sched.charged, ns, __ATOMIC_RELAXED);
		ns = 0;
	}
	bvt_ran(&v->sched.bvt, (uint64_t)ns, now);
}

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
		if (steal(cpu))
			b = bvt_pick(&rq->q, cur, prev->sched.yielded,
				     slice_ns);
	}
	if (b == NULL)
		return this_cpu()->idle;
	__atomic_fetch_and(&idle_cpus, ~me, __ATOMIC_SEQ_CST);
	if (b != cur)
		bvt_dequeue(&rq->q, b);
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
		account(prev, now);
	balance(cpu, now);
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
		enqueue(prev);
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

/* ---- reasons for not running ---- */

static void reason_set(struct runq *rq, struct vcpu *v, uint32_t reason)
{
	v->sched.why_not |= reason;
	if (is_queued(v)) {
		dequeue(v);
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
		account(rq->cur, now);
		if (rq->cur->sched.why_not == 0)
			cur = &rq->cur->sched.bvt;
	}
	bvt_wake(&rq->q, cur, &v->sched.bvt, now);
	account(v, now); /* work that was charged to it in its sleep */
	enqueue(v);
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

static void wait_off_cpu(struct vcpu *v)
{
	ASSERT(v != current && irqs_enabled());
	while (__atomic_load_n(&v->sched.running, __ATOMIC_ACQUIRE))
		cpu_relax();
	cpu_sync(v);
}

void vcpu_pause(struct vcpu *v)
{
	vcpu_pause_nosync(v);
	wait_off_cpu(v);
}

void domain_pause(struct domain *d)
{
	struct vcpu *v;
	uint32_t i;

	domain_for_each_vcpu(d, v, i)
		vcpu_pause_nosync(v);
	domain_for_each_vcpu(d, v, i)
		wait_off_cpu(v);
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

/* ---- parameters and figures ---- */

int sched_set(struct domain *d, const struct sched_params *p)
{
	struct bvt probe = {.weight = 1};
	struct vcpu *v;
	uint32_t i;

	if (bvt_set(&probe, p->weight, p->warp_on, p->warp_ns,
		    p->warp_limit_ns, p->unwarp_ns) != 0)
		return -EINVAL;
	domain_for_each_vcpu(d, v, i) {
		uint64_t flags;
		struct runq *rq = runq_lock(v, &flags);
		bool queued = is_queued(v);

		if (queued) /* the queue counts weights */
			bvt_dequeue(&rq->q, &v->sched.bvt);
		bvt_set(&v->sched.bvt, p->weight, p->warp_on, p->warp_ns,
			p->warp_limit_ns, p->unwarp_ns);
		if (queued)
			bvt_enqueue(&rq->q, &v->sched.bvt);
		softirq_raise(v->sched.cpu, SOFTIRQ_SCHEDULE);
		runq_unlock(rq, flags);
	}
	return 0;
}

void sched_get(struct domain *d, struct sched_params *p)
{
	const struct bvt *b = &d->vcpu[0]->sched.bvt;

	p->weight = b->weight;
	p->warp_on = b->warp_on;
	p->warp_ns = b->warp_ns;
	p->warp_limit_ns = b->warp_limit_ns;
	p->unwarp_ns = b->unwarp_ns;
}

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

/* Charge one that wants to run, since it is who profits. */
void sched_charge(struct domain *d, uint64_t ns)
{
	struct vcpu *v, *who = d->vcpu[0];
	uint32_t i;

	domain_for_each_vcpu(d, v, i) {
		if (READ_ONCE(v->sched.why_not) == 0) {
			who = v;
			break;
		}
	}
	if (READ_ONCE(who->sched.charged) < CHARGE_MAX_NS)
		__atomic_fetch_add(&who->sched.charged,
				   (int64_t)MIN(ns, (uint64_t)CHARGE_MAX_NS),
				   __ATOMIC_RELAXED);
}

void sched_interrupted(uint64_t ns)
{
	if (!is_idle(current))
		__atomic_fetch_sub(&current->sched.charged,
				   (int64_t)MIN(ns, (uint64_t)CHARGE_MAX_NS),
				   __ATOMIC_RELAXED);
}

uint64_t sched_cpu_time(struct domain *d)
{
	struct vcpu_runstate_info r;
	struct vcpu *v;
	uint64_t ns = 0;
	uint32_t i;

	domain_for_each_vcpu(d, v, i) {
		runstate_get(v, &r);
		ns += r.time[RUNSTATE_running];
	}
	return ns;
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
