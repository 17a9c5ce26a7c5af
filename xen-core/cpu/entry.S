/*
 * entry.S: the ways into the hypervisor and back to a guest.
 *
 * Every entry leaves the same frame, Xen's struct cpu_user_regs, so that C and
 * the control hypercall see one layout.  From a guest it is the frame at the
 * top of the CPU's stack (percpu.h):
 *
 *	0xa8 es ds fs gs	not pushed; filled at a context switch
 *	0xa0 ss, 0x98 rsp, 0x90 rflags,
 *	0x88 cs, 0x80 rip	by the CPU
 *	0x7c entry vector	by the stub
 *	0x78 error code		by the CPU, or 0 by the stub
 *	0x70 rdi ... 0x00 r15	by SAVE_REGS; %rsp ends here, 8 mod 16
 *
 * GS and FS stay the guest's in here: the hypervisor finds its own data from
 * the stack pointer.  #DB, NMI, #DF and #MC can strike where the stack pointer
 * is not ours; they have stacks of their own.
 */
#include "asm_offsets.h"
#include "config.h"
#include "entry.h"
#include "stack.h"

#define ENTRY(name)	.globl name; .balign 16; name

/* Three bytes each, turned into stac and clac at boot where SMAP is on. */
.macro SMAP_SITE kind
77:	.byte	0x0f, 0x1f, 0x00
	.pushsection .rodata.smap, "a"
	.quad	77b, \kind
	.popsection
.endm
#define STAC	SMAP_SITE 0xcb
#define CLAC	SMAP_SITE 0xca

.macro SAVE_REGS
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
.endm

.macro RESTORE_REGS
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
.endm

/* Call a C function of one argument, the frame; the frame is 8 mod 16. */
.macro CALL_C fn
	mov	%rsp, %rdi
	sub	$8, %rsp
	call	\fn
	add	$8, %rsp
.endm

/* A fault at `from` goes on at `to`. */
.macro EXTABLE from, to
	.pushsection .extable, "a"
	.quad	\from, \to
	.popsection
.endm

	.section .text.entry, "ax"

/* ---- exceptions and interrupts ---- */

ENTRY(exception_common):
	cld
	SAVE_REGS
	CLAC
	xor	%ebp, %ebp		/* ends a backtrace */
	testb	$3, REGS_cs(%rsp)
	jz	exception_in_hv
	CALL_C	do_exception
	jmp	exit_to_guest
exception_in_hv:
	CALL_C	do_exception
return_in_hv:
	RESTORE_REGS
	add	$8, %rsp
	iretq

ENTRY(interrupt_common):
	cld
	SAVE_REGS
	CLAC
	xor	%ebp, %ebp
	CALL_C	do_interrupt
	testb	$3, REGS_cs(%rsp)
	jz	return_in_hv
	jmp	exit_to_guest

/*
 * On an own stack.  #DB of a guest moves to the ordinary stack, from where the
 * guest gets it; one in the hypervisor (MOV SS before SYSCALL: SDM vol. 3A,
 * "Masking Exceptions and Interrupts When Switching Stacks") is only noted.
 */
ENTRY(debug_entry):
	cld
	SAVE_REGS
	CLAC
	xor	%ebp, %ebp
	testb	$3, REGS_cs(%rsp)
	jz	exception_in_hv
	mov	%rsp, %rsi
	or	$(STACK_AREA_SIZE - 1), %rsp
	sub	$(CI_SIZE - 1), %rsp
	mov	%rsp, %rdi
	mov	$(REGS_es / 8), %ecx
	rep movsq
	CALL_C	do_exception
	jmp	exit_to_guest

ENTRY(ist_entry):			/* NMI, #DF, #MC: never reach a guest */
	cld
	SAVE_REGS
	CLAC
	xor	%ebp, %ebp
	CALL_C	do_ist_exception
	jmp	return_in_hv

/* ---- SYSCALL ---- */

/*
 * The CPU's own stub (setup.c) has saved %rax in regs.ss and pushed the guest's
 * %rsp; %rcx is the guest's rip and %r11 its rflags.  Interrupts are off.
 */
