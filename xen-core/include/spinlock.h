/*
 * spinlock.h: ticket locks, and the order in which they may be taken.
 *
 * Lock order (outer first):
 *
 *	domains_lock, domain->setup_lock, domain->mm_lock, evtchn_lock (lower
 *	domid first), grant_table->lock (one at a time), vcpu->sched_lock of two CPUs by CPU number, timer
 *	queue, page lock, frame allocator, heap, log
 *
 * A lock that an interrupt handler takes is always taken with interrupts off:
 * those are run-queue, timer and log locks, and evtchn_lock (by virtual IRQs).
 */
#ifndef SPINLOCK_H
#define SPINLOCK_H

#include "check.h"
#include "types.h"

struct spinlock {
	uint16_t next;
	uint16_t owner;
};

#define SPINLOCK_INIT	{0, 0}

#ifdef SLUICE_TEST
static inline void cpu_relax(void)
{
}
static inline uint64_t irq_save(void)
{
	return 0;
}
static inline void irq_restore(uint64_t flags)
{
	(void)flags;
}
#else
#include "percpu.h"

#define RFLAGS_IRQS_ON	(1u << 9)

static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

/* Interrupts off; the return value goes to irq_restore(). */
static inline uint64_t irq_save(void)
{
	uint64_t flags;

	asm volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	if (flags & RFLAGS_IRQS_ON)
		irqs_off_begin();
	return flags;
}

static inline void irq_restore(uint64_t flags)
{
	if (!(flags & RFLAGS_IRQS_ON))
		return;
	irqs_off_end();
	asm volatile("sti" : : : "memory");
}
#endif

static inline void spin_lock(struct spinlock *l)
{
	uint16_t me = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != me)
		cpu_relax();
}

static inline bool spin_trylock(struct spinlock *l)
{
	uint16_t me = __atomic_load_n(&l->owner, __ATOMIC_RELAXED);

	return __atomic_compare_exchange_n(&l->next, &me, (uint16_t)(me + 1),
					   false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->owner, (uint16_t)(l->owner + 1),
			 __ATOMIC_RELEASE);
}

static inline bool spin_held(const struct spinlock *l)
{
	return READ_ONCE(l->next) != READ_ONCE(l->owner);
}

static inline uint64_t spin_lock_irqsave(struct spinlock *l)
{
	uint64_t flags = irq_save();

	spin_lock(l);
	return flags;
}

static inline void spin_unlock_irqrestore(struct spinlock *l, uint64_t flags)
{
	spin_unlock(l);
	irq_restore(flags);
}

#endif
