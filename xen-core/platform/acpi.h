/*
 * acpi.h: the parser of ACPI tables, apart from where they lie.
 */
#ifndef ACPI_H
#define ACPI_H

#include "platform.h"

/* How the parser reads machine memory: the address of len readable bytes at
 * paddr, NULL if they cannot be read. */
typedef const void *acpi_read_fn(paddr_t at, size_t len);

/*
 * Fill info from the tables that the RSDP at rsdp leads to; 0: search for it
 * where a BIOS puts it.  What is damaged or missing leaves the defaults of a
 * machine with one CPU.  0, or -ENOENT: no RSDP or no root table.
 */
int acpi_parse(acpi_read_fn *read, paddr_t rsdp, uint32_t boot_apic_id,
	       struct acpi_info *info);

#endif