ENTRY(syscall_entry):
	push	%r11
	push	$SEL_GUEST_CODE64
	push	%rcx
	mov	32(%rsp), %rax		/* regs.ss */
	movq	$SEL_GUEST_DATA, 32(%rsp)
	push	$0
	movl	$ENTRY_SYSCALL, 4(%rsp)
	SAVE_REGS
	xor	%ebp, %ebp
	mov	CI_current(%rsp), %rbx
	cmpw	$1, VCPU_kernel_mode(%rbx)	/* and runstate_late above it */
	jb	syscall_from_user
	ja	syscall_runstate_late
syscall_from_kernel:
	sti
	incq	VCPU_hypercalls(%rbx)
	CALL_C	do_hypercall
	jmp	exit_to_guest

/*
 * From guest user mode: to the guest kernel's handler, on its stack, by nothing
 * but this.  The frame, from high to low: ss, rsp, rflags, cs with the old
 * upcall mask, rip, r11, rcx (see bounce.c for all other reasons).
 */
syscall_from_user:
	mov	VCPU_syscall(%rbx), %rdx
	test	%rdx, %rdx
	jz	syscall_slow
	mov	VCPU_kernel_sp(%rbx), %rsi
	and	$-16, %rsi
	lea	-(7 * 8)(%rsi), %rax
	movabs	$-HV_VIRT_START, %rcx
	add	%rax, %rcx		/* below or above the hypervisor's range */
	shr	$32, %rcx
	cmp	$((HV_VIRT_END - HV_VIRT_START) >> 32), %ecx
	jb	syscall_slow

	movb	$1, VCPU_kernel_mode(%rbx)
	swapgs
	mov	VCPU_root_kernel(%rbx), %rcx
	shl	$PAGE_SHIFT, %rcx
	mov	%rcx, %cr3

	mov	VCPU_info(%rbx), %r8
	movzbl	1(%r8), %ecx		/* upcall_mask */
	mov	REGS_rflags(%rsp), %rdi
	mov	%edi, %r9d
	and	$~(RFLAGS_IF | RFLAGS_IOPL), %edi
	mov	%ecx, %r10d
	xor	$1, %r10d
	and	$1, %r10d
	shl	$9, %r10d		/* IF = !mask */
	or	%r10, %rdi
	shl	$32, %rcx
	or	$SEL_GUEST_CODE64, %rcx
	mov	REGS_rsp(%rsp), %r10
	STAC
syscall_frame:
	movq	$SEL_GUEST_DATA, -8(%rsi)
1:	mov	%r10, -16(%rsi)
2:	mov	%rdi, -24(%rsi)
3:	mov	%rcx, -32(%rsi)
	mov	REGS_rip(%rsp), %rcx
4:	mov	%rcx, -40(%rsi)
	mov	%r9, %rdi
5:	mov	%rdi, -48(%rsi)
6:	mov	%rcx, -56(%rsi)
	CLAC
	EXTABLE	syscall_frame, syscall_bad_stack
	EXTABLE	1b, syscall_bad_stack
	EXTABLE	2b, syscall_bad_stack
	EXTABLE	3b, syscall_bad_stack
	EXTABLE	4b, syscall_bad_stack
	EXTABLE	5b, syscall_bad_stack
	EXTABLE	6b, syscall_bad_stack

	mov	%rax, REGS_rsp(%rsp)
	mov	%rdx, REGS_rip(%rsp)
	andq	$~RFLAGS_CLEAR_ON_SYSCALL, REGS_rflags(%rsp)
	mov	VCPU_syscall_mask(%rbx), %cl
	or	%cl, 1(%r8)
	/* fall through: events, then SYSRET */

/* ---- back to a guest ---- */

/*
 * %rsp at the frame at the top of the stack.  What is pending is looked for with
 * interrupts off, so that nothing comes between the last look and the guest.
 */
ENTRY(exit_to_guest):
	cli
	mov	CI_self(%rsp), %rax
	mov	CI_current(%rsp), %rbx
	cmpl	$0, CPU_softirqs(%rax)
	jne	exit_softirqs
	mov	VCPU_info(%rbx), %rax
	cmpb	$0, VCPU_nmi_pending(%rbx)
	jne	exit_nmi
	cmpb	$0, 1(%rax)		/* upcall_mask */
	jne	1f
	cmpb	$0, 0(%rax)		/* upcall_pending */
	je	1f
	cmpq	$0, VCPU_event(%rbx)	/* a guest that polls has no callback */
	jne	exit_event
