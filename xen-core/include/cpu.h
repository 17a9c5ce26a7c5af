/*
 * cpu.h: what other folders want of cpu/.
 */
#ifndef CPU_H
#define CPU_H

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/xen.h>

struct domain;
struct vcpu;

/* ---- setup.c: boot ---- */

struct cpu;

void traps_init(void);		/* the IDT, with the boot CPU's first GDT */
void cpu_init(struct cpu *c);	/* GDT, TSS, MSRs, CR4 of the CPU it runs on */
/* By the CPU's own source where it has one, else by the clock. */
uint64_t random_word(void);

void cpu_report(void);		/* the line that says which protections are on */

/* Leave the boot stack: run fn on c's own, with c's cpu_info at its top. */
noreturn void cpu_enter_stack(struct cpu *c,
					       void (*fn)(void));

/* ---- switch.c ---- */

/*
 * Load next where prev was; called by schedule() with interrupts off.  Saves
 * prev's registers, FPU and segments unless next is the idle vcpu (then they
 * stay in the CPU until somebody else is loaded or cpu_sync() asks).  Calls
 * sched_switch_done(prev) once prev's state is saved, and returns with the
 * stack top holding next's registers, or does not return: the idle vcpu goes
 * to its loop, others to the guest.
 */
noreturn void cpu_switch(struct vcpu *prev, struct vcpu *next);

/* Make v's state complete in struct vcpu if a CPU still has it loaded lazily;
 * v does not run.  Any CPU, interrupts on, no lock held. */
void cpu_sync(struct vcpu *v);

/* ---- context.c ---- */

/* Creation and end of the parts of a vcpu that cpu/ owns (FPU area, window). 0 or -ENOMEM */
int vcpu_context_init(struct vcpu *v);
void vcpu_context_destroy(struct vcpu *v); /* drops GDT, LDT, roots' uses too; */
					   /* under no lock, v off its CPU */

/*
 * Check a struct vcpu_guest_context and make it v's; ctxt is a private copy.
 * 0, -EINVAL, -EBUSY already initialised.
 */
int vcpu_set_context(struct vcpu *v, struct vcpu_guest_context *ctxt);

/* ---- hypercalls ---- */

long do_set_trap_table(uint64_t traps);
long do_set_callbacks(uint64_t event, uint64_t failsafe, uint64_t syscall);
long do_callback_op(unsigned cmd, uint64_t arg);
long do_stack_switch(uint64_t ss, uint64_t sp);
long do_fpu_taskswitch(unsigned set);
long do_set_debugreg(unsigned reg, uint64_t value);
long do_get_debugreg(unsigned reg);
long do_set_segment_base(unsigned which, uint64_t base);
long do_iret(void);
long do_nmi_op(unsigned cmd, uint64_t arg);

/* Print the guest's registers and stack: why a domain was stopped. */
void vcpu_dump(struct vcpu *v);

#endif
