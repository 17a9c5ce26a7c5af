/*
 * apic.c: the local APIC of each CPU: its timer and the interrupts between CPUs.
 *
 * Register numbers are those of x2APIC mode (SDM vol. 3A, "Local APIC Register
 * Address Map"): MSR 0x800 + n there, offset 16 * n of the page otherwise.  The
 * firmware's mode is raised to x2APIC where the CPU has it.
 */
#include "platform.h"

#include "check.h"
#include "io.h"
#include "log.h"
#include "percpu.h"
#include "spinlock.h"
#include "time.h"

#define APIC_ID		0x02
#define APIC_TPR	0x08
#define APIC_EOI	0x0b
#define APIC_SVR	0x0f
#define APIC_ESR	0x28
#define APIC_ICR	0x30
#define APIC_ICR_HIGH	0x31
#define APIC_LVT_TIMER	0x32
#define APIC_LVT_THERMAL 0x33
#define APIC_LVT_PERF	0x34
#define APIC_LVT_LINT0	0x35
#define APIC_LVT_LINT1	0x36
#define APIC_LVT_ERROR	0x37
#define APIC_TIMER_INIT	0x38
#define APIC_TIMER_NOW	0x39
#define APIC_TIMER_DIV	0x3e

#define BASE_X2APIC	(1u << 10)
#define BASE_ENABLE	(1u << 11)
#define SVR_ENABLE	(1u << 8)
#define LVT_MASKED	(1u << 16)
#define LVT_NMI		(4u << 8)
#define LVT_TSC_DEADLINE (2u << 17)
#define ICR_PENDING	(1u << 12)
#define DIV_BY_1	0xb

#define CPUID1_X2APIC	(1u << 21)
#define CPUID1_DEADLINE	(1u << 24)

#define CALIBRATE_NS	10000000ull
#define CALIBRATE_TRIES	8

static volatile uint32_t *page; /* NULL in x2APIC mode */
static bool deadline_mode;
static uint64_t timer_hz;

static uint32_t apic_read(unsigned reg)
{
	if (page == NULL)
		return (uint32_t)rdmsr(0x800 + reg);
	return page[reg * 4];
}

static void apic_write(unsigned reg, uint32_t v)
{
	if (page == NULL)
		wrmsr(0x800 + reg, v);
	else
		page[reg * 4] = v;
}

uint32_t apic_id(void)
{
	uint32_t id = apic_read(APIC_ID);

	return page ? id >> 24 : id;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/*
 * The two 8259s: moved away from the exceptions, since even masked ones can
 * raise a spurious interrupt, then masked for good.
 */
static void pic_disable(void)
{
	outb(0x20, 0x11); /* ICW1: edge, cascade, ICW4 follows */
	outb(0xa0, 0x11);
	outb(0x21, VECTOR_PIC);
	outb(0xa1, VECTOR_PIC + 8);
	outb(0x21, 4); /* ICW3: the second one is at line 2 */
	outb(0xa1, 2);
	outb(0x21, 1); /* ICW4: 8086 mode */
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

/* Once, on the boot CPU. */
static void apic_choose_mode(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);
	uint32_t r[4];

	cpuid(1, 0, r);
	deadline_mode = (r[2] & CPUID1_DEADLINE) != 0;
	if ((r[2] & CPUID1_X2APIC) || (base & BASE_X2APIC))
		return;
	page = mmio_map(acpi.lapic, PAGE_SIZE);
	if (page == NULL)
		panic("no room to map the local APIC");
}

void apic_init(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE) | BASE_ENABLE;

	if (this_cpu_id() == 0) {
		pic_disable();
		apic_choose_mode();
	}
	if (page == NULL) /* by way of xAPIC mode: the step is prescribed */
		wrmsr(MSR_APIC_BASE, base);
	wrmsr(MSR_APIC_BASE, page ? base : base | BASE_X2APIC);

	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_NMI);
	apic_write(APIC_LVT_ERROR, VECTOR_APIC_ERROR);
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
	apic_write(APIC_TIMER_DIV, DIV_BY_1);
	this_cpu()->apic_id = apic_id();
}

