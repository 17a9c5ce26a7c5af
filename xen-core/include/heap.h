/*
 * heap.h: memory for the hypervisor's own objects.
 *
 * Small objects come from size classes, large ones from whole pages; all of it
 * is reached through the direct map.  Allocating wants interrupts on (a frame
 * that a domain had is flushed from all CPUs first); freeing, any context with
 * no run-queue, timer or log lock held.  Memory is zeroed when handed out.
 */
#ifndef HEAP_H
#define HEAP_H

#include "types.h"

struct domain;

/* NULL when there is no memory.  size up to 1 MiB.  16-byte aligned; whole pages page aligned. */
void *heap_alloc(size_t size);
void heap_free(void *p); /* NULL is allowed */

/* The same, counted in d->heap_bytes; free with heap_free_for(). */
void *heap_alloc_for(struct domain *d, size_t size);
void heap_free_for(struct domain *d, void *p);

uint64_t heap_bytes(void); /* handed out now */

/*
 * Map a stack area at a multiple of STACK_AREA_SIZE; see cpu/stack.h for which of its pages are
 * left out as guards.  NULL when there is no memory.  Boot only.
 */
void *heap_alloc_stack(void);

#endif
