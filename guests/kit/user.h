/*
 * user.h: the guest's own user mode, for tests and benchmarks.
 *
 * User code is position-independent and lies in pages of its own at USER_BASE,
 * on a root that has nothing of the kernel.  Its system calls: RAX 0 ends the
 * run with RDI as its result; any other number goes to user_syscall.
 */
#ifndef KIT_USER_H
#define KIT_USER_H

#include <stddef.h>
#include <stdint.h>

#include "kit/trap.h"

#define USER_BASE	0x400000ul	/* code, then a page of stack */

/* Make the user root; once.  0 or a negative errno. */
int user_init(void);

/*
 * Run code (size bytes, at most a page) in user mode with arg in RDI and RBX.
 * Its result (30 bits); or, where it raised an exception, USER_TRAPPED + the vector.
 */
#define USER_TRAPPED	0x10000l
long user_run(const void *code, size_t size, uint64_t arg);

/* Called for a system call other than 0; may be NULL. */
extern void (*user_syscall)(struct cpu_regs *r);

#endif
