/* entry.h: numbers that entry.S and C share. */
#ifndef ENTRY_H
#define ENTRY_H

#define ENTRY_SYSCALL		0x100	/* entry_vector: came by SYSCALL */

#define RFLAGS_TF		0x100
#define RFLAGS_IF		0x200
#define RFLAGS_DF		0x400
#define RFLAGS_IOPL		0x3000
#define RFLAGS_NT		0x4000
#define RFLAGS_RF		0x10000
#define RFLAGS_VM		0x20000
#define RFLAGS_AC		0x40000

/* Cleared for a guest's handler: needs.md's ABI, "bounce frame". */
#define RFLAGS_CLEAR_ON_BOUNCE \
	(RFLAGS_AC | RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM)
#define RFLAGS_CLEAR_ON_SYSCALL (RFLAGS_CLEAR_ON_BOUNCE | RFLAGS_DF)

/* Bit n: exception n pushes an error code (SDM vol. 3A, "Exception and
 * Interrupt Reference"). */
#define HAS_ERROR_CODE \
	((1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 14) | \
	 (1 << 17) | (1 << 21) | (1 << 29) | (1 << 30))

#endif
