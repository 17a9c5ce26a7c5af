/* cpu_private.h: what the files of cpu/ share among themselves. */
#ifndef CPU_PRIVATE_H
#define CPU_PRIVATE_H

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/xen.h>

struct vcpu;
struct cpu;

/* ---- entry.S ---- */
extern char exception_stubs[], interrupt_stubs[], syscall_entry[],
	syscall32_entry[], sysenter_entry[];
noreturn void cpu_resume_guest(void);
noreturn void cpu_reset_stack(void (*fn)(void));
noreturn void cpu_enter_stack_at(void *info, void (*fn)(void));
uint64_t guest_copy(void *to, const void *from, uint64_t n);
uint64_t guest_clear(void *to, uint64_t n);
int load_ds(uint16_t sel);
int load_es(uint16_t sel);
int load_fs(uint16_t sel);
int load_gs(uint16_t sel);

/* Called from entry.S, with the frame at the top of the stack. */
void do_exception(struct cpu_user_regs *regs);
void do_ist_exception(struct cpu_user_regs *regs);
void do_interrupt(struct cpu_user_regs *regs);
void do_hypercall(struct cpu_user_regs *regs);
void do_syscall32(struct cpu_user_regs *regs);
void do_sysenter(struct cpu_user_regs *regs);
void iret_failed(struct cpu_user_regs *regs);
void syscall_refused(struct cpu_user_regs *regs);
void syscall_late(struct cpu_user_regs *regs);
void syscall_stack_fault(struct cpu_user_regs *regs);
void bounce_event(struct cpu_user_regs *regs);
void bounce_nmi(struct cpu_user_regs *regs);

/* ---- bounce.c: exceptions to the guest that runs here ---- */

/* Give the guest exception vector; error is pushed where the vector has one.
 * Without a handler, or a stack to write to, the domain is stopped. */
void inject_exception(struct cpu_user_regs *regs, unsigned vector,
		      uint32_t error);
void inject_page_fault(struct cpu_user_regs *regs, uint64_t va,
		       uint32_t error);

/* INT n of the guest: its trap table's entry, privilege checked; #GP else. */
void inject_software_interrupt(struct cpu_user_regs *regs, unsigned vector);

/* Call a callback with the frame of an exception without error code. */
void bounce_to(struct cpu_user_regs *regs, uint64_t address,
	       bool mask_events);

/* ---- callbacks.c: 0, -EINVAL, -ENOMEM ---- */
int vcpu_set_trap(struct vcpu *v, const struct trap_info *t);

/* ---- mode.c ---- */

/* From guest kernel to guest user mode or back: GS bases and root. */
void vcpu_toggle_mode(struct vcpu *v);

/* ---- fault.c ---- */
void do_page_fault(struct cpu_user_regs *regs, uint64_t va);

/* Where a fault at rip in the hypervisor goes on, or 0. */
uint64_t extable_find(uint64_t rip);

/* ---- emulate.c: #GP and #UD of a guest kernel. True when done. ---- */
bool emulate_privileged(struct cpu_user_regs *regs);
bool emulate_forced_prefix(struct cpu_user_regs *regs);
void guest_cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4]);
bool guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value);
bool guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value);

/* A selector did not load at a switch: the failsafe callback, with the
 * selectors as they were. */
void segments_failed(struct cpu_user_regs *regs,
		     const struct cpu_user_regs *were);

/* ---- descriptor.c ---- */

/* Load v's GDT and LDT frames into this CPU's window. */
void window_load(struct vcpu *v);
/* A fault in the LDT part of the window: true when the page was mapped in. */
bool window_ldt_fault(struct vcpu *v, uint64_t offset);

/* ---- debugreg.c ---- */
int vcpu_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value);
void debugreg_load(struct vcpu *v);
void debugreg_save(struct vcpu *v);

/* ---- fpu.c ---- */
void fpu_init_cpu(void);
uint32_t fpu_size(void);
void fpu_reset(void *area); /* the state at power-on */
void fpu_save(void *area);
void fpu_restore(const void *area);
void fpu_sanitize(void *area); /* what a guest gave */

/* ---- features.c ---- */
extern struct cpu_features {
	bool smep, smap, umip, nx, fsgsbase, xsave, sysenter, syscall32, pge, rdrand;
	bool fpu_pointers_stay; /* over an FXRSTOR: fpu.c */
	uint64_t cr4; /* of every CPU while a guest runs */
} cpu_features;
void features_detect(void);

static inline bool canonical(uint64_t va)
{
	return (uint64_t)(((int64_t)va >> 47) + 1) <= 1;
}

/* symbols.c: the function at rip, and the offset into it. */
const char *symbol_at(uint64_t rip, uint64_t *offset);

#endif
