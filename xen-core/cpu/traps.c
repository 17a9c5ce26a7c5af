/*
 * traps.c: what each exception means, by where it came from.
 *
 * From a guest: its own affair, bounced to it, after the few that we handle
 * (page faults, privileged instructions).  From the hypervisor: a fault at an
 * instruction that has an entry in the exception table goes on there; anything
 * else is our bug and stops the machine.
 */
#include "check.h"
#include "cpu.h"
#include "cpu_private.h"
#include "domain.h"
#include "entry.h"
#include "guest_access.h"
#include "io.h"
#include "log.h"
#include "panic.h"
#include "platform.h"

#define TRAP_DB		1
#define TRAP_NMI	2
#define TRAP_BP		3
#define TRAP_OF		4
#define TRAP_UD		6
#define TRAP_NM		7
#define TRAP_DF		8
#define TRAP_TS		10
#define TRAP_NP		11
#define TRAP_SS		12
#define TRAP_GP		13
#define TRAP_PF		14
#define TRAP_MC		18

static const char *const trap_names[] = {
	"divide error", "debug", "NMI", "breakpoint", "overflow", "bound range",
	"invalid opcode", "no FPU", "double fault", "coprocessor overrun",
	"invalid TSS", "segment not present", "stack fault",
	"general protection", "page fault", "reserved", "x87 error",
	"alignment check", "machine check", "SIMD error",
};

struct extable_entry {
	uint64_t from, to;
};
extern const struct extable_entry extable_start[], extable_end[];

uint64_t extable_find(uint64_t rip)
{
	for (const struct extable_entry *e = extable_start; e < extable_end; e++)
		if (e->from == rip)
			return e->to;
	return 0;
}

static noreturn void trap_panic(struct cpu_user_regs *regs)
{
	unsigned vector = regs->entry_vector;

	panic_regs(regs, "%s (vector %u, error code %x, cr2 %lx)",
		   vector < ARRAY_SIZE(trap_names) ? trap_names[vector] :
						     "exception",
		   vector, regs->error_code, read_cr2());
}

static void trap_in_hv(struct cpu_user_regs *regs)
{
	uint64_t to;

	if (regs->entry_vector == TRAP_DB) { /* MOV SS before SYSCALL */
		asm volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
		regs->rflags &= ~(uint64_t)RFLAGS_TF;
		return;
	}
	to = extable_find(regs->rip);
	if (!to)
		trap_panic(regs);
	regs->rip = to;
}

static void trap_debug(struct cpu_user_regs *regs)
{
	uint64_t dr6;

	asm volatile("mov %%dr6, %0" : "=r"(dr6));
	asm volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
	current->dr[6] |= dr6 & 0xe00f;
	inject_exception(regs, TRAP_DB, 0);
}

#define INSN_INT	0xcd

/*
 * INT n through a gate that is not for ring 3: bit 1 of the error code.  The
 * number comes from the instruction: QEMU 7.2 shifts it too far in the code.
 */
static bool software_interrupt(struct cpu_user_regs *regs)
{
	uint8_t insn[2];

	if ((regs->error_code & 3) != 2 ||
	    copy_from_guest(insn, regs->rip, sizeof(insn)) ||
	    insn[0] != INSN_INT)
		return false;
	inject_software_interrupt(regs, insn[1]);
	return true;
}

static void trap_gp(struct cpu_user_regs *regs)
{
	if (software_interrupt(regs))
		return;
	if (!emulate_privileged(regs))
		inject_exception(regs, TRAP_GP, regs->error_code);
}

void do_exception(struct cpu_user_regs *regs)
{
	unsigned vector = regs->entry_vector;

	if (vector == TRAP_PF) {
		uint64_t va = read_cr2();

		if (regs->cs & 3)
			irq_enable();
		do_page_fault(regs, va);
		return;
	}
	if (!(regs->cs & 3)) {
		trap_in_hv(regs);
		return;
	}
	irq_enable();
	switch (vector) {
	case TRAP_DB:
		trap_debug(regs);
		break;
	case TRAP_GP:
		trap_gp(regs);
		break;
	case TRAP_UD:
		if (!emulate_forced_prefix(regs))
			inject_exception(regs, TRAP_UD, 0);
		break;
	case TRAP_NM: /* only while the guest's TS is set; the ABI clears it */
		current->ts = false;
		asm volatile("clts");
		inject_exception(regs, TRAP_NM, 0);
		break;
	default:
		if (vector < ARRAY_SIZE(trap_names))
			inject_exception(regs, vector, regs->error_code);
		else
			domain_crash(current->d, "exception %u", vector);
		break;
	}
}

void do_ist_exception(struct cpu_user_regs *regs)
{
	if (regs->entry_vector == TRAP_NMI) {
		nmi_stop();	/* returns unless this CPU is to stop */
		return;
	}
	trap_panic(regs);
}

void do_interrupt(struct cpu_user_regs *regs)
{
	irqs_off_begin();
	irq_dispatch(regs->entry_vector);
	irqs_off_end();
}
