/*
 * e1000.h: between e1000.c (the device), e1000_rx.c and e1000_tx.c (its rings).
 *
 * Intel's 8254x and 82574 (PCI/PCI-X Family of Gigabit Ethernet Controllers
 * Software Developer's Manual; 82574 GbE Controller Family Datasheet), as far
 * as both are the same: receive by legacy descriptors, transmit by data and
 * context descriptors, one ring each.
 */
#ifndef E1000_H
#define E1000_H

#include "nic.h"

#include "page.h"
#include "pci.h"

/* Registers, by byte. */
enum {
	REG_CTRL = 0x0000,
	REG_STATUS = 0x0008,
	REG_CTRL_EXT = 0x0018,
	REG_ICR = 0x00c0,	/* interrupt causes: reading clears */
	REG_ITR = 0x00c4,
	REG_IMS = 0x00d0,	/* enable, */
	REG_IMC = 0x00d8,	/* disable: the bits that are set */
	REG_IVAR = 0x00e4,	/* 82574: cause to MSI-X entry */
	REG_RCTL = 0x0100,
	REG_TCTL = 0x0400,
	REG_TIPG = 0x0410,
	REG_RDBAL = 0x2800,
	REG_RDBAH = 0x2804,
	REG_RDLEN = 0x2808,
	REG_RDH = 0x2810,
	REG_RDT = 0x2818,
	REG_TDBAL = 0x3800,
	REG_TDBAH = 0x3804,
	REG_TDLEN = 0x3808,
	REG_TDH = 0x3810,
	REG_TDT = 0x3818,
	REG_RXCSUM = 0x5000,
	REG_MTA = 0x5200,	/* 128 words */
	REG_RAL = 0x5400,
	REG_RAH = 0x5404,
};

#define RING_SIZE	256	/* descriptors, 16 bytes each: one frame */
#define RING_MASK	(RING_SIZE - 1)

struct e1000_rx_desc {
	uint64_t addr;
	uint16_t len, csum;
	uint8_t status, errors;
	uint16_t special;
};

struct e1000_tx_desc {
	uint64_t addr;
	uint32_t command;	/* and length */
	uint8_t status, options;
	uint16_t special;
};

/*
 * Frames belong to the descriptors [clean, fill); the rest of the frames are
 * with packets on their way.  One descriptor is always free: a full ring
 * would look like an empty one.
 */
struct e1000_rx {
	struct e1000_rx_desc *desc;
	uint32_t clean;		/* the next to come back */
	uint32_t fill;		/* the next to get a frame */
	uint32_t told;		/* fill, as the device knows it */
	bool skip;		/* in the rest of a packet that is too long */
	struct page *page[RING_SIZE];
};

struct e1000_tx {
	struct e1000_tx_desc *desc;
	uint32_t clean;		/* the first that is not done */
	uint32_t fill;		/* the next that is free */
	uint32_t told;
	uint32_t context;	/* checksum offsets it has; 0: none */
	uint16_t last[RING_SIZE]; /* by first descriptor: the packet's last */
	struct vfr_packet *packet[RING_SIZE]; /* by first descriptor */
};

struct e1000 {
	struct nic nic;		/* first */
	struct pci_device pci;
	volatile uint32_t *regs;
	bool msix;		/* else by the interrupt line */
	bool armed;		/* A: interrupts are on */
	struct e1000_rx rx;
	struct e1000_tx tx;
};

static inline struct e1000 *e1000_of(struct nic *n)
{
	return (struct e1000 *)n;
}

static inline uint32_t e1000_read(const struct e1000 *e, unsigned reg)
{
	return e->regs[reg / 4];
}

/* What was stored before is there when the device sees this. */
static inline void e1000_write(struct e1000 *e, unsigned reg, uint32_t v)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	e->regs[reg / 4] = v;
}

static inline void e1000_write_address(struct e1000 *e, unsigned low,
				       const void *directmap)
{
	uint64_t at = (uint64_t)directmap - DIRECTMAP_VIRT;

	e1000_write(e, low, (uint32_t)at);
	e1000_write(e, low + 4, (uint32_t)(at >> 32));
}

/* ---- e1000_rx.c ---- */

/* Memory for the ring, and its frames.  -ENOMEM.  Boot only. */
int e1000_rx_alloc(struct e1000 *e);

/* The device is reset: give it the ring with all frames that are there. */
void e1000_rx_start(struct e1000 *e);

uint32_t e1000_receive(struct nic *nic, struct vfr_packet **pkts,
		       uint32_t budget);

/* Show the device the frames that came back.  True: it has packets for us. */
bool e1000_rx_rearm(struct e1000 *e);

/* ---- e1000_tx.c ---- */

int e1000_tx_alloc(struct e1000 *e);
void e1000_tx_start(struct e1000 *e);

/* The device is reset: release what it has not sent. */
void e1000_tx_drop(struct e1000 *e);

int e1000_transmit(struct nic *nic, struct vfr_packet *p);
void e1000_tx_tell(struct e1000 *e);
void e1000_reclaim(struct nic *nic);

/* The device has packets to send. */
static inline bool e1000_tx_pending(const struct e1000 *e)
{
	return e->tx.clean != e->tx.fill;
}

#endif
