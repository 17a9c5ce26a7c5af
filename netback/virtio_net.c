/*
 * virtio_net.c: a NIC plug for virtio-net (Virtual I/O Device 1.1, section
 * 5.1): start, several queues, link, reset.
 *
 * A pair of queues for each CPU, whose interrupt goes to that CPU; a device
 * that has but one pair is served by the first.
 */
#include "virtio_net.h"

#include "heap.h"
#include "lib.h"
#include "log.h"
#include "percpu.h"
#include "platform.h"

#define F_CSUM		(1ull << 0)
#define F_GUEST_CSUM	(1ull << 1)
#define F_MTU		(1ull << 3)
#define F_MAC		(1ull << 5)
#define F_GUEST_TSO4	(1ull << 7)
#define F_GUEST_TSO6	(1ull << 8)
#define F_HOST_TSO4	(1ull << 11)
#define F_HOST_TSO6	(1ull << 12)
#define F_MRG_RXBUF	(1ull << 15)
#define F_STATUS	(1ull << 16)
#define F_CTRL_VQ	(1ull << 17)
#define F_MQ		(1ull << 22)
#define F_WANTED                                                           \
	(F_CSUM | F_GUEST_CSUM | F_MTU | F_MAC | F_GUEST_TSO4 |            \
	 F_GUEST_TSO6 | F_HOST_TSO4 | F_HOST_TSO6 | F_MRG_RXBUF |          \
	 F_STATUS | F_CTRL_VQ | F_MQ | VIRTIO_F_EVENT_IDX |                \
	 VIRTIO_F_VERSION_1)
#define F_NEEDED	(VIRTIO_F_VERSION_1 | F_MRG_RXBUF | F_MAC)

/* 5.1.4, "Device configuration layout" */
#define CONFIG_MAC	0
#define CONFIG_STATUS	6
#define CONFIG_PAIRS	8
#define CONFIG_MTU	10
#define STATUS_LINK_UP	1

#define MTU_DEFAULT	1500
#define TX_FEW		16		/* packets: no interrupt for so few */
#define RX_PAGES	256	/* of each pair: see NIC_WAITS in nic.c */

/*
 * 5.1.6.5.5, "Automatic receive steering in multiqueue mode": the one command
 * that is given.  Until the device has taken it there is one pair, so nobody
 * has to wait for it.
 */
#define CLASS_MQ	4
#define MQ_PAIRS_SET	0
#define ACK_OK		0

struct vnet_control {
	struct virtq q;
	struct {
		uint8_t class, command;
	} head;
	uint16_t pairs;
	uint8_t ack;
};

/* ---- start and reset ---- */

static uint64_t features_choose(struct virtio_net *n)
{
	uint64_t f = virtio_offered(&n->dev) & F_WANTED;

	/* 5.1.3.1, "Feature bit requirements" */
	if (!(f & F_CSUM))
		f &= ~(F_HOST_TSO4 | F_HOST_TSO6);
	if (!(f & F_GUEST_CSUM))
		f &= ~(F_GUEST_TSO4 | F_GUEST_TSO6);
	if (!(f & F_CTRL_VQ) || nr_cpus == 1)
		f &= ~(F_MQ | F_CTRL_VQ);
	if (!(f & F_MQ))
		f &= ~F_CTRL_VQ;
	return f;
}

static uint16_t pairs_offered(const struct virtio_net *n)
{
	return n->dev.features & F_MQ ?
		       virtio_config16(&n->dev, CONFIG_PAIRS) : 1;
}

/* Entry 0 of the MSI-X table is for changes of the configuration; the pairs
 * share the others if there are too few. */
static uint16_t msix_of(const struct virtio_net *n, uint32_t pair)
{
	uint16_t rest = n->dev.pci.msix_nr - 1u;

	return rest ? (uint16_t)(1 + pair % rest) : 0;
}

static int queues_start(struct virtio_net *n)
{
	int rc = 0;

	for (uint16_t i = 0; i < n->nr_pairs && !rc; i++) {
		rc = virtio_queue(&n->dev, &n->rx[i]->q, 2 * i, msix_of(n, i));
		if (!rc && n->rx[i]->q.size < n->rx[i]->nr_pages)
			rc = -ENODEV;
		if (rc)
			break;
		vnet_rx_fill(n->rx[i]);
		rc = virtio_queue(&n->dev, &n->tx[i]->q, 2 * i + 1,
				  msix_of(n, i));
		if (!rc && n->tx[i]->q.size < VFR_MAX_FRAGS + 1)
			rc = -ENODEV;
	}
	if (!rc && n->control) /* it is asked, and never interrupts */
		rc = virtio_queue(&n->dev, &n->control->q,
				  2 * pairs_offered(n), 0);
	return rc;
}

