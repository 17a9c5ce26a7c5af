/*
 * memory.c: page tables made, changed and taken apart, and what must not be
 * mapped or pinned.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <xen/memory.h>

#include "kit/check.h"
#include "kit/grant.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/trap.h"
#include "selftest/selftest.h"

#define BEYOND_MEMORY	0xfffffffffful	/* mfn */
#define PTE_GLOBAL	0x100ul
#define NO_MEMORY	0x10ul	/* an address */

static uint64_t *page;		/* ordinary memory, free between checks */
static void *window;		/* address space with an L1, nothing mapped */

static uint64_t leaf(const void *p, uint64_t flags)
{
	return va_to_mfn(p) << PAGE_SHIFT | flags;
}

static long set(uint64_t pte)
{
	return hypercall3(__HYPERVISOR_update_va_mapping, window, pte,
			  UVMF_INVLPG | UVMF_LOCAL);
}

static long map_own(void)
{
	page[5] = 0x1234;
	if (set(leaf(page, PTE_LEAF_RW)))
		return -1;
	return ((uint64_t *)window)[5];
}

/* A call that is refused for its flush has changed nothing. */
static long unmap_refused(uint64_t flush)
{
	struct mmuext_op all = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };

	if (set(leaf(page, PTE_LEAF_RW)))
		return -1;
	page[5] = 0x1234;
	if (hypercall3(__HYPERVISOR_update_va_mapping, window, 0, flush) >= 0)
		return -2;
	hypercall4(__HYPERVISOR_mmuext_op, &all, 1, NULL, DOMID_SELF);
	return ((volatile uint64_t *)window)[5];
}

static long unmap_no_flush(void)
{
	return unmap_refused(UVMF_FLUSHTYPE_MASK);
}

static long unmap_no_mask(void)
{
	return unmap_refused(UVMF_INVLPG | NO_MEMORY);
}

static long map_none(void)
{
	return set(0);
}

static long map_beyond(void)
{
	return set(BEYOND_MEMORY << PAGE_SHIFT | PTE_LEAF_RW);
}

static long map_mfn0(void)
{
	return set(0ul << PAGE_SHIFT | PTE_LEAF_RO);
}

static long map_pt_writable(void)
{
	return set(leaf(pte_at(window, 1), PTE_LEAF_RW));
}

static long map_root_writable(void)
{
	return set(leaf(pt_root(), PTE_LEAF_RW));
}

static long map_pt_readable(void)
{
	return set(leaf(pte_at(window, 1), PTE_LEAF_RO));
}

static long map_pse(void)
{
	return set(leaf(page, PTE_LEAF_RW) | PTE_PSE);
}

static long map_uncached(void)
{
	return set(leaf(page, PTE_LEAF_RW) | 0x10);
}

static long map_global(void)
{
	long rc = set(leaf(page, PTE_LEAF_RW) | PTE_GLOBAL);

	set(0);
	return rc;
}

static long map_software_bits(void)
{
	uint64_t bits = 7ul << 9 | 3ul << 52;
	long rc = set(leaf(page, PTE_LEAF_RW) | bits);

	if (!rc && (*pte_at(window, 1) & bits) != bits)
		rc = -1;
	set(0);
	return rc;
}

static long swap_entry(void)
{
	uint64_t swap = BEYOND_MEMORY << PAGE_SHIFT | 0xabc0;
	long rc = set(swap);

	if (!rc && *pte_at(window, 1) != swap)
		rc = -1;
	set(0);
	return rc;
}

/* The frames of others that exist for sure: all around our own. */
static long map_foreign(void)
{
	const uint64_t *m2p = (const uint64_t *)MACH2PHYS_VIRT_START;
	long mapped = 0;

	for (uint64_t mfn = 1; mfn < 0x10000; mfn += 7) {
		uint64_t pfn = m2p[mfn];

		if (pfn < start_info->nr_pages && pfn_to_mfn(pfn) == mfn)
			continue;
		if (mfn == start_info->shared_info >> PAGE_SHIFT ||
		    mfn == (*pte_at(grant_table, 1) & PTE_ADDR) >> PAGE_SHIFT)
			continue;	/* the hypervisor's, but shared */
		if (set(mfn << PAGE_SHIFT | PTE_LEAF_RO) == 0)
			mapped++;
	}
	set(0);
	return mapped;
}

static long mmu_update_data(void)
{
	/* No table: a plain store. */
	page[3] = 0;
	if (mmu_set((va_to_mfn(page) << PAGE_SHIFT) + 24, 0x77))
		return -1;
	return page[3];
}

