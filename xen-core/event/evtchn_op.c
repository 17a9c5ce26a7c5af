/*
 * evtchn_op.c: event_channel_op: arguments in, results out.
 *
 * Each operation has a row: its size, whether its argument carries a result,
 * and a function on the private copy.  What is left out on purpose (FIFO
 * events, reset, physical IRQs) has no row: -ENOSYS.  When the result cannot be
 * written the port stays: the guest finds it with EVTCHNOP_status.
 */
#include "domain.h"
#include "event.h"
#include "guest_access.h"
#include "nospec.h"

union op {
	struct evtchn_bind_interdomain bind_interdomain;
	struct evtchn_bind_virq bind_virq;
	struct evtchn_close close;
	struct evtchn_send send;
	struct evtchn_status status;
	struct evtchn_alloc_unbound alloc_unbound;
	struct evtchn_bind_ipi bind_ipi;
	struct evtchn_bind_vcpu bind_vcpu;
	struct evtchn_unmask unmask;
};

static uint16_t real_domid(uint16_t domid)
{
	return domid == DOMID_SELF ? current->d->domid : domid;
}

/* The domain of an operation that dom0 may do for others, with a reference. */
static int target_get(uint16_t domid, struct domain **d)
{
	if (real_domid(domid) != current->d->domid && !current->d->privileged)
		return -EPERM;
	*d = domain_get(domid);
	return *d ? 0 : -ESRCH;
}

static int op_alloc_unbound(union op *op)
{
	struct evtchn_alloc_unbound *a = &op->alloc_unbound;
	struct domain *d;
	int rc = target_get(a->dom, &d);

	if (rc)
		return rc;
	rc = evtchn_alloc_unbound(d, real_domid(a->remote_dom), &a->port);
	domain_put(d);
	return rc;
}

static int op_bind_interdomain(union op *op)
{
	struct evtchn_bind_interdomain *b = &op->bind_interdomain;
	struct domain *remote = domain_get(b->remote_dom);
	int rc;

	if (!remote)
		return -ESRCH;
	rc = evtchn_bind_interdomain(current->d, remote, b->remote_port,
				     &b->local_port);
	domain_put(remote);
	return rc;
}

static int op_bind_virq(union op *op)
{
	return evtchn_bind_virq(current->d, op->bind_virq.virq,
				op->bind_virq.vcpu, &op->bind_virq.port);
}

static int op_bind_ipi(union op *op)
{
	return evtchn_bind_ipi(current->d, op->bind_ipi.vcpu,
			       &op->bind_ipi.port);
}

static int op_close(union op *op)
{
	return evtchn_close(current->d, op->close.port);
}

static int op_send(union op *op)
{
	return evtchn_send(current->d, op->send.port);
}

static int op_status(union op *op)
{
	struct domain *d;
	int rc = target_get(op->status.dom, &d);

	if (rc)
		return rc;
	rc = evtchn_get_status(d, &op->status);
	domain_put(d);
	return rc;
}

static int op_bind_vcpu(union op *op)
{
	return evtchn_bind_vcpu(current->d, op->bind_vcpu.port,
				op->bind_vcpu.vcpu);
}

static int op_unmask(union op *op)
{
	return evtchn_unmask(current->d, op->unmask.port);
}

static const struct {
	uint8_t size;
	bool	out;		/* has a result in the argument */
	int	(*fn)(union op *op);
} ops[] = {
#define ROW(name, out) \
	[EVTCHNOP_##name] = { sizeof(struct evtchn_##name), out, op_##name }
	ROW(bind_interdomain, true),
	ROW(bind_virq, true),
	ROW(close, false),
	ROW(send, false),
	ROW(status, true),
	ROW(alloc_unbound, true),
	ROW(bind_ipi, true),
	ROW(bind_vcpu, false),
	ROW(unmask, false),
#undef ROW
};

long do_event_channel_op(unsigned cmd, uint64_t arg)
{
	union op op = { 0 };
	int rc;

	if (cmd >= ARRAY_SIZE(ops))
		return -ENOSYS;
	cmd = index_nospec(cmd, ARRAY_SIZE(ops));
	if (!ops[cmd].fn)
		return -ENOSYS;

	if (copy_from_guest(&op, arg, ops[cmd].size))
		return -EFAULT;
	rc = ops[cmd].fn(&op);
	if (rc == 0 && ops[cmd].out && copy_to_guest(arg, &op, ops[cmd].size))
		return -EFAULT;
	return rc;
}
