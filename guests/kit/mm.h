/*
 * mm.h: the guest's frames and its address space.
 *
 * All own memory is mapped at VIRT_BASE + pfn * PAGE_SIZE ("linear").  What is
 * not the guest's own (grants, the grant table, shared pages) is mapped in the
 * window.  Page tables are read-only for us; changes go by hypercall.
 */
#ifndef KIT_MM_H
#define KIT_MM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kit/layout.h"

#define PAGE_SHIFT	12
#define PAGE_SIZE	4096ul

#define PTE_P		0x001ul
#define PTE_RW		0x002ul
#define PTE_US		0x004ul
#define PTE_A		0x020ul
#define PTE_D		0x040ul
#define PTE_PSE		0x080ul
#define PTE_NX		(1ul << 63)
#define PTE_ADDR	0x000ffffffffff000ul
#define PTE_LEAF_RW	(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PTE_LEAF_RO	(PTE_P | PTE_US | PTE_A)
#define PTE_TABLE	(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PT_ENTRIES	512

#define PFN_NONE	(~0ul)

void mm_init(void);

static inline void *pfn_to_va(uint64_t pfn)
{
	return (void *)(VIRT_BASE + (pfn << PAGE_SHIFT));
}

static inline uint64_t va_to_pfn(const void *va)
{
	return ((uint64_t)va - VIRT_BASE) >> PAGE_SHIFT;
}

/* pfn must be below start_info->nr_pages. */
uint64_t pfn_to_mfn(uint64_t pfn);
/* Of an own frame; what the m2p says of others means nothing here. */
uint64_t mfn_to_pfn(uint64_t mfn);
/* va in the linear area; offset in the page ignored. */
uint64_t va_to_mfn(const void *va);

/* A linear page's entry maps another frame now (sluice/flip.h). */
void page_exchanged(const void *page);

/* n pages in a row, uninitialised; NULL where there are none. */
void *pages_alloc(size_t n);
void *pages_alloc_zeroed(size_t n);
/* Also takes pages that never came from pages_alloc, such as boot modules. */
void pages_free(void *p, size_t n);
size_t pages_nr_free(void);

/*
 * Give n pages back to the hypervisor: they are unmapped and no longer the
 * guest's.  Returns how many it took.
 */
size_t pages_release(void *p, size_t n);

/*
 * Take pages back that pages_release() gave away: there is memory at p again,
 * zeroed.  Returns how many; fewer when the hypervisor has no more.
 */
size_t pages_regain(void *p, size_t n);

/* The page-table entry of va at level 1 to 4, NULL where a table is missing. */
uint64_t *pte_at(const void *va, unsigned int level);
/* The machine address of that entry, for mmu_update; 0 where there is none. */
uint64_t pte_maddr(const void *va, unsigned int level);
/* The root that the kernel runs on. */
uint64_t *pt_root(void);

/* update_va_mapping with INVLPG here; its result. */
int pte_set(const void *va, uint64_t pte);
/* One mmu_update: *maddr = value. */
int mmu_set(uint64_t maddr, uint64_t value);
/* One mmuext_op on a frame of the guest itself. */
int mmuext(unsigned int cmd, uint64_t mfn);

/* Build the tables down to level 1 for va; 0 or -ENOMEM or the hypervisor's. */
int pt_populate(const void *va);

/* Make a linear page read-only, as a page-table page must be; and back. */
int page_protect(void *page);
int page_unprotect(void *page);

/* n pages of address space with page tables but nothing mapped, or NULL. */
void *window_alloc(size_t n);
void window_free(void *va, size_t n);
/* The same with frame mfn and flags mapped there: one page. */
void *window_map(uint64_t mfn, uint64_t flags);

#endif
