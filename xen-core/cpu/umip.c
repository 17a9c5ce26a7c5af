/*
 * umip.c: what UMIP keeps from ring 3 (SDM vol. 3A, "User-Mode Instruction
 * Prevention").
 *
 * SGDT and SIDT would show where the hypervisor keeps its tables.  Kernels of
 * this ABI use them and must not fault: they get constants, and the same do
 * users' programs, as on a kernel that hides its own.
 */
#include "cpu.h"
#include "cpu_private.h"
#include "domain.h"
#include "emulate.h"
#include "guest_access.h"
#include "io.h"

#define DUMMY_GDT	0xfffffffffffe0000ull
#define DUMMY_IDT	0xffffffffffff0000ull
#define DUMMY_CR0	0x80050033u	/* PG WP NE ET MP PE, and AM */

#define SLDT_STR	0x00	/* second byte; by ModRM's reg: 0, 1 */
#define SGDT_SIDT_SMSW	0x01	/* 0, 1, 4 */

static bool displacement(struct insn *i, unsigned bytes, uint64_t *sum)
{
	int64_t v = 0;
	uint8_t b = 0;

	for (unsigned k = 0; k < bytes; k++) {
		if (!insn_byte(i, &b))
			return false;
		v |= (int64_t)b << 8 * k;
	}
	if (bytes && b & 0x80)
		v |= (int64_t)(~0ull << 8 * bytes);
	*sum += (uint64_t)v;
	return true;
}

static bool sib(struct cpu_user_regs *regs, struct insn *i, unsigned mod,
		uint64_t *sum)
{
	unsigned index, base;
	uint8_t b;

	if (!insn_byte(i, &b))
		return false;
	index = (b >> 3 & 7) | (i->rex & 2) << 2;
	base = (b & 7) | (i->rex & 1) << 3;
	if (index != 4)
		*sum += *insn_reg(regs, index) << (b >> 6);
	if ((b & 7) == 5 && mod == 0)
		return displacement(i, 4, sum);
	*sum += *insn_reg(regs, base);
	return true;
}

/* The memory that ModRM names (SDM vol. 2A, tables 2-2 and 2-3). */
static bool address(struct cpu_user_regs *regs, struct insn *i, uint8_t modrm,
		    uint64_t *at)
{
	unsigned mod = modrm >> 6, rm = modrm & 7;

	*at = i->segment == 0x64   ? rdmsr(MSR_FS_BASE) :
	      i->segment == 0x65 ? rdmsr(MSR_GS_BASE) :
				   0;
	if (rm == 4) {
		if (!sib(regs, i, mod, at))
			return false;
	} else if (mod == 0 && rm == 5) { /* from the next instruction */
		if (!displacement(i, 4, at))
			return false;
		*at += regs->rip + i->at;
		return true;
	} else {
		*at += *insn_reg(regs, rm | (i->rex & 1) << 3);
	}
	return displacement(i, mod == 1 ? 1 : mod == 2 ? 4 : 0, at);
}

/* A selector, or the low half of CR0: to a register or to memory. */
static bool store_word(struct cpu_user_regs *regs, struct insn *i,
		       uint8_t modrm, uint32_t value)
{
	uint64_t at;

	if (modrm >= 0xc0) {
		uint64_t *reg = insn_reg(regs, (modrm & 7) | (i->rex & 1) << 3);

		*reg = i->word ? (*reg & ~0xffffull) | (uint16_t)value : value;
		return true;
	}
	return address(regs, i, modrm, &at) &&
	       copy_to_guest(at, &value, 2) == 0;
}

static bool store_table(struct cpu_user_regs *regs, struct insn *i,
			uint8_t modrm, uint64_t base)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} packed table = { 0, base };
	uint64_t at;

	return modrm < 0xc0 && address(regs, i, modrm, &at) &&
	       copy_to_guest(at, &table, sizeof(table)) == 0;
}

static bool emulate(struct cpu_user_regs *regs, struct insn *i)
{
	uint8_t op, modrm;
	unsigned reg;

	if (!insn_byte(i, &op) || !insn_byte(i, &modrm))
		return false;
	reg = modrm >> 3 & 7;
	if (op == SLDT_STR && reg <= 1)
		return store_word(regs, i, modrm, 0);
	if (op != SGDT_SIDT_SMSW)
		return false;
	if (reg <= 1)
		return store_table(regs, i, modrm,
				   reg == 0 ? DUMMY_GDT : DUMMY_IDT);
	return reg == 4 && store_word(regs, i, modrm, DUMMY_CR0);
}

bool umip_emulate(struct cpu_user_regs *regs, struct insn *i)
{
	unsigned at = i->at;

	if (emulate(regs, i))
		return true;
	i->at = at;
	return false;
}
