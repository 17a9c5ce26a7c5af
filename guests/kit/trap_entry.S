/*
 * trap_entry.S: entries for what the hypervisor bounces to the guest.
 *
 * It calls us on our stack (kernel) or on that of stack_switch (user), with
 *
 *   ss, rsp, rflags, cs | old mask << 32, rip	high addresses
 *   [error code]
 *   r11, rcx					%rsp points here
 *
 * Each stub takes rcx and r11, makes the frame of struct cpu_regs, and ends in
 * the iret hypercall, which sets the upcall mask from the saved IF.
 */
#include "kit/trap.h"

	.text

.macro stub vector, error=0
1:	pop	%rcx
	pop	%r11
	.if	!\error
	push	$0
	.endif
	push	$\vector
	jmp	trap_common
	.pushsection .rodata
	.quad	1b
	.popsection
.endm

	.section .rodata
	.align	8
	.globl	trap_entries
trap_entries:			/* of vectors 0 to 19, then 0x80 to 0x82 */
	.text
.irp n, 0, 1, 2, 3, 4, 5, 6, 7
	stub	\n
.endr
	stub	8, 1
	stub	9
.irp n, 10, 11, 12, 13, 14
	stub	\n, 1
.endr
	stub	15
	stub	16
	stub	17, 1
	stub	18
	stub	19
	stub	0x80
	stub	0x81
	stub	0x82

	.globl	trap_syscall_entry
trap_syscall_entry:
	pop	%rcx
	pop	%r11
	push	$0
	push	$TRAP_SYSCALL
	jmp	trap_common

	.globl	trap_event_entry
trap_event_entry:
	pop	%rcx
	pop	%r11
	push	$0
	push	$TRAP_EVENT
	jmp	trap_common

	/* The failsafe frame has ds, es, fs, gs above r11. */
	.globl	trap_failsafe_entry
trap_failsafe_entry:
	pop	%rcx
	pop	%r11
	add	$4 * 8, %rsp
	push	$0
	push	$TRAP_FAILSAFE

trap_common:
	cld
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi		/* 22 words below 16-aligned: aligned */
	call	trap_dispatch
	mov	%rsp, %rdi

/* _Noreturn void trap_return(struct cpu_regs *r) */
	.globl	trap_return
trap_return:
	mov	%rdi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	/*
	 * vector and error make room for part of the hypercall's frame:
	 * rax, r11, rcx, flags, then rip, cs, rflags, rsp, ss.
	 */
	movq	$0, 8(%rsp)
	mov	%rcx, (%rsp)
	push	%r11
	push	%rax
	mov	$23, %eax		/* __HYPERVISOR_iret */
	syscall
	ud2

/*
 * int trap_try_asm(void (*fn)(void *), void *arg): run fn; -1, or the vector
 * once trap_dispatch has sent us to trap_recover with it in %rax.
 */
	.globl	trap_try_asm
trap_try_asm:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%gs:8			/* an outer trap_try */
	mov	%rsp, %gs:8
	mov	%rdi, %rax
	mov	%rsi, %rdi
	call	*%rax
	mov	$-1, %eax
	.globl	trap_recover
trap_recover:
	mov	%gs:8, %rsp
	pop	%gs:8
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.section .note.GNU-stack, "", @progbits
