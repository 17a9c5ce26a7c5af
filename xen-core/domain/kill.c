/*
 * kill.c: a domain's end by others, step by step.
 */
#include "cpu.h"
#include "domain_private.h"
#include "grant.h"
#include "mm.h"

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
	domain_vcpus_stop(d);
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
