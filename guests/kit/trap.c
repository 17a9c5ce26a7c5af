/*
 * trap.c: the trap table, and who handles what.
 */
#include "kit/trap.h"

#include <stdint.h>
#include <string.h>

#include <xen/callback.h>

#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/vcpu.h"

#define SOFT_FIRST	0x80	/* vectors that user mode may raise by `int` */
#define SOFT_LAST	0x82
#define EXCEPTIONS	20
#define DPL_USER	3
#define MASK_EVENTS	4	/* flag of a trap_info */

extern const uint64_t trap_entries[EXCEPTIONS + SOFT_LAST - SOFT_FIRST + 1];
extern const char trap_recover[];
int trap_try_asm(void (*fn)(void *), void *arg);
void trap_dispatch(struct cpu_regs *r);

static void (*handlers[TRAP_COUNT])(struct cpu_regs *r);
static struct trap_caught last_caught[VCPUS_MAX];

/* 0 for a vector that has no entry here. */
static uint64_t trap_entry(unsigned int vector)
{
	if (vector < EXCEPTIONS)
		return trap_entries[vector];
	if (vector >= SOFT_FIRST && vector <= SOFT_LAST)
		return trap_entries[EXCEPTIONS + vector - SOFT_FIRST];
	return 0;
}

static struct trap_info trap_info_of(unsigned int vector)
{
	bool user = vector == TRAP_INT3 || vector == 4 || vector >= SOFT_FIRST;

	return (struct trap_info){
		.vector = vector,
		.flags = MASK_EVENTS | (user ? DPL_USER : 0),
		.cs = FLAT_KERNEL_CS,
		.address = trap_entry(vector),
	};
}

void trap_table_indexed(struct trap_info *table)
{
	for (unsigned int vector = 0; vector < 256; vector++)
		table[vector] = trap_info_of(vector);
}

static void callback_set(unsigned int type, const char *entry)
{
	struct callback_register cb = {
		.type = type,
		.flags = CALLBACKF_mask_events,
		.address = (unsigned long)entry,
	};

	if (hypercall2(__HYPERVISOR_callback_op, CALLBACKOP_register, &cb))
		panic("callback %u refused", type);
}

void trap_init(void)
{
	struct trap_info table[EXCEPTIONS + 4] = { 0 };
	unsigned int n = 0;

	for (unsigned int vector = 0; vector < 256; vector++)
		if (trap_entry(vector))
			table[n++] = trap_info_of(vector);
	if (hypercall1(__HYPERVISOR_set_trap_table, table))
		panic("trap table refused");
	callback_set(CALLBACKTYPE_event, trap_event_entry);
	callback_set(CALLBACKTYPE_failsafe, trap_failsafe_entry);
	callback_set(CALLBACKTYPE_syscall, trap_syscall_entry);
}

void trap_handle(unsigned int vector, void (*fn)(struct cpu_regs *r))
{
	handlers[vector] = fn;
}

int trap_try(void (*fn)(void *arg), void *arg, struct trap_caught *caught)
{
	int vector = trap_try_asm(fn, arg);

	if (caught)
		*caught = last_caught[this_vcpu()->id];
	return vector;
}

static void trap_die(const struct cpu_regs *r)
{
	panic("trap %lu error %lx at %lx:%lx rsp %lx rflags %lx cr2 %lx\n"
	      "rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx\n"
	      "r8 %lx r9 %lx r10 %lx r11 %lx r12 %lx r13 %lx r14 %lx r15 %lx",
	      r->vector, r->error, r->cs & 0xffff, r->rip, r->rsp, r->rflags,
	      this_vcpu()->info->arch.cr2, r->rax, r->rbx, r->rcx, r->rdx,
	      r->rsi, r->rdi, r->rbp, r->r8, r->r9, r->r10, r->r11, r->r12,
	      r->r13, r->r14, r->r15);
}

void trap_leave(struct cpu_regs *r, int result)
{
	r->rax = (uint32_t)result;
	r->rip = (uint64_t)trap_recover;
	r->cs = FLAT_KERNEL_CS & ~3;	/* RPL 0: to kernel mode */
	r->ss = FLAT_KERNEL_SS;
	r->rsp = this_vcpu()->recover_sp;
	r->rflags = FLAGS_ALWAYS;	/* upcalls masked, no single steps */
}

void trap_dispatch(struct cpu_regs *r)
{
	struct vcpu *v = this_vcpu();

	if (handlers[r->vector]) {
		handlers[r->vector](r);
		return;
	}
	if (!v->recover_sp || r->vector == TRAP_SYSCALL)
		trap_die(r);
	last_caught[v->id] = (struct trap_caught){
		.error = r->error,
		.rip = r->rip,
		.cr2 = v->info->arch.cr2,
	};
	trap_leave(r, r->vector);
}
