/*
 * e1000.c: a NIC plug for Intel's 82540EM, 82545EM and 82574L: start,
 * interrupts, link, reset.
 *
 * The interrupt handler turns the device's interrupts off; rearm() turns them
 * on again.  Between these the causes that pile up in ICR are cleared unread
 * but for a change of the link.
 */
#include "e1000.h"

#include "heap.h"
#include "lib.h"
#include "platform.h"
#include "spinlock.h"

#define DEVICE_82574	0x10d3
#define BAR_SIZE	0x20000

#define CTRL_FULL	(1u << 0)	/* duplex */
#define CTRL_AUTO_SPEED	(1u << 5)
#define CTRL_LINK_UP	(1u << 6)
#define CTRL_RESET	(1u << 26)
#define STATUS_LINK_UP	(1u << 1)

#define RCTL_ENABLE	(1u << 1)
#define RCTL_ALL	(1u << 3)	/* addresses: for what is bridged */
#define RCTL_MULTICAST	(1u << 4)	/* all of it: neighbour discovery */
#define RCTL_BROADCAST	(1u << 15)
#define RCTL_SIZE_4096	(3u << 16 | 1u << 25)
#define RCTL_NO_FCS	(1u << 26)	/* not in the frame */
#define TCTL_ENABLE	(1u << 1)
#define TCTL_PAD	(1u << 3)
#define TCTL_COLLISIONS	(15u << 4 | 0x40u << 12)
#define TIPG_DEFAULT	(10u | 8u << 10 | 6u << 20)
#define RXCSUM_L4	(1u << 9)
#define RAH_VALID	(1u << 31)

/* Interrupt causes. */
#define CAUSE_SENT	(1u << 0)
#define CAUSE_LINK	(1u << 2)
#define CAUSE_FEW	(1u << 4)	/* receive descriptors are left */
#define CAUSE_OVERRUN	(1u << 6)
#define CAUSE_RECEIVED	(1u << 7)
#define CAUSE_RX_QUEUE	(1u << 20)	/* 82574 with MSI-X */
#define CAUSE_TX_QUEUE	(1u << 22)
#define CAUSE_OTHER	(1u << 24)

/* IVAR: receive queue 0, transmit queue 0 and the rest at MSI-X entry 0. */
#define IVAR_ALL_0	(1u << 3 | 1u << 11 | 1u << 19)

#define ITR_50_US	195		/* at most one interrupt in that time */
#define RESET_SPINS	10000		/* reads of a register: some 10 ms */
#define MTU		1500
#define MTA_WORDS	128

/* ---- start and reset ---- */

/* Afterwards it reads and writes no memory, whatever it says. */
static int stop(struct e1000 *e)
{
	unsigned spins = 0;

	pci_stop_dma(&e->pci);
	e1000_write(e, REG_IMC, ~0u);
	e1000_write(e, REG_RCTL, 0);
	e1000_write(e, REG_TCTL, 0);
	e1000_write(e, REG_CTRL, e1000_read(e, REG_CTRL) | CTRL_RESET);
	while (e1000_read(e, REG_CTRL) & CTRL_RESET) {
		if (++spins == RESET_SPINS)
			return -EBUSY;
		cpu_relax();
	}
	e1000_write(e, REG_IMC, ~0u);
	e1000_read(e, REG_ICR);
	return 0;
}

static void address_set(struct e1000 *e)
{
	const uint8_t *m = e->nic.mac;

	e1000_write(e, REG_RAL, (uint32_t)m[0] | (uint32_t)m[1] << 8 |
				(uint32_t)m[2] << 16 | (uint32_t)m[3] << 24);
	e1000_write(e, REG_RAH,
		    (uint32_t)m[4] | (uint32_t)m[5] << 8 | RAH_VALID);
	for (unsigned i = 0; i < MTA_WORDS; i++)
		e1000_write(e, REG_MTA + 4 * i, 0);
}

static void start(struct e1000 *e)
{
	e->armed = false;
	e1000_write(e, REG_CTRL, e1000_read(e, REG_CTRL) | CTRL_FULL |
				 CTRL_AUTO_SPEED | CTRL_LINK_UP);
	address_set(e);
	e1000_write(e, REG_RXCSUM, RXCSUM_L4);
	e1000_write(e, REG_TIPG, TIPG_DEFAULT);
	e1000_write(e, REG_ITR, ITR_50_US);
	if (e->msix)
		e1000_write(e, REG_IVAR, IVAR_ALL_0);
	e1000_rx_start(e);
	e1000_tx_start(e);
	pci_start_dma(&e->pci);
	e1000_write(e, REG_TCTL, TCTL_ENABLE | TCTL_PAD | TCTL_COLLISIONS);
	e1000_write(e, REG_RCTL, RCTL_ENABLE | RCTL_ALL | RCTL_MULTICAST |
				 RCTL_BROADCAST | RCTL_SIZE_4096 |
				 RCTL_NO_FCS);
	e1000_rx_rearm(e);
}

