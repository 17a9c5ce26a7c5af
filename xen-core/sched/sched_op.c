/*
 * sched_op.c: the hypercall sched_op, xen/sched.h.
 */
#include "sched.h"

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/sched.h>

#include "domain.h"
#include "event.h"
#include "guest_access.h"
#include "percpu.h"
#include "time.h"

#define POLL_PORTS_MAX	128 /* as Xen's ABI has it */

static long op_shutdown(uint64_t arg)
{
	struct sched_shutdown s;

	if (copy_from_guest(&s, arg, sizeof(s)) != 0)
		return -EFAULT;
	if (s.reason > SHUTDOWN_MAX)
		return -EINVAL;
	domain_shutdown(current->d, (uint8_t)s.reason);
	return 0;
}

static long op_remote_shutdown(uint64_t arg)
{
	struct sched_remote_shutdown s;
	struct domain *d;

	if (!current->d->privileged)
		return -EPERM;
	if (copy_from_guest(&s, arg, sizeof(s)) != 0)
		return -EFAULT;
	if (s.reason > SHUTDOWN_MAX || s.domain_id == DOMID_SELF ||
	    s.domain_id == current->d->domid)
		return -EINVAL;
	d = domain_get(s.domain_id);
	if (d == NULL)
		return -ESRCH;
	domain_shutdown(d, (uint8_t)s.reason);
	domain_put(d);
	return 0;
}

static bool port_pending(const struct domain *d, evtchn_port_t port)
{
	const volatile unsigned long *pending = d->shared->evtchn_pending;

	return pending[port / 64] >> port % 64 & 1;
}

/* Is one of the ports pending already?  1, 0 or a negative error. */
static int poll_check(const struct sched_poll *p)
{
	const evtchn_port_t *ports = p->ports.p;
	unsigned i;

	for (i = 0; i < p->nr_ports; i++) {
		evtchn_port_t port;

		if (copy_from_guest(&port, (uint64_t)(ports + i),
				    sizeof(port)) != 0)
			return -EFAULT;
		if (port >= MAX_EVTCHNS)
			return -EINVAL;
		if (i == 0 && p->nr_ports == 1)
			WRITE_ONCE(current->event.poll, port);
		/* poll is set before the bit is looked at: a sender sets the
		 * bit before it looks at poll. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (port_pending(current->d, port))
			return 1;
	}
	return 0;
}

/*
 * Sleep until a port is pending, masked or not, or until a time.  An upcall that
 * could be delivered ends it as well.
 */
static long op_poll(uint64_t arg)
{
	struct vcpu *v = current;
	struct sched_poll p;
	int rc;

	if (copy_from_guest(&p, arg, sizeof(p)) != 0)
		return -EFAULT;
	if (p.nr_ports > POLL_PORTS_MAX)
		return -EINVAL;

	timer_stop(&v->time.poll); /* of a poll that ended early */
	vcpu_sleep();
	WRITE_ONCE(v->event.poll, POLL_MANY);
	rc = poll_check(&p);
	if (rc != 0) {
		WRITE_ONCE(v->event.poll, POLL_NONE);
		vcpu_wake(v);
		return MIN(rc, 0);
	}
	if (p.timeout != 0)
		timer_set(&v->time.poll, p.timeout);
	return 0;
}

long do_sched_op(unsigned cmd, uint64_t arg)
{
	switch (cmd) {
	case SCHEDOP_yield:
		vcpu_yield();
		return 0;
	case SCHEDOP_block:
		vcpu_block();
		return 0;
	case SCHEDOP_shutdown:
		return op_shutdown(arg);
	case SCHEDOP_poll:
		return op_poll(arg);
	case SCHEDOP_remote_shutdown:
		return op_remote_shutdown(arg);
	case SCHEDOP_pin_override: /* of the hardware domain; there is none */
		return -EPERM;
	}
	return -ENOSYS;
}
