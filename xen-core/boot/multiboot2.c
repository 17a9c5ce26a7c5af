/*
 * multiboot2.c: reads what GRUB hands over (Multiboot2 Specification 2.0,
 * "Boot information").
 *
 * GRUB may put the structure into the last page of a module, behind its end, and
 * dom0 gets that page with the rest of it cleared.  So the lines, which are read
 * later, are copied.
 */
#include "boot.h"

#include "check.h"
#include "lib.h"
#include "log.h"

#define MB2_BOOT_MAGIC	0x36d76289

enum {
	TAG_END = 0,
	TAG_CMDLINE = 1,
	TAG_MODULE = 3,
	TAG_MEMORY_MAP = 6,
	TAG_RSDP_1 = 14,
	TAG_RSDP_2 = 15,
};

#define MEMORY_RAM	1

#define LINES_MAX	32768	/* bytes of all lines */

struct tag {
	uint32_t type, size;
};

struct tag_module {
	struct tag tag;
	uint32_t start, end;
	char line[];
};

struct tag_memory_map {
	struct tag tag;
	uint32_t entry_size, version;
	struct {
		uint64_t start, length;
		uint32_t type, zero;
	} packed entry[];
};

static void *phys_virt(paddr_t at)
{
	return (void *)(DIRECTMAP_VIRT + at);
}

/* Take [start, end) out of the free memory. */
static void ram_reserve(struct boot_memory *ram, paddr_t start, paddr_t end)
{
	start = ROUND_DOWN(start, PAGE_SIZE);
	end = ROUND_UP(end, PAGE_SIZE);
	for (uint32_t i = 0; i < ram->nr; i++) {
		paddr_t s = ram->ram[i].start, e = ram->ram[i].end;

		if (end <= s || start >= e)
			continue;
		if (start > s && end < e) {
			if (ram->nr == ARRAY_SIZE(ram->ram))
				panic("the memory map has too many pieces");
			ram->ram[ram->nr].start = end;
			ram->ram[ram->nr++].end = e;
			ram->ram[i].end = start;
		} else if (start > s) {
			ram->ram[i].end = start;
		} else if (end < e) {
			ram->ram[i].start = end;
		} else {
			ram->ram[i--] = ram->ram[--ram->nr];
		}
	}
}

static void read_memory_map(const struct tag_memory_map *map,
			    struct boot_info *info)
{
	const char *p = (const char *)map->entry;
	const char *end = (const char *)map + map->tag.size;

	if (map->entry_size < sizeof(map->entry[0]))
		panic("GRUB's memory map has entries of %u bytes",
		      map->entry_size);
	for (; p + map->entry_size <= end; p += map->entry_size) {
		const uint64_t *e = (const void *)p;
		uint64_t start = ROUND_UP(e[0], PAGE_SIZE), stop;
		uint32_t type = (uint32_t)e[2];

		if (e[0] + e[1] < e[0])
			continue;
		stop = ROUND_DOWN(e[0] + e[1], PAGE_SIZE);
		stop = MIN(stop, (uint64_t)MAX_MEMORY_GIB << 30);
		if (type != MEMORY_RAM || start >= stop)
			continue;
		if (info->ram.nr == ARRAY_SIZE(info->ram.ram) - 2)
			panic("the memory map has too many pieces");
		info->ram.ram[info->ram.nr].start = start;
		info->ram.ram[info->ram.nr++].end = stop;
		info->total_pages += (stop - start) >> PAGE_SHIFT;
		info->highest_mfn = MAX(info->highest_mfn,
					(stop >> PAGE_SHIFT) - 1);
	}
}

/* A copy of a line that ends within size bytes; NULL where it does not. */
static const char *line_keep(const char *line, size_t size)
{
	static char lines[LINES_MAX];
	static size_t used;
	size_t len = strnlen(line, size) + 1;
	char *copy = lines + used;

	if (len > size)
		return NULL;
	if (len > LINES_MAX - used)
		panic("the lines of GRUB's menu are too long");
	memcpy(copy, line, len);
	used += len;
	return copy;
}

static void read_module(const struct tag_module *m, struct boot_info *info)
{
	struct boot_modules *mods = &info->modules;
	const char *line = line_keep(m->line, m->tag.size - sizeof(*m));

	if (mods->nr == ARRAY_SIZE(mods->mod)) {
		log_warn("more than %zu modules: the rest is ignored",
			 ARRAY_SIZE(mods->mod));
		return;
	}
	if (m->start & (PAGE_SIZE - 1) || m->end < m->start || !line) {
		log_warn("a module at %x to %x is damaged: ignored", m->start,
			 m->end);
		return;
	}
	mods->mod[mods->nr].start = m->start;
	mods->mod[mods->nr].size = m->end - m->start;
	mods->mod[mods->nr++].line = line;
}

static void sort_ram(struct boot_memory *ram)
{
	for (uint32_t i = 1; i < ram->nr; i++)
		for (uint32_t j = i; j > 0; j--) {
			paddr_t s = ram->ram[j].start, e = ram->ram[j].end;

			if (s >= ram->ram[j - 1].start)
				break;
			ram->ram[j] = ram->ram[j - 1];
			ram->ram[j - 1].start = s;
			ram->ram[j - 1].end = e;
		}
}

void multiboot2_read(uint32_t magic, paddr_t mbi, struct boot_info *info)
{
	uint32_t total;
	const char *p, *end;

	if (magic != MB2_BOOT_MAGIC)
		panic("not started by a Multiboot2 loader (EAX is %x)", magic);
	total = *(uint32_t *)phys_virt(mbi);
	p = (char *)phys_virt(mbi) + 8;
	end = (char *)phys_virt(mbi) + total;
	info->options = "";

	while (p + sizeof(struct tag) <= end) {
		const struct tag *t = (const void *)p;

		if (t->type == TAG_END)
			break;
		if (t->size < sizeof(*t) || t->size > (uint64_t)(end - p))
			panic("GRUB's information is damaged (tag %u of %u bytes)",
			      t->type, t->size);
		if (t->type == TAG_CMDLINE)
			info->options = line_keep((const char *)(t + 1),
						  t->size - sizeof(*t)) ?: "";
		else if (t->type == TAG_MODULE)
			read_module((const void *)t, info);
		else if (t->type == TAG_MEMORY_MAP)
			read_memory_map((const void *)t, info);
		else if (t->type == TAG_RSDP_2 ||
			 (t->type == TAG_RSDP_1 && !info->rsdp))
			info->rsdp = mbi + (uint64_t)((char *)(t + 1) -
						      (char *)phys_virt(mbi));
		p += ROUND_UP(t->size, 8);
	}
	if (!info->ram.nr)
		panic("GRUB gave no memory map");

	ram_reserve(&info->ram, 0, 0x100000); /* firmware, and the trampoline */
	ram_reserve(&info->ram, image_phys(image_start), image_phys(image_end));
	ram_reserve(&info->ram, mbi, mbi + total);
	for (uint32_t i = 0; i < info->modules.nr; i++)
		ram_reserve(&info->ram, info->modules.mod[i].start,
			    info->modules.mod[i].start +
				    info->modules.mod[i].size);
	sort_ram(&info->ram);
}
