/*
 * malloc.c: a first-fit heap with an address-ordered free list.
 *
 * Every block has a header of one unit.  Free blocks are linked in order of
 * address and merged with their neighbours, so a long-running guest does not
 * fall to pieces.  The heap grows by pages of mm.h and never gives them back.
 * One vcpu allocates: the kit's event loop runs on vcpu 0 alone.
 */
#include <stdlib.h>

#include <stdint.h>
#include <string.h>

#include "kit/mm.h"

struct block {
	struct block	*next;		/* while free */
	size_t		 units;		/* with this header */
};

#define UNIT		sizeof(struct block)
#define GROW_PAGES	16

static struct block *free_list;

static void block_insert(struct block *b)
{
	struct block *prev = NULL, *next = free_list;

	while (next && next < b) {
		prev = next;
		next = next->next;
	}
	b->next = next;
	if (next && b + b->units == next) {
		b->units += next->units;
		b->next = next->next;
	}
	if (!prev) {
		free_list = b;
	} else if (prev + prev->units == b) {
		prev->units += b->units;
		prev->next = b->next;
	} else {
		prev->next = b;
	}
}

static int heap_grow(size_t units)
{
	size_t pages = (units * UNIT + PAGE_SIZE - 1) / PAGE_SIZE;
	struct block *b;

	if (pages < GROW_PAGES)
		pages = GROW_PAGES;
	b = pages_alloc(pages);
	if (!b)
		return -1;
	b->units = pages * PAGE_SIZE / UNIT;
	block_insert(b);
	return 0;
}

static void *block_take(size_t units)
{
	struct block **link, *b;

	for (link = &free_list; (b = *link); link = &b->next) {
		if (b->units < units)
			continue;
		if (b->units == units) {
			*link = b->next;
		} else {
			b->units -= units;
			b += b->units;
			b->units = units;
		}
		return b + 1;
	}
	return NULL;
}

void *malloc(size_t size)
{
	size_t units = size / UNIT + 2;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	p = block_take(units);
	if (!p && heap_grow(units) == 0)
		p = block_take(units);
	return p;
}

void *calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	p = malloc(bytes);
	if (p)
		memset(p, 0, bytes);
	return p;
}

void *realloc(void *p, size_t size)
{
	struct block *b = p;
	size_t room;
	void *to;

	if (!p)
		return malloc(size);
	room = (b[-1].units - 1) * UNIT;
	if (size <= room)
		return p;
	to = malloc(size);
	if (to) {
		memcpy(to, p, room);
		free(p);
	}
	return to;
}

void free(void *p)
{
	if (p)
		block_insert((struct block *)p - 1);
}
