/*
 * descriptor.c: guests' GDT and LDT.
 *
 * Descriptor pages have the role PGT_SEG: the guest cannot write to them, every
 * descriptor in them is checked, and changes come by update_descriptor.  They
 * are mapped in the descriptor window of the CPU that the vcpu runs on.  An LDT
 * page that is not valid when the table is set is looked at again when the
 * guest uses it.
 */
#include "cpu.h"
#include "cpu_private.h"
#include "domain.h"
#include "guest_access.h"
#include "hypercall.h"
#include "io.h"
#include "mm_private.h"

#define DESC_S		(1ull << 44)	/* code or data */
#define DESC_P		(1ull << 47)
#define DESC_DPL	(3ull << 45)
#define DESC_CODE	(1ull << 43)
#define DESC_CONFORMING	(1ull << 42)
#define DESC_L		(1ull << 53)
#define DESC_D		(1ull << 54)
#define DESC_A		(1ull << 40)
#define DESC_TYPE(d)	((d) >> 40 & 15)

#define WINDOW_FLAGS	(PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)
#define GDT_ENTS_PAGE	512

/*
 * Code and data of ring 3 only.  Gates and system segments would be ways into
 * ring 0; what is not present does no harm.
 */
bool descriptor_ok(uint64_t *desc)
{
	uint64_t d = *desc;

	if (!(d & DESC_P))
		return true;
	if (!(d & DESC_S))
		return false;
	if (d & DESC_CODE) {
		if (d & DESC_L && d & DESC_D)
			return false; /* SDM: reserved */
		if (d & DESC_CONFORMING && (d & DESC_DPL) != DESC_DPL)
			return false;
	}
	/* Accessed, so that the CPU has nothing to write. */
	*desc = d | DESC_DPL | DESC_A;
	return true;
}

/* ---- the window of this CPU ---- */

static void window_set(struct cpu *c, unsigned page, mfn_t mfn)
{
	uint64_t va = CPU_WINDOW_VIRT + c->id * (uint64_t)CPU_WINDOW_SIZE;
	uint64_t pte = mfn_eq(mfn, MFN_NONE) ? 0 : pte_make(mfn, WINDOW_FLAGS);

	if (c->window[page] == pte)
		return;
	c->window[page] = pte;
	invlpg(va + page * PAGE_SIZE);
}

