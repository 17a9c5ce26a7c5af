/*
 * netfront.c: the rings of a network interface.
 *
 * Receiving: every page of the pool is in one of three places: in the ring (rx_posted[]), in
 * the hands of the guest, or spare.  The backend answers in order of the ring.
 *
 * Sending: each slot grants its page read-only until its response.  The slots of
 * a frame are answered in order, so the last one's response ends the frame.
 */
#include "kit/netfront.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#include <xen/io/netif.h>

#include "kit/event.h"
#include "kit/grant.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/netfront_rings.h"
#include "kit/netfront_slot.h"

#define TX_SLOTS	__CONST_RING_SIZE(netif_tx, PAGE_SIZE)
#define RX_SLOTS	__CONST_RING_SIZE(netif_rx, PAGE_SIZE)
_Static_assert(NETFRONT_SLOTS == XEN_NETIF_NR_SLOTS_MIN, "xen/io/netif.h");

struct tx_slot {
	uint16_t next;		/* of those that are free */
	bool	 last;		/* of its frame */
	uint32_t ref;
	void	*token;		/* of the last */
};

struct netfront {
	const struct netfront_handler *handler;
	void	*ctx;
	domid_t	 backend;
	int	 port;
	int	 tx_ref, rx_ref;
	unsigned int handle;
	uint8_t	 mac[6];
	bool	 full;		/* a frame was refused for want of slots */
	bool	 dropped;	/* tx_drop_all() ends slots, answers no more */
	struct netfront_counters counters;

	struct netif_tx_front_ring tx;
	struct netif_rx_front_ring rx;	/* flip mode has other slots in it */
	const struct netfront_mode *mode;
	bool	 takes_large;	/* as the backend was told */
	struct tx_slot tx_slot[TX_SLOTS];
	uint16_t tx_free;	/* the first; there are as many as in the ring */
	struct netfront_buf *rx_posted[RX_SLOTS];
	struct netfront_buf *spare;
	unsigned int nr_spare, nr_bufs;
	struct netfront_buf buf[];
};

const uint8_t *netfront_mac(const struct netfront *nf)
{
	return nf->mac;
}

unsigned int netfront_handle(const struct netfront *nf)
{
	return nf->handle;
}

void netfront_name(struct netfront *nf, unsigned int handle,
		   const uint8_t mac[6])
{
	nf->handle = handle;
	memcpy(nf->mac, mac, sizeof(nf->mac));
}

const struct netfront_counters *netfront_counters(const struct netfront *nf)
{
	return &nf->counters;
}

unsigned int netfront_bufs_spare(const struct netfront *nf)
{
	return nf->nr_spare;
}

/* ---- receiving ---- */

static void rx_fill(struct netfront *nf)
{
	int notify;

	while (nf->spare && !RING_FULL(&nf->rx)) {
		RING_IDX i = nf->rx.req_prod_pvt++;
		struct netfront_buf *b = nf->spare;

		nf->spare = b->next;
		nf->nr_spare--;
		nf->rx_posted[i % RX_SLOTS] = b;
		nf->mode->post(RING_GET_REQUEST(&nf->rx, i), i % RX_SLOTS, b);
	}
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&nf->rx, notify);
	if (notify)
		event_send(nf->port);
}

void netfront_buf_free(struct netfront *nf, struct netfront_buf *b)
{
	b->next = nf->spare;
	nf->spare = b;
	nf->nr_spare++;
}

static void bufs_free(struct netfront *nf, struct netfront_buf *b)
{
	while (b) {
		struct netfront_buf *next = b->next;

		netfront_buf_free(nf, b);
		b = next;
	}
}

/* Take the next response with the page that it filled. */
static struct netfront_buf *rx_take(struct netfront *nf,
				    struct netfront_slot *s)
{
	RING_IDX i = nf->rx.rsp_cons++;
	struct netfront_buf *b = nf->rx_posted[i % RX_SLOTS];

