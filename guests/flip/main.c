/*
 * flip: every kind of page that a flip frontend can post, right and wrong, and
 * what becomes of it.  The host sends a datagram for each line "send BYTES".
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/memory.h>

#include "flip/flip.h"
#include "kit/check.h"
#include "kit/event.h"
#include "kit/grant.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/vcpu.h"
#include "kit/xenbus.h"

#define FRAMES	400		/* more than a NIC's receive queue has */
#define ROUNDS	24		/* against an entry that comes and goes, */
#define BURST	4		/* with so many packets each */
#define HAMMERED 0xeeeeeeeeeeeeeeee

static domid_t self;
static void *page;		/* the one that is posted */

long reservation(void)
{
	domid_t id = DOMID_SELF;

	return hypercall2(__HYPERVISOR_memory_op, XENMEM_current_reservation,
			  &id);
}

static uint64_t entry(void)
{
	return pte_maddr(page, 1);
}

static long posted(uint64_t pte)
{
	return ring_page(page, pte, LARGE);
}

/* ---- what is exchanged ---- */

static long empty_page(void)
{
	uint64_t old = va_to_mfn(page);
	long rc = posted(entry());

	return rc == EXCHANGED && va_to_mfn(page) == old ? -1 : rc;
}

static long number_moves(void)
{
	uint64_t old = va_to_mfn(page);

	if (posted(entry()) != EXCHANGED)
		return -1;
	return mfn_to_pfn(va_to_mfn(page)) == va_to_pfn(page) &&
	       mfn_to_pfn(old) != va_to_pfn(page);
}

/* The frame that was given away is not the guest's any more. */
static long old_frame_is_gone(void)
{
	uint64_t old = va_to_mfn(page);
	void *window = window_alloc(1);
	long rc;

	if (posted(entry()) != EXCHANGED)
		return -1;
	rc = pte_set(window, old << PAGE_SHIFT | PTE_LEAF_RO);
	window_free(window, 1);
	return rc;
}

static long granted_but_unused(void)
{
	struct grant_mapping m;
	int ref = grant_access(self, va_to_mfn(page), false);
	long rc = posted(entry());

	if (grant_map(&m, self, ref, true) == 0)
		rc = -1;	/* a frame that is somebody else's by now */
	grant_end(ref);
	return rc;
}

static long same_count(void)
{
	long before = reservation();

	for (unsigned int i = 0; i < 8; i++)
		if (posted(entry()) != EXCHANGED)
			return -1;
	return reservation() - before;
}

/*
 * More packets than the NIC has frames: those that this guest and others gave
 * away come back, and nothing shows of what others had in them.
 */
static long frames_come_clean(void)
{
	unsigned int payload = option_number("payload", LARGE);

	for (unsigned int i = 0; i < FRAMES; i++)
		if (ring_page(page, entry(), payload) != EXCHANGED)
			return i;
	return FRAMES;
}

/* ---- what is copied instead ---- */

static long small_packet(void)
{
	return ring_page(page, entry(), SMALL);
}

static long mapped_again(uint64_t flags)
{
	void *other = window_map(va_to_mfn(page), flags);
	long rc = posted(entry());

	pte_set(other, 0);
	window_free(other, 1);
	return rc;
}

static long mapped_twice(void)
{
	return mapped_again(PTE_LEAF_RW);
}

static long mapped_readonly_too(void)
{
	return mapped_again(PTE_LEAF_RO);
}

static long granted_in_use(void)
{
	struct grant_mapping m;
	int ref = grant_access(self, va_to_mfn(page), false);
	long rc;

	if (grant_map(&m, self, ref, false))
		return -1;
	rc = posted(entry());
	grant_unmap(&m);
	grant_end(ref);
	return rc;
}

/* ---- what is refused ---- */

static long readonly_entry(void)
{
	long rc;

	page_protect(page);
	rc = posted(entry());
	page_unprotect(page);
	return rc;
}

static long pinned_table(void)
{
	long rc;

	memset(page, 0, PAGE_SIZE);
	if (page_protect(page) ||
	    mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(page)))
		return -1;
	rc = posted(entry());
	if (mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(page)))
		return -2;
	page_unprotect(page);
	return rc;
}

static long live_table(void)
{
	return posted(pte_maddr(pte_at(page, 1), 1));
}

static long empty_entry(void)
{
	uint64_t pte = entry(), old = *pte_at(page, 1);
	unsigned int slot;
	long rc;

	pte_set(page, 0);
	slot = ring_post(pte);
	rc = !ring_answered(LARGE, NULL) ? NO_ANSWER :
	     ring_response(slot)->flags & SLUICE_FLIP_ERROR ? REFUSED : -1;
	pte_set(page, old);
	return rc;
}

static long level_two(void)
{
	return posted(pte_maddr(page, 2));
}

static long no_table(void)
{
	uint64_t *forged = pages_alloc_zeroed(1);
	long rc;

	forged[0] = va_to_mfn(page) << PAGE_SHIFT | PTE_LEAF_RW;
	rc = posted(va_to_mfn(forged) << PAGE_SHIFT);
	pages_free(forged, 1);
	return rc;
}

static long grant_mapping_entry(void)
{
	struct grant_mapping m;
	int ref = grant_access(self, va_to_mfn(page), false);
	long rc;

	if (grant_map(&m, self, ref, false))
		return -1;
	rc = posted(pte_maddr(m.va, 1));
	grant_unmap(&m);
	grant_end(ref);
	return rc;
}

