/*
 * route.c: which port leads to an address, and whose address it is.
 *
 * One table for all: the VFR's own addresses, those bound to vifs, the links
 * of NICs, routed nets and static routes.  Longest prefix first: one hash
 * lookup for each prefix length that occurs.  Built at load, then read only.
 */
#include "internal.h"

static struct vfr_addr masked(const struct vfr_addr *a, unsigned int len)
{
	struct vfr_addr r = { { 0 } };
	unsigned int bytes = len / 8, bits = len % 8;

	memcpy(r.b, a->b, bytes);
	if (bits)
		r.b[bytes] = a->b[bytes] & (uint8_t)(0xff00 >> bits);
	return r;
}

static uint32_t *head_of(const struct vfr *v, const struct tables *t,
			 const struct vfr_addr *dst, unsigned int len)
{
	uint64_t h = hash_bytes(v->seed, dst, sizeof(*dst)) + len * 0x9e3779b9u;

	return &t->fib_heads[h & (v->lim.hosts - 1)];
}

/* Entries a ruleset needs at most. */
uint32_t route_count(const struct vfr_ruleset *rs)
{
	const struct vfr_rs_parts *p = &rs->p;
	uint64_t n = p->nr_routes;
	uint32_t i;

	for (i = 0; i < p->nr_nets; i++)
		n += 2ull * p->nets[i].nr_addrs;
	for (i = 0; i < p->nr_ports; i++)
		n += 2ull * p->ports[i].nr_addrs;
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static struct fib_entry *add(struct vfr *v, struct tables *t,
			     const struct vfr_addr *dst, uint8_t len,
			     uint8_t kind, uint16_t out)
{
	struct fib_entry *e = &t->fib[t->nr_fib];
	uint32_t *link;

	memset(e, 0, sizeof(*e));
	e->dst = masked(dst, len);
	e->len = len;
	e->kind = kind;
	e->out = out;
	e->route = NONE32;
	e->next = NONE32;
	/* At the end: of equals, the first one found is the first written. */
	for (link = head_of(v, t, &e->dst, len); *link != NONE32;
	     link = &t->fib[*link].next)
		;
	*link = t->nr_fib++;
	return e;
}

/* Bound to "any": it may use an address that nobody has, but owns none. */
static bool is_any(const struct vfr_prefix *p)
{
	return !p->len || (p->len == VFR_V4_BITS && vfr_addr_is_v4(&p->addr));
}

static void add_port(struct vfr *v, struct tables *t, uint16_t i)
{
	const struct vfr_rs_port *o = &t->rs.p.ports[i];
	const struct vfr_prefix *a = t->rs.p.addrs + o->first_addr;
	uint32_t k;

	for (k = 0; k < o->nr_addrs; k++) {
		if (o->kind == VFR_PORT_VIF) {
			if (!is_any(&a[k]))
				add(v, t, &a[k].addr, a[k].len, FIB_VIF, i);
			continue;
		}
		add(v, t, &a[k].addr, 128, FIB_SELF, i);
		if (a[k].len < 128)
			add(v, t, &a[k].addr, a[k].len, FIB_LINK, i);
	}
}

static void add_net(struct vfr *v, struct tables *t,
		    const struct vfr_rs_net *n)
{
	const struct vfr_prefix *a = t->rs.p.addrs + n->first_addr;
	uint32_t k;

	for (k = 0; k < n->nr_addrs && n->kind == VFR_NET_ROUTED; k++) {
		add(v, t, &a[k].addr, 128, FIB_SELF, NONE16);
		if (a[k].len < 128)
			add(v, t, &a[k].addr, a[k].len, FIB_NET, NONE16);
	}
}

void route_build(struct vfr *v, struct tables *t)
{
	const struct vfr_rs_parts *p = &t->rs.p;
	struct fib_entry *e;
	bool used[129] = { false };
	uint32_t i;
	int len;

	t->nr_fib = t->nr_fib_lens = 0;
	memset(t->fib_heads, 0xff, v->lim.hosts * sizeof(*t->fib_heads));
	for (i = 0; i < p->nr_nets; i++)
		add_net(v, t, &p->nets[i]);
	for (i = 0; i < p->nr_ports; i++)
		add_port(v, t, (uint16_t)i);
	for (i = 0; i < p->nr_routes; i++) {
		const struct vfr_rs_route *r = &p->routes[i];

		e = add(v, t, &r->dst.addr, r->dst.len, FIB_ROUTE, r->port);
		e->src = r->src;
		e->via = r->via;
		e->route = i;
	}
	for (i = 0; i < t->nr_fib; i++)
		used[t->fib[i].len] = true;
	for (len = 128; len >= 0; len--)
		if (used[len])
			t->fib_lens[t->nr_fib_lens++] = (uint8_t)len;
}

const struct fib_entry *route_find(const struct vfr *v,
				   const struct vfr_addr *src,
				   const struct vfr_addr *dst)
{
	const struct tables *t = v->t;
	const struct fib_entry *e, *best = NULL;
	uint32_t k, i;

	for (k = 0; k < t->nr_fib_lens && !best; k++) {
		uint8_t len = t->fib_lens[k];
		struct vfr_addr m = masked(dst, len);

		/* Shorter ones are IPv6's, of which IPv4 is kept as a part. */
		if (len < VFR_V4_BITS && vfr_addr_is_v4(dst))
			break;
		for (i = *head_of(v, t, &m, len); i != NONE32; i = e->next) {
			e = &t->fib[i];
			if (e->len != len || !vfr_addr_eq(&e->dst, &m) ||
			    !vfr_prefix_has(&e->src, src))
				continue;
			if (!best || e->src.len > best->src.len)
				best = e;
		}
	}
	return best;
}

bool route_link_local(const struct vfr_addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

static bool iface_up(const struct vfr *v, const struct iface *i)
{
	return i->dev != NONE16 && v->ports[i->dev].up;
}

/* The gateway of a NIC in dst's family; zero: none. */
static const struct vfr_addr *gateway_of(const struct iface *i,
					 const struct vfr_addr *dst)
{
	return vfr_addr_is_v4(dst) ? &i->rs->gateway4 : &i->rs->gateway6;
}

/* out: up or not, it counts as up. */
static bool default_way(struct vfr *v, const struct vfr_addr *dst,
			uint16_t out, struct way *w)
{
	uint32_t i;

	for (i = 0; i < v->t->nr_ifaces; i++) {
		const struct iface *ifc = &v->t->ifaces[i];

		if (ifc->kind != VFR_PORT_NIC ||
		    (i != out && !iface_up(v, ifc)) ||
		    vfr_addr_is_zero(gateway_of(ifc, dst)))
			continue;
		w->out = (uint16_t)i;
		w->hop = *gateway_of(ifc, dst);
		return true;
	}
	return false;
}

void route_resolve(struct vfr *v, struct way *w)
{
	if (w->neigh == NONE16 && !vfr_addr_is_zero(&w->hop) &&
	    v->t->ifaces[w->out].kind == VFR_PORT_NIC)
		w->neigh = neigh_get(v, w->out, &w->hop);
}

static bool way_to(struct vfr *v, const struct vfr_addr *src,
		   const struct vfr_addr *dst, uint16_t out, struct way *w,
		   uint32_t *route)
{
	const struct fib_entry *e;

	w->neigh = NONE16;
	*route = NONE32;
	if (route_link_local(dst) || dst->b[0] == 0xff)
		return false;
	e = route_find(v, src, dst);
	if (!e)
		return default_way(v, dst, out, w);
	if (e->kind == FIB_SELF || e->kind == FIB_NET)
		return false;
	w->out = e->out;
	w->hop = vfr_addr_is_zero(&e->via) ? *dst : e->via;
	*route = e->route;
	return true;
}

bool route_way(struct vfr *v, const struct vfr_addr *src,
	       const struct vfr_addr *dst, struct way *w, uint32_t *route)
{
	return way_to(v, src, dst, NONE16, w, route);
}

bool route_leads(struct vfr *v, const struct vfr_addr *src,
		 const struct vfr_addr *dst, uint16_t out, struct way *w)
{
	uint32_t route;

	return way_to(v, src, dst, out, w, &route) && w->out == out;
}

/* Is e the link of NIC i?  Two NICs on one LAN share their prefix. */
static bool is_link_of(const struct vfr *v, uint16_t i,
		       const struct fib_entry *e)
{
	const struct vfr_rs_port *o = &v->t->rs.p.ports[i];
	const struct vfr_prefix *a = v->t->rs.p.addrs + o->first_addr;
	uint32_t n;

	for (n = o->nr_addrs; n; n--, a++)
		if (a->len == e->len && vfr_prefix_has(a, &e->dst))
			return true;
	return false;
}

bool route_back(struct vfr *v, uint16_t in, const struct vfr_addr *from,
		const struct vfr_addr *src, struct way *w)
{
	const struct iface *ifc = &v->t->ifaces[in];
	const struct fib_entry *e;

	w->out = in;
	w->neigh = NONE16;
	w->hop = *src;
	if (ifc->kind == VFR_PORT_VIF)
		return true;
	e = route_find(v, from, src);
	if (e && e->kind == FIB_LINK && is_link_of(v, in, e))
		return true;
	if (e && e->out == in && e->kind == FIB_ROUTE) {
		if (!vfr_addr_is_zero(&e->via))
			w->hop = e->via;
		return true;
	}
	w->hop = *gateway_of(ifc, src);
	return !vfr_addr_is_zero(&w->hop);
}

/* --- whose address is it? --- */

/* A prefix that holds more than IPv4 is IPv6's alone. */
static bool addrs_have(const struct vfr_prefix *a, uint32_t n,
		       const struct vfr_addr *x, bool exact)
{
	unsigned int least = vfr_addr_is_v4(x) ? VFR_V4_BITS : 0;

	for (; n; n--, a++)
		if (exact ? vfr_addr_eq(&a->addr, x) :
			    a->len >= least && vfr_prefix_has(a, x))
			return true;
	return false;
}

/* Link-local address of a MAC (RFC 4291, appendix A). */
static bool is_ll_of(const struct vfr_addr *a, const uint8_t *m)
{
	const uint8_t ll[16] = { 0xfe, 0x80, [8] = m[0] ^ 2, m[1], m[2], 0xff,
				 0xfe, m[3], m[4], m[5] };

	return !memcmp(a->b, ll, 16);
}

/* A vif whose binding names no address. */
bool iface_is_any(const struct vfr *v, uint16_t i)
{
	const struct iface *ifc = &v->t->ifaces[i];
	const struct vfr_prefix *a = v->t->rs.p.addrs + ifc->rs->first_addr;
	uint32_t n;

	for (n = ifc->rs->nr_addrs; n && ifc->kind == VFR_PORT_VIF; n--, a++)
		if (is_any(a))
			return true;
	return false;
}

/* Is a the link-local address of the VFR, or of a domain, beside port i? */
static bool is_ll_beside(const struct vfr *v, uint16_t i,
			 const struct vfr_addr *a)
{
	const struct iface *ifc = v->t->ifaces, *in = &ifc[i];
	const struct iface *end = ifc + v->t->nr_ifaces;

	if (is_ll_of(a, in->mac))
		return true;
	for (; ifc < end; ifc++)
		if (ifc != in && ifc->bridged && ifc->net == in->net &&
		    is_ll_of(a, ifc->peer_mac))
			return true;
	return false;
}

bool addr_is_taken(const struct vfr *v, uint16_t i, const struct vfr_addr *a)
{
	const struct iface *ifc = &v->t->ifaces[i];
	const struct fib_entry *e;

	if (route_link_local(a))
		return is_ll_beside(v, i, a);
	e = route_find(v, a, a);
	if (e && (e->kind == FIB_SELF || e->kind == FIB_NET))
		return true;
	if (e && e->kind == FIB_VIF)
		return e->out != i;
	if (e && e->kind == FIB_LINK &&
	    !is_link_of(v, ifc->bridged ? v->t->rs.p.nets[ifc->net].nic : i, e))
		return true;
	return nat_has(v, a);
}

/* vif: bound to it, or to any and nobody else has it.  NIC: the VFR's own
   there. */
bool iface_has_addr(const struct vfr *v, uint16_t i, const struct vfr_addr *a)
{
	const struct iface *ifc = &v->t->ifaces[i];

	if (ifc->bridged && is_ll_of(a, ifc->peer_mac))
		return true;
	return addrs_have(v->t->rs.p.addrs + ifc->rs->first_addr,
			  ifc->rs->nr_addrs, a, ifc->kind == VFR_PORT_NIC) &&
	       !(iface_is_any(v, i) && addr_is_taken(v, i, a));
}

/* The VFR's own, as stations on that port see it. */
bool iface_owns(const struct vfr *v, uint16_t i, const struct vfr_addr *a)
{
	const struct iface *ifc = &v->t->ifaces[i];
	const struct vfr_rs_net *n;

	if (is_ll_of(a, ifc->mac))
		return true;
	if (ifc->kind == VFR_PORT_NIC)
		return iface_has_addr(v, i, a);
	n = &v->t->rs.p.nets[ifc->net];
	if (n->kind == VFR_NET_BRIDGED)
		return iface_has_addr(v, n->nic, a);
	return addrs_have(v->t->rs.p.addrs + n->first_addr, n->nr_addrs, a,
			  true);
}

bool net_has(const struct vfr *v, uint16_t net, const struct vfr_addr *a)
{
	const struct vfr_rs_net *n = &v->t->rs.p.nets[net];

	return addrs_have(v->t->rs.p.addrs + n->first_addr, n->nr_addrs, a,
			  false);
}

/* The vif of a bridged net with this MAC. */
uint16_t iface_of_mac(const struct vfr *v, uint16_t net, const uint8_t *mac)
{
	uint32_t i;

	for (i = 0; i < v->t->nr_ifaces; i++) {
		const struct iface *ifc = &v->t->ifaces[i];

		if (ifc->bridged && ifc->net == net &&
		    !memcmp(ifc->peer_mac, mac, 6))
			return (uint16_t)i;
	}
	return NONE16;
}
