/*
 * notes.c: the notes with owner "Xen".
 *
 * A file may end within its last note (GRUB's 32-bit image does), so a note
 * that runs past the end counts with what is there.  FEATURES are ignored:
 * kernels in use name features as required that no PV guest is ever offered.
 */
#include "dom0/notes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <xen/elfnote.h>

#define OWNER		"Xen"
#define HEADER_SIZE	12	/* name size, descriptor size, type */
#define TYPES		32

struct found {
	bool		 present;
	uint64_t	 number;	/* of a descriptor of 4 or 8 bytes */
	const uint8_t	*text;
	size_t		 len;
};

static uint32_t word_at(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static size_t round4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static void note_keep(struct found *found, uint32_t type, const uint8_t *desc,
		      size_t len)
{
	struct found *f = &found[type];

	f->present = true;
	f->text = desc;
	f->len = len;
	f->number = 0;
	if (len == 4 || len == 8)
		memcpy(&f->number, desc, len);
}

static void range_scan(struct found *found, const struct elf_range *r)
{
	const uint8_t *p = r->data;
	size_t left = r->size;

	while (left > HEADER_SIZE) {
		uint32_t name_size = word_at(p), desc_size = word_at(p + 4);
		uint32_t type = word_at(p + 8);
		size_t name_room, len;
		bool ours;

		p += HEADER_SIZE;
		left -= HEADER_SIZE;
		if (name_size > left)
			return;
		ours = name_size == sizeof(OWNER) &&
		       !memcmp(p, OWNER, sizeof(OWNER)) && type < TYPES;
		name_room = round4(name_size) < left ? round4(name_size) : left;
		p += name_room;
		left -= name_room;
		len = desc_size < left ? desc_size : left;
		if (ours)
			note_keep(found, type, p, len);
		if (round4(len) >= left)
			return;
		p += round4(len);
		left -= round4(len);
	}
}

static bool text_is(const struct found *f, const char *text)
{
	size_t len = strlen(text);

	return f->len >= len && !memcmp(f->text, text, len) &&
	       (f->len == len || !f->text[len]);
}

int notes_read(struct notes *n, const struct elf *elf, const char **why)
{
	struct found f[TYPES] = { 0 };

	for (unsigned int i = 0; i < elf->nr_notes; i++)
		range_scan(f, &elf->notes[i]);
	if (!f[XEN_ELFNOTE_XEN_VERSION].present &&
	    !f[XEN_ELFNOTE_GUEST_OS].present) {
		*why = "no Xen notes: not a paravirtual kernel";
		return -EINVAL;
	}
	if (f[XEN_ELFNOTE_XEN_VERSION].present &&
	    !text_is(&f[XEN_ELFNOTE_XEN_VERSION], "xen-3.0")) {
		*why = "for another interface than xen-3.0";
		return -EINVAL;
	}
	n->entry = f[XEN_ELFNOTE_ENTRY].present ? f[XEN_ELFNOTE_ENTRY].number
						: elf->entry;
	n->virt_base = f[XEN_ELFNOTE_VIRT_BASE].number;
	n->paddr_offset = f[XEN_ELFNOTE_PADDR_OFFSET].number;
	n->init_p2m = f[XEN_ELFNOTE_INIT_P2M].number;
	n->has_init_p2m = f[XEN_ELFNOTE_INIT_P2M].present;
	n->hypercall_page = f[XEN_ELFNOTE_HYPERCALL_PAGE].number;
	n->has_hypercall_page = f[XEN_ELFNOTE_HYPERCALL_PAGE].present;
	n->mod_start_pfn = f[XEN_ELFNOTE_MOD_START_PFN].present &&
			   f[XEN_ELFNOTE_MOD_START_PFN].number == 1;
	return 0;
}
