/*
 * config.h: where things lie in the address space, and the limits.
 *
 * The hypervisor lives in L4 slots 256 to 271 of every address space, which the
 * ABI reserves for it (xen/arch-x86/xen-x86_64.h).  Of these, guests reach only
 * the m2p table, read-only.
 *
 *	slot 256  0xffff800000000000  m2p, read-only and user-accessible
 *	slot 261  0xffff828000000000  m2p again, writable
 *	          0xffff82a000000000  device registers (platform/, uncached)
 *	          0xffff82c000000000  a window for each CPU: GDT and LDT of who runs
 *	          0xffff82d080000000  the section, 64 MiB: image and stacks
 *	          0xffff82e000000000  frame table
 *	slot 262  0xffff830000000000  direct map of all memory, no execute; the heap
 */
#ifndef CONFIG_H
#define CONFIG_H

#define PAGE_SHIFT		12
#define PAGE_SIZE		4096

#define HV_SLOT_FIRST		256	/* L4 slots of the hypervisor */
#define HV_SLOT_LAST		271

#define M2P_RO_VIRT		0xffff800000000000
#define M2P_RW_VIRT		0xffff828000000000
#define MMIO_VIRT		0xffff82a000000000
#define MMIO_SIZE		0x0000000040000000
#define CPU_WINDOW_VIRT		0xffff82c000000000
#define CPU_WINDOW_SIZE		0x20000	/* 16 pages GDT, 16 pages LDT */
#define CPU_WINDOW_LDT		0x10000
#define SECTION_VIRT		0xffff82d080000000
#define SECTION_SIZE		0x0000000004000000
#define FRAMETABLE_VIRT		0xffff82e000000000
#ifdef SLUICE_TEST
#define DIRECTMAP_VIRT		0x0000200000000000 /* where a process can have some */
#else
#define DIRECTMAP_VIRT		0xffff830000000000
#endif
#define HV_VIRT_START		0xffff800000000000
#define HV_VIRT_END		0xffff880000000000
#define LOAD_PHYS		0x200000	/* where GRUB puts the image */

#define MAX_MEMORY_GIB		512	/* what the direct map's L3 describes */

/* A CPU's stack area: see cpu/stack.h for what lies in it. */
#define STACK_AREA_SIZE		0x10000

#define MAX_CPUS		64
#define MAX_VCPUS		32	/* of a domain: XEN_LEGACY_MAX_VCPUS */
#define MAX_DOMAINS		1024	/* at one time */
#define MAX_DOMID		0x7fef	/* below DOMID_FIRST_RESERVED */

#define MAX_EVTCHNS		4096	/* ports of a domain, 2-level ABI */
#define MAX_GRANT_FRAMES	32	/* of a domain, 512 entries each */
#define MAX_MAPTRACK		8192	/* grants of others that a domain may map */

/* Selectors of the hypervisor's part of the GDT, in its own page. */
#define HV_GDT_PAGE		14	/* guest entries fill pages 0 to 13 */
#define HV_GDT_FIRST		0x1c00
#define SEL_GUEST_CODE32	0xe023
#define SEL_GUEST_DATA		0xe02b
#define SEL_GUEST_CODE64	0xe033
#define SEL_HV_CODE		0xe008
#define SEL_HV_DATA		0xe010
#define SEL_TSS			0xe040
#define SEL_LDT			0xe050
#define SEL_CPU			0xe060	/* limit = CPU number, for debuggers */

#endif
