/*
 * config.h: what a boot module is, from its GRUB line.
 *
 *	web memory=16 vcpus=2 on_crash=restart cmdline="a b"	a domain's kernel
 *	web:ramdisk						its ramdisk
 *
 * Words end at blanks; double quotes, anywhere in a word, keep blanks in it, and
 * a backslash takes the next character as it is.
 */
#ifndef DOM0_CONFIG_H
#define DOM0_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sluice/control.h>

#define CMDLINE_MAX	1024	/* as in start_info */
#define MEMORY_MAX_MIB	(1u << 20)

#define VIFS_MAX	4	/* of a domain */
#define AFTER_MAX	256	/* bytes of names, with a NUL */

struct vif_config {
	char	device[24];	/* its name as a port of the VFR */
	uint8_t	mac[6];
	/* For the guest to know, as text; "" where there is none. */
	char	ip[20], gateway[16];	/* "10.1.0.10/24" "10.1.0.1" */
	char	ip6[48], gateway6[40];
};

enum policy {			/* what follows the end of a domain */
	POLICY_DESTROY,
	POLICY_RESTART,
	POLICY_PRESERVE,
};

struct domain_config {
	char		name[SLUICE_NAME_MAX];
	uint32_t	memory_mib;	/* 16 */
	uint32_t	vcpus;		/* 1 */
	uint32_t	weight;		/* 0: leave the default */
	uint64_t	warp_us;	/* 0: no warp */
	uint64_t	warp_limit_us;	/* 0: no limit */
	uint64_t	unwarp_us;
	int64_t		time_offset_s;
	bool		paused;		/* created, but not let run */
	bool		manual;		/* not started with the machine */
	char		after[AFTER_MAX]; /* but once these run, "name name" */
	uint64_t	delay_ns;	/* and so much later */
	enum policy	on_poweroff;	/* destroy */
	enum policy	on_reboot;	/* restart */
	enum policy	on_crash;	/* destroy */
	char		cmdline[CMDLINE_MAX];
	uint32_t	nr_vifs;
	struct vif_config vif[VIFS_MAX];
};

enum module_kind {
	MODULE_KERNEL,
	MODULE_RAMDISK,
};

/*
 * Read one line.  For a ramdisk only the name is set.  0, or -EINVAL with the
 * reason in err.
 */
int config_parse(const char *line, enum module_kind *kind,
		 struct domain_config *c, char *err, size_t err_size);

const char *policy_name(enum policy p);

#endif
