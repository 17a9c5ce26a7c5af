/*
 * e1000_tx.c: packets that leave, by scatter-gather straight from the frames
 * they lie in.  Checksums are the device's work: it is told where they are by a
 * context descriptor, which holds until the next.
 */
#include "e1000.h"

#include "lib.h"

/* The command field of data and context descriptors. */
#define TYPE_DATA	(1u << 20)	/* context: 0 */
#define CMD_END		(1u << 24)	/* data: of the packet */
#define CMD_FCS		(1u << 25)	/* data: add the frame's checksum */
#define CMD_TCP		(1u << 24)	/* context */
#define CMD_REPORT	(1u << 27)	/* write the status when done */
#define CMD_EXTENDED	(1u << 29)
#define OPTION_CSUM	0x02		/* put in TCP's or UDP's checksum */
#define STATUS_DONE	0x01
#define CSUM_TCP	16		/* offset of the field in its header */

#define DESCS_MAX	(VFR_MAX_FRAGS + 2) /* of a packet: context, header */

static_assert(sizeof(struct e1000_tx_desc) == 16, "8254x 3.3.3");

/* The same 16 bytes, as 8254x 3.3.6 has them. */
struct context_desc {
	uint8_t ip_start, ip_offset;
	uint16_t ip_end;
	uint8_t start, offset;	/* bytes from the start of the packet */
	uint16_t end;		/* 0: the packet's */
	uint32_t command;
	uint8_t status, header_len;
	uint16_t segment;
};
static_assert(sizeof(struct context_desc) == 16, "8254x 3.3.6");

int e1000_tx_alloc(struct e1000 *e)
{
	struct page *ring = frames_alloc(0);

	if (!ring)
		return -ENOMEM;
	e->tx.desc = page_virt(ring);
	return 0;
}

void e1000_tx_start(struct e1000 *e)
{
	struct e1000_tx *tx = &e->tx;

	memset(tx->desc, 0, PAGE_SIZE);
	tx->clean = tx->fill = tx->told = tx->context = 0;
	e1000_write_address(e, REG_TDBAL, tx->desc);
	e1000_write(e, REG_TDLEN, PAGE_SIZE);
	e1000_write(e, REG_TDH, 0);
	e1000_write(e, REG_TDT, 0);
}

void e1000_tx_drop(struct e1000 *e)
{
	for (uint32_t i = 0; i < RING_SIZE; i++) {
		struct vfr_packet *p = e->tx.packet[i];

		e->tx.packet[i] = NULL;
		if (p)
			p->release(p);
	}
}

static struct e1000_tx_desc *next(struct e1000_tx *tx)
{
	struct e1000_tx_desc *d = &tx->desc[tx->fill];

	tx->fill = (tx->fill + 1) & RING_MASK;
	return d;
}

/* Where p's checksum is: a context descriptor, if the last said otherwise. */
static void context_put(struct e1000_tx *tx, const struct vfr_packet *p)
{
	uint32_t offset = p->csum_start + p->csum_offset;
	uint32_t context = (uint32_t)p->csum_start << 8 | offset;
	struct context_desc c = { 0 };

	if (context == tx->context)
		return;
	tx->context = context;
	c.start = (uint8_t)p->csum_start;
	c.offset = (uint8_t)offset;
	c.command = CMD_EXTENDED |
		    (p->csum_offset == CSUM_TCP ? CMD_TCP : 0);
	memcpy(next(tx), &c, sizeof(c));
}

static struct e1000_tx_desc *piece_put(struct e1000_tx *tx, const void *data,
				       uint32_t len, uint8_t options)
{
	struct e1000_tx_desc *d = next(tx);

	*d = (struct e1000_tx_desc){
		.addr = (uint64_t)data - DIRECTMAP_VIRT,
		.command = len | TYPE_DATA | CMD_EXTENDED | CMD_FCS,
		.options = options,
	};
	return d;
}

static uint32_t nr_free(const struct e1000_tx *tx)
{
	return (tx->clean - tx->fill - 1) & RING_MASK;
}

int e1000_transmit(struct nic *nic, struct vfr_packet *p)
{
	struct e1000_tx *tx = &e1000_of(nic)->tx;
	uint32_t first = tx->fill;
	struct e1000_tx_desc *d;
	uint8_t options = 0;

	if (nr_free(tx) < DESCS_MAX)
		return -ENOBUFS;
	if (p->csum == VFR_CSUM_PARTIAL &&
	    p->csum_start + p->csum_offset > UINT8_MAX)
		vfr_packet_checksum(p); /* beyond what it can be told */
	if (p->csum == VFR_CSUM_PARTIAL) {
		context_put(tx, p);
		options = OPTION_CSUM;
	}
	d = piece_put(tx, p->hdr, p->hdr_len, options);
	for (unsigned i = 0; i < p->nr_frags; i++)
		d = piece_put(tx, p->frags[i].data, p->frags[i].len, options);
	d->command |= CMD_END | CMD_REPORT;
	tx->last[first] = (uint16_t)(d - tx->desc);
	tx->packet[first] = p;
	nic->queue[0].tx_packets++;
	return 0;
}

void e1000_tx_tell(struct e1000 *e)
{
	if (e->tx.told == e->tx.fill)
		return;
	e->tx.told = e->tx.fill;
	e1000_write(e, REG_TDT, e->tx.fill);
}

/* In order; of what the device writes only one bit is looked at. */
void e1000_reclaim(struct nic *nic)
{
	struct e1000_tx *tx = &e1000_of(nic)->tx;

	while (tx->clean != tx->told) {
		struct vfr_packet *p = tx->packet[tx->clean];
		uint32_t last = tx->last[tx->clean];

		if (!(__atomic_load_n(&tx->desc[last].status,
				      __ATOMIC_ACQUIRE) & STATUS_DONE))
			break;
		tx->packet[tx->clean] = NULL;
		tx->clean = (last + 1) & RING_MASK;
		nic->queue[0].tx_done++;
		p->release(p);
	}
}
