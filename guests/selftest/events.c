/*
 * events.c: event channels of each type, to oneself; masks, polls, and ports
 * that are not what they are said to be.
 */
#include <errno.h>
#include <stdint.h>

#include <xen/event_channel.h>
#include <xen/sched.h>

#include "kit/check.h"
#include "kit/event.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/time.h"
#include "selftest/selftest.h"

#define NO_DOMAIN	0x7123
#define PORTS_MAX	4096	/* of the 2-level ABI */

static unsigned int heard;

static long op(unsigned int cmd, void *arg)
{
	return hypercall2(__HYPERVISOR_event_channel_op, cmd, arg);
}

static void hear(void *arg)
{
	heard += (unsigned long)arg;
}

static long status(unsigned int port)
{
	struct evtchn_status s = { .dom = DOMID_SELF, .port = port };

	return op(EVTCHNOP_status, &s) ?: s.status;
}

static long loopback(void)
{
	int a = event_alloc_unbound(DOMID_SELF, hear, (void *)1);
	int b = event_bind_interdomain(DOMID_SELF, a, hear, (void *)16);
	long result;

	heard = 0;
	event_send(a);
	event_dispatch();
	event_send(b);
	event_dispatch();
	result = heard;
	if (status(a) != EVTCHNSTAT_interdomain)
		result = -1;
	event_close(a);
	if (status(b) != EVTCHNSTAT_unbound)
		result = -2;
	event_close(b);
	if (status(b) != EVTCHNSTAT_closed)
		result = -3;
	return result;
}

static long ipi(void)
{
	struct evtchn_bind_ipi b = { .vcpu = 0 };
	long rc = op(EVTCHNOP_bind_ipi, &b);

	if (rc)
		return rc;
	heard = 0;
	event_attach(b.port, hear, (void *)1);
	event_send(b.port);
	event_dispatch();
	if (status(b.port) != EVTCHNSTAT_ipi)
		return -1;
	event_close(b.port);
	return heard;
}

static long ipi_no_vcpu(void)
{
	struct evtchn_bind_ipi b = { .vcpu = 500 };

	return op(EVTCHNOP_bind_ipi, &b);
}

static long virq_twice(void)
{
	struct evtchn_bind_virq b = { .virq = VIRQ_TIMER };

	return op(EVTCHNOP_bind_virq, &b);
}

static long virq_huge(void)
{
	struct evtchn_bind_virq b = { .virq = 4000 };

	return op(EVTCHNOP_bind_virq, &b);
}

static long virq_dom0(void)
{
	struct evtchn_bind_virq b = { .virq = VIRQ_DOM_EXC };
	long rc = op(EVTCHNOP_bind_virq, &b);

	if (!rc)
		event_close(b.port);
	return start_info->flags & SIF_INITDOMAIN ? -EPERM : rc;
}

static long pirq(void)
{
	struct evtchn_bind_pirq b = { .pirq = 5 };
	long rc = op(EVTCHNOP_bind_pirq, &b);

	if (!rc)
		event_close(b.port);
	return start_info->flags & SIF_INITDOMAIN ? -EPERM : rc;
}

static long send_closed(void)
{
	struct evtchn_send s = { .port = 1000 };

	return op(EVTCHNOP_send, &s);
}

static long send_huge(void)
{
	struct evtchn_send s = { .port = ~0u };

	return op(EVTCHNOP_send, &s);
}

static long send_unbound(void)
{
	int port = event_alloc_unbound(DOMID_SELF, hear, NULL);
	long rc = event_send(port);

	event_close(port);
	return rc;
}

static long close_huge(void)
{
	struct evtchn_close c = { .port = 0x80000000 };

	return op(EVTCHNOP_close, &c);
}

static long close_zero(void)
{
	struct evtchn_close c = { .port = 0 };

	return op(EVTCHNOP_close, &c);
}

static long bind_no_domain(void)
{
	struct evtchn_bind_interdomain b = {
		.remote_dom = NO_DOMAIN, .remote_port = 1,
	};

	return op(EVTCHNOP_bind_interdomain, &b);
}

static long bind_wrong_port(void)
{
	struct evtchn_bind_interdomain b = {
		.remote_dom = DOMID_SELF, .remote_port = 1001,
	};

	return op(EVTCHNOP_bind_interdomain, &b);
}

static long bind_not_for_us(void)
{
	struct evtchn_alloc_unbound a = {
		.dom = DOMID_SELF, .remote_dom = NO_DOMAIN,
	};
	struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };
	long rc = op(EVTCHNOP_alloc_unbound, &a);

	if (rc)
		return rc;	/* a domain that is not there: also right */
	b.remote_port = a.port;
	rc = op(EVTCHNOP_bind_interdomain, &b);
	event_close(a.port);
	return rc;
}

static long alloc_for_another(void)
{
	struct evtchn_alloc_unbound a = {
		.dom = start_info->flags & SIF_INITDOMAIN ? NO_DOMAIN : 0,
		.remote_dom = DOMID_SELF,
	};

	return op(EVTCHNOP_alloc_unbound, &a);
}

