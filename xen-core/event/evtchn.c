/*
 * evtchn.c: what may be done with the ports of domains.
 *
 * The two ends of an interdomain channel change together: that takes both
 * domains' locks, the lower domid's first.  One end's lock is enough to keep the
 * channel as it is, and so the remote domain from being freed: a send needs only
 * its own.
 */
#include "evtchn_private.h"
#include "heap.h"
#include "nospec.h"

struct evtchn_backend {
	void (*fn)(void *arg);
	void *arg;
};

static int vcpu_check(const struct domain *d, uint32_t vcpu)
{
	return vcpu < d->nr_vcpus && d->vcpu[index_nospec(vcpu, MAX_VCPUS)] ?
		       0 : -ENOENT;
}

/* ---- two domains at once ---- */

/* Interrupts are off. */
static void lock_both(struct domain *a, struct domain *b)
{
	spin_lock(a->domid <= b->domid ? &a->event.lock : &b->event.lock);
	if (a != b)
		spin_lock(a->domid <= b->domid ? &b->event.lock :
						 &a->event.lock);
}

static void unlock_both(struct domain *a, struct domain *b)
{
	spin_unlock(&a->event.lock);
	if (a != b)
		spin_unlock(&b->event.lock);
}

/* ---- operations ---- */

/*
 * A new port of d that has no other end elsewhere: like *as, whose state, vcpu,
 * remote_dom and n are given.  bound: a vcpu's place for the number, which must
 * be free; or NULL.
 */
static int port_new_once(struct domain *d, const struct evtchn *as,
			 uint16_t *bound, uint32_t *port)
{
	uint64_t flags = spin_lock_irqsave(&d->event.lock);
	struct evtchn *c;
	int rc = bound && *bound ? -EEXIST :
				   port_alloc(d, as->state, as->vcpu, &c);

	if (rc > 0) {
		*c = *as;
		*port = (uint32_t)rc;
		if (bound)
			*bound = (uint16_t)rc;
	}
	spin_unlock_irqrestore(&d->event.lock, flags);
	return MIN(rc, 0);
}

static int port_new(struct domain *d, const struct evtchn *as, uint16_t *bound,
		    uint32_t *port)
{
	int rc;

	do {
		rc = port_new_once(d, as, bound, port);
	} while (rc == -ERESTART && (rc = port_spare_add(d)) == 0);
	return rc;
}

int evtchn_alloc_unbound(struct domain *d, uint16_t remote_dom, uint32_t *port)
{
	const struct evtchn as = { .state = EVTCHNSTAT_unbound,
				   .remote_dom = remote_dom };

	return port_new(d, &as, NULL, port);
}

/* Both locks are held. */
static int bind_locked(struct domain *d, struct domain *remote,
		       uint32_t remote_port, uint32_t *port)
{
	struct evtchn *rc = port_of(remote, remote_port), *lc;
	int n;

	if (!rc || rc->state != EVTCHNSTAT_unbound ||
	    rc->remote_dom != d->domid)
		return -EINVAL;
	n = port_alloc(d, EVTCHNSTAT_interdomain, 0, &lc);
	if (n < 0)
		return n;

	lc->remote = remote;
	lc->n = remote_port;
	rc->state = EVTCHNSTAT_interdomain;
	rc->remote = d;
	rc->n = (uint32_t)n;
	*port = (uint32_t)n;
	return 0;
}

/* What was sent while the port was unbound is lost; so the binder looks once. */
static int bind_once(struct domain *d, struct domain *remote,
		     uint32_t remote_port, uint32_t *port)
{
	uint64_t flags = irq_save();
	int rc;

	lock_both(d, remote);
	rc = bind_locked(d, remote, remote_port, port);
	if (rc == 0)
		port_set_pending(d, *port, d->vcpu[0]);
	unlock_both(d, remote);
	irq_restore(flags);
	return rc;
}

