/*
 * builder_test.c: from a kernel image to the pages of a new domain: elf.c,
 * notes.c, layout.c and image.c of dom0.
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <xen/elfnote.h>
#include <xen/xen.h>

#include "dom0/image.h"

#define PAGE		4096ull
#define KERNEL_BASE	0xffffffff80000000ull
#define MIB_PAGES	256

/* -- images made here ------------------------------------------------------ */

struct maker {			/* an ELF file under construction */
	uint8_t	     buf[65536];
	size_t	     len;
	Elf64_Ehdr  *h;
	Elf64_Phdr  *ph;
};

static void maker_start(struct maker *m)
{
	memset(m, 0, sizeof(*m));
	m->h = (Elf64_Ehdr *)m->buf;
	m->ph = (Elf64_Phdr *)(m->buf + sizeof(*m->h));
	memcpy(m->h->e_ident, ELFMAG, SELFMAG);
	m->h->e_ident[EI_CLASS] = ELFCLASS64;
	m->h->e_ident[EI_DATA] = ELFDATA2LSB;
	m->h->e_type = ET_EXEC;
	m->h->e_machine = EM_X86_64;
	m->h->e_phoff = sizeof(*m->h);
	m->h->e_phentsize = sizeof(Elf64_Phdr);
	m->len = sizeof(*m->h) + 20 * sizeof(Elf64_Phdr);
}

static void maker_load(struct maker *m, uint64_t paddr, const char *text,
		       uint64_t memsz)
{
	size_t n = strlen(text);

	m->ph[m->h->e_phnum++] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_offset = m->len, .p_paddr = paddr,
		.p_filesz = n, .p_memsz = memsz,
	};
	memcpy(m->buf + m->len, text, n);
	m->len += n;
}

static void maker_note(struct maker *m, uint32_t type, const void *desc,
		       uint32_t size)
{
	uint32_t head[3] = { 4, size, type };

	m->len = (m->len + 3) & ~3ull;
	memcpy(m->buf + m->len, head, sizeof(head));
	memcpy(m->buf + m->len + 12, "Xen", 4);
	memcpy(m->buf + m->len + 16, desc, size);
	m->len += 16 + ((size + 3) & ~3u);
}

static void maker_note64(struct maker *m, uint32_t type, uint64_t n)
{
	maker_note(m, type, &n, sizeof(n));
}

/* Notes as start..len become a PT_NOTE segment. */
static void maker_notes_end(struct maker *m, size_t start)
{
	m->ph[m->h->e_phnum++] = (Elf64_Phdr){
		.p_type = PT_NOTE, .p_offset = start,
		.p_filesz = m->len - start,
	};
}

