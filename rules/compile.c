/*
 * compile.c: from a checked file to the blob that the VFR loads.
 *
 * Atoms of one rule stand next to each other and are about as many as its text
 * has members: of two long lists of addresses one is kept as a set.
 */
#include "rules_int.h"

#include <errno.h>

#include <vfr/ruleset.h>

#define PRODUCT_MAX	64	/* atoms for which both lists are written out */
#define LIST_MAX	65536	/* atoms for which the longer one is */

struct compiler {
	struct rules	*r;
	struct vec	 strings;	/* char */
	struct vec	 addrs, nets, ports, routes, nats, rules;
	struct vec	 atoms, sets, ranges;
	uint32_t	*file_names;	/* by source */
};

static int too_large(struct compiler *c, const struct rules_pos *pos,
		     const char *what)
{
	diag_fatal(c->r, -E2BIG, pos, "the rules need more %s than the VFR "
		   "takes", what);
	return -E2BIG;
}

static uint32_t add_string(struct compiler *c, const char *s)
{
	size_t len = strlen(s) + 1, i;
	uint32_t at = c->strings.n;

	if (len == 1)
		return 0;
	for (i = 0; i < len; i++) {
		char *slot = vec_add(c->r, &c->strings, 1);

		if (!slot)
			return 0;
		*slot = s[i];
	}
	return at;
}

static uint32_t file_string(struct compiler *c, uint32_t file)
{
	if (!c->file_names[file])
		c->file_names[file] = add_string(c,
						 rules_file_name(c->r, file));
	return c->file_names[file];
}

static void add_addr(struct compiler *c, const struct vfr_addr *a,
		     unsigned int len)
{
	struct vfr_prefix *p = vec_add(c->r, &c->addrs, sizeof(*p));

	if (p)
		*p = (struct vfr_prefix){ .addr = *a, .len = len };
}

/* Of both families. */
static void add_any(struct compiler *c)
{
	const struct vfr_addr all4 = vfr_addr_v4(0), all6 = { { 0 } };

	add_addr(c, &all4, VFR_V4_BITS);
	add_addr(c, &all6, 0);
}

/* --- prefixes of ranges --- */

/*
 * Take the longest prefix off the front of lo..hi; returns its length and
 * moves *lo behind it, *done if that was all.
 */
static unsigned int range_take(u128 *lo, u128 hi, bool *done)
{
	unsigned int bits = 0;	/* of the host part */
	u128 end = *lo;

	while (bits < 128) {
		u128 bit = (u128)1 << bits, wider = end | bit;

		if (*lo & bit || wider > hi)
			break;
		end = wider;
		bits++;
	}
	*done = end == hi;
	*lo = end + 1;
	return 128 - bits;
}

static uint32_t count_prefixes(const struct ranges *a, uint32_t max)
{
	uint32_t i, n = 0;

	for (i = 0; i < a->n && n <= max; i++) {
		u128 lo = addr_number(&a->r[i].lo);
		u128 hi = addr_number(&a->r[i].hi);
		bool done = false;

		while (!done) {
			range_take(&lo, hi, &done);
			n++;
		}
	}
	return n;
}

static void list_prefixes(struct compiler *c, const struct ranges *a,
			  struct vec *out)
{
	uint32_t i;

	for (i = 0; i < a->n; i++) {
		u128 lo = addr_number(&a->r[i].lo);
		u128 hi = addr_number(&a->r[i].hi);
		bool done = false;

		while (!done) {
			struct vfr_prefix *p = vec_add(c->r, out, sizeof(*p));

			if (!p)
				return;
			p->addr = number_addr(lo);
			p->len = range_take(&lo, hi, &done);
		}
	}
}

/* The longest prefix that holds all of the ranges. */
static struct vfr_prefix hull_prefix(const struct ranges *a)
{
	u128 lo = addr_number(&a->r[0].lo);
	u128 diff = lo ^ addr_number(&a->r[a->n - 1].hi);
	unsigned int len = 128;
	struct vfr_prefix p = { .addr = a->r[0].lo };
	struct vfr_addr hi;

	for (; diff; diff >>= 1)
		len--;
	p.len = len;
	prefix_bounds(&p.addr, len, &p.addr, &hi);
	return p;
}

/* --- sets --- */