1:
	cmpl	$ENTRY_SYSCALL, REGS_entry_vector(%rsp)
	jne	exit_iret

	/*
	 * SYSRET, unless the guest's rip is one that faults in ring 0 (SDM
	 * vol. 2B, SYSRET: not canonical) or it changed its selectors.
	 */
	mov	REGS_rip(%rsp), %rcx
	mov	%rcx, %rdx
	sar	$47, %rdx
	inc	%edx
	cmp	$1, %edx
	ja	exit_iret
	cmpw	$SEL_GUEST_CODE64, REGS_cs(%rsp)
	jne	exit_iret
	cmpw	$SEL_GUEST_DATA, REGS_ss(%rsp)
	jne	exit_iret
	mov	REGS_rflags(%rsp), %r11
	and	$~(RFLAGS_IOPL | RFLAGS_NT | RFLAGS_VM | RFLAGS_RF), %r11d
	or	$RFLAGS_IF, %r11d
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%rax			/* r11: lost in a system call */
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rdx			/* rcx: likewise */
	pop	%rdx
	pop	%rsi
	pop	%rdi
	mov	REGS_rsp - REGS_error_code(%rsp), %rsp
	sysretq

exit_iret:
	andl	$~(RFLAGS_IOPL | RFLAGS_VM), REGS_rflags(%rsp)
	orl	$RFLAGS_IF, REGS_rflags(%rsp)
	orb	$3, REGS_cs(%rsp)
	orb	$3, REGS_ss(%rsp)
	RESTORE_REGS
	add	$8, %rsp
exit_iretq:
	iretq
	EXTABLE	exit_iretq, exit_iret_failed

/*
 * The IRETQ faulted: a bad selector or a rip that is not canonical.  All other
 * registers hold the guest's values, the frame from rip up is whole: make the
 * rest of it anew and let the guest have its failsafe callback.
 */
exit_iret_failed:
	push	$0
	SAVE_REGS
	CALL_C	iret_failed
	jmp	exit_to_guest

exit_softirqs:
	sti
	sub	$8, %rsp
	call	softirq_run
	add	$8, %rsp
	jmp	exit_to_guest

exit_event:
	CALL_C	bounce_event
	jmp	exit_to_guest

exit_nmi:
	CALL_C	bounce_nmi
	jmp	exit_to_guest

syscall_runstate_late:
	cmpb	$0, VCPU_kernel_mode(%rbx)
	jne	syscall_from_kernel
	CALL_C	syscall_late
	jmp	exit_to_guest

syscall_slow:				/* no handler, or a stack that cannot be */
	CALL_C	syscall_refused
	jmp	exit_to_guest

syscall_bad_stack:
	CLAC
	CALL_C	syscall_stack_fault
	jmp	exit_to_guest

/*
 * noreturn void cpu_resume_guest(void): drop everything on this CPU's stack and
 * go to the guest whose frame is at its top.
 */
ENTRY(cpu_resume_guest):
	or	$(STACK_AREA_SIZE - 1), %rsp
	sub	$(CI_SIZE - 1), %rsp
	jmp	exit_to_guest

/* noreturn void cpu_reset_stack(void (*fn)(void)): run fn on an empty stack. */
ENTRY(cpu_reset_stack):
	or	$(STACK_AREA_SIZE - 1), %rsp
	sub	$(CI_SIZE - 1 + 8), %rsp
	xor	%ebp, %ebp
	call	*%rdi
	ud2

/* noreturn void cpu_enter_stack_at(void *info, void (*fn)(void)) */
ENTRY(cpu_enter_stack_at):
	lea	-8(%rdi), %rsp
	xor	%ebp, %ebp
	call	*%rsi
	ud2

/* CSTAR: SYSCALL in compatibility mode; see callbacks.c. */
ENTRY(syscall32_entry):
	push	%r11
	push	$SEL_GUEST_CODE32
	push	%rcx
	mov	32(%rsp), %rax
	movq	$SEL_GUEST_DATA, 32(%rsp)
	push	$0
	SAVE_REGS
	xor	%ebp, %ebp
	sti
	CALL_C	do_syscall32
	jmp	exit_to_guest

