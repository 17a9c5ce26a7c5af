/*
 * grants.c: grants to oneself, mapped, copied, and misused.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kit/check.h"
#include "kit/grant.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/trap.h"
#include "kit/xenbus.h"
#include "selftest/selftest.h"

static uint64_t *page;
static int ref;			/* page, granted to ourselves */
static domid_t self;		/* grants do not know DOMID_SELF */

static long grant_op(unsigned int cmd, void *arg, unsigned int n)
{
	return hypercall3(__HYPERVISOR_grant_table_op, cmd, arg, n);
}

static long map_and_unmap(void)
{
	struct grant_mapping m;
	long result;

	page[9] = 0x55;
	if (grant_map(&m, self, ref, false))
		return -1;
	result = ((volatile uint64_t *)m.va)[9];
	if (grant_end(ref))
		return -2;	/* in use */
	return grant_unmap(&m) ?: result;
}

static void do_write(void *arg)
{
	*(volatile uint64_t *)arg = 1;
}

static long map_readonly(void)
{
	struct grant_mapping m;
	int vector;

	if (grant_map(&m, self, ref, true))
		return -1;
	vector = trap_try(do_write, m.va, NULL);
	return grant_unmap(&m) ?: vector;
}

static long map_writable_of_readonly(void)
{
	int ro = grant_access(self, va_to_mfn(page), true);
	struct grant_mapping m;
	long rc = grant_map(&m, self, ro, false);

	grant_end(ro);
	return rc;
}

static long map_ref(uint32_t r, domid_t dom)
{
	struct grant_mapping m;
	long rc = grant_map(&m, dom, r, false);

	if (!rc)
		grant_unmap(&m);
	return rc;
}

static long map_unused(void)
{
	return map_ref(GRANT_REFS - 1, self);
}

static long map_beyond(void)
{
	return map_ref(0xfffffff0, self);
}

static long map_no_domain(void)
{
	return map_ref(ref, 0x7123);
}

static long map_domid_io(void)
{
	return map_ref(ref, DOMID_IO);
}

static long map_of_foreign_frame(void)
{
	int r = grant_access(self, 1, false);
	long rc = map_ref(r, self);

	grant_end(r);
	return rc;
}

static long map_frame_beyond(void)
{
	int r = grant_access(self, 0xfffffffe, false);
	long rc = map_ref(r, self);

	grant_end(r);
	return rc;
}

static long map_page_table(void)
{
	int r = grant_access(self, va_to_mfn(pt_root()), false);
	long rc = map_ref(r, self);

	grant_end(r);
	return rc;
}

static long map_granted_to_another(void)
{
	int r = grant_access(0x7122, va_to_mfn(page), false);
	long rc = map_ref(r, self);

	grant_end(r);
	return rc;
}

static long map_at(uint64_t address)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = address,
		.flags = GNTMAP_host_map,
		.ref = ref,
		.dom = self,
	};
	long rc = grant_op(GNTTABOP_map_grant_ref, &op, 1);

	return rc ?: op.status;
}

static long map_at_nothing(void)
{
	return map_at(0x7fff00000000);
}

static long map_at_hypervisor(void)
{
	return map_at(0xffff830000000000);
}

static long map_at_m2p(void)
{
	return map_at(MACH2PHYS_VIRT_START);
}

static long unmap_handle(uint32_t handle, uint64_t address)
{
	struct gnttab_unmap_grant_ref op = {
		.host_addr = address, .handle = handle,
	};

	return grant_op(GNTTABOP_unmap_grant_ref, &op, 1) ?: op.status;
}

static long unmap_none(void)
{
	return unmap_handle(5000, WINDOW_BASE);
}

static long unmap_huge(void)
{
	return unmap_handle(~0u, WINDOW_BASE);
}

static long unmap_twice(void)
{
	struct grant_mapping m, copy;

	if (grant_map(&m, self, ref, false))
		return -1000;
	copy = m;
	grant_unmap(&m);
	return unmap_handle(copy.handle, (uint64_t)copy.va);
}

static long unmap_wrong_address(void)
{
	struct grant_mapping m;
	long rc;

	if (grant_map(&m, self, ref, false))
		return -1000;
	rc = unmap_handle(m.handle, (uint64_t)page);
	grant_unmap(&m);
	return rc;
}

/* A mapping of an own frame by a grant beside one without. */
static long pte_of_grant(void)
{
	struct grant_mapping m;
	void *other = window_alloc(1);
	long rc;

	if (grant_map(&m, self, ref, false))
		return -1000;
	rc = pte_set(other, va_to_mfn(page) << PAGE_SHIFT | PTE_LEAF_RW);
	pte_set(other, 0);
	window_free(other, 1);
	return grant_unmap(&m) ?: rc;
}

