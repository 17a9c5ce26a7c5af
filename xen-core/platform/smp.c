/*
 * smp.c: the other CPUs: how they start, do something together, and stop.
 *
 * The processors wait for INIT and a start-up interrupt that names a page below
 * 1 MiB (SDM vol. 3A, "Multiple-Processor Initialization").  The trampoline of
 * boot/trampoline.S is copied there; one CPU at a time goes through it, since
 * its parameters lie in the page.
 *
 * Lock: call_lock is held for the whole of a cpus_call(), with interrupts on, so
 * that who waits for it still serves the call of who has it.
 */
#include "platform.h"

#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "heap.h"
#include "io.h"
#include "lib.h"
#include "log.h"
#include "page.h"
#include "percpu.h"
#include "spinlock.h"
#include "time.h"
#include "trampoline.h"

#define ICR_INIT	0x4500	/* level, assert */
#define ICR_STARTUP	0x4600

#define INIT_WAIT_NS	10000000ull   /* as the specification has it */
#define STARTUP_WAIT_NS	200000ull
/* An emulated CPU may get no time from its host for seconds. */
#define CLAIM_WAIT_NS	10000000000ull
#define ONLINE_WAIT_NS	60000000000ull

static bool stopping; /* A */

static void wait_ns(ns_t ns)
{
	ns_t end = now_ns() + ns;

	while (now_ns() < end)
		cpu_relax();
}

static bool wait_claimed(const volatile struct trampoline_params *p, ns_t ns)
{
	ns_t end = now_ns() + ns;

	while (!p->claimed && now_ns() < end)
		cpu_relax();
	return p->claimed;
}

static struct trampoline_params *trampoline_install(void)
{
	char *page = mfn_virt(MFN(TRAMPOLINE_PHYS >> PAGE_SHIFT));

	memcpy(page, trampoline_start,
	       (size_t)(trampoline_end - trampoline_start));
	return (struct trampoline_params *)(page + TRAMPOLINE_PARAMS);
}

/* A stack with cpu_info at its top, as if the CPU had always been on it. */
static int cpu_prepare(struct cpu *c, uint32_t id)
{
	struct cpu_info *info;

	memset(c, 0, sizeof(*c));
	c->id = id;
	c->stack = heap_alloc_stack();
	if (c->stack == NULL)
		return -ENOMEM;
	info = (struct cpu_info *)((char *)c->stack + STACK_AREA_SIZE) - 1;
	info->cpu = id;
	info->self = c;
	return 0;
}

/* 0; -ETIMEDOUT: it did not come (it is put back to sleep). */
static int cpu_start(struct cpu *c, uint32_t apic,
		     volatile struct trampoline_params *p)
{
	uint32_t startup = ICR_STARTUP | TRAMPOLINE_PHYS >> PAGE_SHIFT;
	ns_t end;

	p->cr3_low = (uint32_t)image_phys(boot_l4);
	p->cr3 = image_phys(idle_l4);
	p->stack = (uint64_t)c->stack + STACK_AREA_SIZE -
		   sizeof(struct cpu_info);
	p->cpu = (uint64_t)c;
	p->entry = (uint64_t)cpu_main_ap;
	p->claimed = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);

	apic_icr(apic, startup);
	if (!wait_claimed(p, STARTUP_WAIT_NS))
		apic_icr(apic, startup);
	if (!wait_claimed(p, CLAIM_WAIT_NS)) {
		apic_icr(apic, ICR_INIT);
		return -ETIMEDOUT;
	}
	/* It runs our code with c: there is no way back. */
	end = now_ns() + ONLINE_WAIT_NS;
	while (!READ_ONCE(c->online)) {
		tsc_sync_serve();
		if (now_ns() > end)
			panic("CPU %u started and got stuck", c->id);
		cpu_relax();
	}
	return 0;
}

void smp_init(void)
{
	struct trampoline_params *p = trampoline_install();
	uint32_t i, max = MIN(acpi.nr_cpus, options.max_cpus);
	struct cpu *c;

	for (i = 1; i < max; i++)
		apic_icr(acpi.apic_id[i], ICR_INIT);
	if (max > 1)
		wait_ns(INIT_WAIT_NS);
	for (i = 1; i < max; i++) {
		c = &cpus[nr_cpus];
		if (cpu_prepare(c, nr_cpus) != 0) {
			log_error("no memory for more than %u CPUs", nr_cpus);
			break;
		}
		if (cpu_start(c, acpi.apic_id[i], p) != 0) {
			log_error("CPU with APIC id %u does not start",
				  acpi.apic_id[i]);
			continue;
		}
		__atomic_store_n(&nr_cpus, nr_cpus + 1, __ATOMIC_RELEASE);
	}
}

/* ---- a function on other CPUs ---- */

static struct spinlock call_lock = SPINLOCK_INIT;
static void (*call_fn)(void *); /* call_lock */
static void *call_arg;		/* call_lock */
static uint64_t call_todo;	/* A: CPUs that have not done it yet */

void cpus_call(uint64_t mask, void (*fn)(void *), void *arg)
{
	mask &= (nr_cpus == 64 ? 0 : 1ull << nr_cpus) - 1;
	mask &= ~(1ull << this_cpu_id());
	if (mask == 0)
		return;
	ASSERT(irqs_enabled());
	spin_lock(&call_lock);
	call_fn = fn;
	call_arg = arg;
	__atomic_store_n(&call_todo, mask, __ATOMIC_RELEASE);
	ipi_send(mask, IPI_CALL);
	while (__atomic_load_n(&call_todo, __ATOMIC_ACQUIRE) != 0)
		cpu_relax();
	spin_unlock(&call_lock);
}

void cpus_call_interrupt(void)
{
	uint64_t me = 1ull << this_cpu_id();

	if (!(__atomic_load_n(&call_todo, __ATOMIC_ACQUIRE) & me))
		return;
	call_fn(call_arg);
	__atomic_fetch_and(&call_todo, ~me, __ATOMIC_RELEASE);
}

/* ---- the end ---- */

void nmi_stop(void)
{
	while (READ_ONCE(stopping))
		asm volatile("cli; hlt");
}

void smp_stop_others(void)
{
	uint64_t others = (nr_cpus == 64 ? 0 : 1ull << nr_cpus) - 1;
	static uint32_t stopper;

	if (__atomic_exchange_n(&stopping, true, __ATOMIC_SEQ_CST)) {
		if (READ_ONCE(stopper) == this_cpu_id() + 1)
			return; /* done: a panic that powers off */
		/* Another CPU was first: its NMI is on the way to us. */
		for (;;)
			asm volatile("cli; hlt");
	}
	WRITE_ONCE(stopper, this_cpu_id() + 1);
	ipi_send(others, IPI_STOP);
}
