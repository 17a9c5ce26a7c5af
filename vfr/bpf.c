/*
 * bpf.c: classic BPF, as libpcap compiles it (McCanne and Jacobson, 1993).
 *
 * A checked program ends: jumps go forward only and stay inside, and it ends
 * with a return.  Loads outside the packet end it with 0, as does a division
 * by zero in the register.
 */
#include <errno.h>

#include "internal.h"

#define MEMWORDS 16

enum {
	LD = 0, LDX = 1, ST = 2, STX = 3, ALU = 4, JMP = 5, RET = 6, MISC = 7,
	W = 0x00, H = 0x08, B = 0x10,
	IMM = 0x00, ABS = 0x20, IND = 0x40, MEM = 0x60, LEN = 0x80, MSH = 0xa0,
	ADD = 0x00, SUB = 0x10, MUL = 0x20, DIV = 0x30, OR = 0x40, AND = 0x50,
	LSH = 0x60, RSH = 0x70, NEG = 0x80, MOD = 0x90, XOR = 0xa0,
	JA = 0x00, JEQ = 0x10, JGT = 0x20, JGE = 0x30, JSET = 0x40,
	K = 0x00, X = 0x08, A = 0x10,
	TAX = 0x00, TXA = 0x80,
};

/* What the constant k of an instruction must satisfy. */
enum need { BAD, ANY_K, MEM_K, NONZERO_K, SHIFT_K, JUMP, JUMP_ALWAYS, END };

static enum need need_of(uint16_t code)
{
	switch (code) {
	case LD | W | ABS: case LD | H | ABS: case LD | B | ABS:
	case LD | W | IND: case LD | H | IND: case LD | B | IND:
	case LD | IMM: case LD | W | LEN: case LDX | IMM: case LDX | W | LEN:
	case LDX | MSH | B: case MISC | TAX: case MISC | TXA:
	case ALU | ADD | K: case ALU | ADD | X: case ALU | SUB | K:
	case ALU | SUB | X: case ALU | MUL | K: case ALU | MUL | X:
	case ALU | DIV | X: case ALU | MOD | X: case ALU | OR | K:
	case ALU | OR | X: case ALU | AND | K: case ALU | AND | X:
	case ALU | XOR | K: case ALU | XOR | X: case ALU | LSH | X:
	case ALU | RSH | X: case ALU | NEG:
		return ANY_K;
	case LD | MEM: case LDX | MEM: case ST: case STX:
		return MEM_K;
	case ALU | DIV | K: case ALU | MOD | K:
		return NONZERO_K;
	case ALU | LSH | K: case ALU | RSH | K:
		return SHIFT_K;
	case JMP | JA:
		return JUMP_ALWAYS;
	case JMP | JEQ | K: case JMP | JEQ | X: case JMP | JGT | K:
	case JMP | JGT | X: case JMP | JGE | K: case JMP | JGE | X:
	case JMP | JSET | K: case JMP | JSET | X:
		return JUMP;
	case RET | K: case RET | A:
		return END;
	default:
		return BAD;
	}
}

int vfr_bpf_check(const struct vfr_bpf_insn *insns, uint32_t nr)
{
	uint32_t i, left;
	bool ok;

	if (!nr || nr > VFR_BPF_MAX)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		const struct vfr_bpf_insn *in = &insns[i];

		left = nr - i - 1;	/* instructions after this one */
		switch (need_of(in->code)) {
		case ANY_K:
		case END:
			ok = true;
			break;
		case MEM_K:
			ok = in->k < MEMWORDS;
			break;
		case NONZERO_K:
			ok = in->k != 0;
			break;
		case SHIFT_K:
			ok = in->k < 32;
			break;
		case JUMP_ALWAYS:
			ok = in->k < left;
			break;
		case JUMP:
			ok = in->jt < left && in->jf < left;
			break;
		default:
			ok = false;
		}
		if (!ok)
			return -EINVAL;
	}
	return need_of(insns[nr - 1].code) == END ? 0 : -EINVAL;
}