static long copy(uint32_t src_ref, uint16_t offset, uint16_t len,
		 uint64_t dest_frame)
{
	struct gnttab_copy op = {
		.source.u.ref = src_ref,
		.source.domid = DOMID_SELF,
		.source.offset = offset,
		.dest.u.gmfn = dest_frame,
		.dest.domid = DOMID_SELF,
		.len = len,
		.flags = GNTCOPY_source_gref,
	};

	return grant_op(GNTTABOP_copy, &op, 1) ?: op.status;
}

static long copy_good(void)
{
	uint64_t *dest = pages_alloc_zeroed(1);
	long rc;

	page[0] = 0x1111;
	rc = copy(ref, 0, 8, va_to_mfn(dest));
	rc = rc ?: (long)dest[0];
	pages_free(dest, 1);
	return rc;
}

static long copy_across(void)
{
	return copy(ref, 4000, 97, va_to_mfn(page));
}

static long copy_to_table(void)
{
	return copy(ref, 0, 8, va_to_mfn(pt_root()));
}

static long copy_to_beyond(void)
{
	return copy(ref, 0, 8, 0xfffffffff);
}

static long copy_unused(void)
{
	return copy(GRANT_REFS - 1, 0, 8, va_to_mfn(page));
}

static long query_size(void)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };

	return grant_op(GNTTABOP_query_size, &q, 1) ?:
	       q.status ?: q.nr_frames >= 1 && q.max_nr_frames >= q.nr_frames;
}

static long query_other(void)
{
	struct gnttab_query_size q = { .dom = 0x7123 };

	return grant_op(GNTTABOP_query_size, &q, 1) ?: q.status;
}

static long setup_huge(void)
{
	static xen_pfn_t frames[8];
	struct gnttab_setup_table s = {
		.dom = DOMID_SELF, .nr_frames = 0x7fffffff,
	};

	set_xen_guest_handle(s.frame_list, frames);
	return grant_op(GNTTABOP_setup_table, &s, 1) ?: s.status;
}

static long version2(void)
{
	struct gnttab_set_version v = { .version = 2 };
	long rc = grant_op(GNTTABOP_set_version, &v, 1);

	if (!rc && v.version == 2) {
		v.version = 1;
		grant_op(GNTTABOP_set_version, &v, 1);
		return start_info->flags & SIF_INITDOMAIN ? -1 : 0;
	}
	return rc;
}

static long end_while_mapped(void)
{
	struct grant_mapping m;
	bool ended;

	if (grant_map(&m, self, ref, false))
		return -1;
	ended = grant_end(ref);
	grant_unmap(&m);
	return ended;
}

static const struct check_row rows[] = {
	{ "map and unmap", map_and_unmap, 0x55 },
	{ "read-only", map_readonly, TRAP_PAGE_FAULT },
	{ "writable where read-only was granted", map_writable_of_readonly,
	  ANY_ERROR },
	{ "an unused reference", map_unused, ANY_ERROR },
	{ "a reference beyond the table", map_beyond, ANY_ERROR },
	{ "of no domain", map_no_domain, ANY_ERROR },
	{ "of DOMID_IO", map_domid_io, ANY_ERROR },
	{ "a grant of another's frame", map_of_foreign_frame, ANY_ERROR },
	{ "a grant of no frame", map_frame_beyond, ANY_ERROR },
	{ "a page table, writable", map_page_table, ANY_ERROR },
	{ "granted to another", map_granted_to_another, ANY_ERROR },
	{ "mapped where no table is", map_at_nothing, ANY_ERROR },
	{ "mapped in the hypervisor", map_at_hypervisor, ANY_ERROR },
	{ "mapped over the m2p", map_at_m2p, ANY_ERROR },
	{ "unmap what is not mapped", unmap_none, ANY_ERROR },
	{ "unmap handle -1", unmap_huge, ANY_ERROR },
	{ "unmap twice", unmap_twice, ANY_ERROR },
	{ "unmap at another address", unmap_wrong_address, ANY_ERROR },
	{ "a second mapping of an own frame", pte_of_grant, 0 },
	{ "copy", copy_good, 0x1111 },
	{ "copy past the page", copy_across, ANY_ERROR },
	{ "copy over a page table", copy_to_table, ANY_ERROR },
	{ "copy beyond memory", copy_to_beyond, ANY_ERROR },
	{ "copy from an unused reference", copy_unused, ANY_ERROR },
	{ "query size", query_size, 1 },
	{ "query another's size", query_other, ANY_ERROR },
	{ "a huge table", setup_huge, ANY_ERROR },
	{ "version 2", version2, ANY_ERROR },
	{ "end while mapped", end_while_mapped, 0 },
};

void test_grants(void)
{
	char domid[8] = "0";

	if (!(start_info->flags & SIF_INITDOMAIN))
		xs_read(XS_NO_TRANSACTION, "domid", domid, sizeof(domid));
	self = strtoul(domid, NULL, 10);
	page = pages_alloc_zeroed(1);
	ref = grant_access(self, va_to_mfn(page), false);
	CHECK_ROWS(rows);
	check("end of access", grant_end(ref), 1);
}
