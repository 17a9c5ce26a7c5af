/* panic.h: panic() is in check.h; this is its form for an exception's frame. */
#ifndef PANIC_H
#define PANIC_H

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/xen.h>

noreturn void panic_regs(const struct cpu_user_regs *regs, const char *fmt, ...)
	printf_like(2, 3);

#endif
