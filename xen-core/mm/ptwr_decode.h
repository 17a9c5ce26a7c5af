/*
 * ptwr_decode.h: a guest's store to a page table, taken apart.  Pure: no
 * hypervisor state, tested on the host.
 */
#ifndef PTWR_DECODE_H
#define PTWR_DECODE_H

#include "types.h"

#define PTWR_INSN_MAX	15	/* bytes of the longest x86 instruction */

enum ptwr_op {
	PTWR_BAD, PTWR_MOV, PTWR_XCHG, PTWR_AND, PTWR_OR, PTWR_XOR, PTWR_ADD,
	PTWR_SUB, PTWR_BTS, PTWR_BTR, PTWR_BTC, PTWR_CMPXCHG, PTWR_XADD,
};

#define PTWR_CF		0x001
#define PTWR_PF		0x004
#define PTWR_AF		0x010
#define PTWR_ZF		0x040
#define PTWR_SF		0x080
#define PTWR_OF		0x800
#define PTWR_ALL_FLAGS	0x8d5

struct ptwr_insn {
	uint8_t op;		/* enum ptwr_op */
	uint8_t len;		/* of the instruction, bytes */
	uint8_t bytes;		/* of the operand: 1, 2, 4, 8 */
	uint8_t reg;		/* 0-15: rax, rcx, rdx, rbx, rsp, ... */
	bool high_byte;		/* ah, ch, dh, bh */
	bool has_imm;
	uint64_t imm;
};

struct ptwr_result {
	bool store;		/* false: CMPXCHG that did not match */
	uint64_t value;		/* of the operand's width */
	bool writes_reg, writes_rax;
	uint64_t reg;		/* what the register, or rax, gets */
	uint64_t flags, flags_changed;
};

/* True when code (len bytes, at least one instruction) is a store we know. */
bool ptwr_decode(const uint8_t *code, size_t len, struct ptwr_insn *out);

/* What it does where memory holds old and its register reg. */
void ptwr_compute(const struct ptwr_insn *i, uint64_t old, uint64_t reg,
		  uint64_t rax, struct ptwr_result *r);

#endif
