/*
 * dom0_build.c: dom0 from the first module that GRUB loaded.
 *
 * The ELF reader and the plan of the memory are those with which dom0 builds
 * the other domains (guests/dom0/elf.h, layout.h); here are frames, contents,
 * page tables and the first vcpu.  The other modules are not copied: their
 * frames become dom0's own, behind a header (struct sluice_modules).
 *
 * Runs once, at boot, with all of dom0's frames reached through the direct map.
 * An image that cannot be used ends the boot with one line: nothing works
 * without dom0.
 */
#include <sluice/control.h>

#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "dom0/layout.h"
#include "domain.h"
#include "heap.h"
#include "lib.h"
#include "log.h"
#include "mm.h"

#define ENTRIES		(PAGE_SIZE / sizeof(uint64_t))	/* of a p2m page, a table */
#define MEMORY_DEFAULT_MIB 24	/* beside the modules */
#define TABLE_FLAGS	(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define LEAF_FLAGS	(PTE_P | PTE_RW | PTE_A)

struct build {
	struct domain *d;
	const struct boot_modules *modules;
	struct elf elf;
	struct notes notes;
	struct layout l;
	uint64_t header_bytes;	/* of struct sluice_modules with its lines */
	mfn_t *p2m_frames;	/* l.p2m.count of them */
};

static uint64_t bytes_to_pages(uint64_t bytes)
{
	return ROUND_UP(bytes, PAGE_SIZE) / PAGE_SIZE;
}

/* ---- what there is to build ---- */

/* Modules that dom0 finds: all but its own image. */
static uint32_t others(const struct build *b)
{
	return b->modules->nr - 1;
}

static uint64_t modules_bytes(struct build *b)
{
	uint64_t pages, lines = 0;
	uint32_t i;

	for (i = 1; i <= others(b); i++)
		lines += strnlen(b->modules->mod[i].line,
				 SLUICE_MODULE_LINE_MAX - 1) + 1;
	b->header_bytes = sizeof(struct sluice_modules) +
			  others(b) * sizeof(struct sluice_module) + lines;
	pages = bytes_to_pages(b->header_bytes);
	for (i = 1; i <= others(b); i++)
		pages += bytes_to_pages(b->modules->mod[i].size);
	return pages * PAGE_SIZE;
}

static void image_read(struct build *b)
{
	uint64_t ramdisk = modules_bytes(b);
	uint64_t mib = options.dom0_memory_mib ? options.dom0_memory_mib :
						 MEMORY_DEFAULT_MIB;
	uint64_t nr_pages = mib * 256 + ramdisk / PAGE_SIZE;
	const char *why;

	if (elf_parse(&b->elf,
		      mfn_virt(MFN(b->modules->mod[0].start >> PAGE_SHIFT)),
		      b->modules->mod[0].size, &why) ||
	    notes_read(&b->notes, &b->elf, &why) ||
	    layout_plan(&b->l, &b->elf, &b->notes, nr_pages, ramdisk, &why))
		panic("dom0's image cannot be used: %s", why);
	if (b->l.hypercall_page != PFN_ABSENT)
		panic("dom0's image wants a hypercall page; we have none");
}

/* ---- frames ---- */

static void reserve(struct build *b, uint64_t first, uint64_t end)
{
	uint64_t done = 0;
	int rc;

	do
		rc = mm_reserve(b->d, end - first, first, &done);
	while (rc == -ERESTART);
	if (rc)
		panic("dom0 wants %lu MiB, %lu MiB are free",
		      b->l.nr_pages >> 8, frames_free_count() >> 8);
}

/* A module's frames; what lies behind its end in the last one is cleared. */
static uint64_t module_give(struct build *b, uint32_t i, uint64_t pfn)
{
	mfn_t first = MFN(b->modules->mod[i].start >> PAGE_SHIFT);
	uint64_t size = b->modules->mod[i].size, n = bytes_to_pages(size), k;

	memset((char *)mfn_virt(first) + size, 0, n * PAGE_SIZE - size);
	for (k = 0; k < n; k++)
		mm_give_boot_frame(b->d, MFN(first.n + k), pfn + k);
	return pfn + n;
}

/* In order of pfn, as the frames' order of reservation is what counts them. */
static void frames_get(struct build *b)
{
	uint64_t pfn = b->l.ramdisk.first + bytes_to_pages(b->header_bytes);
	uint32_t i;

	reserve(b, 0, pfn);
	for (i = 1; i <= others(b); i++)
		pfn = module_give(b, i, pfn);
	CHECK(pfn == b->l.ramdisk.first + b->l.ramdisk.count);
	reserve(b, pfn, b->l.nr_pages);
}

