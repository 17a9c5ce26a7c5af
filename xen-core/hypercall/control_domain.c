/*
 * control_domain.c: control operations on domains and their memory.
 *
 * dom0 builds a domain from outside: its frames, their contents, a pinned root
 * (by mmuext_op), a vcpu's context.  That is for a domain that has not run; one
 * that runs is only paused, told about, and ended.
 */
#include "control.h"
#include "cpu.h"
#include "domain.h"
#include "grant.h"
#include "guest_access.h"
#include "heap.h"
#include "hypercall.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include "nospec.h"

/* A reference to a domain other than the caller's. */
static int other_get(uint32_t domid, struct domain **d)
{
	if (domid > MAX_DOMID)
		return -ESRCH;
	if (domid == current->d->domid)
		return -EINVAL;
	*d = domain_get((uint16_t)domid);
	return *d ? 0 : -ESRCH;
}

/* The same for one that has not run, whose memory may be filled. */
static int unstarted_get(uint32_t domid, struct domain **d)
{
	int rc = other_get(domid, d);

	if (rc || !READ_ONCE((*d)->started))
		return rc;
	domain_put(*d);
	return -EBUSY;
}

/* ---- create ---- */

static int create_check(const struct sluice_create *cr)
{
	if (cr->flags || cr->pad || cr->name[SLUICE_NAME_MAX - 1])
		return -EINVAL;
	if (cr->nr_pages == 0 || cr->max_pages < cr->nr_pages)
		return -EINVAL;
	if (cr->nr_pages > total_pages || cr->max_pages > UINT32_MAX)
		return -ENOMEM;
	return 0;
}

static int create_begin(const struct sluice_create *cr, struct domain **d)
{
	int rc;

	domains_reap();
	/* An early answer, so that no id is spent on what cannot be. */
	if (cr->nr_pages > frames_free_count())
		return -ENOMEM;
	rc = domain_create(cr->name, cr->nr_vcpus, cr->max_pages, false, d);
	if (rc == 0)
		domain_hold(*d);
	return rc;
}

/* An id in progress: of a domain that has not run, and got no more frames than
 * this; it may have got the last one just before it was preempted. */
static int create_resume(const struct sluice_create *cr, uint64_t domid,
			 struct domain **d)
{
	int rc = domid > MAX_DOMID ? -ESRCH :
				     unstarted_get((uint32_t)domid, d);

	if (rc)
		return rc;
	if (READ_ONCE((*d)->tot_pages) <= cr->nr_pages &&
	    cr->nr_pages <= (*d)->max_pages)
		return 0;
	domain_put(*d);
	return -EINVAL;
}

static void create_undo(struct domain *d)
{
	while (domain_kill(d) == -ERESTART)
		;	/* it has next to nothing, so this ends soon */
}

int control_create(union control *c, uint64_t *progress)
{
	struct sluice_create *cr = &c->create;
	struct domain *d;
	uint64_t done;
	int rc = create_check(cr);

	if (rc)
		return rc;
	rc = *progress ? create_resume(cr, *progress, &d) :
			 create_begin(cr, &d);
	if (rc)
		return rc;

	done = READ_ONCE(d->tot_pages);
	rc = mm_reserve(d, cr->nr_pages, 0, &done);
	if (rc == -ERESTART)
		*progress = d->domid;
	else if (rc)
		create_undo(d);
	cr->domid = d->domid;
	cr->shared_info_mfn = page_mfn(virt_page(d->shared)).n;
	if (rc == 0)
		log_info("domain %u (%s): %lu pages, %u vcpus", d->domid,
			 d->name, cr->nr_pages, d->nr_vcpus);
	domain_put(d);
	return rc;
}

/* ---- destroy, pause ---- */