	nf->rx_posted[i % RX_SLOTS] = NULL;
	nf->mode->take(RING_GET_RESPONSE(&nf->rx, i), s, b);
	nf->counters.rx_exchanged += b->exchanged;
	b->next = NULL;
	b->data = (uint8_t *)b->page + s->offset;
	b->len = s->len;
	return b;
}

/* Slots of copy mode that say how a large segment is to be cut: that does not
 * matter to the receiver. */
static void rx_skip_extras(struct netfront *nf)
{
	struct netif_extra_info x;
	struct netfront_slot s;

	do {
		memcpy(&x, RING_GET_RESPONSE(&nf->rx, nf->rx.rsp_cons),
		       sizeof(x));
		netfront_buf_free(nf, rx_take(nf, &s));
	} while (x.flags & XEN_NETIF_EXTRA_FLAG_MORE &&
		 RING_HAS_UNCONSUMED_RESPONSES(&nf->rx));
}

static bool rx_fits(const struct netfront_slot *s)
{
	return s->len && s->offset + s->len <= PAGE_SIZE;
}

/* One frame; all of its responses are there. */
static void rx_packet(struct netfront *nf)
{
	struct netfront_packet p = { 0 };
	struct netfront_buf **end = &p.bufs;
	struct netfront_slot s;
	bool ok = true;

	do {
		struct netfront_buf *b = rx_take(nf, &s);

		ok = ok && rx_fits(&s);
		if (!p.bufs) {
			ok = ok && (nf->takes_large || !s.large);
			p.csum_ok = s.csum_ok;
			if (s.extras)
				rx_skip_extras(nf);
		}
		*end = b;
		end = &b->next;
		p.len += b->len;
	} while (s.more && RING_HAS_UNCONSUMED_RESPONSES(&nf->rx));
	if (!ok) {
		nf->counters.rx_errors++;
		bufs_free(nf, p.bufs);
		return;
	}
	nf->counters.rx_frames++;
	nf->counters.rx_bytes += p.len;
	nf->handler->receive(nf->ctx, &p);
}

static void rx_run(struct netfront *nf)
{
	int more;

	do {
		while (RING_HAS_UNCONSUMED_RESPONSES(&nf->rx)) {
			xen_rmb();
			rx_packet(nf);
		}
		rx_fill(nf);
		RING_FINAL_CHECK_FOR_RESPONSES(&nf->rx, more);
	} while (more);
}

/* ---- sending ---- */

static uint16_t tx_slot_get(struct netfront *nf)
{
	uint16_t id = nf->tx_free;

	nf->tx_free = nf->tx_slot[id].next;
	return id;
}

/* False: the backend still has the page. */
static bool tx_slot_done(struct netfront *nf, uint16_t id)
{
	struct tx_slot *s = &nf->tx_slot[id];

	if (!grant_end(s->ref))
		return false;
	s->next = nf->tx_free;
	nf->tx_free = id;
	if (s->last)
		nf->handler->sent(nf->ctx, s->token);
	return true;
}

/* Take back what is sent; be told again when a half of the rest is. */
static void tx_run(struct netfront *nf)
{
	RING_IDX prod;

	if (nf->dropped)
		return;
	do {
		prod = nf->tx.sring->rsp_prod;
		xen_rmb();
		while (nf->tx.rsp_cons != prod) {
			struct netif_tx_response r;

			RING_COPY_RESPONSE(&nf->tx, nf->tx.rsp_cons, &r);
			nf->tx.rsp_cons++;
			if (r.status != NETIF_RSP_NULL &&
			    !tx_slot_done(nf, r.id % TX_SLOTS))
				panic("netfront: sent, but still in use");
		}
		nf->tx.sring->rsp_event =
			prod + (nf->tx.req_prod_pvt - prod) / 2 + 1;
		xen_mb();
	} while (prod != nf->tx.sring->rsp_prod);
}