ENTRY(sysenter_entry):			/* the CPU has set rsp to &regs.es */
	push	$SEL_GUEST_DATA
	push	$0			/* the guest's rsp is lost, as natively */
	pushfq
	orq	$RFLAGS_IF, (%rsp)
	push	$SEL_GUEST_CODE32
	push	$0
	push	$0
	SAVE_REGS
	cld
	CLAC
	xor	%ebp, %ebp
	andl	$~RFLAGS_NT, REGS_rflags(%rsp)
	pushq	$2
	popfq				/* NT off: an IRET in here would fault */
	sti
	CALL_C	do_sysenter
	jmp	exit_to_guest

/* ---- guest memory: uint64_t guest_copy(to, from, n), guest_clear(to, n) ---- */
/* Return the number of bytes not done: 0 unless there was a fault. */

/*
 * Words first: a CPU that copies whole lines does not mind, an emulator, which
 * goes step by step, takes an eighth of the time.
 */
ENTRY(guest_copy):
	mov	%rdx, %rcx
	shr	$3, %rcx
	and	$7, %edx
	STAC
1:	rep movsq
	mov	%edx, %ecx
2:	rep movsb
3:	CLAC
	mov	%rcx, %rax
	ret
4:	lea	(%rdx, %rcx, 8), %rcx	/* words left, and the bytes behind */
	jmp	3b
	EXTABLE	1b, 4b
	EXTABLE	2b, 3b

	.text

ENTRY(guest_clear):
	mov	%rsi, %rcx
	shr	$3, %rcx
	and	$7, %esi
	xor	%eax, %eax
	STAC
1:	rep stosq
	mov	%esi, %ecx
2:	rep stosb
3:	CLAC
	mov	%rcx, %rax
	ret
4:	lea	(%rsi, %rcx, 8), %rcx
	jmp	3b
	EXTABLE	1b, 4b
	EXTABLE	2b, 3b

/* ---- stubs: 16 bytes each, found by number in setup.c ---- */

	.balign	16
	.globl	exception_stubs, interrupt_stubs
exception_stubs:
	.set	vector, 0
	.rept	32
	.balign	16
	.if	(1 << vector) & HAS_ERROR_CODE
	.else
	push	$0
	.endif
	movl	$vector, 4(%rsp)
	.if	vector == 1
	jmp	debug_entry
	.elseif	(1 << vector) & ((1 << 2) | (1 << 8) | (1 << 18))
	jmp	ist_entry
	.else
	jmp	exception_common
	.endif
	.set	vector, vector + 1
	.endr

	.balign	16
interrupt_stubs:
	.rept	224
	.balign	16
	push	$0
	movl	$vector, 4(%rsp)
	jmp	interrupt_common
	.set	vector, vector + 1
	.endr

/* int rdmsr_safe(uint32_t msr, uint64_t *v), wrmsr_safe(uint32_t, uint64_t) */
ENTRY(rdmsr_safe):
	mov	%edi, %ecx
1:	rdmsr
	shl	$32, %rdx
	mov	%eax, %eax
	or	%rdx, %rax
	mov	%rax, (%rsi)
	xor	%eax, %eax
	ret
2:	mov	$-14, %eax		/* -EFAULT */
	ret
	EXTABLE	1b, 2b

ENTRY(wrmsr_safe):
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
1:	wrmsr
	xor	%eax, %eax
	ret
2:	mov	$-14, %eax
	ret
	EXTABLE	1b, 2b

/* Selector loads that may fault; see switch.c.  Return 0, or 1 on a fault, with
 * the register then null. */
.macro LOAD_SELECTOR name, reg
ENTRY(load_\name):
1:	mov	%di, %\reg
	xor	%eax, %eax
	ret
2:	xor	%eax, %eax
	mov	%eax, %\reg
	inc	%eax
	ret
	EXTABLE	1b, 2b
.endm
LOAD_SELECTOR ds, ds
LOAD_SELECTOR es, es
LOAD_SELECTOR fs, fs

ENTRY(load_gs):				/* the active GS: selector and base */
1:	mov	%di, %gs
	xor	%eax, %eax
	ret
2:	xor	%eax, %eax
	mov	%eax, %gs
	inc	%eax
	ret
	EXTABLE	1b, 2b

/* A page of its own, filled by setup.c. */
	.balign	PAGE_SIZE
ENTRY(syscall_stubs):
	.skip	PAGE_SIZE

	.section .note.GNU-stack, "", @progbits
