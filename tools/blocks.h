/*
 * blocks.h: take a pcapng stream apart into its blocks as it comes.
 *
 * The stream is somebody else's: a block is whole and of a sane length before
 * it is shown, and what is read from it is inside of it.
 */
#ifndef TOOLS_BLOCKS_H
#define TOOLS_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum block_kind {
	BLOCKS_SECTION	= 0x0a0d0d0a,
	BLOCKS_IFACE	= 1,
	BLOCKS_STATS	= 5,
	BLOCKS_PACKET	= 6,
};

struct block {
	uint32_t	kind;		/* enum block_kind, or another */
	const uint8_t	*data;		/* as it came, with its frame */
	size_t		 len;
};

/* Take a block; what is not 0 stops the stream. */
typedef int blocks_fn(void *ctx, const struct block *b);

struct blocks {
	blocks_fn	*fn;
	void		*ctx;
	uint8_t		*buf;
	size_t		 len, size;
};

/*
 * More bytes of the stream.  0; -EPROTO: this is no pcapng in our byte order;
 * -ENOMEM; or what fn returned.
 */
int blocks_push(struct blocks *b, const void *data, size_t len);
void blocks_free(struct blocks *b);

/* The value of a block's first option of that code; false: there is none. */
bool block_option(const struct block *b, uint16_t code, const uint8_t **value,
		  size_t *len);
/* The same as a number of 8 bytes; 0 if there is none. */
uint64_t block_option_u64(const struct block *b, uint16_t code);

struct block_packet {
	uint32_t	iface, caplen, len;
	uint64_t	time;		/* in the interface's units */
	const uint8_t	*data;
};

/* false: the block is none, or malformed. */
bool block_packet(const struct block *b, struct block_packet *p);

#endif
