/*
 * memory_op.c: a domain's view of its memory (xen/memory.h).
 *
 * Refused on purpose with -ENOSYS: exchange and all that has to do with
 * superpages, devices or translated guests.  Extents are single frames.
 */

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/xen.h>
#include <xen/memory.h>

#include "domain.h"
#include "guest_access.h"
#include "hypercall.h"
#include "mm_private.h"

/* Progress of a preempted operation stands above the command. */
#define CMD_BITS	6
#define CMD_MASK	((1u << CMD_BITS) - 1)

static int reservation_get(uint64_t arg, struct xen_memory_reservation *r)
{
	if (copy_from_guest(r, arg, sizeof(*r)))
		return -EFAULT;
	if (r->domid != DOMID_SELF && r->domid != current->d->domid)
		return -EPERM;
	if (r->extent_order != 0)
		return -EINVAL;
	if (r->nr_extents > UINT32_MAX >> CMD_BITS)
		return -EINVAL;
	return 0;
}

/* mm_lock: vcpus that ask at once must not pass the ceiling together. */
static bool give_within_max(struct domain *d, struct page *pg)
{
	bool room;

	spin_lock(&d->mm_lock);
	room = d->tot_pages < d->max_pages;
	if (room)
		page_give(pg, d);
	spin_unlock(&d->mm_lock);
	return room;
}

/* One frame for the domain; pfn tells where it is to appear. */
static int populate_one(struct domain *d, const struct xen_memory_reservation *r,
			uint64_t i, bool has_pfn)
{
	uint64_t at = (uint64_t)r->extent_start.p + i * 8, pfn = INVALID_M2P;
	struct page *pg;
	uint64_t mfn;

	if (has_pfn && copy_from_guest(&pfn, at, 8))
		return -EFAULT;
	pg = frames_alloc(0);
	if (!pg)
		return -ENOMEM;
	clear_page(page_virt(pg));
	mfn = page_mfn(pg).n;
	/* While the frame is ours: once it is d's, another of d's vcpus may give
	 * it back, and the next domain may have it with a number of its own. */
	m2p_set(MFN(mfn), pfn);
	if (!give_within_max(d, pg)) {
		m2p_set(MFN(mfn), INVALID_M2P);
		frames_free(pg, 0);
		return -ENOMEM;
	}
	if (r->extent_start.p && copy_to_guest(at, &mfn, 8)) {
		page_release(pg, d);
		return -EFAULT;
	}
	return 0;
}

static int decrease_one(struct domain *d, const struct xen_memory_reservation *r,
			uint64_t i)
{
	struct page *pg;
	uint64_t mfn;

	if (copy_from_guest(&mfn, (uint64_t)r->extent_start.p + i * 8, 8))
		return -EFAULT;
	pg = page_of(MFN(mfn));
	return pg ? page_release(pg, d) : -EINVAL;
}

/* The result is the number of extents done; an error stops it. */
static long reservation_op(unsigned cmd, uint64_t start, uint64_t arg)
{
	struct xen_memory_reservation r;
	uint64_t i;
	int rc = reservation_get(arg, &r);

	if (rc)
		return rc;
	for (i = start; i < r.nr_extents; i++) {
		if (i != start && hypercall_preempt())
			return hypercall_continue(__HYPERVISOR_memory_op, 2,
						  i << CMD_BITS | cmd, arg);
		if (cmd == XENMEM_decrease_reservation)
			rc = decrease_one(current->d, &r, i);
		else
			rc = populate_one(current->d, &r, i,
					  cmd == XENMEM_populate_physmap);
		if (rc)
			break;
	}
	return (long)i;
}

static long machphys_mapping(uint64_t arg)
{
	struct xen_machphys_mapping m = {
		.v_start = M2P_RO_VIRT,
		.v_end = M2P_RO_VIRT + ROUND_UP((max_mfn + 1) * 8, 1ull << 21),
		.max_mfn = max_mfn,
	};

	return copy_to_guest(arg, &m, sizeof(m));
}

/* The 2 MiB pieces of the table, for who maps it itself. */
static long machphys_mfn_list(uint64_t arg)
{
	struct xen_machphys_mfn_list l;

	if (copy_from_guest(&l, arg, sizeof(l)))
		return -EFAULT;
	l.nr_extents = 0;
	return copy_to_guest(arg, &l, sizeof(l));
}

struct map_entry { /* as GRUB and Linux read it: E820, 20 bytes */
	uint64_t addr, size;
	uint32_t type;
} packed;

static long memory_map(uint64_t arg)
{
	struct xen_memory_map m;
	struct map_entry e = { 0, current->d->max_pages << PAGE_SHIFT, 1 };

	if (copy_from_guest(&m, arg, sizeof(m)))
		return -EFAULT;
	if (m.nr_entries < 1)
		return -EINVAL;
	m.nr_entries = 1;
	if (copy_to_guest((uint64_t)m.buffer.p, &e, sizeof(e)) ||
	    copy_to_guest(arg, &m, sizeof(m)))
		return -EFAULT;
	return 0;
}

static long pages_of(unsigned cmd, uint64_t arg)
{
	struct domain *d;
	uint16_t id;
	long n;

	if (copy_from_guest(&id, arg, sizeof(id)))
		return -EFAULT;
	if (id != DOMID_SELF && id != current->d->domid &&
	    !current->d->privileged)
		return -EPERM;
	d = domain_get(id);
	if (!d)
		return -ESRCH;
	n = (long)(cmd == XENMEM_current_reservation ? d->tot_pages :
						       d->max_pages);
	domain_put(d);
	return n;
}

long do_memory_op(uint64_t cmd_start, uint64_t arg)
{
	unsigned cmd = cmd_start & CMD_MASK;
	uint64_t start = (uint32_t)cmd_start >> CMD_BITS;

	switch (cmd) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation_op(cmd, start, arg);
	}
	if (start)
		return -ENOSYS;
	switch (cmd) {
	case XENMEM_maximum_ram_page:
		return (long)max_mfn;
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
		return pages_of(cmd, arg);
	case XENMEM_machphys_mapping:
		return machphys_mapping(arg);
	case XENMEM_machphys_mfn_list:
		return machphys_mfn_list(arg);
	case XENMEM_memory_map:
		return memory_map(arg);
	default:
		return -ENOSYS;
	}
}
