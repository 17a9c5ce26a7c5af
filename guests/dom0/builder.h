/*
 * builder.h: from a kernel image to a domain that is ready to run.
 */
#ifndef DOM0_BUILDER_H
#define DOM0_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "dom0/config.h"

struct kernel_image {
	const void	*kernel;
	size_t		 kernel_bytes;
	const void	*ramdisk;	/* NULL: none */
	size_t		 ramdisk_bytes;
};

struct built {
	uint32_t domid;
	uint64_t nr_pages;
	uint32_t xenstore_remote_port, console_remote_port; /* the domain's */
};

#define BUILD_GRANT_CONSOLE	0	/* grant references that it seeds */
#define BUILD_GRANT_XENSTORE	1

/*
 * Create the domain, paused, with its memory, rings, grants and first vcpu.
 * On an error nothing of it is left: a negative errno, with the reason in err.
 */
int domain_build(const struct domain_config *c, const struct kernel_image *im,
		 struct built *out, char *err, size_t err_size);

#endif