static long mmu_update_foreign(void)
{
	return mmu_set(0x1000, 0);
}

static long mmu_update_beyond(void)
{
	return mmu_set(BEYOND_MEMORY << PAGE_SHIFT, 0);
}

static long mmu_update_unaligned(void)
{
	struct mmu_update u = {
		.ptr = (va_to_mfn(page) << PAGE_SHIFT) + 12,
	};

	hypercall4(__HYPERVISOR_mmu_update, &u, 1, NULL, DOMID_SELF);
	return 0;
}

static long mmu_update_partial(void)
{
	uint32_t done = 99;
	struct mmu_update u[3] = {
		{ pte_maddr(window, 1), leaf(page, PTE_LEAF_RW) },
		{ BEYOND_MEMORY << PAGE_SHIFT, 0 },
		{ pte_maddr(window, 1), 0 },
	};
	long rc = hypercall4(__HYPERVISOR_mmu_update, u, 3, &done,
			     DOMID_SELF);

	return rc < 0 ? (long)done : -1;
}

static long machphys(void)
{
	uint64_t mfn = va_to_mfn(page);
	struct mmu_update u = {
		.ptr = mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE,
		.val = 0x4321,
	};
	long rc = hypercall4(__HYPERVISOR_mmu_update, &u, 1, NULL,
			     DOMID_SELF);
	uint64_t seen = mfn_to_pfn(mfn);

	u.val = va_to_pfn(page);
	rc = rc ?: hypercall4(__HYPERVISOR_mmu_update, &u, 1, NULL,
			      DOMID_SELF);
	return rc ?: (long)seen;
}

static long machphys_foreign(void)
{
	struct mmu_update u = {
		.ptr = 0x1000 | MMU_MACHPHYS_UPDATE, .val = 1,
	};

	return hypercall4(__HYPERVISOR_mmu_update, &u, 1, NULL, DOMID_SELF);
}

static long preserve_ad(void)
{
	struct mmu_update u = {
		.ptr = pte_maddr(window, 1) | MMU_PT_UPDATE_PRESERVE_AD,
		.val = leaf(page, PTE_P | PTE_RW | PTE_US),
	};
	long rc = set(leaf(page, PTE_LEAF_RW));

	*(volatile uint64_t *)window = 1;	/* hardware sets A and D */
	rc = rc ?: hypercall4(__HYPERVISOR_mmu_update, &u, 1, NULL,
			      DOMID_SELF);
	rc = rc ?: (long)(*pte_at(window, 1) & (PTE_A | PTE_D));
	set(0);
	return rc;
}

static void do_store(void *arg)
{
	*(volatile uint64_t *)pte_at(window, 1) = *(uint64_t *)arg;
}

/* A store to a live L1 entry is emulated. */
static long ptwr(void)
{
	uint64_t e = leaf(page, PTE_LEAF_RW);
	int vector = trap_try(do_store, &e, NULL);

	if (vector >= 0)
		return -vector;
	page[7] = 0x99;
	e = ((uint64_t *)window)[7];
	asm volatile("lock andb $0xfd, %0" : "+m"(*pte_at(window, 1)));
	if (*pte_at(window, 1) & PTE_RW)
		return -1;
	asm volatile("xchg %1, %0"
		     : "+m"(*pte_at(window, 1)), "+r"((uint64_t){ 0 }));
	return *pte_at(window, 1) ? -2 : (long)e;
}

static long ptwr_bad(void)
{
	uint64_t e = BEYOND_MEMORY << PAGE_SHIFT | PTE_LEAF_RW;

	return trap_try(do_store, &e, NULL);
}

static void do_store_l2(void *arg)
{
	*(volatile uint64_t *)pte_at(window, 2) = 0;
}

static long ptwr_l2(void)
{
	return trap_try(do_store_l2, NULL, NULL);
}

/* -- pins ------------------------------------------------------------------ */

static const unsigned int pin_cmds[] = {
	MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
	MMUEXT_PIN_L4_TABLE,
};

/* Pin an empty page at each level, twice, and unpin twice. */
static long pin_empty(void)
{
	uint64_t mfn = va_to_mfn(page);

	memset(page, 0, PAGE_SIZE);
	for (unsigned int i = 0; i < 4; i++) {
		if (page_protect(page) || mmuext(pin_cmds[i], mfn))
			return 1 + i * 10;
		if (mmuext(pin_cmds[i], mfn) != -EINVAL)
			return 2 + i * 10;
		if (set(leaf(page, PTE_LEAF_RW)) >= 0)
			return 3 + i * 10;
		if (mmuext(MMUEXT_UNPIN_TABLE, mfn))
			return 4 + i * 10;
		if (mmuext(MMUEXT_UNPIN_TABLE, mfn) != -EINVAL)
			return 5 + i * 10;
		if (page_unprotect(page))
			return 6 + i * 10;
	}
	return 0;
}

