/*
 * leftover.h: whose bytes are left in a receive frame, around its packet.
 *
 * A frame that came from a domain in exchange has that domain's bytes in it.  After
 * one filling by the device, all that the packet does not cover are still those:
 * going back to the same domain they need not be zeroed.  A second filling
 * without an exchange between has left another packet's bytes in it.
 *
 * So a driver says each posting of a frame to its device, before the posting; where
 * it does not, frames are zeroed more often than they need.
 */
#ifndef LEFTOVER_H
#define LEFTOVER_H

#include "page.h"

/* In page->use, above the domid. */
#define LEFTOVER_GIVEN	(1u << 16)	/* as the domain left it */
#define LEFTOVER_POSTED	(2u << 16)	/* and filled at most once since */

static inline void leftover_given(struct page *pg, uint16_t domid)
{
	pg->use = LEFTOVER_GIVEN | domid;
}

static inline void leftover_posted(struct page *pg)
{
	pg->use = pg->use & LEFTOVER_GIVEN ?
			  LEFTOVER_POSTED | (uint16_t)pg->use :
			  0;
}

/* What lies around the packet in pg is domid's own. */
static inline bool leftover_is(const struct page *pg, uint16_t domid)
{
	return pg->use == (LEFTOVER_POSTED | domid);
}

#endif