static int reset(struct nic *nic)
{
	struct e1000 *e = e1000_of(nic);
	int rc = stop(e);

	e1000_tx_drop(e);
	if (!rc)
		start(e);
	return rc;
}

/* ---- interrupts ---- */

static void interrupt(void *arg)
{
	struct e1000 *e = arg;
	uint32_t causes = e1000_read(e, REG_ICR);

	if (!e->msix && !causes)
		return; /* the line is shared: it was another */
	e1000_write(e, REG_IMC, ~0u);
	__atomic_store_n(&e->armed, false, __ATOMIC_RELEASE);
	if (causes & CAUSE_LINK)
		nic_look(&e->nic);
	nic_interrupt(&e->nic, 0);
}

static void sent_wanted(struct e1000 *e)
{
	e1000_write(e, REG_IMS, CAUSE_SENT | (e->msix ? CAUSE_TX_QUEUE : 0));
}

static bool rearm(struct nic *nic, bool held)
{
	struct e1000 *e = e1000_of(nic);
	uint32_t wanted = CAUSE_LINK | CAUSE_FEW | CAUSE_OVERRUN |
			  CAUSE_RECEIVED;

	if (held)
		return false;
	if (e1000_rx_rearm(e))
		return true;
	if (!__atomic_load_n(&e->armed, __ATOMIC_ACQUIRE)) {
		/* Causes of what has been done are forgotten; what comes after
		 * this is seen in the ring, or interrupts. */
		if (e1000_read(e, REG_ICR) & CAUSE_LINK)
			nic_look(nic);
		if (e1000_rx_rearm(e))
			return true;
		if (e->msix)
			wanted |= CAUSE_RX_QUEUE | CAUSE_OTHER;
		__atomic_store_n(&e->armed, true, __ATOMIC_RELEASE);
		e1000_write(e, REG_IMS, wanted);
	}
	if (e1000_tx_pending(e))
		sent_wanted(e);
	return false;
}

/* ---- the rest of the plug ---- */

static void flush(struct nic *nic)
{
	e1000_tx_tell(e1000_of(nic));
}

static bool link(struct nic *nic)
{
	return e1000_read(e1000_of(nic), REG_STATUS) & STATUS_LINK_UP;
}

static const char *check(struct nic *nic)
{
	return e1000_read(e1000_of(nic), REG_STATUS) == ~0u ?
		       "it does not answer" : NULL;
}

static const struct nic_ops e1000_ops = {
	.receive = e1000_receive,
	.transmit = e1000_transmit,
	.flush = flush,
	.reclaim = e1000_reclaim,
	.rearm = rearm,
	.link = link,
	.check = check,
	.reset = reset,
};

/* ---- finding one ---- */

static void describe(struct e1000 *e)
{
	uint32_t low = e1000_read(e, REG_RAL), high = e1000_read(e, REG_RAH);
	struct nic *nic = &e->nic;

	nic->ops = &e1000_ops;
	nic->pci = &e->pci;
	nic->driver = e->pci.device == DEVICE_82574 ? "e1000e" : "e1000";
	for (unsigned i = 0; i < 6; i++)
		nic->mac[i] = (uint8_t)(i < 4 ? low >> 8 * i :
						high >> 8 * (i - 4));
	nic->mtu = MTU;
	nic->nr_queues = 1;
	nic->features = VFR_DEV_CSUM;
}

static int interrupt_route(struct e1000 *e)
{
	e->msix = pci_msix_init(&e->pci) == 0;
	if (!e->msix)
		return pci_intx_route(&e->pci, interrupt, e);
	return pci_msix_route(&e->pci, 0, irq_alloc(interrupt, e), 0);
}

static int open(struct e1000 *e)
{
	int rc;

	pci_enable(&e->pci);
	e->regs = pci_map_bar(&e->pci, 0, 0, BAR_SIZE);
	if (!e->regs)
		return -ENODEV;
	rc = stop(e);
	if (rc)
		return rc;
	describe(e);
	rc = e1000_rx_alloc(e);
	if (!rc)
		rc = e1000_tx_alloc(e);
	if (!rc)
		rc = interrupt_route(e);
	if (rc)
		return rc;
	start(e);
	return nic_register(&e->nic);
}

int e1000_probe(const struct pci_device *d)
{
	struct e1000 *e = heap_alloc(sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->pci = *d;
	return open(e);
}
