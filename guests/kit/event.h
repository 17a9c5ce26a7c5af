/*
 * event.h: event channels and the event loop.
 *
 * The kit runs with upcalls masked.  Handlers run only from event_dispatch(),
 * on vcpu 0, one at a time, each to its end; so they share data freely.  Guest
 * code that wants to sleep calls event_block(); code that must wait for one
 * port without running other handlers calls event_poll().
 */
#ifndef KIT_EVENT_H
#define KIT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

#define EVENT_PORTS	2048	/* ports that the kit has handlers for */
#define EVENT_FOREVER	0	/* for event_poll */

typedef void event_fn(void *arg);

void event_init(void);

/* Each returns the port, with fn attached and unmasked, or a negative errno. */
int event_alloc_unbound(domid_t remote, event_fn *fn, void *arg);
int event_bind_interdomain(domid_t remote, unsigned int remote_port,
			   event_fn *fn, void *arg);
int event_bind_virq(unsigned int virq, unsigned int vcpu, event_fn *fn,
		    void *arg);

/* For a port that exists already, such as those of start_info. */
void event_attach(unsigned int port, event_fn *fn, void *arg);
int event_send(unsigned int port);
/* Make port pending for this guest itself, as if the other end had sent. */
void event_raise(unsigned int port);
int event_close(unsigned int port);

/* Run the handlers of all pending ports; whether there was any. */
bool event_dispatch(void);
/* Sleep until an event is pending, then dispatch. */
void event_block(void);
_Noreturn void event_loop(void);

/*
 * Sleep until port is pending, or the system time until_ns has come, and take
 * the pending bit.  Whether it was pending.  The handler is not called.
 */
bool event_poll(unsigned int port, uint64_t until_ns);

#endif
