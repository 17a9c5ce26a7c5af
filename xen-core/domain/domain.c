/*
 * domain.c: the life of a domain, from its creation to its last reference.
 *
 * Every domain is in the list `domains`, by id, and in the slot that its id
 * names, from its creation until its last reference goes.  One reference is for being alive;
 * domain_kill() drops it at its end.  Others are held for a while by whoever
 * works on the domain, by each vcpu's context on a CPU through that, and by
 * each grant of the domain that another one maps.  A dying domain is found by
 * domain_find() alone.  Frames that others map outlive the kill, and need the
 * domain as their owner: the reference for being alive stays until they are
 * gone, which domains_reap() looks after.
 *
 * Ids count up and are never used again within one boot, so that a stale id
 * names nobody.
 *
 * Lock: domains_lock guards list, slots, names and paused_by_control.
 */
#include "cpu.h"
#include "domain.h"
#include "grant.h"
#include "heap.h"
#include "hypercall.h"
#include "hypercalls.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include "platform.h"

#include <xen/sched.h>

struct spinlock domains_lock;
struct domain *domains;
struct domain *dom0;

struct domain idle_domain = {
	.domid = DOMID_IDLE,
	.name = "idle",
	.refs = 1,
};

/* domains_lock to write: an id lives in slot id % MAX_DOMAINS. */
static struct domain *slots[MAX_DOMAINS];
static uint32_t nr_domains;		/* domains_lock */
static uint32_t next_domid;		/* domains_lock */

/* ---- finding, references ---- */

struct domain *domain_of(uint16_t domid)
{
	struct domain *d = __atomic_load_n(&slots[domid % MAX_DOMAINS],
					   __ATOMIC_ACQUIRE);

	return d && d->domid == domid ? d : NULL;
}

struct domain *domain_get(uint16_t domid)
{
	struct domain *d;

	if (domid == DOMID_SELF || domid == current->d->domid) {
		domain_hold(current->d); /* it runs, so it is alive */
		return current->d;
	}
	spin_lock(&domains_lock);
	d = domain_of(domid);
	if (d && (!d->created || d->dying))
		d = NULL;
	if (d)
		domain_hold(d);
	spin_unlock(&domains_lock);
	return d;
}

