/*
 * elf.h: reading a 64-bit PV kernel's ELF image.  The image is untrusted.
 *
 * Segments go by physical address alone: p_vaddr means nothing (a kernel's
 * per-cpu segment has p_vaddr 0).
 */
#ifndef DOM0_ELF_H
#define DOM0_ELF_H

#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX 16

struct elf_segment {
	uint64_t	 paddr;
	uint64_t	 memsz;		/* > 0; the part past filesz is zero */
	uint64_t	 filesz;	/* <= memsz */
	const uint8_t	*data;
};

struct elf_range {
	const uint8_t	*data;
	size_t		 size;
};

struct elf {
	uint64_t	   entry;
	uint64_t	   paddr_min, paddr_max;	/* of all segments */
	unsigned int	   nr_segments;
	struct elf_segment segments[ELF_SEGMENTS_MAX];	/* by paddr */
	unsigned int	   nr_notes;
	struct elf_range   notes[ELF_SEGMENTS_MAX];
};

/*
 * Check the image and fill *elf, whose pointers go into data.  0, or -EINVAL
 * with the reason in *why.
 */
int elf_parse(struct elf *elf, const void *data, size_t size,
	      const char **why);

#endif
