/*
 * module.h: the boot modules that the hypervisor handed to dom0.
 */
#ifndef DOM0_MODULE_H
#define DOM0_MODULE_H

#include <stddef.h>

struct module {
	const char *line;	/* its GRUB line */
	void	   *data;	/* NULL: given back */
	size_t	    size;
};

/* The number of modules in *modules; a malformed list counts as none. */
unsigned int modules_find(const struct module **modules);

/* Bytes of memory that modules take in dom0 now. */
size_t modules_bytes(void);

/* Give its memory back to the hypervisor. */
void module_release(const void *data);

#endif
