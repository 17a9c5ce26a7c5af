/*
 * mm.c: start-of-day page tables, the page allocator and the window.
 *
 * The builder maps the first pages of memory only; mm_init maps the rest.  A
 * new page table is filled while it is ordinary memory, made read-only, then
 * hooked in; from there on the hypervisor owns its contents.
 *
 * Free pages are bits in one map (set: free), which lies in the first free
 * page after the boot area.
 */
#include "kit/mm.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <xen/memory.h>

#include "kit/hypercall.h"
#include "kit/kit.h"

static const uint64_t *const m2p = (const uint64_t *)MACH2PHYS_VIRT_START;
static uint64_t *p2m;
static uint8_t *free_map;
static size_t nr_pages, nr_free, search_from;
static uint8_t window_used[WINDOW_PAGES / 8];

static bool bit_test(const uint8_t *map, size_t n)
{
	return map[n / 8] & (1u << n % 8);
}

static void bits_set(uint8_t *map, size_t first, size_t n, bool value)
{
	for (size_t i = first; i < first + n; i++) {
		if (value)
			map[i / 8] |= 1u << i % 8;
		else
			map[i / 8] &= ~(1u << i % 8);
	}
}

/* The first of n bits in a row with that value in [from, end), or end. */
static size_t bits_find(const uint8_t *map, size_t from, size_t end, size_t n,
			bool value)
{
	size_t run = 0;

	for (size_t i = from; i < end; i++) {
		run = bit_test(map, i) == value ? run + 1 : 0;
		if (run == n)
			return i + 1 - n;
	}
	return end;
}

uint64_t pfn_to_mfn(uint64_t pfn)
{
	return p2m[pfn];
}

uint64_t mfn_to_pfn(uint64_t mfn)
{
	return m2p[mfn];
}

uint64_t va_to_mfn(const void *va)
{
	return p2m[va_to_pfn(va)];
}

uint64_t *pt_root(void)
{
	return (uint64_t *)start_info->pt_base;
}

uint64_t *pte_at(const void *va, unsigned int level)
{
	uint64_t *table = pt_root();

	for (unsigned int l = 4;; l--) {
		unsigned int shift = PAGE_SHIFT + 9 * (l - 1);
		uint64_t *e = &table[(uint64_t)va >> shift & (PT_ENTRIES - 1)];

		if (l == level)
			return e;
		if (!(*e & PTE_P))
			return NULL;
		table = pfn_to_va(mfn_to_pfn((*e & PTE_ADDR) >> PAGE_SHIFT));
	}
}

uint64_t pte_maddr(const void *va, unsigned int level)
{
	uint64_t *e = pte_at(va, level);

	if (!e)
		return 0;
	return (va_to_mfn(e) << PAGE_SHIFT) + ((uint64_t)e & (PAGE_SIZE - 1));
}

int pte_set(const void *va, uint64_t pte)
{
	return hypercall3(__HYPERVISOR_update_va_mapping, va, pte,
			  UVMF_INVLPG | UVMF_LOCAL);
}

int mmu_set(uint64_t maddr, uint64_t value)
{
	struct mmu_update u = { .ptr = maddr | MMU_NORMAL_PT_UPDATE,
				.val = value };

	return hypercall4(__HYPERVISOR_mmu_update, &u, 1, NULL, DOMID_SELF);
}

int mmuext(unsigned int cmd, uint64_t mfn)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };

	return hypercall4(__HYPERVISOR_mmuext_op, &op, 1, NULL, DOMID_SELF);
}

void page_exchanged(const void *page)
{
	p2m[va_to_pfn(page)] = (*pte_at(page, 1) & PTE_ADDR) >> PAGE_SHIFT;
}

int page_protect(void *page)
{
	return pte_set(page, va_to_mfn(page) << PAGE_SHIFT | PTE_LEAF_RO);
}

int page_unprotect(void *page)
{
	return pte_set(page, va_to_mfn(page) << PAGE_SHIFT | PTE_LEAF_RW);
}