static bool set_is(const struct compiler *c, const struct vfr_cls_set *s,
		   const struct ranges *a)
{
	const struct vfr_cls_range *r = c->ranges.data;

	return s->count == a->n && memcmp(r + s->first, a->r,
					  a->n * sizeof(*r)) == 0;
}

/* The index of a set of these ranges, VFR_CLS_NO_SET if there is no room. */
static uint16_t add_set(struct compiler *c, const struct ranges *a)
{
	struct vfr_cls_set *s = c->sets.data;
	size_t i;

	for (i = c->sets.n; i > 0; i--)
		if (set_is(c, &s[i - 1], a))
			return i - 1;
	if (c->sets.n >= VFR_CLS_MAX_SETS ||
	    c->ranges.n + a->n > VFR_CLS_MAX_RANGES)
		return VFR_CLS_NO_SET;
	s = vec_add(c->r, &c->sets, sizeof(*s));
	if (!s)
		return VFR_CLS_NO_SET;
	*s = (struct vfr_cls_set){ c->ranges.n, a->n };
	for (i = 0; i < a->n; i++) {
		struct vfr_cls_range *r = vec_add(c->r, &c->ranges, sizeof(*r));

		if (!r)
			return VFR_CLS_NO_SET;
		*r = a->r[i];
	}
	return c->sets.n - 1;
}

/* --- atoms --- */

/* One end of a lane as atoms have it: prefixes, perhaps with a set. */
struct end {
	struct vec	prefixes;
	uint16_t	set;
};

static void end_list(struct compiler *c, const struct ranges *a, struct end *e)
{
	e->set = VFR_CLS_NO_SET;
	list_prefixes(c, a, &e->prefixes);
}

static void end_set(struct compiler *c, const struct ranges *a, struct end *e)
{
	struct vfr_prefix *p;

	arena_turn(c->r, false);
	e->set = add_set(c, a);
	arena_turn(c->r, true);
	if (e->set == VFR_CLS_NO_SET) {
		end_list(c, a, e);
		return;
	}
	p = vec_add(c->r, &e->prefixes, sizeof(*p));
	if (p)
		*p = hull_prefix(a);
}

/* The lists are for a moment, at the end of the arena; sets at its start. */
static void choose_ends(struct compiler *c, const struct lane *l,
			uint32_t nr_kinds, struct end *src, struct end *dst)
{
	uint64_t ns = count_prefixes(&l->src, LIST_MAX);
	uint64_t nd = count_prefixes(&l->dst, LIST_MAX);
	bool src_set = false, dst_set = false;

	if (ns * nd * nr_kinds > PRODUCT_MAX) {
		src_set = ns > 1 && ns <= nd;
		dst_set = nd > 1 && nd < ns;
	}
	if ((src_set ? 1 : ns) * (dst_set ? 1 : nd) * nr_kinds > LIST_MAX) {
		src_set = ns > 1;
		dst_set = nd > 1;
	}
	if (src_set)
		end_set(c, &l->src, src);
	else
		end_list(c, &l->src, src);
	if (dst_set)
		end_set(c, &l->dst, dst);
	else
		end_list(c, &l->dst, dst);
}

/* Which families a prefix has members of: ::/0 has both. */
enum { FAMILY_4 = 1, FAMILY_6 = 2 };

static unsigned int prefix_families(const struct vfr_prefix *p)
{
	static const struct vfr_addr mapped = { { [10] = 0xff, [11] = 0xff } };

	if (p->len >= VFR_V4_BITS)
		return vfr_addr_is_v4(&p->addr) ? FAMILY_4 : FAMILY_6;
	return vfr_prefix_has(p, &mapped) ? FAMILY_4 | FAMILY_6 : FAMILY_6;
}

/* IPv4 and IPv6 never meet in one packet, nor ICMP with the other's. */
static bool families_meet(const struct kind *k, const struct vfr_prefix *src,
			  const struct vfr_prefix *dst)
{
	unsigned int both = prefix_families(src) & prefix_families(dst);

	if (!k->any_proto && k->proto == PROTO_ICMP)
		return both & FAMILY_4;
	if (!k->any_proto && k->proto == PROTO_ICMP6)
		return both & FAMILY_6;
	return both;
}

