/*
 * fault.c: page faults.
 *
 * From the hypervisor: of a copy to or from a guest, which has an entry in the
 * exception table; any other is our bug.  From a guest: a store to a live page
 * table, a selector of the LDT that is not mapped yet, or the guest's own.
 */
#include "cpu.h"
#include "cpu_private.h"
#include "domain.h"
#include "entry.h"
#include "guest_access.h"
#include "io.h"
#include "mm_private.h"
#include "panic.h"

#define PF_PRESENT	1
#define PF_WRITE	2
#define PF_USER		4

#define OPCODE_REX_W	0x48
#define OPCODE_IRET	0xcf

/*
 * QEMU before 8.2 reads the frame of an IRETQ in ring 3 as the supervisor, and
 * SMAP makes that a fault that no CPU has: present, read, not user, from ring
 * 3.  Do what the instruction would have done (SDM vol. 2A, IRET, same level).
 */
static bool emulate_user_iret(struct cpu_user_regs *regs, uint32_t error)
{
	uint64_t f[5];
	uint8_t code[2];

	if (error != PF_PRESENT || !cpu_features.smap ||
	    copy_from_guest(code, regs->rip, 2) || code[0] != OPCODE_REX_W ||
	    code[1] != OPCODE_IRET || copy_from_guest(f, regs->rsp, sizeof(f)))
		return false;
	regs->rip = f[0];
	regs->cs = (uint16_t)f[1] | 3;
	regs->rflags = (f[2] & ~(uint64_t)(RFLAGS_IOPL | RFLAGS_VM)) |
		       RFLAGS_IF | 2;
	regs->rsp = f[3];
	regs->ss = (uint16_t)f[4] | 3;
	regs->entry_vector = 0;
	return true;
}

static bool in_ldt_window(uint64_t va, uint64_t *offset)
{
	uint64_t ldt = CPU_WINDOW_VIRT +
		       this_cpu_id() * (uint64_t)CPU_WINDOW_SIZE +
		       CPU_WINDOW_LDT;

	*offset = va - ldt;
	return *offset < CPU_WINDOW_SIZE - CPU_WINDOW_LDT;
}

static void fault_in_hv(struct cpu_user_regs *regs, uint64_t va)
{
	uint64_t to = extable_find(regs->rip);

	if (!to)
		panic_regs(regs, "page fault (%x) at %lx", regs->error_code,
			   va);
	/* Also of a selector that is loaded for the guest, from an LDT page
	 * that is not there: it fails, for interrupts may be off. */
	regs->rip = to;
}

void do_page_fault(struct cpu_user_regs *regs, uint64_t va)
{
	uint32_t error = regs->error_code;
	struct vcpu *v = current;
	uint64_t offset;

	if (!(regs->cs & 3)) {
		fault_in_hv(regs, va);
		return;
	}
	if (v->kernel_mode && (error & (PF_PRESENT | PF_WRITE)) ==
				      (PF_PRESENT | PF_WRITE) &&
	    ptwr_emulate(regs, va))
		return;
	if (in_ldt_window(va, &offset)) {
		if (window_ldt_fault(v, offset))
			return;
		inject_page_fault(regs, v->ldt_base + offset, error);
		return;
	}
	if (emulate_user_iret(regs, error))
		return;
	inject_page_fault(regs, va, error);
}
