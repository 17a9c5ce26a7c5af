/*
 * evtchn_test.c: ports of three domains, step by step.
 *
 * A step's first column is the sentence under test.  Domain 0 is privileged;
 * each has two vcpus.  What the scheduler and the heap do is counted here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "domain.h"
#include "event.h"
#include "heap.h"

#define NR_DOMAINS	3
#define NR_VCPUS	2

static struct domain *dom[NR_DOMAINS];
static unsigned kicks, wakes, allocations, fail_at;

/* ---- what evtchn.c calls ---- */

void *heap_alloc_for(struct domain *d, size_t size)
{
	if (fail_at && ++allocations == fail_at)
		return NULL;
	return calloc(1, size);
}

void heap_free_for(struct domain *d, void *p)
{
	free(p);
}

void vcpu_kick(struct vcpu *v)
{
	kicks++;
}

void vcpu_wake(struct vcpu *v)
{
	wakes++;
}

/* Another vcpu of this domain is to close this port, as soon as it can. */
static struct domain *racer;
static uint32_t raced_port;

/* evtchn_close() takes this reference as the last thing before it lets its lock
 * go to take both. */
void domain_hold(struct domain *d)
{
	struct domain *r = racer;

	d->refs++;
	if (!r)
		return;
	racer = NULL;
	spin_unlock(&r->event.lock);
	assert_int_equal(evtchn_close(r, raced_port), 0);
	spin_lock(&r->event.lock);
}

void domain_put(struct domain *d)
{
	assert_true(d->refs > 1);
	d->refs--;
}

/* ---- the three domains ---- */

static struct domain *domain_make(uint16_t id)
{
	struct domain *d = calloc(1, sizeof(*d));
	uint32_t i;

	d->domid = id;
	d->privileged = id == 0;
	d->refs = 1;
	d->nr_vcpus = NR_VCPUS;
	d->shared = calloc(1, sizeof(*d->shared));
	for (i = 0; i < NR_VCPUS; i++) {
		d->vcpu[i] = calloc(1, sizeof(struct vcpu));
		d->vcpu[i]->d = d;
		d->vcpu[i]->id = i;
		d->vcpu[i]->event.info = &d->shared->vcpu_info[i];
	}
	assert_int_equal(evtchn_init(d), 0);
	return d;
}

static int setup(void **state)
{
	uint16_t i;

	kicks = wakes = allocations = fail_at = 0;
	for (i = 0; i < NR_DOMAINS; i++)
		dom[i] = domain_make(i);
	return 0;
}

/* Each domain ends, in the order given by chance of the test, and nothing of it
 * is left: ports, references. */
static int teardown(void **state)
{
	int i, k;

	for (i = 0; i < NR_DOMAINS; i++) {
		evtchn_destroy(dom[i]);
		assert_int_equal(dom[i]->event.nr_used, 0);
	}
	for (i = 0; i < NR_DOMAINS; i++) {
		assert_int_equal(dom[i]->refs, 1);
		evtchn_free(dom[i]);
		for (k = 0; k < NR_VCPUS; k++)
			free(dom[i]->vcpu[k]);
		free(dom[i]->shared);
		free(dom[i]);
	}
	return 0;
}

/* ---- steps ---- */

enum op {
	UNBOUND,	/* a: remote domain */
	INTERDOMAIN,	/* a: remote domain, b: its port */
	VIRQ,		/* a: virq, b: vcpu */
	IPI,		/* a: vcpu */
	MOVE,		/* a: port, b: vcpu */
	CLOSE,		/* a: port */
	SEND,		/* a: port */
	UNMASK,		/* a: port */
	MASK,		/* a: port: the guest's own store */
	CLEAR,		/* a: port: the guest has seen it; and its upcalls */
	RAISE,		/* a: virq, b: vcpu */
	RAISE_GLOBAL,	/* a: virq */
	POLL,		/* a: vcpu, b: port or 0 for several */
	STATE,		/* a: port; result: EVTCHNSTAT_* */
	PEER,		/* a: port; result: remote port */
	TOLD,		/* a: port; result: vcpu */
	PENDING,	/* a: port; result: its bit */
	SELECTED,	/* a: port, b: vcpu; result: the selector's bit */
	UPCALL,		/* a: vcpu; result: upcall_pending */
	KICKS,		/* result: kicks so far */
	WAKES,		/* result: wakes so far */
	END,		/* the domain ends */
};