/* A kernel at 1 MiB with 100 bytes of text and a page of BSS. */
static void maker_kernel(struct maker *m, uint64_t init_p2m)
{
	size_t start;

	maker_start(m);
	maker_load(m, 0x100000, "kernel text", 0x2000);
	m->len = (m->len + 3) & ~3ull;
	start = m->len;
	maker_note(m, XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
	maker_note64(m, XEN_ELFNOTE_VIRT_BASE, KERNEL_BASE);
	maker_note64(m, XEN_ELFNOTE_ENTRY, KERNEL_BASE + 0x100000);
	if (init_p2m) {
		maker_note64(m, XEN_ELFNOTE_INIT_P2M, init_p2m);
		maker_note64(m, XEN_ELFNOTE_MOD_START_PFN, 1);
	}
	maker_notes_end(m, start);
}

struct plan {
	struct maker  m;
	struct elf    elf;
	struct notes  notes;
	struct layout layout;
	const char   *why;
};

static int plan_make(struct plan *p, uint64_t nr_pages, uint64_t ramdisk)
{
	int rc = elf_parse(&p->elf, p->m.buf, p->m.len, &p->why);

	rc = rc ?: notes_read(&p->notes, &p->elf, &p->why);
	return rc ?: layout_plan(&p->layout, &p->elf, &p->notes, nr_pages,
				 ramdisk, &p->why);
}

/* -- refusals -------------------------------------------------------------- */

static void break_magic(struct maker *m) { m->buf[0] = 'X'; }
static void break_class(struct maker *m) { m->h->e_ident[EI_CLASS] = 1; }
static void break_machine(struct maker *m) { m->h->e_machine = EM_ARM; }
static void break_type(struct maker *m) { m->h->e_type = ET_REL; }
static void break_phentsize(struct maker *m) { m->h->e_phentsize = 8; }
static void break_phoff(struct maker *m) { m->h->e_phoff = ~0ull; }
static void break_phnum(struct maker *m) { m->h->e_phnum = 0; }
static void break_short(struct maker *m) { m->len = 40; }
static void break_offset(struct maker *m) { m->ph[0].p_offset = ~0ull - 3; }
static void break_filesz(struct maker *m) { m->ph[0].p_filesz = 1 << 30; }
static void break_memsz(struct maker *m) { m->ph[0].p_memsz = 1; }
static void break_paddr(struct maker *m) { m->ph[0].p_paddr = ~0ull - 8; }
static void break_huge(struct maker *m) { m->ph[0].p_memsz = 1ull << 62; }
static void break_notes(struct maker *m) { m->ph[1].p_offset = 1 << 30; }
static void break_no_notes(struct maker *m) { m->h->e_phnum = 1; }
static void break_no_load(struct maker *m) { m->ph[0].p_type = PT_NULL; }

static void break_overlap(struct maker *m)
{
	maker_load(m, 0x101fff, "x", 1);
}

static void break_overlap_below(struct maker *m)
{
	maker_load(m, 0xff000, "x", 0x1001);
}

static void break_too_many(struct maker *m)
{
	for (int i = 0; i < ELF_SEGMENTS_MAX; i++)
		maker_load(m, 0x200000 + 0x1000 * i, "x", 1);
}

static const struct {
	const char *what;
	void (*damage)(struct maker *m);
	const char *why;
} refusals[] = {
	{ "no magic", break_magic, "not an ELF image" },
	{ "32 bits", break_class, "not a 64-bit ELF image" },
	{ "another machine", break_machine, "not for x86-64" },
	{ "an object file", break_type, "not an executable ELF image" },
	{ "odd header size", break_phentsize, "bad program headers" },
	{ "no headers", break_phnum, "bad program headers" },
	{ "headers outside", break_phoff,
	  "program headers lie outside of the file" },
	{ "half a header", break_short, "too short for an ELF header" },
	{ "offset outside", break_offset,
	  "a segment lies outside of the file" },
	{ "size outside", break_filesz, "a segment lies outside of the file" },
	{ "more in the file than in memory", break_memsz,
	  "a segment is larger in the file than in memory" },
	{ "address wraps", break_paddr,
	  "a segment's address is out of range" },
	{ "size wraps", break_huge, "a segment's address is out of range" },
	{ "overlap at the end", break_overlap, "segments overlap" },
	{ "overlap at the start", break_overlap_below, "segments overlap" },
	{ "too many", break_too_many, "too many segments" },
	{ "notes outside", break_notes, "notes lie outside of the file" },
	{ "no notes", break_no_notes,
	  "no notes: neither a segment nor a valid section table" },
	{ "nothing to load", break_no_load, "nothing to load" },
};

static void test_refusals(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));

	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		maker_kernel(&p->m, 0);
		refusals[i].damage(&p->m);
		print_message("%s\n", refusals[i].what);
		assert_int_equal(plan_make(p, 16 * MIB_PAGES, 0), -EINVAL);
		assert_string_equal(p->why, refusals[i].why);
	}
	free(p);
}

/* Every image cut short is refused or, from some length on, complete. */
static void test_truncated(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));
	size_t whole;

	maker_kernel(&p->m, 0);
	whole = p->m.len;
	for (size_t len = 0; len < whole; len++) {
		uint8_t *exact = malloc(len ? len : 1);

		memcpy(exact, p->m.buf, len);
		assert_int_equal(elf_parse(&p->elf, exact, len, &p->why),
				 -EINVAL);
		free(exact);
	}
	free(p);
}

/* -- notes ----------------------------------------------------------------- */

static void test_notes(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));

	maker_kernel(&p->m, 0x8000000000);
	assert_int_equal(plan_make(p, 16 * MIB_PAGES, 0), 0);
	assert_int_equal(p->notes.virt_base, KERNEL_BASE);
	assert_int_equal(p->notes.entry, KERNEL_BASE + 0x100000);
	assert_true(p->notes.has_init_p2m && p->notes.mod_start_pfn);
	assert_int_equal(p->notes.init_p2m, 0x8000000000);
	free(p);
}

