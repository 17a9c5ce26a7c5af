/*
 * virtq.h: a split virtqueue (Virtual I/O Device 1.1, section 2.6), the
 * driver's side.
 *
 * The device is not trusted with our memory's layout.  It may read and write
 * the rings and the descriptors whenever it likes; so what we must remember,
 * above all which descriptors a request has, is kept in arrays of our own, and
 * what the device says is checked against them.
 *
 * A caller serialises all calls on one queue.  No other state, no allocation.
 */
#ifndef VIRTQ_H
#define VIRTQ_H

#include "types.h"

#define VIRTQ_MAX	256	/* descriptors */
#define VIRTQ_NONE	UINT16_MAX

struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

#define VIRTQ_WRITE	2	/* the device writes this piece */

struct virtq_avail {
	uint16_t flags, idx, ring[];	/* and one more: used_event */
};

struct virtq_used {
	uint16_t flags, idx;
	struct {
		uint32_t id, len;
	} ring[];			/* and after it: avail_event */
};

struct virtq {
	struct virtq_desc *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
	volatile uint16_t *notify;	/* where a notification goes ... */
	uint16_t number;		/* ... and what */
	uint16_t size, mask;		/* a power of two <= VIRTQ_MAX */
	bool event_idx;			/* VIRTIO_F_EVENT_IDX is agreed on */
	uint16_t avail_idx;		/* ours; published by virtq_publish() */
	uint16_t kicked_idx;		/* avail_idx at the last of these */
	uint16_t used_idx;		/* taken so far */
	uint16_t armed;			/* used_event */
	uint16_t nr_free;
	uint16_t free_head;
	uint16_t head, tail;		/* of the request in the making */
	uint16_t next[VIRTQ_MAX];	/* of a request, or of the free list */
	uint16_t count[VIRTQ_MAX];	/* by head: its length; 0: none */
};

/* Bytes of memory for a queue's rings. */
size_t virtq_bytes(uint16_t size);

/*
 * An empty queue in mem (16-byte aligned, at least virtq_bytes()); also one
 * that was in use before, once the device is reset.  notify and number stay.
 * -EINVAL: size is no power of two up to VIRTQ_MAX.
 */
int virtq_init(struct virtq *q, void *mem, uint16_t size, bool event_idx);

/* One more piece of the request in the making; nr_free must not be 0. */
void virtq_add(struct virtq *q, uint64_t addr, uint32_t len, uint16_t flags);

/* The request is complete; returns the number it will come back with. */
uint16_t virtq_end(struct virtq *q);

/* Show the device what was completed, and notify it if it wants to know. */
void virtq_publish(struct virtq *q);

/* Notify the device though it has not asked for that. */
void virtq_remind(struct virtq *q);

/*
 * A request that the device is done with: 1, its number and the bytes that the
 * device says it wrote; its descriptors are free.  0: there is none.  -EIO: the
 * device names what it does not have; it wants a reset.
 */
int virtq_take(struct virtq *q, uint16_t *id, uint32_t *len);

/*
 * Interrupts were off since the last one; from now on the device interrupts
 * when it is done with more than `after' requests beyond those taken.  True:
 * it has done so many already, and may not.
 */
bool virtq_arm(struct virtq *q, uint16_t after);

/* No interrupts wanted, for what they are worth without VIRTIO_F_EVENT_IDX. */
void virtq_disarm(struct virtq *q);

/* Requests that the device has, and those that it is done with. */
static inline uint16_t virtq_pending(const struct virtq *q)
{
	return (uint16_t)(q->avail_idx - q->used_idx);
}

static inline uint16_t virtq_done(const struct virtq *q)
{
	return (uint16_t)(__atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE) -
			  q->used_idx);
}

#endif
