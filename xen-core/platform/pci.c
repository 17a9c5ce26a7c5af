/* pci.c: see pci.h. */
#include "pci.h"

#include "io.h"
#include "percpu.h"
#include "platform.h"
#include "spinlock.h"

#define CONFIG_ADDRESS	0xcf8
#define CONFIG_DATA	0xcfc

#define REG_ID		0x00
#define REG_COMMAND	0x04
#define REG_STATUS	0x06
#define REG_CLASS	0x08
#define REG_HEADER	0x0e
#define REG_BAR		0x10
#define REG_CAPS	0x34
#define REG_LINE	0x3c

#define COMMAND_MEMORY	2
#define COMMAND_MASTER	4
#define COMMAND_NO_INTX	0x400
#define STATUS_CAPS	0x10
#define CAP_MSIX	0x11
#define CAPS_MAX	48	/* more would be a list that runs in a ring */

#define MSIX_ENABLE	0x8000
#define MSIX_MASK_ALL	0x4000
#define MSI_ADDRESS	0xfee00000u	/* SDM vol. 3A, "Message Address" */

static struct spinlock config_lock = SPINLOCK_INIT;

static void config_select(const struct pci_device *d, unsigned reg)
{
	outl(CONFIG_ADDRESS, 1u << 31 | (uint32_t)d->bus << 16 |
				     (uint32_t)d->dev << 11 |
				     (uint32_t)d->fn << 8 | (reg & 0xfc));
}

uint32_t pci_read32(const struct pci_device *d, unsigned reg)
{
	uint64_t flags = spin_lock_irqsave(&config_lock);
	uint32_t v;

	config_select(d, reg);
	v = inl(CONFIG_DATA);
	spin_unlock_irqrestore(&config_lock, flags);
	return v;
}

uint16_t pci_read16(const struct pci_device *d, unsigned reg)
{
	return (uint16_t)(pci_read32(d, reg) >> (8 * (reg & 2)));
}

uint8_t pci_read8(const struct pci_device *d, unsigned reg)
{
	return (uint8_t)(pci_read32(d, reg) >> (8 * (reg & 3)));
}

void pci_write32(const struct pci_device *d, unsigned reg, uint32_t v)
{
	uint64_t flags = spin_lock_irqsave(&config_lock);

	config_select(d, reg);
	outl(CONFIG_DATA, v);
	spin_unlock_irqrestore(&config_lock, flags);
}

void pci_write16(const struct pci_device *d, unsigned reg, uint16_t v)
{
	uint64_t flags = spin_lock_irqsave(&config_lock);

	config_select(d, reg);
	outw((uint16_t)(CONFIG_DATA + (reg & 2)), v);
	spin_unlock_irqrestore(&config_lock, flags);
}

static bool probe(struct pci_device *d)
{
	uint32_t id = pci_read32(d, REG_ID), class;

	if ((id & 0xffff) == 0xffff)
		return false;
	class = pci_read32(d, REG_CLASS);
	d->vendor = (uint16_t)id;
	d->device = (uint16_t)(id >> 16);
	d->class = class >> 8;
	d->revision = (uint8_t)class;
	return true;
}

void pci_scan(void (*fn)(const struct pci_device *d))
{
	struct pci_device d = { 0 };

	for (unsigned at = 0; at < 256 * 32; at++) {
		unsigned nr_fn = 1;

		d.bus = (uint8_t)(at >> 5);
		d.dev = at & 31;
		for (unsigned f = 0; f < nr_fn; f++) {
			d.fn = (uint8_t)f;
			if (!probe(&d))
				continue;
			if (f == 0 && pci_read8(&d, REG_HEADER) & 0x80)
				nr_fn = 8;
			fn(&d);
		}
	}
}

unsigned pci_capability(const struct pci_device *d, uint8_t id, unsigned from)
{
	unsigned at;

	if (!(pci_read16(d, REG_STATUS) & STATUS_CAPS))
		return 0;
	at = pci_read8(d, from ? from + 1 : REG_CAPS) & 0xfc;
	for (unsigned i = 0; at && i < CAPS_MAX; i++) {
		if (pci_read8(d, at) == id)
			return at;
		at = pci_read8(d, at + 1) & 0xfc;
	}
	return 0;
}

/* Its size is found by writing ones; decoding is off meanwhile. */
static uint64_t bar_size(const struct pci_device *d, unsigned reg, bool wide)
{
	uint16_t command = pci_read16(d, REG_COMMAND);
	uint32_t lo = pci_read32(d, reg), hi = 0;
	uint64_t size;

	pci_write16(d, REG_COMMAND, command & ~COMMAND_MEMORY);
	pci_write32(d, reg, ~0u);
	size = pci_read32(d, reg) & ~15u;
	pci_write32(d, reg, lo);
	if (wide) {
		hi = pci_read32(d, reg + 4);
		pci_write32(d, reg + 4, ~0u);
		size |= (uint64_t)pci_read32(d, reg + 4) << 32;
		pci_write32(d, reg + 4, hi);
	} else {
		size |= 0xffffffffull << 32;
	}
	pci_write16(d, REG_COMMAND, command);
	return ~size + 1;
}