struct step {
	const char *sentence;
	enum op op;
	int d;
	uint32_t a, b;
	int result;	/* the new port, 0, or a negative errno */
};

static int bit(const xen_ulong_t *words, uint32_t n)
{
	return words[n / 64] >> (n % 64) & 1;
}

static int status(struct domain *d, uint32_t port, struct evtchn_status *st)
{
	*st = (struct evtchn_status){ .port = port };
	return evtchn_get_status(d, st);
}

static int look(struct domain *d, const struct step *s)
{
	struct evtchn_status st;

	switch (s->op) {
	case STATE:
		return status(d, s->a, &st) ? -EINVAL : (int)st.status;
	case PEER:
		return status(d, s->a, &st) ? -EINVAL :
					      (int)st.u.interdomain.port;
	case TOLD:
		return status(d, s->a, &st) ? -EINVAL : (int)st.vcpu;
	case PENDING:
		return bit(d->shared->evtchn_pending, s->a);
	case SELECTED:
		return bit(&d->vcpu[s->b]->event.info->evtchn_pending_sel,
			   s->a / 64);
	case UPCALL:
		return d->vcpu[s->a]->event.info->evtchn_upcall_pending;
	case KICKS:
		return (int)kicks;
	case WAKES:
		return (int)wakes;
	default:
		fail_msg("no such step");
		return 0;
	}
}

static void clear(struct domain *d, uint32_t port)
{
	uint32_t i;

	d->shared->evtchn_pending[port / 64] &= ~(1ul << (port % 64));
	for (i = 0; i < NR_VCPUS; i++) {
		d->vcpu[i]->event.info->evtchn_upcall_pending = 0;
		d->vcpu[i]->event.info->evtchn_pending_sel = 0;
	}
}

static int guest_does(struct domain *d, const struct step *s)
{
	switch (s->op) {
	case MASK:
		d->shared->evtchn_mask[s->a / 64] |= 1ul << (s->a % 64);
		return 0;
	case CLEAR:
		clear(d, s->a);
		return 0;
	case POLL:
		d->vcpu[s->a]->event.poll = s->b ? s->b : POLL_MANY;
		return 0;
	case RAISE:
		virq_raise(d->vcpu[s->b], s->a);
		return 0;
	case RAISE_GLOBAL:
		virq_raise_global(d, s->a);
		return 0;
	case END:
		evtchn_destroy(d);
		return 0;
	default:
		return look(d, s);
	}
}

static int perform(const struct step *s)
{
	struct domain *d = dom[s->d];
	uint32_t port = 0;
	int rc;

	switch (s->op) {
	case UNBOUND:
		rc = evtchn_alloc_unbound(d, (uint16_t)s->a, &port);
		return rc ? rc : (int)port;
	case INTERDOMAIN:
		rc = evtchn_bind_interdomain(d, dom[s->a], s->b, &port);
		return rc ? rc : (int)port;
	case VIRQ:
		rc = evtchn_bind_virq(d, s->a, s->b, &port);
		return rc ? rc : (int)port;
	case IPI:
		rc = evtchn_bind_ipi(d, s->a, &port);
		return rc ? rc : (int)port;
	case MOVE:
		return evtchn_bind_vcpu(d, s->a, s->b);
	case CLOSE:
		return evtchn_close(d, s->a);
	case SEND:
		return evtchn_send(d, s->a);
	case UNMASK:
		return evtchn_unmask(d, s->a);
	default:
		return guest_does(d, s);
	}
}

static void run(const struct step *steps, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int result = perform(&steps[i]);

		if (result != steps[i].result)
			fail_msg("%s: %d, not %d", steps[i].sentence, result,
				 steps[i].result);
	}
}
#define RUN(steps) run(steps, sizeof(steps) / sizeof((steps)[0]))

