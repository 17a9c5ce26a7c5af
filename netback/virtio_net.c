/*
 * virtio_net.c: a NIC plug for virtio-net (Virtual I/O Device 1.1, sections 4.1
 * and 5.1), modern PCI transport, one pair of queues.
 *
 * Receive: single frames of a pool, merged by the device where a packet is
 * longer.  Transmit: scatter-gather straight from the guests' frames.  The
 * device is not trusted with our memory's layout: indices and lengths that it
 * writes are checked like a guest's.
 */
#include "netback.h"

#include "boot.h"
#include "heap.h"
#include "io.h"
#include "lib.h"
#include "log.h"
#include "page.h"
#include "pci.h"
#include "percpu.h"
#include "platform.h"

#define VENDOR_VIRTIO	0x1af4
#define DEVICE_NET	0x1041	/* 0x1040 + 1; transitional ones are 0x1000 */
#define DEVICE_NET_OLD	0x1000
#define CAP_VENDOR	0x09

/* 4.1.4, "Virtio Structure PCI Capabilities" */
enum { CFG_COMMON = 1, CFG_NOTIFY = 2, CFG_DEVICE = 4 };

struct common_cfg {
	uint32_t device_feature_select, device_feature;
	uint32_t driver_feature_select, driver_feature;
	uint16_t msix_config, num_queues;
	uint8_t device_status, config_generation;
	uint16_t queue_select, queue_size, queue_msix_vector, queue_enable,
		queue_notify_off;
	uint32_t queue_desc[2], queue_driver[2], queue_device[2];
};
static_assert(offsetof(struct common_cfg, queue_device) == 48, "virtio 4.1.4.3");

enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };

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
#define F_EVENT_IDX	(1ull << 29)
#define F_VERSION_1	(1ull << 32)
#define F_WANTED                                                           \
	(F_CSUM | F_GUEST_CSUM | F_MAC | F_GUEST_TSO4 | F_GUEST_TSO6 |     \
	 F_HOST_TSO4 | F_HOST_TSO6 | F_MRG_RXBUF | F_STATUS | F_EVENT_IDX | \
	 F_VERSION_1)
#define F_NEEDED	(F_VERSION_1 | F_MRG_RXBUF | F_MAC)

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};
enum { DESC_NEXT = 1, DESC_WRITE = 2 };

#define QUEUE_SIZE	256

struct avail {
	uint16_t flags, idx, ring[QUEUE_SIZE], used_event;
};
struct used {
	uint16_t flags, idx;
	struct {
		uint32_t id, len;
	} ring[QUEUE_SIZE];
	uint16_t avail_event;
};

/* 5.1.6, "Device Operation" */
struct net_hdr {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};
static_assert(sizeof(struct net_hdr) == 12, "virtio 5.1.6");
enum { HDR_NEEDS_CSUM = 1, HDR_DATA_VALID = 2 };
enum { GSO_NONE = 0, GSO_TCPV4 = 1, GSO_TCPV6 = 4, GSO_ECN = 0x80 };

struct queue {
	uint16_t size;		/* descriptors, a power of two <= QUEUE_SIZE */
	uint16_t mask;
	uint16_t avail_idx;	/* ours; published by queue_publish() */
	uint16_t used_idx;	/* consumed so far */
	uint16_t kicked_idx;	/* avail_idx at the last notification */
	uint16_t nr_free;	/* descriptors */
	uint16_t free_head;	/* linked by next[]: the device may write desc */
	uint16_t next[QUEUE_SIZE];
	struct desc *desc;
	struct avail *avail;
	struct used *used;
	volatile uint16_t *notify;
	uint16_t number;
};

#define RX 0
#define TX 1

struct virtio_net {
	struct nic nic;
	struct pci_device pci;
	volatile struct common_cfg *common;
	volatile uint8_t *config;
	uint64_t features;
	struct queue q[2];
	struct page *rx_page[QUEUE_SIZE];	/* by descriptor */
	struct net_packet *tx_packet[QUEUE_SIZE]; /* by head descriptor */
	bool broken;
};

static void mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static uint64_t phys(const void *directmap)
{
	return (uint64_t)directmap - DIRECTMAP_VIRT;
}

