/*
 * layout.h: where everything of a new domain lies, in order of pfn.
 *
 *	kernel; ramdisk; P2M list; start_info; xenstore ring; console ring;
 *	page tables (L4, L3s, L2s, L1s); boot stack; room to work in
 *
 * is mapped at virt_base + pfn * 4096.  A kernel with MOD_START_PFN gets its
 * ramdisk, and one with INIT_P2M its P2M list and the tables that map it,
 * behind that, outside of the mapping.
 */
#ifndef DOM0_LAYOUT_H
#define DOM0_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "dom0/elf.h"
#include "dom0/notes.h"

#define PT_LEVELS 4

/* Pages [first, first + count). */
struct pages {
	uint64_t first;
	uint64_t count;
};

/*
 * A stretch of virtual addresses, mapped to pages in a row, and the tables for
 * it.  Levels are 1 to 4; table[4] is the root, which all mappings share.
 */
struct mapping {
	uint64_t     va;	/* of target.first */
	struct pages target;
	struct pages table[PT_LEVELS + 1];
};

struct layout {
	uint64_t       nr_pages;
	uint64_t       virt_base;
	uint64_t       paddr_base;	/* p_paddr of pfn 0 */
	uint64_t       entry;
	struct pages   kernel;
	struct pages   ramdisk;
	bool	       ramdisk_mapped;
	struct pages   p2m;
	uint64_t       p2m_va;
	uint64_t       start_info, xenstore, console, stack;	/* pfns */
	struct mapping linear;
	struct mapping p2m_map;		/* target.count 0: in linear */
	uint64_t       hypercall_page;	/* pfn, or PFN_ABSENT */
};
#define PFN_ABSENT	(~0ull)

/*
 * Lay out a domain of nr_pages pages for the image, with ramdisk_bytes of
 * ramdisk.  0, or -EINVAL or -ENOMEM with the reason in *why.
 */
int layout_plan(struct layout *l, const struct elf *elf, const struct notes *n,
		uint64_t nr_pages, uint64_t ramdisk_bytes, const char **why);

/* The virtual address of a pfn of the linear mapping. */
static inline uint64_t layout_va(const struct layout *l, uint64_t pfn)
{
	return l->virt_base + (pfn << 12);
}

/* What nr_pt_frames and nr_p2m_frames of start_info say. */
uint64_t layout_nr_pt_frames(const struct layout *l);
uint64_t layout_nr_p2m_frames(const struct layout *l);

#endif
