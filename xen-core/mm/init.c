/*
 * init.c: the hypervisor's own address space, made at boot from what head.S
 * left.
 *
 * The tables for slots 256, 261 and 262 are shared by every root of every
 * domain; what changes later below their L3s is seen by all at once.
 */
#include "boot.h"
#include "check.h"
#include "cpu_private.h"
#include "heap.h"
#include "io.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include "mm_private.h"

#define L2_SIZE		(1ull << 21)
#define L3_SIZE		(1ull << 30)
#define TABLE_FLAGS	(PTE_P | PTE_RW | PTE_A | PTE_D)
#define DATA_FLAGS	(PTE_P | PTE_RW | PTE_A | PTE_D | PTE_G | PTE_NX)

static struct boot_memory boot_ram; /* until the frame allocator runs */

struct page *frame_table = (struct page *)FRAMETABLE_VIRT;
uint64_t max_mfn;
uint64_t total_pages;
static bool allocator_up;

/* size bytes at a multiple of it below 4 GiB if can be (head.S has mapped only
 * those), zeroed.  From the top, so that low memory stays for devices. */
static paddr_t boot_alloc(uint64_t size)
{
	for (uint32_t i = boot_ram.nr; i-- > 0;) {
		paddr_t start = boot_ram.ram[i].start;
		paddr_t end = MIN(boot_ram.ram[i].end, L3_SIZE * 4);
		paddr_t at;

		if (end < start + size)
			continue;
		at = ROUND_DOWN(end - size, size);
		if (at < start)
			continue;
		if (boot_ram.ram[i].end > at + size) {
			CHECK(boot_ram.nr < ARRAY_SIZE(boot_ram.ram));
			boot_ram.ram[boot_ram.nr].start = at + size;
			boot_ram.ram[boot_ram.nr++].end = boot_ram.ram[i].end;
		}
		boot_ram.ram[i].end = at;
		memset(mfn_virt(MFN(at >> PAGE_SHIFT)), 0, size);
		return at;
	}
	panic("not enough memory to start: %lu bytes wanted", size);
}

static paddr_t table_alloc(void)
{
	struct page *pg;

	if (!allocator_up)
		return boot_alloc(PAGE_SIZE);
	pg = frames_alloc(0);
	if (!pg)
		panic("no memory for the hypervisor's page tables");
	memset(page_virt(pg), 0, PAGE_SIZE);
	return page_mfn(pg).n << PAGE_SHIFT;
}

/* The table that entry e leads to, made if there is none. */
static uint64_t *table_below(uint64_t *e, uint64_t flags)
{
	if (!(*e & PTE_P))
		*e = table_alloc() | flags;
	return mfn_virt(pte_mfn(*e));
}

static uint64_t *l2_of(uint64_t va)
{
	uint64_t *l3 = va < HV_VIRT_START + (1ull << 39) ? m2p_l3 :
		       va < DIRECTMAP_VIRT		 ? hv_l3 :
							   directmap_l3;

	return table_below(&l3[va >> 30 & 511],
			   TABLE_FLAGS | (l3 == m2p_l3 ? PTE_US : 0));
}

static void map_2m(uint64_t va, paddr_t at, uint64_t flags)
{
	l2_of(va)[va >> 21 & 511] = at | flags | PTE_PSE;
}

static uint64_t *pte_of(uint64_t va)
{
	uint64_t *e = &l2_of(va)[va >> 21 & 511];

	if (*e & PTE_PSE)
		*e = 0; /* head.S's; made anew in small pages */
	return &table_below(e, TABLE_FLAGS)[va >> 12 & 511];
}

void hv_map(uint64_t va, mfn_t mfn, uint64_t flags)
{
	*pte_of(va) = pte_make(mfn, flags);
}

/*
 * 4 GiB, and all of RAM: no execute, in 2 MiB pages.  Each L2 is whole before
 * it takes the place of head.S's, which stay as they are: the other CPUs start
 * on the identity map that is made of them.
 */
static void map_direct(void)
{
	uint64_t end = MAX((max_mfn + 1) << PAGE_SHIFT, 4 * L3_SIZE);

	for (uint64_t at = 0; at < end; at += L3_SIZE) {
		paddr_t table = table_alloc();
		uint64_t *l2 = mfn_virt(MFN(table >> PAGE_SHIFT));

		for (unsigned i = 0; i < TABLE_ENTRIES; i++)
			l2[i] = (at + i * L2_SIZE) | DATA_FLAGS | PTE_PSE;
		directmap_l3[at >> 30] = table | TABLE_FLAGS;
	}
}

