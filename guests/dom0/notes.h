/*
 * notes.h: what a PV kernel's ELF notes ask of the domain builder.
 */
#ifndef DOM0_NOTES_H
#define DOM0_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "dom0/elf.h"

struct notes {
	uint64_t entry;		/* virtual; 0 is an address */
	uint64_t virt_base;	/* where pfn 0 is */
	uint64_t paddr_offset;	/* p_paddr of pfn 0 */
	uint64_t init_p2m;	/* virtual address of the P2M, with has_init_p2m */
	bool	 has_init_p2m;
	uint64_t hypercall_page; /* virtual address, with has_hypercall_page */
	bool	 has_hypercall_page;
	bool	 mod_start_pfn;	/* ramdisk by pfn, not mapped */
};

/* 0, or -EINVAL with the reason in *why. */
int notes_read(struct notes *n, const struct elf *elf, const char **why);

#endif
