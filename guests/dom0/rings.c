/*
 * rings.c: the pages that dom0 shares with each domain.
 *
 * The guest writes to them while we read: indices are read once, and a
 * difference larger than a ring means that the ring is not served further.
 */
#include "dom0/rings.h"

#include <errno.h>
#include <stdint.h>

#include <xen/io/console.h>

#include "dom0/domain.h"
#include "dom0/xs_ring.h"
#include "kit/event.h"
#include "kit/kit.h"
#include "kit/time.h"

#define MEMORY_WAIT_NS	(100 * MILLISECONDS)	/* of a request, for a new try */

static void console_serve(void *arg)
{
	struct domain *d = arg;
	struct xencons_interface *r = d->con_ring.va;
	char buf[sizeof(r->out)];
	uint32_t prod, cons, n;

	if (!r)
		return;
	prod = __atomic_load_n(&r->out_prod, __ATOMIC_ACQUIRE);
	cons = __atomic_load_n(&r->out_cons, __ATOMIC_RELAXED);
	n = prod - cons;
	if (!n || n > sizeof(r->out))
		return;
	for (uint32_t i = 0; i < n; i++)
		buf[i] = r->out[MASK_XENCONS_IDX(cons + i, r->out)];
	__atomic_store_n(&r->out_cons, prod, __ATOMIC_RELEASE);
	event_send(d->con_port);
	conmux_output(&conmux, &d->con, buf, n, time_now());
}

void rings_type(struct con *c, const char *buf, size_t len)
{
	struct domain *d = container_of(c, struct domain, con);
	struct xencons_interface *r = d->con_ring.va;
	uint32_t prod, cons;

	if (!r)
		return;
	prod = __atomic_load_n(&r->in_prod, __ATOMIC_RELAXED);
	cons = __atomic_load_n(&r->in_cons, __ATOMIC_ACQUIRE);
	for (; len && prod - cons < sizeof(r->in); len--)
		r->in[MASK_XENCONS_IDX(prod++, r->in)] = *buf++;
	__atomic_store_n(&r->in_prod, prod, __ATOMIC_RELEASE);
	event_send(d->con_port);
}

static void memory_try(void *arg)
{
	rings_serve_all();
}

static void store_serve_one(struct domain *d)
{
	static struct timer memory_wait;
	bool was_broken;

	if (!d->xs || !d->xs_ring.va)
		return;
	was_broken = d->xs->broken;
	if (xs_ring_serve(d->xs, d->xs_ring.va)) {
		event_send(d->xs_port);
		event_raise(d->xs_port);	/* after those of others */
	}
	if (d->xs->waits && !memory_wait.at_ns)
		timer_set(&memory_wait, time_now() + MEMORY_WAIT_NS,
			  memory_try, NULL);
	if (d->xs->broken && !was_broken)
		printf("dom0: %s: broken xenstore ring, not served\n",
		       d->config.name);
}

void rings_serve_all(void)
{
	for (struct domain *d = domains; d; d = d->next)
		store_serve_one(d);
}

/* A request of one domain may have fired watches of others. */
static void store_event(void *arg)
{
	store_serve_one(arg);
	for (struct domain *d = domains; d; d = d->next)
		if (d->xs && d->xs->out)
			store_serve_one(d);
}

void rings_serve(struct domain *d)
{
	console_serve(d);
	store_event(d);
}

static int port_bind(struct domain *d, uint32_t remote, event_fn *fn, int *port)
{
	*port = event_bind_interdomain(d->domid, remote, fn, d);
	return *port < 0 ? *port : 0;
}

int rings_attach(struct domain *d, const struct built *b)
{
	int rc;

	d->xs = xs_conn_new(&xs_server, d->domid);
	if (!d->xs)
		return -ENOMEM;
	rc = grant_map(&d->con_ring, d->domid, BUILD_GRANT_CONSOLE, false);
	rc = rc ?: grant_map(&d->xs_ring, d->domid, BUILD_GRANT_XENSTORE,
			     false);
	if (rc)
		return -EIO;
	rc = port_bind(d, b->console_remote_port, console_serve,
		       &d->con_port);
	rc = rc ?: port_bind(d, b->xenstore_remote_port, store_event,
			     &d->xs_port);
	if (!rc)
		xs_special(&xs_server, "@introduceDomain");
	return rc;
}

static void port_close(int *port)
{
	if (*port > 0)
		event_close(*port);
	*port = 0;
}

void rings_detach(struct domain *d)
{
	port_close(&d->con_port);
	port_close(&d->xs_port);
	port_close(&d->answer_port);
	if (grant_unmap(&d->con_ring) || grant_unmap(&d->xs_ring))
		printf("dom0: %s: cannot unmap its rings\n",
		       d->config.name);
	if (d->xs)
		xs_conn_free(d->xs);
	d->xs = NULL;
}
