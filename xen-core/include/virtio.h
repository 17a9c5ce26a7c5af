/*
 * virtio.h: devices on virtio's modern PCI transport (Virtual I/O Device 1.1,
 * section 4.1).
 *
 * A driver calls virtio_open() once; then, and again for each new start:
 * virtio_reset(), virtio_offered(), virtio_accept(), virtio_queue() for each
 * queue, virtio_ready().
 */
#ifndef VIRTIO_H
#define VIRTIO_H

#include "pci.h"
#include "virtq.h"

#define VIRTIO_F_EVENT_IDX	(1ull << 29)
#define VIRTIO_F_VERSION_1	(1ull << 32)

struct virtio_common;

struct virtio {
	struct pci_device pci;
	volatile struct virtio_common *common;
	volatile uint8_t *config;	/* the kind of device's own */
	uint32_t config_len;		/* bytes */
	volatile uint8_t *notify;
	uint32_t notify_len, notify_mult;
	uint64_t features;		/* as agreed on */
};

/* Find the parts of the device and turn MSI-X on.  -ENODEV: it lacks some. */
int virtio_open(struct virtio *v, const struct pci_device *d);

/*
 * The device forgets all and touches no memory any more: what it had is ours.
 * -EBUSY: it does not say that it has; its DMA is off all the same, and what it
 * had is ours.
 */
int virtio_reset(struct virtio *v);

/* After a reset: features that the device has. */
uint64_t virtio_offered(struct virtio *v);

/* Features that will be used; -ENODEV: the device will not have them so. */
int virtio_accept(struct virtio *v, uint64_t features);

/*
 * Make queue `number' of the device q, empty, with interrupts by that entry of
 * the MSI-X table.  Its rings, of at most VIRTQ_MAX descriptors, are allocated
 * at the first call for q.  -ENODEV: the device has no such queue; -ENOMEM.
 */
int virtio_queue(struct virtio *v, struct virtq *q, uint16_t number,
		 uint16_t msix);

/* All queues are there: the device works from now on.  Changes of its
 * configuration interrupt by entry 0 of the MSI-X table. */
void virtio_ready(struct virtio *v);

/* The device says that it wants a reset (2.1, DEVICE_NEEDS_RESET). */
bool virtio_failed(const struct virtio *v);

static inline uint16_t virtio_config16(const struct virtio *v, unsigned at)
{
	return *(volatile uint16_t *)(v->config + at);
}

#endif
