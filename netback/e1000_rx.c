/*
 * e1000_rx.c: packets that come in: a frame each, since a frame holds more than
 * the longest packet that the device is told to take.
 */
#include "e1000.h"

#include "leftover.h"
#include "lib.h"

#define STATUS_DONE	0x01
#define STATUS_END	0x02	/* of the packet */
#define STATUS_NO_CSUM	0x04	/* the next is not to be looked at */
#define STATUS_CSUM	0x20	/* of TCP or UDP, was added up ... */
#define ERROR_CSUM	0x20	/* ... and is wrong */
#define ERROR_FRAME	0x97	/* CRC, symbol, sequence, extension, data */

static_assert(sizeof(struct e1000_rx_desc) == 16, "8254x 3.2.3");
static_assert(RING_SIZE * sizeof(struct e1000_rx_desc) == PAGE_SIZE, "a frame");

static void post(struct e1000_rx *rx, struct page *pg)
{
	leftover_posted(pg);
	rx->desc[rx->fill] = (struct e1000_rx_desc){
		.addr = page_mfn(pg).n << PAGE_SHIFT,
	};
	rx->page[rx->fill] = pg;
	rx->fill = (rx->fill + 1) & RING_MASK;
}

static void tell(struct e1000 *e)
{
	if (e->rx.told == e->rx.fill)
		return;
	e->rx.told = e->rx.fill;
	e1000_write(e, REG_RDT, e->rx.fill);
}

int e1000_rx_alloc(struct e1000 *e)
{
	struct page *ring = frames_alloc(0);

	if (!ring)
		return -ENOMEM;
	e->rx.desc = page_virt(ring);
	for (uint32_t i = 0; i < RING_SIZE - 1; i++) {
		e->rx.page[i] = frames_alloc(0);
		if (!e->rx.page[i])
			return -ENOMEM;
	}
	return 0;
}

/* Frames move to the front of the ring: none is written over, since the place
 * that is filled never overtakes the place that is read. */
void e1000_rx_start(struct e1000 *e)
{
	struct e1000_rx *rx = &e->rx;

	memset(rx->desc, 0, PAGE_SIZE);
	rx->clean = rx->fill = rx->told = 0;
	rx->skip = false;
	for (uint32_t i = 0; i < RING_SIZE; i++) {
		struct page *pg = rx->page[i];

		rx->page[i] = NULL;
		if (pg)
			post(rx, pg);
	}
	e1000_write_address(e, REG_RDBAL, rx->desc);
	e1000_write(e, REG_RDLEN, PAGE_SIZE);
	e1000_write(e, REG_RDH, 0);
	e1000_write(e, REG_RDT, 0);
}

static void release(struct vfr_packet *p)
{
	struct net_packet *np = net_packet_of(p);
	struct e1000 *e = p->owner;

	for (uint32_t i = 0; i < np->nr_slots; i++)
		post(&e->rx, np->slot[i].page);
	net_packet_put(np);
}

/* One packet in one frame; false: it is none. */
static bool is_whole(struct e1000_rx *rx, const struct e1000_rx_desc *d)
{
	bool end = d->status & STATUS_END, rest = rx->skip;

	rx->skip = !end;
	return end && !rest && !(d->errors & ERROR_FRAME) && d->len &&
	       d->len <= PAGE_SIZE;
}

static struct vfr_packet *packet_take(struct e1000 *e,
				      const struct e1000_rx_desc *d,
				      struct page *pg)
{
	struct net_packet *np;
	struct vfr_packet *p;

	if (!is_whole(&e->rx, d)) {
		e->nic.rx_bad++;
		return NULL;
	}
	np = net_packet_get();
	if (!np) {
		e->nic.rx_no_packet++;
		return NULL;
	}
	p = &np->p;
	vfr_packet_init(p, release, e);
	np->nic = &e->nic;
	np->from = &np->nic->source;
	np->slot[np->nr_slots++].page = pg;
	vfr_packet_add(p, page_virt(pg), page_mfn(pg).n << PAGE_SHIFT, 0,
		       d->len);
	vfr_packet_seal(p);
	if ((d->status & (STATUS_CSUM | STATUS_NO_CSUM)) == STATUS_CSUM &&
	    !(d->errors & ERROR_CSUM))
		p->csum = VFR_CSUM_VALID;
	return p;
}

static bool is_done(const struct e1000_rx *rx)
{
	return rx->clean != rx->fill &&
	       __atomic_load_n(&rx->desc[rx->clean].status, __ATOMIC_ACQUIRE) &
		       STATUS_DONE;
}

uint32_t e1000_receive(struct nic *nic, struct vfr_packet **pkts,
		       uint32_t budget)
{
	struct e1000 *e = e1000_of(nic);
	struct e1000_rx *rx = &e->rx;
	uint32_t got = 0;

	while (got < budget && is_done(rx)) {
		/* A copy: the device may still write there. */
		struct e1000_rx_desc d =
			*(volatile struct e1000_rx_desc *)&rx->desc[rx->clean];
		struct page *pg = rx->page[rx->clean];

		rx->page[rx->clean] = NULL;
		rx->clean = (rx->clean + 1) & RING_MASK;
		pkts[got] = packet_take(e, &d, pg);
		if (pkts[got])
			got++;
		else
			post(rx, pg);
	}
	nic->queue[0].rx_packets += got;
	tell(e);
	return got;
}

bool e1000_rx_rearm(struct e1000 *e)
{
	tell(e);
	return is_done(&e->rx);
}
