/*
 * flip_plan.h: how a packet is laid into the pages of a flip ring.  Pure:
 * nothing of the hypervisor, tested on the host.
 *
 * A packet whose frames may be given away goes piece by piece, each in the place
 * that it has in its frame; the headers, which the VFR holds apart, go before the
 * first.  Any other is packed into as few pages as it needs.
 */
#ifndef FLIP_PLAN_H
#define FLIP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <vfr/packet.h>

#define FLIP_PAGE	4096u

/*
 * The policy: a piece of so many bytes or more is exchanged, a smaller one is
 * copied.  Measured: docs/flip.md has the numbers.
 */
#define FLIP_MIN_BYTES	1024u

struct flip_piece {
	uint32_t from;		/* its first byte, in the packet */
	uint16_t len;
	uint16_t offset;	/* in the page */
	uint16_t hdr;		/* of len: headers, not in the frame yet */
	bool	 exchange;	/* frags[i]'s frame may go */
};

/*
 * May p go piece by piece?  givable: its frames are its own and the
 * hypervisor's.  The headers must fit before what is left in the first frame.
 */
bool flip_by_piece(const struct vfr_packet *p, bool givable);

uint32_t flip_slots(const struct vfr_packet *p, bool by_piece);

/* The i-th piece, i < flip_slots(); by piece it is of frags[i]; *from is the
 * length of the pieces before it. */
struct flip_piece flip_piece(const struct vfr_packet *p, bool by_piece,
			     uint32_t i, uint32_t from);

#endif
