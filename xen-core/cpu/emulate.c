/*
 * emulate.c: privileged instructions of a guest kernel.
 *
 * They fault with #GP in ring 3; each has a row in a table.  What is not in it
 * is the guest's own #GP.  I/O ports: a domain has none; with virtual IOPL its
 * kernel reads all ones and its writes go nowhere.
 */
#include "cpu.h"
#include "cpu_private.h"
#include "domain.h"
#include "emulate.h"
#include "entry.h"
#include "guest_access.h"
#include "io.h"
#include "lib.h"
#include "mm.h"

#define CR4_TSD_DE	(1u << 2 | 1u << 3)
#define CR0_TS		8ull
#define KERNEL_LEVEL	1

static bool insn_fetch(uint64_t rip, struct insn *i)
{
	memset(i, 0, sizeof(*i));
	i->len = INSN_MAX;
	if (copy_from_guest(i->code, rip, i->len)) {
		i->len = PAGE_SIZE - (rip & (PAGE_SIZE - 1));
		if (i->len >= INSN_MAX ||
		    copy_from_guest(i->code, rip, i->len))
			return false;
	}
	return true;
}

uint64_t *insn_reg(struct cpu_user_regs *r, unsigned n)
{
	uint64_t *const regs[16] = {
		&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp,
		&r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
		&r->r12, &r->r13, &r->r14, &r->r15,
	};

	return regs[n & 15];
}

/* ---- control and debug registers: 0f 20-23 ---- */

static bool cr_read(struct vcpu *v, unsigned n, uint64_t *value)
{
	switch (n) {
	case 0:
		*value = (read_cr0() & ~CR0_TS) | (v->ts ? CR0_TS : 0);
		return true;
	case 2:
		*value = v->event.info->arch.cr2;
		return true;
	case 3:
		*value = v->root_kernel.n << PAGE_SHIFT;
		return true;
	case 4:
		*value = v->cr4 | cpu_features.cr4 % (1u << 12);
		return true;
	default:
		return false;
	}
}

static bool cr_write(struct vcpu *v, unsigned n, uint64_t value)
{
	switch (n) {
	case 0:
		do_fpu_taskswitch(value & CR0_TS ? 1 : 0);
		return true;
	case 2:
		v->event.info->arch.cr2 = value;
		return true;
	case 4:
		v->cr4 = value & CR4_TSD_DE;
		return true;
	default: /* the root changes by MMUEXT_NEW_BASEPTR */
		return false;
	}
}

static bool emulate_mov_special(struct cpu_user_regs *regs, struct insn *i,
				uint8_t op)
{
	struct vcpu *v = current;
	unsigned n;
	uint64_t *reg;
	uint8_t modrm;

	if (!insn_byte(i, &modrm) || modrm < 0xc0)
		return false;
	n = (modrm >> 3 & 7) | (i->rex & 4) << 1;
	reg = insn_reg(regs, (modrm & 7) | (i->rex & 1) << 3);
	switch (op) {
	case 0x20:
		return cr_read(v, n, reg);
	case 0x22:
		return cr_write(v, n, *reg);
	case 0x21:
		if (n > 7)
			return false;
		*reg = (uint64_t)do_get_debugreg(n);
		return true;
	default:
		return do_set_debugreg(n, *reg) == 0;
	}
}

/* ---- two-byte instructions ---- */

static bool emulate_0f(struct cpu_user_regs *regs, struct insn *i)
{
	struct vcpu *v = current;
	uint64_t value;
	uint8_t op;

	if (!insn_byte(i, &op))
		return false;
	switch (op) {
	case 0x06: /* CLTS */
		do_fpu_taskswitch(0);
		return true;
	case 0x08: /* INVD, WBINVD: no device sees memory */
	case 0x09:
		return true;
	case 0x20:
	case 0x21:
	case 0x22:
	case 0x23:
		return emulate_mov_special(regs, i, op);
	case 0x30: /* WRMSR */
		return guest_wrmsr(v, (uint32_t)regs->rcx,
				   (uint32_t)regs->rax | regs->rdx << 32);
	case 0x32: /* RDMSR */
		if (!guest_rdmsr(v, (uint32_t)regs->rcx, &value))
			return false;
		regs->rax = (uint32_t)value;
		regs->rdx = value >> 32;
		return true;
	case 0x31: /* RDTSC, with CR4.TSD: never on */
	default:
		return false;
	}
}

/* ---- ports and the interrupt flag ---- */

