/*
 * grant_op.c: grant_table_op: which operations there are, and the small ones.
 *
 * Not offered, -ENOSYS: transfer, version 2 and its status frames, swapping of
 * entries, cache flushes.  The small operations take one struct each (-EINVAL
 * for another count).
 */
#include "grant_private.h"
#include "guest_access.h"
#include "log.h"
#include "nospec.h"

/* The domain of an operation that dom0 may do for others, with a reference. */
static int target_get(uint16_t domid, struct domain **d)
{
	if (domid != DOMID_SELF && domid != current->d->domid &&
	    !current->d->privileged)
		return GNTST_permission_denied;
	*d = domain_get(domid);
	return *d ? GNTST_okay : GNTST_bad_domain;
}

/* ---- setup_table ---- */

/* Frames of a table never change once they are there. */
static int frames_list(struct domain *d, uint64_t list, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++) {
		xen_pfn_t mfn = page_mfn(virt_page(
			d->grants->frame[i]->entries)).n;

		if (copy_to_guest(list + i * sizeof(mfn), &mfn, sizeof(mfn)))
			return GNTST_bad_virt_addr;
	}
	return GNTST_okay;
}

static int setup(const struct gnttab_setup_table *op)
{
	struct domain *d;
	int rc = target_get(op->dom, &d);

	if (rc)
		return rc;
	rc = grant_grow(d, op->nr_frames);
	if (rc == GNTST_okay)
		rc = frames_list(d, (uint64_t)op->frame_list.p, op->nr_frames);
	domain_put(d);
	return rc;
}

static long op_setup_table(uint64_t arg, unsigned count)
{
	struct gnttab_setup_table op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	op.status = (int16_t)setup(&op);
	return copy_to_guest(arg, &op, sizeof(op));
}

/* ---- query_size ---- */

static long op_query_size(uint64_t arg, unsigned count)
{
	struct gnttab_query_size op;
	struct domain *d;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	op.nr_frames = 0;
	op.max_nr_frames = MAX_GRANT_FRAMES;
	op.status = (int16_t)target_get(op.dom, &d);
	if (op.status == GNTST_okay) {
		op.nr_frames = READ_ONCE(d->grants->nr_frames);
		domain_put(d);
	}
	return copy_to_guest(arg, &op, sizeof(op));
}

/* ---- versions ---- */

static long op_set_version(uint64_t arg, unsigned count)
{
	struct gnttab_set_version op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.version == 2)
		return -ENOSYS;
	return op.version == 1 ? 0 : -EINVAL;
}

static long op_get_version(uint64_t arg, unsigned count)
{
	struct gnttab_get_version op;
	struct domain *d;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = target_get(op.dom, &d);
	if (rc)
		return rc == GNTST_bad_domain ? -ESRCH : -EPERM;
	domain_put(d);
	op.version = 1;
	return copy_to_guest(arg, &op, sizeof(op));
}

/* ---- dump_table ---- */

static long op_dump_table(uint64_t arg, unsigned count)
{
	struct gnttab_dump_table op;
	struct domain *d;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	op.status = (int16_t)target_get(op.dom, &d);
	if (op.status == GNTST_okay) {
		log_guest(current->d, "grants of domain %u: %u frames, "
			  "%u mapped of others", d->domid,
			  READ_ONCE(d->grants->nr_frames),
			  READ_ONCE(d->grants->nr_maps));
		domain_put(d);
	}
	return copy_to_guest(arg, &op, sizeof(op));
}

static const struct {
	bool batch;		/* takes any count */
	long (*fn)(uint64_t arg, unsigned count);
} ops[] = {
	[GNTTABOP_map_grant_ref] = { true, grant_map_batch },
	[GNTTABOP_unmap_grant_ref] = { true, grant_unmap_batch },
	[GNTTABOP_unmap_and_replace] = { true, grant_replace_batch },
	[GNTTABOP_copy] = { true, grant_copy_batch },
	[GNTTABOP_setup_table] = { false, op_setup_table },
	[GNTTABOP_query_size] = { false, op_query_size },
	[GNTTABOP_set_version] = { false, op_set_version },
	[GNTTABOP_get_version] = { false, op_get_version },
	[GNTTABOP_dump_table] = { false, op_dump_table },
};

long do_grant_table_op(unsigned cmd, uint64_t arg, unsigned count)
{
	if (cmd >= ARRAY_SIZE(ops))
		return -ENOSYS;
	cmd = (unsigned)index_nospec(cmd, ARRAY_SIZE(ops));
	if (!ops[cmd].fn)
		return -ENOSYS;
	if (!ops[cmd].batch && count != 1)
		return -EINVAL;
	return ops[cmd].fn(arg, count);
}
