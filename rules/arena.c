/*
 * arena.c: memory handed in by the caller, given out from both its ends.
 *
 * What is needed for a moment comes from the end that nothing else is taken
 * from meanwhile: so it can be given back, by a mark.
 */
#include "rules_int.h"

#include <errno.h>

#define ARENA_ALIGN	16
#define ROUND_UP(n)	(((n) + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1))

void arena_full(struct rules *r, size_t bytes)
{
	struct rules_arena *a = &r->arena;

	if (!a->lacking)
		a->lacking = ROUND_UP(bytes) - (a->size - a->used);
	diag_fatal(r, -ENOMEM, NULL, "out of memory: %lu bytes are not enough "
		   "for this file", (uint64_t)a->size);
}

void *rules_alloc(struct rules *r, size_t bytes)
{
	struct rules_arena *a = &r->arena;
	uint8_t *p;

	if (bytes > a->size || ROUND_UP(bytes) > a->size - a->used) {
		arena_full(r, bytes);
		return NULL;
	}

	bytes = ROUND_UP(bytes);
	a->used += bytes;
	if (a->at_end)
		a->end += bytes;
	p = a->at_end ? a->base + a->size - a->end :
			a->base + a->used - a->end - bytes;
	if (a->used > a->peak)
		a->peak = a->used;
	memset(p, 0, bytes);
	return p;
}

bool arena_turn(struct rules *r, bool at_end)
{
	bool before = r->arena.at_end;

	r->arena.at_end = at_end;
	return before;
}

size_t arena_mark(const struct rules *r)
{
	return r->arena.at_end ? r->arena.end : r->arena.used - r->arena.end;
}

void arena_release(struct rules *r, size_t mark)
{
	r->arena.used -= arena_mark(r) - mark;
	if (r->arena.at_end)
		r->arena.end = mark;
}

void *arena_rest(const struct rules *r, size_t *bytes)
{
	*bytes = r->arena.size - r->arena.used;
	return r->arena.base + r->arena.used - r->arena.end;
}

void arena_take_rest(struct rules *r, size_t bytes)
{
	r->arena.used += ROUND_UP(bytes);
	if (r->arena.used > r->arena.peak)
		r->arena.peak = r->arena.used;
}

const char *rules_strdup(struct rules *r, const char *s, size_t len)
{
	char *copy = rules_alloc(r, len + 1);

	if (!copy)
		return "";
	memcpy(copy, s, len);
	return copy;
}

bool vec_reserve(struct rules *r, struct vec *v, size_t n, size_t size)
{
	v->data = rules_alloc(r, n * size);
	v->cap = v->data ? n : 0;
	return v->data;
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