static void port_in(struct cpu_user_regs *regs, unsigned bytes)
{
	if (bytes == 4)
		regs->rax = UINT32_MAX;
	else
		regs->rax |= (1u << (8 * bytes)) - 1;
}

/* INS: all ones to memory, once or RCX times (each fault is one repeat). */
static bool string_in(struct cpu_user_regs *regs, const struct insn *i,
		      unsigned bytes)
{
	static const uint8_t ones[4] = { 0xff, 0xff, 0xff, 0xff };

	if (i->rep && !regs->rcx)
		return true;
	if (copy_to_guest(regs->rdi, ones, bytes))
		return false;
	regs->rdi += regs->rflags & RFLAGS_DF ? -(uint64_t)bytes : bytes;
	return true;
}

static bool string_out(struct cpu_user_regs *regs, const struct insn *i,
		       unsigned bytes)
{
	if (i->rep && !regs->rcx)
		return true;
	regs->rsi += regs->rflags & RFLAGS_DF ? -(uint64_t)bytes : bytes;
	return true;
}

/* True while a REP goes on: rip stays at the instruction. */
static bool rep_again(struct cpu_user_regs *regs, const struct insn *i)
{
	return i->rep && regs->rcx && --regs->rcx;
}

static bool emulate_port(struct cpu_user_regs *regs, struct insn *i, uint8_t op,
			 bool *again)
{
	unsigned bytes = op & 1 ? (i->word ? 2 : 4) : 1;
	uint8_t port;

	switch (op) {
	case 0xe4: /* IN imm8 */
	case 0xe5:
		port_in(regs, bytes);
		return insn_byte(i, &port);
	case 0xe6: /* OUT imm8 */
	case 0xe7:
		return insn_byte(i, &port);
	case 0xec: /* IN DX */
	case 0xed:
		port_in(regs, bytes);
		return true;
	case 0xee: /* OUT DX */
	case 0xef:
		return true;
	case 0x6c:
	case 0x6d:
		if (!string_in(regs, i, bytes))
			return false;
		*again = rep_again(regs, i);
		return true;
	case 0x6e:
	case 0x6f:
		if (!string_out(regs, i, bytes))
			return false;
		*again = rep_again(regs, i);
		return true;
	case 0xfa: /* CLI and STI: the upcall mask is what counts */
	case 0xfb:
		return true;
	default:
		return false;
	}
}

static uint8_t prefixes_skip(struct insn *i, bool *ok)
{
	uint8_t b;

	for (;;) {
		*ok = insn_byte(i, &b);
		if (!*ok)
			return 0;
		if (b == 0x66)
			i->word = true;
		else if (b == 0x64 || b == 0x65)
			i->segment = b;
		else if (b == 0xf3 || b == 0xf2)
			i->rep = true;
		else if ((b & 0xf0) == 0x40) {
			i->rex = b;
			*ok = insn_byte(i, &b);
			return b;
		} else if (b != 0x2e && b != 0x3e && b != 0x26 && b != 0x36 &&
			   b != 0x67)
			return b;
	}
}

bool emulate_privileged(struct cpu_user_regs *regs)
{
	struct vcpu *v = current;
	bool ok, again = false;
	struct insn i;
	uint8_t op;

	if (!insn_fetch(regs->rip, &i))
		return false;
	op = prefixes_skip(&i, &ok);
	if (!ok)
		return false;
	if (op == 0x0f)
		ok = umip_emulate(regs, &i) ||
		     (v->kernel_mode && emulate_0f(regs, &i));
	else if (v->iopl >= (v->kernel_mode ? KERNEL_LEVEL : 3))
		ok = emulate_port(regs, &i, op, &again);
	else
		ok = false;
	if (ok && !again)
		regs->rip += i.at;
	return ok;
}

/* ud2; "xen"; cpuid: how a guest asks for the CPUID that is meant for it. */
bool emulate_forced_prefix(struct cpu_user_regs *regs)
{
	static const uint8_t want[7] = { 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2 };
	uint8_t code[7];
	uint32_t r[4];

	if (copy_from_guest(code, regs->rip, sizeof(code)) ||
	    memcmp(code, want, sizeof(want)))
		return false;
	guest_cpuid((uint32_t)regs->rax, (uint32_t)regs->rcx, r);
	regs->rax = r[0];
	regs->rbx = r[1];
	regs->rcx = r[2];
	regs->rdx = r[3];
	regs->rip += sizeof(want);
	return true;
}
