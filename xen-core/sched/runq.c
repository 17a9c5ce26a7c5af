/*
 * runq.c: run queues, and placement over CPUs.
 *
 * CPUs share out the vcpus in three ways: a vcpu that wakes goes to an idle CPU
 * if there is one; a CPU that runs dry takes from another's queue; and now and
 * then a CPU with less weight in its queue takes from one with more.
 */
#include "runq.h"

#include "cpu.h"
#include "io.h"
#include "time.h"

#define BALANCE_NS	30000000ull

struct runq runqs[MAX_CPUS];
uint64_t idle_cpus;

/* ---- locks ---- */

struct runq *runq_lock(const struct vcpu *v, uint64_t *flags)
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

void runq_unlock(struct runq *rq, uint64_t flags)
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

void runq_enqueue(struct vcpu *v)
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

void runq_dequeue(struct vcpu *v)
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

bool runq_steal(uint32_t me)
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
void runq_balance(uint32_t me, ns_t now)
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

/* ---- a vcpu's account ---- */

int resting_state(const struct vcpu *v)
{
	if (v->sched.why_not == 0)
		return RUNSTATE_runnable;
	return v->sched.why_not == VCPU_BLOCKED ? RUNSTATE_blocked :
						  RUNSTATE_offline;
}

void runq_account(struct vcpu *v, ns_t now)
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