struct machine {
	uint32_t	a, x, mem[MEMWORDS];
	const uint8_t	*data;
	uint32_t	len, have;
};

/* Load n bytes at `at` into a.  False: outside of the packet. */
static bool load(struct machine *m, uint64_t at, uint32_t n)
{
	const uint8_t *p;

	if (at + n > m->have)
		return false;
	p = m->data + at;
	m->a = n == 4 ? get32(p) : n == 2 ? get16(p) : *p;
	return true;
}

static bool run_load(struct machine *m, const struct vfr_bpf_insn *in)
{
	uint32_t n = (in->code & 0x18) == W ? 4 : (in->code & 0x18) == H ? 2 : 1;

	switch (in->code & 0xe0) {
	case IMM:
		m->a = in->k;
		return true;
	case ABS:
		return load(m, in->k, n);
	case IND:
		return load(m, (uint64_t)m->x + in->k, n);
	case MEM:
		m->a = m->mem[in->k & (MEMWORDS - 1)];
		return true;
	default:
		m->a = m->len;
		return true;
	}
}

static bool run_loadx(struct machine *m, const struct vfr_bpf_insn *in)
{
	switch (in->code & 0xe0) {
	case IMM:
		m->x = in->k;
		return true;
	case MEM:
		m->x = m->mem[in->k & (MEMWORDS - 1)];
		return true;
	case LEN:
		m->x = m->len;
		return true;
	default:
		if (in->k >= m->have)
			return false;
		m->x = (m->data[in->k] & 15) * 4;
		return true;
	}
}

/* False: a division by zero. */
static bool run_alu(struct machine *m, const struct vfr_bpf_insn *in)
{
	uint32_t b = in->code & X ? m->x : in->k;

	switch (in->code & 0xf0) {
	case ADD: m->a += b; break;
	case SUB: m->a -= b; break;
	case MUL: m->a *= b; break;
	case OR:  m->a |= b; break;
	case AND: m->a &= b; break;
	case XOR: m->a ^= b; break;
	case LSH: m->a = b < 32 ? m->a << b : 0; break;
	case RSH: m->a = b < 32 ? m->a >> b : 0; break;
	case NEG: m->a = 0 - m->a; break;
	case DIV:
		if (!b)
			return false;
		m->a /= b;
		break;
	case MOD:
		if (!b)
			return false;
		m->a %= b;
		break;
	}
	return true;
}

static uint32_t run_jump(const struct machine *m,
			 const struct vfr_bpf_insn *in)
{
	uint32_t b = in->code & X ? m->x : in->k;
	bool yes;

	switch (in->code & 0xf0) {
	case JA:
		return in->k;
	case JEQ:
		yes = m->a == b;
		break;
	case JGT:
		yes = m->a > b;
		break;
	case JGE:
		yes = m->a >= b;
		break;
	default:
		yes = m->a & b;
	}
	return yes ? in->jt : in->jf;
}

uint32_t vfr_bpf_run(const struct vfr_bpf_insn *insns, const uint8_t *data,
		     uint32_t len, uint32_t buflen)
{
	struct machine m = { .data = data, .len = len, .have = buflen };
	const struct vfr_bpf_insn *in;
	bool ok = true;

	for (in = insns; ok; in++) {
		switch (in->code & 7) {
		case LD:
			ok = run_load(&m, in);
			break;
		case LDX:
			ok = run_loadx(&m, in);
			break;
		case ST:
			m.mem[in->k & (MEMWORDS - 1)] = m.a;
			break;
		case STX:
			m.mem[in->k & (MEMWORDS - 1)] = m.x;
			break;
		case ALU:
			ok = run_alu(&m, in);
			break;
		case JMP:
			in += run_jump(&m, in);
			break;
		case RET:
			return in->code & A ? m.a : in->k;
		case MISC:
			if (in->code & TXA)
				m.a = m.x;
			else
				m.x = m.a;
		}
	}
	return 0;
}
