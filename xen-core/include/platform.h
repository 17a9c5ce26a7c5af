/*
 * platform.h: the machine: CPUs, interrupts, timers, serial line, clock, power.
 *
 * boot/main.c calls acpi_init(), apic_init(), ioapic_init(), then time_init(),
 * time_init_cpu() and the scheduler's, and with interrupts on serial_irq_init()
 * and smp_init().  Registers are reached through mmio_map(), ports by io.h.
 */
#ifndef PLATFORM_H
#define PLATFORM_H

#include "types.h"

/* serial.c: COM1 at 115200 8N1 by default; works before anything else. */
void serial_init(unsigned baud);
void serial_write(const char *s, size_t len);	/* any context; \n becomes \r\n */
int serial_read(char *buf, size_t len);	/* bytes taken from the input buffer */
void serial_panic(void);		/* take no lock any more */

/* acpi.c: finds RSDP (or takes the one GRUB hands over; 0: search), MADT, HPET,
 * FADT; only reads what it needs, checks lengths and checksums. */
void acpi_init(paddr_t rsdp);

struct acpi_info {
	uint32_t nr_cpus;
	uint32_t apic_id[MAX_CPUS];	/* the boot CPU's is first */
	paddr_t	 lapic, ioapic[8];
	uint32_t ioapic_gsi[8];
	uint32_t nr_ioapics;
	struct {
		uint32_t gsi;
		bool low, level;
	} isa[16];			/* ISA interrupt to global one, with overrides */
	paddr_t	 hpet;			/* 0: none */
	uint16_t pm_timer_port;		/* 0: none */
	uint16_t pm1a_cnt, pm1b_cnt;	/* ports; for power-off */
	uint16_t smi_cmd;		/* port: acpi_enable switches to ACPI */
	uint8_t	 acpi_enable;
	uint8_t	 s5_a, s5_b;		/* SLP_TYP values found in the DSDT; 0xff none */
	paddr_t	 mcfg;			/* PCI express configuration space; 0: none */
	uint8_t	 reset_space, reset_value;
	paddr_t	 reset_address;
};
extern struct acpi_info acpi;

/* apic.c: local APIC, x2APIC where the CPU has it. */
void apic_init(void);		/* boot CPU, and then each other CPU */
void apic_eoi(void);
uint32_t apic_id(void);
void apic_icr(uint32_t to, uint32_t command); /* interrupt command register */
void apic_error(void);
void apic_timer_init(void);	/* each CPU, when now_ns() works */
void apic_timer_deadline(uint64_t at_ns); /* one interrupt at that system time; ~0: none */

/* Inter-processor interrupts.  cpus: bits; the sender's own is left out. */
enum ipi { IPI_KICK, IPI_CALL, IPI_STOP };
void ipi_send(uint64_t cpus, enum ipi which);

/*
 * Run fn(arg) on each CPU of the mask but this one, with interrupts off there,
 * and return when all have.  Not with interrupts off, not from an interrupt.
 */
void cpus_call(uint64_t cpus, void (*fn)(void *), void *arg);
void cpus_call_interrupt(void);

/* ioapic.c, and the vectors of device interrupts. */
void ioapic_init(void);

/* A device's interrupt: fn(arg) with interrupts off.  The vector, or -ENOSPC. */
int irq_alloc(void (*fn)(void *), void *arg);
int ioapic_route(uint32_t gsi, int vector, bool low, bool level, uint32_t cpu);
int ioapic_route_isa(unsigned irq, int vector); /* as ACPI says; to CPU 0 */
void irq_dispatch(unsigned vector); /* from cpu/traps.c; ends with apic_eoi() */

void serial_irq_init(void); /* input by interrupt, calls console_input() */

/* clock.c: the TSC measured by HPET, PM timer or PIT.  rtc.c. */
uint64_t clock_measure_tsc_khz(void);
uint64_t clock_rtc_seconds(void);	/* since 1970, UTC; 0: not readable */

/* smp.c: start the other CPUs; each ends in cpu_main_ap() of boot/main.c. */
void smp_init(void);

/* For panic and power-off; any context.  Returns on the first CPU that calls
 * it; a second one stops, too. */
void smp_stop_others(void);
void nmi_stop(void); /* every NMI calls this: does not return when stopping */

/* power.c: status is for an emulator's exit device, 0 to 127 */
noreturn void machine_power(bool reboot, unsigned status);

/* mm/mmio.c: uncached mapping of device registers, for good.  NULL: no room. */
void *mmio_map(paddr_t at, size_t size);

/* Vectors above the exceptions. */
#define VECTOR_PIC		0x20	/* 16 of the masked 8259s: spurious ones */
#define VECTOR_DEVICE_FIRST	0x30
#define VECTOR_DEVICE_LAST	0xdf
#define VECTOR_TIMER		0xf0
#define VECTOR_KICK		0xf1
#define VECTOR_CALL		0xf2
#define VECTOR_APIC_ERROR	0xfe
#define VECTOR_SPURIOUS		0xff

#endif