/* The p2m list lies in frames of dom0, which come first. */
static void p2m_fill(struct build *b)
{
	mfn_t mfn = MFN_NONE;
	uint64_t i;

	b->p2m_frames = heap_alloc(b->l.p2m.count * sizeof(mfn_t));
	if (!b->p2m_frames)
		panic("dom0 has too much memory for its p2m list");
	for (i = 0; i < b->l.p2m.count; i++) {
		mfn = mm_nth_frame(b->d, b->l.p2m.first + i, mfn);
		b->p2m_frames[i] = mfn;
	}
	mfn = MFN_NONE;
	for (i = 0; i < b->l.nr_pages; i++) {
		uint64_t *list = mfn_virt(b->p2m_frames[i / ENTRIES]);

		mfn = mm_nth_frame(b->d, i, mfn);
		CHECK(!mfn_eq(mfn, MFN_NONE));
		list[i % ENTRIES] = mfn.n;
	}
}

static mfn_t frame_at(const struct build *b, uint64_t pfn)
{
	uint64_t *list;

	CHECK(pfn < b->l.nr_pages);
	list = mfn_virt(b->p2m_frames[pfn / ENTRIES]);
	return MFN(list[pfn % ENTRIES]);
}

/* Copy into dom0's memory; at counts from the start of pfn 0. */
static void copy_in(const struct build *b, uint64_t at, const void *from,
		    uint64_t len)
{
	const char *p = from;

	while (len > 0) {
		uint64_t offset = at % PAGE_SIZE;
		uint64_t n = MIN(len, PAGE_SIZE - offset);

		memcpy((char *)mfn_virt(frame_at(b, at / PAGE_SIZE)) + offset,
		       p, n);
		at += n;
		p += n;
		len -= n;
	}
}

/* ---- contents ---- */

static void kernel_load(const struct build *b)
{
	unsigned i;

	for (i = 0; i < b->elf.nr_segments; i++) {
		const struct elf_segment *s = &b->elf.segments[i];

		copy_in(b, s->paddr - b->l.paddr_base, s->data, s->filesz);
	}
}

static void modules_header(const struct build *b)
{
	uint64_t base = b->l.ramdisk.first * PAGE_SIZE;
	struct sluice_modules h = {
		.magic = SLUICE_MODULES_MAGIC,
		.count = others(b),
		.size = (uint32_t)b->header_bytes,
	};
	uint64_t entry = base + sizeof(h);
	uint64_t offset = ROUND_UP(b->header_bytes, PAGE_SIZE), line = 0;
	uint32_t i;

	h.lines = (uint32_t)(sizeof(h) + h.count * sizeof(struct sluice_module));
	copy_in(b, base, &h, sizeof(h));
	for (i = 1; i <= others(b); i++, entry += sizeof(struct sluice_module)) {
		const char *text = b->modules->mod[i].line;
		uint64_t len = strnlen(text, SLUICE_MODULE_LINE_MAX - 1);
		struct sluice_module m = {
			.offset = offset,
			.size = b->modules->mod[i].size,
			.line = (uint32_t)line,
		};

		copy_in(b, entry, &m, sizeof(m));
		copy_in(b, base + h.lines + line, text, len); /* NUL is there */
		offset += ROUND_UP(m.size, PAGE_SIZE);
		line += len + 1;
	}
}

/* ---- page tables ---- */

static unsigned level_shift(unsigned level)
{
	return PAGE_SHIFT + 9 * (level - 1);
}

/* The entry for va in the mapping's tables of that level. */
static uint64_t *entry_at(const struct build *b, const struct mapping *m,
			  uint64_t va, unsigned level)
{
	unsigned above = level_shift(level + 1);
	uint64_t nth = level == PT_LEVELS ? 0 :
					    (va >> above) - (m->va >> above);
	uint64_t *table = mfn_virt(frame_at(b, m->table[level].first + nth));

	return &table[va >> level_shift(level) & (ENTRIES - 1)];
}

static bool in(const struct pages *p, uint64_t pfn)
{
	return pfn >= p->first && pfn - p->first < p->count;
}

static bool is_table(const struct build *b, uint64_t pfn)
{
	unsigned level;

	for (level = 1; level <= PT_LEVELS; level++)
		if (in(&b->l.linear.table[level], pfn) ||
		    in(&b->l.p2m_map.table[level], pfn))
			return true;
	return false;
}

