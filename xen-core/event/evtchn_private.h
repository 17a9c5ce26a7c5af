/*
 * evtchn_private.h: what the files of this folder share.
 *
 * A port is EVTCHNSTAT_closed, unbound, interdomain, virq or ipi, or its other
 * end is a backend in the hypervisor (EVTCHN_BACKEND).
 *
 * Lock: domain->event.lock guards the ports; interrupts off, as virtual IRQs
 * are raised from interrupt handlers.  Memory cannot be allocated then (a frame
 * that was another domain's wants a flush of all CPUs): an operation that finds
 * no bucket for its port ends with -ERESTART, and is made again with a spare.
 */
#ifndef EVTCHN_PRIVATE_H
#define EVTCHN_PRIVATE_H

#include "domain.h"
#include "event.h"

/* ---- port.c ---- */

/* The port, whatever its state; NULL where there is none.  Under the lock. */
struct evtchn *port_of(struct domain *d, uint32_t port);

/* Take the lowest free port, as state for vcpu; its number, or an error, of which
 * -ERESTART asks for a spare.  Under the lock. */
int port_alloc(struct domain *d, uint8_t state, uint8_t vcpu,
	       struct evtchn **out);
/* Under the lock.  c may be no more. */
void port_free(struct domain *d, uint32_t port, struct evtchn *c);

/* A spare bucket: 0 or -ENOMEM.  Without the lock, interrupts on. */
int port_spare_add(struct domain *d);

/* ---- pending.c ---- */

/* The port becomes pending for v, of d.  Under the lock of either end. */
void port_set_pending(struct domain *d, uint32_t port, struct vcpu *v);
/* A port that is free again must not be pending when it is bound next. */
void port_clear_pending(struct domain *d, uint32_t port);
/* It is not masked any more; v is told if it is pending. */
void port_unmask(struct domain *d, uint32_t port, struct vcpu *v);

#endif
