/*
 * moves.c: more vcpus than CPUs, on one root, each with a mapping that it alone
 * changes and uses, and so flushes where it runs alone.  Wherever it is moved
 * to, it finds what it mapped last.
 */
#include <stdint.h>

#include "hostile/hostile.h"
#include "kit/check.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "kit/vcpu.h"

#include <xen/sched.h>

#define VCPUS		3
#define LOOKS		20	/* at a mapping before it changes */
#define LASTS_NS	(4 * SECONDS)

static void *window[VCPUS];
static uint64_t *page[2];	/* holds its own number */
static uint64_t until;
static unsigned int wrong, running;

static void look(uint64_t n)
{
	volatile uint64_t *at = window[this_vcpu()->id];

	for (unsigned int i = 0; i < LOOKS; i++) {
		if (*at != n)
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	}
}

static void map_and_look(void *unused)
{
	void *at = window[this_vcpu()->id];

	for (uint64_t n = 0; time_now() < until; n ^= 1) {
		pte_set(at, va_to_mfn(page[n]) << PAGE_SHIFT | PTE_LEAF_RO);
		look(n);
	}
	__atomic_fetch_sub(&running, 1, __ATOMIC_RELEASE);
}

void attack_moves(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		page[i] = pages_alloc_zeroed(1);
		*page[i] = i;
	}
	for (unsigned int i = 0; i < VCPUS; i++)
		window[i] = window_alloc(1);
	running = VCPUS;
	until = time_now() + LASTS_NS;
	for (unsigned int i = 1; i < VCPUS; i++)
		if (!check("another vcpu", vcpu_start(i, map_and_look, NULL),
			   0))
			return;
	map_and_look(NULL);
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE))
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	check("looks that saw what was mapped before", wrong, 0);
}
