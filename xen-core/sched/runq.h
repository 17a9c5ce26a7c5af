/*
 * runq.h: the run queues, for the files of this folder.
 *
 * Each CPU has one of the vcpus that want it and do not run.  A vcpu is taken
 * out of a queue when it is chosen, and put into one by who ends the last reason
 * for not running, or, if it still runs or its state is not saved yet, by
 * sched_switch_done().
 *
 * Locks: a queue's lock, interrupts off.  A second one is only tried, never
 * waited for: who does not get it leaves the vcpu where it is.
 */
#ifndef SCHED_RUNQ_H
#define SCHED_RUNQ_H

#include "domain.h"
#include "sched.h"
#include "time.h"

struct runq {
	struct spinlock lock;
	struct bvt_queue q;
	struct vcpu *cur;	/* chosen last; it runs or is about to */
	uint32_t cur_weight;	/* 0: idle */
	struct timer slice;
	uint64_t balance_at;	/* system time */
} aligned(64);

extern struct runq runqs[MAX_CPUS];
extern uint64_t idle_cpus;	/* A: those whose cur is the idle vcpu */

static inline struct vcpu *vcpu_of(struct bvt *b)
{
	return container_of(b, struct vcpu, sched.bvt);
}

static inline bool is_idle(const struct vcpu *v)
{
	return v->d == &idle_domain;
}

static inline bool is_queued(const struct vcpu *v)
{
	return v->sched.bvt.next != NULL;
}

/* v's queue, locked; interrupts are off until runq_unlock(). */
struct runq *runq_lock(const struct vcpu *v, uint64_t *flags);
void runq_unlock(struct runq *rq, uint64_t flags);

/* v wants to run: into its queue, or an idle CPU's.  Its own is locked. */
void runq_enqueue(struct vcpu *v);
/* v, which is in its queue, does not want to any more.  It is locked. */
void runq_dequeue(struct vcpu *v);

/* This CPU, me, has nothing to do: does anything that waits elsewhere come into
 * its queue?  That is locked. */
bool runq_steal(uint32_t me);
/* Now and then: take from the CPU with the most weight.  me's queue is locked. */
void runq_balance(uint32_t me, ns_t now);

/* RUNSTATE_* of v, which does not run.  Its queue is locked. */
int resting_state(const struct vcpu *v);
/* Time that v ran, and that others worked for it, up to now.  Likewise. */
void runq_account(struct vcpu *v, ns_t now);

#endif
