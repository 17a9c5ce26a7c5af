/*
 * files.h: files of an archive in memory, cpio's "newc", as
 *	find . | cpio -o -H newc
 * makes it.  Freestanding; it is also built for tests.
 */
#ifndef WEB_FILES_H
#define WEB_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct archive {
	const char *data;
	size_t	    size;	/* of the whole files in it */
};

/* Look through the archive once; the number of regular files, or -EINVAL. */
int archive_init(struct archive *a, const void *data, size_t size);

/* The file of that path ("/a/b"); false where there is none. */
bool archive_find(const struct archive *a, const char *path, const char **data,
		  size_t *len);

#endif