unsigned int netfront_slots(const struct netfront_frame *f)
{
	unsigned int n = f->gso != NETFRONT_GSO_NONE;

	for (unsigned int i = 0; i < f->nr; i++) {
		uint64_t from = (uint64_t)f->pieces[i].data;

		n += ((from + f->pieces[i].len - 1) >> PAGE_SHIFT) -
		     (from >> PAGE_SHIFT) + 1;
	}
	return n;
}

static struct netif_tx_request *tx_put(struct netfront *nf, const char *data,
				       uint32_t len)
{
	struct netif_tx_request *r =
		RING_GET_REQUEST(&nf->tx, nf->tx.req_prod_pvt);
	uint16_t id;
	int ref = grant_access(nf->backend, va_to_mfn(data), true);

	if (ref < 0)
		return NULL;
	id = tx_slot_get(nf);
	nf->tx.req_prod_pvt++;
	nf->tx_slot[id].ref = ref;
	nf->tx_slot[id].last = false;
	r->gref = ref;
	r->offset = (uint64_t)data % PAGE_SIZE;
	r->flags = NETTXF_more_data;
	r->id = id;
	r->size = len;
	return r;
}

static void tx_put_gso(struct netfront *nf, const struct netfront_frame *f)
{
	struct netif_extra_info *x =
		(void *)RING_GET_REQUEST(&nf->tx, nf->tx.req_prod_pvt);

	nf->tx.req_prod_pvt++;
	memset(x, 0, sizeof(*x));
	x->type = XEN_NETIF_EXTRA_TYPE_GSO;
	x->u.gso.type = f->gso == NETFRONT_GSO_TCP4 ? XEN_NETIF_GSO_TYPE_TCPV4
						    : XEN_NETIF_GSO_TYPE_TCPV6;
	x->u.gso.size = f->gso_size;
}

static uint16_t tx_flags(const struct netfront_frame *f)
{
	return (f->csum_blank ? NETTXF_csum_blank | NETTXF_data_validated : 0) |
	       (f->gso ? NETTXF_extra_info : 0);
}

/* There is room for all of it: slots in the ring, and their grants. */
static uint32_t tx_put_frame(struct netfront *nf, const struct netfront_frame *f)
{
	struct netif_tx_request *first =
		RING_GET_REQUEST(&nf->tx, nf->tx.req_prod_pvt);
	struct netif_tx_request *r = first;
	uint32_t total = 0;

	for (unsigned int i = 0; i < f->nr; i++) {
		const char *data = f->pieces[i].data;
		uint32_t left = f->pieces[i].len;

		while (left) {
			uint32_t n = PAGE_SIZE - (uint64_t)data % PAGE_SIZE;

			n = n < left ? n : left;
			r = tx_put(nf, data, n);
			if (!r)
				panic("netfront: no grants left");
			if (r == first) {
				r->flags |= tx_flags(f);
				if (f->gso != NETFRONT_GSO_NONE)
					tx_put_gso(nf, f);
			}
			data += n;
			left -= n;
			total += n;
		}
	}
	r->flags &= ~NETTXF_more_data;
	nf->tx_slot[r->id].last = true;
	nf->tx_slot[r->id].token = f->token;
	first->size = total;
	return total;
}

bool netfront_room(struct netfront *nf, unsigned int slots)
{
	if (slots > RING_FREE_REQUESTS(&nf->tx))
		tx_run(nf);
	return slots <= RING_FREE_REQUESTS(&nf->tx);
}

int netfront_transmit(struct netfront *nf, const struct netfront_frame *f)
{
	unsigned int slots = netfront_slots(f);

	if (slots > NETFRONT_SLOTS || !f->nr)
		return -E2BIG;
	if (!netfront_room(nf, slots)) {
		nf->counters.tx_full++;
		return -ENOBUFS;
	}
	nf->counters.tx_bytes += tx_put_frame(nf, f);
	nf->counters.tx_frames++;
	return 0;
}

void netfront_flush(struct netfront *nf)
{
	int notify;

	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&nf->tx, notify);
	if (notify)
		event_send(nf->port);
}

/* ---- life ---- */