static int add_atom(struct compiler *c, uint32_t rule, const struct space *s,
		    const struct lane *l, const struct kind *k,
		    const struct vfr_prefix *src, const struct vfr_prefix *dst,
		    uint16_t src_set, uint16_t dst_set)
{
	struct vfr_cls_rule *a;

	if (!families_meet(k, src, dst))
		return 0;
	if (c->atoms.n >= VFR_CLS_MAX_ATOMS)
		return too_large(c, NULL, "atoms");
	a = vec_add(c->r, &c->atoms, sizeof(*a));
	if (!a)
		return -ENOMEM;
	*a = (struct vfr_cls_rule){
		.src = src->addr, .src_len = src->len, .src_set = src_set,
		.dst = dst->addr, .dst_len = dst->len, .dst_set = dst_set,
		.proto = k->proto, .any_proto = k->any_proto,
		.sport_lo = k->sport_lo, .sport_hi = k->sport_hi,
		.dport_lo = k->dport_lo, .dport_hi = k->dport_hi,
		.in = l->in, .out = l->out,
		.tcp_flags = s->tcp_flags, .tcp_mask = s->tcp_mask,
		.frag = s->frag, .frag_mask = s->frag_mask, .rule = rule,
	};
	return 0;
}

static int product_atoms(struct compiler *c, uint32_t rule,
			 const struct space *s, const struct lane *l,
			 const struct end *src, const struct end *dst)
{
	const struct vfr_prefix *ps = src->prefixes.data;
	const struct vfr_prefix *pd = dst->prefixes.data;
	size_t i, j;
	uint32_t k;
	int rc;

	for (i = 0; i < src->prefixes.n; i++)
		for (j = 0; j < dst->prefixes.n; j++)
			for (k = 0; k < s->nr_kinds; k++) {
				rc = add_atom(c, rule, s, l, &s->kinds[k],
					      &ps[i], &pd[j], src->set,
					      dst->set);
				if (rc)
					return rc;
			}
	return c->r->fatal;
}

static int lane_atoms(struct compiler *c, uint32_t rule, const struct space *s,
		      const struct lane *l)
{
	struct end src = { { NULL } }, dst = { { NULL } };
	size_t mark;
	int rc;

	arena_turn(c->r, true);
	mark = arena_mark(c->r);
	choose_ends(c, l, s->nr_kinds, &src, &dst);
	arena_turn(c->r, false);
	rc = product_atoms(c, rule, s, l, &src, &dst);
	arena_turn(c->r, true);
	arena_release(c->r, mark);
	arena_turn(c->r, false);
	return rc;
}

static int compile_rule(struct compiler *c, const struct rules_rule *rule)
{
	struct vfr_rs_rule *out = vec_add(c->r, &c->rules, sizeof(*out));
	uint32_t index = c->rules.n - 1, i;
	const struct space *s = rule->space;
	int rc = 0;

	if (!out)
		return -ENOMEM;
	*out = (struct vfr_rs_rule){
		.id = rule->id,
		.action = rule->action == RULES_ALLOW ? VFR_ALLOW :
			  rule->action == RULES_DENY ? VFR_DENY : VFR_REJECT,
		.flags = (rule->stateless ? VFR_RULE_STATELESS : 0) |
			 (rule->log ? VFR_RULE_LOG : 0) |
			 (rule->per_source ? VFR_RULE_LIMIT_SOURCE : 0),
		.limit = rule->limit,
		.limit_period_ms = rule->limit ? rule->limit_period_ms : 0,
		.limit_burst = rule->limit_burst,
		.label = add_string(c, rule->label),
		.comment = add_string(c, rule->comment),
		.file = file_string(c, rule->node.pos.file),
		.line = rule->node.pos.line,
		.text = add_string(c, rule->canonical),
	};
	for (i = 0; s && i < s->nr_lanes && !rc; i++)
		rc = lane_atoms(c, index, s, &s->lanes[i]);
	return rc;
}

/* --- nets, ports, routes --- */