static void channel(void **state)
{
	static const struct step steps[] = {
		{ "the first port is 1", UNBOUND, 1, 2, 0, 1 },
		{ "it waits", STATE, 1, 1, 0, EVTCHNSTAT_unbound },
		{ "a send is lost without error", SEND, 1, 1, 0, 0 },
		{ "another domain may not bind it", INTERDOMAIN, 0, 1, 1,
		  -EINVAL },
		{ "nor the same one another port", INTERDOMAIN, 2, 1, 2,
		  -EINVAL },
		{ "nor port 0", INTERDOMAIN, 2, 1, 0, -EINVAL },
		{ "nor one out of range", INTERDOMAIN, 2, 1, 4096, -EINVAL },
		{ "the right one may", INTERDOMAIN, 2, 1, 1, 1 },
		{ "it looks once for what was lost", PENDING, 2, 1, 0, 1 },
		{ "not twice", INTERDOMAIN, 2, 1, 1, -EINVAL },
		{ "both ends know each other", PEER, 1, 1, 0, 1 },
		{ "a send arrives", SEND, 2, 1, 0, 0 },
		{ "as a bit", PENDING, 1, 1, 0, 1 },
		{ "and a selector", SELECTED, 1, 1, 0, 1 },
		{ "and an upcall", UPCALL, 1, 0, 0, 1 },
		{ "with one kick for each end", KICKS, 0, 0, 0, 2 },
		{ "a second send changes nothing", SEND, 2, 1, 0, 0 },
		{ "and kicks nobody", KICKS, 0, 0, 0, 2 },
		{ "one end closes", CLOSE, 1, 1, 0, 0 },
		{ "its pending bit goes", PENDING, 1, 1, 0, 0 },
		{ "the other waits again", STATE, 2, 1, 0,
		  EVTCHNSTAT_unbound },
		{ "for the closer's domain alone", INTERDOMAIN, 0, 2, 1,
		  -EINVAL },
		{ "which may bind it", INTERDOMAIN, 1, 2, 1, 1 },
		{ "a closed port cannot send", SEND, 1, 2, 0, -EINVAL },
		{ "nor be closed", CLOSE, 1, 2, 0, -EINVAL },
	};

	RUN(steps);
}

static void to_oneself(void **state)
{
	static const struct step steps[] = {
		{ "a port for oneself", UNBOUND, 1, 1, 0, 1 },
		{ "is bound by oneself", INTERDOMAIN, 1, 1, 1, 2 },
		{ "and heard by oneself", SEND, 1, 2, 0, 0 },
		{ "there", PENDING, 1, 1, 0, 1 },
		{ "closing one end", CLOSE, 1, 1, 0, 0 },
		{ "leaves the other", STATE, 1, 2, 0, EVTCHNSTAT_unbound },
	};

	RUN(steps);
}

static void masks(void **state)
{
	static const struct step steps[] = {
		{ "an IPI port", IPI, 1, 1, 0, 1 },
		{ "is masked", MASK, 1, 1, 0, 0 },
		{ "and sent to", SEND, 1, 1, 0, 0 },
		{ "only the bit is set", PENDING, 1, 1, 0, 1 },
		{ "no selector", SELECTED, 1, 1, 1, 0 },
		{ "no upcall", UPCALL, 1, 1, 0, 0 },
		{ "no kick", KICKS, 0, 0, 0, 0 },
		{ "unmasked", UNMASK, 1, 1, 0, 0 },
		{ "the selector follows", SELECTED, 1, 1, 1, 1 },
		{ "and the upcall of its vcpu", UPCALL, 1, 1, 0, 1 },
		{ "not of the other", UPCALL, 1, 0, 0, 0 },
		{ "with a kick", KICKS, 0, 0, 0, 1 },
		{ "unmasking what is not masked", UNMASK, 1, 1, 0, 0 },
		{ "kicks nobody", KICKS, 0, 0, 0, 1 },
		{ "a free port is refused", UNMASK, 1, 2, 0, -EINVAL },
	};

	RUN(steps);
}