/* As in GRUB's 32-bit image: the last note claims more than the file has. */
static void test_note_truncated(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));
	uint32_t claim = 12;
	size_t start;

	maker_start(&p->m);
	maker_load(&p->m, 0, "text", 4);
	p->m.len = start = (p->m.len + 3) & ~3ull;
	maker_note(&p->m, XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 7);
	maker_note(&p->m, XEN_ELFNOTE_PAE_MODE, "yes", 4);
	memcpy(p->m.buf + p->m.len - 16, &claim, 4);
	maker_notes_end(&p->m, start);
	assert_int_equal(plan_make(p, 16 * MIB_PAGES, 0), 0);
	assert_int_equal(p->notes.entry, 0);
	assert_int_equal(p->notes.virt_base, 0);
	free(p);
}

static void test_notes_in_section(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));
	Elf64_Shdr s = { .sh_type = SHT_NOTE };

	maker_start(&p->m);
	maker_load(&p->m, 0, "text", 0x4000);
	p->m.len = s.sh_offset = (p->m.len + 3) & ~3ull;
	maker_note(&p->m, XEN_ELFNOTE_GUEST_OS, "Mini-OS", 8);
	maker_note64(&p->m, XEN_ELFNOTE_HYPERCALL_PAGE, 0x2000);
	s.sh_size = p->m.len - s.sh_offset;
	p->m.h->e_shoff = p->m.len;
	p->m.h->e_shentsize = sizeof(s);
	p->m.h->e_shnum = 1;
	memcpy(p->m.buf + p->m.len, &s, sizeof(s));
	p->m.len += sizeof(s);
	assert_int_equal(plan_make(p, 16 * MIB_PAGES, 0), 0);
	assert_int_equal(p->layout.hypercall_page, 2);
	free(p);
}

static void test_other_interface(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));
	size_t start;

	maker_start(&p->m);
	maker_load(&p->m, 0, "text", 4);
	p->m.len = start = (p->m.len + 3) & ~3ull;
	maker_note(&p->m, XEN_ELFNOTE_XEN_VERSION, "xen-2.0", 8);
	maker_notes_end(&p->m, start);
	assert_int_equal(plan_make(p, 16 * MIB_PAGES, 0), -EINVAL);
	assert_string_equal(p->why, "for another interface than xen-3.0");
	free(p);
}

/* -- layout ---------------------------------------------------------------- */

static void test_layout_plain(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));
	struct layout *l = &p->layout;

	maker_kernel(&p->m, 0);
	assert_int_equal(plan_make(p, 16 * MIB_PAGES, 5000), 0);
	assert_int_equal(l->kernel.count, 0x102);
	assert_int_equal(l->ramdisk.first, 0x102);
	assert_int_equal(l->ramdisk.count, 2);
	assert_true(l->ramdisk_mapped);
	assert_int_equal(l->p2m.first, 0x104);
	assert_int_equal(l->p2m.count, 8);
	assert_int_equal(l->start_info, 0x10c);
	assert_int_equal(l->xenstore, 0x10d);
	assert_int_equal(l->console, 0x10e);
	assert_int_equal(l->linear.table[4].first, 0x10f);
	assert_int_equal(l->linear.table[3].first, 0x110);
	assert_int_equal(l->linear.table[2].first, 0x111);
	assert_int_equal(l->linear.table[1].first, 0x112);
	assert_int_equal(l->linear.table[1].count, 2);
	assert_int_equal(l->stack, 0x114);
	assert_int_equal(l->linear.target.count, 1024);	/* 4 MiB */
	assert_int_equal(layout_nr_pt_frames(l), 5);
	free(p);
}

static void test_layout_linux(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));
	struct layout *l = &p->layout;

	maker_kernel(&p->m, 0x8000000000);
	assert_int_equal(plan_make(p, 16 * MIB_PAGES, 5000), 0);
	assert_int_equal(l->start_info, 0x102);
	assert_false(l->ramdisk_mapped);
	assert_int_equal(l->ramdisk.first, 1024);
	assert_int_equal(l->p2m.first, 1026);
	assert_int_equal(l->p2m.count, 8);
	assert_int_equal(l->p2m_va, 0x8000000000);
	assert_int_equal(l->p2m_map.table[3].first, 1034);
	assert_int_equal(layout_nr_p2m_frames(l), 11);
	free(p);
}