static void compile_net(struct compiler *c, const struct rules_net *n)
{
	struct vfr_rs_net *out = vec_add(c->r, &c->nets, sizeof(*out));
	const struct rules_ref *p;

	if (!out)
		return;
	*out = (struct vfr_rs_net){
		.name = add_string(c, n->node.name),
		.kind = n->nic ? VFR_NET_BRIDGED : VFR_NET_ROUTED,
		.nic = n->nic ? n->nic->port : VFR_NONE16,
		.first_addr = c->addrs.n,
	};
	if (!n->nic)
		memcpy(out->mac, n->mac, sizeof(out->mac));
	foreach_node(p, n->prefixes) {
		struct vfr_addr gw = n->nic ? p->lo : net_gateway_in(n, p);

		add_addr(c, &gw, p->prefix_len);
	}
	out->nr_addrs = c->addrs.n - out->first_addr;
}

static void compile_nic(struct compiler *c, const struct rules_nic *n,
			struct vfr_rs_port *out)
{
	const struct rules_ref *a;

	out->name = add_string(c, n->node.name);
	out->device = add_string(c, n->device_name);
	out->kind = VFR_PORT_NIC;
	out->flags = n->no_ping ? 0 : VFR_PORT_PING;
	out->vlan = n->vlan;
	out->net = VFR_NONE16;
	memcpy(out->mac, n->mac, sizeof(out->mac));
	out->mtu = n->mtu;
	out->rate_bps = n->rate_bps;
	foreach_node(a, n->addresses)
		add_addr(c, &a->lo, a->prefix_len);
	foreach_node(a, n->gateways) {
		struct vfr_addr *gw = vfr_addr_is_v4(&a->lo) ? &out->gateway4
							     : &out->gateway6;

		if (vfr_addr_is_zero(gw))
			*gw = a->lo;
	}
}

static void compile_iface(struct compiler *c, const struct rules_iface *i,
			  struct vfr_rs_port *out)
{
	const struct rules_ref *a;

	out->name = out->device = add_string(c, i->port_name);
	out->kind = VFR_PORT_VIF;
	out->flags = i->net->nic || i->net->no_ping ? 0 : VFR_PORT_PING;
	out->net = i->net->index;
	memcpy(out->mac, i->mac, sizeof(out->mac));
	out->mtu = i->net->mtu;
	out->rate_bps = i->rate_bps;
	foreach_node(a, i->addresses) {
		if (a->kind == RULES_REF_ANY)
			add_any(c);
		else
			add_addr(c, &a->lo, 128);
	}
	foreach_node(a, i->routes)
		add_addr(c, &a->lo, a->prefix_len);
}

static void compile_port(struct compiler *c, const struct rules_node *n)
{
	struct vfr_rs_port port = { .first_addr = c->addrs.n }, *out;

	if (n->kind == RULES_NIC)
		compile_nic(c, (const void *)n, &port);
	else
		compile_iface(c, (const void *)n, &port);
	port.nr_addrs = c->addrs.n - port.first_addr;
	out = vec_add(c->r, &c->ports, sizeof(*out));
	if (out)
		*out = port;
}

static void add_route(struct compiler *c, const struct rules_route *rt,
		      const struct vfr_prefix *dst,
		      const struct vfr_prefix *src)
{
	struct vfr_rs_route *out = vec_add(c->r, &c->routes, sizeof(*out));

	if (!out)
		return;
	*out = (struct vfr_rs_route){
		.dst = *dst, .src = *src, .port = rt->port,
		.file = file_string(c, rt->node.pos.file),
		.line = rt->node.pos.line,
	};
	if (rt->via)
		out->via = rt->via->lo;
}

static struct vfr_prefix ref_prefix(const struct rules_ref *ref)
{
	return (struct vfr_prefix){ .addr = ref->lo, .len = ref->prefix_len };
}

/* For sources of these families.  The next hop is for its own. */
static void route_from(struct compiler *c, const struct rules_route *rt,
		       const struct vfr_prefix *src, unsigned int families)
{
	static const struct vfr_prefix all6;
	struct vfr_prefix dst = ref_prefix(rt->dst);

	if (rt->via)
		families &= vfr_addr_is_v4(&rt->via->lo) ? FAMILY_4 : FAMILY_6;
	if (rt->dst->kind == RULES_REF_ADDR) {
		if (families)
			add_route(c, rt, &dst, src);
		return;
	}
	if (families & FAMILY_4) {
		dst = (struct vfr_prefix){ vfr_addr_v4(0), VFR_V4_BITS };
		add_route(c, rt, &dst, src);
	}
	if (families & FAMILY_6)
		add_route(c, rt, &all6, src);
}

