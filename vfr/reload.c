/*
 * reload.c: put a ruleset in force.
 *
 * There are two sets of tables.  The new ruleset is checked and built into
 * the spare one; only when nothing can fail any more do they change places.
 * Counters are carried over by the stable ids of rules and translations.
 * Flows carry the number of the ruleset that allowed them (gen) and are
 * judged anew when they are next used or swept over.
 */
#include <errno.h>

#include "internal.h"

/* fe80:: and the MAC (RFC 4291, appendix A) */
static struct vfr_addr link_local_of(const uint8_t *m)
{
	return (struct vfr_addr){ { 0xfe, 0x80, [8] = m[0] ^ 2, m[1], m[2],
				    0xff, 0xfe, m[3], m[4], m[5] } };
}

static void iface_addrs(struct iface *ifc, const struct vfr_prefix *a,
			uint32_t n)
{
	for (; n; n--, a++) {
		struct vfr_addr *to = vfr_addr_is_v4(&a->addr) ? &ifc->addr4
							       : &ifc->addr6;

		if (vfr_addr_is_zero(to))
			*to = a->addr;
	}
}

static void iface_fill(struct tables *t, uint32_t i, uint64_t now_ns)
{
	const struct vfr_rs_parts *p = &t->rs.p;
	struct iface *ifc = &t->ifaces[i];
	const struct vfr_rs_port *o = &p->ports[i];

	memset(ifc, 0, sizeof(*ifc));
	ifc->rs = o;
	ifc->kind = o->kind;
	ifc->vlan = o->vlan;
	ifc->dev = ifc->next = ifc->net = NONE16;
	if (o->kind == VFR_PORT_VIF) {
		const struct vfr_rs_net *n = &p->nets[o->net];

		ifc->net = o->net;
		ifc->bridged = n->kind == VFR_NET_BRIDGED;
		memcpy(ifc->peer_mac, o->mac, 6);
		memcpy(ifc->mac, n->mac, 6);
		if (!ifc->bridged)
			iface_addrs(ifc, p->addrs + n->first_addr, n->nr_addrs);
		return;
	}
	memcpy(ifc->mac, o->mac, 6);
	vfr_rate_set(&ifc->rate, o->rate_bps, o->burst_bytes, now_ns);
	iface_addrs(ifc, p->addrs + o->first_addr, o->nr_addrs);
}

static void ifaces_fill(struct tables *t, uint64_t now_ns)
{
	const struct vfr_rs_parts *p = &t->rs.p;
	uint32_t i;

	t->nr_ifaces = p->nr_ports;
	for (i = 0; i < t->nr_ifaces; i++)
		iface_fill(t, i, now_ns);
	for (i = 0; i < p->nr_nets; i++)
		if (p->nets[i].kind == VFR_NET_BRIDGED)
			t->ifaces[p->nets[i].nic].net = (uint16_t)i;
}

/* What depends on the device: MAC and MTU. */
static void iface_bind(struct vfr *v, struct tables *t, uint32_t i)
{
	static const uint8_t zero[6];
	struct iface *ifc = &t->ifaces[i];
	const struct vfr_rs_port *o = ifc->rs;
	int dev = vfr_port_find(v, vfr_ruleset_text(&t->rs, o->device));
	struct port *port;

	ifc->dev = ifc->next = NONE16;
	if (dev < 0 || v->ports[dev].kind != o->kind)
		return;
	port = &v->ports[dev];
	ifc->dev = (uint16_t)dev;
	ifc->next = port->iface;
	port->iface = (uint16_t)i;
	ifc->mtu = port->mtu;
	if (o->mtu && o->mtu < ifc->mtu)
		ifc->mtu = o->mtu;
	if (o->kind == VFR_PORT_NIC && !memcmp(o->mac, zero, 6))
		memcpy(ifc->mac, port->mac, 6);
	ifc->ll = link_local_of(ifc->mac);
}

/* Join the ruleset's ports to the devices that are attached now. */
void tables_bind(struct vfr *v, struct tables *t)
{
	uint32_t i;

	for (i = 0; i < v->lim.ports; i++)
		v->ports[i].iface = NONE16;
	if (!t->blob)
		return;
	for (i = 0; i < t->nr_ifaces; i++)
		iface_bind(v, t, i);
	for (i = 0; i < t->nr_ifaces; i++) {
		struct iface *ifc = &t->ifaces[i], *nic;

		if (!ifc->bridged)
			continue;
		nic = &t->ifaces[t->rs.p.nets[ifc->net].nic];
		memcpy(ifc->mac, nic->mac, 6);
		ifc->addr4 = nic->addr4;
		ifc->addr6 = nic->addr6;
		ifc->ll = nic->ll;
	}
}

/* --- counters follow ids --- */

/* Rules or translations of a ruleset: their 64-bit ids lie stride apart. */
struct ids {
	const uint8_t	*first;
	size_t		stride;
	uint32_t	nr;
};

static uint64_t id_at(const struct ids *s, uint32_t i)
{
	uint64_t id;

	memcpy(&id, s->first + i * s->stride, sizeof(id));
	return id;
}

static uint32_t slot_of(const struct vfr *v, uint64_t id, uint32_t mask)
{
	return (uint32_t)hash_bytes(v->seed, &id, sizeof(id)) & mask;
}

/* For each old entry its new index, by an open hash of the new ids. */
static void remap(struct vfr *v, const struct ids *old, const struct ids *new,
		  uint32_t *map)
{
	uint32_t *hash = v->remap_hash, mask = v->remap_mask, i, s;

	memset(hash, 0xff, (mask + 1ul) * sizeof(*hash));
	for (i = 0; i < new->nr; i++) {
		s = slot_of(v, id_at(new, i), mask);
		while (hash[s] != NONE32)
			s = (s + 1) & mask;
		hash[s] = i;
	}
	for (i = 0; i < old->nr; i++) {
		s = slot_of(v, id_at(old, i), mask);
		while (hash[s] != NONE32 &&
		       id_at(new, hash[s]) != id_at(old, i))
			s = (s + 1) & mask;
		map[i] = hash[s];
	}
}