static void nic_broken(struct virtio_net *n, const char *why)
{
	if (!n->broken)
		log_error("net: %s: %s: it is not used any more", n->nic.name,
			  why);
	n->broken = true;
}

/* ---- queues ---- */

static uint16_t desc_get(struct queue *q)
{
	uint16_t d = q->free_head;

	q->free_head = q->next[d];
	q->nr_free--;
	return d;
}

static void desc_put(struct queue *q, uint16_t d)
{
	q->next[d] = q->free_head;
	q->free_head = d;
	q->nr_free++;
}

static void queue_add(struct queue *q, uint16_t head)
{
	q->avail->ring[q->avail_idx & q->mask] = head;
	q->avail_idx++;
}

/* Publish what was added, and notify if the device asks for it (2.6.7.2). */
static void queue_publish(struct queue *q)
{
	uint16_t old = q->kicked_idx, event;

	if (old == q->avail_idx)
		return;
	__atomic_store_n(&q->avail->idx, q->avail_idx, __ATOMIC_RELEASE);
	mb();
	event = READ_ONCE(q->used->avail_event);
	q->kicked_idx = q->avail_idx;
	if ((uint16_t)(q->avail_idx - event - 1) <
	    (uint16_t)(q->avail_idx - old))
		*q->notify = q->number;
}

/* The next descriptor that the device is done with: false if there is none. */
static bool queue_used(struct virtio_net *n, struct queue *q, uint16_t *head,
		       uint32_t *len)
{
	uint32_t id;

	if (__atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE) == q->used_idx ||
	    n->broken)
		return false;
	id = READ_ONCE(q->used->ring[q->used_idx & q->mask].id);
	*len = READ_ONCE(q->used->ring[q->used_idx & q->mask].len);
	q->used_idx++;
	if (id >= q->size) {
		nic_broken(n, "the device names a descriptor that is none");
		return false;
	}
	*head = (uint16_t)id;
	return true;
}

static int queue_init(struct virtio_net *n, unsigned number, void *notify,
		      uint32_t notify_mult)
{
	volatile struct common_cfg *c = n->common;
	struct queue *q = &n->q[number];
	uint64_t at[3];

	c->queue_select = (uint16_t)number;
	if (!c->queue_size)
		return -ENODEV;
	if (c->queue_size > QUEUE_SIZE)
		c->queue_size = QUEUE_SIZE;
	q->size = c->queue_size;
	q->mask = q->size - 1;
	q->number = (uint16_t)number;
	q->desc = heap_alloc(QUEUE_SIZE * sizeof(*q->desc));
	q->avail = heap_alloc(sizeof(*q->avail));
	q->used = heap_alloc(sizeof(*q->used));
	if (!q->desc || !q->avail || !q->used || q->size & q->mask ||
	    q->size < 32)
		return -ENOMEM;
	for (uint16_t i = 0; i < q->size; i++)
		desc_put(q, i);
	at[0] = phys(q->desc);
	at[1] = phys(q->avail);
	at[2] = phys(q->used);
	for (unsigned i = 0; i < 2; i++) {
		c->queue_desc[i] = (uint32_t)(at[0] >> 32 * i);
		c->queue_driver[i] = (uint32_t)(at[1] >> 32 * i);
		c->queue_device[i] = (uint32_t)(at[2] >> 32 * i);
	}
	q->notify = (volatile uint16_t *)((char *)notify +
					  c->queue_notify_off * notify_mult);
	c->queue_msix_vector = 0;
	c->queue_enable = 1;
	return c->queue_msix_vector == 0 ? 0 : -ENODEV;
}

/*
 * used_event and avail_event lie behind rings of the queue's own size (2.6.6,
 * 2.6.8): where the structs have them only if that is QUEUE_SIZE.
 */
static void ask_interrupt(struct queue *q, uint16_t at)
{
	WRITE_ONCE(q->avail->used_event, at);
}

/* ---- receive ---- */

static void rx_post(struct virtio_net *n, struct page *pg)
{
	struct queue *q = &n->q[RX];
	uint16_t d = desc_get(q);

	q->desc[d] = (struct desc){ page_mfn(pg).n << PAGE_SHIFT, PAGE_SIZE,
				    DESC_WRITE, 0 };
	n->rx_page[d] = pg;
	queue_add(q, d);
}

