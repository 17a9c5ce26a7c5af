/* virtio.c: see virtio.h. */
#include "virtio.h"

#include "heap.h"
#include "io.h"
#include "lib.h"
#include "spinlock.h"

#define CAP_VENDOR	0x09
#define RESET_SPINS	10000u	/* reads of a register: some 10 ms */

/* 4.1.4, "Virtio Structure PCI Capabilities" */
enum { CFG_COMMON = 1, CFG_NOTIFY = 2, CFG_DEVICE = 4 };

struct virtio_common {
	uint32_t device_feature_select, device_feature;
	uint32_t driver_feature_select, driver_feature;
	uint16_t msix_config, num_queues;
	uint8_t device_status, config_generation;
	uint16_t queue_select, queue_size, queue_msix_vector, queue_enable,
		queue_notify_off;
	uint32_t queue_desc[2], queue_driver[2], queue_device[2];
};
static_assert(offsetof(struct virtio_common, queue_device) == 48,
	      "virtio 4.1.4.3");

/* 2.1, "Device Status Field" */
enum {
	ACKNOWLEDGE = 1,
	DRIVER = 2,
	DRIVER_OK = 4,
	FEATURES_OK = 8,
	NEEDS_RESET = 64,
};

static void part_map(struct virtio *v, unsigned cap)
{
	uint8_t type = pci_read8(&v->pci, cap + 3);
	uint8_t bar = pci_read8(&v->pci, cap + 4);
	uint32_t offset = pci_read32(&v->pci, cap + 8);
	uint32_t size = pci_read32(&v->pci, cap + 12);

	if (type == CFG_COMMON && !v->common &&
	    size >= sizeof(struct virtio_common)) {
		v->common = pci_map_bar(&v->pci, bar, offset, size);
	} else if (type == CFG_DEVICE && !v->config) {
		v->config = pci_map_bar(&v->pci, bar, offset, size);
		v->config_len = size;
	} else if (type == CFG_NOTIFY && !v->notify) {
		v->notify = pci_map_bar(&v->pci, bar, offset, size);
		v->notify_len = size;
		v->notify_mult = pci_read32(&v->pci, cap + 16);
	}
}

int virtio_open(struct virtio *v, const struct pci_device *d)
{
	unsigned cap = 0;

	memset(v, 0, sizeof(*v));
	v->pci = *d;
	pci_enable(&v->pci);
	while ((cap = pci_capability(&v->pci, CAP_VENDOR, cap)) != 0)
		part_map(v, cap);
	if (!v->common || !v->config || !v->notify)
		return -ENODEV;
	return pci_msix_init(&v->pci);
}

int virtio_reset(struct virtio *v)
{
	unsigned spins = 0;

	v->common->device_status = 0;
	while (v->common->device_status) {
		if (++spins == RESET_SPINS) {
			pci_stop_dma(&v->pci);
			return -EBUSY;
		}
		cpu_relax();
	}
	pci_start_dma(&v->pci);
	return 0;
}

uint64_t virtio_offered(struct virtio *v)
{
	uint64_t offered = 0;

	v->common->device_status = ACKNOWLEDGE;
	v->common->device_status = ACKNOWLEDGE | DRIVER;
	for (uint32_t i = 0; i < 2; i++) {
		v->common->device_feature_select = i;
		offered |= (uint64_t)v->common->device_feature << 32 * i;
	}
	return offered;
}

int virtio_accept(struct virtio *v, uint64_t features)
{
	for (uint32_t i = 0; i < 2; i++) {
		v->common->driver_feature_select = i;
		v->common->driver_feature = (uint32_t)(features >> 32 * i);
	}
	v->features = features;
	v->common->device_status = ACKNOWLEDGE | DRIVER | FEATURES_OK;
	return v->common->device_status & FEATURES_OK ? 0 : -ENODEV;
}

static void address_set(volatile uint32_t *reg, const volatile void *at)
{
	uint64_t phys = (uint64_t)at - DIRECTMAP_VIRT;

	reg[0] = (uint32_t)phys;
	reg[1] = (uint32_t)(phys >> 32);
}

/* The largest power of two that we have room for and the device, too. */
static uint16_t size_choose(uint16_t offered)
{
	uint16_t size = VIRTQ_MAX;

	while (size > offered)
		size /= 2;
	return size;
}

int virtio_queue(struct virtio *v, struct virtq *q, uint16_t number,
		 uint16_t msix)
{
	volatile struct virtio_common *c = v->common;
	uint16_t size;
	uint64_t bell;
	void *mem = q->desc;

	if (number >= c->num_queues)
		return -ENODEV;
	c->queue_select = number;
	size = size_choose(c->queue_size);
	bell = (uint64_t)c->queue_notify_off * v->notify_mult;
	if (!size || bell + sizeof(uint16_t) > v->notify_len)
		return -ENODEV;
	if (!mem)
		mem = heap_alloc(virtq_bytes(VIRTQ_MAX));
	if (!mem)
		return -ENOMEM;
	virtq_init(q, mem, size, v->features & VIRTIO_F_EVENT_IDX);
	q->notify = (volatile uint16_t *)(v->notify + bell);
	q->number = number;
	c->queue_size = size;
	address_set(c->queue_desc, q->desc);
	address_set(c->queue_driver, q->avail);
	address_set(c->queue_device, q->used);
	c->queue_msix_vector = msix;
	if (c->queue_msix_vector != msix)
		return -ENODEV;
	c->queue_enable = 1;
	return 0;
}

void virtio_ready(struct virtio *v)
{
	v->common->msix_config = 0;
	v->common->device_status = ACKNOWLEDGE | DRIVER | FEATURES_OK |
				   DRIVER_OK;
}

bool virtio_failed(const struct virtio *v)
{
	return v->common->device_status & NEEDS_RESET;
}
