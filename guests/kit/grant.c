/*
 * grant.c: one frame of grant table, and mappings of others' grants.
 *
 * References 0 to 7 are reserved: the builder seeds 0 and 1.
 */
#include "kit/grant.h"

#include <errno.h>
#include <stddef.h>

#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"

#define REFS_RESERVED	8

struct grant_entry_v1 *grant_table;

void grant_init(void)
{
	xen_pfn_t frame;
	struct gnttab_setup_table op = { .dom = DOMID_SELF, .nr_frames = 1 };

	set_xen_guest_handle(op.frame_list, &frame);
	if (hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, &op,
		       1) || op.status != GNTST_okay)
		panic("no grant table: status %d", op.status);
	grant_table = window_map(frame, PTE_LEAF_RW);
	if (!grant_table)
		panic("cannot map the grant table");
}

int grant_access(domid_t remote, uint64_t mfn, bool readonly)
{
	for (unsigned int ref = REFS_RESERVED; ref < GRANT_REFS; ref++) {
		struct grant_entry_v1 *e = &grant_table[ref];

		if (e->flags)
			continue;
		e->domid = remote;
		e->frame = mfn;
		/* The flags make the rest valid. */
		__atomic_store_n(&e->flags, GTF_permit_access |
				 (readonly ? GTF_readonly : 0),
				 __ATOMIC_RELEASE);
		return ref;
	}
	return -ENOSPC;
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
