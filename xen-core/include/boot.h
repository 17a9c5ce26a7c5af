/*
 * boot.h: what GRUB hands over (Multiboot2 Specification 2.0), and our options.
 */
#ifndef BOOT_H
#define BOOT_H

#include "mm.h"
#include "types.h"

struct boot_modules {
	uint32_t nr;
	struct {
		paddr_t start; /* page aligned */
		uint64_t size; /* bytes */
		const char *line; /* what stands behind the file's name in GRUB */
	} mod[128];
};

struct boot_info {
	const char *options; /* our own line */
	paddr_t rsdp;	     /* 0: GRUB gave none */
	uint64_t highest_mfn;
	uint64_t total_pages;
	struct boot_memory ram; /* free: without image, modules, GRUB's data */
	struct boot_modules modules;
};

/*
 * Read GRUB's structure at mbi, which may be damaged: everything is checked
 * against its stated size.  Panics with one line where we cannot go on.
 */
void multiboot2_read(uint32_t magic, paddr_t mbi, struct boot_info *info);

/* Options of the GRUB line: docs/options.md.  An unknown one is named and
 * ignored. */
struct options {
	uint64_t dom0_memory_mib;
	uint32_t max_cpus;
	uint32_t baud;
	uint32_t log_level;
	bool smap, smep, umip;
	bool panic_exit;	/* end an emulator that can be */
};
extern struct options options;
void options_parse(const char *line);

extern struct boot_info boot_info;
extern uint64_t boot_tsc; /* at our first instruction */

/*
 * What is registered this way is called once, at the end of boot, with all CPUs
 * up, interrupts on and no domain yet: how backends and drivers come in.
 */
typedef void initcall_fn(void);
#define INITCALL(fn)                                                    \
	static initcall_fn *const initcall_##fn                         \
		__attribute__((used, section(".initcalls"))) = fn

/* The linker's marks: link.lds. */
extern char image_start[], text_end[], rodata_start[], rodata_end[],
	data_start[], image_end[];

static inline paddr_t image_phys(const void *virt)
{
	return (uint64_t)virt - SECTION_VIRT;
}

#endif