static void virqs(void **state)
{
	static const struct step steps[] = {
		{ "each vcpu has its timer", VIRQ, 1, VIRQ_TIMER, 0, 1 },
		{ "the other as well", VIRQ, 1, VIRQ_TIMER, 1, 2 },
		{ "once", VIRQ, 1, VIRQ_TIMER, 1, -EEXIST },
		{ "a vcpu that is not there", VIRQ, 1, VIRQ_TIMER, 2,
		  -ENOENT },
		{ "nor far beyond", VIRQ, 1, VIRQ_TIMER, 1u << 31, -ENOENT },
		{ "a virq that is not there", VIRQ, 1, NR_VIRQS, 0, -EINVAL },
		{ "nor one without a meaning", VIRQ, 1, 5, 0, -EINVAL },
		{ "dom0's are dom0's", VIRQ, 1, VIRQ_CONSOLE, 0, -EPERM },
		{ "it may", VIRQ, 0, VIRQ_CONSOLE, 0, 1 },
		{ "to its vcpu 0 alone", VIRQ, 0, VIRQ_DOM_EXC, 1, -EINVAL },
		{ "it is raised", RAISE, 1, VIRQ_TIMER, 1, 0 },
		{ "for that vcpu", PENDING, 1, 2, 0, 1 },
		{ "not the other", PENDING, 1, 1, 0, 0 },
		{ "it does not move", MOVE, 1, 2, 0, -EINVAL },
		{ "a global one does", MOVE, 0, 1, 1, 0 },
		{ "and is raised", RAISE_GLOBAL, 0, VIRQ_CONSOLE, 0, 0 },
		{ "where it is", UPCALL, 0, 1, 0, 1 },
		{ "an unbound one is nobody's", RAISE, 1, VIRQ_DEBUG, 0, 0 },
		{ "nobody sends to it", SEND, 1, 2, 0, -EINVAL },
		{ "closed", CLOSE, 1, 2, 0, 0 },
		{ "it is raised into nothing", RAISE, 1, VIRQ_TIMER, 1, 0 },
		{ "and is bound anew", VIRQ, 1, VIRQ_TIMER, 1, 2 },
		{ "a moved one closes as well", CLOSE, 0, 1, 0, 0 },
		{ "and is bound anew, too", VIRQ, 0, VIRQ_CONSOLE, 0, 1 },
	};

	RUN(steps);
}

static void vcpus(void **state)
{
	static const struct step steps[] = {
		{ "an unbound port", UNBOUND, 1, 2, 0, 1 },
		{ "tells vcpu 0", TOLD, 1, 1, 0, 0 },
		{ "or 1", MOVE, 1, 1, 1, 0 },
		{ "as it says", TOLD, 1, 1, 0, 1 },
		{ "not 2", MOVE, 1, 1, 2, -ENOENT },
		{ "bound", INTERDOMAIN, 2, 1, 1, 1 },
		{ "and sent to", SEND, 2, 1, 0, 0 },
		{ "1 is told", UPCALL, 1, 1, 0, 1 },
		{ "0 is not", UPCALL, 1, 0, 0, 0 },
		{ "an IPI stays", IPI, 1, 0, 0, 2 },
		{ "where it is", MOVE, 1, 2, 1, -EINVAL },
		{ "an IPI for nobody", IPI, 1, 2, 0, -ENOENT },
	};

	RUN(steps);
}

static void polls(void **state)
{
	static const struct step steps[] = {
		{ "two ports", IPI, 1, 0, 0, 1 },
		{ "of vcpu 0", IPI, 1, 0, 0, 2 },
		{ "both masked", MASK, 1, 1, 0, 0 },
		{ "masked", MASK, 1, 2, 0, 0 },
		{ "vcpu 1 polls one", POLL, 1, 1, 2, 0 },
		{ "the other does not", SEND, 1, 1, 0, 0 },
		{ "wake it", WAKES, 0, 0, 0, 0 },
		{ "its own does", SEND, 1, 2, 0, 0 },
		{ "though masked", WAKES, 0, 0, 0, 1 },
		{ "seen", CLEAR, 1, 2, 0, 0 },
		{ "nobody polls now", SEND, 1, 2, 0, 0 },
		{ "so nobody wakes", WAKES, 0, 0, 0, 1 },
		{ "seen again", CLEAR, 1, 2, 0, 0 },
		{ "who polls several", POLL, 1, 0, 0, 0 },
		{ "wakes", SEND, 1, 2, 0, 0 },
		{ "by any", WAKES, 0, 0, 0, 2 },
	};

	RUN(steps);
}

static void ends(void **state)
{
	static const struct step steps[] = {
		{ "a channel", UNBOUND, 1, 2, 0, 1 },
		{ "bound", INTERDOMAIN, 2, 1, 1, 1 },
		{ "one waiting", UNBOUND, 1, 2, 0, 2 },
		{ "a timer", VIRQ, 1, VIRQ_TIMER, 0, 3 },
		{ "its domain ends", END, 1, 0, 0, 0 },
		{ "the other end waits", STATE, 2, 1, 0, EVTCHNSTAT_unbound },
		{ "and sends into nothing", SEND, 2, 1, 0, 0 },
		{ "nobody binds to the dead", INTERDOMAIN, 2, 1, 2, -EINVAL },
		{ "who gets no new ports", UNBOUND, 1, 2, 0, -EINVAL },
		{ "of any kind", IPI, 1, 0, 0, -EINVAL },
		{ "and binds nothing", INTERDOMAIN, 1, 2, 1, -EINVAL },
		{ "its timer is silent", RAISE, 1, VIRQ_TIMER, 0, 0 },
		{ "no bit", PENDING, 1, 3, 0, 0 },
	};

	RUN(steps);
}