static long pin_writable(void)
{
	memset(page, 0, PAGE_SIZE);
	return mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(page));
}

static long pin_garbage(void)
{
	long rc;

	memset(page, 0xff, PAGE_SIZE);
	page_protect(page);
	rc = mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(page));
	page_unprotect(page);
	return rc;
}

/* A table whose entry at each level is the table itself. */
static long pin_self(void)
{
	long worst = -1;

	for (unsigned int i = 0; i < 4; i++) {
		long rc;

		memset(page, 0, PAGE_SIZE);
		page[i] = leaf(page, PTE_TABLE);
		page_protect(page);
		rc = mmuext(pin_cmds[i], va_to_mfn(page));
		if (rc >= 0) {
			mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(page));
			worst = i;
		}
		page_unprotect(page);
	}
	return worst;
}

static long pin_l2_of_data(void)
{
	uint64_t *data = pages_alloc_zeroed(1);
	long rc;

	memset(page, 0, PAGE_SIZE);
	page[0] = leaf(data, PTE_TABLE);
	page_protect(page);
	rc = mmuext(MMUEXT_PIN_L2_TABLE, va_to_mfn(page));
	page_unprotect(page);
	pages_free(data, 1);
	return rc;	/* data is mapped writable */
}

static long pin_beyond(void)
{
	return mmuext(MMUEXT_PIN_L4_TABLE, BEYOND_MEMORY);
}

static long unpin_root_in_use(void)
{
	/* The builder pinned it; in use it stays what it is. */
	long rc = mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(pt_root()));

	return rc ?: mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(pt_root()));
}

static long root_of_data(void)
{
	return mmuext(MMUEXT_NEW_BASEPTR, va_to_mfn(page));
}

static long hypervisor_slot(void)
{
	return mmu_set((va_to_mfn(pt_root()) << PAGE_SHIFT) + 256 * 8, 0);
}

static long flushes(void)
{
	struct mmuext_op ops[] = {
		{ .cmd = MMUEXT_TLB_FLUSH_LOCAL },
		{ .cmd = MMUEXT_TLB_FLUSH_ALL },
		{ .cmd = MMUEXT_INVLPG_LOCAL,
		  .arg1.linear_addr = (unsigned long)page },
		{ .cmd = MMUEXT_INVLPG_ALL,
		  .arg1.linear_addr = (unsigned long)page },
	};
	uint32_t done = 0;

	if (hypercall4(__HYPERVISOR_mmuext_op, ops, ARRAY_SIZE(ops), &done,
		       DOMID_SELF))
		return -1;
	return done;
}

static long no_such_mmuext(void)
{
	return mmuext(999, 0);
}

static long superpage_mark(void)
{
	return mmuext(MMUEXT_MARK_SUPER, va_to_mfn(page));
}

/* -- descriptors ----------------------------------------------------------- */

#define DESC_DATA_DPL3	0x00cff2000000fffful
#define DESC_CODE_DPL0	0x00af9a000000fffful
#define DESC_TSS	0x000089000000fffful
#define DESC_INTR_GATE	0x0000ee0000e00000ul
#define DESC_CALL_HV	0x0000ec00e0080000ul	/* to a hypervisor segment */

static long gdt_set(uint64_t descriptor)
{
	unsigned long frame = va_to_mfn(page);
	long rc;

	memset(page, 0, PAGE_SIZE);
	page[1] = descriptor;
	page_protect(page);
	rc = hypercall2(__HYPERVISOR_set_gdt, &frame, 512);
	if (!rc && set(leaf(page, PTE_LEAF_RW)) >= 0)
		rc = -1000;	/* a writable descriptor page */
	hypercall2(__HYPERVISOR_set_gdt, NULL, 0);
	page_unprotect(page);
	return rc;
}

static long gdt_good(void)
{
	return gdt_set(DESC_DATA_DPL3);
}

static long gdt_gate(void)
{
	return gdt_set(DESC_INTR_GATE);
}

static long gdt_tss(void)
{
	return gdt_set(DESC_TSS);
}