static void compile_route(struct compiler *c, const struct rules_route *rt)
{
	static const struct vfr_prefix any;
	struct vec v = { NULL };
	struct vfr_prefix p;
	struct ranges src;
	size_t i;

	if (!rt->src) {
		route_from(c, rt, &any, FAMILY_4 | FAMILY_6);
		return;
	}
	if (rt->src->kind == RULES_REF_ADDR) {
		p = ref_prefix(rt->src);
		route_from(c, rt, &p, vfr_addr_is_v4(&p.addr) ? FAMILY_4
							      : FAMILY_6);
		return;
	}
	if (!space_addrs(c->r, rt->src, &src))
		return;
	list_prefixes(c, &src, &v);
	for (i = 0; i < v.n; i++) {
		p = ((struct vfr_prefix *)v.data)[i];
		route_from(c, rt, &p, prefix_families(&p));
	}
}

/* --- translations --- */

static struct vfr_rs_nat *add_nat(struct compiler *c, const struct rules_nat *n,
				  unsigned int kind)
{
	struct vfr_rs_nat *out, *all;
	uint64_t id = n->id;

	out = vec_add(c->r, &c->nats, sizeof(*out));
	if (!out)
		return NULL;
	all = c->nats.data;
	/* Entries of a statement stand together: each has its own id. */
	if (c->nats.n > 1 && all[c->nats.n - 2].line == n->node.pos.line &&
	    all[c->nats.n - 2].file == file_string(c, n->node.pos.file))
		id = hash_text(all[c->nats.n - 2].id, "next", 4);
	*out = (struct vfr_rs_nat){
		.id = id, .kind = kind, .hi = UINT16_MAX,
		.port = ((struct rules_nic *)n->nic->target)->port,
		.file = file_string(c, n->node.pos.file),
		.line = n->node.pos.line,
		.comment = add_string(c, n->comment),
	};
	return out;
}

static bool nic_has_family(const struct rules_nat *n, bool v4)
{
	const struct rules_nic *nic = (const void *)n->nic->target;
	const struct rules_ref *a;

	foreach_node(a, nic->addresses)
		if (vfr_addr_is_v4(&a->lo) == v4)
			return true;
	return false;
}

static void compile_masquerade(struct compiler *c, const struct rules_nat *n)
{
	struct vec v = { NULL };
	struct ranges from;
	size_t i;

	if (!space_addrs(c->r, n->from, &from))
		return;
	list_prefixes(c, &from, &v);
	for (i = 0; i < v.n; i++) {
		const struct vfr_prefix *p = (struct vfr_prefix *)v.data + i;
		struct vfr_rs_nat *out;

		if (p->len && !nic_has_family(n, vfr_addr_is_v4(&p->addr)))
			continue;
		out = add_nat(c, n, VFR_NAT_MASQUERADE);
		if (out)
			out->match = *p;
	}
}

/* The addresses of the one host that a translation names. */
static const struct rules_ref *nat_host(const struct rules_ref *ref)
{
	const struct rules_domain *d = (const void *)ref->target;

	if (ref->kind == RULES_REF_ADDR)
		return ref;
	if (ref->iface)
		return ref->iface->addresses;
	return d && d->ifaces ? d->ifaces->addresses : NULL;
}

static void add_redirect(struct compiler *c, const struct rules_nat *n,
			 const struct kind *k, const struct vfr_addr *at,
			 const struct vfr_addr *to)
{
	struct vfr_rs_nat *out = add_nat(c, n, VFR_NAT_REDIRECT);

	if (!out)
		return;
	out->match = (struct vfr_prefix){ .addr = *at, .len = 128 };
	out->to = (struct vfr_prefix){ .addr = *to, .len = 128 };
	out->proto = k->any_proto ? 0 : k->proto;
	out->lo = k->dport_lo;
	out->hi = k->dport_hi;
	if (n->to_port)
		out->to_lo = n->to_port->ports->port_lo;
}

