/*
 * image.h: the contents of a new domain's memory, a page at a time.
 *
 * Nothing here talks to the hypervisor: given the plan and the frame numbers,
 * every page is a function of its pfn.
 */
#ifndef DOM0_IMAGE_H
#define DOM0_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dom0/elf.h"
#include "dom0/layout.h"

struct image {
	const struct elf    *elf;
	const struct layout *layout;
	const void	    *ramdisk;
	size_t		     ramdisk_bytes;
	const char	    *cmdline;
	const uint64_t	    *mfns;		/* [layout->nr_pages], by pfn */
	uint64_t	     shared_info_mfn;
	uint32_t	     xenstore_port, console_port;
};

/*
 * Fill page (4096 bytes) with what the domain finds at pfn; false where that
 * is nothing but zeros.
 */
bool image_page(const struct image *im, uint64_t pfn, void *page);

#endif
