/* dump.c: a stopped vcpu's registers and the top of its stack. */
#include "cpu.h"
#include "cpu_private.h"
#include "domain.h"
#include "guest_access.h"
#include "log.h"

#define STACK_WORDS	16

static void dump_stack(uint64_t sp)
{
	uint64_t words[4];

	for (unsigned i = 0; i < STACK_WORDS; i += ARRAY_SIZE(words)) {
		if (copy_from_guest(words, sp + 8 * i, sizeof(words)))
			return;
		log_info("  stack %lx: %lx %lx %lx %lx", sp + 8 * i, words[0],
			 words[1], words[2], words[3]);
	}
}

void vcpu_dump(struct vcpu *v)
{
	const struct cpu_user_regs *r = v == current ? guest_regs() : &v->regs;

	log_info("  vcpu %u, guest %s mode, root %lx", v->id,
		 v->kernel_mode ? "kernel" : "user", v->root_kernel.n);
	log_info("  rip %lx cs %x rflags %lx rsp %lx ss %x", r->rip, r->cs,
		 r->rflags, r->rsp, r->ss);
	log_info("  rax %lx rbx %lx rcx %lx rdx %lx", r->rax, r->rbx, r->rcx,
		 r->rdx);
	log_info("  rsi %lx rdi %lx rbp %lx r8 %lx", r->rsi, r->rdi, r->rbp,
		 r->r8);
	log_info("  r9 %lx r10 %lx r11 %lx r12 %lx", r->r9, r->r10, r->r11,
		 r->r12);
	log_info("  r13 %lx r14 %lx r15 %lx", r->r13, r->r14, r->r15);
	if (v == current) /* only its own address space is loaded */
		dump_stack(r->rsp);
}