struct timer_sample {
	ns_t	 at;
	uint32_t left;
};

/* The tightest of several: an emulated CPU may stand still in between. */
static struct timer_sample timer_sample(void)
{
	struct timer_sample best = {0};
	ns_t best_gap = ~0ull;
	unsigned i;

	for (i = 0; i < CALIBRATE_TRIES; i++) {
		ns_t before = now_ns();
		uint32_t left = apic_read(APIC_TIMER_NOW);
		ns_t gap = now_ns() - before;

		if (gap < best_gap) {
			best_gap = gap;
			best.at = before + gap / 2;
			best.left = left;
		}
	}
	return best;
}

static void timer_calibrate(void)
{
	struct timer_sample start, end;

	apic_write(APIC_TIMER_INIT, UINT32_MAX);
	start = timer_sample();
	while (now_ns() - start.at < CALIBRATE_NS)
		cpu_relax();
	end = timer_sample();
	apic_write(APIC_TIMER_INIT, 0);
	timer_hz = (uint64_t)(start.left - end.left) * 1000000000 /
		   (end.at - start.at);
	if (timer_hz == 0)
		panic("the local APIC's timer does not count");
}

static void report(void)
{
	log_debug("local APIC: %s mode, timer by %s, %lu kHz",
		  page ? "xAPIC" : "x2APIC",
		  deadline_mode ? "TSC deadline" : "one-shot count",
		  deadline_mode ? tsc_khz : timer_hz / 1000);
}

void apic_timer_init(void)
{
	if (deadline_mode) {
		apic_write(APIC_LVT_TIMER, LVT_TSC_DEADLINE | VECTOR_TIMER);
		/* The mode must be set before the deadline: SDM vol. 3A, "TSC-
		 * Deadline Mode". */
		asm volatile("mfence" : : : "memory");
	} else {
		if (timer_hz == 0)
			timer_calibrate();
		apic_write(APIC_LVT_TIMER, VECTOR_TIMER); /* one-shot */
	}
	if (this_cpu_id() == 0)
		report();
}

void apic_timer_deadline(uint64_t at_ns)
{
	uint64_t count;
	ns_t now;

	if (deadline_mode) {
		wrmsr(MSR_TSC_DEADLINE, at_ns == ~0ull ? 0 : tsc_at(at_ns));
		return;
	}
	if (at_ns == ~0ull) {
		apic_write(APIC_TIMER_INIT, 0);
		return;
	}
	/* Too early does no harm: the queue is looked at and set again. */
	now = now_ns();
	count = at_ns > now ? at_ns - now : 0;
	count = MIN(count, 1000000000ull) * timer_hz / 1000000000 + 1;
	apic_write(APIC_TIMER_INIT, (uint32_t)MIN(count, UINT32_MAX));
}

void apic_icr(uint32_t to, uint32_t command)
{
	uint64_t flags;

	if (page == NULL) {
		wrmsr(0x800 + APIC_ICR, (uint64_t)to << 32 | command);
		return;
	}
	flags = irq_save();
	while (apic_read(APIC_ICR) & ICR_PENDING)
		cpu_relax();
	apic_write(APIC_ICR_HIGH, to << 24);
	apic_write(APIC_ICR, command);
	irq_restore(flags);
}

void ipi_send(uint64_t mask, enum ipi which)
{
	static const uint32_t command[] = {
		[IPI_KICK] = VECTOR_KICK,
		[IPI_CALL] = VECTOR_CALL,
		[IPI_STOP] = LVT_NMI,
	};

	mask &= ~(1ull << this_cpu_id());
	/* Stores before this are seen by who takes the interrupt: an x2APIC's
	 * WRMSR does not order them by itself. */
	asm volatile("mfence" : : : "memory");
	for (; mask != 0; mask &= mask - 1)
		apic_icr(cpus[__builtin_ctzll(mask)].apic_id, command[which]);
}

void apic_error(void)
{
	uint32_t esr;

	apic_write(APIC_ESR, 0);
	esr = apic_read(APIC_ESR);
	log_warn("CPU %u: local APIC error 0x%x", this_cpu_id(), esr);
}