static long bind_vcpu_none(void)
{
	int port = event_alloc_unbound(DOMID_SELF, hear, NULL);
	struct evtchn_bind_vcpu b = { .port = port, .vcpu = 99 };
	long rc = op(EVTCHNOP_bind_vcpu, &b);

	event_close(port);
	return rc;
}

static long fifo(void)
{
	struct evtchn_init_control c = { 0 };

	return op(EVTCHNOP_init_control, &c);
}

/* A masked event stays pending until EVTCHNOP_unmask. */
static long masked(void)
{
	int a = event_alloc_unbound(DOMID_SELF, hear, (void *)1);
	int b = event_bind_interdomain(DOMID_SELF, a, hear, NULL);
	struct evtchn_unmask u = { .port = a };
	long result = 0;

	heard = 0;
	__atomic_fetch_or(&shared_info->evtchn_mask[a / 64], 1ul << a % 64,
			  __ATOMIC_SEQ_CST);
	event_send(b);
	event_dispatch();
	result = heard;			/* 0 */
	op(EVTCHNOP_unmask, &u);
	event_dispatch();
	result = result * 10 + heard;	/* 1 */
	event_close(a);
	event_close(b);
	return result;
}

static long poll_pending(void)
{
	int a = event_alloc_unbound(DOMID_SELF, hear, (void *)1);
	int b = event_bind_interdomain(DOMID_SELF, a, hear, NULL);
	bool before = event_poll(a, time_now() + MILLISECONDS), after;

	event_send(b);
	after = event_poll(a, time_now() + SECONDS);
	event_close(a);
	event_close(b);
	event_dispatch();
	return !before && after;
}

static long poll_timeout(void)
{
	int a = event_alloc_unbound(DOMID_SELF, hear, NULL);
	uint64_t before = time_now();

	event_poll(a, before + 20 * MILLISECONDS);
	event_close(a);
	return time_now() - before >= 20 * MILLISECONDS;
}

static long poll_many(void)
{
	static evtchn_port_t ports[1000];
	struct sched_poll poll = { .nr_ports = 1000, .timeout = 1 };

	set_xen_guest_handle(poll.ports, ports);
	return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll);
}

static long poll_wild_port(void)
{
	evtchn_port_t port = ~0u;
	struct sched_poll poll = { .nr_ports = 1, .timeout = 1 };

	set_xen_guest_handle(poll.ports, &port);
	return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll);
}

/* Ports run out with an error, and come back. */
static long exhaust(void)
{
	static int ports[PORTS_MAX];
	unsigned int n = 0;
	long rc;

	for (;;) {
		struct evtchn_alloc_unbound a = {
			.dom = DOMID_SELF, .remote_dom = DOMID_SELF,
		};

		rc = op(EVTCHNOP_alloc_unbound, &a);
		if (rc || n == PORTS_MAX)
			break;
		ports[n++] = a.port;
	}
	while (n) {
		struct evtchn_close c = { .port = ports[--n] };

		op(EVTCHNOP_close, &c);
	}
	return rc;
}

static long timer(void)
{
	static struct timer t;
	uint64_t before = time_now();

	heard = 0;
	timer_set(&t, before + 5 * MILLISECONDS, hear, (void *)1);
	while (!heard)
		event_block();
	return time_now() - before >= 5 * MILLISECONDS;
}

static long timer_past(void)
{
	static struct timer t;

	heard = 0;
	timer_set(&t, 1, hear, (void *)1);
	while (!heard)
		event_block();
	return heard;
}

static const struct check_row rows[] = {
	{ "two ends of a channel", loopback, 17 },
	{ "IPI", ipi, 1 },
	{ "IPI to no vcpu", ipi_no_vcpu, ANY_ERROR },
	{ "VIRQ bound twice", virq_twice, -EEXIST },
	{ "VIRQ 4000", virq_huge, -EINVAL },
	{ "dom0's VIRQ", virq_dom0, ANY_ERROR },
	{ "a PIRQ", pirq, ANY_ERROR },
	{ "send to a closed port", send_closed, ANY_ERROR },
	{ "send to port -1", send_huge, ANY_ERROR },
	{ "send, nobody there", send_unbound, 0 },
	{ "close a port out of range", close_huge, -EINVAL },
	{ "close port 0", close_zero, ANY_ERROR },
	{ "bind to no domain", bind_no_domain, -ESRCH },
	{ "bind to a port that is none", bind_wrong_port, -EINVAL },
	{ "bind to another's port", bind_not_for_us, ANY_ERROR },
	{ "make another's port", alloc_for_another, ANY_ERROR },
	{ "bind to vcpu 99", bind_vcpu_none, -ENOENT },
	{ "FIFO events are not there", fifo, ANY_ERROR },
	{ "masked, then unmasked", masked, 1 },
	{ "poll", poll_pending, 1 },
	{ "poll with a timeout", poll_timeout, 1 },
	{ "poll for too many", poll_many, -EINVAL },
	{ "poll for port -1", poll_wild_port, -EINVAL },
	{ "all ports", exhaust, -ENOSPC },
	{ "a timer", timer, 1 },
	{ "a timer in the past", timer_past, 1 },
};

void test_events(void)
{
	CHECK_ROWS(rows);
}
