/*
 * grant.c: the grant table, and mappings of others' grants.
 *
 * References 0 to 7 are reserved: the builder seeds 0 and 1.  Free ones are on a
 * list; when it is empty the table grows by a frame.
 */
#include "kit/grant.h"

#include <errno.h>
#include <stddef.h>

#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"

#define REFS_RESERVED	8

#define FRAMES_MAX	4
#define FREE_NONE	0	/* the list's end: a reserved reference */

struct grant_entry_v1 *grant_table;
static unsigned int nr_frames;
static uint16_t free_next[FRAMES_MAX * GRANT_REFS], free_first = FREE_NONE;

/* One frame more, mapped behind the others; its references are free. */
static int table_grow(void)
{
	unsigned int first = nr_frames ? nr_frames * GRANT_REFS : REFS_RESERVED;
	unsigned int end = (nr_frames + 1) * GRANT_REFS;
	xen_pfn_t frame[FRAMES_MAX];
	struct gnttab_setup_table op = {
		.dom = DOMID_SELF,
		.nr_frames = nr_frames + 1,
	};

	if (nr_frames == FRAMES_MAX)
		return -ENOSPC;
	set_xen_guest_handle(op.frame_list, frame);
	if (hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, &op,
		       1) || op.status != GNTST_okay ||
	    pte_set((char *)grant_table + nr_frames * PAGE_SIZE,
		    frame[nr_frames] << PAGE_SHIFT | PTE_LEAF_RW))
		return -ENOSPC;
	nr_frames++;
	while (end-- > first) {
		free_next[end] = free_first;
		free_first = end;
	}
	return 0;
}

void grant_init(void)
{
	if (grant_table)
		return;
	grant_table = window_alloc(FRAMES_MAX);
	if (!grant_table || table_grow())
		panic("no grant table");
}

int grant_access(domid_t remote, uint64_t mfn, bool readonly)
{
	unsigned int ref;

	if (free_first == FREE_NONE && table_grow())
		return -ENOSPC;
	ref = free_first;
	free_first = free_next[ref];
	grant_table[ref].domid = remote;
	grant_table[ref].frame = mfn;
	/* The flags make the rest valid. */
	__atomic_store_n(&grant_table[ref].flags, GTF_permit_access |
			 (readonly ? GTF_readonly : 0), __ATOMIC_RELEASE);
	return ref;
}

bool grant_end(unsigned int ref)
{
	uint16_t *flags = &grant_table[ref].flags;
	uint16_t old = __atomic_load_n(flags, __ATOMIC_ACQUIRE);

	do {
		if (old & (GTF_reading | GTF_writing))
			return false;
	} while (!__atomic_compare_exchange_n(flags, &old, 0, false,
					      __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	free_next[ref] = free_first;
	free_first = ref;
	return true;
}

int grant_map(struct grant_mapping *m, domid_t remote, uint32_t ref,
	      bool readonly)
{
	struct gnttab_map_grant_ref op = {
		.flags = GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0),
		.ref = ref,
		.dom = remote,
	};

	m->va = window_alloc(1);
	if (!m->va)
		return GNTST_no_device_space;
	op.host_addr = (uint64_t)m->va;
	if (hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
		       &op, 1))
		op.status = GNTST_general_error;
	if (op.status != GNTST_okay) {
		window_free(m->va, 1);
		m->va = NULL;
	}
	m->handle = op.handle;
	return op.status;
}

int grant_unmap(struct grant_mapping *m)
{
	struct gnttab_unmap_grant_ref op = {
		.host_addr = (uint64_t)m->va,
		.handle = m->handle,
	};

	if (!m->va)
		return GNTST_okay;
	if (hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref,
		       &op, 1))
		return GNTST_general_error;
	if (op.status != GNTST_okay)
		return op.status;
	window_free(m->va, 1);
	m->va = NULL;
	return GNTST_okay;
}
