/*
 * layout.c: planning a domain's first memory.
 *
 * The number of page tables depends on how much is mapped, and that on the
 * number of page tables: grow the mapping until it holds them.
 */
#include "dom0/layout.h"

#include <errno.h>
#include <string.h>

#define PAGE		4096ull
#define PAGE_BITS	12
#define LEVEL_BITS	9
#define ROOM_PAGES	(512 * 1024 / PAGE)	/* free behind the stack */
#define ROUND_PAGES	(4 * 1024 * 1024 / PAGE)

/* L4 slots 256 to 271 are the hypervisor's. */
#define HV_START	0xffff800000000000ull
#define HV_END		0xffff880000000000ull
#define HOLE_START	0x0000800000000000ull	/* not canonical from here */

static unsigned int level_shift(unsigned int level)
{
	return PAGE_BITS + LEVEL_BITS * (level - 1);
}

static uint64_t bytes_to_pages(uint64_t bytes)
{
	return (bytes + PAGE - 1) / PAGE;
}

static struct pages pages_place(uint64_t *next, uint64_t count)
{
	struct pages p = { *next, count };

	*next += count;
	return p;
}

/* [va, va + bytes) is canonical, does not wrap, and is not the hypervisor's. */
static bool va_range_valid(uint64_t va, uint64_t bytes)
{
	uint64_t last = va + bytes - 1;

	if (va % PAGE || last < va)
		return false;
	if (last < HOLE_START)
		return true;
	return va >= HV_START && (last < HV_START || va >= HV_END);
}

/* Place the tables of levels 3 to 1 for count pages at m->va from *next on. */
static void tables_place(struct mapping *m, uint64_t count, uint64_t *next)
{
	uint64_t last = m->va + count * PAGE - 1;

	for (unsigned int level = 3; level >= 1; level--) {
		unsigned int shift = level_shift(level + 1);

		m->table[level] = pages_place(
			next, (last >> shift) - (m->va >> shift) + 1);
	}
}

static int linear_plan(struct layout *l, uint64_t next, const char **why)
{
	uint64_t tables = next, end = next, want;

	do {
		want = end;
		l->linear.va = l->virt_base;
		l->linear.table[4] = (struct pages){ tables, 1 };
		next = tables + 1;
		tables_place(&l->linear, want ? want : 1, &next);
		l->stack = next++;
		end = next + ROOM_PAGES;
		if (end > l->nr_pages) {
			*why = "the kernel does not fit in the domain's memory";
			return -ENOMEM;
		}
		end = (end + ROUND_PAGES - 1) / ROUND_PAGES * ROUND_PAGES;
		if (end > l->nr_pages)
			end = l->nr_pages;
	} while (end > want);
	l->linear.target = (struct pages){ 0, want };
	if (!va_range_valid(l->virt_base, want * PAGE)) {
		*why = "the kernel's virtual addresses are out of range";
		return -EINVAL;
	}
	return 0;
}

/* Slots of the root must not be shared: tables_place knows one mapping. */
static bool same_root_slot(const struct mapping *a, const struct mapping *b)
{
	unsigned int shift = level_shift(4);
	uint64_t a_last = a->va + a->target.count * PAGE - 1;
	uint64_t b_last = b->va + b->target.count * PAGE - 1;

	return a->va >> shift <= b_last >> shift &&
	       b->va >> shift <= a_last >> shift;
}

static int p2m_plan(struct layout *l, const struct notes *n, uint64_t count,
		    uint64_t *next, const char **why)
{
	l->p2m = pages_place(next, count);
	l->p2m_va = n->init_p2m;
	l->p2m_map.va = n->init_p2m;
	l->p2m_map.target = l->p2m;
	l->p2m_map.table[4] = l->linear.table[4];
	tables_place(&l->p2m_map, count, next);
	if (!va_range_valid(l->p2m_va, count * PAGE) ||
	    same_root_slot(&l->linear, &l->p2m_map)) {
		*why = "INIT_P2M is out of range";
		return -EINVAL;
	}
	return 0;
}

static int kernel_plan(struct layout *l, const struct elf *elf,
		       const struct notes *n, const char **why)
{
	l->virt_base = n->virt_base;
	l->paddr_base = n->paddr_offset;
	l->entry = n->entry;
	if (elf->paddr_min < n->paddr_offset) {
		*why = "the image starts below PADDR_OFFSET";
		return -EINVAL;
	}
	l->kernel.count = bytes_to_pages(elf->paddr_max - n->paddr_offset);
	if (l->kernel.count > l->nr_pages) {
		*why = "the kernel does not fit in the domain's memory";
		return -ENOMEM;
	}
	if (n->entry < n->virt_base ||
	    (n->entry - n->virt_base) / PAGE >= l->kernel.count) {
		*why = "the entry point lies outside of the image";
		return -EINVAL;
	}
	l->hypercall_page = PFN_ABSENT;
	if (!n->has_hypercall_page)
		return 0;
	l->hypercall_page = (n->hypercall_page - n->virt_base) / PAGE;
	if (n->hypercall_page % PAGE || l->hypercall_page >= l->kernel.count) {
		*why = "the hypercall page lies outside of the image";
		return -EINVAL;
	}
	return 0;
}

int layout_plan(struct layout *l, const struct elf *elf, const struct notes *n,
		uint64_t nr_pages, uint64_t ramdisk_bytes, const char **why)
{
	uint64_t p2m_pages = bytes_to_pages(nr_pages * sizeof(uint64_t));
	uint64_t ramdisk_pages = bytes_to_pages(ramdisk_bytes), next;
	bool own_p2m = n->has_init_p2m && n->init_p2m < n->virt_base &&
		       n->init_p2m % PAGE == 0;
	int rc;

	memset(l, 0, sizeof(*l));
	l->nr_pages = nr_pages;
	rc = kernel_plan(l, elf, n, why);
	if (rc)
		return rc;
	if (ramdisk_bytes > nr_pages * PAGE) {
		*why = "the ramdisk does not fit in the domain's memory";
		return -ENOMEM;
	}
	next = l->kernel.count;
	l->ramdisk_mapped = !n->mod_start_pfn;
	if (l->ramdisk_mapped)
		l->ramdisk = pages_place(&next, ramdisk_pages);
	if (!own_p2m) {
		l->p2m = pages_place(&next, p2m_pages);
		l->p2m_va = layout_va(l, l->p2m.first);
	}
	l->start_info = next++;
	l->xenstore = next++;
	l->console = next++;
	rc = linear_plan(l, next, why);
	if (rc)
		return rc;
	next = l->linear.target.count;
	if (!l->ramdisk_mapped)
		l->ramdisk = pages_place(&next, ramdisk_pages);
	if (own_p2m)
		rc = p2m_plan(l, n, p2m_pages, &next, why);
	if (!rc && next > nr_pages) {
		*why = "the ramdisk does not fit in the domain's memory";
		rc = -ENOMEM;
	}
	return rc;
}

static uint64_t nr_tables(const struct mapping *m)
{
	return m->table[3].count + m->table[2].count + m->table[1].count;
}

uint64_t layout_nr_pt_frames(const struct layout *l)
{
	return 1 + nr_tables(&l->linear);
}

uint64_t layout_nr_p2m_frames(const struct layout *l)
{
	return l->p2m_map.target.count ? l->p2m.count + nr_tables(&l->p2m_map)
				       : 0;
}
