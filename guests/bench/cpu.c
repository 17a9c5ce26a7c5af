/*
 * cpu.c: one domain's own operations.
 */
#include <stdint.h>

#include <xen/sched.h>

#include "bench/bench.h"
#include "kit/control.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "kit/user.h"

#define CALLS		200000
#define UPDATES		32768
#define BATCH		32

extern const char user_calls[], user_calls_end[];

static char *area;		/* BATCH pages of address space, one L1 */
static uint64_t pte;

static void null_hypercall(void)
{
	uint64_t begun = time_now();

	for (unsigned int i = 0; i < CALLS; i++)
		hypercall2(__HYPERVISOR_xen_version, 0, 0);
	figure("null_hypercall", begun, CALLS);
}

static void count_nothing(struct cpu_regs *r)
{
}

static void system_calls(void)
{
	uint64_t begun;

	if (user_init()) {
		printf("bench: no user mode\n");
		return;
	}
	user_syscall = count_nothing;
	begun = time_now();
	user_run(user_calls, user_calls_end - user_calls, CALLS);
	figure("user_syscall_round_trip", begun, CALLS);
}

static void pt_single(void)
{
	uint64_t begun = time_now();

	for (unsigned int i = 0; i < UPDATES; i++)
		hypercall3(__HYPERVISOR_update_va_mapping, area,
			   i & 1 ? 0 : pte, 0);
	figure("pt_update_single", begun, UPDATES);
}

static void pt_batched(void)
{
	uint64_t begun = time_now(), at = pte_maddr(area, 1);
	struct mmu_update u[BATCH];

	for (unsigned int i = 0; i < UPDATES / BATCH; i++) {
		for (unsigned int n = 0; n < BATCH; n++)
			u[n] = (struct mmu_update){ at + n * 8,
						    i & 1 ? 0 : pte };
		hypercall4(__HYPERVISOR_mmu_update, u, BATCH, NULL,
			   DOMID_SELF);
	}
	figure("pt_update_batched_32", begun, UPDATES);
}

static void pt_multicall(void)
{
	struct multicall_entry m[BATCH];
	uint64_t begun = time_now();

	for (unsigned int i = 0; i < UPDATES / BATCH; i++) {
		for (unsigned int n = 0; n < BATCH; n++) {
			m[n].op = __HYPERVISOR_update_va_mapping;
			m[n].args[0] = (uint64_t)area + n * PAGE_SIZE;
			m[n].args[1] = i & 1 ? 0 : pte;
			m[n].args[2] = 0;
		}
		hypercall2(__HYPERVISOR_multicall, m, BATCH);
	}
	figure("pt_update_multicall_32", begun, UPDATES);
}

static void pt_trapped(void)
{
	volatile uint64_t *entry = pte_at(area, 1);
	uint64_t begun = time_now();

	for (unsigned int i = 0; i < UPDATES; i++)
		entry[i % BATCH] = i & BATCH ? 0 : pte;
	figure("pt_update_trapped", begun, UPDATES);
}

int bench_cpu(void)
{
	void *page = pages_alloc_zeroed(1);

	area = window_alloc(BATCH);
	pte = va_to_mfn(page) << PAGE_SHIFT | PTE_LEAF_RW;
	null_hypercall();
	system_calls();
	pt_single();
	pt_batched();
	pt_multicall();
	pt_trapped();
	return SHUTDOWN_poweroff;
}
