/*
 * event.h: event channels, 2-level ABI (xen/event_channel.h).
 *
 * A port is free, reserved, unbound, interdomain, a virtual IRQ or an IPI.
 * Setting a port's pending bit follows the ABI to the letter: the bit, then, if
 * the port is not masked, the selector of the vcpu it is bound to, then
 * upcall_pending, and a kick to that vcpu if it sleeps or runs elsewhere.
 */
#ifndef EVENT_H
#define EVENT_H

#include "spinlock.h"
#include "types.h" /* first: Xen's headers use its integers */

#include <xen/event_channel.h>
#include <xen/xen.h>

struct domain;
struct vcpu;

#define EVTCHN_BUCKET	32	/* ports that are allocated together */

struct evtchn;

struct domain_event {
	struct spinlock lock;		/* evtchn_lock: guards the ports below */
	struct evtchn *bucket[MAX_EVTCHNS / EVTCHN_BUCKET]; /* E */
	uint32_t nr_used;		/* E */
};

struct vcpu_event {
	struct vcpu_info *info;		/* O: where the guest looks: in shared */
					/* info or in a page it registered */
	mfn_t info_mfn;			/* O: that page, a writable use; or none */
	uint16_t virq_port[NR_VIRQS];	/* E: 0: not bound */
	uint64_t poll;			/* A: SCHEDOP_poll is waiting */
};

/* Domain creation and its end.  destroy closes every port of d. */
int evtchn_init(struct domain *d);
void evtchn_destroy(struct domain *d);

/* Deliver virtual IRQ virq to a vcpu (per-vcpu VIRQs) or to vcpu 0's binding
 * (global ones).  Any context; takes evtchn_lock with interrupts off. */
void virq_raise(struct vcpu *v, unsigned virq);
void virq_raise_global(struct domain *d, unsigned virq);

/* Send through a port that the hypervisor holds for d.  0 or -EINVAL. */
int evtchn_send(struct domain *d, uint32_t port);

/* upcall_pending && !upcall_mask of the vcpu's registered vcpu_info. */
bool event_deliverable(const struct vcpu *v);

long do_event_channel_op(unsigned cmd, uint64_t arg);

#endif
