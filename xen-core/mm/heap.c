/*
 * heap.c: memory for the hypervisor's objects.
 *
 * Small objects come from pages cut into pieces of one size class (powers of
 * two and the halves between); a page without pieces in use goes back to the
 * frame allocator.  Larger ones are 2^order frames.  All of it is reached
 * through the direct map: a second mapping in the section would want a flush of
 * every CPU for each page that is given back.
 *
 * The frame-table entry of a page of pieces tells them apart: type_refs is the
 * number of pieces in use, next and prev link pages with a free piece, stamp
 * holds the class and the offset of the first free piece.  That of the first
 * frame of a run has the order in stamp.
 *
 * Lock: heap_lock, with interrupts off; frames_alloc() is called outside it.
 */
#include "heap.h"

#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "domain.h"
#include "io.h"
#include "lib.h"
#include "mm_private.h"
#include "page.h"
#include "../cpu/stack.h"

#define NO_PIECE	0xffff

static const uint16_t class_size[] = { 32,  48,	 64,  96,  128, 192,
				       256, 384, 512, 768, 1024, 1360, 2048 };
#define NR_CLASSES	ARRAY_SIZE(class_size)
#define RUN		0xff	/* class of a run of whole frames */

static struct spinlock heap_lock;
static uint32_t partial[NR_CLASSES]; /* mfn of the first page, 0: none */
static uint64_t in_use; /* A: bytes */

static unsigned page_class(const struct page *pg)
{
	return pg->stamp >> 16;
}

static void link(struct page *pg, unsigned class)
{
	pg->prev = 0;
	pg->next = partial[class];
	if (pg->next)
		frame_table[pg->next].prev = (uint32_t)page_mfn(pg).n;
	partial[class] = (uint32_t)page_mfn(pg).n;
}

static void unlink(struct page *pg, unsigned class)
{
	if (pg->prev)
		frame_table[pg->prev].next = pg->next;
	else
		partial[class] = pg->next;
	if (pg->next)
		frame_table[pg->next].prev = pg->prev;
}

/* Cut a page into pieces: each free one holds the offset of the next. */
static void page_cut(struct page *pg, unsigned class)
{
	char *base = page_virt(pg);
	unsigned size = class_size[class], n = PAGE_SIZE / size;

	for (unsigned i = 0; i < n; i++)
		*(uint16_t *)(base + i * size) =
			(uint16_t)(i + 1 < n ? (i + 1) * size : NO_PIECE);
	pg->stamp = class << 16;
	pg->type_refs = 0;
}

static void *piece_alloc(unsigned class)
{
	struct page *pg, *fresh = NULL;
	uint64_t flags;
	uint16_t at;
	char *p;

	flags = spin_lock_irqsave(&heap_lock);
	if (!partial[class]) {
		spin_unlock_irqrestore(&heap_lock, flags);
		fresh = frames_alloc(0);
		if (!fresh)
			return NULL;
		page_cut(fresh, class);
		flags = spin_lock_irqsave(&heap_lock);
		link(fresh, class);
	}
	pg = &frame_table[partial[class]];
	at = pg->stamp & 0xffff;
	p = (char *)page_virt(pg) + at;
	pg->stamp = class << 16 | *(uint16_t *)p;
	pg->type_refs++;
	if (*(uint16_t *)p == NO_PIECE)
		unlink(pg, class);
	spin_unlock_irqrestore(&heap_lock, flags);
	__atomic_fetch_add(&in_use, class_size[class], __ATOMIC_RELAXED);
	memset(p, 0, class_size[class]);
	return p;
}

static unsigned order_of(size_t size)
{
	unsigned order = 0;

	while ((size_t)PAGE_SIZE << order < size)
		order++;
	return order;
}

void *heap_alloc(size_t size)
{
	struct page *pg;
	unsigned class, order;

	for (class = 0; class < NR_CLASSES; class++)
		if (size <= class_size[class])
			return piece_alloc(class);
	if (size > 1u << 20)
		return NULL;
	order = order_of(size);
	pg = frames_alloc(order);
	if (!pg)
		return NULL;
	pg->stamp = RUN << 16 | order;
	pg->type_refs = 1;
	memset(page_virt(pg), 0, (size_t)PAGE_SIZE << order);
	__atomic_fetch_add(&in_use, (uint64_t)PAGE_SIZE << order,
			   __ATOMIC_RELAXED);
	return page_virt(pg);
}

/* Bytes that p takes. */
static size_t size_of(const void *p)
{
	const struct page *pg = virt_page(p);

	if (page_class(pg) == RUN)
		return (size_t)PAGE_SIZE << (pg->stamp & 0xffff);
	return class_size[page_class(pg)];
}

void heap_free(void *p)
{
	struct page *pg;
	unsigned class;
	uint64_t flags;
	bool empty;

	if (!p)
		return;
	pg = virt_page(p);
	class = page_class(pg);
	CHECK(pg->owner == DOMID_XEN && pg->type_refs > 0);
	__atomic_fetch_sub(&in_use, size_of(p), __ATOMIC_RELAXED);
	if (class == RUN) {
		unsigned order = pg->stamp & 0xffff;

		CHECK(!((uint64_t)p & (PAGE_SIZE - 1)));
		pg->type_refs = 0;
		frames_free(pg, order);
		return;
	}
	flags = spin_lock_irqsave(&heap_lock);
	if ((pg->stamp & 0xffff) == NO_PIECE)
		link(pg, class);
	*(uint16_t *)p = pg->stamp & 0xffff;
	pg->stamp = class << 16 | (uint16_t)((uint64_t)p & (PAGE_SIZE - 1));
	empty = --pg->type_refs == 0;
	if (empty)
		unlink(pg, class);
	spin_unlock_irqrestore(&heap_lock, flags);
	if (empty)
		frames_free(pg, 0);
}

void *heap_alloc_for(struct domain *d, size_t size)
{
	void *p = heap_alloc(size);

	if (p)
		__atomic_fetch_add(&d->heap_bytes, size_of(p),
				   __ATOMIC_RELAXED);
	return p;
}

void heap_free_for(struct domain *d, void *p)
{
	if (p)
		__atomic_fetch_sub(&d->heap_bytes, size_of(p),
				   __ATOMIC_RELAXED);
	heap_free(p);
}

uint64_t heap_bytes(void)
{
	return READ_ONCE(in_use);
}

void *heap_alloc_stack(void)
{
	static uint64_t next;
	uint64_t va;

	if (!next)
		next = ROUND_UP((uint64_t)image_end, STACK_AREA_SIZE);
	va = next;
	if (va + STACK_AREA_SIZE > SECTION_VIRT + SECTION_SIZE)
		return NULL;
	next += STACK_AREA_SIZE;
	for (unsigned i = 0; i < STACK_PAGES; i++) {
		struct page *pg;

		if (!(STACK_MAPPED >> i & 1))
			continue;
		pg = frames_alloc(0);
		if (!pg)
			return NULL;
		memset(page_virt(pg), 0, PAGE_SIZE);
		hv_map(va + i * PAGE_SIZE, page_mfn(pg),
		       PTE_P | PTE_RW | PTE_A | PTE_D | PTE_G | PTE_NX);
	}
	return (void *)va;
}
