/*
 * ioapic.c: from interrupt lines to vectors.
 *
 * Lock: ioapic_lock guards the index and data registers of all I/O APICs.
 */
#include "platform.h"

#include "io.h"
#include "log.h"
#include "percpu.h"
#include "spinlock.h"

/* 82093AA I/O APIC, "I/O APIC Registers" */
#define IOAPIC_VERSION	0x01
#define IOAPIC_ENTRY(n)	(0x10 + 2 * (n))
#define ENTRY_LOW	(1u << 13)
#define ENTRY_LEVEL	(1u << 15)
#define ENTRY_MASKED	(1u << 16)

struct ioapic {
	volatile uint32_t *regs; /* index at 0, data at byte 16 */
	uint32_t first_gsi, nr_lines;
};

static struct spinlock ioapic_lock = SPINLOCK_INIT;
static struct ioapic ioapics[ARRAY_SIZE(acpi.ioapic)];

static uint32_t ioapic_read(const struct ioapic *a, unsigned reg)
{
	a->regs[0] = reg;
	return a->regs[4];
}

static void ioapic_write(const struct ioapic *a, unsigned reg, uint32_t v)
{
	a->regs[0] = reg;
	a->regs[4] = v;
}

void ioapic_init(void)
{
	uint32_t i, line;

	for (i = 0; i < acpi.nr_ioapics; i++) {
		struct ioapic *a = &ioapics[i];

		a->regs = mmio_map(acpi.ioapic[i], PAGE_SIZE);
		if (a->regs == NULL) {
			log_warn("no room to map an I/O APIC");
			continue;
		}
		a->first_gsi = acpi.ioapic_gsi[i];
		a->nr_lines = (ioapic_read(a, IOAPIC_VERSION) >> 16 & 0xff) + 1;
		for (line = 0; line < a->nr_lines; line++)
			ioapic_write(a, IOAPIC_ENTRY(line), ENTRY_MASKED);
	}
}

int ioapic_route(uint32_t gsi, int vector, bool low, bool level, uint32_t cpu)
{
	uint32_t entry = (uint32_t)vector | (low ? ENTRY_LOW : 0) |
			 (level ? ENTRY_LEVEL : 0);
	uint64_t flags;
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(ioapics); i++) {
		struct ioapic *a = &ioapics[i];
		uint32_t line = gsi - a->first_gsi;

		if (a->regs == NULL || line >= a->nr_lines)
			continue;
		flags = spin_lock_irqsave(&ioapic_lock);
		ioapic_write(a, IOAPIC_ENTRY(line) + 1,
			     cpus[cpu].apic_id << 24);
		ioapic_write(a, IOAPIC_ENTRY(line), entry);
		spin_unlock_irqrestore(&ioapic_lock, flags);
		return 0;
	}
	return -ENODEV;
}

int ioapic_route_isa(unsigned irq, int vector)
{
	if (irq >= ARRAY_SIZE(acpi.isa))
		return -EINVAL;
	return ioapic_route(acpi.isa[irq].gsi, vector, acpi.isa[irq].low,
			    acpi.isa[irq].level, 0);
}
