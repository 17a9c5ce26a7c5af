/*
 * grant_map.c: map_grant_ref, unmap_grant_ref, unmap_and_replace.
 *
 * Mappings are by virtual address in the caller's kernel page tables.  Not
 * offered: mapping by page-table entry (GNTST_general_error) and for devices
 * (GNTST_no_device_space).
 *
 * Ending a mapping has three steps in this order: the entry goes, the mapper's
 * translations are flushed, and only then the references are dropped and the
 * granter's flags cleared.  The flush is one for a batch.
 */
#include "grant_private.h"
#include "guest_access.h"
#include "hypercall.h"
#include "mm.h"

#define UNMAP_BATCH	32

/* ---- map ---- */

#define MAP_FLAGS	(GNTMAP_host_map | GNTMAP_readonly | \
			 GNTMAP_application_map | GNTMAP_guest_avail_mask)

/* The low three of the guest's bits become the entry's available ones. */
static uint64_t pte_flags(uint32_t flags)
{
	uint64_t pte = (uint64_t)(flags >> _GNTMAP_guest_avail0) << 9 & PTE_AVL;

	return pte | (flags & GNTMAP_readonly ? 0 : PTE_RW);
}

static int map_check(const struct gnttab_map_grant_ref *op)
{
	if (op->flags & GNTMAP_device_map)
		return GNTST_no_device_space;
	if (!(op->flags & GNTMAP_host_map) || op->flags & ~MAP_FLAGS)
		return GNTST_general_error;
	if (op->host_addr == 0 || op->host_addr % PAGE_SIZE)
		return GNTST_bad_virt_addr;
	return GNTST_okay;
}

/* The entry is taken: a handle, then the page table. */
static int map_taken(struct gnttab_map_grant_ref *op, struct domain *granter,
		     struct page *pg)
{
	struct map m = {
		.granter = granter,
		.va = op->host_addr,
		.ref = op->ref,
		.frame = (uint32_t)page_mfn(pg).n,
		.readonly = op->flags & GNTMAP_readonly,
	};
	int rc = map_add(current->d, &m, &op->handle);

	if (rc)
		return rc;
	if (mm_grant_map(current, op->host_addr, page_mfn(pg),
			 pte_flags(op->flags))) {
		map_end(current->d, op->handle);
		return GNTST_bad_virt_addr;
	}
	map_ready(current->d, op->handle);
	return GNTST_okay;
}

static int map_one(struct gnttab_map_grant_ref *op)
{
	struct domain *granter;
	struct page *pg;
	bool readonly = op->flags & GNTMAP_readonly;
	int rc = map_check(op);

	if (rc)
		return rc;
	granter = domain_get(op->dom);
	if (!granter)
		return GNTST_bad_domain;
	rc = grant_take(granter, op->ref, current->d->domid, readonly, &pg);
	if (rc == GNTST_okay) {
		rc = map_taken(op, granter, pg);
		if (rc == GNTST_okay) {
			op->dev_bus_addr = page_mfn(pg).n << PAGE_SHIFT;
			return rc;	/* the handle keeps the reference */
		}
		grant_give_back(granter, op->ref, readonly, pg);
	}
	domain_put(granter);
	return rc;
}

long grant_map_batch(uint64_t arg, unsigned count)
{
	struct gnttab_map_grant_ref op;

	for (; count > 0; count--, arg += sizeof(op)) {
		if (copy_from_guest(&op, arg, sizeof(op)))
			return -EFAULT;
		op.handle = 0;
		op.dev_bus_addr = 0;
		op.status = (int16_t)map_one(&op);
		if (copy_to_guest(arg, &op, sizeof(op)))
			return -EFAULT;
		if (count > 1 && hypercall_preempt())
			return hypercall_continue(
				__HYPERVISOR_grant_table_op, 3,
				(uint64_t)GNTTABOP_map_grant_ref,
				arg + sizeof(op), (uint64_t)count - 1);
	}
	return 0;
}

