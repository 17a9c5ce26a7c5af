/*
 * hypercall.h: how a guest calls the hypervisor.
 *
 * 64-bit: number in RAX, arguments in RDI RSI RDX R10 R8 R9, result in RAX; RCX
 * and R11 are lost.  Results below 0 are negative errno numbers.
 */
#ifndef KIT_HYPERCALL_H
#define KIT_HYPERCALL_H

#include <stdint.h>

#include <xen/xen.h>

static inline long hypercall6(unsigned long nr, unsigned long a1,
			      unsigned long a2, unsigned long a3,
			      unsigned long a4, unsigned long a5,
			      unsigned long a6)
{
	register unsigned long r10 asm("r10") = a4;
	register unsigned long r8 asm("r8") = a5;
	register unsigned long r9 asm("r9") = a6;
	long ret;

	asm volatile("syscall"
		     : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10),
		       "+r"(r8), "+r"(r9)
		     : "0"(nr)
		     : "rcx", "r11", "memory");
	return ret;
}

#define ARG(x) ((unsigned long)(x))
#define hypercall0(nr) hypercall6(nr, 0, 0, 0, 0, 0, 0)
#define hypercall1(nr, a) hypercall6(nr, ARG(a), 0, 0, 0, 0, 0)
#define hypercall2(nr, a, b) hypercall6(nr, ARG(a), ARG(b), 0, 0, 0, 0)
#define hypercall3(nr, a, b, c) \
	hypercall6(nr, ARG(a), ARG(b), ARG(c), 0, 0, 0)
#define hypercall4(nr, a, b, c, d) \
	hypercall6(nr, ARG(a), ARG(b), ARG(c), ARG(d), 0, 0)

#endif