static const struct {
	const char *what;
	uint64_t nr_pages, ramdisk;
	int rc;
} fits[] = {
	{ "16 MiB", 16 * MIB_PAGES, 0, 0 },
	{ "just the room behind the stack", 0x10b + 128, 0, 0 },
	{ "a page less", 0x10b + 127, 0, -ENOMEM },
	{ "less than the kernel", 0x101, 0, -ENOMEM },
	{ "one page", 1, 0, -ENOMEM },
	{ "a ramdisk of all memory", 16 * MIB_PAGES, 16 << 20, -ENOMEM },
	{ "a ramdisk beyond", 16 * MIB_PAGES, ~0ull, -ENOMEM },
};

static void test_layout_fits(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));

	for (size_t i = 0; i < sizeof(fits) / sizeof(*fits); i++) {
		maker_kernel(&p->m, 0);
		print_message("%s\n", fits[i].what);
		assert_int_equal(plan_make(p, fits[i].nr_pages,
					   fits[i].ramdisk), fits[i].rc);
	}
	free(p);
}

static const struct {
	const char *what;
	uint64_t virt_base, entry, offset, init_p2m;
	int rc;
} addresses[] = {
	{ "a kernel at 0", 0, 0x100000, 0, 0, 0 },
	{ "in the hypervisor's slots", 0xffff800000000000, 0xffff800000100000,
	  0, 0, -EINVAL },
	{ "running into them", 0xffff7ffffff00000, 0xffff800000000000,
	  0, 0, -EINVAL },
	{ "not canonical", 0x0000800000000000, 0x0000800000100000, 0, 0,
	  -EINVAL },
	{ "across the hole", 0x00007fffffe00000, 0x00007ffffff00000, 0, 0,
	  -EINVAL },
	{ "wraps", 0xfffffffffff00000, 0, 0, 0, -EINVAL },
	{ "not on a page", KERNEL_BASE + 8, KERNEL_BASE + 0x100008, 0, 0,
	  -EINVAL },
	{ "entry before the image", KERNEL_BASE, KERNEL_BASE - 1, 0, 0,
	  -EINVAL },
	{ "entry behind the image", KERNEL_BASE, KERNEL_BASE + 0x102000, 0, 0,
	  -EINVAL },
	{ "image below PADDR_OFFSET", KERNEL_BASE, KERNEL_BASE, 0x100001, 0,
	  -EINVAL },
	{ "P2M in the hypervisor's slots", KERNEL_BASE, KERNEL_BASE + 0x100000,
	  0, 0xffff800000000000, -EINVAL },
	{ "P2M in the kernel's slot", KERNEL_BASE, KERNEL_BASE + 0x100000, 0,
	  KERNEL_BASE - 0x200000, -EINVAL },
};

static void test_addresses(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));

	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		size_t start;

		maker_start(&p->m);
		maker_load(&p->m, 0x100000, "kernel text", 0x2000);
		p->m.len = start = (p->m.len + 3) & ~3ull;
		maker_note(&p->m, XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
		maker_note64(&p->m, XEN_ELFNOTE_VIRT_BASE,
			     addresses[i].virt_base);
		maker_note64(&p->m, XEN_ELFNOTE_ENTRY, addresses[i].entry);
		maker_note64(&p->m, XEN_ELFNOTE_PADDR_OFFSET,
			     addresses[i].offset);
		if (addresses[i].init_p2m)
			maker_note64(&p->m, XEN_ELFNOTE_INIT_P2M,
				     addresses[i].init_p2m);
		maker_notes_end(&p->m, start);
		print_message("%s\n", addresses[i].what);
		assert_int_equal(plan_make(p, 16 * MIB_PAGES, 0),
				 addresses[i].rc);
	}
	free(p);
}

/* -- contents -------------------------------------------------------------- */

struct memory {			/* a domain's memory as image.c fills it */
	uint64_t  nr_pages;
	uint64_t *mfns;
	uint8_t	 *pages;
};