static long gdt_call_gate(void)
{
	return gdt_set(DESC_CALL_HV);
}

static long gdt_writable(void)
{
	unsigned long frame = va_to_mfn(page);

	memset(page, 0, PAGE_SIZE);
	return hypercall2(__HYPERVISOR_set_gdt, &frame, 512);
}

static long ldt_none(void)
{
	struct mmuext_op op = { .cmd = MMUEXT_SET_LDT };

	return hypercall4(__HYPERVISOR_mmuext_op, &op, 1, NULL, DOMID_SELF);
}

static long ldt_huge(void)
{
	struct mmuext_op op = {
		.cmd = MMUEXT_SET_LDT,
		.arg1.linear_addr = VIRT_BASE,
		.arg2.nr_ents = 8193,
	};

	return hypercall4(__HYPERVISOR_mmuext_op, &op, 1, NULL, DOMID_SELF);
}

/* -- memory_op ------------------------------------------------------------- */

static long reservation(void)
{
	domid_t self = DOMID_SELF;

	return hypercall2(__HYPERVISOR_memory_op, XENMEM_current_reservation,
			  &self) == (long)start_info->nr_pages;
}

static long give_and_take(void)
{
	void *p = pages_alloc(1);
	uint64_t pfn = va_to_pfn(p);
	xen_pfn_t frame = pfn;
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF,
	};

	if (pages_release(p, 1) != 1)
		return -1;
	set_xen_guest_handle(r.extent_start, &frame);
	if (hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r)
	    != 1)
		return -2;
	if (pte_set(p, frame << PAGE_SHIFT | PTE_LEAF_RW))
		return -3;
	((uint64_t *)start_info->mfn_list)[pfn] = frame;
	if (mfn_to_pfn(frame) != pfn)
		return -4;
	for (unsigned int i = 0; i < PT_ENTRIES; i++)
		if (((uint64_t *)p)[i])
			return -5;	/* not scrubbed */
	pages_free(p, 1);
	return 0;
}

static void do_write(void *at)
{
	*(volatile uint64_t *)at = 1;
}

/* The TLB has it from the first store, if nobody flushes. */
static long released(void)
{
	void *p = pages_alloc(1);
	int vector;

	do_write(p);
	if (pages_release(p, 1) != 1)
		return -1;
	vector = trap_try(do_write, p, NULL);
	if (pages_regain(p, 1) != 1)
		return -2;
	pages_free(p, 1);
	return vector;
}

static long release_mapped(void)
{
	xen_pfn_t mfn = va_to_mfn(page);
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF,
	};
	long rc;

	/* It is ours still: the mapping holds it; so do not use it again. */
	set_xen_guest_handle(r.extent_start, &mfn);
	rc = hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation,
			&r);
	page[0] = 1;
	page = pages_alloc_zeroed(1);
	return rc;
}

static long release_foreign(void)
{
	xen_pfn_t mfn = 1;
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF,
	};

	set_xen_guest_handle(r.extent_start, &mfn);
	return hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation,
			  &r);
}

static long populate_huge_order(void)
{
	xen_pfn_t pfn = 0;
	struct xen_memory_reservation r = {
		.nr_extents = 1, .extent_order = 60, .domid = DOMID_SELF,
	};
	long rc;

	set_xen_guest_handle(r.extent_start, &pfn);
	rc = hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r);
	return rc <= 0;
}

static long populate_huge_count(void)
{
	struct xen_memory_reservation r = {
		.nr_extents = ~0ul, .domid = DOMID_SELF,
	};
	long rc;

	set_xen_guest_handle(r.extent_start, (xen_pfn_t *)page);
	rc = hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r);
	return rc <= 0;
}

static long memory_map(void)
{
	static uint64_t map[64];
	struct xen_memory_map m = { .nr_entries = 8 };
	long rc;

	set_xen_guest_handle(m.buffer, map);
	rc = hypercall2(__HYPERVISOR_memory_op, XENMEM_memory_map, &m);
	return rc ?: m.nr_entries >= 1;
}

static long machphys_mapping(void)
{
	struct xen_machphys_mapping m = { 0 };
	long rc = hypercall2(__HYPERVISOR_memory_op, XENMEM_machphys_mapping,
			     &m);

	return rc ?: m.v_start == MACH2PHYS_VIRT_START && m.max_mfn > 0;
}

/* -- multicall ------------------------------------------------------------- */

