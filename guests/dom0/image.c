/*
 * image.c: kernel, ramdisk, P2M list, start_info and page tables.
 *
 * Entries of page tables: upper levels P RW US A D, leaves P RW A, and leaves
 * that map a page table without RW, since the hypervisor takes no other.
 */
#include "dom0/image.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <xen/xen.h>

#define PAGE		4096ull
#define ENTRIES		512
#define PTE_P		0x01ull
#define PTE_RW		0x02ull
#define PTE_US		0x04ull
#define PTE_A		0x20ull
#define PTE_D		0x40ull

static bool pages_hold(const struct pages *p, uint64_t pfn)
{
	return pfn >= p->first && pfn - p->first < p->count;
}

static bool is_table(const struct layout *l, uint64_t pfn)
{
	for (unsigned int level = 1; level <= PT_LEVELS; level++)
		if (pages_hold(&l->linear.table[level], pfn) ||
		    pages_hold(&l->p2m_map.table[level], pfn))
			return true;
	return false;
}

static uint64_t pte(const struct image *im, uint64_t pfn, uint64_t flags)
{
	return im->mfns[pfn] << 12 | flags;
}

/*
 * The part that mapping m has in its table page number index at level: the
 * entries whose addresses lie in it.
 */
static void table_fill(const struct image *im, const struct mapping *m,
		       unsigned int level, uint64_t index, uint64_t *entries)
{
	unsigned int shift = 12 + 9 * (level - 1);
	uint64_t first = m->va >> shift;
	uint64_t last = (m->va + m->target.count * PAGE - 1) >> shift;
	uint64_t base = level == PT_LEVELS ? first & ~(ENTRIES - 1ull)
			: ((m->va >> (shift + 9)) + index) * ENTRIES;

	for (unsigned int i = 0; i < ENTRIES; i++) {
		uint64_t n = base + i, target;

		if (n < first || n > last)
			continue;
		n -= first;
		if (level > 1) {
			entries[i] = pte(im, m->table[level - 1].first + n,
					 PTE_P | PTE_RW | PTE_US | PTE_A |
						 PTE_D);
			continue;
		}
		target = m->target.first + n;
		entries[i] = pte(im, target, is_table(im->layout, target) ?
				 PTE_P | PTE_A : PTE_P | PTE_RW | PTE_A);
	}
}

static bool table_page(const struct image *im, uint64_t pfn, void *page)
{
	const struct mapping *maps[] = {
		&im->layout->linear, &im->layout->p2m_map,
	};
	bool any = false;

	for (unsigned int i = 0; i < 2; i++) {
		for (unsigned int level = 1; level <= PT_LEVELS; level++) {
			const struct pages *t = &maps[i]->table[level];

			if (!maps[i]->target.count || !pages_hold(t, pfn))
				continue;
			table_fill(im, maps[i], level, pfn - t->first, page);
			any = true;
		}
	}
	return any;
}

/* Copy what part of [from, from + size) lies in the page at offset at. */
static bool part_copy(uint8_t *page, uint64_t at, const void *data,
		      uint64_t from, uint64_t size)
{
	uint64_t start = from > at ? from : at;
	uint64_t end = from + size < at + PAGE ? from + size : at + PAGE;

	if (start >= end)
		return false;
	memcpy(page + (start - at), (const uint8_t *)data + (start - from),
	       end - start);
	return true;
}

/*
 * The ABI's hypercall page: 32 bytes for each hypercall.  That of iret does
 * not come back, and leaves its frame to the hypervisor.
 */
static void hypercall_page_fill(uint8_t *page)
{
	static const uint8_t call[] = {
		0x51, 0x41, 0x53,		/* push rcx; push r11 */
		0xb8, 0, 0, 0, 0,		/* mov $nr, eax */
		0x0f, 0x05,			/* syscall */
		0x41, 0x5b, 0x59, 0xc3,		/* pop r11; pop rcx; ret */
	};
	static const uint8_t iret[] = {
		0x51, 0x41, 0x53, 0x50,		/* push rcx, r11, rax */
		0xb8, __HYPERVISOR_iret, 0, 0, 0,
		0x0f, 0x05,
	};

	memset(page, 0xcc, PAGE);
	for (unsigned int nr = 0; nr < PAGE / 32; nr++) {
		memcpy(page + nr * 32, call, sizeof(call));
		page[nr * 32 + 4] = nr;
	}
	memcpy(page + __HYPERVISOR_iret * 32, iret, sizeof(iret));
}

static bool kernel_page(const struct image *im, uint64_t pfn, void *page)
{
	uint64_t paddr = im->layout->paddr_base + pfn * PAGE;
	bool any = false;

	if (pfn == im->layout->hypercall_page) {
		hypercall_page_fill(page);
		return true;
	}
	for (unsigned int i = 0; i < im->elf->nr_segments; i++) {
		const struct elf_segment *s = &im->elf->segments[i];

		any |= part_copy(page, paddr, s->data, s->paddr, s->filesz);
	}
	return any;
}

static void start_info_fill(const struct image *im, struct start_info *si)
{
	const struct layout *l = im->layout;

	snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
	si->nr_pages = l->nr_pages;
	si->shared_info = im->shared_info_mfn * PAGE;
	si->store_mfn = im->mfns[l->xenstore];
	si->store_evtchn = im->xenstore_port;
	si->console.domU.mfn = im->mfns[l->console];
	si->console.domU.evtchn = im->console_port;
	si->pt_base = layout_va(l, l->linear.table[4].first);
	si->nr_pt_frames = layout_nr_pt_frames(l);
	si->mfn_list = l->p2m_va;
	if (l->p2m_map.target.count) {
		si->first_p2m_pfn = l->p2m.first;
		si->nr_p2m_frames = layout_nr_p2m_frames(l);
	}
	if (im->ramdisk_bytes) {
		si->mod_len = im->ramdisk_bytes;
		si->mod_start = l->ramdisk_mapped ?
			layout_va(l, l->ramdisk.first) : l->ramdisk.first;
		if (!l->ramdisk_mapped)
			si->flags |= SIF_MOD_START_PFN;
	}
	snprintf((char *)si->cmd_line, sizeof(si->cmd_line), "%s", im->cmdline);
}

bool image_page(const struct image *im, uint64_t pfn, void *page)
{
	const struct layout *l = im->layout;

	memset(page, 0, PAGE);
	if (pages_hold(&l->kernel, pfn))
		return kernel_page(im, pfn, page);
	if (pages_hold(&l->ramdisk, pfn))
		return part_copy(page, (pfn - l->ramdisk.first) * PAGE,
				 im->ramdisk, 0, im->ramdisk_bytes);
	if (pages_hold(&l->p2m, pfn))
		return part_copy(page, (pfn - l->p2m.first) * PAGE, im->mfns,
				 0, l->nr_pages * sizeof(*im->mfns));
	if (pfn == l->start_info) {
		start_info_fill(im, page);
		return true;
	}
	return table_page(im, pfn, page);
}
