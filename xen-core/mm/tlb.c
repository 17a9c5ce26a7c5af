/*
 * tlb.c: no CPU may keep a translation to a frame that changed role or owner.
 *
 * tlb_clock counts full flushes.  A CPU notes its value at each of its own; a
 * frame notes it when its last use ends.  A CPU whose note is later than the
 * frame's has flushed since, and needs no more.  The numbers run round; a CPU
 * that has not flushed for 2^30 ticks is made to.
 *
 * Guests' translations are never global, so that loading CR3 drops them all.
 */
#include "cpu.h"
#include "domain.h"
#include "io.h"
#include "mm_private.h"
#include "platform.h"

#define CLOCK_SWEEP	(1u << 30)

uint32_t tlb_clock = 1;
uint64_t tlb_flushes, tlb_ipis;

/* The clock is read before the flush and noted after it: a frame that is
 * stamped in between has the same number, and costs one flush more. */
static void load_cr3(uint64_t cr3)
{
	uint64_t flags = irq_save();
	uint32_t t = __atomic_add_fetch(&tlb_clock, 1, __ATOMIC_SEQ_CST);

	write_cr3(cr3);
	__atomic_store_n(&this_cpu()->flush_time, t, __ATOMIC_RELEASE);
	__atomic_fetch_add(&tlb_flushes, 1, __ATOMIC_RELAXED);
	irq_restore(flags);
}

void tlb_load_root(mfn_t root)
{
	load_cr3(root.n << PAGE_SHIFT);
}

void tlb_flush_local(void)
{
	load_cr3(read_cr3());
}

static void flush_here(void *unused)
{
	(void)unused;
	tlb_flush_local();
}

static void sweep(void);

void tlb_flush_cpus(uint64_t mask)
{
	uint64_t me = 1ull << this_cpu_id();

	if (mask & ~me) {
		__atomic_fetch_add(&tlb_ipis, 1, __ATOMIC_RELAXED);
		cpus_call(mask & ~me, flush_here, NULL);
	}
	if (mask & me)
		tlb_flush_local();
	sweep();
}

struct va_flush {
	uint64_t va;
};

static void flush_va_here(void *arg)
{
	invlpg(((struct va_flush *)arg)->va);
}

void tlb_flush_va(uint64_t mask, uint64_t va)
{
	uint64_t me = 1ull << this_cpu_id();
	struct va_flush f = { va };

	if (mask & ~me) {
		__atomic_fetch_add(&tlb_ipis, 1, __ATOMIC_RELAXED);
		cpus_call(mask & ~me, flush_va_here, &f);
	}
	if (mask & me)
		invlpg(va);
}

void tlb_flush_domain(struct domain *d)
{
	tlb_flush_cpus(__atomic_load_n(&d->dirty_cpus, __ATOMIC_ACQUIRE));
}

/* CPUs of the mask that have not flushed since stamp. */
static uint64_t stale_cpus(uint64_t mask, uint32_t stamp)
{
	for (uint32_t i = 0; i < nr_cpus; i++)
		if (mask >> i & 1 &&
		    (int32_t)(READ_ONCE(cpus[i].flush_time) - stamp) > 0)
			mask &= ~(1ull << i);
	return mask;
}

static uint64_t all_cpus(void)
{
	return nr_cpus == 64 ? ~0ull : (1ull << nr_cpus) - 1;
}

/* A CPU that sleeps while the others flush must not fall behind by half of the
 * numbers' range. */
static void sweep(void)
{
	static uint32_t last;
	uint32_t now = READ_ONCE(tlb_clock);

	if (now - READ_ONCE(last) < CLOCK_SWEEP)
		return;
	WRITE_ONCE(last, now);
	cpus_call(all_cpus(), flush_here, NULL);
	tlb_flush_local();
}

void tlb_flush_stale(uint32_t stamp)
{
	uint64_t mask = stale_cpus(all_cpus(), stamp);

	if (mask)
		tlb_flush_cpus(mask);
}

void tlb_flush_frame(struct page *pg, struct domain *owner)
{
	uint64_t mask = __atomic_load_n(&owner->dirty_cpus, __ATOMIC_ACQUIRE);

	mask = stale_cpus(mask, pg->stamp);
	if (mask)
		tlb_flush_cpus(mask);
}
