/*
 * virtq_test.c: the driver's side of a virtqueue against devices that do what
 * they should, and devices that do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "virtq.h"

#define SIZE	8

/* A device that sees the rings alone. */
struct device {
	struct virtq q;
	void *mem;
	volatile uint16_t bell;
	uint16_t seen, done;
};

static struct device *device_new(bool event_idx)
{
	struct device *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	d->mem = aligned_alloc(16, ROUND_UP(virtq_bytes(SIZE), 16));
	assert_non_null(d->mem);
	assert_int_equal(virtq_init(&d->q, d->mem, SIZE, event_idx), 0);
	d->q.notify = &d->bell;
	d->q.number = 7;
	return d;
}

static void device_free(struct device *d)
{
	free(d->mem);
	free(d);
}

/* Returns the head of the next request, and how many pieces it has. */
static uint16_t device_take(struct device *d, unsigned *pieces)
{
	uint16_t head, at;

	assert_int_not_equal(d->q.avail->idx, d->seen);
	head = at = d->q.avail->ring[d->seen++ % SIZE];
	for (*pieces = 1; d->q.desc[at].flags & 1; at = d->q.desc[at].next)
		++*pieces;
	return head;
}

static void device_done(struct device *d, uint32_t id, uint32_t len)
{
	d->q.used->ring[d->done % SIZE].id = id;
	d->q.used->ring[d->done % SIZE].len = len;
	d->q.used->idx = ++d->done;
}

static uint16_t request(struct device *d, unsigned pieces)
{
	for (unsigned i = 0; i < pieces; i++)
		virtq_add(&d->q, 0x1000 * (i + 1), 100, 0);
	return virtq_end(&d->q);
}

static void test_sizes(void **state)
{
	struct device *d = device_new(true);

	assert_int_equal(virtq_bytes(256), 4096 + 4 + 2 * 257 + 2 + 4 +
						   8 * 256 + 2);
	assert_int_equal(virtq_init(&d->q, d->mem, 0, true), -EINVAL);
	assert_int_equal(virtq_init(&d->q, d->mem, 6, true), -EINVAL);
	assert_int_equal(virtq_init(&d->q, d->mem, 512, true), -EINVAL);
	device_free(d);
}

/* Many times around, requests of several lengths, done out of order. */
static void test_around(void **state)
{
	struct device *d = device_new(true);
	unsigned pieces;
	uint32_t len;
	uint16_t id;

	for (unsigned i = 0; i < 70000; i++) {
		uint16_t a = request(d, 1 + i % 3), b = request(d, 2);

		virtq_publish(&d->q);
		assert_int_equal(device_take(d, &pieces), a);
		assert_int_equal(pieces, 1 + i % 3);
		assert_int_equal(device_take(d, &pieces), b);
		assert_int_equal(pieces, 2);
		assert_int_equal(virtq_take(&d->q, &id, &len), 0);
		device_done(d, b, i);
		device_done(d, a, 0);
		assert_int_equal(virtq_take(&d->q, &id, &len), 1);
		assert_int_equal(id, b);
		assert_int_equal(len, i);
		assert_int_equal(virtq_take(&d->q, &id, &len), 1);
		assert_int_equal(id, a);
		assert_int_equal(d->q.nr_free, SIZE);
	}
	device_free(d);
}

static void test_notify(void **state)
{
	struct device *d = device_new(true);
	uint16_t *avail_event = (uint16_t *)&d->q.used->ring[SIZE];

	*avail_event = 0; /* at the first request */
	request(d, 1);
	virtq_publish(&d->q);
	assert_int_equal(d->bell, 7);
	d->bell = 0;
	request(d, 1); /* it has not asked for this one */
	virtq_publish(&d->q);
	assert_int_equal(d->bell, 0);
	*avail_event = 3; /* for the fourth */
	request(d, 1);
	virtq_publish(&d->q);
	assert_int_equal(d->bell, 0);
	request(d, 1);
	request(d, 1);
	virtq_publish(&d->q);
	assert_int_equal(d->bell, 7);
	d->bell = 0;
	virtq_publish(&d->q); /* nothing new */
	assert_int_equal(d->bell, 0);
	device_free(d);
}

