/*
 * mm.h: guests' memory: reservations, page tables, translations.
 *
 * One path validates every change of a guest's page table (mm/pagetable.c),
 * whether it comes by mmu_update, update_va_mapping, a grant or a trapped
 * store.  It runs under the owner's mm_lock.
 */
#ifndef MM_H
#define MM_H

#include "page.h"
#include "types.h"

struct domain;
struct vcpu;

/* Page-table entry bits. */
#define PTE_P		(1ull << 0)
#define PTE_RW		(1ull << 1)
#define PTE_US		(1ull << 2)
#define PTE_PWT		(1ull << 3)
#define PTE_PCD		(1ull << 4)
#define PTE_A		(1ull << 5)
#define PTE_D		(1ull << 6)
#define PTE_PSE		(1ull << 7) /* PAT in an L1 entry */
#define PTE_G		(1ull << 8)
#define PTE_AVL		(7ull << 9)
#define PTE_AVL_HIGH	(0x7full << 52)
#define PTE_GRANT	(1ull << 62) /* L1: taken and dropped by grant_table_op only */
#define PTE_PKEY	(7ull << 59)
#define PTE_NX		(1ull << 63)
#define PTE_ADDR	0x000ffffffffff000ull

static inline mfn_t pte_mfn(uint64_t pte)
{
	return MFN((pte & PTE_ADDR) >> PAGE_SHIFT);
}

static inline uint64_t pte_make(mfn_t mfn, uint64_t flags)
{
	return mfn.n << PAGE_SHIFT | flags;
}

/* ---- reservations (mm/reserve.c) ---- */

/* nr frames for d, zeroed, with m2p entries pfn, pfn + 1, ...; all or none:
 * 0, -ENOMEM, or -ERESTART with *done counted up. */
int mm_reserve(struct domain *d, uint64_t nr, uint64_t pfn, uint64_t *done);

/* The n-th frame of d in the order of reservation; only while d is not started. */
mfn_t mm_nth_frame(struct domain *d, uint64_t n, mfn_t hint);

/*
 * Give back everything: roots, pins, frames.  Every vcpu is off its CPU for
 * good.  0 or -ERESTART: call again.  What others still map by grants remains
 * and is freed as it is unmapped.
 */
int mm_relinquish(struct domain *d);

/* m2p entry of a frame; INVALID_M2P where there is none. */
#define INVALID_M2P (~0ull)
void m2p_set(mfn_t mfn, uint64_t pfn);
uint64_t m2p_get(mfn_t mfn);

/*
 * Pin a table of d in the role, for who builds a domain before it runs.  0,
 * -EINVAL, -EBUSY, or -ERESTART: call again.
 */
int mm_pin(struct domain *d, mfn_t mfn, enum page_type type);

/* Frames that GRUB filled, at boot: to d with an m2p entry, or free. */
void mm_give_boot_frame(struct domain *d, mfn_t mfn, uint64_t pfn);
void mm_free_boot_frames(mfn_t start, uint64_t nr);

/* ---- grants' way into page tables (mm/grant_pte.c) ---- */

/*
 * Map frame mfn (the caller holds its reference and, if writable, its writable
 * use: they belong to the mapping's grant handle) at va of v's kernel address
 * space, or clear such a mapping.  flags: PTE_RW or 0, PTE_AVL bits.
 * map: 0, -EINVAL no L1 covers va.  What was there before is dropped.
 * unmap: 0, -EINVAL when the entry does not map mfn with those flags; new_va != 0: the entry of
 * new_va moves here and new_va's is cleared (unmap_and_replace).
 */
int mm_grant_map(struct vcpu *v, uint64_t va, mfn_t mfn, uint64_t flags);
int mm_grant_unmap(struct vcpu *v, uint64_t va, mfn_t mfn, uint64_t flags,
		   uint64_t new_va);

/* ---- exchange of frames (mm/exchange.c) ---- */

/*
 * give, of frames_alloc(0) or from an exchange, takes the place of the frame that
 * d's live L1 entry at machine address pte maps: entry flags, m2p number and
 * the count of d's frames stay.  Its bytes are d's from now on.  *got is the
 * hypervisor's own, but d can write it until tlb_flush_frame(*got, d): only
 * then may it serve another.  0; -EINVAL no entry of d's that maps writably,
 * other than by a grant, a frame of d; -EBUSY the frame has any other use (a second
 * mapping, a grant in use, a pin).  Takes d's mm_lock.
 */
int mm_exchange(struct domain *d, uint64_t pte, struct page *give,
		struct page **got);

/* The frame that such an entry maps, with a writable use: end it with
 * page_put_type().  0, -EINVAL, -EBUSY it has another role.  Takes mm_lock. */
int mm_get_mapped(struct domain *d, uint64_t pte, struct page **pg);

/* ---- translations (mm/tlb.c) ---- */

extern uint64_t tlb_flushes, tlb_ipis; /* counted since boot */

/* All of a domain's translations on every CPU that may hold some. */
void tlb_flush_domain(struct domain *d);

/* Before pg takes a new role or owner: flush where a stale one may live. */
void tlb_flush_frame(struct page *pg, struct domain *owner);

/* ---- hypercalls ---- */

long do_mmu_update(uint64_t ureqs, unsigned count, uint64_t pdone,
		   unsigned foreigndom);
long do_mmuext_op(uint64_t uops, unsigned count, uint64_t pdone,
		  unsigned foreigndom);
long do_update_va_mapping(uint64_t va, uint64_t val, uint64_t flags);
long do_update_va_mapping_otherdomain(uint64_t va, uint64_t val,
				      uint64_t flags, unsigned domid);
long do_memory_op(uint64_t cmd, uint64_t arg);
long do_set_gdt(uint64_t frames, unsigned ents);
long do_update_descriptor(uint64_t maddr, uint64_t desc);

/* ---- at boot ---- */

struct boot_memory {
	uint32_t nr;
	struct {
		paddr_t start, end;
	} ram[64]; /* sorted, whole pages, nothing of ours in them */
};

void mm_init(const struct boot_memory *free_ram, uint64_t highest_mfn);

/* For the line that says what is on: a look at the tables as they are. */
bool mm_has_wx(void);
bool mm_is_mapped(uint64_t va);

/* One walk over everything; returns how much is wrong (mm/audit.c). */
uint64_t mm_audit(uint64_t *frames);
/* For grant_audit(): one reference, and a writable use, of a frame. */
void audit_count(mfn_t mfn, bool use);

#endif
