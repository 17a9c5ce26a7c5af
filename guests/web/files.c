/*
 * files.c: each entry is a header of hexadecimal numbers, a name, and data, the
 * latter two padded to four bytes; the last is called TRAILER!!!.
 */
#include "web/files.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define HEADER_LEN	110
#define FIELD_LEN	8
#define FIELD_MODE	1	/* fields behind the magic number */
#define FIELD_SIZE	6
#define FIELD_NAMESIZE	11
#define MODE_TYPE	0170000u
#define MODE_REGULAR	0100000u

struct entry {
	const char *name;	/* NUL-ended */
	const char *data;
	size_t	    len;
	bool	    regular;
	size_t	    next;	/* offset in the archive */
};

static bool field(const char *header, unsigned int n, uint32_t *value)
{
	const char *s = header + 6 + n * FIELD_LEN;

	*value = 0;
	for (unsigned int i = 0; i < FIELD_LEN; i++) {
		char c = s[i] | 0x20;

		if (c >= '0' && c <= '9')
			*value = *value << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*value = *value << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	return true;
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* The entry at offset at; false: there is none that is whole. */
static bool entry_read(const struct archive *a, size_t at, struct entry *e)
{
	const char *h = a->data + at;
	uint32_t mode, size, name_size;
	size_t data;

	if (at > a->size || a->size - at < HEADER_LEN ||
	    memcmp(h, "070701", 6) || !field(h, FIELD_MODE, &mode) ||
	    !field(h, FIELD_SIZE, &size) ||
	    !field(h, FIELD_NAMESIZE, &name_size))
		return false;
	data = padded(at + HEADER_LEN + name_size);
	if (!name_size || data > a->size || size > a->size - data ||
	    h[HEADER_LEN + name_size - 1])
		return false;
	*e = (struct entry){
		.name = h + HEADER_LEN,
		.data = a->data + data,
		.len = size,
		.regular = (mode & MODE_TYPE) == MODE_REGULAR,
		.next = padded(data + size),
	};
	return true;
}

int archive_init(struct archive *a, const void *data, size_t size)
{
	struct entry e;
	size_t at = 0;
	int n = 0;

	*a = (struct archive){ data, size };
	while (entry_read(a, at, &e)) {
		if (!strcmp(e.name, "TRAILER!!!")) {
			a->size = at;
			return n;
		}
		n += e.regular;
		at = e.next;
	}
	a->size = 0;
	return -EINVAL;
}

/* Archives name files "a/b", "./a/b" or "/a/b". */
static const char *name_of(const char *name)
{
	if (name[0] == '.' && name[1] == '/')
		name++;
	return name[0] == '/' ? name + 1 : name;
}

bool archive_find(const struct archive *a, const char *path, const char **data,
		  size_t *len)
{
	struct entry e;

	for (size_t at = 0; entry_read(a, at, &e); at = e.next) {
		if (!e.regular || strcmp(name_of(e.name), path + 1))
			continue;
		*data = e.data;
		*len = e.len;
		return true;
	}
	return false;
}
