/*
 * version.c: xen_version: what this hypervisor says it is.
 *
 * Guests made for Xen look for its version and features, so these are the ones
 * whose ABI we keep.  Every buffer is written whole, zero-filled.
 *
 * Linux calls xen_version(0, NULL) for its side effect alone: on the way out of
 * any hypercall pending events are delivered.
 */
#include "domain.h"
#include "guest_access.h"
#include "hypercalls.h"
#include "lib.h"

#include <xen/version.h>

#define VERSION_MAJOR	4
#define VERSION_MINOR	17

/*
 * Without the two of mmu_pt_update_preserve_ad and gnttab_map_avail_bits Linux
 * stops at once.  The features not named here are refused on purpose: guests
 * keep their tables read-only and their own p2m.
 */
#define FEATURES                                       \
	(1u << XENFEAT_pae_pgdir_above_4gb |           \
	 1u << XENFEAT_mmu_pt_update_preserve_ad |     \
	 1u << XENFEAT_gnttab_map_avail_bits)

static const char compiler[] = "gcc " __VERSION__;

/* Strings by command, each in a buffer of the ABI's size. */
static const struct {
	uint16_t size;
	const char *text;
} strings[] = {
	[XENVER_extraversion] = { XEN_EXTRAVERSION_LEN, ".0-sluice" },
	[XENVER_capabilities] = { XEN_CAPABILITIES_INFO_LEN,
				  "xen-3.0-x86_64 " },
	[XENVER_changeset] = { XEN_CHANGESET_INFO_LEN, "sluice" },
	[XENVER_guest_handle] = { sizeof(xen_domain_handle_t), "" },
};

static long put_string(uint64_t to, const char *text, uint16_t size)
{
	size_t len = strlen(text);

	if (copy_to_guest(to, text, len) || clear_guest(to + len, size - len))
		return -EFAULT;
	return 0;
}

static long put_compile_info(uint64_t to)
{
	struct xen_compile_info info = { .compile_by = "sluice" };

	memcpy(info.compiler, compiler,
	       MIN(sizeof(compiler), sizeof(info.compiler) - 1));
	return copy_to_guest(to, &info, sizeof(info));
}

static long put_platform(uint64_t to)
{
	struct xen_platform_parameters p = { .virt_start = HV_VIRT_START };

	return copy_to_guest(to, &p, sizeof(p));
}

static long put_features(uint64_t to)
{
	struct xen_feature_info info;

	if (copy_from_guest(&info, to, sizeof(info)))
		return -EFAULT;
	if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
		return -EINVAL;
	info.submap = FEATURES;
	if (current->d->privileged)
		info.submap |= 1u << XENFEAT_dom0;
	return copy_to_guest(to, &info, sizeof(info));
}

long do_xen_version(unsigned cmd, uint64_t arg)
{
	switch (cmd) {
	case XENVER_version:
		return VERSION_MAJOR << 16 | VERSION_MINOR;
	case XENVER_pagesize:
		return PAGE_SIZE;
	case XENVER_compile_info:
		return put_compile_info(arg);
	case XENVER_platform_parameters:
		return put_platform(arg);
	case XENVER_get_features:
		return put_features(arg);
	case XENVER_extraversion:
	case XENVER_capabilities:
	case XENVER_changeset:
	case XENVER_guest_handle:
		return put_string(arg, strings[cmd].text, strings[cmd].size);
	case XENVER_commandline:
		return -EPERM;	/* the machine's secrets may be on it */
	case XENVER_build_id:
		return -ENODATA;
	default:
		return -ENOSYS;
	}
}
