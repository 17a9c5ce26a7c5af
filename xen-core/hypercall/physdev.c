/*
 * physdev.c: physdev_op: what a domain without devices may ask.
 *
 * No domain has I/O ports: IOPL is virtual, and only says whether a port access
 * of the guest kernel reads all ones or is a #GP.  The port bitmap of user mode
 * is accepted and grants nothing.  Interrupts, PCI and MSI: -ENOSYS.
 */
#include "domain.h"
#include "guest_access.h"
#include "hypercalls.h"

#include <xen/physdev.h>

#define NR_PORTS	65536

static long set_iopl(uint64_t arg)
{
	struct physdev_set_iopl op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.iopl > 3)
		return -EINVAL;
	current->iopl = (uint8_t)op.iopl;
	return 0;
}

static long set_iobitmap(uint64_t arg)
{
	struct physdev_set_iobitmap op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	return op.nr_ports <= NR_PORTS ? 0 : -EINVAL;
}

long do_physdev_op(unsigned cmd, uint64_t arg)
{
	switch (cmd) {
	case PHYSDEVOP_set_iopl:
		return set_iopl(arg);
	case PHYSDEVOP_set_iobitmap:
		return set_iobitmap(arg);
	default:
		return -ENOSYS;
	}
}
