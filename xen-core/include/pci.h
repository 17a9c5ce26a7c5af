/*
 * pci.h: devices on PCI, found at boot (PCI Local Bus Specification 3.0).
 *
 * Configuration space is reached by ports 0xcf8 and 0xcfc; that covers the 256
 * bytes of every function, which is all that the drivers here want.
 */
#ifndef PCI_H
#define PCI_H

#include "types.h"

struct pci_device {
	uint8_t bus, dev, fn;
	uint16_t vendor, device;
	uint8_t revision;
	uint32_t class;		/* class, subclass, interface */
	volatile uint32_t *msix; /* its table, once pci_msix_init() was called */
	uint16_t msix_nr;
};

uint8_t pci_read8(const struct pci_device *d, unsigned reg);
uint16_t pci_read16(const struct pci_device *d, unsigned reg);
uint32_t pci_read32(const struct pci_device *d, unsigned reg);
void pci_write16(const struct pci_device *d, unsigned reg, uint16_t v);
void pci_write32(const struct pci_device *d, unsigned reg, uint32_t v);

/*
 * Call fn for each function of each bus, in order of address; boot only.  fn
 * gets a copy that it may keep.
 */
void pci_scan(void (*fn)(const struct pci_device *d));

/* Capability id from the one at `from` on (0: the first); 0 when none is left. */
unsigned pci_capability(const struct pci_device *d, uint8_t id, unsigned from);

/* Memory behind base address register bar (0-5), mapped; NULL: it is no memory,
 * is smaller than offset + size, or cannot be mapped. */
void *pci_map_bar(const struct pci_device *d, unsigned bar, uint64_t offset,
		  uint64_t size);

/* Let the device do DMA; memory decoding is on from then on, and its interrupt
 * line off. */
void pci_enable(const struct pci_device *d);

/* No DMA from now on, until start: what the device had is ours again. */
void pci_stop_dma(const struct pci_device *d);
void pci_start_dma(const struct pci_device *d);

/* MSI-X on, all vectors masked.  0, -ENODEV the device has none. */
int pci_msix_init(struct pci_device *d);

/* Interrupt n of the device: vector (irq_alloc) on that CPU. */
int pci_msix_route(struct pci_device *d, unsigned n, int vector, uint32_t cpu);

/*
 * The device's interrupt line, for those without MSI-X: fn(arg) with interrupts
 * off on CPU 0, also for interrupts of others on the same line.  fn must make
 * its device let go of the line.  -ENODEV: it is not wired, or has too many
 * devices.  After pci_enable(), which turns it off.  Boot only.
 */
int pci_intx_route(const struct pci_device *d, void (*fn)(void *), void *arg);

#endif