/* A table of size bytes at va, in 2 MiB pages of memory. */
static void map_table(uint64_t va, uint64_t size, uint64_t alias)
{
	for (uint64_t off = 0; off < size; off += L2_SIZE) {
		paddr_t at = boot_alloc(L2_SIZE);

		map_2m(va + off, at, DATA_FLAGS);
		if (alias)
			map_2m(alias + off, at,
			       (DATA_FLAGS | PTE_US) & ~PTE_RW);
	}
}

static uint64_t image_pte(uint64_t va)
{
	uint64_t flags = PTE_P | PTE_A | PTE_D | PTE_G;

	if (va >= (uint64_t)data_start)
		flags |= PTE_RW | PTE_NX;
	else if (va >= (uint64_t)text_end)
		flags |= PTE_NX;
	return hv_phys((void *)va) | flags;
}

/*
 * The image in 4 KiB pages: nothing is writable and executable at once.  The
 * tables are whole before they take the place of what we run by.
 */
static void map_image(void)
{
	static uint64_t l1[8][TABLE_ENTRIES] aligned(PAGE_SIZE);
	uint64_t va = (uint64_t)image_start;

	CHECK((uint64_t)image_end - SECTION_VIRT <= ARRAY_SIZE(l1) * L2_SIZE);
	for (; va < (uint64_t)image_end; va += PAGE_SIZE)
		l1[(va - SECTION_VIRT) >> 21][va >> 12 & 511] = image_pte(va);
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		section_l2[i] = i < ARRAY_SIZE(l1) ?
					hv_phys(l1[i]) | TABLE_FLAGS : 0;
}

uint64_t *window_create(uint64_t va)
{
	return pte_of(va);
}

mfn_t tlb_idle_root(void)
{
	return MFN(hv_phys(idle_l4) >> PAGE_SHIFT);
}

/* Entries below a table that map memory writable and executable at once. */
static uint64_t count_wx(const uint64_t *table, unsigned level)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
		uint64_t e = table[i];

		if (!(e & PTE_P))
			continue;
		if (level == 1 || e & PTE_PSE)
			n += (e & PTE_RW) && !(e & PTE_NX);
		else
			n += count_wx(mfn_virt(pte_mfn(e)), level - 1);
	}
	return n;
}

bool mm_has_wx(void)
{
	return count_wx(m2p_l3, 3) + count_wx(hv_l3, 3) +
	       count_wx(directmap_l3, 3) != 0;
}

bool mm_is_mapped(uint64_t va)
{
	const uint64_t *table = mfn_virt(tlb_idle_root());

	for (unsigned shift = 39;; shift -= 9) {
		uint64_t e = table[va >> shift & 511];

		if (!(e & PTE_P))
			return false;
		if (shift == 12 || e & PTE_PSE)
			return true;
		table = mfn_virt(pte_mfn(e));
	}
}

void mm_init(const struct boot_memory *free_ram, uint64_t highest_mfn)
{
	boot_ram = *free_ram;
	max_mfn = highest_mfn;

	/* CR3 is still boot_l4: the identity map keeps the tables reachable
	 * while the direct map grows past 4 GiB. */
	memcpy(&idle_l4[HV_SLOT_FIRST], &boot_l4[HV_SLOT_FIRST],
	       (HV_SLOT_LAST - HV_SLOT_FIRST + 1) * 8);
	map_direct();
	map_table(FRAMETABLE_VIRT, (max_mfn + 1) * sizeof(struct page), 0);
	map_table(M2P_RW_VIRT, (max_mfn + 1) * sizeof(uint64_t), M2P_RO_VIRT);
	map_image();
	write_cr4(read_cr4() & ~(1ull << 7));
	write_cr3(tlb_idle_root().n << PAGE_SHIFT);
	memset((void *)M2P_RW_VIRT, 0xff, (max_mfn + 1) * sizeof(uint64_t));

	for (uint32_t i = 0; i < boot_ram.nr; i++)
		frames_add(MFN(boot_ram.ram[i].start >> PAGE_SHIFT),
			   MFN(boot_ram.ram[i].end >> PAGE_SHIFT));
	allocator_up = true;
}