static void control_ask(struct virtio_net *n)
{
	struct vnet_control *c = n->control;

	c->head.class = CLASS_MQ;
	c->head.command = MQ_PAIRS_SET;
	c->pairs = (uint16_t)n->nr_pairs;
	c->ack = !ACK_OK;
	virtq_add(&c->q, (uint64_t)&c->head - DIRECTMAP_VIRT, 2, 0);
	virtq_add(&c->q, (uint64_t)&c->pairs - DIRECTMAP_VIRT, 2, 0);
	virtq_add(&c->q, (uint64_t)&c->ack - DIRECTMAP_VIRT, 1, VIRTQ_WRITE);
	virtq_end(&c->q);
	virtq_publish(&c->q);
}

static int negotiate(struct virtio_net *n)
{
	uint64_t f = features_choose(n);

	if ((f & F_NEEDED) != F_NEEDED)
		return -ENODEV;
	return virtio_accept(&n->dev, f);
}

static int start(struct virtio_net *n)
{
	int rc = queues_start(n);

	if (rc)
		return rc;
	virtio_ready(&n->dev);
	n->tx_pairs = 1;
	for (uint32_t i = 0; i < n->nr_pairs; i++)
		virtq_publish(&n->rx[i]->q);
	if (n->control)
		control_ask(n);
	return 0;
}

/*
 * It did not start, with queues as small as it likes, or empty ones: packets on
 * their way still bring back frames, which need places that are free.
 */
static void frames_keep(struct virtio_net *n)
{
	for (uint32_t i = 0; i < n->nr_pairs; i++) {
		struct virtq *q = &n->rx[i]->q;

		virtq_init(q, q->desc, VIRTQ_MAX, q->event_idx);
		vnet_rx_fill(n->rx[i]);
	}
}

static int reset(struct nic *nic)
{
	struct virtio_net *n = virtio_net_of(nic);
	uint64_t had = n->dev.features;
	int rc = virtio_reset(&n->dev);

	for (uint32_t i = 0; i < n->nr_pairs; i++)
		vnet_tx_drop(n->tx[i]);
	if (!rc)
		rc = negotiate(n);
	/* The VFR goes by what it was told at first. */
	if (!rc && n->dev.features != had)
		rc = -ENODEV;
	n->dev.features = had;
	if (!rc)
		rc = start(n);
	if (rc)
		frames_keep(n);
	return rc;
}

/* ---- the rest of the plug ---- */

static bool rearm(struct nic *nic, bool held)
{
	struct virtio_net *n = virtio_net_of(nic);
	bool more = false;

	if (held && !(n->dev.features & VIRTIO_F_EVENT_IDX))
		return false;
	for (uint32_t i = 0; i < n->nr_pairs; i++) {
		struct virtq *tx = &n->tx[i]->q;

		/* Frames that came back since the last packets were taken. */
		virtq_publish(&n->rx[i]->q);
		more |= virtq_arm(&n->rx[i]->q,
				  held ? n->rx[i]->nr_pages / 2 : 0);
		/* Sent packets may wait a little: for half of those that are
		 * on their way; few of them for the next run (nic.c). */
		more |= virtq_arm(tx, virtq_pending(tx) > TX_FEW ?
					      virtq_pending(tx) / 2 :
					      virtq_pending(tx));
	}
	return more;
}

static void remind(struct nic *nic)
{
	struct virtio_net *n = virtio_net_of(nic);

	for (uint32_t i = 0; i < n->nr_pairs; i++) {
		virtq_remind(&n->rx[i]->q);
		virtq_remind(&n->tx[i]->q);
	}
}

static bool link(struct nic *nic)
{
	struct virtio_net *n = virtio_net_of(nic);

	return !(n->dev.features & F_STATUS) ||
	       virtio_config16(&n->dev, CONFIG_STATUS) & STATUS_LINK_UP;
}