static void exchange(struct rule_rt *a, struct rule_rt *b)
{
	struct rule_rt t = *a;

	*a = *b;
	*b = t;
}

/*
 * Each entry goes to its new index; what stood there comes here and goes on.
 * Those that stay behind begin anew.  left: where what is at an index is still
 * to go.  Every exchange brings one home, so this ends.
 */
static void carry(struct vfr *v, const struct ids *old, const struct ids *new,
		  uint32_t *map, struct rule_rt *rt)
{
	uint32_t *left = v->remap_hash, i, to;
	uint32_t n = old->nr > new->nr ? old->nr : new->nr;

	remap(v, old, new, map);
	for (i = 0; i < n; i++)
		left[i] = i < old->nr ? map[i] : NONE32;
	for (i = 0; i < n; i++)
		while ((to = left[i]) != NONE32 && to != i) {
			if (left[to] == to) { /* two of one id: the first stays */
				left[i] = NONE32;
				break;
			}
			left[i] = left[to];
			left[to] = to;
			exchange(&rt[i], &rt[to]);
		}
	for (i = 0; i < n; i++)
		if (left[i] == NONE32)
			memset(&rt[i], 0, sizeof(rt[i]));
}

static struct ids rule_ids(const struct tables *t)
{
	return (struct ids){ (const uint8_t *)t->rs.p.rules,
			     sizeof(struct vfr_rs_rule),
			     t->blob ? t->rs.p.nr_rules : 0 };
}

static struct ids nat_ids(const struct tables *t)
{
	return (struct ids){ (const uint8_t *)t->rs.p.nats,
			     sizeof(struct vfr_rs_nat),
			     t->blob ? t->rs.p.nr_nats : 0 };
}

/* --- the checks that need this router --- */

struct place {			/* where packets come in: one port each */
	char		device[VFR_NAME_MAX];
	uint16_t	vlan;
};
_Static_assert(sizeof(struct place) == VFR_NAME_MAX + 2,
	       "no holes: it is hashed");

static struct place place_of(const struct vfr_ruleset *rs, uint32_t port)
{
	const struct vfr_rs_port *o = &rs->p.ports[port];
	struct place at = { .vlan = o->vlan };

	name_copy(at.device, sizeof(at.device), rs->p.strings + o->device);
	return at;
}

static int twins(struct vfr *v, const struct vfr_ruleset *rs, const char **why)
{
	uint32_t *hash = v->remap_hash, mask = v->remap_mask, i, s;

	memset(hash, 0xff, (mask + 1ul) * sizeof(*hash));
	for (i = 0; i < rs->p.nr_ports; i++) {
		struct place at = place_of(rs, i), other;

		s = (uint32_t)hash_bytes(v->seed, &at, sizeof(at)) & mask;
		for (; hash[s] != NONE32; s = (s + 1) & mask) {
			other = place_of(rs, hash[s]);
			if (!memcmp(&other, &at, sizeof(at))) {
				*why = "two ports are the same device and VLAN";
				return -EINVAL;
			}
		}
		hash[s] = i;
	}
	return 0;
}

static int too_big(const struct vfr *v, const struct vfr_ruleset *rs,
		   const char **why)
{
	*why = NULL;
	if (rs->p.nr_rules > v->lim.rules || rs->p.nr_nats > v->lim.nats)
		*why = "more rules than this router has room for";
	else if (rs->p.nr_ports > v->lim.ports * 4)
		*why = "more ports than this router has room for";
	else if (route_count(rs) > v->lim.hosts)
		*why = "more addresses and routes than this router has room for";
	return *why ? -E2BIG : 0;
}

static void swap(struct vfr *v)
{
	struct tables *t = v->t;
	struct ids old, new;

	old = rule_ids(v->t);
	new = rule_ids(v->spare);
	carry(v, &old, &new, v->remap, v->rules);
	old = nat_ids(v->t);
	new = nat_ids(v->spare);
	carry(v, &old, &new, v->remap_nat, v->nats);
	v->t = v->spare;
	v->spare = t;
	v->gen++;
}

int vfr_load(struct vfr *v, const void *blob, size_t len, unsigned int flags,
	     uint64_t now_ns, const void **old, const char **why)
{
	struct tables *t = v->spare;
	const char *text;
	int rc;

	if (!why)
		why = &text;
	t->blob = NULL;
	rc = vfr_ruleset_open(&t->rs, blob, len, why);
	if (!rc)
		rc = too_big(v, &t->rs, why);
	if (!rc)
		rc = twins(v, &t->rs, why);
	if (rc)
		return rc;
	/* Flows of the ruleset before this one are still to be judged by it. */
	while (v->reload_left)
		flow_sweep(v, v->lim.flows);
	t->blob = blob;
	if (now_ns > v->now)
		v->now = now_ns;
	ifaces_fill(t, v->now);
	route_build(v, t);
	neigh_drop_held(v);
	swap(v);
	tables_bind(v, v->t);
	v->keep_flows = flags & VFR_LOAD_KEEP_FLOWS;
	v->reload_left = v->lim.flows;
	v->st.reload_checked = v->st.reload_closed = 0;
	v->st.loads++;
	if (old)
		*old = v->spare->blob;
	return 0;
}

const struct vfr_ruleset *vfr_loaded(const struct vfr *v)
{
	return v->t->blob ? &v->t->rs : NULL;
}
