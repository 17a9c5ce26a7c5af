/*
 * control_machine.c: control operations on the machine, on parameters of
 * domains, and what any domain may learn about itself.
 */
#include "boot.h"
#include "control.h"
#include "domain.h"
#include "guest_access.h"
#include "heap.h"
#include "hypercall.h"
#include "log.h"
#include "mm.h"
#include "platform.h"

/* ---- the machine ---- */

static uint64_t irqs_off_max_ns(void)
{
	uint64_t max = 0;
	uint32_t i;

	for (i = 0; i < nr_cpus; i++) {
		uint64_t t = __atomic_exchange_n(&cpus[i].irqs_off_max, 0,
						 __ATOMIC_RELAXED);

		max = MAX(max, t);
	}
	return tsc_khz ? max * 1000000 / tsc_khz : 0;
}

static uint64_t domains_pages(void)
{
	uint64_t pages = 0;
	struct domain *d;

	spin_lock(&domains_lock);
	for (d = domains; d; d = d->next)
		pages += READ_ONCE(d->tot_pages);
	spin_unlock(&domains_lock);
	return pages;
}

int control_physinfo(union control *c, uint64_t *progress)
{
	uint64_t free, given;

	domains_reap();
	free = frames_free_count();
	given = domains_pages();
	c->physinfo = (struct sluice_physinfo){
		.version = SLUICE_CONTROL_VERSION,
		.nr_cpus = nr_cpus,
		.total_pages = total_pages,
		.free_pages = free,
		.hv_pages = total_pages - MIN(total_pages, free + given),
		.heap_bytes = heap_bytes(),
		.tsc_khz = tsc_khz,
		.boot_tsc = boot_tsc,
		.irqs_off_max_ns = irqs_off_max_ns(),
		.nr_domains = domain_count(),
		.max_domains = MAX_DOMAINS,
	};
	return 0;
}

int control_power(union control *c, uint64_t *progress)
{
	if (c->power.action > SLUICE_POWER_REBOOT || c->power.status > 127)
		return -EINVAL;
	log_info("dom0 asks for %s",
		 c->power.action == SLUICE_POWER_REBOOT ? "a reboot" :
							  "power-off");
	machine_power(c->power.action == SLUICE_POWER_REBOOT, c->power.status);
}

#define DMESG_AT_ONCE	256

int control_dmesg(union control *c, uint64_t *progress)
{
	struct sluice_dmesg *m = &c->dmesg;
	uint64_t room = m->len;

	if (!guest_range_ok(m->buf, room))
		return -EFAULT;
	m->len = 0;
	m->lost = 0;
	/* Bounded by the ring's size: it stops at its end. */
	while (m->len < room) {
		char chunk[DMESG_AT_ONCE];
		size_t n = log_read(&m->pos, chunk,
				    MIN(room - m->len, DMESG_AT_ONCE),
				    &m->lost);

		if (n == 0)
			break;
		if (copy_to_guest(m->buf + m->len, chunk, n))
			return -EFAULT;
		m->len += n;
		if (hypercall_preempt())
			break;
	}
	return 0;
}

/* ---- audit ---- */

#ifdef SLUICE_DEBUG
static bool audit_running;

/* Everybody but the caller's vcpu, so that the counts hold still. */
static void others_pause(bool pause)
{
	struct domain *d = NULL;
	uint32_t next = 0, i;
	struct vcpu *v;

	while (next <= MAX_DOMID && (d = domain_find((uint16_t)next))) {
		next = d->domid + 1u;
		domain_for_each_vcpu(d, v, i) {
			if (v == current)
				continue;
			if (pause)
				vcpu_pause(v);
			else
				vcpu_unpause(v);
		}
		domain_put(d);
	}
}

int control_audit(union control *c, uint64_t *progress)
{
	if (__atomic_exchange_n(&audit_running, true, __ATOMIC_ACQUIRE))
		return -EBUSY;
	others_pause(true);
	c->audit.errors = mm_audit(&c->audit.frames);
	others_pause(false);
	__atomic_store_n(&audit_running, false, __ATOMIC_RELEASE);
	return 0;
}
#else
int control_audit(union control *c, uint64_t *progress)
{
	return -ENOSYS;
}
#endif

/* ---- parameters of domains ---- */

static int target_get(uint32_t domid, struct domain **d)
{
	*d = domid <= MAX_DOMID ? domain_get((uint16_t)domid) : NULL;
	return *d ? 0 : -ESRCH;
}

int control_set_sched(union control *c, uint64_t *progress)
{
	const struct sluice_sched *s = &c->sched;
	struct sched_params p = {
		.weight = s->weight,
		.warp_on = s->warp_on,
		.warp_ns = s->warp_ns,
		.warp_limit_ns = s->warp_limit_ns,
		.unwarp_ns = s->unwarp_ns,
	};
	struct domain *d;
	int rc;

	if (s->pad || s->warp_on > 1 || (s->slice_ns && s->domid != 0))
		return -EINVAL;
	rc = target_get(s->domid, &d);
	if (rc)
		return rc;
	rc = sched_set(d, &p);
	if (rc == 0 && s->slice_ns)
		rc = sched_set_slice(s->slice_ns);
	domain_put(d);
	return rc;
}

int control_get_sched(union control *c, uint64_t *progress)
{
	struct sluice_sched *s = &c->sched;
	struct sched_params p;
	struct domain *d;
	int rc = target_get(s->domid, &d);

	if (rc)
		return rc;
	sched_get(d, &p);
	*s = (struct sluice_sched){
		.domid = s->domid,
		.weight = p.weight,
		.warp_on = p.warp_on,
		.warp_ns = p.warp_ns,
		.warp_limit_ns = p.warp_limit_ns,
		.unwarp_ns = p.unwarp_ns,
		.slice_ns = sched_get_slice(),
	};
	domain_put(d);
	return 0;
}

#define OFFSET_MAX_S	(400ll * 366 * 24 * 3600)

int control_set_time(union control *c, uint64_t *progress)
{
	const struct sluice_time_offset *t = &c->time;
	struct domain *d;
	int rc;

	if (t->pad || t->offset_s > OFFSET_MAX_S || t->offset_s < -OFFSET_MAX_S)
		return -EINVAL;
	rc = target_get(t->domid, &d);
	if (rc)
		return rc;
	WRITE_ONCE(d->time_offset_s, t->offset_s);
	wallclock_update(d);
	domain_put(d);
	return 0;
}

/* ---- for every domain, about itself ---- */

int control_virtual_time(union control *c, uint64_t *progress)
{
	struct sluice_virtual_time *t = &c->virtual_time;

	if (t->alarm_ns != ~0ull)
		vcpu_virtual_alarm(current, t->alarm_ns ? t->alarm_ns : ~0ull);
	t->now_ns = vcpu_virtual_now(current);
	return 0;
}

int control_counters(union control *c, uint64_t *progress)
{
	struct sluice_counters *n = &c->counters;
	struct vcpu *v;
	uint32_t i;

	*n = (struct sluice_counters){
		.tlb_flushes = READ_ONCE(tlb_flushes),
		.tlb_ipis = READ_ONCE(tlb_ipis),
		.ctx_switches = READ_ONCE(ctx_switches),
	};
	domain_for_each_vcpu(current->d, v, i) {
		n->page_faults += READ_ONCE(v->page_faults);
		n->ptwr += READ_ONCE(v->ptwr);
		n->upcalls += READ_ONCE(v->upcalls);
	}
	return 0;
}
