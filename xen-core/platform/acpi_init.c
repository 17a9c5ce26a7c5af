/*
 * acpi_init.c: the parser's way to the machine's memory, at boot.
 */
#include "acpi.h"

#include "io.h"
#include "log.h"
#include "page.h"

struct acpi_info acpi;

/* The direct map has all below 4 GiB, and all RAM. */
static const void *read_direct_map(paddr_t at, size_t len)
{
	uint64_t end = MAX(1ull << 32, (max_mfn + 1) << PAGE_SHIFT);

	if (at > end || len > end - at)
		return NULL;
	return (const void *)(DIRECTMAP_VIRT + at);
}

static uint32_t boot_apic_id(void)
{
	uint32_t r[4];

	cpuid(0, 0, r);
	if (r[0] >= 0xb) {
		cpuid(0xb, 0, r);
		if (r[1] != 0)
			return r[3]; /* the 32-bit id of an x2APIC */
	}
	cpuid(1, 0, r);
	return r[1] >> 24;
}

void acpi_init(paddr_t rsdp)
{
	int rc = acpi_parse(read_direct_map, rsdp, boot_apic_id(), &acpi);

	if (rc != 0)
		log_warn("no ACPI tables found: one CPU, no power-off");
	log_debug("ACPI: %u CPUs, %u I/O APICs, HPET at 0x%lx", acpi.nr_cpus,
		  acpi.nr_ioapics, acpi.hpet);
}
