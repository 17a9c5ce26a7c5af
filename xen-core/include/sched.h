/*
 * sched.h: who runs on which CPU.
 *
 * sched/schedule.c keeps the states of vcpus and switches; what is picked is
 * the policy's business, behind struct sched_ops (sched/bvt.c is Borrowed
 * Virtual Time, after Duda and Cheriton, SOSP 1999).  The switch itself, of
 * registers and address spaces, is cpu/switch.c.
 */
#ifndef SCHED_H
#define SCHED_H

#include "spinlock.h"
#include "types.h"

struct domain;
struct vcpu;

/* Reasons why a vcpu may not run, a bit each; 0: it wants a CPU. */
#define VCPU_DOWN	(1u << 0)	/* not brought up, or down by vcpu_op */
#define VCPU_BLOCKED	(1u << 1)	/* SCHEDOP_block, or polling */
#define VCPU_PAUSED	(1u << 2)	/* pause_count > 0 */

struct vcpu_sched {
	uint32_t why_not;		/* S: VCPU_* bits */
	uint32_t pause_count;		/* S */
	uint32_t cpu;			/* S: whose queue */
	bool	 running;		/* S: on its CPU now */
	bool	 queued;		/* S */
	bool	 yielded;		/* S: goes behind its equals once */
	struct vcpu *next, *prev;	/* S: run queue */

	/* Borrowed Virtual Time; times in ns of the domain's virtual clock. */
	uint64_t avt;			/* S: actual virtual time */
	uint64_t evt;			/* S: effective: avt - (warping ? warp : 0) */
	uint32_t weight;		/* S: 1 to 65535 */
	uint32_t advance;		/* S: avt per ns run, 16.16 */
	bool	 warp_on;		/* S */
	bool	 warping;		/* S */
	uint64_t warp_ns, warp_limit_ns, unwarp_ns; /* S */
	uint64_t warp_until, unwarp_until; /* S: system time; 0: not limited */
	uint64_t ran_since;		/* S: system time of the last accounting */
	uint64_t charged;		/* A: ns of work done for it elsewhere */
};

struct sched_params {
	uint32_t weight;
	bool	 warp_on;
	uint64_t warp_ns, warp_limit_ns, unwarp_ns;
};

#define SCHED_WEIGHT_DEFAULT	256
#define SCHED_SLICE_DEFAULT_NS	5000000ull	/* context-switch allowance */

/* At boot, once and for each CPU. */
void sched_init(void);
void sched_init_cpu(void);

/* A vcpu enters (down) and leaves (paused for good). */
void sched_vcpu_init(struct vcpu *v);
void sched_vcpu_destroy(struct vcpu *v);

/* The idle vcpu of this CPU: run what is pending, else sleep. */
noreturn void idle_loop(void);

/* SOFTIRQ_SCHEDULE: account, pick, switch.  Interrupts on. */
void schedule(void);

/*
 * Called by the context switch on the new vcpu's side when the old one's state
 * is saved: from here on prev may run elsewhere.
 */
void sched_switch_done(struct vcpu *prev);

/* Any context. */
void vcpu_wake(struct vcpu *v);		/* clears VCPU_BLOCKED */
void vcpu_kick(struct vcpu *v);		/* it has an event: wake, or if it runs on */
					/* another CPU make it look */
void vcpu_up(struct vcpu *v);		/* clears VCPU_DOWN */
void vcpu_down(struct vcpu *v);		/* sets it; current goes off the CPU at exit */
void vcpu_unpause(struct vcpu *v);
void vcpu_pause_nosync(struct vcpu *v);	/* may still run for a moment */

/* With no lock held, not for current: returns when it is off its CPU and its
 * state is saved. */
void vcpu_pause(struct vcpu *v);
void domain_pause(struct domain *d);	/* all vcpus; not the caller's domain */
void domain_unpause(struct domain *d);

/* Hypercalls' side: current only. */
void vcpu_block(void);		/* unmask events; sleep unless one is pending */
void vcpu_yield(void);
long do_sched_op(unsigned cmd, uint64_t arg);

/* Scheduling parameters of a domain.  0 or -EINVAL. */
int sched_set(struct domain *d, const struct sched_params *p);
void sched_get(struct domain *d, struct sched_params *p);
int sched_set_slice(uint64_t slice_ns); /* of the machine */
uint64_t sched_get_slice(void);

/* Charge ns of work that the hypervisor did on behalf of d (packets, blocks). */
void sched_charge(struct domain *d, uint64_t ns);

extern uint64_t ctx_switches; /* A: on the machine */

/* CPU time a domain has used, ns. */
uint64_t sched_cpu_time(struct domain *d);

#endif
