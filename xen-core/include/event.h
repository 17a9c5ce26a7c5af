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

/* A state beside EVTCHNSTAT_*: the other end is in the hypervisor.  The guest is
 * told that it is dom0. */
#define EVTCHN_BACKEND	16

struct evtchn_backend;

struct evtchn {			/* E, all of it */
	uint8_t	 state;		/* EVTCHNSTAT_*; port 0 is never free */
	uint8_t	 vcpu;		/* told when it becomes pending */
	uint16_t remote_dom;	/* unbound: who may bind; virq: its vcpu */
	uint32_t n;		/* interdomain: remote port; virq: its number */
	union {
		struct domain *remote;	/* interdomain: alive while bound */
		struct evtchn_backend *backend;
	};
};
_Static_assert(sizeof(struct evtchn) == 16, "a domain has up to 4096");

struct domain_event {
	struct spinlock lock;		/* evtchn_lock: guards the ports below */
	bool closed;			/* E: the domain ends; no new ports */
	uint32_t nr_used;		/* E */
	uint32_t hint;			/* E: no port below is free */
	struct evtchn *spare;		/* E: for the next bucket, or NULL */
	struct evtchn *bucket[MAX_EVTCHNS / EVTCHN_BUCKET]; /* E */
};

#define POLL_NONE	0
#define POLL_MANY	UINT64_MAX	/* else the port that is polled */

struct vcpu_event {
	struct vcpu_info *info;		/* A: where the guest looks: in shared */
					/* info or in a page it registered */
	mfn_t info_mfn;			/* O: that page, a writable use; or none */
	uint16_t virq_port[NR_VIRQS];	/* E: 0: not bound */
	uint64_t poll;			/* A: SCHEDOP_poll: POLL_* or a port; */
					/* cleared when that port woke it */
};

/* Domain creation and its end.  destroy closes every port of d, for good; free
 * is for the last reference. */
int evtchn_init(struct domain *d);
void evtchn_destroy(struct domain *d);
void evtchn_free(struct domain *d);

/*
 * Deliver virtual IRQ virq to a vcpu (per-vcpu VIRQs) or to the vcpu that d
 * bound it to (global ones).  Any context; takes evtchn_lock with interrupts
 * off.  Nothing happens where it is not bound.
 */
void virq_raise(struct vcpu *v, unsigned virq);
void virq_raise_global(struct domain *d, unsigned virq);

/* Send through a port of d.  0, also to an unbound remote end; -EINVAL no port
 * that can send. */
int evtchn_send(struct domain *d, uint32_t port);

/*
 * For backends in the hypervisor.  bind: port of d, unbound and for dom0, gets
 * its other end here: each send of the guest calls fn(arg), in any context, with
 * interrupts off and d's evtchn_lock held, so fn only notes it and raises a
 * softirq.  It is called once at the bind, for sends that were lost before.
 * 0, -EINVAL no such port, -ENOMEM.  With interrupts on.
 *
 * arg tells one binding from a later one of the same port.  unbind: the port is
 * unbound for dom0 again, and fn neither runs nor will.  A close by the guest,
 * or its end, does the same.  notify: the port becomes pending for the guest.
 * Both do nothing where the port is no more bound with that arg.
 */
int evtchn_bind_backend(struct domain *d, uint32_t port, void (*fn)(void *),
			void *arg);
void evtchn_unbind_backend(struct domain *d, uint32_t port, const void *arg);
void evtchn_notify_guest(struct domain *d, uint32_t port, const void *arg);

/* upcall_pending && !upcall_mask of the vcpu's registered vcpu_info. */
bool event_deliverable(const struct vcpu *v);

/* The vcpu_info moves: copy, and let the guest look at every port again.  new
 * lies in the direct map and stays until the domain's end. */
void event_move_info(struct vcpu *v, struct vcpu_info *new);

/*
 * The operations, for d's own ports.  Arguments are copies, not yet checked;
 * *port is the new port.  Errors as the ABI: -EINVAL wrong state or argument,
 * -ENOENT no such vcpu, -EEXIST virq bound already, -ENOSPC no port is left,
 * -ENOMEM, -EPERM a virq of dom0 alone.
 */
int evtchn_alloc_unbound(struct domain *d, uint16_t remote_dom, uint32_t *port);
int evtchn_bind_interdomain(struct domain *d, struct domain *remote,
			    uint32_t remote_port, uint32_t *port);
int evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu,
		     uint32_t *port);
int evtchn_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port);
int evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu);
int evtchn_close(struct domain *d, uint32_t port);
int evtchn_unmask(struct domain *d, uint32_t port);
int evtchn_get_status(struct domain *d, struct evtchn_status *st);

long do_event_channel_op(unsigned cmd, uint64_t arg);

#endif
