/*
 * bytes.h: a piece of memory that is filled from the front.
 */
#ifndef DOM0_BYTES_H
#define DOM0_BYTES_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	uint8_t	*data;
	size_t	 len, size;
};

static inline size_t bytes_room(const struct bytes *b)
{
	return b->size - b->len;
}

/* All of it, or -ENOSPC. */
static inline int bytes_add(struct bytes *b, const void *data, size_t len)
{
	if (len > bytes_room(b))
		return -ENOSPC;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return 0;
}

#endif
