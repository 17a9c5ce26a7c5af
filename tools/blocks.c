/*
 * blocks.c: see blocks.h.
 */
#include "blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MIN	12		/* type, length, length */
#define BLOCK_MAX	(1u << 20)	/* bytes */
#define ORDER_MAGIC	0x1a2b3c4d
#define PACKET_FIXED	20

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The length of the block at p, of which n bytes are here; 0: not known yet. */
static int block_length(const uint8_t *p, size_t n, size_t *len)
{
	*len = 0;
	if (n < BLOCK_MIN)
		return 0;
	if (get32(p) == BLOCKS_SECTION && get32(p + 8) != ORDER_MAGIC)
		return -EPROTO;
	*len = get32(p + 4);
	if (*len < BLOCK_MIN || *len > BLOCK_MAX || *len % 4)
		return -EPROTO;
	return 0;
}

static int grow(struct blocks *b, size_t len)
{
	uint8_t *buf;

	if (b->len + len <= b->size)
		return 0;
	buf = realloc(b->buf, b->len + len);
	if (!buf)
		return -ENOMEM;
	b->buf = buf;
	b->size = b->len + len;
	return 0;
}

int blocks_push(struct blocks *b, const void *data, size_t len)
{
	size_t at = 0, n;
	int rc = grow(b, len);

	if (rc)
		return rc;
	memcpy(b->buf + b->len, data, len);
	b->len += len;
	while (!(rc = block_length(b->buf + at, b->len - at, &n)) && n &&
	       n <= b->len - at) {
		struct block block = { get32(b->buf + at), b->buf + at, n };

		if (get32(block.data + n - 4) != n)
			return -EPROTO;
		rc = b->fn(b->ctx, &block);
		if (rc)
			break;
		at += n;
	}
	b->len -= at;
	memmove(b->buf, b->buf + at, b->len);
	return rc;
}

void blocks_free(struct blocks *b)
{
	free(b->buf);
	b->buf = NULL;
	b->len = b->size = 0;
}

bool block_packet(const struct block *b, struct block_packet *p)
{
	const uint8_t *f = b->data + 8;

	if (b->kind != BLOCKS_PACKET || b->len < BLOCK_MIN + PACKET_FIXED)
		return false;
	*p = (struct block_packet){
		.iface = get32(f),
		.time = (uint64_t)get32(f + 4) << 32 | get32(f + 8),
		.caplen = get32(f + 12),
		.len = get32(f + 16),
		.data = f + PACKET_FIXED,
	};
	return p->caplen <= b->len - BLOCK_MIN - PACKET_FIXED;
}

/* Where the options of a block begin, its length if it has none. */
static size_t options_at(const struct block *b)
{
	struct block_packet p;

	switch (b->kind) {
	case BLOCKS_SECTION:
		return 8 + 16;
	case BLOCKS_IFACE:
		return 8 + 8;
	case BLOCKS_STATS:
		return 8 + 12;
	default:
		if (!block_packet(b, &p))
			return b->len;
		return 8 + PACKET_FIXED + (((size_t)p.caplen + 3) & ~3ul);
	}
}

bool block_option(const struct block *b, uint16_t code, const uint8_t **value,
		  size_t *len)
{
	size_t at = options_at(b), end = b->len - 4;

	while (at + 4 <= end) {
		uint16_t c = get16(b->data + at), n = get16(b->data + at + 2);

		at += 4;
		if (!c || n > end - at)
			return false;
		if (c == code) {
			*value = b->data + at;
			*len = n;
			return true;
		}
		at += (n + 3u) & ~3u;
	}
	return false;
}

uint64_t block_option_u64(const struct block *b, uint16_t code)
{
	const uint8_t *value;
	uint64_t n = 0;
	size_t len;

	if (block_option(b, code, &value, &len) && len == sizeof(n))
		memcpy(&n, value, sizeof(n));
	return n;
}
