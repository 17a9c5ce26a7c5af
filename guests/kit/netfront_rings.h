/*
 * netfront_rings.h: between the rings of an interface (netfront.c) and whoever
 * makes them known to the backend: netfront_bus.c over the store; dom0, which is
 * the store, by control operation.
 */
#ifndef KIT_NETFRONT_RINGS_H
#define KIT_NETFRONT_RINGS_H

#include "kit/netfront.h" /* first: Xen's headers use its integers */

#include <xen/xen.h>

struct netfront_rings {		/* what the backend must be told */
	uint32_t tx_ref, rx_ref;
	uint32_t port;		/* of this guest */
	bool	 flip;		/* the receive ring is one of sluice/flip.h */
};

/* Rings with buffers posted, granted to domain backend; NULL: no memory. */
struct netfront *netfront_new(domid_t backend, bool flip,
			      const struct netfront_handler *h, void *ctx,
			      unsigned int nr_bufs, struct netfront_rings *out);

/* The backend has let go of the rings, or never had them: as netfront_close(). */
int netfront_free(struct netfront *nf);

/* Which vif it is.  Set once, before others ask. */
void netfront_name(struct netfront *nf, unsigned int handle,
		   const uint8_t mac[6]);
unsigned int netfront_handle(const struct netfront *nf);

#endif
