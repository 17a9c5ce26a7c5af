/*
 * bvt.c: the arithmetic of bvt.h.
 */
#include "bvt.h"

/* a is before b on a clock that wraps. */
static bool before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

/* Virtual time is real time times default weight by weight. */
static uint64_t virtual_ns(const struct bvt *b, uint64_t ns)
{
	return ns * BVT_WEIGHT_DEFAULT / b->weight;
}

static uint64_t real_ns(const struct bvt *b, uint64_t vns)
{
	return vns / BVT_WEIGHT_DEFAULT * b->weight +
	       vns % BVT_WEIGHT_DEFAULT * b->weight / BVT_WEIGHT_DEFAULT;
}

int bvt_set(struct bvt *b, uint32_t weight, bool warp_on, uint64_t warp_ns,
	    uint64_t warp_limit_ns, uint64_t unwarp_ns)
{
	if (weight < 1 || weight > BVT_WEIGHT_MAX || warp_ns > BVT_NS_MAX ||
	    warp_limit_ns > BVT_NS_MAX || unwarp_ns > BVT_NS_MAX)
		return -EINVAL;
	b->weight = weight;
	b->rest %= weight;
	b->warp_on = warp_on;
	b->warping &= warp_on;
	b->warp_ns = warp_ns;
	b->warp_limit_ns = warp_limit_ns;
	b->unwarp_ns = unwarp_ns;
	return 0;
}

void bvt_init(struct bvt *b, const struct bvt_queue *q)
{
	*b = (struct bvt){.weight = BVT_WEIGHT_DEFAULT, .avt = q->svt};
}

uint64_t bvt_evt(const struct bvt *b)
{
	return b->avt - b->early_ns - (b->warping ? b->warp_ns : 0);
}

void bvt_enqueue(struct bvt_queue *q, struct bvt *b)
{
	if (q->head == NULL) {
		b->next = b->prev = b;
	} else {
		b->next = q->head;
		b->prev = q->head->prev;
		b->prev->next = b;
		b->next->prev = b;
	}
	q->head = b;
	q->nr++;
	q->weight += b->weight;
}

void bvt_dequeue(struct bvt_queue *q, struct bvt *b)
{
	if (b->next == b) {
		q->head = NULL;
	} else {
		b->prev->next = b->next;
		b->next->prev = b->prev;
		if (q->head == b)
			q->head = b->next;
	}
	b->next = b->prev = NULL;
	q->nr--;
	q->weight -= b->weight;
}

void bvt_ran(struct bvt *b, uint64_t ns, uint64_t now)
{
	uint64_t scaled;

	ns = MIN(ns, BVT_NS_MAX);
	scaled = ns * BVT_WEIGHT_DEFAULT + b->rest;
	b->avt += scaled / b->weight;
	b->rest = scaled % b->weight;

	if (!b->warping)
		return;
	b->warp_ran += ns;
	if (b->warp_limit_ns != 0 && b->warp_ran >= b->warp_limit_ns) {
		b->warping = false;
		b->warp_ended = now;
	}
}

void bvt_sleep(struct bvt *b, uint64_t now)
{
	b->slept_at = now;
}

/*
 * A stretch of warping ends by running into its limit, or by a sleep that is as
 * long as the pause which the limit asks for; short naps do not start it anew.
 */
static bool may_warp(struct bvt *b, uint64_t now)
{
	if (!b->warp_on)
		return false;
	if (b->warp_limit_ns == 0)
		return true;
	if (b->warp_ran >= b->warp_limit_ns) {
		if (now - b->warp_ended < b->unwarp_ns)
			return false;
		b->warp_ran = 0;
	} else if (now - b->slept_at >= b->unwarp_ns) {
		b->warp_ran = 0;
	}
	return true;
}

static void advance_svt(struct bvt_queue *q, const struct bvt *cur)
{
	const struct bvt *b = q->head;
	uint64_t least;
	uint32_t i;

	if (cur == NULL)
		cur = b;
	if (cur == NULL)
		return;
	least = cur->avt;
	for (i = 0; i < q->nr; i++, b = b->next)
		if (before(b->avt, least))
			least = b->avt;
	if (before(q->svt, least))
		q->svt = least;
}

void bvt_wake(struct bvt_queue *q, const struct bvt *cur, struct bvt *b,
	      uint64_t now, uint64_t slice_ns)
{
	advance_svt(q, cur);
	if (before(b->avt, q->svt))
		b->avt = q->svt;
	b->warping = may_warp(b, now);
	b->early_ns = slice_ns - slice_ns / BVT_WAKE_PART;
}

void bvt_chosen(struct bvt *b)
{
	b->early_ns = 0;
}

void bvt_move(const struct bvt_queue *from, const struct bvt_queue *to,
	      struct bvt *b)
{
	b->avt = b->avt - from->svt + to->svt;
}

static const struct bvt *least_evt(const struct bvt_queue *q)
{
	const struct bvt *best = q->head, *b = q->head;

	if (b == NULL)
		return NULL;
	/* Of equals the one that waits longest: new ones come at the head. */
	while ((b = b->next) != q->head)
		if (!before(bvt_evt(best), bvt_evt(b)))
			best = b;
	return best;
}

struct bvt *bvt_pick(struct bvt_queue *q, struct bvt *cur, bool yielded,
		     uint64_t slice_ns)
{
	struct bvt *best = (struct bvt *)least_evt(q);

	advance_svt(q, cur);
	if (best == NULL || cur == NULL)
		return best ? best : cur;
	if (yielded)
		return best;
	return bvt_preempts(best, cur, slice_ns) ? best : cur;
}

uint64_t bvt_slice(const struct bvt_queue *q, const struct bvt *b,
		   uint64_t slice_ns)
{
	const struct bvt *next = least_evt(q);
	uint64_t ns, ahead;

	if (next == NULL)
		return BVT_NS_MAX;
	if (before(bvt_evt(b), bvt_evt(next))) {
		ns = real_ns(b, MIN(bvt_evt(next) - bvt_evt(b), BVT_NS_MAX));
		ns = MIN(ns + slice_ns, BVT_NS_MAX);
	} else {
		ahead = real_ns(b, MIN(bvt_evt(b) - bvt_evt(next), BVT_NS_MAX));
		ns = slice_ns > ahead ? slice_ns - ahead : 0;
	}
	/* At the end of its warp it may be another's turn. */
	if (b->warping && b->warp_limit_ns > b->warp_ran)
		ns = MIN(ns, b->warp_limit_ns - b->warp_ran);
	return MAX(ns, BVT_SLICE_MIN_NS);
}

bool bvt_preempts(const struct bvt *b, const struct bvt *cur,
		  uint64_t slice_ns)
{
	return !before(bvt_evt(cur), bvt_evt(b) + virtual_ns(cur, slice_ns));
}