int control_destroy(union control *c, uint64_t *progress)
{
	uint32_t domid = c->domid.domid;
	struct domain *d;
	int rc;

	if (c->domid.pad || domid == current->d->domid)
		return -EINVAL;
	if (domid > MAX_DOMID)
		return -ESRCH;
	d = domain_find((uint16_t)domid);
	if (!d)
		return -ESRCH;
	rc = d->domid == domid ? domain_kill(d) : -ESRCH;
	domain_put(d);
	return rc;
}

int control_pause(union control *c, uint64_t *progress)
{
	struct domain *d;
	int rc = c->domid.pad ? -EINVAL : other_get(c->domid.domid, &d);

	if (rc)
		return rc;
	domain_control_pause(d);
	domain_put(d);
	return 0;
}

int control_unpause(union control *c, uint64_t *progress)
{
	struct domain *d;
	int rc = c->domid.pad ? -EINVAL : other_get(c->domid.domid, &d);

	if (rc)
		return rc;
	domain_control_unpause(d);
	domain_put(d);
	return 0;
}

/* ---- info ---- */

/* RUNNING if a vcpu has or wants a CPU, BLOCKED if all that are up sleep. */
static uint32_t vcpus_state(const struct domain *d, struct sluice_info *info)
{
	uint32_t i, asleep = 0;
	const struct vcpu *v;

	domain_for_each_vcpu(d, v, i) {
		uint32_t why_not = READ_ONCE(v->sched.why_not);

		info->hypercalls += v->hypercalls;
		if (why_not & VCPU_DOWN)
			continue;
		info->online_vcpus++;
		asleep += (why_not & VCPU_BLOCKED) != 0;
	}
	if (asleep < info->online_vcpus)
		return SLUICE_DOM_RUNNING;
	return info->online_vcpus ? SLUICE_DOM_BLOCKED : 0;
}

static uint32_t domain_state(const struct domain *d, uint16_t ended,
			     uint32_t vcpus)
{
	uint32_t state = 0;

	if (READ_ONCE(d->paused_by_control))
		state |= SLUICE_DOM_PAUSED;
	if (ended)
		state |= SLUICE_DOM_SHUTDOWN;
	if (READ_ONCE(d->dying))
		state |= SLUICE_DOM_DYING;
	return state ? state : vcpus;
}

int control_getinfo(union control *c, uint64_t *progress)
{
	uint32_t domid = c->info.domid;
	struct sluice_info *info = &c->info;
	struct domain *d;
	uint16_t ended;

	if (domid == 0)
		domains_reap();	/* who lists the domains begins here */
	d = domid <= MAX_DOMID ? domain_find((uint16_t)domid) : NULL;
	if (!d)
		return -ESRCH;
	ended = READ_ONCE(d->ended);
	*info = (struct sluice_info){
		.domid = domid,
		.found = d->domid,
		.shutdown_reason = ended & ~ENDED,
		.nr_vcpus = d->nr_vcpus,
		.tot_pages = READ_ONCE(d->tot_pages),
		.max_pages = d->max_pages,
		.shared_info_mfn = page_mfn(virt_page(d->shared)).n,
		.cpu_time_ns = sched_cpu_time(d),
		.heap_bytes = READ_ONCE(d->heap_bytes),
		.evtchn_ports = READ_ONCE(d->event.nr_used),
		.grant_maps = grant_maps(d),
	};
	memcpy(info->name, d->name, sizeof(info->name));
	info->state = domain_state(d, ended, vcpus_state(d, info));
	domain_put(d);
	return 0;
}

/* ---- memory ---- */

#define MFNS_AT_ONCE	64

static int get_mfns(struct domain *d, struct sluice_mfns *m,
		    uint64_t *progress)
{
	uint64_t chunk[MFNS_AT_ONCE];
	mfn_t mfn = MFN_NONE;

	while (*progress < m->count) {
		uint64_t n = MIN(m->count - *progress, MFNS_AT_ONCE), i;

		for (i = 0; i < n; i++) {
			mfn = mm_nth_frame(d, m->first + *progress + i, mfn);
			chunk[i] = mfn.n;
		}
		if (copy_to_guest(m->mfns + *progress * sizeof(*chunk), chunk,
				  n * sizeof(*chunk)))
			return -EFAULT;
		*progress += n;
		if (*progress < m->count && hypercall_preempt())
			return -ERESTART;
	}
	return 0;
}