#define MFN_BASE 0x7000ull	/* pfn n is mfn MFN_BASE + n * 3 */

static void memory_make(struct memory *mem, struct plan *p,
			const void *ramdisk, size_t ramdisk_bytes)
{
	struct image im = {
		.elf = &p->elf, .layout = &p->layout, .ramdisk = ramdisk,
		.ramdisk_bytes = ramdisk_bytes, .cmdline = "a=b",
		.shared_info_mfn = 0x1234, .xenstore_port = 5,
		.console_port = 6,
	};

	mem->nr_pages = p->layout.nr_pages;
	mem->mfns = malloc(mem->nr_pages * 8);
	mem->pages = malloc(mem->nr_pages * PAGE);
	im.mfns = mem->mfns;
	for (uint64_t i = 0; i < mem->nr_pages; i++)
		mem->mfns[i] = MFN_BASE + i * 3;
	for (uint64_t i = 0; i < mem->nr_pages; i++)
		image_page(&im, i, mem->pages + i * PAGE);
}

static void memory_free(struct memory *mem)
{
	free(mem->mfns);
	free(mem->pages);
}

static uint8_t *page_of_mfn(struct memory *mem, uint64_t mfn)
{
	uint64_t pfn = (mfn - MFN_BASE) / 3;

	assert_true(mfn >= MFN_BASE && pfn < mem->nr_pages);
	return mem->pages + pfn * PAGE;
}

/* Walk the tables as the CPU does; the leaf entry, or 0. */
static uint64_t walk(struct memory *mem, uint64_t root_pfn, uint64_t va)
{
	uint64_t e = mem->mfns[root_pfn] << 12;

	for (int level = 4; level >= 1; level--) {
		uint64_t *table = (uint64_t *)page_of_mfn(mem, e >> 12);

		e = table[va >> (12 + 9 * (level - 1)) & 511];
		if (!(e & 1))
			return 0;
		if (level > 1)
			assert_int_equal(e & 0xfff, 0x67);
	}
	return e;
}

static bool is_pt(const struct layout *l, uint64_t pfn)
{
	uint64_t first = l->linear.table[4].first;

	return (pfn >= first && pfn < first + layout_nr_pt_frames(l)) ||
	       (l->p2m_map.target.count &&
		pfn >= l->p2m.first + l->p2m.count &&
		pfn < l->p2m.first + layout_nr_p2m_frames(l));
}

static void mapping_check(struct memory *mem, const struct layout *l)
{
	uint64_t root = l->linear.table[4].first;

	for (uint64_t pfn = 0; pfn < l->linear.target.count; pfn++)
		assert_int_equal(walk(mem, root, layout_va(l, pfn)),
				 mem->mfns[pfn] << 12 |
				 (is_pt(l, pfn) ? 0x21 : 0x23));
	assert_int_equal(walk(mem, root, layout_va(l, l->linear.target.count)),
			 0);
	assert_int_equal(walk(mem, root, l->virt_base - PAGE), 0);
	for (uint64_t i = 0; i < l->p2m_map.target.count; i++)
		assert_int_equal(walk(mem, root, l->p2m_va + i * PAGE),
				 mem->mfns[l->p2m.first + i] << 12 | 0x23);
}

static void start_info_check(struct memory *mem, const struct layout *l)
{
	struct start_info *si = (void *)(mem->pages + l->start_info * PAGE);

	assert_string_equal(si->magic, "xen-3.0-x86_64");
	assert_int_equal(si->nr_pages, l->nr_pages);
	assert_int_equal(si->shared_info, 0x1234000);
	assert_int_equal(si->store_mfn, mem->mfns[l->xenstore]);
	assert_int_equal(si->store_evtchn, 5);
	assert_int_equal(si->console.domU.mfn, mem->mfns[l->console]);
	assert_int_equal(si->console.domU.evtchn, 6);
	assert_int_equal(si->pt_base, layout_va(l, l->linear.table[4].first));
	assert_int_equal(si->nr_pt_frames, layout_nr_pt_frames(l));
	assert_int_equal(si->mfn_list, l->p2m_va);
	assert_string_equal((char *)si->cmd_line, "a=b");
}

