/* netfront_slot.c: the two modes of netfront_slot.h. */
#include "kit/netfront_slot.h"

#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#include <xen/io/netif.h>

#include <sluice/flip.h>

#include "kit/grant.h"
#include "kit/mm.h"

/* ---- copy: a page is granted for as long as the interface lives ---- */

static int copy_begin(struct netfront_buf *b, domid_t backend)
{
	int ref = grant_access(backend, va_to_mfn(b->page), false);

	b->name = ref;
	return ref < 0 ? ref : 0;
}

static bool copy_end(struct netfront_buf *b)
{
	return grant_end(b->name);
}

static void copy_post(void *slot, uint16_t id, const struct netfront_buf *b)
{
	struct netif_rx_request *r = slot;

	r->id = id;
	r->gref = b->name;
}

static void copy_take(const void *slot, struct netfront_slot *s,
		      struct netfront_buf *b)
{
	const struct netif_rx_response r =
		*(const volatile struct netif_rx_response *)slot;

	*s = (struct netfront_slot){
		.offset = r.offset,
		.len = r.status > 0 ? r.status : 0,
		.more = r.flags & NETRXF_more_data,
		.csum_ok = r.flags & (NETRXF_data_validated |
				      NETRXF_csum_blank),
		.large = r.flags & NETRXF_extra_info,
		.extras = r.flags & NETRXF_extra_info,
	};
}

/* ---- flip: the page's L1 entry is named, and may map another frame then ---- */

static int flip_begin(struct netfront_buf *b, domid_t backend)
{
	b->name = pte_maddr(b->page, 1);
	return 0;
}

/* With an answer that nobody took the frame may be another too. */
static bool flip_end(struct netfront_buf *b)
{
	page_exchanged(b->page);
	return true;
}

static void flip_post(void *slot, uint16_t id, const struct netfront_buf *b)
{
	((struct sluice_flip_request *)slot)->pte = b->name;
}

static void flip_take(const void *slot, struct netfront_slot *s,
		      struct netfront_buf *b)
{
	const struct sluice_flip_response r =
		*(const volatile struct sluice_flip_response *)slot;

	*s = (struct netfront_slot){
		.offset = r.offset,
		.len = r.flags & SLUICE_FLIP_ERROR ? 0 : r.len,
		.more = r.flags & SLUICE_FLIP_MORE,
		.csum_ok = r.flags & (SLUICE_FLIP_VALID | SLUICE_FLIP_BLANK),
		.large = r.flags & (SLUICE_FLIP_GSO4 | SLUICE_FLIP_GSO6),
	};
	b->exchanged = r.flags & SLUICE_FLIP_EXCHANGED;
	if (b->exchanged)
		page_exchanged(b->page);
}

const struct netfront_mode netfront_copy = {
	.begin = copy_begin,
	.end = copy_end,
	.post = copy_post,
	.take = copy_take,
};

const struct netfront_mode netfront_flip = {
	.begin = flip_begin,
	.end = flip_end,
	.post = flip_post,
	.take = flip_take,
};