int evtchn_bind_interdomain(struct domain *d, struct domain *remote,
			    uint32_t remote_port, uint32_t *port)
{
	int rc;

	do {
		rc = bind_once(d, remote, remote_port, port);
	} while (rc == -ERESTART && (rc = port_spare_add(d)) == 0);
	return rc;
}

/* Who may bind a virtual IRQ, and how often. */
#define VIRQ_PER_VCPU	1
#define VIRQ_GLOBAL	2	/* once in a domain, and to vcpu 0 first */
#define VIRQ_DOM0	4

static const uint8_t virq_kind[NR_VIRQS] = {
	[VIRQ_TIMER] = VIRQ_PER_VCPU,
	[VIRQ_DEBUG] = VIRQ_PER_VCPU,
	[VIRQ_CONSOLE] = VIRQ_GLOBAL | VIRQ_DOM0,
	[VIRQ_DOM_EXC] = VIRQ_GLOBAL | VIRQ_DOM0,
	[VIRQ_TBUF] = VIRQ_GLOBAL | VIRQ_DOM0,
	[VIRQ_DEBUGGER] = VIRQ_GLOBAL | VIRQ_DOM0,
	[VIRQ_XENOPROF] = VIRQ_PER_VCPU,
	[VIRQ_CON_RING] = VIRQ_GLOBAL | VIRQ_DOM0,
	[VIRQ_PCPU_STATE] = VIRQ_GLOBAL | VIRQ_DOM0,
	[VIRQ_MEM_EVENT] = VIRQ_GLOBAL | VIRQ_DOM0,
	[VIRQ_ARGO] = VIRQ_GLOBAL,
	[VIRQ_ENOMEM] = VIRQ_GLOBAL | VIRQ_DOM0,
	[VIRQ_XENPMU] = VIRQ_PER_VCPU,
	[VIRQ_ARCH_0] = VIRQ_PER_VCPU,	/* VIRQ_SLUICE_VTIMER */
};

static int virq_check(const struct domain *d, uint32_t virq, uint32_t vcpu)
{
	uint8_t kind;

	if (virq >= NR_VIRQS)
		return -EINVAL;
	kind = virq_kind[index_nospec(virq, NR_VIRQS)];
	if (!kind || (kind & VIRQ_GLOBAL && vcpu != 0))
		return -EINVAL;
	if (kind & VIRQ_DOM0 && !d->privileged)
		return -EPERM;
	return vcpu_check(d, vcpu);
}

int evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu,
		     uint32_t *port)
{
	int rc = virq_check(d, virq, vcpu);
	struct evtchn as = { .state = EVTCHNSTAT_virq };

	if (rc)
		return rc;
	as.n = (uint32_t)index_nospec(virq, NR_VIRQS);
	as.vcpu = (uint8_t)index_nospec(vcpu, MAX_VCPUS);
	as.remote_dom = as.vcpu;	/* whose virq_port it is in */
	return port_new(d, &as, &d->vcpu[as.vcpu]->event.virq_port[as.n], port);
}

int evtchn_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port)
{
	const struct evtchn as = { .state = EVTCHNSTAT_ipi,
				   .vcpu = (uint8_t)vcpu };
	int rc = vcpu_check(d, vcpu);

	return rc ? rc : port_new(d, &as, NULL, port);
}

/* Per-vcpu virtual IRQs and IPIs stay where they were bound. */
static bool may_move(const struct evtchn *c)
{
	switch (c->state) {
	case EVTCHNSTAT_unbound:
	case EVTCHNSTAT_interdomain:
	case EVTCHN_BACKEND:
		return true;
	case EVTCHNSTAT_virq:
		return virq_kind[c->n] & VIRQ_GLOBAL;
	default:
		return false;
	}
}

int evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu)
{
	int rc = vcpu_check(d, vcpu);
	struct evtchn *c;
	uint64_t flags;

	if (rc)
		return rc;
	flags = spin_lock_irqsave(&d->event.lock);
	c = port_of(d, port);
	if (c && may_move(c))
		WRITE_ONCE(c->vcpu, (uint8_t)vcpu);
	else
		rc = -EINVAL;
	spin_unlock_irqrestore(&d->event.lock, flags);
	return rc;
}

