/*
 * sched.h: who runs on which CPU.
 *
 * sched/runq.c has a queue of vcpus for each CPU and places them, wake.c knows
 * why one may not run, schedule.c chooses the next, share.c keeps parameters and
 * charges.  Who is picked from a queue is Borrowed Virtual Time's business
 * (bvt.c).  The switch itself, of registers and address spaces, is cpu/switch.c.
 * Hypercalls are in sched/sched_op.c.
 *
 * Locks: a vcpu's scheduling state is guarded by the run-queue lock of the CPU
 * in v->sched.cpu, "S" in the headers.  Two such locks by CPU number.
 */
#ifndef SCHED_H
#define SCHED_H

#include "bvt.h"
#include "percpu.h"
#include "spinlock.h"
#include "types.h"

struct domain;
struct vcpu;

/* Reasons why a vcpu may not run, a bit each; 0: it wants a CPU. */
#define VCPU_DOWN	(1u << 0)	/* not brought up, or down by vcpu_op */
#define VCPU_BLOCKED	(1u << 1)	/* SCHEDOP_block, or polling */
#define VCPU_PAUSED	(1u << 2)	/* pause_count > 0 */

/*
 * A vcpu that wants a CPU is either running or in a queue.  running lasts from
 * the choice to the moment when its state is saved; only then may another CPU
 * take it.
 */
struct vcpu_sched {
	uint32_t why_not;	/* S: VCPU_* bits */
	uint32_t pause_count;	/* S */
	uint32_t cpu;		/* S: whose queue; changes under both locks */
	uint32_t last_cpu;	/* S: where it ran last */
	bool	 running;	/* S */
	bool	 yielded;	/* O: others first, once */
	struct bvt bvt;		/* S */
	uint64_t ran_since;	/* S: system time up to which it is accounted */
	uint64_t stamped;	/* O: system time of its last time stamp */
	int64_t charged;	/* A: ns of work done for it elsewhere, less */
				/* those that it lost to work for others */
};

struct sched_params {
	uint32_t weight;
	bool	 warp_on;
	uint64_t warp_ns, warp_limit_ns, unwarp_ns;
};

#define SCHED_WEIGHT_DEFAULT	BVT_WEIGHT_DEFAULT
/* Context-switch allowance: how long one that waits may wait for its turn, and
 * four times as long as one that wakes (bvt.h). */
#define SCHED_SLICE_DEFAULT_NS	2000000ull
#define SCHED_SLICE_MIN_NS	BVT_SLICE_MIN_NS
#define SCHED_SLICE_MAX_NS	100000000ull

extern uint64_t ctx_switches; /* A: of the machine */

/* At boot, once and for each CPU: makes its idle vcpu, which is current from
 * then on. */
void sched_init(void);
void sched_init_cpu(void);

/* The idle vcpu of this CPU: run what is pending, else sleep. */
noreturn void idle_loop(void);

/* A vcpu enters (down) and leaves (paused for good, off its CPU). */
void sched_vcpu_init(struct vcpu *v);
void sched_vcpu_destroy(struct vcpu *v);

/* SOFTIRQ_SCHEDULE: account, pick, switch.  Interrupts on. */
void schedule(void);

/*
 * Called by the context switch on the new vcpu's side when the old one's state
 * is saved, or left to cpu_sync(): from here on prev may run elsewhere.
 * Interrupts off.
 */
void sched_switch_done(struct vcpu *prev);

/* Lock v's run queue, interrupts off; for a consistent look at "S" fields. */
uint64_t sched_lock(const struct vcpu *v);
void sched_unlock(const struct vcpu *v, uint64_t flags);

/* Any context. */
void vcpu_wake(struct vcpu *v);		/* clears VCPU_BLOCKED */
void vcpu_kick(struct vcpu *v);		/* it has an event: wake, or if it runs on */
					/* another CPU make it look */
void vcpu_up(struct vcpu *v);		/* clears VCPU_DOWN */
void vcpu_down(struct vcpu *v);		/* sets it; goes off its CPU soon */
void vcpu_unpause(struct vcpu *v);
void vcpu_pause_nosync(struct vcpu *v);	/* may still run for a moment */

/*
 * With no lock held, interrupts on, not for current: returns when it is off its
 * CPU and its state is saved.  Two vcpus must not do it to each other: only
 * dom0's control operations and the end of a domain do.
 */
void vcpu_pause(struct vcpu *v);
void domain_pause(struct domain *d);	/* all vcpus; not the caller's domain */
void domain_pause_nosync(struct domain *d);	/* the two halves of it; */
void domain_pause_wait(struct domain *d);	/* not for who was unpaused since */
void domain_unpause(struct domain *d);

/* Hypercalls' side: current only. */
void vcpu_sleep(void);		/* unless an event can be delivered */
void vcpu_block(void);		/* the same with events unmasked */
void vcpu_yield(void);
long do_sched_op(unsigned cmd, uint64_t arg);

/* Scheduling parameters of a domain.  0 or -EINVAL. */
int sched_set(struct domain *d, const struct sched_params *p);
void sched_get(struct domain *d, struct sched_params *p);
int sched_set_slice(uint64_t slice_ns);	/* 0 or -EINVAL */
uint64_t sched_get_slice(void);

/* Charge ns of work that the hypervisor did on behalf of d (packets, blocks). */
void sched_charge(struct domain *d, uint64_t ns);

/* For ns of its time current did not run: work for whomever sched_charge() names
 * was done meanwhile.  In a softirq. */
void sched_interrupted(uint64_t ns);

/* Work for a CPU that is idle, other than this one; false if there is none. */
bool sched_raise_idle(enum softirq which);

/* CPU time a domain has used, ns. */
uint64_t sched_cpu_time(struct domain *d);

#endif
