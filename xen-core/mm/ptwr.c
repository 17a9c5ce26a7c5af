/*
 * ptwr.c: a guest kernel's ordinary store to a live L1 table.
 *
 * The table is mapped read-only; the store faults, is decoded, and its effect
 * goes the way of mmu_update.  Anything that is not such a store is the guest's
 * own page fault.
 */
#include "cpu.h"
#include "domain.h"
#include "guest_access.h"
#include "mm_private.h"
#include "ptwr_decode.h"

/* Registers by number, SDM vol. 2, "ModR/M". */
static uint64_t *reg_at(struct cpu_user_regs *r, unsigned n)
{
	static const uint16_t at[16] = {
		offsetof(struct cpu_user_regs, rax),
		offsetof(struct cpu_user_regs, rcx),
		offsetof(struct cpu_user_regs, rdx),
		offsetof(struct cpu_user_regs, rbx),
		offsetof(struct cpu_user_regs, rsp),
		offsetof(struct cpu_user_regs, rbp),
		offsetof(struct cpu_user_regs, rsi),
		offsetof(struct cpu_user_regs, rdi),
		offsetof(struct cpu_user_regs, r8),
		offsetof(struct cpu_user_regs, r9),
		offsetof(struct cpu_user_regs, r10),
		offsetof(struct cpu_user_regs, r11),
		offsetof(struct cpu_user_regs, r12),
		offsetof(struct cpu_user_regs, r13),
		offsetof(struct cpu_user_regs, r14),
		offsetof(struct cpu_user_regs, r15),
	};

	return (uint64_t *)((char *)r + at[n]);
}

/* A register of bytes gets v: 32-bit writes clear the upper half. */
static void reg_write(uint64_t *reg, uint64_t v, unsigned bytes, bool high)
{
	if (high)
		*reg = (*reg & ~0xff00ull) | (v & 0xff) << 8;
	else if (bytes == 1)
		*reg = (*reg & ~0xffull) | (v & 0xff);
	else if (bytes == 2)
		*reg = (*reg & ~0xffffull) | (v & 0xffff);
	else if (bytes == 4)
		*reg = (uint32_t)v;
	else
		*reg = v;
}

static bool fetch(uint64_t rip, uint8_t *code, size_t *len)
{
	/* The instruction may end at the last mapped byte. */
	*len = PTWR_INSN_MAX;
	if (!copy_from_guest(code, rip, *len))
		return true;
	*len = PAGE_SIZE - (rip & (PAGE_SIZE - 1));
	return *len < PTWR_INSN_MAX && !copy_from_guest(code, rip, *len);
}

/* Under mm_lock.  0 when the store is done. */
static int store(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va,
		 const struct ptwr_insn *insn)
{
	unsigned index, shift = (va & 7) * 8;
	uint64_t *reg = reg_at(regs, insn->reg), e, new, mask;
	struct page *l1 = walk_l1(v, va, &index), *table;
	struct ptwr_result r;
	int rc = 0;

	if (!l1 || (va & 7) + insn->bytes > 8)
		return -EINVAL;
	e = READ_ONCE(((uint64_t *)page_virt(l1))[index]);
	table = page_of(pte_mfn(e));
	if (!(e & PTE_P) || e & PTE_RW || !table || !page_get(table, v->d))
		return -EINVAL;
	if (!page_is_table(table, PGT_L1)) {
		page_put(table);
		return -EINVAL;
	}
	index = (va & (PAGE_SIZE - 1)) / 8;
	e = READ_ONCE(((uint64_t *)page_virt(table))[index]);
	ptwr_compute(insn, e >> shift, insn->high_byte ? *reg >> 8 : *reg,
		     regs->rax, &r);
	if (r.store) {
		mask = insn->bytes == 8 ? ~0ull :
					  ((1ull << (8 * insn->bytes)) - 1)
						  << shift;
		new = (e & ~mask) | (r.value << shift & mask);
		/* The old value goes to the guest: it must be the one that
		 * was replaced, with any A and D that the CPU set. */
		rc = pte_update(v, table, index, new, v->d, PTE_SET, &e);
	}
	page_put(table);
	if (rc)
		return rc;
	if (r.writes_reg)
		reg_write(reg, r.reg, insn->bytes, insn->high_byte);
	if (r.writes_rax)
		reg_write(&regs->rax, r.reg, insn->bytes, false);
	regs->rflags = (regs->rflags & ~r.flags_changed) |
		       (r.flags & r.flags_changed);
	return 0;
}

bool ptwr_emulate(struct cpu_user_regs *regs, uint64_t va)
{
	uint8_t code[PTWR_INSN_MAX];
	struct vcpu *v = current;
	struct ptwr_insn insn;
	size_t len;
	int rc;

	if (!guest_range_ok(va, 1) || !fetch(regs->rip, code, &len) ||
	    !ptwr_decode(code, len, &insn))
		return false;
	spin_lock(&v->d->mm_lock);
	do {
		rc = store(v, regs, va, &insn);
	} while (rc == -EAGAIN);
	spin_unlock(&v->d->mm_lock);
	if (rc)
		return false;
	regs->rip += insn.len;
	v->ptwr++;
	return true;
}
