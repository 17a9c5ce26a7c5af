/*
 * grant_copy.c: GNTTABOP_copy: bytes between two frames, each the caller's own
 * or granted to it.
 */
#include "grant_private.h"
#include "guest_access.h"
#include "hypercall.h"
#include "lib.h"
#include "mm.h"

/* One side of a copy, while it lasts. */
struct side {
	struct domain *granter;	/* NULL: the caller's own frame */
	uint32_t ref;
	bool	 readonly;
	struct page *pg;
};

static int own_begin(const struct gnttab_copy_ptr *p, struct side *s)
{
	struct domain *d = current->d;

	if (p->domid != DOMID_SELF && p->domid != d->domid)
		return GNTST_permission_denied;
	s->pg = page_of(MFN(p->u.gmfn));
	if (!s->pg)
		return GNTST_bad_page;
	if (s->readonly)
		return page_get(s->pg, d) ? GNTST_okay : GNTST_bad_page;
	return page_get_type(s->pg, d, PGT_WRITABLE) ? GNTST_bad_page :
						       GNTST_okay;
}

static int side_begin(const struct gnttab_copy_ptr *p, bool by_ref,
		      bool readonly, struct side *s)
{
	int rc;

	*s = (struct side){ .readonly = readonly, .ref = p->u.ref };
	if (!by_ref)
		return own_begin(p, s);
	s->granter = domain_get(p->domid);
	if (!s->granter)
		return GNTST_bad_domain;
	rc = grant_take(s->granter, s->ref, current->d->domid, readonly,
			&s->pg);
	if (rc)
		domain_put(s->granter);
	return rc;
}

static void side_end(const struct side *s)
{
	if (s->granter) {
		grant_give_back(s->granter, s->ref, s->readonly, s->pg);
		domain_put(s->granter);
	} else if (s->readonly) {
		page_put(s->pg);
	} else {
		page_put_type(s->pg);
	}
}

static int copy_check(const struct gnttab_copy *op)
{
	if (op->flags & ~(GNTCOPY_source_gref | GNTCOPY_dest_gref))
		return GNTST_general_error;
	if ((uint32_t)op->source.offset + op->len > PAGE_SIZE ||
	    (uint32_t)op->dest.offset + op->len > PAGE_SIZE)
		return GNTST_bad_copy_arg;
	return GNTST_okay;
}

static int copy_one(const struct gnttab_copy *op)
{
	struct side from, to;
	int rc = copy_check(op);

	if (rc)
		return rc;
	rc = side_begin(&op->source, op->flags & GNTCOPY_source_gref, true,
			&from);
	if (rc)
		return rc;
	rc = side_begin(&op->dest, op->flags & GNTCOPY_dest_gref, false, &to);
	if (rc == GNTST_okay) {
		/* Both may be the same frame. */
		memmove((char *)page_virt(to.pg) + op->dest.offset,
			(char *)page_virt(from.pg) + op->source.offset,
			op->len);
		side_end(&to);
	}
	side_end(&from);
	return rc;
}

long grant_copy_batch(uint64_t arg, unsigned count)
{
	struct gnttab_copy op;

	for (; count > 0; count--, arg += sizeof(op)) {
		if (copy_from_guest(&op, arg, sizeof(op)))
			return -EFAULT;
		op.status = (int16_t)copy_one(&op);
		if (copy_to_guest(arg + offsetof(struct gnttab_copy, status),
				  &op.status, sizeof(op.status)))
			return -EFAULT;
		if (count > 1 && hypercall_preempt())
			return hypercall_continue(
				__HYPERVISOR_grant_table_op, 3,
				(uint64_t)GNTTABOP_copy, arg + sizeof(op),
				(uint64_t)count - 1);
	}
	return 0;
}
