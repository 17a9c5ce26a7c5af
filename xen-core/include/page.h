/*
 * page.h: the frame table: who owns a frame, and as what it is used.
 *
 * A frame has two counts.  refs keeps it allocated: one for the owner while the
 * frame is in its reservation (PGF_ALLOCATED), and one for each use.  type_refs
 * counts uses in its present role, and the role changes only while type_refs is
 * 0, so that a frame which a guest can write is never at the same time a page
 * table or a descriptor page.  Isolation between domains rests on this.
 *
 * The counts are changed in mm/page.c alone, under the frame's own bit lock.
 * Roles that need validation (tables and descriptor pages) are taken and left
 * only under the owner's mm_lock; a grant mapping of another domain takes
 * PGT_WRITABLE without it.  No reference is ever lost: see mm/audit.c.
 */
#ifndef PAGE_H
#define PAGE_H

#include "types.h"

struct domain;

enum page_type {
	PGT_NONE,	/* not used in a role */
	PGT_L1,
	PGT_L2,
	PGT_L3,
	PGT_L4,
	PGT_SEG,	/* GDT or LDT page */
	PGT_WRITABLE,
};

#define PGF_ALLOCATED	(1u << 0)	/* owner holds a reference */
#define PGF_PINNED	(1u << 1)	/* a typed reference that stays until unpinned */
#define PGF_VALIDATED	(1u << 2)	/* the role's checks are done */
#define PGF_PARTIAL	(1u << 3)	/* validation or its undoing stopped half-way */
#define PGF_XEN		(1u << 4)	/* hypervisor's memory, shared with the owner */
#define PGF_SAVED_REF	(1u << 5)	/* a preempted operation holds a reference */
#define PGF_STALE	(1u << 6)	/* free: some CPU may map it since stamp */
#define PGF_REFUSED	(1u << 6)	/* in use: found invalid, being undone */
#define PGF_LOCK	(1u << 7)

struct page {
	uint32_t refs;		/* A */
	uint16_t owner;		/* domid; DOMID_XEN: none */
	uint8_t	 type;		/* P: enum page_type */
	uint8_t	 flags;		/* P: PGF_* */
	uint32_t type_refs;	/* P */
	uint32_t stamp;		/* P: tlb_clock when the last use ended; */
				/* or, with PGF_PARTIAL, entries done */
	union {
		uint32_t next;	/* mfn: owner's list (page_list_lock) or free list */
		uint32_t use;	/* allocated by the hypervisor for itself: 0, or */
	};			/* what its user notes */
	uint32_t prev;		/* mfn, as next */
};

extern struct page *frame_table; /* indexed by mfn */
extern uint64_t max_mfn;	 /* frames 0 .. max_mfn exist in the table */
extern uint64_t total_pages;	 /* RAM of the machine */

static inline struct page *page_of(mfn_t mfn)
{
	return mfn.n <= max_mfn ? &frame_table[mfn.n] : NULL;
}

static inline mfn_t page_mfn(const struct page *pg)
{
	return MFN((uint64_t)(pg - frame_table));
}

/*
 * Take a reference if d owns the frame.  Any context.  True on success.
 * A saturated count refuses.
 */
bool page_get(struct page *pg, const struct domain *d);

/* Drop a reference; the last one frees the frame. */
void page_put(struct page *pg);

/*
 * Take a reference and a use as type.  Under the owner's mm_lock unless type
 * is PGT_WRITABLE.  0; -EINVAL not d's frame; -EBUSY it has another role now;
 * -EINVAL what it holds is not valid as type; -ERESTART preempted half-way:
 * call again (the frame keeps what was done).
 */
int page_get_type(struct page *pg, struct domain *d, enum page_type type);

/* Undo page_get_type().  Not preemptible; a whole tree may come down. */
void page_put_type(struct page *pg);

/* The same, but may return -ERESTART with the use still held, partly undone. */
int page_put_type_preemptible(struct page *pg);

/*
 * Frame allocator (mm/buddy.c): 2^order contiguous frames of no owner, contents
 * not defined.  NULL when there are none.  Any context outside the log.
 */
#define PAGE_ORDER_MAX 18
struct page *frames_alloc(unsigned order);
void frames_free(struct page *pg, unsigned order);
uint64_t frames_free_count(void);

/*
 * A zeroed page of the hypervisor that is shared with d: d may map it writable,
 * it is not part of d's reservation.  Freed by page_share_end() once the last
 * mapping is gone.
 */
struct page *page_share_alloc(struct domain *d);
void page_share_end(struct page *pg, struct domain *d);

/* The same for nr pages in a row, 1 up to 1 << PAGE_ORDER_MAX; each is freed
 * when its own last mapping is gone. */
struct page *pages_share_alloc(struct domain *d, uint32_t nr);
void pages_share_end(struct page *pg, uint32_t nr, struct domain *d);

/* The hypervisor's own view of a frame, through the direct map. */
static inline void *mfn_virt(mfn_t mfn)
{
	return (void *)(DIRECTMAP_VIRT + (mfn.n << PAGE_SHIFT));
}

static inline void *page_virt(const struct page *pg)
{
	return mfn_virt(page_mfn(pg));
}

static inline struct page *virt_page(const void *directmap_virt)
{
	return &frame_table[((uint64_t)directmap_virt - DIRECTMAP_VIRT) >>
			    PAGE_SHIFT];
}

#endif
