/*
 * elf.c: headers, loadable segments and places of notes of an ELF64 image.
 *
 * All numbers of the file are hostile: every range is checked against the
 * file's size by elf_range_get(), and no header is read in place, since it
 * may lie at any alignment.
 */
#include "dom0/elf.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define HEADERS_MAX	256		/* program or section headers */
#define PADDR_MAX	(1ull << 40)	/* more than any domain has */

struct image {
	const uint8_t	*data;
	size_t		 size;
};

static const uint8_t *elf_range_get(const struct image *im, uint64_t offset,
				    uint64_t size)
{
	if (offset > im->size || size > im->size - offset)
		return NULL;
	return im->data + offset;
}

static const char *header_check(const struct image *im, Elf64_Ehdr *h)
{
	if (im->size < sizeof(*h))
		return "too short for an ELF header";
	memcpy(h, im->data, sizeof(*h));
	if (memcmp(h->e_ident, ELFMAG, SELFMAG))
		return "not an ELF image";
	if (h->e_ident[EI_CLASS] != ELFCLASS64)
		return "not a 64-bit ELF image";
	if (h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_X86_64)
		return "not for x86-64";
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return "not an executable ELF image";
	if (h->e_phentsize != sizeof(Elf64_Phdr) || !h->e_phnum ||
	    h->e_phnum > HEADERS_MAX)
		return "bad program headers";
	if (!elf_range_get(im, h->e_phoff, h->e_phnum * sizeof(Elf64_Phdr)))
		return "program headers lie outside of the file";
	return NULL;
}

/* Insert in order of paddr; refuse overlaps. */
static const char *segment_insert(struct elf *elf, const struct elf_segment *s)
{
	unsigned int i = elf->nr_segments;

	if (i == ELF_SEGMENTS_MAX)
		return "too many segments";
	for (; i && elf->segments[i - 1].paddr > s->paddr; i--)
		elf->segments[i] = elf->segments[i - 1];
	elf->segments[i] = *s;
	elf->nr_segments++;
	if (i && elf->segments[i - 1].paddr + elf->segments[i - 1].memsz >
			 s->paddr)
		return "segments overlap";
	if (i + 1 < elf->nr_segments &&
	    s->paddr + s->memsz > elf->segments[i + 1].paddr)
		return "segments overlap";
	return NULL;
}

static const char *load_add(struct elf *elf, const struct image *im,
			    const Elf64_Phdr *p)
{
	struct elf_segment s = {
		.paddr = p->p_paddr,
		.memsz = p->p_memsz,
		.filesz = p->p_filesz,
		.data = elf_range_get(im, p->p_offset, p->p_filesz),
	};

	if (!p->p_memsz && !p->p_filesz)
		return NULL;
	if (!s.data)
		return "a segment lies outside of the file";
	if (s.filesz > s.memsz)
		return "a segment is larger in the file than in memory";
	if (s.paddr > PADDR_MAX || s.memsz > PADDR_MAX)
		return "a segment's address is out of range";
	return segment_insert(elf, &s);
}

static const char *note_add(struct elf *elf, const struct image *im,
			    uint64_t offset, uint64_t size)
{
	const uint8_t *data = elf_range_get(im, offset, size);

	if (!data)
		return "notes lie outside of the file";
	if (elf->nr_notes == ELF_SEGMENTS_MAX)
		return "too many note segments";
	elf->notes[elf->nr_notes++] = (struct elf_range){ data, size };
	return NULL;
}

static const char *programs_read(struct elf *elf, const struct image *im,
				 const Elf64_Ehdr *h)
{
	const char *why = NULL;
	Elf64_Phdr p;

	for (unsigned int i = 0; i < h->e_phnum && !why; i++) {
		memcpy(&p, im->data + h->e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type == PT_LOAD)
			why = load_add(elf, im, &p);
		else if (p.p_type == PT_NOTE)
			why = note_add(elf, im, p.p_offset, p.p_filesz);
	}
	return why;
}

/* Only for images without PT_NOTE; mini-os has its notes in a section alone. */
static const char *sections_read(struct elf *elf, const struct image *im,
				 const Elf64_Ehdr *h)
{
	const char *why = NULL;
	Elf64_Shdr s;

	if (h->e_shentsize != sizeof(s) || h->e_shnum > HEADERS_MAX ||
	    !elf_range_get(im, h->e_shoff, h->e_shnum * sizeof(s)))
		return "no notes: neither a segment nor a valid section table";
	for (unsigned int i = 0; i < h->e_shnum && !why; i++) {
		memcpy(&s, im->data + h->e_shoff + i * sizeof(s), sizeof(s));
		if (s.sh_type == SHT_NOTE)
			why = note_add(elf, im, s.sh_offset, s.sh_size);
	}
	return why;
}

int elf_parse(struct elf *elf, const void *data, size_t size,
	      const char **why)
{
	struct image im = { data, size };
	const struct elf_segment *last;
	Elf64_Ehdr h;

	memset(elf, 0, sizeof(*elf));
	*why = header_check(&im, &h);
	if (!*why)
		*why = programs_read(elf, &im, &h);
	if (!*why && !elf->nr_segments)
		*why = "nothing to load";
	if (!*why && !elf->nr_notes)
		*why = sections_read(elf, &im, &h);
	if (*why)
		return -EINVAL;
	last = &elf->segments[elf->nr_segments - 1];
	elf->entry = h.e_entry;
	elf->paddr_min = elf->segments[0].paddr;
	elf->paddr_max = last->paddr + last->memsz;
	return 0;
}
