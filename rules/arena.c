/*
 * arena.c: memory handed in by the caller, given out from one end.
 */
#include "rules_int.h"

#include <errno.h>

#define ARENA_ALIGN	16

void *rules_alloc(struct rules *r, size_t bytes)
{
	struct rules_arena *a = &r->arena;
	void *p;

	if (bytes > a->size)
		goto full;
	bytes = (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (bytes > a->size - a->used)
		goto full;

	p = a->base + a->used;
	a->used += bytes;
	memset(p, 0, bytes);
	return p;
full:
	a->failed = bytes;
	diag_fatal(r, -ENOMEM, NULL, "out of memory: %lu bytes are not enough "
		   "for this file", (uint64_t)a->size);
	return NULL;
}

const char *rules_strdup(struct rules *r, const char *s, size_t len)
{
	char *copy = rules_alloc(r, len + 1);

	if (!copy)
		return "";
	memcpy(copy, s, len);
	return copy;
}

void *vec_add(struct rules *r, struct vec *v, size_t size)
{
	if (v->n == v->cap) {
		size_t cap = v->cap ? 2 * v->cap : 1;	/* most stay at one */
		void *data = rules_alloc(r, cap * size);

		if (!data)
			return NULL;
		if (v->n)
			memcpy(data, v->data, v->n * size);
		v->data = data;
		v->cap = cap;
	}
	return (uint8_t *)v->data + v->n++ * size;
}
