/*
 * ptwr_decode.c: which store did the guest mean?
 *
 * Decodes the instructions that kernels write page-table entries with (SDM
 * vol. 2, "Instruction Format"): MOV, XCHG, AND, OR, XOR, ADD, SUB, BTS, BTR,
 * BTC, CMPXCHG, XADD to memory, of 1 to 8 bytes.  The address is known from the
 * fault, so that of ModRM only the length counts.
 */
#include "ptwr_decode.h"

#include "lib.h"

struct cursor {
	const uint8_t *p, *end;
	bool bad;
};

static uint8_t next(struct cursor *c)
{
	if (c->p == c->end) {
		c->bad = true;
		return 0;
	}
	return *c->p++;
}

/* The immediate of bytes (1, 2 or 4), sign-extended. */
static uint64_t immediate(struct cursor *c, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)next(c) << (8 * i);
	if (bytes && v >> (8 * bytes - 1) & 1)
		v |= bytes < 8 ? ~0ull << (8 * bytes) : 0;
	return v;
}

/* Displacement and SIB behind ModRM; false when it names no memory. */
static bool skip_address(struct cursor *c, uint8_t modrm)
{
	unsigned mod = modrm >> 6, rm = modrm & 7;

	if (mod == 3)
		return false;
	if (rm == 4) {
		uint8_t sib = next(c);

		if (mod == 0 && (sib & 7) == 5)
			immediate(c, 4);
	} else if (mod == 0 && rm == 5) {
		immediate(c, 4);
	}
	if (mod == 1)
		immediate(c, 1);
	else if (mod == 2)
		immediate(c, 4);
	return true;
}

struct prefixes {
	bool lock, word, rex;
	uint8_t rex_bits;
};

static uint8_t prefixes(struct cursor *c, struct prefixes *p)
{
	for (;;) {
		uint8_t b = next(c);

		if (b == 0xf0)
			p->lock = true;
		else if (b == 0x66)
			p->word = true;
		else if (b == 0x3e || b == 0x2e) /* segment: no meaning here */
			continue;
		else if ((b & 0xf0) == 0x40) {
			p->rex = true;
			p->rex_bits = b & 15;
			return next(c);
		} else
			return b;
	}
}

/* Opcodes with a memory operand and a register or immediate. */
enum form { REG, IMM, IMM8 };

struct opcode {
	uint8_t byte;		/* after 0f when two is set */
	bool two, narrow;	/* narrow: a byte operand */
	enum form form;
	uint8_t op;		/* enum ptwr_op; 0xff: by ModRM's reg field */
};

#define BY_REG 0xff

static const struct opcode opcodes[] = {
	{ 0x88, false, true, REG, PTWR_MOV },
	{ 0x89, false, false, REG, PTWR_MOV },
	{ 0xc6, false, true, IMM, PTWR_MOV },
	{ 0xc7, false, false, IMM, PTWR_MOV },
	{ 0x86, false, true, REG, PTWR_XCHG },
	{ 0x87, false, false, REG, PTWR_XCHG },
	{ 0x00, false, true, REG, PTWR_ADD },
	{ 0x01, false, false, REG, PTWR_ADD },
	{ 0x08, false, true, REG, PTWR_OR },
	{ 0x09, false, false, REG, PTWR_OR },
	{ 0x20, false, true, REG, PTWR_AND },
	{ 0x21, false, false, REG, PTWR_AND },
	{ 0x28, false, true, REG, PTWR_SUB },
	{ 0x29, false, false, REG, PTWR_SUB },
	{ 0x30, false, true, REG, PTWR_XOR },
	{ 0x31, false, false, REG, PTWR_XOR },
	{ 0x80, false, true, IMM8, BY_REG },
	{ 0x81, false, false, IMM, BY_REG },
	{ 0x83, false, false, IMM8, BY_REG },
	{ 0xab, true, false, REG, PTWR_BTS },
	{ 0xb3, true, false, REG, PTWR_BTR },
	{ 0xbb, true, false, REG, PTWR_BTC },
	{ 0xba, true, false, IMM8, BY_REG },
	{ 0xb0, true, true, REG, PTWR_CMPXCHG },
	{ 0xb1, true, false, REG, PTWR_CMPXCHG },
	{ 0xc0, true, true, REG, PTWR_XADD },
	{ 0xc1, true, false, REG, PTWR_XADD },
};

/* Groups 1 (80, 81, 83) and 8 (0f ba) by ModRM's reg field. */
static const uint8_t group1[8] = { PTWR_ADD, PTWR_OR,	PTWR_BAD, PTWR_BAD,
				   PTWR_AND, PTWR_SUB, PTWR_XOR, PTWR_BAD };
static const uint8_t group8[8] = { PTWR_BAD, PTWR_BAD, PTWR_BAD, PTWR_BAD,
				   PTWR_BAD, PTWR_BTS, PTWR_BTR, PTWR_BTC };

