/*
 * event.c: two-level event channels.
 *
 * The sender sets a port's pending bit, then its word's bit in the vcpu's
 * selector, then upcall_pending.  We take them back in the other direction,
 * each by an exchange, so that no event is lost between.
 */
#include "kit/event.h"

#include <errno.h>
#include <stdint.h>

#include <xen/event_channel.h>
#include <xen/sched.h>

#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/time.h"
#include "kit/trap.h"
#include "kit/vcpu.h"

#define WORD_BITS 64

static struct handler {
	event_fn	*fn;
	void		*arg;
} handlers[EVENT_PORTS];

static long evtchn_op(unsigned int op, void *arg)
{
	return hypercall2(__HYPERVISOR_event_channel_op, op, arg);
}

/*
 * An upcall only ends a block: go back with upcalls masked, and let the loop
 * dispatch.  In user mode no kit code is under way, so dispatch at once.
 */
static void event_upcall(struct cpu_regs *r)
{
	if (r->cs & 3)
		event_dispatch();
	else
		r->rflags &= ~FLAGS_IF;
}

void event_init(void)
{
	for (unsigned int i = 0; i < WORD_BITS; i++)
		__atomic_store_n(&shared_info->evtchn_mask[i], ~0ul,
				 __ATOMIC_RELAXED);
	trap_handle(TRAP_EVENT, event_upcall);
}

void event_attach(unsigned int port, event_fn *fn, void *arg)
{
	struct evtchn_unmask unmask = { .port = port };

	if (port >= EVENT_PORTS)
		panic("event port %u", port);
	handlers[port] = (struct handler){ fn, arg };
	evtchn_op(EVTCHNOP_unmask, &unmask);
}

static int event_new(long rc, unsigned int port, event_fn *fn, void *arg)
{
	if (rc)
		return rc;
	if (port >= EVENT_PORTS) {
		event_close(port);
		return -ENOSPC;
	}
	event_attach(port, fn, arg);
	return port;
}

int event_alloc_unbound(domid_t remote, event_fn *fn, void *arg)
{
	struct evtchn_alloc_unbound op = {
		.dom = DOMID_SELF,
		.remote_dom = remote,
	};
	long rc = evtchn_op(EVTCHNOP_alloc_unbound, &op);

	return event_new(rc, op.port, fn, arg);
}

int event_bind_interdomain(domid_t remote, unsigned int remote_port,
			   event_fn *fn, void *arg)
{
	struct evtchn_bind_interdomain op = {
		.remote_dom = remote,
		.remote_port = remote_port,
	};
	long rc = evtchn_op(EVTCHNOP_bind_interdomain, &op);

	return event_new(rc, op.local_port, fn, arg);
}

int event_bind_virq(unsigned int virq, unsigned int vcpu, event_fn *fn,
		    void *arg)
{
	struct evtchn_bind_virq op = { .virq = virq, .vcpu = vcpu };
	long rc = evtchn_op(EVTCHNOP_bind_virq, &op);

	return event_new(rc, op.port, fn, arg);
}

int event_send(unsigned int port)
{
	struct evtchn_send op = { .port = port };

	return evtchn_op(EVTCHNOP_send, &op);
}

void event_raise(unsigned int port)
{
	struct vcpu_info *info = this_vcpu()->info;
	unsigned int word = port / WORD_BITS;

	__atomic_fetch_or(&shared_info->evtchn_pending[word],
			  1ul << port % WORD_BITS, __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&info->evtchn_pending_sel, 1ul << word,
			  __ATOMIC_SEQ_CST);
	__atomic_store_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
}

int event_close(unsigned int port)
{
	struct evtchn_close op = { .port = port };

	if (port < EVENT_PORTS) {
		handlers[port].fn = NULL;
		__atomic_fetch_or(&shared_info->evtchn_mask[port / WORD_BITS],
				  1ul << port % WORD_BITS, __ATOMIC_SEQ_CST);
	}
	return evtchn_op(EVTCHNOP_close, &op);
}

static void dispatch_word(unsigned int word)
{
	xen_ulong_t *pending = &shared_info->evtchn_pending[word];
	unsigned long ready = __atomic_load_n(pending, __ATOMIC_SEQ_CST) &
			      ~shared_info->evtchn_mask[word];

	while (ready) {
		unsigned int bit = __builtin_ctzl(ready);
		unsigned int port = word * WORD_BITS + bit;

		ready &= ready - 1;
		__atomic_fetch_and(pending, ~(1ul << bit), __ATOMIC_SEQ_CST);
		if (port < EVENT_PORTS && handlers[port].fn)
			handlers[port].fn(handlers[port].arg);
	}
}

bool event_dispatch(void)
{
	struct vcpu_info *info = this_vcpu()->info;
	bool any = false;

	while (__atomic_exchange_n(&info->evtchn_upcall_pending, 0,
				   __ATOMIC_SEQ_CST)) {
		unsigned long sel = __atomic_exchange_n(
			&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);

		any = true;
		for (; sel; sel &= sel - 1)
			dispatch_word(__builtin_ctzl(sel));
	}
	return any;
}

void event_block(void)
{
	struct vcpu_info *info = this_vcpu()->info;

	hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, NULL);
	__atomic_store_n(&info->evtchn_upcall_mask, 1, __ATOMIC_SEQ_CST);
	event_dispatch();
}

void event_loop(void)
{
	for (;;)
		event_block();
}

static bool pending_take(unsigned int port)
{
	xen_ulong_t *word = &shared_info->evtchn_pending[port / WORD_BITS];
	unsigned long bit = 1ul << port % WORD_BITS;

	return __atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST) & bit;
}

bool event_poll(unsigned int port, uint64_t until_ns)
{
	evtchn_port_t list = port;
	struct sched_poll poll = { .nr_ports = 1, .timeout = until_ns };

	set_xen_guest_handle(poll.ports, &list);
	while (!pending_take(port)) {
		if (until_ns && time_now() >= until_ns)
			return false;
		/* Ends early where an event of another port comes. */
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll);
	}
	return true;
}