static const char *check(struct nic *nic)
{
	struct virtio_net *n = virtio_net_of(nic);
	uint32_t len;
	uint16_t id;

	if (n->control && virtq_take(&n->control->q, &id, &len) > 0) {
		if (READ_ONCE(n->control->ack) == ACK_OK)
			n->tx_pairs = n->nr_pairs;
		else
			log_warn("net: %s: one pair of queues only: the device "
				 "takes no more", nic->name);
	}
	return virtio_failed(&n->dev) ? "it asks for a reset" : NULL;
}

static const struct nic_ops virtio_net_ops = {
	.receive = vnet_receive,
	.transmit = vnet_transmit,
	.flush = vnet_flush,
	.remind = remind,
	.reclaim = vnet_reclaim,
	.rearm = rearm,
	.link = link,
	.check = check,
	.reset = reset,
};

static void config_interrupt(void *arg)
{
	nic_look(arg);
}

/* No more of them until rearm(), which every kick leads to. */
static void queue_interrupt(void *arg)
{
	struct vnet_rx *rx = arg;
	uint32_t pair = (uint32_t)(rx->count - rx->nic->nic.queue);

	virtq_disarm(&rx->q);
	virtq_disarm(&rx->nic->tx[pair]->q);
	nic_interrupt(&rx->nic->nic, pair);
}

/* ---- finding one ---- */

static void describe(struct virtio_net *n)
{
	struct nic *nic = &n->nic;
	uint64_t f = n->dev.features;

	nic->ops = &virtio_net_ops;
	nic->driver = "virtio-net";
	nic->pci = &n->dev.pci;
	for (unsigned i = 0; i < 6; i++)
		nic->mac[i] = n->dev.config[CONFIG_MAC + i];
	nic->mtu = f & F_MTU ? virtio_config16(&n->dev, CONFIG_MTU) :
			       MTU_DEFAULT;
	nic->nr_queues = n->nr_pairs;
	nic->features = (uint8_t)((f & F_CSUM ? VFR_DEV_CSUM : 0) |
				  (f & F_HOST_TSO4 ? VFR_DEV_TSO4 : 0) |
				  (f & F_HOST_TSO6 ? VFR_DEV_TSO6 : 0));
}

static int pair_alloc(struct virtio_net *n, uint32_t i)
{
	n->rx[i] = heap_alloc(sizeof(*n->rx[i]));
	n->tx[i] = heap_alloc(sizeof(*n->tx[i]));
	if (!n->rx[i] || !n->tx[i])
		return -ENOMEM;
	n->rx[i]->nic = n;
	n->rx[i]->count = n->tx[i]->count = &n->nic.queue[i];
	return vnet_rx_alloc(n->rx[i], RX_PAGES);
}

static int pairs_alloc(struct virtio_net *n)
{
	int rc = 0;

	n->nr_pairs = MIN(MIN(nr_cpus, MAX(pairs_offered(n), 1u)),
			  NIC_QUEUES_MAX);
	for (uint32_t i = 0; i < n->nr_pairs && !rc; i++)
		rc = pair_alloc(n, i);
	if (!rc && n->nr_pairs > 1) {
		n->control = heap_alloc(sizeof(*n->control));
		rc = n->control ? 0 : -ENOMEM;
	}
	return rc;
}

static int interrupts_route(struct virtio_net *n)
{
	int rc = pci_msix_route(&n->dev.pci, 0,
				irq_alloc(config_interrupt, &n->nic), 0);

	for (uint32_t i = 0; i < n->nr_pairs && !rc; i++) {
		uint16_t entry = msix_of(n, i);

		/* Shared entries stay with the first; 0 means look and work. */
		if (entry == i + 1)
			rc = pci_msix_route(&n->dev.pci, entry,
					    irq_alloc(queue_interrupt,
						      n->rx[i]),
					    i);
	}
	return rc;
}

static int open(struct virtio_net *n, const struct pci_device *d)
{
	int rc = virtio_open(&n->dev, d);

	if (!rc)
		rc = virtio_reset(&n->dev);
	if (!rc)
		rc = negotiate(n);
	if (!rc)
		rc = pairs_alloc(n);
	if (!rc)
		rc = interrupts_route(n);
	if (!rc)
		rc = start(n);
	if (rc)
		return rc;
	describe(n);
	return nic_register(&n->nic);
}

int virtio_net_probe(const struct pci_device *d)
{
	struct virtio_net *n = heap_alloc(sizeof(*n));

	return n ? open(n, d) : -ENOMEM;
}
