/*
 * heap.c: packet memory of lwIP, in constant time and with a limit.
 *
 * Each size class has a list of free blocks; a class that is empty cuts up a
 * page of the kit.  Pages stay with their class.  A block keeps its class in
 * the word before it.
 */
#include <stdint.h>
#include <string.h>

#include <lwip/opt.h>

#include "kit/kit.h"
#include "kit/mm.h"
#include "net/net.h"

size_t net_heap_pages = 1536;	/* 6 MiB */

struct block {
	struct block *next;	/* while free */
};

/* The header, then up to size bytes; n fill their pages. */
static struct heap_class {
	uint32_t size;
	uint32_t pages, n;	/* taken at a time, and cut into */
	struct block *free;
} classes[] = {
	{ 120, 1, 32 },		/* headers */
	{ 504, 1, 8 },
	{ 1624, 2, 5 },		/* a full frame with its pbuf: the usual one */
	{ 4088, 1, 1 },
	{ 16376, 4, 1 },
	{ 65528, 16, 1 },	/* a datagram that was put together */
};

static size_t pages_taken;

static bool class_grow(struct heap_class *c)
{
	char *p;

	if (pages_taken + c->pages > net_heap_pages)
		return false;
	p = pages_alloc(c->pages);
	if (!p)
		return false;
	pages_taken += c->pages;
	for (uint32_t i = 0; i < c->n; i++) {
		uint64_t *head = (void *)(p + i * (c->size + 8));
		struct block *b = (void *)(head + 1);

		*head = c - classes;
		b->next = c->free;
		c->free = b;
	}
	return true;
}

void *net_malloc(size_t size)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(classes); i++) {
		struct heap_class *c = &classes[i];
		struct block *b;

		if (size > c->size || (!c->free && !class_grow(c)))
			continue;
		b = c->free;
		c->free = b->next;
		return b;
	}
	return NULL;
}

void *net_calloc(size_t n, size_t size)
{
	void *p = n && size > SIZE_MAX / n ? NULL : net_malloc(n * size);

	if (p)
		memset(p, 0, n * size);
	return p;
}

void net_free(void *p)
{
	struct block *b = p;
	struct heap_class *c;

	if (!p)
		return;
	c = &classes[((uint64_t *)p)[-1]];
	b->next = c->free;
	c->free = b;
}
