/*
 * bounce.c: makes a guest's exception, event or callback happen.
 *
 * The frame that the handler finds on the guest kernel's stack (64-bit guests),
 * from high to low; the stack pointer is aligned to 16 before the pushes:
 *
 *	ss, rsp, rflags (IF = events were not masked), cs | old mask << 32,
 *	rip, [error code], r11, rcx
 *
 * From guest user mode the stack is the one of the last stack_switch, and the
 * mode is switched first.  The way of SYSCALL is in entry.S.
 */
#include "cpu.h"
#include "cpu_private.h"
#include "domain.h"
#include "entry.h"
#include "guest_access.h"
#include "io.h"
#include "log.h"

#define TRAP_FLAGS_DPL	3
#define TRAP_FLAGS_MASK	4	/* xen/arch-x86/xen.h, TI_SET_IF */
#define TRAP_NMI	2
#define TRAP_UD		6
#define TRAP_GP		13
#define TRAP_PF		14

#define PF_USER		4

struct frame {
	const char *what;	/* for the line when it cannot be written */
	uint64_t address;
	bool mask_events;
	bool has_error;
	uint32_t error;
	const uint16_t *selectors; /* failsafe: ds es fs gs between r11 and rip */
};

static void bounce(struct cpu_user_regs *regs, const struct frame *f)
{
	struct vcpu *v = current;
	struct vcpu_info *info = v->event.info;
	uint8_t mask = READ_ONCE(info->evtchn_upcall_mask) & 1;
	uint64_t words[13], sp;
	unsigned n = 0;
	bool from_kernel = v->kernel_mode;

	if (!f->address) {
		domain_crash(v->d, "%s and no handler for it, at rip %lx",
			     f->what, regs->rip);
		return;
	}
	if (!from_kernel)
		vcpu_toggle_mode(v);
	sp = (from_kernel ? regs->rsp : v->kernel_sp) & ~15ull;

	words[n++] = regs->rcx;
	words[n++] = regs->r11;
	for (unsigned i = 0; f->selectors && i < 4; i++)
		words[n++] = f->selectors[i];
	if (f->has_error)
		words[n++] = f->error;
	words[n++] = regs->rip;
	words[n++] = (uint16_t)(from_kernel ? regs->cs & ~3 : regs->cs) |
		     (uint64_t)mask << 32;
	words[n++] = (regs->rflags & ~(uint64_t)(RFLAGS_IF | RFLAGS_IOPL)) |
		     (mask ? 0 : RFLAGS_IF) |
		     (v->d->vm_assist >> VMASST_TYPE_architectural_iopl & 1 ?
			      (uint64_t)v->iopl << 12 : 0);
	words[n++] = regs->rsp;
	words[n++] = regs->ss;

	sp -= n * sizeof(words[0]);
	if (copy_to_guest(sp, words, n * sizeof(words[0]))) {
		domain_crash(v->d, "%s at rip %lx: the kernel's stack at %lx "
			     "cannot be written", f->what, regs->rip, sp);
		return;
	}
	if (f->mask_events)
		WRITE_ONCE(info->evtchn_upcall_mask, 1);
	regs->entry_vector = 0; /* all registers count: leave by IRETQ */
	regs->rip = f->address;
	regs->cs = SEL_GUEST_CODE64;
	regs->ss = SEL_GUEST_DATA;
	regs->rsp = sp;
	regs->rflags &= ~(uint64_t)RFLAGS_CLEAR_ON_BOUNCE;
}

static void bounce_trap(struct cpu_user_regs *regs, unsigned vector,
			const char *what, bool has_error, uint32_t error)
{
	struct vcpu *v = current;
	struct frame f = { .what = what, .has_error = has_error,
			   .error = error };

	if (vector < v->nr_traps) {
		f.address = v->traps[vector].address;
		f.mask_events = v->traps[vector].flags & TRAP_FLAGS_MASK;
	}
	bounce(regs, &f);
}

void inject_exception(struct cpu_user_regs *regs, unsigned vector,
		      uint32_t error)
{
	char what[24];

	format(what, sizeof(what), "exception %u", vector);
	bounce_trap(regs, vector, what,
		    vector < 32 && ((uint32_t)HAS_ERROR_CODE >> vector & 1), error);
}

