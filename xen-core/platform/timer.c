/*
 * timer.c: one-shot timers, a queue for each CPU.
 *
 * A timer belongs to the queue of t->cpu, and that queue's lock guards it; it
 * changes queues under both locks, taken by CPU number.
 *
 * The CPU's local APIC is set to the time of its queue's first timer or to an
 * earlier one: it is not touched where a timer goes away or is put off, since
 * an interrupt that finds nothing to do costs less.
 *
 * Lock: the queue's, with interrupts off.
 */
#include "time.h"

#include "check.h"
#include "io.h"
#include "percpu.h"
#include "platform.h"
#include "../lib/timerq.h"

static struct {
	struct spinlock lock;
	struct timerq q;
	struct timer *running; /* its fn is being called */
	ns_t armed;	       /* what the APIC is set to; ~0: nothing */
} aligned(64) queues[MAX_CPUS] = {
	[0 ... MAX_CPUS - 1] = {.armed = ~0ull},
};

void timer_init(struct timer *t, void (*fn)(void *), void *arg)
{
	*t = (struct timer){.fn = fn, .arg = arg};
}

/* Lock the queue that t belongs to and return its CPU.  Interrupts off. */
static uint32_t timer_lock(const struct timer *t)
{
	for (;;) {
		uint32_t cpu = READ_ONCE(t->cpu);

		spin_lock(&queues[cpu].lock);
		if (READ_ONCE(t->cpu) == cpu)
			return cpu;
		spin_unlock(&queues[cpu].lock);
	}
}

static void timer_remove(struct timer *t)
{
	if (!t->set)
		return;
	timerq_remove(&queues[t->cpu].q, t);
	t->set = false;
}

/*
 * Move t, which is in no queue, to this CPU.  Its queue is locked, and then
 * this CPU's is.  False, and none is locked: another CPU has set it meanwhile,
 * as the order of locks wants its queue let go in between.
 */
static bool timer_move(struct timer *t, uint32_t me)
{
	uint32_t old = t->cpu;
	bool ours;

	if (old == me)
		return true;
	spin_unlock(&queues[old].lock);
	spin_lock(&queues[MIN(old, me)].lock);
	spin_lock(&queues[MAX(old, me)].lock);
	ours = t->cpu == old && !t->set;
	if (ours)
		WRITE_ONCE(t->cpu, me);
	else
		spin_unlock(&queues[me].lock);
	spin_unlock(&queues[old].lock);
	return ours;
}

/* The queue of this CPU is locked. */
static void arm(uint32_t me, ns_t at)
{
	if (at >= queues[me].armed)
		return;
	queues[me].armed = at;
	apic_timer_deadline(at);
}

void timer_set(struct timer *t, ns_t at)
{
	uint64_t flags = irq_save();
	uint32_t me = this_cpu_id();

	do {
		timer_lock(t);
		timer_remove(t);
	} while (!timer_move(t, me));
	t->at = at;
	t->set = true;
	timerq_insert(&queues[me].q, t);
	if (queues[me].q.first == t)
		arm(me, at);
	spin_unlock(&queues[me].lock);
	irq_restore(flags);
}

void timer_cancel(struct timer *t)
{
	uint64_t flags = irq_save();
	uint32_t cpu = timer_lock(t);

	timer_remove(t);
	spin_unlock(&queues[cpu].lock);
	irq_restore(flags);
}

/* Any CPU may be calling fn: while one does, another may have set t anew. */
static void wait_for_fn(const struct timer *t)
{
	for (uint32_t cpu = 0; cpu < READ_ONCE(nr_cpus); cpu++)
		while (READ_ONCE(queues[cpu].running) == t)
			cpu_relax();
}

void timer_stop(struct timer *t)
{
	/* fn may set it again; so cancel until it does not run. */
	do {
		timer_cancel(t);
		wait_for_fn(t);
	} while (READ_ONCE(t->set));
}

/* Take the first timer that is due; NULL: none, and the APIC is armed. */
static struct timer *timer_take_due(uint32_t cpu)
{
	uint64_t flags = spin_lock_irqsave(&queues[cpu].lock);
	struct timer *t = queues[cpu].q.first;

	if (t != NULL && t->at <= now_ns()) {
		timer_remove(t);
	} else if (t != NULL) {
		arm(cpu, t->at);
		t = NULL;
	}
	WRITE_ONCE(queues[cpu].running, t);
	spin_unlock_irqrestore(&queues[cpu].lock, flags);
	return t;
}

void timer_softirq(void)
{
	uint32_t cpu = this_cpu_id();
	struct timer *t;

	while ((t = timer_take_due(cpu)) != NULL)
		t->fn(t->arg);
}

void timer_interrupt(void)
{
	queues[this_cpu_id()].armed = ~0ull;
	softirq_raise(this_cpu_id(), SOFTIRQ_TIMER);
}