static void port_bounds(void **state)
{
	uint32_t port, i;

	for (i = 1; i < MAX_EVTCHNS; i++) {
		assert_int_equal(evtchn_alloc_unbound(dom[1], 2, &port), 0);
		assert_int_equal(port, i);
	}
	assert_int_equal(evtchn_alloc_unbound(dom[1], 2, &port), -ENOSPC);
	assert_int_equal(evtchn_bind_ipi(dom[1], 0, &port), -ENOSPC);
	assert_int_equal(evtchn_bind_virq(dom[1], VIRQ_TIMER, 0, &port),
			 -ENOSPC);
	assert_int_equal(evtchn_close(dom[1], 77), 0);
	assert_int_equal(evtchn_bind_ipi(dom[1], 0, &port), 0);
	assert_int_equal(port, 77);
}

/* Two vcpus close the same port, the only one of its bucket: that goes with it. */
static void closed_twice(void **state)
{
	uint32_t port, i;

	for (i = 1; i < EVTCHN_BUCKET; i++)
		assert_int_equal(evtchn_bind_ipi(dom[1], 0, &port), 0);
	assert_int_equal(evtchn_alloc_unbound(dom[2], 1, &port), 0);
	assert_int_equal(evtchn_bind_interdomain(dom[1], dom[2], port, &port),
			 0);
	assert_int_equal(port, EVTCHN_BUCKET);
	racer = dom[1];
	raced_port = port;
	assert_int_equal(evtchn_close(dom[1], port), -EINVAL);
	assert_null(racer);
}

/* The n-th allocation fails, for each n: an error, and all is as before. */
static void no_memory(void **state)
{
	uint32_t port, used = 0, i;

	for (i = 1; i < 4 * EVTCHN_BUCKET; i++) {
		allocations = 0;
		fail_at = 1;
		if (evtchn_bind_ipi(dom[1], 0, &port) == 0) {
			used++;
		} else {
			fail_at = 0;
			assert_int_equal(evtchn_bind_ipi(dom[1], 0, &port), 0);
			used++;
		}
		assert_int_equal(dom[1]->event.nr_used, used);
	}
	fail_at = 0;
}

/* vcpu_info moves: whatever was under way is found in the new place. */
static void info_moves(void **state)
{
	struct vcpu_info new = { .evtchn_upcall_mask = 0 };
	struct vcpu *v = dom[1]->vcpu[1];
	uint32_t port;

	v->event.info->evtchn_upcall_mask = 1;
	assert_int_equal(evtchn_bind_ipi(dom[1], 1, &port), 0);
	event_move_info(v, &new);
	assert_ptr_equal(v->event.info, &new);
	assert_int_equal(new.evtchn_upcall_mask, 1);
	assert_int_equal(new.evtchn_upcall_pending, 1);
	assert_true(new.evtchn_pending_sel == ~0ul);
	assert_false(event_deliverable(v));
	new.evtchn_upcall_mask = 0;
	assert_true(event_deliverable(v));

	new.evtchn_upcall_pending = 0;
	new.evtchn_pending_sel = 0;
	assert_int_equal(evtchn_send(dom[1], port), 0);
	assert_int_equal(new.evtchn_pending_sel, 1);
	assert_int_equal(new.evtchn_upcall_pending, 1);
}

/* The other end in the hypervisor, from bind to close. */
static unsigned called;

static void backend_fn(void *arg)
{
	++*(unsigned *)arg;
}

