/*
 * entry.S: the ELF notes that the domain builder reads, and the first code.
 *
 * The image is linked at VIRT_BASE, where the builder puts pfn 0, so a virtual
 * address is VIRT_BASE + pfn * 4096 for all of the guest's memory.
 */
#define __ASSEMBLY__ 1
#include <xen/elfnote.h>

#include "kit/layout.h"

.macro note type, value:vararg
	.pushsection .note.Xen, "a", @note
	.align	4
	.long	2f - 1f, 4f - 3f, \type
1:	.asciz	"Xen"
2:	.align	4
3:	\value
4:	.align	4
	.popsection
.endm

	note	XEN_ELFNOTE_GUEST_OS,		.asciz "Sluice-kit"
	note	XEN_ELFNOTE_XEN_VERSION,	.asciz "xen-3.0"
	note	XEN_ELFNOTE_VIRT_BASE,		.quad VIRT_BASE
	note	XEN_ELFNOTE_ENTRY,		.quad kit_entry
	note	XEN_ELFNOTE_PADDR_OFFSET,	.quad 0
	note	XEN_ELFNOTE_LOADER,		.asciz "generic"

	.section .text.entry, "ax", @progbits
	.globl	kit_entry
kit_entry:			/* RSI: start_info; on the builder's stack */
	cld
	mov	$boot_stack_top, %rsp
	mov	%rsi, %rdi
	mov	%rsp, %rsi
	xor	%ebp, %ebp
	call	kit_start
	ud2

	.section .bss
	.align	4096
	.skip	BOOT_STACK_SIZE
boot_stack_top:
	.section .note.GNU-stack, "", @progbits