/* For each of our addresses there, to the host's first of that family. */
static void compile_redirect(struct compiler *c, const struct rules_nat *n)
{
	const struct rules_nic *nic = (const void *)n->nic->target;
	const struct rules_ref *at, *to, *ats = n->at ? n->at : nic->addresses;
	struct vec kinds = { NULL };
	const struct kind *k;
	size_t i;

	if (!space_kinds(c->r, n->what, NULL, &kinds))
		return;
	k = kinds.data;
	foreach_node(at, ats) {
		foreach_node(to, nat_host(n->to))
			if (to->kind == RULES_REF_ADDR &&
			    vfr_addr_is_v4(&to->lo) == vfr_addr_is_v4(&at->lo))
				break;
		for (i = 0; to && i < kinds.n; i++)
			add_redirect(c, n, &k[i], &at->lo, &to->lo);
	}
}

static void compile_static(struct compiler *c, const struct rules_nat *n)
{
	const struct rules_ref *in, *out = n->at;
	struct vfr_rs_nat *nat;

	foreach_node(in, nat_host(n->from))
		if (in->kind == RULES_REF_ADDR &&
		    vfr_addr_is_v4(&in->lo) == vfr_addr_is_v4(&out->lo))
			break;
	if (!in)
		return;
	nat = add_nat(c, n, VFR_NAT_STATIC);
	if (!nat)
		return;
	nat->match = (struct vfr_prefix){ .addr = in->lo,
					  .len = in->prefix_len };
	nat->to = (struct vfr_prefix){ .addr = out->lo,
				       .len = out->prefix_len };
}

static void compile_nat(struct compiler *c, const struct rules_nat *n)
{
	switch (n->nat) {
	case RULES_MASQUERADE:	compile_masquerade(c, n); break;
	case RULES_REDIRECT:	compile_redirect(c, n); break;
	case RULES_STATIC:	compile_static(c, n); break;
	}
}

/* --- the whole --- */

/* What grows by each rule, once: the rest is little. */
static bool reserve(struct compiler *c)
{
	size_t rules = 0, atoms = 0, text = 1;
	struct rules_node *n;

	foreach_stmt(c->r, RULES_RULE, n) {
		const struct rules_rule *rule = (void *)n;
		const struct space *s = rule->space;

		rules++;
		text += strlen(rule->canonical) + strlen(rule->label) +
			strlen(rule->comment) + 3;
		atoms += s ? (size_t)s->nr_lanes * s->nr_kinds : 0;
		if (atoms > VFR_CLS_MAX_ATOMS)
			atoms = VFR_CLS_MAX_ATOMS;
	}
	return vec_reserve(c->r, &c->strings, text, 1) &&
	       vec_reserve(c->r, &c->rules, rules, sizeof(struct vfr_rs_rule)) &&
	       vec_reserve(c->r, &c->atoms, atoms, sizeof(struct vfr_cls_rule));
}

static int compile_statements(struct compiler *c)
{
	struct rules *r = c->r;
	struct rules_node *n;
	uint32_t i;
	int rc;

	if (!reserve(c))
		return -ENOMEM;
	vec_add(r, &c->strings, 1);	/* offset 0 is "" */
	for (i = 0; i < r->nr_nets; i++)
		compile_net(c, r->nets[i]);
	for (i = 0; i < r->nr_ports; i++)
		compile_port(c, r->ports[i]);
	foreach_stmt(r, RULES_ROUTE, n)
		compile_route(c, (struct rules_route *)n);
	foreach_stmt(r, RULES_NAT, n)
		compile_nat(c, (struct rules_nat *)n);
	foreach_stmt(r, RULES_RULE, n) {
		rc = compile_rule(c, (struct rules_rule *)n);
		if (rc)
			return rc;
	}
	return r->fatal;
}

/* An array of none is an array, too: not NULL. */
static const void *vec_array(const struct vec *v)
{
	static const uint64_t none;

	return v->data ? v->data : &none;
}

/* From here on the rules are what was compiled of them. */
static void forget_rules(struct rules *r)
{
	struct rules_node **link = &r->stmts, *n;

	while (*link)
		if ((*link)->kind == RULES_RULE)
			*link = (*link)->next;
		else
			link = &(*link)->next;
	foreach_stmt(r, RULES_SET, n) {
		((struct rules_set *)n)->ranges = NULL;
		((struct rules_set *)n)->ports = NULL;
	}
	arena_turn(r, true);
	arena_release(r, 0);
	arena_turn(r, false);
}

