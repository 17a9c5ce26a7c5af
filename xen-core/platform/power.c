/*
 * power.c: the end of the machine.  Each way is tried in turn; on hardware that
 * has none of them the CPU halts.
 */
#include "platform.h"

#include "io.h"
#include "log.h"

#define EXIT_PORT	0xf4	/* QEMU's isa-debug-exit, as our scripts add it */
#define PM1_SCI_ENABLE	(1u << 0)
#define PM1_SLP_TYPE(t)	((uint16_t)((t) << 10))
#define PM1_SLP_ENABLE	(1u << 13)
#define SPACE_IO	1

/* Long enough for a chipset, by port reads of about 1 us. */
static void wait_a_moment(void)
{
	unsigned i;

	for (i = 0; i < 20000; i++)
		inb(0x80);
}

/* ACPI 7.4.2 Sleeping States, 16.1.6 Transitioning to S5 */
static void acpi_power_off(void)
{
	if (acpi.pm1a_cnt == 0 || acpi.s5_a == 0xff)
		return;
	if (!(inw(acpi.pm1a_cnt) & PM1_SCI_ENABLE) && acpi.smi_cmd != 0) {
		outb(acpi.smi_cmd, acpi.acpi_enable);
		wait_a_moment();
	}
	outw(acpi.pm1a_cnt, PM1_SLP_TYPE(acpi.s5_a) | PM1_SLP_ENABLE);
	if (acpi.pm1b_cnt != 0)
		outw(acpi.pm1b_cnt, PM1_SLP_TYPE(acpi.s5_b) | PM1_SLP_ENABLE);
	wait_a_moment();
}

static void machine_reset(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} packed no_idt;

	/* ACPI 4.8.3.6 Reset Register; other spaces than ports are rare */
	if (acpi.reset_space == SPACE_IO && acpi.reset_address != 0 &&
	    acpi.reset_address <= 0xffff) {
		outb((uint16_t)acpi.reset_address, acpi.reset_value);
		wait_a_moment();
	}
	outb(0x64, 0xfe); /* the keyboard controller's reset line */
	wait_a_moment();
	asm volatile("lidt %0; int3" : : "m"(no_idt)); /* triple fault */
}

noreturn void machine_power(bool reboot, unsigned status)
{
	irq_disable();
	smp_stop_others();
	if (reboot) {
		machine_reset();
	} else {
		outl(EXIT_PORT, status);
		acpi_power_off();
	}
	log_panic(); /* a stopped CPU may hold the log's lock */
	log_error("the machine does not %s: switch it off by hand",
		  reboot ? "reboot" : "power off");
	for (;;)
		asm volatile("cli; hlt");
}