/* One whose last reference is just going is passed over. */
static bool hold_unless_gone(struct domain *d)
{
	uint32_t refs = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);

	while (refs != 0)
		if (__atomic_compare_exchange_n(&d->refs, &refs, refs + 1,
						false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

struct domain *domain_find(uint16_t domid)
{
	struct domain *d;

	spin_lock(&domains_lock);
	for (d = domains; d; d = d->next)
		if (d->domid >= domid && d->created && hold_unless_gone(d))
			break;
	spin_unlock(&domains_lock);
	return d;
}

void domain_hold(struct domain *d)
{
	uint32_t refs = __atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);

	CHECK(refs != 0 && refs != UINT32_MAX);
}

uint32_t domain_count(void)
{
	return READ_ONCE(nr_domains);
}

/* ---- the list ---- */

static void list_add(struct domain *d)
{
	struct domain **p = &domains;

	while (*p)		/* its id is the highest */
		p = &(*p)->next;
	*p = d;
	__atomic_store_n(&slots[d->domid % MAX_DOMAINS], d, __ATOMIC_RELEASE);
	nr_domains++;
}

static void list_remove(struct domain *d)
{
	struct domain **p;

	for (p = &domains; *p != d; p = &(*p)->next)
		;
	*p = d->next;
	__atomic_store_n(&slots[d->domid % MAX_DOMAINS], NULL,
			 __ATOMIC_RELEASE);
	nr_domains--;
}

static bool name_taken(const char *name)
{
	struct domain *d;

	for (d = domains; d; d = d->next)
		if (!d->dying && strcmp(d->name, name) == 0)
			return true;
	return false;
}

/* domains_lock is held.  The domain gets the next id whose slot is free. */
static int list_enter(struct domain *d)
{
	if (name_taken(d->name))
		return -EEXIST;
	if (nr_domains == MAX_DOMAINS)
		return -ENOSPC;
	while (slots[next_domid % MAX_DOMAINS])
		next_domid++;
	if (next_domid > MAX_DOMID)
		return -ENOSPC;
	d->domid = (uint16_t)next_domid++;
	list_add(d);
	return 0;
}

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

/* Vcpus leave the scheduler and their timers; for a domain in creation or one
 * that is paused for good. */
static void vcpus_stop(struct domain *d)
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
	rc = list_enter(d);
	spin_unlock(&domains_lock);
	if (rc) {
		heap_free(d);
		return rc;
	}

	rc = domain_fill(d);
	if (rc) {
		vcpus_stop(d);
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

static bool control_pause_set(struct domain *d, bool paused)
{
	bool was;

	spin_lock(&domains_lock);
	was = d->paused_by_control;
	d->paused_by_control = paused;
	spin_unlock(&domains_lock);
	return was;
}

void domain_control_pause(struct domain *d)
{
	if (!control_pause_set(d, true))
		domain_pause(d);
}

void domain_control_unpause(struct domain *d)
{
	WRITE_ONCE(d->started, true);
	if (control_pause_set(d, false))
		domain_unpause(d);
}

/* ---- the end by itself ---- */

/* The first to end it says why; its vcpus run no more.  False: it had ended. */
static bool stop_vcpus(struct domain *d, uint8_t reason)
{
	uint16_t lives = 0;
	struct vcpu *v;
	uint32_t i;

	if (!__atomic_compare_exchange_n(&d->ended, &lives, ENDED | reason, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	domain_for_each_vcpu(d, v, i)
		vcpu_pause_nosync(v);
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

/* ---- the end by others ---- */

#define DYING_HOOKS	4

static void (*dying_hooks[DYING_HOOKS])(struct domain *d);

void domain_on_dying(void (*fn)(struct domain *d))
{
	unsigned i;

	for (i = 0; i < DYING_HOOKS; i++)
		if (!dying_hooks[i]) {
			dying_hooks[i] = fn;
			return;
		}
	panic("more backends than places for them");
}

static void kill_backends(struct domain *d)
{
	unsigned i;

	for (i = 0; i < DYING_HOOKS; i++)
		if (dying_hooks[i])
			dying_hooks[i](d);
}

/* From here on no vcpu of d runs, and no CPU has its page tables loaded. */
static void kill_stop(struct domain *d)
{
	struct vcpu *v;
	uint32_t i;

	domain_pause(d);
	domain_for_each_vcpu(d, v, i)
		cpu_sync(v);
	vcpus_stop(d);
}

/* Uses of d's own frames that the hypervisor holds for it: descriptor tables and
 * vcpu_info. */
static void kill_uses(struct domain *d)
{
	struct vcpu *v;
	uint32_t i;

	domain_for_each_vcpu(d, v, i) {
		struct page *pg;

		vcpu_context_destroy(v);
		if (mfn_eq(v->event.info_mfn, MFN_NONE))
			continue;
		pg = page_of(v->event.info_mfn);
		__atomic_store_n(&v->event.info, &d->shared->vcpu_info[i],
				 __ATOMIC_SEQ_CST);
		v->event.info_mfn = MFN_NONE;
		page_put_type(pg);
	}
}

/* Once: it is dying from here on, and cannot be got any more. */
static void kill_begin(struct domain *d)
{
	spin_lock(&domains_lock);
	d->dying = true;
	spin_unlock(&domains_lock);

	kill_stop(d);
	kill_backends(d);
	evtchn_destroy(d);
	kill_uses(d);
	tlb_flush_domain(d);
}

/* page_list_lock: who took the last frame off the list is done with d. */
static bool has_frames(struct domain *d)
{
	bool has;

	spin_lock(&d->page_list_lock);
	has = d->tot_pages != 0;
	spin_unlock(&d->page_list_lock);
	return has;
}

/* The reference for being alive goes once. */
static void reap(struct domain *d)
{
	if (READ_ONCE(d->killed) && !has_frames(d) &&
	    !__atomic_exchange_n(&d->reaped, true, __ATOMIC_ACQ_REL))
		domain_put(d);
}

void domains_reap(void)
{
	struct domain *d;
	uint32_t id = 0;

	while (id <= MAX_DOMID && (d = domain_find((uint16_t)id))) {
		id = d->domid + 1u;
		reap(d);
		domain_put(d);
	}
}

static int kill_step(struct domain *d)
{
	int rc;

	if (d->killed)
		return 0;
	if (!d->dying)
		kill_begin(d);
	rc = grant_release(d);
	if (rc == 0)
		rc = mm_relinquish(d);
	if (rc)
		return rc;
	d->killed = true;
	reap(d);
	return 0;
}

int domain_kill(struct domain *d)
{
	int rc;

	/* Another CPU is at it: its turn ends soon, as it is preemptible. */
	if (__atomic_exchange_n(&d->killing, true, __ATOMIC_ACQUIRE))
		return -ERESTART;
	rc = kill_step(d);
	__atomic_store_n(&d->killing, false, __ATOMIC_RELEASE);
	return rc;
}

void domain_put(struct domain *d)
{
	uint32_t refs = __atomic_fetch_sub(&d->refs, 1, __ATOMIC_ACQ_REL);

	CHECK(refs != 0);
	if (refs > 1)
		return;
	CHECK(d->dying || !d->created);
	spin_lock(&domains_lock);
	list_remove(d);
	spin_unlock(&domains_lock);
	domain_free(d);
}
