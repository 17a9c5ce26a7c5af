/*
 * module.c: the list at start_info.mod_start, struct sluice_modules.
 */
#include "dom0/module.h"

#include <stdint.h>

#include <sluice/control.h>

#include "kit/kit.h"
#include "kit/mm.h"

static struct module modules[SLUICE_MODULES_MAX];
static unsigned int nr_modules;

static size_t pages_of(size_t bytes)
{
	return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

unsigned int modules_find(const struct module **list)
{
	const struct sluice_modules *h = (void *)start_info->mod_start;
	char *base = (char *)start_info->mod_start;

	*list = modules;
	if (!h || start_info->mod_len < sizeof(*h))
		return 0;
	if (h->magic != SLUICE_MODULES_MAGIC || h->count > SLUICE_MODULES_MAX) {
		printf("dom0: the list of modules is not one\n");
		return 0;
	}
	for (unsigned int i = 0; i < h->count; i++) {
		modules[i].line = base + h->lines + h->mod[i].line;
		modules[i].data = base + h->mod[i].offset;
		modules[i].size = h->mod[i].size;
	}
	nr_modules = h->count;
	return nr_modules;
}

size_t modules_bytes(void)
{
	size_t pages = 0;

	for (unsigned int i = 0; i < nr_modules; i++)
		if (modules[i].data)
			pages += pages_of(modules[i].size);
	return pages * PAGE_SIZE;
}

void module_release(const void *data)
{
	for (unsigned int i = 0; i < nr_modules; i++) {
		struct module *m = &modules[i];

		if (m->data != data || !data)
			continue;
		pages_release(m->data, pages_of(m->size));
		m->data = NULL;
	}
}
