/*
 * user_code.S: what runs in the guest's user mode.  Position-independent, and
 * each piece ends in system call 0 with its result in RDI.
 */
	.section .rodata

.macro piece name
	.globl	\name, \name\()_end
\name:
.endm

piece user_return			/* the argument plus 1 */
	lea	1(%rbx), %rdi
	xor	%eax, %eax
	syscall
user_return_end:

piece user_calls			/* RBX system calls of number 1 */
1:	mov	$1, %eax
	syscall
	dec	%rbx
	jnz	1b
	xor	%edi, %edi
	xor	%eax, %eax
	syscall
user_calls_end:

piece user_read				/* read at RBX */
	mov	(%rbx), %rdi
	xor	%eax, %eax
	syscall
user_read_end:

piece user_hypercall			/* as if it were the kernel: xen_version */
	mov	$17, %eax
	xor	%edi, %edi
	xor	%esi, %esi
	syscall
	mov	%rax, %rdi
	xor	%eax, %eax
	syscall
user_hypercall_end:

piece user_int				/* the guest's own int 0x80 */
	int	$0x80
	xor	%edi, %edi
	xor	%eax, %eax
	syscall
user_int_end:

piece user_int_13			/* a gate of the kernel alone */
	int	$13
	xor	%edi, %edi
	xor	%eax, %eax
	syscall
user_int_13_end:

piece user_hlt
	hlt
user_hlt_end:

piece user_spin				/* RBX times */
1:	pause
	dec	%rbx
	jnz	1b
	xor	%edi, %edi
	xor	%eax, %eax
	syscall
user_spin_end:
	.section .note.GNU-stack, "", @progbits