static const struct opcode *find(uint8_t byte, bool two)
{
	for (unsigned i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++)
		if (opcodes[i].byte == byte && opcodes[i].two == two)
			return &opcodes[i];
	return NULL;
}

bool ptwr_decode(const uint8_t *code, size_t len, struct ptwr_insn *out)
{
	struct cursor c = { code, code + len, false };
	struct prefixes p = { 0 };
	const struct opcode *o;
	uint8_t byte = prefixes(&c, &p), modrm;
	bool two = byte == 0x0f;

	if (two)
		byte = next(&c);
	o = find(byte, two);
	modrm = next(&c);
	if (!o || c.bad || !skip_address(&c, modrm))
		return false;

	memset(out, 0, sizeof(*out));
	out->bytes = o->narrow ? 1 : p.rex_bits & 8 ? 8 : p.word ? 2 : 4;
	out->reg = (modrm >> 3 & 7) | (p.rex_bits & 4) << 1;
	out->high_byte = o->narrow && !p.rex && out->reg >= 4 && out->reg < 8;
	out->has_imm = o->form != REG;
	if (o->op != BY_REG)
		out->op = o->op;
	else
		out->op = (two ? group8 : group1)[modrm >> 3 & 7];
	if (o->op != BY_REG && o->form == IMM && modrm >> 3 & 7)
		return false; /* c6, c7 are MOV with reg 0 only */
	if (out->has_imm)
		out->imm = immediate(&c, o->form == IMM8 || o->narrow ? 1 :
					 out->bytes == 2	      ? 2 :
									4);
	out->len = (uint8_t)(c.p - code);
	return !c.bad && out->op != PTWR_BAD;
}

static uint64_t mask_of(unsigned bytes)
{
	return bytes == 8 ? ~0ull : (1ull << (8 * bytes)) - 1;
}

/* ZF, SF and PF as logic instructions leave them; CF and OF 0. */
static uint64_t logic_flags(uint64_t v, unsigned bytes)
{
	uint64_t f = 0;

	if (!(v & mask_of(bytes)))
		f |= PTWR_ZF;
	if (v >> (8 * bytes - 1) & 1)
		f |= PTWR_SF;
	if (!(__builtin_popcount((unsigned)(v & 0xff)) & 1))
		f |= PTWR_PF;
	return f;
}

static uint64_t sum_flags(uint64_t a, uint64_t b, uint64_t v, unsigned bytes,
			  bool sub)
{
	uint64_t f = logic_flags(v, bytes), m = mask_of(bytes);
	uint64_t sign = 1ull << (8 * bytes - 1);

	if (sub ? (a & m) < (b & m) : (v & m) < (a & m))
		f |= PTWR_CF;
	if ((sub ? (a ^ b) & (a ^ v) : ~(a ^ b) & (a ^ v)) & sign)
		f |= PTWR_OF;
	if ((a ^ b ^ v) & 16)
		f |= PTWR_AF;
	return f;
}

void ptwr_compute(const struct ptwr_insn *i, uint64_t old, uint64_t reg,
		  uint64_t rax, struct ptwr_result *r)
{
	uint64_t src = i->has_imm ? i->imm : reg, m = mask_of(i->bytes);
	uint64_t bit = 1ull << (src & (8 * i->bytes - 1));

	old &= m;
	*r = (struct ptwr_result){ .store = true,
				   .flags_changed = PTWR_ALL_FLAGS };
	switch (i->op) {
	case PTWR_MOV:
		r->value = src;
		r->flags_changed = 0;
		break;
	case PTWR_XCHG:
		r->value = src;
		r->writes_reg = true;
		r->reg = old;
		r->flags_changed = 0;
		break;
	case PTWR_AND:
		r->value = old & src;
		r->flags = logic_flags(r->value, i->bytes);
		break;
	case PTWR_OR:
		r->value = old | src;
		r->flags = logic_flags(r->value, i->bytes);
		break;
	case PTWR_XOR:
		r->value = old ^ src;
		r->flags = logic_flags(r->value, i->bytes);
		break;
	case PTWR_SUB:
		r->value = old - src;
		r->flags = sum_flags(old, src, r->value, i->bytes, true);
		break;
	case PTWR_XADD:
		r->writes_reg = true;
		r->reg = old;
		/* fall through */
	case PTWR_ADD:
		r->value = old + src;
		r->flags = sum_flags(old, src, r->value, i->bytes, false);
		break;
	case PTWR_BTS:
	case PTWR_BTR:
	case PTWR_BTC:
		r->value = i->op == PTWR_BTS ? old | bit :
			   i->op == PTWR_BTR ? old & ~bit :
					       old ^ bit;
		r->flags = old & bit ? PTWR_CF : 0;
		r->flags_changed = PTWR_CF;
		break;
	case PTWR_CMPXCHG:
		rax &= m;
		r->flags = sum_flags(rax, old, rax - old, i->bytes, true);
		r->store = rax == old;
		r->value = r->store ? src : old;
		r->writes_rax = !r->store;
		r->reg = old;
		break;
	}
	r->value &= m;
}