static void rx_release(struct vfr_packet *p)
{
	struct net_packet *np = net_packet_of(p);
	struct virtio_net *n = (struct virtio_net *)np->nic;

	for (uint32_t i = 0; i < np->nr_slots; i++)
		rx_post(n, np->slot[i].page);
	net_packet_put(np);
}

static bool rx_offloads(struct vfr_packet *p, const struct net_hdr *h)
{
	if (h->flags & HDR_NEEDS_CSUM) {
		p->csum = VFR_CSUM_PARTIAL;
		p->csum_start = h->csum_start;
		p->csum_offset = h->csum_offset;
	} else if (h->flags & HDR_DATA_VALID) {
		p->csum = VFR_CSUM_VALID;
	}
	switch (h->gso_type & ~GSO_ECN) {
	case GSO_NONE:
		return true;
	case GSO_TCPV4:
		p->gso = VFR_GSO_TCP4;
		break;
	case GSO_TCPV6:
		p->gso = VFR_GSO_TCP6;
		break;
	default:
		return false;
	}
	p->gso_size = h->gso_size;
	return p->csum == VFR_CSUM_PARTIAL && h->gso_size;
}

/* One packet of h->num_buffers frames, the first of which is given; NULL when
 * it cannot be taken: its frames are posted again. */
static struct vfr_packet *rx_packet(struct virtio_net *n, uint16_t d,
				    uint32_t len)
{
	struct net_packet *np = net_packet_get();
	struct net_hdr h;
	bool bad = !np;
	unsigned left = 1, skip = sizeof(h);

	if (np) {
		vfr_packet_init(&np->p, rx_release, n);
		np->nic = &n->nic;
	}
	memcpy(&h, page_virt(n->rx_page[d]), sizeof(h));
	left = h.num_buffers;
	if (left == 0 || left > NET_SLOTS_MAX || len < sizeof(h))
		bad = true;
	for (;;) {
		struct page *pg = n->rx_page[d];

		n->rx_page[d] = NULL;
		desc_put(&n->q[RX], d);
		if (len > PAGE_SIZE)
			bad = true;
		if (!bad && len > skip)
			bad = vfr_packet_add(&np->p,
					     (char *)page_virt(pg) + skip,
					     page_mfn(pg).n << PAGE_SHIFT, skip,
					     len - skip) != 0;
		if (np && np->nr_slots < NET_SLOTS_MAX)
			np->slot[np->nr_slots++].page = pg;
		else
			rx_post(n, pg);
		skip = 0;
		if (left <= 1)
			break;
		left--;
		if (!queue_used(n, &n->q[RX], &d, &len) || !n->rx_page[d]) {
			bad = true;
			break;
		}
	}
	if (!bad) {
		vfr_packet_seal(&np->p);
		if (rx_offloads(&np->p, &h))
			return &np->p;
	}
	if (np)
		rx_release(&np->p);
	return NULL;
}

static uint32_t receive(struct nic *nic, struct vfr_packet **pkts,
			uint32_t budget)
{
	struct virtio_net *n = (struct virtio_net *)nic;
	uint32_t got = 0, len;
	uint16_t d;

	while (got < budget && queue_used(n, &n->q[RX], &d, &len)) {
		if (!n->rx_page[d]) {
			nic_broken(n, "the device returns a buffer twice");
			break;
		}
		pkts[got] = rx_packet(n, d, len);
		if (pkts[got])
			got++;
	}
	queue_publish(&n->q[RX]);
	return got;
}

/* ---- transmit ---- */

static void header_fill(struct net_hdr *h, const struct vfr_packet *p)
{
	memset(h, 0, sizeof(*h));
	if (p->csum == VFR_CSUM_PARTIAL) {
		h->flags = HDR_NEEDS_CSUM;
		h->csum_start = p->csum_start;
		h->csum_offset = p->csum_offset;
	}
	if (p->gso != VFR_GSO_NONE) {
		h->gso_type = p->gso == VFR_GSO_TCP4 ? GSO_TCPV4 : GSO_TCPV6;
		h->gso_size = p->gso_size;
		h->hdr_len = p->hdr_len;
	}
}

static void tx_desc(struct queue *q, uint16_t *tail, uint64_t addr,
		    uint32_t len)
{
	uint16_t d = desc_get(q);

	q->desc[d] = (struct desc){ addr, len, 0, 0 };
	if (*tail != UINT16_MAX) {
		q->desc[*tail].flags = DESC_NEXT;
		q->desc[*tail].next = d;
	}
	*tail = d;
}

