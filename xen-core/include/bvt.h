/*
 * bvt.h: Borrowed Virtual Time, after Duda and Cheriton (SOSP 1999).
 *
 * A client's actual virtual time (avt) advances while it runs, the slower the
 * heavier its weight; the client with the least effective virtual time (evt)
 * runs next.  Effective is actual, less the warp of a client that borrows from
 * its own future in order to be served at once.  So shares follow weights in
 * the long run, and warp buys latency, not share.
 *
 * A client keeps the CPU until it is ahead of the next by an allowance, so that
 * those who always want to run do not take turns too often.  For one that wakes
 * the allowance is a BVT_WAKE_PART of that, until it is chosen (this is ours, and
 * not in the paper): one that used less than its share is served soon, also while
 * it may not warp, and even where the one that runs warps as well.
 *
 * Virtual time is in ns of a client of the default weight.  It may wrap: only
 * differences have meaning, and those are far below 2^63.
 *
 * Arithmetic and choice only: no locks, no clock.  now is system time in ns.
 */
#ifndef BVT_H
#define BVT_H

#include "types.h"

#define BVT_WEIGHT_DEFAULT	256
#define BVT_WEIGHT_MAX		65535
#define BVT_SLICE_MIN_NS	100000ull
#define BVT_WAKE_PART		4
#define BVT_NS_MAX		(1ull << 40)	/* of warp, limits, one charge: 18 min */

struct bvt {
	struct bvt *next, *prev; /* in the queue; NULL: in none */
	uint64_t avt;
	uint64_t rest;		/* of the last division, < weight */
	uint32_t weight;	/* 1 to BVT_WEIGHT_MAX */
	bool	 warp_on;	/* wants to warp when it wakes */
	bool	 warping;
	uint64_t early_ns;	/* woke, and counts as so much earlier till chosen */
	uint64_t warp_ns;	/* by how much */
	uint64_t warp_limit_ns;	/* may run so long at a stretch; 0: no limit */
	uint64_t unwarp_ns;	/* then must not for so long */
	uint64_t warp_ran;	/* of the present stretch */
	uint64_t warp_ended;	/* now when the last stretch ended */
	uint64_t slept_at;	/* now when it last went to sleep */
};

struct bvt_queue {
	struct bvt *head;	/* who wants to run and does not, in no order */
	uint32_t nr;
	uint64_t weight;	/* sum of theirs */
	uint64_t svt;		/* scheduler virtual time: the least avt of all */
				/* that want to run; never goes back */
};

/* 0 or -EINVAL: weight or a time out of range. */
int bvt_set(struct bvt *b, uint32_t weight, bool warp_on, uint64_t warp_ns,
	    uint64_t warp_limit_ns, uint64_t unwarp_ns);

/* A new client of the queue starts at the queue's time. */
void bvt_init(struct bvt *b, const struct bvt_queue *q);

uint64_t bvt_evt(const struct bvt *b);

void bvt_enqueue(struct bvt_queue *q, struct bvt *b);
void bvt_dequeue(struct bvt_queue *q, struct bvt *b);

/* b ran for ns, or work was done for it. */
void bvt_ran(struct bvt *b, uint64_t ns, uint64_t now);

void bvt_sleep(struct bvt *b, uint64_t now);

/*
 * b wakes, not yet enqueued: a long sleeper gets no credit for its sleep, it
 * starts at the queue's time, which is brought up to date.  cur runs, is
 * accounted up to now and wants to go on; NULL: none.  Starts to warp if it may.
 * slice_ns: the allowance.
 */
void bvt_wake(struct bvt_queue *q, const struct bvt *cur, struct bvt *b,
	      uint64_t now, uint64_t slice_ns);
/* b, picked, gets the CPU. */
void bvt_chosen(struct bvt *b);

/* b moves between queues with what it is ahead or behind. */
void bvt_move(const struct bvt_queue *from, const struct bvt_queue *to,
	      struct bvt *b);

/*
 * Who runs next: the least evt of cur (the one that runs and wants to go on, or
 * NULL) and the queue, but cur keeps the CPU until it is ahead by the allowance
 * slice_ns.  yielded: cur only if there is nobody else.  NULL: nobody wants.
 * Brings the queue's time up to date.  Takes nobody out of the queue.
 */
struct bvt *bvt_pick(struct bvt_queue *q, struct bvt *cur, bool yielded,
		     uint64_t slice_ns);

/* How long b, picked, may run before the choice is to be made again: until it is
 * ahead by the allowance, at least BVT_SLICE_MIN_NS; BVT_NS_MAX where nobody
 * waits.  b is not in the queue. */
uint64_t bvt_slice(const struct bvt_queue *q, const struct bvt *b,
		   uint64_t slice_ns);

/* Should b, which woke, take the CPU from cur at once? */
bool bvt_preempts(const struct bvt *b, const struct bvt *cur,
		  uint64_t slice_ns);

#endif