/* The blob is written into what is left when the builder has its own. */
static int compile_classifier(struct compiler *c, struct vfr_rs_parts *parts)
{
	struct vfr_cls_input in = {
		.rules = vec_array(&c->atoms), .nr_rules = c->atoms.n,
		.sets = vec_array(&c->sets), .nr_sets = c->sets.n,
		.ranges = vec_array(&c->ranges), .nr_ranges = c->ranges.n,
	};
	size_t arena_len = vfr_cls_arena_size(&in), mark, cap, len;
	void *blob, *arena;
	int rc;

	arena_turn(c->r, true);
	mark = arena_mark(c->r);
	arena = rules_alloc(c->r, arena_len);
	if (!arena)
		return -ENOMEM;
	blob = arena_rest(c->r, &cap);
	rc = vfr_cls_build(&in, arena, arena_len, blob, cap, &len, NULL);
	if (rc == -ENOSPC) {
		arena_full(c->r, vfr_cls_blob_max(&in));
		return -ENOMEM;
	}
	if (rc)
		return rc;
	arena_take_rest(c->r, len);
	arena_release(c->r, mark);
	arena_turn(c->r, false);
	parts->classifier = blob;
	parts->nr_classifier = len;
	return 0;
}

static uint64_t parts_hash(const struct vfr_rs_parts *p)
{
	uint64_t h = HASH_SEED;

	h = hash_text(h, p->strings, p->nr_strings);
	h = hash_text(h, (void *)p->addrs, p->nr_addrs * sizeof(*p->addrs));
	h = hash_text(h, (void *)p->nets, p->nr_nets * sizeof(*p->nets));
	h = hash_text(h, (void *)p->ports, p->nr_ports * sizeof(*p->ports));
	h = hash_text(h, (void *)p->routes, p->nr_routes * sizeof(*p->routes));
	h = hash_text(h, (void *)p->nats, p->nr_nats * sizeof(*p->nats));
	h = hash_text(h, (void *)p->rules, p->nr_rules * sizeof(*p->rules));
	return hash_text(h, p->classifier, p->nr_classifier);
}

/* In place of all that it was made of: from mark on. */
static int write_blob(struct rules *r, const struct vfr_rs_parts *parts,
		      size_t mark, const void **blob, size_t *len)
{
	size_t end_mark, rest;
	void *out;

	*len = vfr_ruleset_size(parts);
	arena_turn(r, true);
	end_mark = arena_mark(r);
	out = rules_alloc(r, *len);
	if (!out)
		return -ENOMEM;
	vfr_ruleset_write(parts, out);
	arena_release(r, end_mark);
	arena_turn(r, false);
	arena_release(r, mark);
	*blob = memmove(arena_rest(r, &rest), out, *len);
	arena_take_rest(r, *len);
	return 0;
}

int rules_compile(struct rules *r, const void **blob, size_t *len)
{
	struct compiler c = { .r = r };
	struct vfr_rs_parts parts;
	size_t mark = arena_mark(r);
	int rc;

	if (r->fatal)
		return r->fatal;
	if (r->nr_errors)
		return -EINVAL;
	c.file_names = rules_alloc(r, r->nr_sources * sizeof(uint32_t));
	if (!c.file_names)
		return -ENOMEM;
	rc = compile_statements(&c);
	if (rc)
		return rc;
	if (r->forget)
		forget_rules(r);
	parts = (struct vfr_rs_parts){
		.strings = vec_array(&c.strings), .nr_strings = c.strings.n,
		.addrs = vec_array(&c.addrs), .nr_addrs = c.addrs.n,
		.nets = vec_array(&c.nets), .nr_nets = c.nets.n,
		.ports = vec_array(&c.ports), .nr_ports = c.ports.n,
		.routes = vec_array(&c.routes), .nr_routes = c.routes.n,
		.nats = vec_array(&c.nats), .nr_nats = c.nats.n,
		.rules = vec_array(&c.rules), .nr_rules = c.rules.n,
	};
	rc = compile_classifier(&c, &parts);
	if (rc)
		return rc;
	parts.hash = parts_hash(&parts);
	if (vfr_ruleset_size(&parts) > VFR_RULESET_MAX_BYTES)
		return too_large(&c, NULL, "memory");
	return write_blob(r, &parts, mark, blob, len);
}