static void test_flags(void **state)
{
	struct device *d = device_new(false);

	d->q.used->flags = 1;
	request(d, 1);
	virtq_publish(&d->q);
	assert_int_equal(d->bell, 0);
	d->q.used->flags = 0;
	request(d, 1);
	virtq_publish(&d->q);
	assert_int_equal(d->bell, 7);
	virtq_disarm(&d->q);
	assert_int_equal(d->q.avail->flags, 1);
	virtq_arm(&d->q, 0);
	assert_int_equal(d->q.avail->flags, 0);
	device_free(d);
}

static void test_arm(void **state)
{
	struct device *d = device_new(true);
	uint16_t a = request(d, 1), b = request(d, 1), id;
	uint32_t len;

	assert_false(virtq_arm(&d->q, 1));
	assert_int_equal(d->q.avail->ring[SIZE], 1);
	device_done(d, a, 0);
	assert_false(virtq_arm(&d->q, 1)); /* one, not more than one */
	assert_true(virtq_arm(&d->q, 0));
	virtq_take(&d->q, &id, &len);
	assert_false(virtq_arm(&d->q, 0));
	assert_int_equal(d->q.avail->ring[SIZE], 1);
	assert_false(virtq_arm(&d->q, 3));
	assert_int_equal(d->q.avail->ring[SIZE], 4);
	device_done(d, b, 0);
	assert_true(virtq_arm(&d->q, 0));
	device_free(d);
}

/* What a device can say that is not so; then the queue begins anew. */
static void test_lies(void **state)
{
	struct device *d = device_new(true);
	uint16_t a = request(d, 3), id;
	uint32_t len;

	virtq_publish(&d->q);
	device_done(d, SIZE, 0);	/* no descriptor */
	assert_int_equal(virtq_take(&d->q, &id, &len), -EIO);
	d->done = 0;
	device_done(d, 0x10000u + a, 0);
	assert_int_equal(virtq_take(&d->q, &id, &len), -EIO);
	d->done = 0;
	device_done(d, (a + 1u) % SIZE, 0); /* the middle of a request */
	assert_int_equal(virtq_take(&d->q, &id, &len), -EIO);
	d->done = 0;
	device_done(d, a, 0);
	device_done(d, a, 0);		/* twice */
	assert_int_equal(virtq_take(&d->q, &id, &len), -EIO);
	d->q.used->idx = 1;
	assert_int_equal(virtq_take(&d->q, &id, &len), 1);
	d->q.used->idx = 2;
	assert_int_equal(virtq_take(&d->q, &id, &len), -EIO);
	d->q.used->idx = 40000;		/* more than there are */
	assert_int_equal(virtq_take(&d->q, &id, &len), -EIO);
	assert_int_equal(virtq_init(&d->q, d->mem, SIZE, true), 0);
	assert_int_equal(d->q.nr_free, SIZE);
	assert_int_equal(virtq_take(&d->q, &id, &len), 0);
	device_free(d);
}

/* Descriptors that the device has rewritten change nothing for us. */
static void test_rewrites(void **state)
{
	struct device *d = device_new(true);
	uint16_t a = request(d, 3), b = request(d, 3), id;
	uint32_t len;

	virtq_publish(&d->q);
	for (unsigned i = 0; i < SIZE; i++)
		d->q.desc[i] = (struct virtq_desc){ 0, 0, 1, (uint16_t)b };
	device_done(d, a, 0);
	device_done(d, b, 0);
	assert_int_equal(virtq_take(&d->q, &id, &len), 1);
	assert_int_equal(d->q.nr_free, SIZE - 3);
	assert_int_equal(virtq_take(&d->q, &id, &len), 1);
	assert_int_equal(d->q.nr_free, SIZE);
	for (unsigned i = 0; i < SIZE; i++) /* each descriptor once */
		virtq_add(&d->q, i, 1, 0);
	assert_int_equal(d->q.nr_free, 0);
	for (unsigned i = 0, seen = 0; i < SIZE; i++) {
		assert_false(seen & 1u << d->q.desc[i].addr);
		seen |= 1u << d->q.desc[i].addr;
	}
	device_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_arm),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_rewrites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