/* One end closes; the other may be bound again by the closer's domain. */
static void close_interdomain(struct domain *d, uint32_t port,
			      struct evtchn *c)
{
	struct evtchn *rc = port_of(c->remote, c->n);

	CHECK(rc && rc->state == EVTCHNSTAT_interdomain && rc->remote == d &&
	      rc->n == port);
	rc->state = EVTCHNSTAT_unbound;
	rc->remote_dom = d->domid;
	rc->remote = NULL;
	rc->n = 0;
	port_free(d, port, c);
}

/*
 * Close where only d's lock is needed and held.  An interdomain port is left:
 * its remote domain is returned, with a reference.
 */
static int close_locked(struct domain *d, uint32_t port,
			struct domain **remote)
{
	struct evtchn *c = port_of(d, port);

	if (!c || c->state == EVTCHNSTAT_closed)
		return -EINVAL;
	if (c->state == EVTCHNSTAT_interdomain) {
		*remote = c->remote;
		domain_hold(*remote);
		return 0;
	}
	if (c->state == EVTCHNSTAT_virq)
		d->vcpu[c->remote_dom]->event.virq_port[c->n] = 0;
	if (c->state == EVTCHN_BACKEND)
		heap_free_for(d, c->backend);
	port_free(d, port, c);
	return 0;
}

/* With both locks.  False: the channel changed while there was none; another
 * vcpu may have closed it, and its bucket may be gone. */
static bool close_both(struct domain *d, uint32_t port, struct domain *remote)
{
	struct evtchn *c = port_of(d, port);

	if (!c || c->state != EVTCHNSTAT_interdomain || c->remote != remote)
		return false;
	close_interdomain(d, port, c);
	return true;
}

int evtchn_close(struct domain *d, uint32_t port)
{
	bool closed = false;
	uint64_t flags;
	int rc;

	do {
		struct domain *remote = NULL;

		flags = spin_lock_irqsave(&d->event.lock);
		rc = close_locked(d, port, &remote);
		spin_unlock_irqrestore(&d->event.lock, flags);
		if (!remote)
			return rc;

		flags = irq_save();
		lock_both(d, remote);
		closed = close_both(d, port, remote);
		unlock_both(d, remote);
		irq_restore(flags);
		domain_put(remote);
	} while (!closed);
	return 0;
}

/* Under d's lock, which keeps the remote end as it is. */
static int send_locked(struct domain *d, uint32_t port)
{
	struct evtchn *c = port_of(d, port), *rc;

	if (!c)
		return -EINVAL;
	switch (c->state) {
	case EVTCHNSTAT_interdomain:
		rc = port_of(c->remote, c->n);
		port_set_pending(c->remote, c->n,
			    c->remote->vcpu[READ_ONCE(rc->vcpu)]);
		return 0;
	case EVTCHNSTAT_ipi:
		port_set_pending(d, port, d->vcpu[c->vcpu]);
		return 0;
	case EVTCHN_BACKEND:
		c->backend->fn(c->backend->arg);
		return 0;
	case EVTCHNSTAT_unbound:
		return 0;	/* lost, as the ABI has it */
	default:
		return -EINVAL;
	}
}

int evtchn_send(struct domain *d, uint32_t port)
{
	uint64_t flags = spin_lock_irqsave(&d->event.lock);
	int rc = send_locked(d, port);

	spin_unlock_irqrestore(&d->event.lock, flags);
	return rc;
}

int evtchn_unmask(struct domain *d, uint32_t port)
{
	uint64_t flags = spin_lock_irqsave(&d->event.lock);
	struct evtchn *c = port_of(d, port);
	int rc = 0;

	if (!c || c->state == EVTCHNSTAT_closed)
		rc = -EINVAL;
	else
		port_unmask(d, port, d->vcpu[c->vcpu]);
	spin_unlock_irqrestore(&d->event.lock, flags);
	return rc;
}

