/*
 * domain.c: the life of a domain, from its creation to its last reference.
 *
 * One reference is for being alive; domain_kill() drops it at its end.  Others are
 * held for a while by whoever works on the domain, by each vcpu's context on a
 * CPU through that, and by each grant of the domain that another one maps.
 * Frames that others map outlive the kill, and need the domain as their owner:
 * the reference for being alive stays until they are gone, which domains_reap()
 * looks after.
 */
#include "cpu.h"
#include "domain_private.h"
#include "grant.h"
#include "heap.h"
#include "hypercalls.h"
#include "lib.h"
#include "log.h"
#include "platform.h"

#include <xen/sched.h>

struct domain *dom0;

struct domain idle_domain = {
	.domid = DOMID_IDLE,
	.name = "idle",
	.refs = 1,
};

/* ---- creation ---- */

static void vcpu_free(struct vcpu *v)
{
	struct domain *d = v->d;

	vcpu_context_destroy(v);
	heap_free_for(d, v);
}

/* The vcpu is down, and paused until the domain's first UNPAUSE. */
static int vcpu_create(struct domain *d, uint32_t id)
{
	struct vcpu *v = heap_alloc_for(d, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->d = d;
	v->id = id;
	v->root_kernel = MFN_NONE;
	v->root_user = MFN_NONE;
	v->event.info_mfn = MFN_NONE;
	v->event.info = &d->shared->vcpu_info[id];
	v->event.info->evtchn_upcall_mask = 1;
	if (vcpu_context_init(v)) {
		heap_free_for(d, v);
		return -ENOMEM;
	}
	sched_vcpu_init(v);
	vcpu_time_init(v);
	vcpu_pause_nosync(v);
	vcpu_time_update(v);
	d->vcpu[id] = v;
	return 0;
}

/* All that hangs on d, as far as it is there.  Nobody else knows d any more. */
static void domain_free(struct domain *d)
{
	uint32_t i;

	for (i = 0; i < d->nr_vcpus; i++)
		if (d->vcpu[i])
			vcpu_free(d->vcpu[i]);
	grant_free(d);
	evtchn_free(d);
	console_free(d);
	if (d->shared)
		page_share_end(virt_page(d->shared), d);
	heap_free(d);
}

void domain_vcpus_stop(struct domain *d)
{
	struct vcpu *v;
	uint32_t i;

	domain_for_each_vcpu(d, v, i) {
		sched_vcpu_destroy(v);
		vcpu_time_destroy(v);
	}
}

/* What vcpu_create() left out: the entries of vcpus that do not exist. */
static void shared_info_init(struct domain *d)
{
	uint32_t i;

	for (i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
		d->shared->vcpu_info[i].evtchn_upcall_mask = 1;
	wallclock_update(d);
}

static int domain_fill(struct domain *d)
{
	struct page *pg = page_share_alloc(d);
	uint32_t i;

	if (!pg)
		return -ENOMEM;
	d->shared = page_virt(pg);
	shared_info_init(d);
	for (i = 0; i < d->nr_vcpus; i++)
		if (vcpu_create(d, i))
			return -ENOMEM;
	return evtchn_init(d) || grant_init(d) ? -ENOMEM : 0;
}

static bool name_ok(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "0123456789_.-";
	size_t len = strnlen(name, sizeof(idle_domain.name));
	size_t i;

	for (i = 0; i < len; i++)
		if (!strchr(allowed, name[i]))
			return false;
	return len > 0 && len < sizeof(idle_domain.name);
}

static struct domain *domain_alloc(const char *name, uint32_t nr_vcpus,
				   uint64_t max_pages, bool privileged)
{
	struct domain *d = heap_alloc(sizeof(*d));

	if (!d)
		return NULL;
	memcpy(d->name, name, strlen(name));
	d->nr_vcpus = nr_vcpus;
	d->max_pages = max_pages;
	d->privileged = privileged;
	d->refs = 1;
	d->paused_by_control = true;
	d->heap_bytes = sizeof(*d);
	return d;
}

int domain_create(const char *name, uint32_t nr_vcpus, uint64_t max_pages,
		  bool privileged, struct domain **out)
{
	struct domain *d;
	int rc;

	if (!name_ok(name) || nr_vcpus == 0 || nr_vcpus > MAX_VCPUS)
		return -EINVAL;
	d = domain_alloc(name, nr_vcpus, max_pages, privileged);
	if (!d)
		return -ENOMEM;

	/* In the list for its id, but found by nobody until it is complete. */
	spin_lock(&domains_lock);
	rc = domain_list_enter(d);
	spin_unlock(&domains_lock);
	if (rc) {
		heap_free(d);
		return rc;
	}

	rc = domain_fill(d);
	if (rc) {
		domain_vcpus_stop(d);
		domain_put(d);
		return rc;
	}
	spin_lock(&domains_lock);
	d->created = true;
	spin_unlock(&domains_lock);
	*out = d;
	return 0;
}

/* ---- pausing by control ---- */

/* The mark and the vcpus' counts change together: two CPUs may do it at once. */

void domain_control_pause(struct domain *d)
{
	spin_lock(&d->setup_lock);
	if (!d->paused_by_control)
		domain_pause_nosync(d);
	d->paused_by_control = true;
	spin_unlock(&d->setup_lock);
	domain_pause_wait(d);
}

void domain_control_unpause(struct domain *d)
{
	WRITE_ONCE(d->started, true);
	spin_lock(&d->setup_lock);
	if (d->paused_by_control)
		domain_unpause(d);
	d->paused_by_control = false;
	spin_unlock(&d->setup_lock);
}

/* ---- the end by itself ---- */

/* The first to end it says why; its vcpus run no more.  False: it had ended. */
static bool stop_vcpus(struct domain *d, uint8_t reason)
{
	uint16_t lives = 0;

	if (!__atomic_compare_exchange_n(&d->ended, &lives, ENDED | reason, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	domain_pause_nosync(d);
	return true;
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
	if (d == dom0) {
		log_info("dom0 has shut down, reason %u", reason);
		if (reason == SHUTDOWN_crash)
			panic("dom0 has crashed by its own word");
		machine_power(reason == SHUTDOWN_reboot, 0);
	}
	if (stop_vcpus(d, reason))
		virq_raise_global(dom0, VIRQ_DOM_EXC);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
	struct vcpu *v = current->d == d ? current : d->vcpu[0];
	char why[160];
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	vformat(why, sizeof(why), fmt, ap);
	__builtin_va_end(ap);

	if (d == dom0) {
		vcpu_dump(v);
		panic("dom0 has crashed: %s", why);
	}
	if (!stop_vcpus(d, SHUTDOWN_crash))
		return;
	log_error("domain %u (%s) crashed on vcpu %u: %s", d->domid, d->name,
		  v->id, why);
	vcpu_dump(v);
	virq_raise_global(dom0, VIRQ_DOM_EXC);
}

/* ---- references ---- */

void domain_hold(struct domain *d)
{
	uint32_t refs = __atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);

	CHECK(refs != 0 && refs != UINT32_MAX);
}

void domain_put(struct domain *d)
{
	uint32_t refs = __atomic_fetch_sub(&d->refs, 1, __ATOMIC_ACQ_REL);

	CHECK(refs != 0);
	if (refs > 1)
		return;
	CHECK(d->dying || !d->created);
	spin_lock(&domains_lock);
	domain_list_leave(d);
	spin_unlock(&domains_lock);
	domain_free(d);
}
