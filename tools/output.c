/*
 * output.c: see output.h.
 */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define HEAD_MAX  (4u << 20)	/* bytes: 256 interfaces, described at length */

static void file_name(const struct output *o, unsigned int number,
		      char path[PATH_SIZE])
{
	if (number)
		snprintf(path, PATH_SIZE, "%s%u", o->path, number);
	else
		snprintf(path, PATH_SIZE, "%s", o->path);
}

int output_open(struct output *o)
{
	char path[PATH_SIZE];

	if (!strcmp(o->path, "-")) {
		o->f = stdout;
		return 0;
	}
	file_name(o, o->number, path);
	o->f = fopen(path, "wb");
	return o->f ? 0 : -errno;
}

static int put(struct output *o, const void *data, size_t len)
{
	errno = 0;
	if (len && fwrite(data, 1, len, o->f) != len)
		return errno ? -errno : -EIO;
	o->written += len;
	return 0;
}

int output_flush(struct output *o)
{
	return o->f && fflush(o->f) ? -errno : 0;
}

static int file_close(struct output *o)
{
	int rc = output_flush(o);

	if (o->f && o->f != stdout && fclose(o->f))
		rc = rc ? rc : -errno;
	o->f = NULL;
	return rc;
}

static int next_file(struct output *o)
{
	char path[PATH_SIZE];
	int rc = file_close(o);

	o->number++;
	o->written = 0;
	if (!rc)
		rc = output_open(o);
	if (!rc && o->files && o->number >= o->files) {
		file_name(o, o->number - o->files, path);
		unlink(path);
	}
	return rc ? rc : put(o, o->head, o->head_len);
}

/* The stream is somebody else's: it may have no end of interfaces. */
static int head_add(struct output *o, const struct block *b)
{
	uint8_t *head;

	if (!o->file_bytes)
		return 0;		/* there is no second file */
	if (b->kind == BLOCKS_SECTION)
		o->head_len = 0;	/* its interfaces count from 0 again */
	if (o->head_len + b->len > HEAD_MAX)
		return -EPROTO;
	head = realloc(o->head, o->head_len + b->len);
	if (!head)
		return -ENOMEM;
	memcpy(head + o->head_len, b->data, b->len);
	o->head = head;
	o->head_len += b->len;
	return 0;
}

int output_block(struct output *o, const struct block *b)
{
	int rc = 0;

	if (b->kind == BLOCKS_SECTION || b->kind == BLOCKS_IFACE)
		rc = head_add(o, b);
	else if (o->file_bytes && o->f != stdout &&
		 o->written + b->len > o->file_bytes &&
		 o->written > o->head_len)
		rc = next_file(o);
	return rc ? rc : put(o, b->data, b->len);
}

int output_close(struct output *o)
{
	int rc = file_close(o);

	free(o->head);
	o->head = NULL;
	return rc;
}
