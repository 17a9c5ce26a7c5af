/*
 * netfront_slot.h: what stands in the slots of a receive ring: by copy into
 * granted pages (xen/io/netif.h) or by exchange of pages (sluice/flip.h).
 */
#ifndef KIT_NETFRONT_SLOT_H
#define KIT_NETFRONT_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

#include "kit/netfront.h"

struct netfront_slot {		/* an answer */
	uint32_t offset, len;	/* as the backend says: len 0 is an error */
	bool more;		/* the next one is of the same frame */
	bool csum_ok;		/* first: TCP or UDP checksum right, or blank */
	bool large;		/* first: a segment that is still to be cut */
	bool extras;		/* first: slots without data follow */
};

/* How the pages of an interface are filled. */
struct netfront_mode {
	/* b's page can be posted; 0 or a negative errno.  end: not any more. */
	int (*begin)(struct netfront_buf *b, domid_t backend);
	bool (*end)(struct netfront_buf *b);
	void (*post)(void *slot, uint16_t id, const struct netfront_buf *b);
	/* The slot's answer; b's page is the guest's again. */
	void (*take)(const void *slot, struct netfront_slot *s,
		     struct netfront_buf *b);
};

extern const struct netfront_mode netfront_copy, netfront_flip;

#endif
