/*
 * buddy.c: the frame allocator.
 *
 * Free frames stand in lists by order (2^order frames at a multiple of that).
 * A free block's first frame has refs 0, owner DOMID_INVALID and its order in
 * type_refs; other frames of it have the order FREE_INSIDE.  The links are the
 * frame table's own.
 *
 * Lock: buddy_lock, a leaf but for the log.
 */
#include "check.h"
#include "domain.h"
#include "mm_private.h"
#include "page.h"
#include "spinlock.h"

#define FREE_INSIDE	0xff
#define NONE		0	/* frame 0 is never free: it is the firmware's */

static struct spinlock buddy_lock;
static uint32_t free_list[PAGE_ORDER_MAX + 1];
static uint64_t nr_free;

static void list_add(uint64_t mfn, unsigned order)
{
	struct page *pg = &frame_table[mfn];

	pg->owner = DOMID_INVALID;
	pg->type_refs = order;
	pg->prev = NONE;
	pg->next = free_list[order];
	if (pg->next != NONE)
		frame_table[pg->next].prev = (uint32_t)mfn;
	free_list[order] = (uint32_t)mfn;
}

static void list_del(uint64_t mfn, unsigned order)
{
	struct page *pg = &frame_table[mfn];

	if (pg->prev != NONE)
		frame_table[pg->prev].next = pg->next;
	else
		free_list[order] = pg->next;
	if (pg->next != NONE)
		frame_table[pg->next].prev = pg->prev;
	pg->type_refs = FREE_INSIDE;
}

static bool is_free_block(uint64_t mfn, unsigned order)
{
	const struct page *pg = page_of(MFN(mfn));

	return pg && pg->refs == 0 &&
	       __atomic_load_n(&pg->owner, __ATOMIC_ACQUIRE) == DOMID_INVALID &&
	       pg->type_refs == order && pg->type == PGT_NONE &&
	       !(pg->flags & PGF_XEN);
}

/* With the lock held. */
static void free_block(uint64_t mfn, unsigned order)
{
	nr_free += 1ull << order;
	while (order < PAGE_ORDER_MAX) {
		uint64_t buddy = mfn ^ 1ull << order;

		if (!is_free_block(buddy, order))
			break;
		list_del(buddy, order);
		mfn &= ~(1ull << order);
		order++;
	}
	list_add(mfn, order);
}

/* At boot: frames [start, end) are memory and free. */
void frames_add(mfn_t start, mfn_t end)
{
	for (uint64_t m = start.n; m < end.n;) {
		unsigned order = 0;

		while (order < PAGE_ORDER_MAX && !(m & 1ull << order) &&
		       m + (2ull << order) <= end.n)
			order++;
		for (uint64_t i = 0; i < 1ull << order; i++) {
			frame_table[m + i].owner = DOMID_INVALID;
			frame_table[m + i].type_refs = FREE_INSIDE;
		}
		free_block(m, order);
		m += 1ull << order;
	}
}

struct page *frames_alloc(unsigned order)
{
	uint32_t stamp = 0;
	bool flush = false;
	uint64_t flags, mfn;
	unsigned o = order;

	flags = spin_lock_irqsave(&buddy_lock);
	while (o <= PAGE_ORDER_MAX && free_list[o] == NONE)
		o++;
	if (o > PAGE_ORDER_MAX) {
		spin_unlock_irqrestore(&buddy_lock, flags);
		return NULL;
	}
	mfn = free_list[o];
	list_del(mfn, o);
	while (o > order) {
		o--;
		list_add(mfn + (1ull << o), o);
	}
	nr_free -= 1ull << order;
	for (uint64_t i = 0; i < 1ull << order; i++) {
		struct page *pg = &frame_table[mfn + i];

		pg->owner = DOMID_XEN;
		pg->type_refs = 0;
		pg->use = 0;
		if (pg->flags & PGF_STALE &&
		    (!flush || (int32_t)(pg->stamp - stamp) > 0)) {
			stamp = pg->stamp;
			flush = true;
		}
		pg->flags = 0;
	}
	spin_unlock_irqrestore(&buddy_lock, flags);
	if (flush)
		tlb_flush_stale(stamp);
	return &frame_table[mfn];
}

/*
 * The frames' stamps say when they were last used, if PGF_STALE is set.  Who
 * frees a frame's buddy looks at it under the lock, which is not taken here yet:
 * it is FREE_INSIDE before it has the owner of free ones.  With type_refs 0 it
 * would be a block in the list of order 0.
 */
void frames_free(struct page *pg, unsigned order)
{
	uint64_t flags;

	for (uint64_t i = 0; i < 1ull << order; i++) {
		CHECK(pg[i].refs == 0 && pg[i].type_refs == 0);
		pg[i].type = PGT_NONE;
		pg[i].flags &= PGF_STALE;
		pg[i].type_refs = FREE_INSIDE;
		__atomic_store_n(&pg[i].owner, DOMID_INVALID,
				 __ATOMIC_RELEASE);
	}
	flags = spin_lock_irqsave(&buddy_lock);
	free_block(page_mfn(pg).n, order);
	spin_unlock_irqrestore(&buddy_lock, flags);
}

uint64_t frames_free_count(void)
{
	return READ_ONCE(nr_free);
}
