/*
 * xs_ring.c: two byte rings in a page that the guest writes to as it likes.
 *
 * Indices run free; each is read once, and only the difference counts.
 */
#include "dom0/xs_ring.h"

static size_t ring_in(struct xs_conn *c, struct xenstore_domain_interface *r)
{
	uint32_t prod = __atomic_load_n(&r->req_prod, __ATOMIC_ACQUIRE);
	uint32_t cons = __atomic_load_n(&r->req_cons, __ATOMIC_RELAXED);
	char buf[XENSTORE_RING_SIZE];
	size_t n = prod - cons;

	if (n > XENSTORE_RING_SIZE) {
		c->broken = true;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		buf[i] = r->req[MASK_XENSTORE_IDX(cons + i)];
	n = xs_conn_input(c, buf, n);
	__atomic_store_n(&r->req_cons, cons + n, __ATOMIC_RELEASE);
	return n;
}

static size_t ring_out(struct xs_conn *c, struct xenstore_domain_interface *r)
{
	uint32_t cons = __atomic_load_n(&r->rsp_cons, __ATOMIC_ACQUIRE);
	uint32_t prod = __atomic_load_n(&r->rsp_prod, __ATOMIC_RELAXED);
	char buf[XENSTORE_RING_SIZE];
	size_t n;

	if (prod - cons > XENSTORE_RING_SIZE) {
		c->broken = true;
		return 0;
	}
	n = xs_conn_output(c, buf, XENSTORE_RING_SIZE - (prod - cons));
	for (size_t i = 0; i < n; i++)
		r->rsp[MASK_XENSTORE_IDX(prod + i)] = buf[i];
	__atomic_store_n(&r->rsp_prod, prod + n, __ATOMIC_RELEASE);
	return n;
}

bool xs_ring_serve(struct xs_conn *c, struct xenstore_domain_interface *ring)
{
	size_t n = c->broken ? 0 : ring_in(c, ring);

	n += c->broken ? 0 : ring_out(c, ring);
	return n != 0;
}
