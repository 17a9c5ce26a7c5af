/*
 * layout.h: where things are in a kit guest's address space.  For C, assembly
 * and the linker script.
 */
#ifndef KIT_LAYOUT_H
#define KIT_LAYOUT_H

/* All of the guest's own memory, from pfn 0 on; 1 GiB and more fits. */
#define VIRT_BASE	0xffffffff80000000
#define LINEAR_PAGES	(0x70000000 >> 12)

/* Frames of others and of the hypervisor: mm.h, window_map(). */
#define WINDOW_BASE	0xfffffffff0000000
#define WINDOW_PAGES	16384

#define BOOT_STACK_SIZE	32768

#endif
