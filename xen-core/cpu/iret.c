/*
 * iret.c: the iret hypercall, number 23.
 *
 * The frame at the guest kernel's stack pointer: rax, r11, rcx, flags, rip, cs,
 * rflags, rsp, ss (xen/arch-x86/xen-x86_64.h, struct iret_context).
 */
#include "cpu.h"
#include "cpu_private.h"
#include "domain.h"
#include "entry.h"
#include "guest_access.h"

entry_path long do_iret(void)
{
	struct vcpu *v = current;
	struct cpu_user_regs *regs = guest_regs();
	struct iret_context f;

	if (copy_from_guest(&f, regs->rsp, sizeof(f))) {
		domain_crash(v->d, "iret: no frame at %lx", regs->rsp);
		return 0;
	}
	if ((f.cs & 3) == 3) {
		if (v->root_user.n == MFN_NONE.n) {
			domain_crash(v->d, "iret to user mode without a user root");
			return 0;
		}
		vcpu_toggle_mode(v);
	}
	regs->entry_vector = 0; /* leave by IRETQ: all registers count */
	regs->rip = f.rip;
	regs->cs = (uint16_t)f.cs | 3;
	regs->rflags = (f.rflags & ~(uint64_t)(RFLAGS_IOPL | RFLAGS_VM)) |
		       RFLAGS_IF;
	regs->rsp = f.rsp;
	regs->ss = (uint16_t)f.ss | 3;
	if (!(f.flags & VGCF_in_syscall)) {
		regs->r11 = f.r11;
		regs->rcx = f.rcx;
	}
	v->event.info->evtchn_upcall_mask = !(f.rflags & RFLAGS_IF);
	if (v->nmi_again) {
		v->nmi_again = false;
		v->nmi_pending = true;
	}
	v->nmi_masked = false;
	return (long)f.rax;
}