static void backend(void **state)
{
	static const struct step before[] = {
		{ "a port for dom0", UNBOUND, 1, 0, 0, 1 },
		{ "one for another", UNBOUND, 1, 2, 0, 2 },
		{ "a sent event is lost", SEND, 1, 1, 0, 0 },
	};
	static const struct step bound[] = {
		{ "dom0 cannot bind it, too", INTERDOMAIN, 0, 1, 1, -EINVAL },
		{ "to the guest it is bound", STATE, 1, 1, 0,
		  EVTCHNSTAT_interdomain },
		{ "a send", SEND, 1, 1, 0, 0 },
		{ "leaves no bit", PENDING, 1, 1, 0, 0 },
		{ "it tells another vcpu", MOVE, 1, 1, 1, 0 },
	};
	static const struct step told[] = {
		{ "the guest hears the backend", PENDING, 1, 1, 0, 1 },
		{ "on that vcpu", UPCALL, 1, 1, 0, 1 },
		{ "seen", CLEAR, 1, 1, 0, 0 },
	};
	static const struct step unbound[] = {
		{ "it waits again", STATE, 1, 1, 0, EVTCHNSTAT_unbound },
		{ "sends are lost", SEND, 1, 1, 0, 0 },
		{ "and stays silent", PENDING, 1, 1, 0, 0 },
	};
	static const struct step closed[] = {
		{ "the guest closes it", CLOSE, 1, 1, 0, 0 },
		{ "and binds the port anew", IPI, 1, 0, 0, 1 },
		{ "which is its own", PENDING, 1, 1, 0, 0 },
	};
	unsigned other = 0;

	called = 0;
	RUN(before);
	assert_int_equal(evtchn_bind_backend(dom[1], 2, backend_fn, &called),
			 -EINVAL);
	assert_int_equal(evtchn_bind_backend(dom[1], 3, backend_fn, &called),
			 -EINVAL);
	assert_int_equal(called, 0);
	assert_int_equal(evtchn_bind_backend(dom[1], 1, backend_fn, &called),
			 0);
	assert_int_equal(called, 1);	/* for what was lost */
	assert_int_equal(evtchn_bind_backend(dom[1], 1, backend_fn, &other),
			 -EINVAL);
	RUN(bound);
	assert_int_equal(called, 2);
	evtchn_notify_guest(dom[1], 1, &called);
	RUN(told);

	/* another binding's backend has no say */
	evtchn_notify_guest(dom[1], 1, &other);
	evtchn_unbind_backend(dom[1], 1, &other);
	evtchn_unbind_backend(dom[1], 1, &called);
	evtchn_notify_guest(dom[1], 1, &called);
	RUN(unbound);
	assert_int_equal(called, 2);

	assert_int_equal(evtchn_bind_backend(dom[1], 1, backend_fn, &called),
			 0);
	RUN(closed);
	evtchn_notify_guest(dom[1], 1, &called);
	evtchn_unbind_backend(dom[1], 1, &called);
	assert_int_equal(evtchn_close(dom[1], 1), 0);

	/* and one that is left when its domain ends */
	assert_int_equal(perform(&before[0]), 1);
	assert_int_equal(evtchn_bind_backend(dom[1], 1, backend_fn, &called),
			 0);
}

/* Random operations of all three; after each, both ends agree everywhere. */
static void both_ends_agree(void)
{
	int i;
	uint32_t port;

	for (i = 0; i < NR_DOMAINS; i++) {
		for (port = 1; port < 64; port++) {
			struct evtchn_status st, far;

			status(dom[i], port, &st);
			if (st.status != EVTCHNSTAT_interdomain)
				continue;
			status(dom[st.u.interdomain.dom], st.u.interdomain.port,
			       &far);
			assert_int_equal(far.status, EVTCHNSTAT_interdomain);
			assert_int_equal(far.u.interdomain.dom, i);
			assert_int_equal(far.u.interdomain.port, port);
		}
	}
}

static void storm(void **state)
{
	uint32_t seed = 1, i;

	for (i = 0; i < 20000; i++) {
		struct step s = { "storm", UNBOUND, 0, 0, 0, 0 };
		static const enum op ops[] = { UNBOUND, INTERDOMAIN, VIRQ, IPI,
					       MOVE,	CLOSE,	     SEND,
					       UNMASK,	RAISE };

		seed = seed * 1664525 + 1013904223;
		s.op = ops[(seed >> 8) % ARRAY_SIZE(ops)];
		s.d = (int)((seed >> 13) % NR_DOMAINS);
		s.a = (seed >> 16) % 3;
		s.b = (seed >> 20) % 40;
		if (s.op == CLOSE || s.op == SEND || s.op == UNMASK ||
		    s.op == MOVE)
			s.a = (seed >> 20) % 40;
		if (s.op == VIRQ || s.op == RAISE || s.op == MOVE)
			s.b %= NR_VCPUS;
		perform(&s);
		if (i % 16 == 0)
			both_ends_agree();
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(channel), T(to_oneself), T(masks),	   T(virqs),
		T(vcpus),   T(polls),	   T(ends),	   T(port_bounds),
		T(no_memory), T(info_moves), T(backend),   T(storm),
		T(closed_twice),
	};

	return cmocka_run_group_tests_name("evtchn", tests, NULL, NULL);
}
