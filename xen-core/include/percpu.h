/*
 * percpu.h: what belongs to one CPU.
 *
 * The CPU finds its own data from the stack pointer: every stack of a CPU lies
 * in one area of STACK_AREA_SIZE bytes at a multiple of that size, and struct
 * cpu_info is at its top.  So the hypervisor needs no GS base of its own and
 * the guest's stays loaded.
 */
#ifndef PERCPU_H
#define PERCPU_H

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/xen.h>

struct vcpu;
struct cpu;

/*
 * The top of the stack area.  regs is the frame of the guest that runs here;
 * entry.S builds it, C changes it in place.  es to gs of it are not part of what
 * the CPU pushes; they are saved at a context switch only.
 */
struct cpu_info {
	struct cpu_user_regs regs;
	struct vcpu *vcpu;	/* whose context is loaded: see lazy below */
	uint32_t cpu;		/* 0 .. nr_cpus - 1 */
	uint32_t pad0;
	struct cpu *self;
	uint64_t irqs_off_since; /* TSC; 0: on, or nobody measures */
};

/* The CPU starts to push the frame at regs.es, and rounds down to 16 bytes. */
_Static_assert(sizeof(struct cpu_info) % 16 == 8, "regs.es is aligned");

#ifdef SLUICE_TEST
struct cpu_info *cpu_info(void); /* a test says who runs */
#else
static inline struct cpu_info *cpu_info(void)
{
	uint64_t sp;

	asm volatile("mov %%rsp, %0" : "=r"(sp));
	return (struct cpu_info *)((sp & ~(uint64_t)(STACK_AREA_SIZE - 1)) +
				   STACK_AREA_SIZE) - 1;
}
#endif

#define current		(cpu_info()->vcpu)
#define this_cpu_id()	(cpu_info()->cpu)
#define guest_regs()	(&cpu_info()->regs)

/* Reasons for work before the CPU goes back to a guest; bit numbers. */
enum softirq {
	SOFTIRQ_TIMER,		/* timers are due: timer_softirq() */
	SOFTIRQ_BACKEND,	/* rings of netback and blkback */
	SOFTIRQ_SCHEDULE,	/* pick who runs: schedule() */
	SOFTIRQ_NR
};

/* One for each CPU that the machine may have; platform/ counts them. */
struct cpu {
	uint32_t id;
	uint32_t apic_id;
	bool online;
	uint32_t softirqs;	/* A: bits of enum softirq */
	struct vcpu *idle;	/* the vcpu that runs when none wants to */
	struct vcpu *loaded;	/* whose FPU, segments and CR3 are in the CPU; */
				/* stays when the idle vcpu takes over */
	uint32_t flush_time;	/* A: tlb_clock of the last full flush */
	void *stack;		/* lowest address of the stack area */
	void *gdt_page;		/* the hypervisor's GDT entries */
	struct tss *tss;
	uint64_t *window;	/* its descriptor window's 32 PTEs: GDT, LDT */
	uint64_t irqs_off_max;	/* A: TSC ticks, see irqs_off_end() */
} aligned(64);

extern struct cpu cpus[MAX_CPUS];
extern uint32_t nr_cpus; /* online; numbered without holes */

static inline struct cpu *this_cpu(void)
{
	return cpu_info()->self;
}

/*
 * How long are interrupts off?  Whoever turns them off calls begin; whoever
 * turns them on again, or leaves for a guest, calls end before that.
 */
static inline uint64_t irqs_off_tsc(void)
{
	uint32_t lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

static inline void irqs_off_begin(void)
{
	cpu_info()->irqs_off_since = irqs_off_tsc();
}

static inline void irqs_off_end(void)
{
	struct cpu_info *i = cpu_info();
	uint64_t ticks;

	if (i->irqs_off_since == 0)
		return;
	ticks = irqs_off_tsc() - i->irqs_off_since;
	i->irqs_off_since = 0;
	if (ticks > i->self->irqs_off_max)
		WRITE_ONCE(i->self->irqs_off_max, ticks);
}

/* Ask for work on a CPU, and wake it if it is another one.  Any context. */
void softirq_raise(uint32_t cpu, enum softirq which);

/*
 * Work that may wait while the guests that run go on, and would make more of
 * it: done by the CPU that next turns to another vcpu, or is idle.
 */
void softirq_defer(enum softirq which);

/* This CPU does so now: what was deferred is pending here. */
void softirq_deferred(void);

/* Boot: who does the work of SOFTIRQ_BACKEND. */
void softirq_backend(void (*fn)(void));

/* Do what is pending.  Interrupts on, no lock held; may not return here: */
/* SOFTIRQ_SCHEDULE switches to another vcpu. */
void softirq_run(void);

static inline bool softirq_pending(void)
{
	return READ_ONCE(this_cpu()->softirqs) != 0;
}

#endif
