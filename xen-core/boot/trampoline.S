/*
 * trampoline.S: from real mode to C, for every CPU but the first.
 *
 * The code between trampoline_start and trampoline_end is copied to the page at
 * TRAMPOLINE_PHYS.  The start-up interrupt sets CS to that page and IP to 0;
 * nothing else is known.  Long mode is entered in one step: paging and
 * protection together (SDM vol. 3A, "Initializing IA-32e Mode", allows it as
 * long as EFER.LME and CR4.PAE come first).
 */
#include "trampoline.h"

#define AT(label)	(label - trampoline_start)
#define PARAM(offset)	(TRAMPOLINE_PARAMS + (offset))
#define PARAM_CR3_LOW	0
#define PARAM_CLAIMED	4
#define PARAM_CR3	8
#define PARAM_STACK	16
#define PARAM_CPU	24
#define PARAM_ENTRY	32

#define CODE64		0x08
#define DATA		0x10

	.section .rodata.trampoline, "a"
	.globl	trampoline_start, trampoline_end
	.balign 16
	.code16
trampoline_start:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds

	mov	$0x80000001, %eax
	cpuid
	mov	%edx, %esi		/* bit 20: NX */
	mov	$0x20, %eax		/* CR4.PAE */
	mov	%eax, %cr4
	mov	PARAM(PARAM_CR3_LOW), %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx	/* EFER: LME, SCE, and NX if there */
	rdmsr
	or	$0x101, %eax
	bt	$20, %esi
	jnc	1f
	or	$0x800, %eax
1:	wrmsr
	lgdtl	AT(gdtr)
	mov	$0x80010033, %eax	/* CR0: PG WP NE ET MP PE */
	mov	%eax, %cr0
	ljmpl	$CODE64, $(TRAMPOLINE_PHYS + AT(long_mode))

	.code64
long_mode:
	mov	$DATA, %eax
	mov	%eax, %ss
	mov	%eax, %ds
	mov	%eax, %es
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	/* All that is needed into registers; then the page may be used for the
	 * next CPU.  The last jump leaves it before CR3 takes it away. */
	mov	$(TRAMPOLINE_PHYS + TRAMPOLINE_PARAMS), %ebx
	mov	PARAM_STACK(%rbx), %rsp
	mov	PARAM_CPU(%rbx), %rdi
	mov	PARAM_ENTRY(%rbx), %rsi
	mov	PARAM_CR3(%rbx), %rdx
	movabs	$ap_entry, %rax
	movl	$1, PARAM_CLAIMED(%rbx)
	jmp	*%rax

	.balign 8
gdt:	.quad 0
	.quad 0x00af9b000000ffff	/* code, 64 bits */
	.quad 0x00cf93000000ffff	/* data */
gdtr:	.short . - gdt - 1
	.long TRAMPOLINE_PHYS + AT(gdt)
	.org	trampoline_start + TRAMPOLINE_PARAMS /* an error if past it */
trampoline_end:

/* void ap_entry(struct cpu *rdi, entry rsi, cr3 rdx) */
	.text
ap_entry:
	mov	%rdx, %cr3
	xor	%ebp, %ebp		/* the end of a backtrace */
	and	$-16, %rsp
	call	*%rsi
	ud2