/* Hook table, filled already, into the entry of va at level. */
static int table_hook(void *table, const void *va, unsigned int level)
{
	int rc = page_protect(table);

	if (!rc)
		rc = mmu_set(pte_maddr(va, level),
			     va_to_mfn(table) << PAGE_SHIFT | PTE_TABLE);
	return rc;
}

int pt_populate(const void *va)
{
	for (unsigned int level = 4; level > 1; level--) {
		void *table;
		int rc;

		if (*pte_at(va, level) & PTE_P)
			continue;
		table = pages_alloc_zeroed(1);
		if (!table)
			return -ENOMEM;
		rc = table_hook(table, va, level);
		if (rc)
			return rc;
	}
	return 0;
}

void *pages_alloc(size_t n)
{
	size_t first = bits_find(free_map, search_from, nr_pages, n, true);

	if (first == nr_pages)
		first = bits_find(free_map, 0, nr_pages, n, true);
	if (first == nr_pages)
		return NULL;
	bits_set(free_map, first, n, false);
	nr_free -= n;
	search_from = first + n;
	return pfn_to_va(first);
}

void *pages_alloc_zeroed(size_t n)
{
	void *p = pages_alloc(n);

	if (p)
		memset(p, 0, n * PAGE_SIZE);
	return p;
}

void pages_free(void *p, size_t n)
{
	size_t first = va_to_pfn(p);

	bits_set(free_map, first, n, true);
	nr_free += n;
	if (first < search_from)
		search_from = first;
}

size_t pages_nr_free(void)
{
	return nr_free;
}

/* ---- pages that the hypervisor has, and the guest has not ---- */

#define BATCH	128	/* pages a hypercall */

/* Map the n pages of list, or nothing there; the number of those done. */
static size_t ptes_set(char *va, const xen_pfn_t *list, size_t n, bool map)
{
	struct mmu_update u[BATCH];
	uint32_t done = 0;

	for (size_t i = 0; i < n; i++) {
		u[i].ptr = pte_maddr(va + i * PAGE_SIZE, 1) |
			   MMU_NORMAL_PT_UPDATE;
		u[i].val = map ? list[i] << PAGE_SHIFT | PTE_LEAF_RW : 0;
	}
	hypercall4(__HYPERVISOR_mmu_update, u, n, &done, DOMID_SELF);
	return done;
}

/* Hand over, or take, n extents; how many it were. */
static size_t reservation(unsigned int cmd, xen_pfn_t *list, size_t n)
{
	struct xen_memory_reservation r = { .nr_extents = n,
					    .domid = DOMID_SELF };
	long rc;

	set_xen_guest_handle(r.extent_start, list);
	rc = hypercall2(__HYPERVISOR_memory_op, cmd, &r);
	return rc > 0 ? (size_t)rc : 0;
}

static size_t batch_release(char *va, size_t n)
{
	xen_pfn_t list[BATCH];
	size_t done;

	for (size_t i = 0; i < n; i++)
		list[i] = va_to_mfn(va + i * PAGE_SIZE);
	done = ptes_set(va, list, n, false);
	/* Or the TLB has the old frames still when others come here. */
	mmuext(MMUEXT_TLB_FLUSH_ALL, 0);
	done = reservation(XENMEM_decrease_reservation, list, done);
	for (size_t i = 0; i < done; i++)
		p2m[va_to_pfn(va) + i] = PFN_NONE;
	return done;
}

static size_t batch_regain(char *va, size_t n)
{
	xen_pfn_t list[BATCH];
	size_t got;

	for (size_t i = 0; i < n; i++)
		list[i] = va_to_pfn(va) + i;
	got = reservation(XENMEM_populate_physmap, list, n);
	for (size_t i = 0; i < got; i++)
		p2m[va_to_pfn(va) + i] = list[i];
	if (ptes_set(va, list, got, true) != got)
		panic("pages of our own cannot be mapped");
	return got;
}