static long multicall(void)
{
	struct multicall_entry m[4] = {
		{ .op = __HYPERVISOR_update_va_mapping,
		  .args = { (unsigned long)window, leaf(page, PTE_LEAF_RW),
			    UVMF_INVLPG } },
		{ .op = 1000 },
		{ .op = __HYPERVISOR_multicall, .args = { 0, 0 } },
		{ .op = __HYPERVISOR_update_va_mapping,
		  .args = { (unsigned long)window, 0, UVMF_INVLPG } },
	};

	if (hypercall2(__HYPERVISOR_multicall, m, 4))
		return -1;
	if (m[0].result || m[3].result)
		return -2;
	return (long)m[1].result == -ENOSYS;
}

static const struct check_row rows[] = {
	{ "map own memory", map_own, 0x1234 },
	{ "unmap with a flush of no kind", unmap_no_flush, 0x1234 },
	{ "unmap, CPUs from memory that is not there", unmap_no_mask, 0x1234 },
	{ "unmap", map_none, 0 },
	{ "map beyond memory", map_beyond, ANY_ERROR },
	{ "map frame 0", map_mfn0, ANY_ERROR },
	{ "map an L1 writable", map_pt_writable, ANY_ERROR },
	{ "map the root writable", map_root_writable, ANY_ERROR },
	{ "map an L1 read-only", map_pt_readable, 0 },
	{ "map with PSE or PAT", map_pse, ANY_ERROR },
	{ "map uncached", map_uncached, ANY_ERROR },
	{ "map global", map_global, 0 },
	{ "software bits", map_software_bits, 0 },
	{ "a swap entry", swap_entry, 0 },
	{ "frames of others that could be mapped", map_foreign, 0 },
	{ "mmu_update of data is a store", mmu_update_data, 0x77 },
	{ "mmu_update of another's frame", mmu_update_foreign, ANY_ERROR },
	{ "mmu_update beyond memory", mmu_update_beyond, ANY_ERROR },
	{ "mmu_update, not aligned", mmu_update_unaligned, 0 },
	{ "mmu_update stops with a count", mmu_update_partial, 1 },
	{ "m2p update", machphys, 0x4321 },
	{ "m2p update of another's frame", machphys_foreign, ANY_ERROR },
	{ "A and D preserved", preserve_ad, PTE_A | PTE_D },
	{ "stores to an L1 are emulated", ptwr, 0x99 },
	{ "a bad store faults", ptwr_bad, TRAP_PAGE_FAULT },
	{ "a store to an L2 faults", ptwr_l2, TRAP_PAGE_FAULT },
	{ "pin and unpin at each level", pin_empty, 0 },
	{ "pin a writable page", pin_writable, ANY_ERROR },
	{ "pin garbage", pin_garbage, ANY_ERROR },
	{ "pin what points at itself", pin_self, -1 },
	{ "pin an L2 over data", pin_l2_of_data, ANY_ERROR },
	{ "pin beyond memory", pin_beyond, ANY_ERROR },
	{ "unpin and pin the root in use", unpin_root_in_use, 0 },
	{ "data as a root", root_of_data, ANY_ERROR },
	{ "write the hypervisor's slot", hypervisor_slot, ANYTHING },
	{ "flushes", flushes, 4 },
	{ "no such mmuext_op", no_such_mmuext, -ENOSYS },
	{ "superpages are not there", superpage_mark, ANY_ERROR },
	{ "a GDT", gdt_good, 0 },
	{ "a GDT with an interrupt gate", gdt_gate, ANY_ERROR },
	{ "a GDT with a TSS", gdt_tss, ANY_ERROR },
	{ "a GDT with a call gate to the hypervisor", gdt_call_gate,
	  ANY_ERROR },
	{ "a writable GDT", gdt_writable, ANY_ERROR },
	{ "no LDT", ldt_none, 0 },
	{ "a huge LDT", ldt_huge, ANY_ERROR },
	{ "current reservation", reservation, 1 },
	{ "give a page and take one", give_and_take, 0 },
	{ "store to a page given", released, TRAP_PAGE_FAULT },
	{ "give a page that is mapped", release_mapped, ANYTHING },
	{ "give another's page", release_foreign, 0 },
	{ "take 2^60 pages", populate_huge_order, 1 },
	{ "take 2^64 - 1 pages", populate_huge_count, 1 },
	{ "memory map", memory_map, 1 },
	{ "where the m2p is", machphys_mapping, 1 },
	{ "multicall", multicall, 1 },
};

void test_memory(void)
{
	page = pages_alloc_zeroed(1);
	window = window_alloc(1);
	CHECK_ROWS(rows);
}