/* LDTR points at the window's second half. */
static void ldt_set(struct cpu *c, uint32_t ents)
{
	uint64_t *d = (uint64_t *)((char *)c->gdt_page +
				   (SEL_LDT & ~7) - HV_GDT_PAGE * PAGE_SIZE);
	uint64_t base = CPU_WINDOW_VIRT + c->id * (uint64_t)CPU_WINDOW_SIZE +
			CPU_WINDOW_LDT;
	uint64_t limit = ents * 8ull - 1;

	if (!ents) {
		asm volatile("lldt %w0" : : "r"(0));
		return;
	}
	d[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | 0x82ull << 40 |
	       (limit >> 16 & 15) << 48 | (base >> 24 & 0xff) << 56;
	d[1] = base >> 32;
	asm volatile("lldt %w0" : : "r"(SEL_LDT));
}

void window_load(struct vcpu *v)
{
	struct cpu *c = this_cpu();
	unsigned i;

	for (i = 0; i < GDT_FRAMES_MAX; i++)
		window_set(c, i, v->gdt_frames[i]);
	for (i = 0; i < 16; i++)
		window_set(c, 16 + i, v->ldt_frames[i]);
	ldt_set(c, v->ldt_ents);
}

void ldt_load(struct vcpu *v)
{
	uint64_t flags = irq_save();

	if (v == current)
		window_load(v);
	irq_restore(flags);
}

/* Page i of the LDT that the guest says it has, if it is a valid descriptor
 * page.  Under mm_lock, with interrupts on. */
static bool ldt_page_get(struct vcpu *v, unsigned i)
{
	struct page *l1, *pg = NULL;
	unsigned index;
	uint64_t e;

	l1 = walk_l1(v, v->ldt_base + i * PAGE_SIZE, &index);
	if (l1) {
		e = READ_ONCE(((uint64_t *)page_virt(l1))[index]);
		if (e & PTE_P)
			pg = page_of(pte_mfn(e));
	}
	if (!pg || page_get_type(pg, v->d, PGT_SEG))
		return false;
	v->ldt_frames[i] = page_mfn(pg);
	return true;
}

/*
 * A guest reads a selector of an LDT page that was no valid one when the table
 * was set; perhaps it is now.
 */
bool window_ldt_fault(struct vcpu *v, uint64_t offset)
{
	unsigned i = offset / PAGE_SIZE;
	bool got;

	if (i >= 16 || offset >= v->ldt_ents * 8ull ||
	    !mfn_eq(v->ldt_frames[i], MFN_NONE))
		return false;
	spin_lock(&v->d->mm_lock);
	got = ldt_page_get(v, i);
	spin_unlock(&v->d->mm_lock);
	if (got)
		ldt_load(v);
	return got;
}

/* ---- a vcpu's tables; v is current or does not run; under mm_lock ---- */

static void frames_drop(struct vcpu *v, mfn_t *frames, unsigned n)
{
	mfn_t old[16];
	unsigned i;

	for (i = 0; i < n; i++) {
		old[i] = frames[i];
		frames[i] = MFN_NONE;
	}
	ldt_load(v); /* out of the window before the use ends */
	for (i = 0; i < n; i++)
		if (!mfn_eq(old[i], MFN_NONE))
			page_put_type(page_of(old[i]));
}

void vcpu_drop_gdt(struct vcpu *v)
{
	v->gdt_ents = 0;
	frames_drop(v, v->gdt_frames, GDT_FRAMES_MAX);
}

void vcpu_drop_ldt(struct vcpu *v)
{
	v->ldt_ents = 0;
	frames_drop(v, v->ldt_frames, 16);
}

/*
 * All pages that are valid are taken now: a selector may be loaded for the guest
 * where a fault could not be served (context switch, interrupts off).
 */
void vcpu_set_ldt(struct vcpu *v, uint64_t base, uint32_t ents)
{
	unsigned i;

	if (v->ldt_base == base && v->ldt_ents == ents)
		return;
	vcpu_drop_ldt(v);
	v->ldt_base = base;
	v->ldt_ents = ents;
	for (i = 0; i * PAGE_SIZE < ents * 8ull; i++)
		ldt_page_get(v, i);
	ldt_load(v);
}

static int set_gdt_locked(struct vcpu *v, const mfn_t *frames, uint32_t ents)
{
	uint32_t n = (ents + GDT_ENTS_PAGE - 1) / GDT_ENTS_PAGE, i;

	for (i = 0; i < n; i++) {
		struct page *pg = page_of(frames[i]);

		if (!pg || page_get_type(pg, v->d, PGT_SEG))
			break;
	}
	if (i < n) {
		while (i-- > 0)
			page_put_type(page_of(frames[i]));
		return -EINVAL;
	}
	vcpu_drop_gdt(v);
	for (i = 0; i < n; i++)
		v->gdt_frames[i] = frames[i];
	v->gdt_ents = ents;
	ldt_load(v);
	return 0;
}

int vcpu_set_gdt(struct vcpu *v, const mfn_t *frames, uint32_t ents)
{
	int rc;

	if (ents > GDT_FRAMES_MAX * GDT_ENTS_PAGE)
		return -EINVAL;
	spin_lock(&v->d->mm_lock);
	rc = set_gdt_locked(v, frames, ents);
	spin_unlock(&v->d->mm_lock);
	return rc;
}

long do_set_gdt(uint64_t list, unsigned ents)
{
	mfn_t frames[GDT_FRAMES_MAX];
	uint32_t n = (ents + GDT_ENTS_PAGE - 1) / GDT_ENTS_PAGE;

	if (ents > GDT_FRAMES_MAX * GDT_ENTS_PAGE)
		return -EINVAL;
	static_assert(sizeof(frames[0]) == 8, "the ABI's list is of longs");
	if (copy_from_guest(frames, list, n * 8))
		return -EFAULT;
	return vcpu_set_gdt(current, frames, ents);
}

long do_update_descriptor(uint64_t maddr, uint64_t desc)
{
	struct domain *d = current->d;
	struct page *pg = page_of(MFN(maddr >> PAGE_SHIFT));
	enum page_type type;
	uint64_t *at;
	int rc;

	if (maddr & 7 || !pg || !descriptor_ok(&desc))
		return -EINVAL;
	spin_lock(&d->mm_lock);
	/* A page that is no descriptor page yet is plain memory. */
	type = pg->type == PGT_SEG && pg->type_refs ? PGT_SEG : PGT_WRITABLE;
	rc = page_get_type(pg, d, type);
	if (!rc) {
		at = (uint64_t *)((char *)page_virt(pg) +
				  (maddr & (PAGE_SIZE - 1)));
		__atomic_store_n(at, desc, __ATOMIC_RELAXED);
		page_put_type(pg);
	}
	spin_unlock(&d->mm_lock);
	return rc ? -EINVAL : 0;
}