static long not_aligned(void)
{
	return posted(entry() + 4);
}

static long beyond_memory(void)
{
	return posted(0x000ffffffffff000);
}

static long all_ones(void)
{
	return posted(~0ul);
}

/* Frame 1 MiB is the firmware's or the hypervisor's, never this guest's. */
static long others_frame(void)
{
	return posted(0x100000);
}

static long released_page(void)
{
	void *gone = pages_alloc(1);
	uint64_t pte = pte_maddr(gone, 1);

	if (pages_release(gone, 1) != 1)
		return -1;
	return posted(pte);
}

/* ---- races ---- */

/* Both are answered; the second gets the frame of the first back. */
static long posted_twice(void)
{
	unsigned int a = ring_post(entry()), b;

	b = ring_post(entry());
	if (!ring_answered(LARGE, NULL))
		return NO_ANSWER;
	page_exchanged(page);
	return (ring_response(a)->flags & SLUICE_FLIP_EXCHANGED) &&
	       (ring_response(b)->flags & SLUICE_FLIP_EXCHANGED);
}

/* By trapped stores: what is put back is what was taken out. */
static void entry_blink(void)
{
	uint64_t *e = pte_at(page, 1);

	__atomic_store_n(e, __atomic_exchange_n(e, 0, __ATOMIC_SEQ_CST),
			 __ATOMIC_SEQ_CST);
	/* There for about as long as not. */
	for (unsigned int i = 0; i < 2000; i++)
		asm volatile("pause");
}

/* Whether a packet finds the entry or not: no frame gets lost. */
static long moving_entry(void)
{
	long before = reservation();
	uint64_t first = va_to_mfn(page);

	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < BURST; i++)
			ring_post(entry());
		if (!ring_answered(LARGE, entry_blink))
			return NO_ANSWER;
		page_exchanged(page);
	}
	return first == va_to_mfn(page) ? -1 : reservation() - before;
}

static const struct check_row rows[] = {
	{ "an empty page is exchanged", empty_page, EXCHANGED },
	{ "its number moves to the new frame", number_moves, 1 },
	{ "the old frame cannot be mapped", old_frame_is_gone, ANY_ERROR },
	{ "a grant that nobody uses names nothing after it",
	  granted_but_unused, EXCHANGED },
	{ "the guest has as many frames as before", same_count, 0 },

	{ "a small packet is copied", small_packet, COPIED },
	{ "a page mapped twice is copied to", mapped_twice, COPIED },
	{ "a page mapped read-only too is copied to", mapped_readonly_too,
	  COPIED },
	{ "a page with a grant in use is copied to", granted_in_use, COPIED },

	{ "a read-only entry is refused", readonly_entry, REFUSED },
	{ "a pinned table is refused", pinned_table, REFUSED },
	{ "a live page table is refused", live_table, REFUSED },
	{ "an entry that maps nothing is refused", empty_entry, REFUSED },
	{ "an entry of level 2 is refused", level_two, REFUSED },
	{ "a page that is no table is refused", no_table, REFUSED },
	{ "an entry that maps a grant is refused", grant_mapping_entry,
	  REFUSED },
	{ "an address within an entry is refused", not_aligned, REFUSED },
	{ "an address beyond memory is refused", beyond_memory, REFUSED },
	{ "an address of all ones is refused", all_ones, REFUSED },
	{ "another's frame is refused", others_frame, REFUSED },
	{ "a page given back is refused", released_page, REFUSED },

	{ "a page posted twice is exchanged twice", posted_twice, 1 },
	{ "an entry that comes and goes loses no frame", moving_entry, 0 },
	{ "still, an empty page is exchanged", empty_page, EXCHANGED },
};

static const struct check_row clean[] = {
	{ "frames come clean around the packet", frames_come_clean, FRAMES },
};

static void check_pages(void)
{
	long before = reservation();

	CHECK_ROWS(rows);
	/* One page was given back, in a check above. */
	check("memory at the end", reservation() - before, -1);
	check_result();
	ring_lie(100000);
	printf("lied\n");
}

/*
 * Another vcpu writes to the page all the time, so that its CPU has the entry at
 * hand when the page is exchanged: what it writes must not reach the frame any
 * more once that serves others.
 */
static void write_on(void *unused)
{
	volatile uint64_t *words = page;

	for (unsigned int i = 0;; i++)
		words[i % (PAGE_SIZE / sizeof(*words))] = HAMMERED;
}

static void hammer(void)
{
	long rc;

	vcpu_start(1, write_on, NULL);
	do	/* its own bytes may be those of the other vcpu */
		rc = ring_page(page, entry(), LARGE);
	while (rc == EXCHANGED || rc == WRONG_BYTES);
	printf("FAILED hammer: %ld\n", rc);
}

int guest_main(void)
{
	char domid[8] = "", what[8] = "";

	xenbus_init();
	grant_init();
	option_get("do", what, sizeof(what));
	if (!strcmp(what, "talk"))
		talk();
	xs_read(XS_NO_TRANSACTION, "domid", domid, sizeof(domid));
	self = strtoul(domid, NULL, 10);
	page = pages_alloc(1);
	ring_connect();
	if (!strcmp(what, "hammer")) {
		hammer();
	} else if (!strcmp(what, "clean")) {
		CHECK_ROWS(clean);
		check_result();
	} else {
		check_pages();
	}
	event_loop();
}
