/*
 * head.S: from GRUB to C.
 *
 * GRUB enters at `start` in 32-bit protected mode, paging off, with EAX = its
 * magic number and EBX = the address of its information (Multiboot2 2.0,
 * "I386 machine state").  We map the first 4 GiB three times: at their own
 * addresses, for the code that turns paging on; in the direct map; and the
 * image in the section.  mm/init.c makes the final tables.
 */
#include "config.h"

#define PHYS(sym)	((sym) - SECTION_VIRT)
#define MB2_MAGIC	0xe85250d6
#define FLAT_CODE32	0x08	/* selectors of the first GDT only */
#define FLAT_DATA	0x10
#define FLAT_CODE64	0x18

	.section .multiboot2, "ax"
	.balign 8
mb2:	.long MB2_MAGIC, 0, mb2_end - mb2
	.long -(MB2_MAGIC + 0 + (mb2_end - mb2))
	.short 1, 0			/* information that we cannot do without */
	.long 12, 6			/* the memory map */
	.balign 8
	.short 6, 0			/* modules at page boundaries */
	.long 8
	.balign 8
	.short 0, 0			/* the end */
	.long 8
mb2_end:

	.section .boot.text, "ax"
	.code32
	.globl start
start:
	cli
	cld
	mov	%eax, %ebp
	mov	$PHYS(boot_stack_end), %esp
	rdtsc
	mov	%eax, PHYS(boot_tsc)
	mov	%edx, PHYS(boot_tsc) + 4

	/* Long mode or a line on the serial port. */
	mov	$0x80000001, %eax
	push	%ebx
	cpuid
	pop	%ebx
	bt	$29, %edx
	jnc	no_long_mode
	mov	%edx, %esi		/* bit 20: NX */

	/* Four L2 tables of 2 MiB pages: the first 4 GiB. */
	mov	$PHYS(boot_l2), %edi
	mov	$0x83, %eax		/* P RW PSE */
	xor	%ecx, %ecx
1:	mov	%eax, (%edi, %ecx, 8)
	movl	$0, 4(%edi, %ecx, 8)
	add	$0x200000, %eax
	inc	%ecx
	cmp	$2048, %ecx
	jne	1b

	/* L3 for [0, 4 GiB), used at 0 and in the direct map's slot. */
	mov	$PHYS(boot_l2) + 3, %eax
	mov	%eax, PHYS(boot_l3)
	mov	%eax, PHYS(directmap_l3)
	add	$0x1000, %eax
	mov	%eax, PHYS(boot_l3) + 8
	mov	%eax, PHYS(directmap_l3) + 8
	add	$0x1000, %eax
	mov	%eax, PHYS(boot_l3) + 16
	mov	%eax, PHYS(directmap_l3) + 16
	add	$0x1000, %eax
	mov	%eax, PHYS(boot_l3) + 24
	mov	%eax, PHYS(directmap_l3) + 24

	/* The section: its 64 MiB are the first 64 MiB until mm_init(). */
	movl	$PHYS(section_l2) + 3, PHYS(hv_l3) + ((SECTION_VIRT >> 30) & 511) * 8
	mov	$PHYS(section_l2), %edi
	mov	$0x83, %eax
	xor	%ecx, %ecx
1:	mov	%eax, (%edi, %ecx, 8)
	add	$0x200000, %eax
	inc	%ecx
	cmp	$32, %ecx
	jne	1b

	movl	$PHYS(boot_l3) + 3, PHYS(boot_l4)
	movl	$PHYS(m2p_l3) + 7, PHYS(boot_l4) + 256 * 8
	movl	$PHYS(hv_l3) + 3, PHYS(boot_l4) + 261 * 8
	movl	$PHYS(directmap_l3) + 3, PHYS(boot_l4) + 262 * 8

	mov	$PHYS(boot_l4), %eax
	mov	%eax, %cr3
	mov	$0x20, %eax		/* CR4.PAE */
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx	/* EFER: LME, SCE, and NX if there */
	rdmsr
	or	$0x101, %eax
	bt	$20, %esi
	jnc	1f
	or	$0x800, %eax
1:	wrmsr
	mov	$0x80010033, %eax	/* CR0: PG WP NE ET MP PE */
	mov	%eax, %cr0
	lgdt	PHYS(boot_gdtr)
	ljmp	$FLAT_CODE64, $PHYS(start64)

no_long_mode:
	mov	$PHYS(no_long_mode_text), %esi
	mov	$0x3f8, %edx
1:	lodsb
	test	%al, %al
	jz	2f
	out	%al, %dx
	jmp	1b
2:	hlt
	jmp	2b
no_long_mode_text:
	.asciz "sluice: this CPU has no 64-bit mode\r\n"

	.code64
start64:
	mov	$FLAT_DATA, %eax
	mov	%eax, %ss
	mov	%eax, %ds
	mov	%eax, %es
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	movabs	$1f, %rax
	jmp	*%rax
1:	lea	boot_stack_end - 256(%rip), %rsp
	mov	%ebp, %edi
	mov	%ebx, %esi
	xor	%ebp, %ebp
	call	hv_main
	ud2

	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00cf9a000000ffff	/* code, 32 bits */
	.quad 0x00cf92000000ffff	/* data */
	.quad 0x00af9a000000ffff	/* code, 64 bits */
boot_gdtr:
	.short . - boot_gdt - 1
	.quad PHYS(boot_gdt)

/*
 * The boot CPU's first stack, an area as percpu.h has it, in the image because
 * there is no heap yet.  cpu_main() leaves it for one with guard pages.
 */
	.bss
	.balign STACK_AREA_SIZE
	.globl	boot_stack
boot_stack:
	.skip	STACK_AREA_SIZE
boot_stack_end:

	.balign 4096
	.globl	boot_l4, idle_l4, m2p_l3, hv_l3, directmap_l3, section_l2
boot_l4:	.skip 4096
boot_l3:	.skip 4096
boot_l2:	.skip 4 * 4096
idle_l4:	.skip 4096
m2p_l3:		.skip 4096
hv_l3:		.skip 4096
directmap_l3:	.skip 4096
section_l2:	.skip 4096

	.balign 8
	.globl	boot_tsc
boot_tsc:	.skip 8
