/*
 * softirq.c: work that waits until a CPU is on its way back to a guest, or idle.
 */
#include "check.h"
#include "io.h"
#include "percpu.h"
#include "platform.h"
#include "sched.h"
#include "time.h"

static void nothing(void)
{
}

static void (*softirq_fn[SOFTIRQ_NR])(void) = {
	[SOFTIRQ_TIMER] = timer_softirq,
	[SOFTIRQ_BACKEND] = nothing,
	[SOFTIRQ_SCHEDULE] = schedule,
};

void softirq_backend(void (*fn)(void))
{
	softirq_fn[SOFTIRQ_BACKEND] = fn;
}

/* A bit that was set already has its interrupt on the way. */
void softirq_raise(uint32_t cpu, enum softirq which)
{
	uint32_t bit = 1u << which;
	uint32_t old = __atomic_fetch_or(&cpus[cpu].softirqs, bit,
					 __ATOMIC_SEQ_CST);

	if (!(old & bit) && cpu != this_cpu_id())
		ipi_send(1ull << cpu, IPI_KICK);
}

static uint32_t deferred; /* A: bits, as in cpu->softirqs */

void softirq_defer(enum softirq which)
{
	__atomic_fetch_or(&deferred, 1u << which, __ATOMIC_RELAXED);
}

void softirq_deferred(void)
{
	uint32_t bits;

	if (!READ_ONCE(deferred))
		return;
	bits = __atomic_exchange_n(&deferred, 0, __ATOMIC_RELAXED);
	__atomic_fetch_or(&this_cpu()->softirqs, bits, __ATOMIC_SEQ_CST);
}

/* Timers come first: they may change what schedule(), which may not return,
 * finds. */
void softirq_run(void)
{
	uint32_t *pending = &this_cpu()->softirqs;
	unsigned which;

	ASSERT(irqs_enabled());
	while (READ_ONCE(*pending) != 0) {
		which = (unsigned)__builtin_ctz(READ_ONCE(*pending));
		__atomic_fetch_and(pending, ~(1u << which), __ATOMIC_SEQ_CST);
		softirq_fn[which]();
	}
}
