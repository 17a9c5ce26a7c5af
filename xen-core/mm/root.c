/*
 * root.c: pinned tables and the roots of vcpus.
 *
 * A pin is a typed use that stays until it is taken back.  A vcpu's roots hold
 * a use each.
 */
#include "domain.h"
#include "io.h"
#include "mm_private.h"

int pin_table(struct domain *d, mfn_t mfn, enum page_type type)
{
	struct page *pg = page_of(mfn);
	int rc;

	if (!pg)
		return -EINVAL;
	rc = page_get_type(pg, d, type);
	if (rc)
		return rc;
	if (page_set_pinned(pg))
		return 0;
	page_put_type(pg); /* it was: that use is still there */
	return -EINVAL;
}

/* The pin's mark goes first, and comes back when the undoing is preempted. */
int unpin_table(struct domain *d, mfn_t mfn)
{
	struct page *pg = page_of(mfn);
	int rc;

	if (!pg || !page_get(pg, d))
		return -EINVAL;
	if (!page_clear_pinned(pg)) {
		page_put(pg);
		return -EINVAL;
	}
	rc = page_put_type_preemptible(pg);
	if (rc)
		page_set_pinned(pg);
	page_put(pg);
	return rc;
}

int mm_pin(struct domain *d, mfn_t mfn, enum page_type type)
{
	int rc;

	spin_lock(&d->mm_lock);
	rc = pin_table(d, mfn, type);
	spin_unlock(&d->mm_lock);
	return rc;
}

static int root_get(struct domain *d, mfn_t root)
{
	struct page *pg = page_of(root);

	return pg ? page_get_type(pg, d, PGT_L4) : -EINVAL;
}

static int root_put(struct vcpu *v, mfn_t root)
{
	struct page *pg = page_of(root);

	if (mfn_eq(root, MFN_NONE))
		return 0;
	if (page_put_type_preemptible(pg) == 0)
		return 0;
	v->old_table = pg;
	return -ERESTART;
}

int root_switch(struct vcpu *v, mfn_t root)
{
	mfn_t old = v->root_kernel;
	int rc;

	if (mfn_eq(root, old)) {
		tlb_flush_local();
		return 0;
	}
	rc = root_get(v->d, root);
	if (rc)
		return rc;
	v->root_kernel = root;
	tlb_load_root(root);
	return root_put(v, old);
}

int root_user_switch(struct vcpu *v, mfn_t root)
{
	mfn_t old = v->root_user;
	int rc;

	if (root.n == 0)
		root = MFN_NONE; /* a kernel thread: no user space */
	if (!mfn_eq(root, MFN_NONE)) {
		rc = root_get(v->d, root);
		if (rc)
			return rc;
	}
	v->root_user = root;
	return root_put(v, old);
}

int mm_set_root(struct vcpu *v, mfn_t root)
{
	struct page *pg = page_of(root);
	int rc = -EINVAL;

	spin_lock(&v->d->mm_lock);
	/* Pinned already, so that this is one step. */
	if (pg && pg->owner == v->d->domid && page_is_table(pg, PGT_L4))
		rc = root_get(v->d, root);
	if (!rc)
		v->root_kernel = root;
	spin_unlock(&v->d->mm_lock);
	return rc;
}
