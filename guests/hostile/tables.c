/*
 * tables.c: page tables that lie: random graphs, and two vcpus that pin, unpin
 * and change the same tree.
 */
#include <stdint.h>
#include <string.h>

#include "hostile/hostile.h"
#include "kit/check.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/trap.h"

#define POOL	24	/* pages that become anything */

static uint64_t *pool[POOL];

static const unsigned int pins[] = {
	MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
	MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE, MMUEXT_UNPIN_TABLE,
};

static void pool_make(void)
{
	for (unsigned int i = 0; i < POOL; i++)
		pool[i] = pages_alloc_zeroed(1);
}

static uint64_t pool_mfn(void)
{
	return va_to_mfn(pool[random_below(POOL)]);
}

/* A frame that may be ours, a table in use, another's, or none. */
static uint64_t some_mfn(void)
{
	switch (random_below(8)) {
	case 0:
		return va_to_mfn(pt_root());
	case 1:
		return random_below(1 << 18);
	case 2:
		return random64() >> 24;
	case 3:
		return start_info->shared_info >> PAGE_SHIFT;
	default:
		return pool_mfn();
	}
}

static uint64_t some_entry(void)
{
	static const uint64_t flags[] = {
		PTE_TABLE, PTE_TABLE, PTE_LEAF_RO, PTE_LEAF_RW, PTE_P,
		PTE_LEAF_RW | PTE_PSE, PTE_P | PTE_NX | PTE_US, 0x3ff, 0,
	};

	return some_mfn() << PAGE_SHIFT | flags[random_below(9)];
}

static void do_store(void *arg)
{
	*(volatile uint64_t *)arg = some_entry();
}

static void one_change(void)
{
	uint64_t *page = pool[random_below(POOL)];
	uint64_t slot = random_below(4) * 8 + random_below(64) * 64;

	switch (random_below(8)) {
	case 0:
		page_protect(page);
		break;
	case 1:
		page_unprotect(page);
		break;
	case 2:
	case 3:
		mmuext(pins[random_below(6)], pool_mfn());
		break;
	case 4:
		mmu_set((pool_mfn() << PAGE_SHIFT) + slot, some_entry());
		break;
	case 5:
		trap_try(do_store, (char *)page + slot, NULL);
		break;
	case 6:
		pte_set(page, some_mfn() << PAGE_SHIFT | PTE_LEAF_RW);
		break;
	case 7:
		/* Into the live root: a slot that nothing needs. */
		mmu_set((va_to_mfn(pt_root()) << PAGE_SHIFT) + 100 * 8,
			some_entry());
		break;
	}
}

/* Give back all pins, and see that all pages can be plain memory again. */
static void pool_restore(void)
{
	long plain = 0;

	mmu_set((va_to_mfn(pt_root()) << PAGE_SHIFT) + 100 * 8, 0);
	for (unsigned int i = 0; i < POOL; i++)
		mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(pool[i]));
	for (unsigned int i = 0; i < POOL; i++)
		plain += page_unprotect(pool[i]) == 0;
	check("all frames are plain memory again", plain, POOL);
}

void attack_tables(void)
{
	uint64_t count = option_number("count", 200000);

	pool_make();
	while (count--)
		one_change();
	pool_restore();
}

/* A small valid tree of four levels in pool[0..3], pinned from two vcpus. */
static void tree_make(void)
{
	pool_make();
	for (unsigned int i = 0; i < 3; i++)
		pool[i][0] = va_to_mfn(pool[i + 1]) << PAGE_SHIFT | PTE_TABLE;
	pool[3][0] = va_to_mfn(pool[4]) << PAGE_SHIFT | PTE_LEAF_RW;
	for (unsigned int i = 0; i < 4; i++)
		page_protect(pool[i]);
}

static void pin_root(void *arg)
{
	mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(pool[0]));
	mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(pool[0]));
}

static void pin_parts(void *arg)
{
	mmuext(MMUEXT_PIN_L3_TABLE, va_to_mfn(pool[1]));
	mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(pool[3]));
	mmuext(MMUEXT_PIN_L2_TABLE, va_to_mfn(pool[3]));
	mmu_set(va_to_mfn(pool[2]) << PAGE_SHIFT, 0);
	mmu_set(va_to_mfn(pool[2]) << PAGE_SHIFT,
		va_to_mfn(pool[3]) << PAGE_SHIFT | PTE_TABLE);
	mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(pool[1]));
	mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(pool[3]));
}

void attack_table_race(void)
{
	tree_make();
	race(pin_root, pin_parts, 3000);
	pool_restore();
}

/* A page table by one vcpu, writable memory by the other. */
static void toggle_pin(void *arg)
{
	page_protect(pool[3]);
	mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(pool[3]));
	mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(pool[3]));
}

static void toggle_write(void *arg)
{
	if (page_unprotect(pool[3]) == 0)
		pool[3][1] = va_to_mfn(pt_root()) << PAGE_SHIFT | PTE_LEAF_RW;
}

void attack_toggle(void)
{
	pool_make();
	race(toggle_pin, toggle_write, 3000);
	pool_restore();
}