void inject_page_fault(struct cpu_user_regs *regs, uint64_t va, uint32_t error)
{
	struct vcpu *v = current;
	char what[64];

	/* The CPU takes the guest's kernel for a user: the ABI does not. */
	error = v->kernel_mode ? error & ~(uint32_t)PF_USER : error | PF_USER;
	WRITE_ONCE(v->event.info->arch.cr2, va);
	v->page_faults++;
	format(what, sizeof(what), "page fault (%x) at %lx", error, va);
	bounce_trap(regs, TRAP_PF, what, true, error);
}

void inject_software_interrupt(struct cpu_user_regs *regs, unsigned vector)
{
	struct vcpu *v = current;
	const struct guest_trap *t =
		vector < v->nr_traps ? &v->traps[vector] : NULL;

	/* The kernel counts as ring 1; INT is two bytes long. */
	if (!t || !t->address ||
	    (t->flags & TRAP_FLAGS_DPL) < (v->kernel_mode ? 1 : 3)) {
		inject_exception(regs, TRAP_GP, vector << 3 | 2);
		return;
	}
	regs->rip += 2;
	bounce_trap(regs, vector, "software interrupt", false, 0);
}

void bounce_to(struct cpu_user_regs *regs, uint64_t address, bool mask_events)
{
	bounce(regs, &(struct frame){ .what = "a callback", .address = address,
				      .mask_events = mask_events });
}

/* An event is due, not masked, and there is a callback. */
void bounce_event(struct cpu_user_regs *regs)
{
	struct vcpu *v = current;

	v->upcalls++;
	bounce_to(regs, v->event_cb.address, true);
}

void bounce_nmi(struct cpu_user_regs *regs)
{
	struct vcpu *v = current;

	v->nmi_pending = false;
	if (!v->nmi_cb.address)
		return;
	if (v->nmi_masked) { /* until the iret hypercall */
		v->nmi_again = true;
		return;
	}
	v->nmi_masked = true;
	bounce_to(regs, v->nmi_cb.address, false);
}

/* IRETQ to what the guest asked for faulted: its failsafe callback. */
void iret_failed(struct cpu_user_regs *regs)
{
	struct vcpu *v = current;
	uint16_t selectors[4];

	irq_enable();
	asm("mov %%ds, %0" : "=r"(selectors[0]));
	asm("mov %%es, %0" : "=r"(selectors[1]));
	asm("mov %%fs, %0" : "=r"(selectors[2]));
	asm("mov %%gs, %0" : "=r"(selectors[3]));
	bounce(regs, &(struct frame){ .what = "a return that faults",
				      .address = v->failsafe_cb.address,
				      .mask_events = v->failsafe_cb.mask_events,
				      .selectors = selectors });
}

void segments_failed(struct cpu_user_regs *regs,
		     const struct cpu_user_regs *were)
{
	const uint16_t selectors[4] = { were->ds, were->es, were->fs,
					were->gs };
	struct vcpu *v = current;

	bounce(regs, &(struct frame){ .what = "a selector that does not load",
				      .address = v->failsafe_cb.address,
				      .mask_events = v->failsafe_cb.mask_events,
				      .selectors = selectors });
}

/* SYSCALL in user mode: no handler is #UD at the instruction. */
void syscall_refused(struct cpu_user_regs *regs)
{
	struct vcpu *v = current;

	irq_enable();
	if (v->syscall_cb.address) {
		domain_crash(v->d, "system call: no kernel stack at %lx",
			     v->kernel_sp);
		return;
	}
	regs->entry_vector = 0;
	regs->rip -= 2;
	inject_exception(regs, TRAP_UD, 0);
}

/* SYSCALL in user mode where runstate_late is set: what entry.S does for all
 * others, with a change of the mode that sees to it. */
void syscall_late(struct cpu_user_regs *regs)
{
	struct vcpu *v = current;

	if (!v->syscall_cb.address) {
		syscall_refused(regs);
		return;
	}
	irq_enable();
	bounce(regs, &(struct frame){ .what = "a system call",
				      .address = v->syscall_cb.address,
				      .mask_events = v->syscall_cb.mask_events });
	regs->rflags &= ~(uint64_t)RFLAGS_CLEAR_ON_SYSCALL;
}

void syscall_stack_fault(struct cpu_user_regs *regs)
{
	irq_enable();
	domain_crash(current->d, "system call: the kernel's stack at %lx cannot "
		     "be written", current->kernel_sp);
}