/* ---- unmap ---- */

/* One of a batch whose entry is gone, and whose references wait for the flush. */
struct unmapped {
	struct map m;
	uint32_t handle;
};

/* First step.  GNTST_*; okay: *u is to be finished. */
static int unmap_begin(uint64_t va, uint64_t new_va, uint32_t handle,
		       struct unmapped *u)
{
	int rc = map_begin_end(current->d, handle, &u->m);

	if (rc)
		return rc;
	u->handle = handle;
	if (u->m.va == va &&
	    mm_grant_unmap(current, va, MFN(u->m.frame),
			   u->m.readonly ? 0 : PTE_RW, new_va) == 0)
		return GNTST_okay;
	map_ready(current->d, handle);
	return GNTST_bad_virt_addr;
}

/* Second and third step, for all of them. */
static void unmap_finish(const struct unmapped *u, unsigned n)
{
	unsigned i;

	if (n == 0)
		return;
	tlb_flush_domain(current->d);
	for (i = 0; i < n; i++) {
		grant_give_back(u[i].m.granter, u[i].m.ref, u[i].m.readonly,
				page_of(MFN(u[i].m.frame)));
		map_end(current->d, u[i].handle);
		domain_put(u[i].m.granter);
	}
}

static int unmap_one(uint64_t arg, struct unmapped *u, bool *begun)
{
	struct gnttab_unmap_grant_ref op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.dev_bus_addr)
		op.status = GNTST_bad_dev_addr;
	else if (op.host_addr == 0)
		op.status = GNTST_bad_virt_addr;
	else
		op.status = (int16_t)unmap_begin(op.host_addr, 0, op.handle, u);
	*begun = op.status == GNTST_okay;
	return copy_to_guest(arg + offsetof(struct gnttab_unmap_grant_ref,
					    status),
			     &op.status, sizeof(op.status));
}

static int replace_one(uint64_t arg, struct unmapped *u, bool *begun)
{
	struct gnttab_unmap_and_replace op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.host_addr == 0 || op.new_addr == 0 || op.new_addr % PAGE_SIZE)
		op.status = GNTST_bad_virt_addr;
	else
		op.status = (int16_t)unmap_begin(op.host_addr, op.new_addr,
						 op.handle, u);
	*begun = op.status == GNTST_okay;
	return copy_to_guest(arg + offsetof(struct gnttab_unmap_and_replace,
					    status),
			     &op.status, sizeof(op.status));
}

/* What was begun is finished whatever happens to the guest's array. */
static long unmap_batches(unsigned cmd, size_t size, uint64_t arg,
			  unsigned count,
			  int (*one)(uint64_t, struct unmapped *, bool *))
{
	while (count > 0) {
		struct unmapped u[UNMAP_BATCH];
		unsigned n = 0, i, batch = MIN(count, UNMAP_BATCH);
		int rc = 0;

		for (i = 0; i < batch && rc == 0; i++, arg += size) {
			bool begun = false;

			rc = one(arg, &u[n], &begun);
			n += begun;
		}
		unmap_finish(u, n);
		if (rc)
			return rc;
		count -= batch;
		if (count > 0 && hypercall_preempt())
			return hypercall_continue(__HYPERVISOR_grant_table_op,
						  3, (uint64_t)cmd, arg,
						  (uint64_t)count);
	}
	return 0;
}

long grant_unmap_batch(uint64_t arg, unsigned count)
{
	return unmap_batches(GNTTABOP_unmap_grant_ref,
			     sizeof(struct gnttab_unmap_grant_ref), arg, count,
			     unmap_one);
}

long grant_replace_batch(uint64_t arg, unsigned count)
{
	return unmap_batches(GNTTABOP_unmap_and_replace,
			     sizeof(struct gnttab_unmap_and_replace), arg,
			     count, replace_one);
}