static size_t batches(size_t (*fn)(char *va, size_t n), char *va, size_t n)
{
	size_t done = 0, want, got;

	do {
		want = n - done < BATCH ? n - done : BATCH;
		got = fn(va + done * PAGE_SIZE, want);
		done += got;
	} while (done < n && got == want);
	return done;
}

size_t pages_release(void *p, size_t n)
{
	return batches(batch_release, p, n);
}

size_t pages_regain(void *p, size_t n)
{
	return batches(batch_regain, p, n);
}

void *window_alloc(size_t n)
{
	size_t first = bits_find(window_used, 0, WINDOW_PAGES, n, false);
	char *va = (char *)WINDOW_BASE + first * PAGE_SIZE;

	if (first == WINDOW_PAGES)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (pt_populate(va + i * PAGE_SIZE))
			return NULL;
	bits_set(window_used, first, n, true);
	return va;
}

void window_free(void *va, size_t n)
{
	size_t first = ((uint64_t)va - WINDOW_BASE) >> PAGE_SHIFT;

	bits_set(window_used, first, n, false);
}

void *window_map(uint64_t mfn, uint64_t flags)
{
	void *va = window_alloc(1);

	if (!va)
		return NULL;
	if (pte_set(va, mfn << PAGE_SHIFT | flags)) {
		window_free(va, 1);
		return NULL;
	}
	return va;
}

static bool mapped(uint64_t pfn)
{
	uint64_t *e = pte_at(pfn_to_va(pfn), 1);

	return e && (*e & PTE_P);
}

/* Map pfn, which is the first of a page table, and all that it covers. */
static int linear_map_table(uint64_t pfn)
{
	uint64_t *table = pages_alloc_zeroed(1);
	const void *va = pfn_to_va(pfn);
	uint64_t end = pfn + PT_ENTRIES;

	if (!table)
		return -ENOMEM;
	for (unsigned int i = 0; pfn < end && pfn < nr_pages; i++, pfn++)
		if (p2m[pfn] != PFN_NONE)
			table[i] = p2m[pfn] << PAGE_SHIFT | PTE_LEAF_RW;
	if (!(*pte_at(va, 3) & PTE_P)) {
		void *l2 = pages_alloc_zeroed(1);

		if (!l2 || table_hook(l2, va, 3))
			return -ENOMEM;
	}
	return table_hook(table, va, 2);
}

static void linear_extend(uint64_t pfn)
{
	while (pfn < nr_pages) {
		uint64_t first = pfn;
		int rc;

		if (pfn % PT_ENTRIES) {
			rc = pte_set(pfn_to_va(pfn),
				     p2m[pfn] << PAGE_SHIFT | PTE_LEAF_RW);
			pfn++;
		} else {
			rc = linear_map_table(pfn);
			pfn += PT_ENTRIES;
		}
		if (rc)
			panic("cannot map pfn %lx: %d", first, rc);
		if (pfn > nr_pages)
			pfn = nr_pages;
		pages_free(pfn_to_va(first), pfn - first);
	}
}

void mm_init(void)
{
	uint64_t first, end;
	size_t map_pages;

	p2m = (uint64_t *)start_info->mfn_list;
	nr_pages = start_info->nr_pages;
	if (nr_pages > LINEAR_PAGES)
		nr_pages = LINEAR_PAGES;

	/* After the builder's tables comes its stack, then nothing. */
	first = va_to_pfn((void *)start_info->pt_base) +
		start_info->nr_pt_frames + 1;
	for (end = first; end < nr_pages && mapped(end); end++)
		;
	map_pages = (nr_pages / 8 + PAGE_SIZE) / PAGE_SIZE;
	if (first + map_pages > end)
		panic("no memory to start with");
	free_map = pfn_to_va(first);
	memset(free_map, 0, map_pages * PAGE_SIZE);
	first += map_pages;
	pages_free(pfn_to_va(first), end - first);
	linear_extend(end);
}
