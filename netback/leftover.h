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

/*
 * In page->use: a state, and whose bytes.  The number is a connection's, not a
 * domain's: those come back, while a frame may lie posted for as long as its
 * NIC is idle.
 */
#define LEFTOVER_GIVEN	(1u << 30)	/* as the guest left it */
#define LEFTOVER_POSTED	(2u << 30)	/* and filled at most once since */
#define LEFTOVER_WHOSE	(LEFTOVER_GIVEN - 1)

static inline void leftover_given(struct page *pg, uint32_t whose)
{
	pg->use = LEFTOVER_GIVEN | whose;
}

static inline void leftover_posted(struct page *pg)
{
	pg->use = pg->use & LEFTOVER_GIVEN ?
			  LEFTOVER_POSTED | (pg->use & LEFTOVER_WHOSE) :
			  0;
}

/* What lies around the packet in pg is the own of that connection's guest. */
static inline bool leftover_is(const struct page *pg, uint32_t whose)
{
	return whose && pg->use == (LEFTOVER_POSTED | whose);
}

/* The number of the next connection, never given twice: 0, which owns nothing,
 * once they are used up. */
static inline uint32_t leftover_number(uint32_t *last)
{
	return *last < LEFTOVER_WHOSE ? ++*last : 0;
}

#endif