static void map(const struct build *b, const struct mapping *m)
{
	uint64_t i;
	unsigned level;

	for (i = 0; i < m->target.count; i++) {
		uint64_t va = m->va + i * PAGE_SIZE, pfn = m->target.first + i;
		uint64_t flags = LEAF_FLAGS;

		if (is_table(b, pfn))
			flags &= ~PTE_RW;
		*entry_at(b, m, va, 1) = pte_make(frame_at(b, pfn), flags);
	}
	for (level = 1; level < PT_LEVELS; level++) {
		uint64_t span = 1ull << level_shift(level + 1);

		for (i = 0; i < m->table[level].count; i++)
			*entry_at(b, m, m->va + i * span, level + 1) = pte_make(
				frame_at(b, m->table[level].first + i),
				TABLE_FLAGS);
	}
}

static mfn_t tables_build(const struct build *b)
{
	mfn_t root = frame_at(b, b->l.linear.table[PT_LEVELS].first);
	int rc;

	map(b, &b->l.linear);
	map(b, &b->l.p2m_map);
	do
		rc = mm_pin(b->d, root, PGT_L4);
	while (rc == -ERESTART);
	if (rc)
		panic("dom0's page tables are refused: error %d", rc);
	return root;
}

/* ---- start_info, vcpu ---- */

static void start_info_write(const struct build *b)
{
	const struct layout *l = &b->l;
	struct start_info *si = mfn_virt(frame_at(b, l->start_info));
	const char *line = b->modules->mod[0].line;

	memcpy(si->magic, "xen-3.0-x86_64", sizeof("xen-3.0-x86_64"));
	si->nr_pages = l->nr_pages;
	si->shared_info = page_mfn(virt_page(b->d->shared)).n << PAGE_SHIFT;
	si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	si->pt_base = layout_va(l, l->linear.table[PT_LEVELS].first);
	si->nr_pt_frames = layout_nr_pt_frames(l);
	si->mfn_list = l->p2m_va;
	si->mod_start = l->ramdisk_mapped ? layout_va(l, l->ramdisk.first) :
					    l->ramdisk.first;
	if (!l->ramdisk_mapped)
		si->flags |= SIF_MOD_START_PFN;
	si->mod_len = l->ramdisk.count * PAGE_SIZE;
	memcpy(si->cmd_line, line, strnlen(line, MAX_GUEST_CMDLINE - 1));
	if (l->p2m_map.target.count) {
		si->first_p2m_pfn = l->p2m.first;
		si->nr_p2m_frames = layout_nr_p2m_frames(l);
	}
}

static void vcpu_start(const struct build *b, mfn_t root)
{
	struct vcpu_guest_context *c = heap_alloc(sizeof(*c));
	uint64_t stack = layout_va(&b->l, b->l.stack + 1);

	CHECK(c);
	c->flags = VGCF_in_kernel;
	c->user_regs.rip = b->l.entry;
	c->user_regs.rsp = stack;
	c->user_regs.rsi = layout_va(&b->l, b->l.start_info);
	c->user_regs.cs = FLAT_KERNEL_CS64;
	c->user_regs.ss = FLAT_KERNEL_SS64;
	c->user_regs.rflags = 0x200;
	c->kernel_ss = FLAT_KERNEL_SS64;
	c->kernel_sp = stack;
	c->ctrlreg[3] = xen_pfn_to_cr3(root.n);
	CHECK(vcpu_set_context(b->d->vcpu[0], c) == 0);
	heap_free(c);
	vcpu_up(b->d->vcpu[0]);
}

static void report(const struct build *b)
{
	log_info("dom0: %lu MiB, %u modules, entry %lx", b->l.nr_pages >> 8,
		 others(b), b->l.entry);
}

void dom0_build(const struct boot_modules *modules)
{
	static struct build b;

	if (modules->nr == 0)
		panic("GRUB loaded no module: the first one must be dom0");
	if (modules->nr - 1 > SLUICE_MODULES_MAX)
		panic("GRUB loaded %u modules; the limit is %u beside dom0",
		      modules->nr, SLUICE_MODULES_MAX);
	b.modules = modules;
	image_read(&b);
	if (domain_create("dom0", 1, b.l.nr_pages, true, &b.d))
		panic("no memory for dom0's state");
	dom0 = b.d;

	frames_get(&b);
	p2m_fill(&b);
	kernel_load(&b);
	modules_header(&b);
	start_info_write(&b);
	vcpu_start(&b, tables_build(&b));
	heap_free(b.p2m_frames);
	mm_free_boot_frames(MFN(modules->mod[0].start >> PAGE_SHIFT),
			    bytes_to_pages(modules->mod[0].size));
	report(&b);
	domain_control_unpause(dom0);
}