void *pci_map_bar(const struct pci_device *d, unsigned bar, uint64_t offset,
		  uint64_t size)
{
	unsigned reg = REG_BAR + 4 * bar;
	uint32_t lo;
	paddr_t at;
	bool wide;

	if (bar > 5)
		return NULL;
	lo = pci_read32(d, reg);
	wide = (lo & 6) == 4;
	at = lo & ~15u;
	if (wide && bar < 5)
		at |= (uint64_t)pci_read32(d, reg + 4) << 32;
	if (lo & 1 || !at || offset + size < offset ||
	    offset + size > bar_size(d, reg, wide))
		return NULL;
	return mmio_map(at + offset, size);
}

void pci_enable(const struct pci_device *d)
{
	pci_write16(d, REG_COMMAND, pci_read16(d, REG_COMMAND) |
					    COMMAND_MEMORY | COMMAND_MASTER |
					    COMMAND_NO_INTX);
}

void pci_start_dma(const struct pci_device *d)
{
	pci_write16(d, REG_COMMAND,
		    pci_read16(d, REG_COMMAND) | COMMAND_MASTER);
}

void pci_stop_dma(const struct pci_device *d)
{
	pci_write16(d, REG_COMMAND,
		    pci_read16(d, REG_COMMAND) & ~COMMAND_MASTER);
}

int pci_msix_init(struct pci_device *d)
{
	unsigned cap = pci_capability(d, CAP_MSIX, 0);
	uint16_t control;
	uint32_t table;

	if (!cap)
		return -ENODEV;
	control = pci_read16(d, cap + 2);
	table = pci_read32(d, cap + 4);
	d->msix_nr = (control & 0x7ff) + 1;
	d->msix = pci_map_bar(d, table & 7, table & ~7u, d->msix_nr * 16ull);
	if (!d->msix)
		return -ENODEV;
	for (unsigned i = 0; i < d->msix_nr; i++)
		d->msix[4 * i + 3] = 1;
	pci_write16(d, cap + 2, (control | MSIX_ENABLE) & ~MSIX_MASK_ALL);
	return 0;
}

int pci_msix_route(struct pci_device *d, unsigned n, int vector, uint32_t cpu)
{
	volatile uint32_t *e = d->msix + 4 * n;

	if (n >= d->msix_nr || vector < 0)
		return -EINVAL;
	e[0] = MSI_ADDRESS | cpus[cpu].apic_id << 12;
	e[1] = 0;
	e[2] = (uint32_t)vector;
	e[3] = 0;
	return 0;
}

/* ---- interrupt lines ---- */

#define SHARERS_MAX	8

/*
 * Each line has one vector; who shares it is asked in turn.  Filled at boot.
 * The firmware tells in REG_LINE to which ISA interrupt it has wired a device.
 */
static struct intx {
	uint32_t nr;
	struct {
		void (*fn)(void *);
		void *arg;
	} sharer[SHARERS_MAX];
} intx[16];

static void intx_interrupt(void *arg)
{
	const struct intx *line = arg;

	for (uint32_t i = 0; i < line->nr; i++)
		line->sharer[i].fn(line->sharer[i].arg);
}

/* A device without a driver could hold a line that it shares forever. */
static void intx_off(const struct pci_device *d)
{
	pci_write16(d, REG_COMMAND,
		    pci_read16(d, REG_COMMAND) | COMMAND_NO_INTX);
}

static void intx_off_once(void)
{
	static bool done;

	if (!done)
		pci_scan(intx_off);
	done = true;
}

int pci_intx_route(const struct pci_device *d, void (*fn)(void *), void *arg)
{
	unsigned irq = pci_read8(d, REG_LINE);
	struct intx *line = &intx[irq % ARRAY_SIZE(intx)];
	int rc = 0;

	if (irq == 0 || irq >= ARRAY_SIZE(intx) || line->nr == SHARERS_MAX)
		return -ENODEV;
	intx_off_once();
	line->sharer[line->nr].fn = fn;
	line->sharer[line->nr].arg = arg;
	/* The entry first: interrupts may come at once. */
	__atomic_store_n(&line->nr, line->nr + 1, __ATOMIC_RELEASE);
	if (line->nr == 1) {
		int vector = irq_alloc(intx_interrupt, line);

		rc = vector < 0 ? vector : ioapic_route_isa(irq, vector);
	}
	if (!rc)
		pci_write16(d, REG_COMMAND,
			    pci_read16(d, REG_COMMAND) & ~COMMAND_NO_INTX);
	return rc;
}
