/*
 * control.c: Sluice's own hypercall (include/sluice/control.h): who may call
 * what, and the way of the arguments.
 *
 * Each operation has a row.  An operation that takes long keeps its progress in
 * the bits of the command above COMMAND_BITS, where only continuations put it:
 * a guest that does so itself resumes its own operation somewhere else, which
 * each function checks as it checks any argument.
 */
#include "control.h"
#include "check.h"
#include "control_ops.h"
#include "domain.h"
#include "guest_access.h"
#include "hypercall.h"
#include "hypercalls.h"
#include "nospec.h"

#define COMMAND_BITS	16

#define ANY	1	/* every domain may call it, not dom0 alone */
#define OUT	2	/* the struct is written back on success */
#define OUT_ALWAYS 4	/* and on errors: it tells how far it came */

static const struct {
	uint16_t size;
	uint16_t flags;
	control_fn *fn;
} ops[] = {
#define ROW(op, arg, flags, fn) \
	[SLUICE_CTL_##op] = { sizeof(struct sluice_##arg), flags, fn }
	ROW(PHYSINFO, physinfo, OUT, control_physinfo),
	ROW(CREATE, create, OUT, control_create),
	ROW(DESTROY, domid, 0, control_destroy),
	ROW(PAUSE, domid, 0, control_pause),
	ROW(UNPAUSE, domid, 0, control_unpause),
	ROW(GETINFO, info, OUT, control_getinfo),
	ROW(GET_MFNS, mfns, OUT, control_get_mfns),
	ROW(WRITE_MEMORY, write, OUT | OUT_ALWAYS, control_write_memory),
	ROW(SET_VCPU, vcpu, 0, control_set_vcpu),
	ROW(SEED_GRANT, seed_grant, 0, control_seed_grant),
	ROW(SET_SCHED, sched, 0, control_set_sched),
	ROW(GET_SCHED, sched, OUT, control_get_sched),
	ROW(SET_TIME, time_offset, 0, control_set_time),
	ROW(AUDIT, audit, OUT, control_audit),
	ROW(POWER, power, 0, control_power),
	ROW(VIRTUAL_TIME, virtual_time, ANY | OUT, control_virtual_time),
	ROW(COUNTERS, counters, ANY | OUT, control_counters),
	ROW(DMESG, dmesg, OUT, control_dmesg),
#undef ROW
};

/* What backends registered; written at boot alone. */
static struct backend_op {
	uint16_t size;
	bool any;
	control_backend_fn *fn;
} backend_ops[CONTROL_BACKEND_LAST - CONTROL_BACKEND_FIRST + 1];

void control_register(unsigned op, size_t size, bool any,
		      control_backend_fn *fn)
{
	struct backend_op *row = &backend_ops[op - CONTROL_BACKEND_FIRST];

	CHECK(op >= CONTROL_BACKEND_FIRST && op <= CONTROL_BACKEND_LAST);
	CHECK(size <= CONTROL_ARG_MAX && !row->fn);
	*row = (struct backend_op){ (uint16_t)size, any, fn };
}

static long continued(uint64_t op, uint64_t progress, uint64_t arg)
{
	return hypercall_continue(__HYPERVISOR_arch_1, 2,
				  op | progress << COMMAND_BITS, arg);
}

static long backend_op(uint64_t op, uint64_t progress, uint64_t arg)
{
	const struct backend_op *row;
	uint64_t buf[CONTROL_ARG_MAX / 8];
	int rc;

	if (op < CONTROL_BACKEND_FIRST || op > CONTROL_BACKEND_LAST)
		return -ENOSYS;
	row = &backend_ops[index_nospec(op - CONTROL_BACKEND_FIRST,
					ARRAY_SIZE(backend_ops))];
	if (!row->fn)
		return -ENOSYS;
	if (!row->any && !current->d->privileged)
		return -EPERM;
	if (copy_from_guest(buf, arg, row->size))
		return -EFAULT;
	rc = row->fn(buf, &progress);
	if (rc == -ERESTART)
		return continued(op, progress, arg);
	if (rc == 0 && copy_to_guest(arg, buf, row->size))
		return -EFAULT;
	return rc;
}

static bool writes_back(unsigned flags, int rc)
{
	return rc == 0 ? flags & OUT : flags & OUT_ALWAYS;
}

long do_sluice_op(uint64_t cmd, uint64_t arg)
{
	uint64_t op = cmd & ((1u << COMMAND_BITS) - 1);
	uint64_t progress = cmd >> COMMAND_BITS;
	union control c = { 0 };
	int rc;

	if (op >= ARRAY_SIZE(ops))
		return backend_op(op, progress, arg);
	op = index_nospec(op, ARRAY_SIZE(ops));
	if (!(ops[op].flags & ANY) && !current->d->privileged)
		return -EPERM;

	if (copy_from_guest(&c, arg, ops[op].size))
		return -EFAULT;
	rc = ops[op].fn(&c, &progress);
	if (rc == -ERESTART)
		return continued(op, progress, arg);
	if (writes_back(ops[op].flags, rc) &&
	    copy_to_guest(arg, &c, ops[op].size))
		return -EFAULT;
	return rc;
}
