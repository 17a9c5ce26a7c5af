/*
 * elf_fuzz.c: any file as a kernel image, through all of dom0's builder that
 * runs without a hypervisor.
 */
#include <stdint.h>
#include <stdlib.h>

#include "dom0/image.h"

#define NR_PAGES (16 * 256)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t mfns[NR_PAGES], page[512];
	struct elf elf;
	struct notes notes;
	struct layout layout;
	struct image im = {
		.elf = &elf, .layout = &layout, .ramdisk = data,
		.ramdisk_bytes = size, .cmdline = "", .mfns = mfns,
	};
	const char *why;

	if (elf_parse(&elf, data, size, &why) ||
	    notes_read(&notes, &elf, &why) ||
	    layout_plan(&layout, &elf, &notes, NR_PAGES, size, &why))
		return 0;
	for (uint64_t pfn = 0; pfn < NR_PAGES; pfn++)
		image_page(&im, pfn, page);
	return 0;
}
