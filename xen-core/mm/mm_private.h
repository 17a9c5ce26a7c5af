/* mm_private.h: between mm/ and the parts of cpu/ that hold translations. */
#ifndef MM_PRIVATE_H
#define MM_PRIVATE_H

#include "domain.h"
#include "mm.h"
#include "page.h"

#define TABLE_ENTRIES	512

/* In the count of a list: the rest of one that was preempted. */
#define MMU_UPDATE_PREEMPTED	(1u << 31)

static inline void clear_page(void *p)
{
	uint64_t n = PAGE_SIZE / 8;

	asm volatile("rep stosq" : "+D"(p), "+c"(n) : "a"(0) : "memory");
}

/* ---- init.c ---- */
extern uint64_t boot_l4[512], idle_l4[512], m2p_l3[512], hv_l3[512],
	directmap_l3[512], section_l2[512];

/* Map frames at va in the hypervisor's part (4 KiB); the tables are made as
 * needed.  Boot or under the heap's lock. */
void hv_map(uint64_t va, mfn_t mfn, uint64_t flags);

/* The 32 PTEs of a CPU's descriptor window; boot of that CPU. */
uint64_t *window_create(uint64_t va);

static inline paddr_t hv_phys(const void *image_virt)
{
	return (uint64_t)image_virt - SECTION_VIRT;
}

/* ---- buddy.c ---- */
void frames_add(mfn_t start, mfn_t end); /* boot: [start, end) is free */

/* ---- tlb.c ---- */
extern uint32_t tlb_clock;
void tlb_load_root(mfn_t root);	/* CR3, counted as a full flush of this CPU */
mfn_t tlb_idle_root(void);
void tlb_flush_local(void);
void tlb_flush_cpus(uint64_t mask);	/* everything, this CPU too if in it */
void tlb_flush_va(uint64_t mask, uint64_t va);
/* A frame goes to a new owner: flush CPUs that have not since its stamp. */
void tlb_flush_stale(uint32_t stamp);

/* ---- page.c ---- */
void page_give(struct page *pg, struct domain *d); /* from the allocator to d */
/* Drop what an L1 entry of d holds: a reference, or a writable use. */
void page_put_mapping(struct page *pg, struct domain *d);
void page_put_writable(struct page *pg, struct domain *d);
/* The pin's mark; true when that changed it. */
bool page_set_pinned(struct page *pg);
bool page_clear_pinned(struct page *pg);
/* At a domain's end: the use that a stopped validation holds is ours now. */
bool page_take_saved_ref(struct page *pg);
void page_hold_saved_ref(struct page *pg);
/*
 * by, a frame of the hypervisor's own, becomes d's with one writable use in
 * place of pg, whose one writable mapping is now by's; pg is the hypervisor's
 * own.  Under mm_lock, which keeps the mapping.  -EINVAL not d's; -EBUSY there
 * is any other use of pg.
 */
int page_replace(struct page *pg, struct page *by, struct domain *d);
/* Take the owner's own reference away: 0; -EINVAL when it is gone, or where pg
 * is the hypervisor's, which only shares it with d. */
int page_release(struct page *pg, struct domain *d);

/* ---- validate.c: called by page.c alone ---- */
/* Validate entries from pg->stamp on; 0, -EINVAL, -ERESTART (stamp = done). */
int table_validate(struct page *pg, struct domain *d, enum page_type type);
/* Drop what entries 0 .. stamp-1 hold; 0 or -ERESTART. */
int table_drop(struct page *pg, struct domain *d, enum page_type type,
	       bool preemptible);

/* Is this a table of the type whose entries hold their references? */
static inline bool page_is_table(const struct page *pg, enum page_type type)
{
	return pg->type == type && pg->type_refs &&
	       (pg->flags & PGF_VALIDATED);
}

/*
 * The reference that a present entry of a table of that type holds: take it
 * for e, which may be changed to what is to be stored (user bit, no global).
 * from owns the frames that L1 entries map.  0, -EINVAL, -EBUSY, -ERESTART.
 */
int entry_get(uint64_t *e, enum page_type type, struct domain *d,
	      struct domain *from);
/* Drop it.  Preemptible ones return -ERESTART with it still held. */
int entry_put(uint64_t e, enum page_type type, struct domain *d,
	      bool preemptible);

/* ---- pte.c ---- */
/*
 * Store new into the entry at table[index] of pg, a validated table of d.
 * PTE_KEEP_AD: what the CPU has set of A and D meanwhile stays.  expected: only
 * if the entry still holds that, else -EAGAIN.  0 or an error of entry_get();
 * -ERESTART with v->old_table set: the store is done, that is to be dropped.
 */
enum pte_how { PTE_SET, PTE_KEEP_AD };
int pte_update(struct vcpu *v, struct page *pg, unsigned index, uint64_t new,
	       struct domain *from, enum pte_how how, const uint64_t *expected);

/* Finish what v->old_table left: 0 or -ERESTART.  Under mm_lock. */
int old_table_finish(struct vcpu *v);

/* A guest's list of requests, and how far it has come (mmu_list.c). */
struct mmu_list {
	uint64_t reqs;		/* where the guest keeps it */
	uint64_t pdone;		/* where it wants to know how many, or 0 */
	uint64_t size;		/* bytes of a request */
	unsigned count;		/* as called; of requests after begin */
	unsigned foreigndom;
	unsigned done;		/* of count */
	unsigned before;	/* done by what this call continues */
};
/* -EFAULT: pdone of a continued call cannot be read. */
int mmu_list_begin(struct mmu_list *l);
/* The value to return: rc, or the continuation that -ERESTART asks for. */
long mmu_list_end(const struct mmu_list *l, unsigned op, int rc);

/*
 * The L1 table and index that map va under v's kernel root: the table's page,
 * or NULL.  Under mm_lock; no reference is taken.
 */
struct page *walk_l1(struct vcpu *v, uint64_t va, unsigned *index);

/* ---- va_mapping.c ---- */
int vcpumask_cpus(struct domain *d, uint64_t array, uint64_t *mask);

/* ---- root.c ---- */
/* MMUEXT_NEW_BASEPTR and NEW_USER_BASEPTR of the vcpu that runs; under mm_lock.
 * -ERESTART: it is done, v->old_table is to be dropped. */
int root_switch(struct vcpu *v, mfn_t root);
int root_user_switch(struct vcpu *v, mfn_t root);
int pin_table(struct domain *d, mfn_t mfn, enum page_type type);
int unpin_table(struct domain *d, mfn_t mfn);
/* Make a pinned L4 the kernel root of a vcpu that does not run. */
int mm_set_root(struct vcpu *v, mfn_t root);

/* ---- ptwr.c: a store of the guest kernel to a live L1. True when done. ---- */
bool ptwr_emulate(struct cpu_user_regs *regs, uint64_t va);

/* ---- descriptors ---- */
int vcpu_set_gdt(struct vcpu *v, const mfn_t *frames, uint32_t ents);
/* Under mm_lock; base and ents are checked. */
void vcpu_set_ldt(struct vcpu *v, uint64_t base, uint32_t ents);
void vcpu_drop_gdt(struct vcpu *v);
void vcpu_drop_ldt(struct vcpu *v);
void ldt_load(struct vcpu *v); /* LDTR of the vcpu that runs */
bool descriptor_ok(uint64_t *desc); /* adjusts the privilege level */

#endif
