/*
 * asm_offsets.c: numbers for assembly.  Compiled to assembly only; the lines
 * marked "->" become build/hv/asm_offsets.h.
 */
#include "domain.h"
#include "percpu.h"

#define DEFINE(name, value) \
	asm volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))
#define REG(field) DEFINE(REGS_##field, offsetof(struct cpu_user_regs, field))

static_assert(offsetof(struct vcpu, runstate_late) ==
		      offsetof(struct vcpu, kernel_mode) + 1,
	      "entry.S looks at both at once");

void asm_offsets(void);
void asm_offsets(void)
{
	REG(r15);
	REG(rax);
	REG(rbx);
	REG(rcx);
	REG(rdx);
	REG(rdi);
	REG(rsi);
	REG(r10);
	REG(r8);
	REG(r9);
	REG(r11);
	REG(error_code);
	REG(entry_vector);
	REG(rip);
	REG(cs);
	REG(saved_upcall_mask);
	REG(rflags);
	REG(rsp);
	REG(ss);
	REG(es);

	DEFINE(CI_current, offsetof(struct cpu_info, vcpu));
	DEFINE(CI_self, offsetof(struct cpu_info, self));
	DEFINE(CI_SIZE, sizeof(struct cpu_info));
	DEFINE(CPU_softirqs, offsetof(struct cpu, softirqs));

	DEFINE(VCPU_kernel_mode, offsetof(struct vcpu, kernel_mode));
	DEFINE(VCPU_root_kernel, offsetof(struct vcpu, root_kernel));
	DEFINE(VCPU_kernel_sp, offsetof(struct vcpu, kernel_sp));
	DEFINE(VCPU_nmi_pending, offsetof(struct vcpu, nmi_pending));
	DEFINE(VCPU_info, offsetof(struct vcpu, event.info));
	DEFINE(VCPU_event, offsetof(struct vcpu, event_cb.address));
	DEFINE(VCPU_syscall, offsetof(struct vcpu, syscall_cb.address));
	DEFINE(VCPU_syscall_mask, offsetof(struct vcpu, syscall_cb.mask_events));
	DEFINE(VCPU_hypercalls, offsetof(struct vcpu, hypercalls));
}
