/* virtq.c: see virtq.h. */
#include "virtq.h"

#include "lib.h"

#define DESC_NEXT		1
#define AVAIL_NO_INTERRUPT	1
#define USED_NO_NOTIFY		1

static_assert(sizeof(struct virtq_desc) == 16, "virtio 2.6.5");
static_assert(sizeof(((struct virtq_used *)0)->ring[0]) == 8, "virtio 2.6.8");

/* 2.6: where each part begins, and how long all are. */
static size_t avail_at(uint16_t size)
{
	return size * sizeof(struct virtq_desc);
}

static size_t used_at(uint16_t size)
{
	return ROUND_UP(avail_at(size) + sizeof(struct virtq_avail) +
				(size + 1ul) * sizeof(uint16_t),
			4);
}

size_t virtq_bytes(uint16_t size)
{
	return used_at(size) + sizeof(struct virtq_used) +
	       size * sizeof(((struct virtq_used *)0)->ring[0]) +
	       sizeof(uint16_t);
}

int virtq_init(struct virtq *q, void *mem, uint16_t size, bool event_idx)
{
	if (size == 0 || size > VIRTQ_MAX || (size & (size - 1)))
		return -EINVAL;
	memset(mem, 0, virtq_bytes(size));
	q->desc = mem;
	q->avail = (void *)((char *)mem + avail_at(size));
	q->used = (void *)((char *)mem + used_at(size));
	q->size = size;
	q->mask = size - 1;
	q->event_idx = event_idx;
	q->avail_idx = q->kicked_idx = q->used_idx = q->armed = 0;
	q->head = q->tail = VIRTQ_NONE;
	for (uint16_t i = 0; i < size; i++) {
		q->next[i] = i + 1;
		q->count[i] = 0;
	}
	q->free_head = 0;
	q->nr_free = size;
	return 0;
}

void virtq_add(struct virtq *q, uint64_t addr, uint32_t len, uint16_t flags)
{
	uint16_t d = q->free_head;

	q->free_head = q->next[d];
	q->nr_free--;
	q->desc[d] = (struct virtq_desc){ addr, len, flags, 0 };
	if (q->head == VIRTQ_NONE) {
		q->head = d;
	} else {
		q->next[q->tail] = d;
		q->desc[q->tail].flags |= DESC_NEXT;
		q->desc[q->tail].next = d;
	}
	q->tail = d;
	q->count[q->head]++;
}

uint16_t virtq_end(struct virtq *q)
{
	uint16_t head = q->head;

	q->avail->ring[q->avail_idx++ & q->mask] = head;
	q->head = q->tail = VIRTQ_NONE;
	return head;
}

/* 2.6.7.2: between two notifications the device may ask for one at an index. */
static bool wants_notify(const struct virtq *q, uint16_t old)
{
	uint16_t event;

	if (!q->event_idx)
		return !(READ_ONCE(q->used->flags) & USED_NO_NOTIFY);
	event = READ_ONCE(*(const uint16_t *)&q->used->ring[q->size]);
	return (uint16_t)(q->avail_idx - event - 1) <
	       (uint16_t)(q->avail_idx - old);
}

void virtq_publish(struct virtq *q)
{
	uint16_t old = q->kicked_idx;

	if (old == q->avail_idx)
		return;
	__atomic_store_n(&q->avail->idx, q->avail_idx, __ATOMIC_RELEASE);
	q->kicked_idx = q->avail_idx;
	/* The device must see the index before we see that it sleeps. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (wants_notify(q, old))
		*q->notify = q->number;
}

void virtq_remind(struct virtq *q)
{
	*q->notify = q->number;
}

/* The descriptors of a request, which is done, are free again. */
static void release(struct virtq *q, uint16_t head)
{
	uint16_t last = head;

	q->nr_free += q->count[head];
	while (--q->count[head])
		last = q->next[last];
	q->next[last] = q->free_head;
	q->free_head = head;
}

int virtq_take(struct virtq *q, uint16_t *id, uint32_t *len)
{
	uint16_t there = __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE);
	uint32_t head;

	if (there == q->used_idx)
		return 0;
	if ((uint16_t)(there - q->used_idx) > virtq_pending(q))
		return -EIO;
	head = READ_ONCE(q->used->ring[q->used_idx & q->mask].id);
	*len = READ_ONCE(q->used->ring[q->used_idx & q->mask].len);
	if (head >= q->size || q->count[head] == 0)
		return -EIO;
	q->used_idx++;
	release(q, (uint16_t)head);
	*id = (uint16_t)head;
	return 1;
}

bool virtq_arm(struct virtq *q, uint16_t after)
{
	uint16_t at = q->used_idx + after;

	if (!q->event_idx) {
		WRITE_ONCE(q->avail->flags, 0);
	} else if (at != q->armed) {
		WRITE_ONCE(q->avail->ring[q->size], at);
		q->armed = at;
	} else {
		return virtq_done(q) > after;
	}
	/* It must see our wish before we see that nothing is there. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return virtq_done(q) > after;
}

void virtq_disarm(struct virtq *q)
{
	if (!q->event_idx)
		WRITE_ONCE(q->avail->flags, AVAIL_NO_INTERRUPT);
}