/*
 * The device's header stands right before the packet's own: in the headroom if
 * there is room, so that both are one piece.  Where the VFR made the packet it
 * is no net_packet; what is remembered is only its address.
 */
static int transmit(struct nic *nic, struct vfr_packet *p)
{
	struct virtio_net *n = (struct virtio_net *)nic;
	struct queue *q = &n->q[TX];
	uint16_t tail = UINT16_MAX, head;
	struct net_hdr *h;

	if (n->broken)
		return -EIO;
	if (p->csum == VFR_CSUM_PARTIAL && !(nic->features & VFR_DEV_CSUM))
		vfr_packet_checksum(p);
	if (q->nr_free < p->nr_frags + 1u)
		return -ENOBUFS;
	if (p->hdr - p->buf < (int)sizeof(*h))
		return -EINVAL;
	h = (struct net_hdr *)(p->hdr - sizeof(*h));
	header_fill(h, p);
	head = q->free_head;
	tx_desc(q, &tail, phys(h), sizeof(*h) + p->hdr_len);
	for (unsigned i = 0; i < p->nr_frags; i++)
		tx_desc(q, &tail, phys(p->frags[i].data), p->frags[i].len);
	n->tx_packet[head] = (struct net_packet *)p;
	queue_add(q, head);
	return 0;
}

static void flush(struct nic *nic)
{
	struct virtio_net *n = (struct virtio_net *)nic;

	queue_publish(&n->q[TX]);
}

static void reclaim(struct nic *nic)
{
	struct virtio_net *n = (struct virtio_net *)nic;
	struct queue *q = &n->q[TX];
	uint16_t head;
	uint32_t len;

	while (queue_used(n, q, &head, &len)) {
		struct vfr_packet *p = (struct vfr_packet *)n->tx_packet[head];
		uint16_t d = head;
		unsigned left;

		if (!p) {
			nic_broken(n, "the device sends a packet twice");
			return;
		}
		n->tx_packet[head] = NULL;
		/* As many as we gave: the device may have changed the flags. */
		for (left = p->nr_frags + 1u; left; left--) {
			uint16_t next = q->desc[d].next;

			desc_put(q, d);
			d = next & q->mask;
		}
		p->release(p);
	}
}

/* ---- the rest of the plug ---- */

static bool rearm(struct nic *nic)
{
	struct virtio_net *n = (struct virtio_net *)nic;
	struct queue *rx = &n->q[RX], *tx = &n->q[TX];

	ask_interrupt(rx, rx->used_idx);
	/* Sent packets may wait a little: for half of those on their way. */
	ask_interrupt(tx, tx->used_idx +
				  (uint16_t)(tx->avail_idx - tx->used_idx) / 2);
	mb();
	return READ_ONCE(rx->used->idx) != rx->used_idx;
}

static bool link(struct nic *nic)
{
	struct virtio_net *n = (struct virtio_net *)nic;

	if (n->broken)
		return false;
	if (!(n->features & F_STATUS))
		return true;
	return *(volatile uint16_t *)(n->config + 6) & 1;
}

static const struct nic_ops virtio_net_ops = {
	.receive = receive,
	.transmit = transmit,
	.flush = flush,
	.reclaim = reclaim,
	.rearm = rearm,
	.link = link,
};

static void interrupt(void *arg)
{
	(void)arg;
	net_kick();
}

/* ---- finding one ---- */

struct caps {
	void *common, *notify, *config;
	uint32_t notify_mult;
};

static int caps_map(struct virtio_net *n, struct caps *c)
{
	unsigned cap = 0;

	memset(c, 0, sizeof(*c));
	while ((cap = pci_capability(&n->pci, CAP_VENDOR, cap)) != 0) {
		uint8_t type = pci_read8(&n->pci, cap + 3);
		uint8_t bar = pci_read8(&n->pci, cap + 4);
		uint32_t offset = pci_read32(&n->pci, cap + 8);
		uint32_t size = pci_read32(&n->pci, cap + 12);
		void **at = type == CFG_COMMON ? &c->common :
			    type == CFG_NOTIFY ? &c->notify :
			    type == CFG_DEVICE ? &c->config :
						 NULL;

		if (!at || *at || size < 4)
			continue;
		*at = pci_map_bar(&n->pci, bar, offset, size);
		if (type == CFG_NOTIFY)
			c->notify_mult = pci_read32(&n->pci, cap + 16);
	}
	return c->common && c->notify && c->config ? 0 : -ENODEV;
}

