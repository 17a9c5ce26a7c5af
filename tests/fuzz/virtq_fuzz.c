/*
 * virtq_fuzz.c: a device that writes what it likes, where it may, between the
 * driver's calls.  What must hold: each descriptor is free or of one request.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "virtq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SIZE	16

static void require(bool what)
{
	if (!what)
		abort();
}

/* Walk the free list and the requests: each descriptor once. */
static void queue_check(const struct virtq *q)
{
	uint32_t seen = 0;
	uint16_t at = q->free_head;

	for (uint16_t i = 0; i < q->nr_free; i++, at = q->next[at]) {
		require(at < SIZE && !(seen & 1u << at));
		seen |= 1u << at;
	}
	for (uint16_t head = 0; head < SIZE; head++) {
		at = head;
		for (uint16_t i = 0; i < q->count[head]; i++) {
			require(at < SIZE && !(seen & 1u << at));
			seen |= 1u << at;
			at = q->next[at];
		}
	}
	require(seen == (1u << SIZE) - 1);
}

static void drive(struct virtq *q, uint8_t what, uint8_t arg)
{
	unsigned pieces = 1 + arg % 5;
	uint32_t len;
	uint16_t id;

	switch (what % 4) {
	case 0:
		if (q->nr_free < pieces)
			break;
		while (pieces--)
			virtq_add(q, arg, 1, 0);
		virtq_end(q);
		break;
	case 1:
		virtq_publish(q);
		break;
	case 2:
		if (virtq_take(q, &id, &len) > 0)
			require(id < SIZE);
		break;
	case 3:
		virtq_arm(q, arg);
		break;
	}
	queue_check(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static aligned(16) uint8_t mem[1024];
	static struct virtq q;
	static uint16_t bell;
	size_t bytes = virtq_bytes(SIZE);

	require(bytes <= sizeof(mem));
	virtq_init(&q, mem, SIZE, len & 1);
	q.notify = &bell;
	for (; len >= 4; data += 4, len -= 4) {
		size_t at = (data[1] | (size_t)data[2] << 8) % bytes;

		if (data[0] & 0x80)
			mem[at] = data[3];
		else if (data[0] & 0x40) /* what a good device would do */
			q.used->ring[q.used->idx++ % SIZE].id = data[3];
		else
			drive(&q, data[0], data[3]);
	}
	return 0;
}
