/*
 * tool_blocks_test.c: pcapng streams taken apart, in whatever pieces they come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/blocks.h"
#include "tools/pcapng.h"

struct stream {
	uint8_t	b[4096];
	size_t	len;
};

static int append(void *ctx, const void *data, size_t len)
{
	struct stream *s = ctx;

	assert_true(s->len + len <= sizeof(s->b));
	memcpy(s->b + s->len, data, len);
	s->len += len;
	return 0;
}

/* A section with two interfaces, two packets and counters. */
static void make(struct stream *s)
{
	struct pcapng w;

	s->len = 0;
	assert_int_equal(pcapng_begin(&w, append, s, 96, "test", NULL), 0);
	pcapng_add_iface(&w, &(struct pcapng_iface){ .name = "web" });
	pcapng_add_iface(&w, &(struct pcapng_iface){ .name = "wan" });
	pcapng_packet(&w, &(struct pcapng_packet){
		.iface = 1, .time_ns = 5000000000, .data = "abcde",
		.caplen = 5, .len = 7, .verdict = PCAPNG_VERDICT_DROP,
		.direction = PCAPNG_DIR_IN, .id = 42, .lost = 3,
		.comment = "deny" });
	pcapng_packet(&w, &(struct pcapng_packet){
		.data = "", .verdict = PCAPNG_VERDICT_NONE });
	pcapng_stats(&w, 1, &(struct pcapng_stats){ .lost = 9 });
}

struct seen {
	uint32_t kinds[16];
	unsigned int nr;
	struct block_packet p;
};

static int see(void *ctx, const struct block *b)
{
	struct seen *s = ctx;
	const uint8_t *v;
	size_t len;

	assert_true(s->nr < 16);
	s->kinds[s->nr++] = b->kind;
	if (s->nr == 4) {
		assert_true(block_packet(b, &s->p));
		assert_int_equal(s->p.iface, 1);
		assert_int_equal(s->p.time, 5000000000);
		assert_int_equal(s->p.caplen, 5);
		assert_int_equal(s->p.len, 7);
		assert_memory_equal(s->p.data, "abcde", 5);
		assert_int_equal(block_option_u64(b, 5), 42);
		assert_int_equal(block_option_u64(b, 4), 3);
		assert_true(block_option(b, 1, &v, &len));
		assert_int_equal(len, 4);
		assert_memory_equal(v, "deny", 4);
		assert_false(block_option(b, 99, &v, &len));
	}
	if (s->nr == 3) {
		assert_true(block_option(b, 2, &v, &len));
		assert_memory_equal(v, "wan", 3);
	}
	if (s->nr == 6)
		assert_int_equal(block_option_u64(b, 7), 9);
	return 0;
}

static const uint32_t kinds[] = {
	BLOCKS_SECTION, BLOCKS_IFACE, BLOCKS_IFACE, BLOCKS_PACKET,
	BLOCKS_PACKET, BLOCKS_STATS,
};

static void test_pieces(void **state)
{
	struct stream s;

	make(&s);
	for (size_t piece = 1; piece <= s.len; piece++) {
		struct seen seen = { .nr = 0 };
		struct blocks b = { .fn = see, .ctx = &seen };

		for (size_t at = 0; at < s.len; at += piece)
			assert_int_equal(blocks_push(&b, s.b + at,
				at + piece < s.len ? piece : s.len - at), 0);
		assert_int_equal(seen.nr, 6);
		assert_memory_equal(seen.kinds, kinds, sizeof(kinds));
		blocks_free(&b);
	}
}

static int look(void *ctx, const struct block *b)
{
	struct block_packet p;
	const uint8_t *v;
	size_t len;

	*(unsigned int *)ctx += block_packet(b, &p) ? p.data[0] : 0;
	if (block_option(b, 1, &v, &len))
		for (size_t i = 0; i < len; i++)
			*(unsigned int *)ctx += v[i];
	return 0;
}

/* Any byte of it may be another: nothing outside is read. */
static void test_damaged(void **state)
{
	struct stream s;
	unsigned int sum = 0;

	make(&s);
	srand(3);
	for (unsigned int i = 0; i < 20000; i++) {
		struct blocks b = { .fn = look, .ctx = &sum };
		uint8_t *copy = malloc(s.len);

		memcpy(copy, s.b, s.len);
		for (int k = rand() % 4; k >= 0; k--)
			copy[(size_t)rand() % s.len] = (uint8_t)rand();
		blocks_push(&b, copy, s.len);
		free(copy);
		blocks_free(&b);
	}
}

static void test_refused(void **state)
{
	static const uint32_t bad[][4] = {
		{ BLOCKS_SECTION, 28, 0x4d3c2b1a, 0 },	/* other byte order */
		{ BLOCKS_IFACE, 8, 0, 0 },
		{ BLOCKS_IFACE, 13, 0, 0 },
		{ BLOCKS_IFACE, 0x7ffffffc, 0, 0 },
		{ BLOCKS_IFACE, 16, 0, 20 },	/* lengths that differ */
	};

	for (size_t i = 0; i < 5; i++) {
		unsigned int sum = 0;
		struct blocks b = { .fn = look, .ctx = &sum };

		assert_int_equal(blocks_push(&b, bad[i], 16), -71);
		blocks_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