static int negotiate(struct virtio_net *n)
{
	volatile struct common_cfg *c = n->common;
	uint64_t offered = 0;

	c->device_status = 0;
	for (unsigned spins = 0; c->device_status && spins < 1000000; spins++)
		cpu_relax();
	c->device_status = ACKNOWLEDGE;
	c->device_status = ACKNOWLEDGE | DRIVER;
	for (uint32_t i = 0; i < 2; i++) {
		c->device_feature_select = i;
		offered |= (uint64_t)c->device_feature << 32 * i;
	}
	n->features = offered & F_WANTED;
	if ((n->features & F_NEEDED) != F_NEEDED)
		return -ENODEV;
	if (!(n->features & F_CSUM))
		n->features &= ~(F_HOST_TSO4 | F_HOST_TSO6);
	for (uint32_t i = 0; i < 2; i++) {
		c->driver_feature_select = i;
		c->driver_feature = (uint32_t)(n->features >> 32 * i);
	}
	c->device_status = ACKNOWLEDGE | DRIVER | FEATURES_OK;
	return c->device_status & FEATURES_OK ? 0 : -ENODEV;
}

static void nic_describe(struct virtio_net *n)
{
	struct nic *nic = &n->nic;

	nic->ops = &virtio_net_ops;
	for (unsigned i = 0; i < 6; i++)
		nic->mac[i] = n->config[i];
	nic->mtu = 1500;
	nic->up = true;
	nic->features = (uint8_t)((n->features & F_CSUM ? VFR_DEV_CSUM : 0) |
				  (n->features & F_HOST_TSO4 ? VFR_DEV_TSO4 : 0) |
				  (n->features & F_HOST_TSO6 ? VFR_DEV_TSO6 : 0));
}

static int rx_fill(struct virtio_net *n)
{
	for (uint16_t i = 0; i < n->q[RX].size; i++) {
		struct page *pg = frames_alloc(0);

		if (!pg)
			return -ENOMEM;
		rx_post(n, pg);
	}
	return 0;
}

static int start(struct virtio_net *n)
{
	struct caps caps;
	int vector, rc;

	pci_enable(&n->pci);
	rc = caps_map(n, &caps);
	if (rc || pci_msix_init(&n->pci))
		return -ENODEV;
	n->common = caps.common;
	n->config = caps.config;
	rc = negotiate(n);
	if (rc)
		return rc;
	vector = irq_alloc(interrupt, n);
	rc = pci_msix_route(&n->pci, 0, vector, 0);
	if (rc)
		return rc;
	n->common->msix_config = 0;
	for (unsigned i = 0; i < 2 && !rc; i++)
		rc = queue_init(n, i, caps.notify, caps.notify_mult);
	if (rc)
		return rc;
	if (!(n->features & F_EVENT_IDX) || n->q[RX].size != QUEUE_SIZE ||
	    n->q[TX].size != QUEUE_SIZE)
		return -ENODEV;
	n->common->device_status = ACKNOWLEDGE | DRIVER | FEATURES_OK |
				   DRIVER_OK;
	rc = rx_fill(n);
	if (rc)
		return rc;
	nic_describe(n);
	rc = nic_register(&n->nic);
	queue_publish(&n->q[RX]);
	return rc;
}

static void found(const struct pci_device *d)
{
	struct virtio_net *n;
	int rc;

	if (d->vendor != VENDOR_VIRTIO ||
	    (d->device != DEVICE_NET && d->device != DEVICE_NET_OLD))
		return;
	n = heap_alloc(sizeof(*n));
	if (!n)
		return;
	n->pci = *d;
	rc = start(n);
	if (rc)
		log_warn("net: virtio-net at %x:%x.%x cannot be used (%d)",
			 d->bus, d->dev, d->fn, rc);
}

static void virtio_net_init(void)
{
	if (net_vfr)
		pci_scan(found);
}

INITCALL(virtio_net_init);
