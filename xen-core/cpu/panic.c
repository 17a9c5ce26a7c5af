/*
 * panic.c: the end of the machine, told so that it can be understood.
 */
#include "boot.h"
#include "check.h"
#include "cpu_private.h"
#include "domain.h"
#include "io.h"
#include "lib.h"
#include "log.h"
#include "panic.h"
#include "percpu.h"
#include "platform.h"

#define BACKTRACE_MAX	32
#define PANIC_STATUS	2	/* of the emulator */

static void print_address(uint64_t rip)
{
	uint64_t offset;
	const char *name = symbol_at(rip, &offset);

	if (name)
		log_error("  %lx %s+0x%lx", rip, name, offset);
	else
		log_error("  %lx", rip);
}

static bool in_section(uint64_t p)
{
	return p >= SECTION_VIRT && p < SECTION_VIRT + SECTION_SIZE &&
	       !(p & 7);
}

/* Frame pointers: the hypervisor is built with them. */
static void backtrace(uint64_t rip, uint64_t rbp)
{
	log_error("backtrace:");
	print_address(rip);
	for (int i = 0; i < BACKTRACE_MAX && in_section(rbp); i++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		if (!frame[1])
			break;
		print_address(frame[1]);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

static void print_regs(const struct cpu_user_regs *r)
{
	log_error("rip %lx cs %x rflags %lx rsp %lx ss %x", r->rip, r->cs,
		  r->rflags, r->rsp, r->ss);
	log_error("rax %lx rbx %lx rcx %lx rdx %lx", r->rax, r->rbx, r->rcx,
		  r->rdx);
	log_error("rsi %lx rdi %lx rbp %lx r8 %lx", r->rsi, r->rdi, r->rbp,
		  r->r8);
	log_error("r9 %lx r10 %lx r11 %lx r12 %lx", r->r9, r->r10, r->r11,
		  r->r12);
	log_error("r13 %lx r14 %lx r15 %lx", r->r13, r->r14, r->r15);
	log_error("cr0 %lx cr2 %lx cr3 %lx cr4 %lx", read_cr0(), read_cr2(),
		  read_cr3(), read_cr4());
}

static void panic_head(void)
{
	static bool once;

	irq_disable();
	if (__atomic_exchange_n(&once, true, __ATOMIC_ACQ_REL))
		for (;;)
			asm volatile("hlt");
	smp_stop_others();
	log_panic();
}

static void panic_where(void)
{
	const struct vcpu *v = current;

	if (v && v->d)
		log_error("CPU %u, domain %u (%s), vcpu %u", this_cpu_id(),
			  v->d->domid, v->d->name, v->id);
	else
		log_error("CPU %u, no domain", this_cpu_id());
}

static noreturn void panic_end(void)
{
	log_error("PANIC: the machine is stopped");
	if (options.panic_exit)
		machine_power(false, PANIC_STATUS);
	for (;;)
		asm volatile("cli; hlt");
}

/* Where panic() was called; the argument registers are gone by then. */
static void regs_here(struct cpu_user_regs *r)
{
	memset(r, 0, sizeof(*r));
	asm volatile("mov %%rbx, %0\n\tmov %%r12, %1\n\tmov %%r13, %2\n\t"
		     "mov %%r14, %3\n\tmov %%r15, %4\n\tmov %%rsp, %5"
		     : "=m"(r->rbx), "=m"(r->r12), "=m"(r->r13), "=m"(r->r14),
		       "=m"(r->r15), "=m"(r->rsp));
	asm volatile("pushfq\n\tpopq %0" : "=r"(r->rflags));
	r->cs = SEL_HV_CODE;
	r->ss = SEL_HV_DATA;
}

void panic(const char *fmt, ...)
{
	struct cpu_user_regs regs;
	char text[256];
	__builtin_va_list ap;

	regs_here(&regs);
	regs.rip = (uint64_t)__builtin_return_address(0);
	regs.rbp = *(uint64_t *)__builtin_frame_address(0);
	panic_head();
	__builtin_va_start(ap, fmt);
	vformat(text, sizeof(text), fmt, ap);
	__builtin_va_end(ap);
	log_error("PANIC: %s", text);
	panic_where();
	print_regs(&regs);
	backtrace(regs.rip, regs.rbp);
	panic_end();
}

void panic_regs(const struct cpu_user_regs *regs, const char *fmt, ...)
{
	char text[256];
	__builtin_va_list ap;

	panic_head();
	__builtin_va_start(ap, fmt);
	vformat(text, sizeof(text), fmt, ap);
	__builtin_va_end(ap);
	log_error("PANIC: %s", text);
	panic_where();
	print_regs(regs);
	backtrace(regs->rip, regs->rbp);
	panic_end();
}