static void status_fill(const struct evtchn *c, struct evtchn_status *st)
{
	st->status = c->state;
	st->vcpu = c->vcpu;
	switch (c->state) {
	case EVTCHNSTAT_unbound:
		st->u.unbound.dom = c->remote_dom;
		break;
	case EVTCHNSTAT_interdomain:
		st->u.interdomain.dom = c->remote->domid;
		st->u.interdomain.port = c->n;
		break;
	case EVTCHNSTAT_virq:
		st->u.virq = c->n;
		break;
	case EVTCHN_BACKEND:
		st->status = EVTCHNSTAT_interdomain;
		st->u.interdomain.dom = 0;
		st->u.interdomain.port = 0;
		break;
	}
}

/* A port that no bucket holds yet is closed, not an error. */
int evtchn_get_status(struct domain *d, struct evtchn_status *st)
{
	static const struct evtchn closed;
	const struct evtchn *c;
	uint64_t flags;

	if (st->port >= MAX_EVTCHNS)
		return -EINVAL;
	flags = spin_lock_irqsave(&d->event.lock);
	c = port_of(d, st->port);
	status_fill(c ? c : &closed, st);
	spin_unlock_irqrestore(&d->event.lock, flags);
	return 0;
}

/* ---- backends in the hypervisor ---- */

/* The lock is held.  The port if it is bound to that arg's backend. */
static struct evtchn *backend_port(struct domain *d, uint32_t port,
				   const void *arg)
{
	struct evtchn *c = port_of(d, port);

	return c && c->state == EVTCHN_BACKEND && c->backend->arg == arg ?
		       c :
		       NULL;
}

int evtchn_bind_backend(struct domain *d, uint32_t port, void (*fn)(void *),
			void *arg)
{
	struct evtchn_backend *b = heap_alloc_for(d, sizeof(*b));
	struct evtchn *c;
	uint64_t flags;

	if (!b)
		return -ENOMEM;
	*b = (struct evtchn_backend){ fn, arg };
	flags = spin_lock_irqsave(&d->event.lock);
	c = port_of(d, port);
	if (c && c->state == EVTCHNSTAT_unbound && c->remote_dom == 0) {
		c->state = EVTCHN_BACKEND;
		c->backend = b;
		fn(arg);
		b = NULL;
	}
	spin_unlock_irqrestore(&d->event.lock, flags);
	heap_free_for(d, b);
	return b ? -EINVAL : 0;
}

void evtchn_unbind_backend(struct domain *d, uint32_t port, const void *arg)
{
	uint64_t flags = spin_lock_irqsave(&d->event.lock);
	struct evtchn *c = backend_port(d, port, arg);

	if (c) {
		heap_free_for(d, c->backend);
		c->backend = NULL;
		c->state = EVTCHNSTAT_unbound;
	}
	spin_unlock_irqrestore(&d->event.lock, flags);
}

void evtchn_notify_guest(struct domain *d, uint32_t port, const void *arg)
{
	uint64_t flags = spin_lock_irqsave(&d->event.lock);
	struct evtchn *c = backend_port(d, port, arg);

	if (c)
		port_set_pending(d, port, d->vcpu[c->vcpu]);
	spin_unlock_irqrestore(&d->event.lock, flags);
}

/* ---- virtual IRQs ---- */

static void raise_locked(struct vcpu *v, unsigned virq)
{
	uint32_t port = v->event.virq_port[virq];

	if (port)
		port_set_pending(v->d, port, v->d->vcpu[port_of(v->d, port)->vcpu]);
}

void virq_raise(struct vcpu *v, unsigned virq)
{
	uint64_t flags = spin_lock_irqsave(&v->d->event.lock);

	raise_locked(v, virq);
	spin_unlock_irqrestore(&v->d->event.lock, flags);
}

void virq_raise_global(struct domain *d, unsigned virq)
{
	virq_raise(d->vcpu[0], virq);
}
