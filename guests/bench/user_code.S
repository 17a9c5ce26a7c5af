/* user_code.S: RBX system calls of number 1, then number 0 ends the run. */
	.section .rodata
	.globl	user_calls, user_calls_end
user_calls:
	mov	$1, %eax
	syscall
	dec	%rbx
	jnz	user_calls
	xor	%edi, %edi
	xor	%eax, %eax
	syscall
user_calls_end:
	.section .note.GNU-stack, "", @progbits