int control_get_mfns(union control *c, uint64_t *progress)
{
	struct sluice_mfns *m = &c->mfns;
	struct domain *d;
	int rc = m->pad ? -EINVAL : unstarted_get(m->domid, &d);

	if (rc)
		return rc;
	if (m->first > d->tot_pages || m->count > d->tot_pages - m->first ||
	    *progress > m->count)
		rc = -EINVAL;
	else
		rc = get_mfns(d, m, progress);
	domain_put(d);
	return rc;
}

/* A use as writable page keeps it from becoming a page table meanwhile. */
static int write_page(struct domain *d, uint64_t mfn, uint64_t data)
{
	struct page *pg = page_of(MFN(mfn));
	int rc;

	if (!pg || page_get_type(pg, d, PGT_WRITABLE))
		return -EINVAL;
	rc = copy_from_guest(page_virt(pg), data, PAGE_SIZE);
	page_put_type(pg);
	return rc;
}

static int write_memory(struct domain *d, const struct sluice_write *w,
			uint64_t *progress)
{
	while (*progress < w->nr_pages) {
		uint64_t mfn;
		int rc;

		if (copy_from_guest(&mfn, w->mfns + *progress * sizeof(mfn),
				    sizeof(mfn)))
			return -EFAULT;
		rc = write_page(d, mfn, w->data + *progress * PAGE_SIZE);
		if (rc)
			return rc;
		(*progress)++;
		if (*progress < w->nr_pages && hypercall_preempt())
			return -ERESTART;
	}
	return 0;
}

int control_write_memory(union control *c, uint64_t *progress)
{
	struct sluice_write *w = &c->write;
	struct domain *d;
	int rc;

	w->done = 0;
	rc = w->pad ? -EINVAL : unstarted_get(w->domid, &d);
	if (rc)
		return rc;
	if (w->nr_pages > d->tot_pages || *progress > w->nr_pages)
		rc = -EINVAL;
	else
		rc = write_memory(d, w, progress);
	w->done = *progress;
	domain_put(d);
	return rc;
}

/* ---- vcpus and grants ---- */

static int set_vcpu(struct domain *d, uint32_t id,
		    struct vcpu_guest_context *ctxt)
{
	struct vcpu *v = d->vcpu[index_nospec(id, MAX_VCPUS)];
	int rc;

	spin_lock(&d->setup_lock);
	rc = vcpu_set_context(v, ctxt);
	if (rc == 0 && id == 0)
		vcpu_up(v);
	spin_unlock(&d->setup_lock);
	return rc;
}

int control_set_vcpu(union control *c, uint64_t *progress)
{
	struct vcpu_guest_context *ctxt;
	struct domain *d;
	int rc = other_get(c->vcpu.domid, &d);

	if (rc)
		return rc;
	ctxt = heap_alloc(sizeof(*ctxt));
	if (!ctxt)
		rc = -ENOMEM;
	else if (c->vcpu.vcpu >= d->nr_vcpus)
		rc = -ENOENT;
	else if (copy_from_guest(ctxt, c->vcpu.ctxt, sizeof(*ctxt)))
		rc = -EFAULT;
	else
		rc = set_vcpu(d, c->vcpu.vcpu, ctxt);
	heap_free(ctxt);
	domain_put(d);
	return rc;
}

int control_seed_grant(union control *c, uint64_t *progress)
{
	struct sluice_seed_grant *s = &c->seed_grant;
	struct domain *d;
	int rc;

	if (s->pad || s->to > MAX_DOMID)
		return -EINVAL;
	rc = unstarted_get(s->domid, &d);
	if (rc)
		return rc;
	rc = grant_seed(d, s->ref, MFN(s->frame), (uint16_t)s->to);
	domain_put(d);
	return rc;
}