static void netfront_event(void *arg)
{
	struct netfront *nf = arg;

	tx_run(nf);
	rx_run(nf);
	nf->handler->idle(nf->ctx);
	rx_fill(nf);		/* with what the guest is done with by now */
}

static int bufs_init(struct netfront *nf)
{
	for (unsigned int i = 0; i < nf->nr_bufs; i++) {
		struct netfront_buf *b = &nf->buf[i];
		int rc;

		b->page = pages_alloc(1);
		if (!b->page)
			return -ENOMEM;
		rc = nf->mode->begin(b, nf->backend);
		if (rc)
			return rc;
		netfront_buf_free(nf, b);
	}
	return 0;
}

static int rings_init(struct netfront *nf)
{
	void *tx = pages_alloc_zeroed(1), *rx = pages_alloc_zeroed(1);

	if (!tx || !rx)
		return -ENOMEM;
	SHARED_RING_INIT((struct netif_tx_sring *)tx);
	SHARED_RING_INIT((struct netif_rx_sring *)rx);
	FRONT_RING_INIT(&nf->tx, (struct netif_tx_sring *)tx, PAGE_SIZE);
	FRONT_RING_INIT(&nf->rx, (struct netif_rx_sring *)rx, PAGE_SIZE);
	for (unsigned int i = 0; i < TX_SLOTS; i++)
		nf->tx_slot[i].next = i + 1;
	nf->tx_ref = grant_access(nf->backend, va_to_mfn(tx), false);
	nf->rx_ref = grant_access(nf->backend, va_to_mfn(rx), false);
	nf->port = event_alloc_unbound(nf->backend, netfront_event, nf);
	return nf->tx_ref < 0 || nf->rx_ref < 0 || nf->port < 0 ? -ENOSPC : 0;
}

struct netfront *netfront_new(domid_t backend, bool flip,
			      const struct netfront_handler *h, void *ctx,
			      unsigned int nr_bufs, struct netfront_rings *out)
{
	struct netfront *nf = calloc(1, sizeof(*nf) +
				     nr_bufs * sizeof(nf->buf[0]));

	if (!nf)
		return NULL;
	grant_init();
	nf->handler = h;
	nf->ctx = ctx;
	nf->backend = backend;
	nf->mode = flip ? &netfront_flip : &netfront_copy;
	nf->takes_large = option_number("gso", 1);
	nf->nr_bufs = nr_bufs;
	if (bufs_init(nf) || rings_init(nf))
		panic("netfront: no memory for %u buffers", nr_bufs);
	rx_fill(nf);
	*out = (struct netfront_rings){
		.tx_ref = nf->tx_ref, .rx_ref = nf->rx_ref, .port = nf->port,
		.flip = flip,
	};
	return nf;
}

/*
 * Frames that the backend never answered are sent, as far as the guest is
 * concerned.  False: a device still reads some.  Answers that are in the ring, or
 * come yet, are of slots that end here: they must not end them a second time.
 */
static bool tx_drop_all(struct netfront *nf)
{
	bool busy[TX_SLOTS], all = true;

	nf->dropped = true;
	memset(busy, true, sizeof(busy));
	for (unsigned int i = nf->tx_free; i < TX_SLOTS; i = nf->tx_slot[i].next)
		busy[i] = false;
	for (unsigned int i = 0; i < TX_SLOTS; i++)
		if (busy[i] && !tx_slot_done(nf, i))
			all = false;
	return all;
}

int netfront_free(struct netfront *nf)
{
	if (!tx_drop_all(nf) || !grant_end(nf->tx_ref))
		return -EBUSY;
	if (!grant_end(nf->rx_ref))
		panic("netfront: a backend that holds half of the rings");
	event_close(nf->port);
	for (unsigned int i = 0; i < nf->nr_bufs; i++) {
		if (!nf->mode->end(&nf->buf[i]))
			panic("netfront: a page without a ring is in use");
		pages_free(nf->buf[i].page, 1);
	}
	pages_free(nf->tx.sring, 1);
	pages_free(nf->rx.sring, 1);
	free(nf);
	return 0;
}
