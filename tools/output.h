/*
 * output.h: a pcapng stream into a file, or into a row of files.
 *
 * Files begin with the section and all interfaces, so that each can be read
 * alone, and always end with a whole block.
 */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <stdint.h>
#include <stdio.h>

#include "blocks.h"

struct output {
	const char	*path;		/* "-": stdout */
	uint64_t	 file_bytes;	/* a new file after so many; 0: never */
	unsigned int	 files;		/* keep the newest; 0: all */
	/* its own */
	FILE		*f;
	unsigned int	 number;	/* of the file, from 0 */
	uint64_t	 written;
	uint8_t		*head;		/* of a row: section and interfaces */
	size_t		 head_len;
};

/* 0, or a negative errno; -EPROTO: the stream has more interfaces than a row of
 * files can begin with. */
int output_open(struct output *o);
int output_block(struct output *o, const struct block *b);
int output_flush(struct output *o);
int output_close(struct output *o);

#endif
