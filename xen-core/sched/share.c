/*
 * share.c: a domain's share of the CPUs: parameters, what it is charged for
 * beside its own time, and what it has used.
 */
#include "runq.h"
#include "time.h"

#define CHARGE_MAX_NS	100000000ll	/* that may wait to be charged */

int sched_set(struct domain *d, const struct sched_params *p)
{
	struct bvt probe = {.weight = 1};
	struct vcpu *v;
	uint32_t i;

	if (bvt_set(&probe, p->weight, p->warp_on, p->warp_ns,
		    p->warp_limit_ns, p->unwarp_ns) != 0)
		return -EINVAL;
	domain_for_each_vcpu(d, v, i) {
		uint64_t flags;
		struct runq *rq = runq_lock(v, &flags);
		bool queued = is_queued(v);

		if (queued) /* the queue counts weights */
			bvt_dequeue(&rq->q, &v->sched.bvt);
		bvt_set(&v->sched.bvt, p->weight, p->warp_on, p->warp_ns,
			p->warp_limit_ns, p->unwarp_ns);
		if (queued)
			bvt_enqueue(&rq->q, &v->sched.bvt);
		softirq_raise(v->sched.cpu, SOFTIRQ_SCHEDULE);
		runq_unlock(rq, flags);
	}
	return 0;
}

void sched_get(struct domain *d, struct sched_params *p)
{
	const struct bvt *b = &d->vcpu[0]->sched.bvt;

	p->weight = b->weight;
	p->warp_on = b->warp_on;
	p->warp_ns = b->warp_ns;
	p->warp_limit_ns = b->warp_limit_ns;
	p->unwarp_ns = b->unwarp_ns;
}

/* Charge one that wants to run, since it is who profits. */
void sched_charge(struct domain *d, uint64_t ns)
{
	struct vcpu *v, *who = d->vcpu[0];
	uint32_t i;

	domain_for_each_vcpu(d, v, i) {
		if (READ_ONCE(v->sched.why_not) == 0) {
			who = v;
			break;
		}
	}
	if (READ_ONCE(who->sched.charged) < CHARGE_MAX_NS)
		__atomic_fetch_add(&who->sched.charged,
				   (int64_t)MIN(ns, (uint64_t)CHARGE_MAX_NS),
				   __ATOMIC_RELAXED);
}

void sched_interrupted(uint64_t ns)
{
	if (!is_idle(current))
		__atomic_fetch_sub(&current->sched.charged,
				   (int64_t)MIN(ns, (uint64_t)CHARGE_MAX_NS),
				   __ATOMIC_RELAXED);
}

uint64_t sched_cpu_time(struct domain *d)
{
	struct vcpu_runstate_info r;
	struct vcpu *v;
	uint64_t ns = 0;
	uint32_t i;

	domain_for_each_vcpu(d, v, i) {
		runstate_get(v, &r);
		ns += r.time[RUNSTATE_running];
	}
	return ns;
}

