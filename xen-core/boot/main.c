/*
 * main.c: the order in which the machine comes up.
 */
#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "domain.h"
#include "heap.h"
#include "io.h"
#include "log.h"
#include "percpu.h"
#include "platform.h"
#include "sched.h"
#include "time.h"
#include "trampoline.h"

struct boot_info boot_info;
extern initcall_fn *const initcalls[], *const initcalls_end[];

noreturn void hv_main(uint32_t magic, paddr_t mbi); /* head.S */

/* On the final stack of the boot CPU. */
static noreturn void main_on_stack(void)
{
	cpu_init(&cpus[0]);
	acpi_init(boot_info.rsdp);
	apic_init();
	ioapic_init();
	time_init();
	time_init_cpu();
	sched_init();
	sched_init_cpu();
	irq_enable();
	serial_irq_init();
	smp_init();
	cpu_report();
	log_info("%u CPUs, %lu MiB of memory, %lu MiB free", nr_cpus,
		 boot_info.total_pages >> 8, frames_free_count() >> 8);
	for (initcall_fn *const *fn = initcalls; fn < initcalls_end; fn++)
		(*fn)();
	dom0_build(&boot_info.modules);
	idle_loop();
}

/* The other CPUs' way in: called by the trampoline on their own stack. */
noreturn void cpu_main_ap(struct cpu *c)
{
	cpu_init(c);
	apic_init();
	time_init_cpu();
	sched_init_cpu();
	__atomic_store_n(&c->online, true, __ATOMIC_RELEASE);
	irq_enable();
	idle_loop();
}

noreturn void hv_main(uint32_t magic, paddr_t mbi)
{
	cpu_info()->cpu = 0;
	cpu_info()->self = &cpus[0];
	nr_cpus = 1;
	cpus[0].online = true;

	serial_init(115200);
	log_info("Sluice, a hypervisor for network appliances%s",
#ifdef SLUICE_DEBUG
		 " (debug build)"
#else
		 ""
#endif
	);
	multiboot2_read(magic, mbi, &boot_info);
	options_parse(boot_info.options);
	log_level = options.log_level;
	serial_init(options.baud);
	traps_init();
	total_pages = boot_info.total_pages;
	mm_init(&boot_info.ram, boot_info.highest_mfn);

	cpus[0].stack = heap_alloc_stack();
	CHECK(cpus[0].stack);
	cpu_enter_stack(&cpus[0], main_on_stack);
}
