/*
 * trap.h: exceptions, upcalls and system calls as the hypervisor bounces them.
 */
#ifndef KIT_TRAP_H
#define KIT_TRAP_H

#define TRAP_SYSCALL	256	/* `syscall` in the guest's user mode */
#define TRAP_FAILSAFE	257	/* a segment or iret that the CPU refused */
#define TRAP_EVENT	258	/* an event upcall */
#define TRAP_COUNT	259

#define TRAP_DIVIDE	0
#define TRAP_DEBUG	1
#define TRAP_INT3	3
#define TRAP_INVALID_OP	6
#define TRAP_NO_DEVICE	7
#define TRAP_STACK	12
#define TRAP_GP		13
#define TRAP_PAGE_FAULT	14

#define FLAGS_ALWAYS	(1ul << 1)
#define FLAGS_TF	(1ul << 8)
#define FLAGS_IF	(1ul << 9)

#ifndef __ASSEMBLY__

#include <stdint.h>

/* What trap_entry.S leaves on the stack; the top five are the bounce frame's. */
struct cpu_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Set the trap table and the callbacks; the callbacks are for this vcpu. */
void trap_init(void);

/*
 * Handle vector from now on.  Changes to *r take effect at the return.  A
 * vector without a handler ends the guest with its registers on the console.
 */
void trap_handle(unsigned int vector, void (*fn)(struct cpu_regs *r));

/*
 * Run fn(arg).  Returns -1 when it came to its end, else the vector of the
 * first exception in it, with *caught (may be NULL) telling the rest.  For
 * tests: whatever fn held at that time is lost.
 */
struct trap_caught {
	uint64_t error;
	uint64_t rip;
	uint64_t cr2;		/* of a page fault */
};
int trap_try(void (*fn)(void *arg), void *arg, struct trap_caught *caught);

/*
 * In a handler: come back from the trap_try() under way with that result
 * instead of to where the trap came from.
 */
void trap_leave(struct cpu_regs *r, int result);

/* The iret hypercall with the frame at regs->rip, all registers as in *r. */
_Noreturn void trap_return(struct cpu_regs *r);

/* Fill a trap table for VCPUOP_initialise: all 256 vectors. */
struct trap_info;
void trap_table_indexed(struct trap_info *table);

/* The addresses that the hypervisor calls. */
extern const char trap_event_entry[], trap_failsafe_entry[],
	trap_syscall_entry[];

#endif
#endif
