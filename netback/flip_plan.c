/* flip_plan.c: see flip_plan.h. */
#include "flip_plan.h"

bool flip_by_piece(const struct vfr_packet *p, bool givable)
{
	const struct vfr_frag *first = &p->frags[0];

	if (!givable || !p->nr_frags || first->offset < p->hdr_len ||
	    p->hdr_len + first->len < FLIP_MIN_BYTES)
		return false;
	for (unsigned i = 0; i < p->nr_frags; i++)
		if (p->frags[i].offset + p->frags[i].len > FLIP_PAGE)
			return false;
	return true;
}

uint32_t flip_slots(const struct vfr_packet *p, bool by_piece)
{
	return by_piece ? p->nr_frags : (p->len + FLIP_PAGE - 1) / FLIP_PAGE;
}

static struct flip_piece packed(const struct vfr_packet *p, uint32_t from)
{
	uint32_t left = p->len - from;

	return (struct flip_piece){
		.from = from,
		.len = (uint16_t)(left < FLIP_PAGE ? left : FLIP_PAGE),
	};
}

struct flip_piece flip_piece(const struct vfr_packet *p, bool by_piece,
			     uint32_t i, uint32_t from)
{
	const struct vfr_frag *f = &p->frags[i];
	uint16_t hdr = i ? 0 : p->hdr_len;

	if (!by_piece)
		return packed(p, from);
	return (struct flip_piece){
		.from = from,
		.len = (uint16_t)(hdr + f->len),
		.offset = (uint16_t)(f->offset - hdr),
		.hdr = hdr,
		.exchange = hdr + f->len >= FLIP_MIN_BYTES,
	};
}