static void test_image_plain(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));
	static char ramdisk[5000];
	struct start_info *si;
	struct memory mem;

	memset(ramdisk, 'r', sizeof(ramdisk));
	maker_kernel(&p->m, 0);
	assert_int_equal(plan_make(p, 16 * MIB_PAGES, sizeof(ramdisk)), 0);
	memory_make(&mem, p, ramdisk, sizeof(ramdisk));
	mapping_check(&mem, &p->layout);
	start_info_check(&mem, &p->layout);
	si = (void *)(mem.pages + p->layout.start_info * PAGE);
	assert_int_equal(si->flags, 0);
	assert_int_equal(si->mod_start, layout_va(&p->layout, 0x102));
	assert_int_equal(si->mod_len, 5000);
	assert_memory_equal(mem.pages + 0x102 * PAGE, ramdisk, 5000);
	assert_int_equal(mem.pages[0x102 * PAGE + 5000], 0);
	assert_memory_equal(mem.pages + 0x100000, "kernel text\0", 12);
	assert_memory_equal(mem.pages + p->layout.p2m.first * PAGE, mem.mfns,
			    mem.nr_pages * 8);
	memory_free(&mem);
	free(p);
}

static void test_image_linux(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));
	struct start_info *si;
	struct memory mem;

	maker_kernel(&p->m, 0x8000000000);
	assert_int_equal(plan_make(p, 1024 * MIB_PAGES, 4096), 0);
	memory_make(&mem, p, p->m.buf, 4096);
	mapping_check(&mem, &p->layout);
	start_info_check(&mem, &p->layout);
	si = (void *)(mem.pages + p->layout.start_info * PAGE);
	assert_int_equal(si->flags, SIF_MOD_START_PFN);
	assert_int_equal(si->mod_start, p->layout.ramdisk.first);
	assert_int_equal(si->first_p2m_pfn, p->layout.p2m.first);
	assert_int_equal(si->nr_p2m_frames, 512 + 1 + 1 + 1);
	assert_memory_equal(mem.pages + p->layout.p2m.first * PAGE, mem.mfns,
			    mem.nr_pages * 8);
	memory_free(&mem);
	free(p);
}

/* A base that is aligned to nothing but a page needs one more of each table. */
static void test_image_odd_base(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));
	const uint64_t base = 0xffffff7fffe0f000;
	struct memory mem;
	size_t start;

	maker_start(&p->m);
	maker_load(&p->m, 0x100000, "kernel text", 0x2000);
	p->m.len = start = (p->m.len + 3) & ~3ull;
	maker_note(&p->m, XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
	maker_note64(&p->m, XEN_ELFNOTE_VIRT_BASE, base);
	maker_note64(&p->m, XEN_ELFNOTE_ENTRY, base + 0x100000);
	maker_notes_end(&p->m, start);
	assert_int_equal(plan_make(p, 16 * MIB_PAGES, 0), 0);
	assert_int_equal(p->layout.linear.table[3].count, 2);
	assert_int_equal(p->layout.linear.table[2].count, 2);
	assert_int_equal(p->layout.linear.table[1].count, 3);
	memory_make(&mem, p, NULL, 0);
	mapping_check(&mem, &p->layout);
	memory_free(&mem);
	free(p);
}

static void test_hypercall_page(void **state)
{
	struct plan *p = calloc(1, sizeof(*p));
	struct memory mem;

	test_notes_in_section(NULL);
	maker_kernel(&p->m, 0);
	assert_int_equal(plan_make(p, 16 * MIB_PAGES, 0), 0);
	p->layout.hypercall_page = 0x101;
	memory_make(&mem, p, NULL, 0);
	assert_memory_equal(mem.pages + 0x101000 + 32 * 29,
			    "\x51\x41\x53\xb8\x1d\0\0\0\x0f\x05\x41\x5b\x59\xc3",
			    14);
	memory_free(&mem);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_note_truncated),
		cmocka_unit_test(test_notes_in_section),
		cmocka_unit_test(test_other_interface),
		cmocka_unit_test(test_layout_plain),
		cmocka_unit_test(test_layout_linux),
		cmocka_unit_test(test_layout_fits),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_image_plain),
		cmocka_unit_test(test_image_linux),
		cmocka_unit_test(test_image_odd_base),
		cmocka_unit_test(test_hypercall_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
