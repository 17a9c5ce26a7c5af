/*
 * virtio_net.h: between virtio_net.c (the device), virtio_net_rx.c and
 * virtio_net_tx.c (its queues).  Virtual I/O Device 1.1, section 5.1.
 */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include "nic.h"

#include "page.h"
#include "virtio.h"

/* 5.1.6, "Device Operation": in front of every packet. */
struct vnet_hdr {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};
static_assert(sizeof(struct vnet_hdr) == 12, "virtio 5.1.6");
enum { HDR_NEEDS_CSUM = 1, HDR_DATA_VALID = 2 };
enum { GSO_NONE = 0, GSO_TCPV4 = 1, GSO_TCPV6 = 4, GSO_ECN = 0x80 };

/*
 * A receive queue owns nr_pages frames.  Each is in page[] while the device has
 * it, by the number of the request, or with a packet that is on its way.
 */
struct vnet_rx {
	struct virtq q;
	struct virtio_net *nic;
	struct nic_queue *count;
	uint16_t nr_pages;
	struct page *page[VIRTQ_MAX];
};

struct vnet_tx {
	struct virtq q;
	struct nic_queue *count;
	struct vfr_packet *packet[VIRTQ_MAX]; /* by number of the request */
};

struct virtio_net {
	struct nic nic;		/* first */
	struct virtio dev;
	uint32_t nr_pairs;	/* queues that are set up: in use for receive */
	uint32_t tx_pairs;	/* in use for transmit: the device has agreed */
	uint32_t rx_next;	/* the queue to be served first */
	struct vnet_rx *rx[NIC_QUEUES_MAX];
	struct vnet_tx *tx[NIC_QUEUES_MAX];
	struct vnet_control *control;	/* NULL: one pair */
};

static inline struct virtio_net *virtio_net_of(struct nic *n)
{
	return (struct virtio_net *)n;
}

/* ---- virtio_net_rx.c ---- */

/* The queue gets frames of its own.  -ENOMEM. */
int vnet_rx_alloc(struct vnet_rx *rx, uint16_t nr_pages);

/* The queue is empty, as after a reset: give the device its frames. */
void vnet_rx_fill(struct vnet_rx *rx);

uint32_t vnet_receive(struct nic *nic, struct vfr_packet **pkts,
		      uint32_t budget);

/* ---- virtio_net_tx.c ---- */

int vnet_transmit(struct nic *nic, struct vfr_packet *p);
void vnet_flush(struct nic *nic);
void vnet_reclaim(struct nic *nic);

/* The device is reset: release what it has not sent. */
void vnet_tx_drop(struct vnet_tx *tx);

#endif
