/*
 * check.c: from names to what they mean, and everything in its order.
 *
 * A name that is not known makes an allow rule match nothing, with a warning:
 * one missing name must not keep a whole appliance from starting.  In a deny
 * or reject rule the same would let more through than was written, so there it
 * is an error, and the ruleset that is loaded stays.
 */
#include "check.h"

#include <errno.h>

const char *kind_words(enum rules_kind kind)
{
	static const char *const words[] = {
		[RULES_NIC] = "a nic", [RULES_NET] = "a net",
		[RULES_DOMAIN] = "a domain", [RULES_SET] = "a set",
		[RULES_SERVICE] = "a service",
	};

	return kind < ARRAY_LEN(words) && words[kind] ? words[kind]
						      : "something else";
}

/* "a nic, a net or a domain" */
static void kinds_list(uint32_t kinds, const struct rules_out *out)
{
	unsigned int k;

	for (k = 0; k < 32; k++) {
		if (!(kinds & KIND_BIT(k)))
			continue;
		kinds &= ~KIND_BIT(k);	/* left: those that follow */
		out_print(out, "%s%s", kind_words(k), !kinds ? "" :
			  kinds & (kinds - 1) ? ", " : " or ");
	}
}

static void resolve_unknown(struct rules *r, const char *name,
			    const struct rules_pos *pos, uint32_t kinds,
			    bool soft)
{
	char hint[HINT_MAX], text[HINT_MAX];
	struct nearest near;
	struct strbuf b;

	nearest_init(&near, name, strlen(name));
	nearest_symbols(&near, r, kinds);
	strbuf_init(&b, text, sizeof(text));
	out_print(&b.out, "%s", nearest_hint(&near, hint, sizeof(hint)));
	if (soft && b.len)
		out_print(&b.out, " ");
	if (soft)
		out_print(&b.out, "the rule matches nothing");
	if (soft)
		warn_at(r, NAME, pos, text, "`%s` is not defined", name);
	else
		error_at(r, NAME, pos, text, "`%s` is not defined", name);
}

static void resolve_wrong(struct rules *r, const struct rules_node *n,
			  const struct rules_pos *pos, uint32_t kinds)
{
	char want[HINT_MAX];
	struct strbuf b;

	strbuf_init(&b, want, sizeof(want));
	kinds_list(kinds, &b.out);
	diag_report(r, &(struct diag_args){ RULES_ERROR, RULES_CODE_KIND, pos,
		    &n->pos, NULL }, "`%s` is %s, here stands %s", n->name,
		    kind_words(n->kind), want);
}

/* DOMAIN.NET: the interface of the domain on that net. */
static struct rules_iface *find_iface(const struct rules *r, const char *name)
{
	const char *dot = strchr(name, '.');
	struct rules_node *n = symbol_find(r, name, dot - name);
	struct rules_iface *i;

	if (!n || n->kind != RULES_DOMAIN)
		return NULL;
	foreach_node(i, ((struct rules_domain *)n)->ifaces)
		if (strcmp(i->node.name, dot + 1) == 0) {
			n->used = true;
			return i;
		}
	return NULL;
}

struct rules_node *resolve(struct rules *r, struct rules_ref *ref,
			   uint32_t kinds, bool soft)
{
	const char *name = ref->node.name;
	struct rules_node *n;

	if (strchr(name, '.') && kinds & KIND_BIT(RULES_DOMAIN)) {
		ref->iface = find_iface(r, name);
		n = ref->iface ? &ref->iface->domain->node : NULL;
	} else {
		n = symbol_find(r, name, strlen(name));
	}
	if (!n) {
		resolve_unknown(r, name, &ref->node.pos, kinds, soft);
		return NULL;
	}
	n->used = true;
	if (n->kind == RULES_BROKEN)
		return NULL;
	if (n->kind >= 32 || !(kinds & KIND_BIT(n->kind))) {
		resolve_wrong(r, n, &ref->node.pos, kinds);
		return NULL;
	}
	ref->target = n;
	return n;
}

struct rules_node *resolve_text(struct rules *r, const struct rules_text *t,
				uint32_t kinds)
{
	struct rules_ref ref = { .node = { .name = t->text, .pos = t->pos } };

	return resolve(r, &ref, kinds, false);
}

bool check_unique(struct rules *r, const char *key, struct rules_node *n,
		  const struct rules_pos *pos, const char *what)
{
	const char *copy = rules_strdup(r, key, strlen(key));
	struct rules_node *o;

	if (!copy)
		return false;
	if (symbol_define(r, copy, n) != -EEXIST)
		return true;
	o = symbol_find(r, key, strlen(key));
	diag_report(r, &(struct diag_args){ RULES_ERROR, RULES_CODE_CONFLICT,
		    pos, &o->pos, NULL }, "%s %s is in use by `%s`", what,
		    key + 1, o->name);
	return false;
}

static void define_names(struct rules *r)
{
	struct rules_node *n, *o;

	for (n = r->stmts; n; n = n->next) {
		if (!*n->name || n->name[0] == '$')
			continue;
		if (symbol_define(r, n->name, n) != -EEXIST)
			continue;
		o = symbol_find(r, n->name, strlen(n->name));
		diag_report(r, &(struct diag_args){ RULES_ERROR,
			    RULES_CODE_NAME, &n->pos, &o->pos,
			    "choose another name" },
			    "`%s` is defined already", n->name);
		n->kind = RULES_BROKEN;
	}
}

int rules_check(struct rules *r)
{
	static void (*const passes[])(struct rules *r) = {
		define_names, check_nets, check_blocks, check_sets,
		check_rules, check_spaces, check_expects, check_shadows,
		check_outsides, check_unused,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(passes) && !r->fatal; i++)
		passes[i](r);
	if (r->fatal)
		return r->fatal;
	return r->nr_errors ? -EINVAL : 0;
}

/* --- ports --- */

const char *rules_port_name(const struct rules *r, uint32_t port)
{
	if (port >= r->nr_ports)
		return "";
	if (r->ports[port]->kind == RULES_NIC)
		return r->ports[port]->name;
	return ((struct rules_iface *)r->ports[port])->port_name;
}

int rules_port_find(const struct rules *r, const char *name)
{
	uint32_t i;

	for (i = 0; i < r->nr_ports; i++)
		if (strcmp(rules_port_name(r, i), name) == 0)
			return i;
	return -ENOENT;
}

/* Is a on the link of n? */
static bool nic_has(const struct rules_nic *n, const struct vfr_addr *a)
{
	const struct rules_ref *ref;

	foreach_node(ref, n->addresses)
		if (prefix_has(ref, a))
			return true;
	return false;
}

struct rules_nic *nic_of_addr(const struct rules *r, const struct vfr_addr *a)
{
	struct rules_node *n;

	foreach_stmt(r, RULES_NIC, n)
		if (nic_has((struct rules_nic *)n, a))
			return (struct rules_nic *)n;
	return NULL;
}

static bool iface_has(const struct rules_iface *i, const struct vfr_addr *a)
{
	const struct rules_ref *ref;

	foreach_node(ref, i->addresses)
		if (ref->kind == RULES_REF_ADDR && vfr_addr_eq(&ref->lo, a))
			return true;
	foreach_node(ref, i->routes)
		if (prefix_has(ref, a))
			return true;
	return false;
}

/* `default` is of the family of its next hop, or of both. */
static bool route_leads(const struct rules_route *rt, const struct vfr_addr *a)
{
	if (rt->dst->kind != RULES_REF_ANY)
		return prefix_has(rt->dst, a);
	return !rt->via || vfr_addr_is_v4(&rt->via->lo) == vfr_addr_is_v4(a);
}

/* The nic of the best route, as the VFR would choose it. */
static uint16_t route_of_addr(const struct rules *r, const struct vfr_addr *a)
{
	uint16_t port = RULES_PORT_ANY;
	struct rules_node *n;
	int best = -1;

	foreach_stmt(r, RULES_ROUTE, n) {
		const struct rules_route *rt = (struct rules_route *)n;
		int any = vfr_addr_is_v4(a) ? VFR_V4_BITS : 0;
		int len = rt->dst->kind == RULES_REF_ANY ? any
							 : rt->dst->prefix_len;

		if (rt->src || len <= best || rt->port == RULES_PORT_ANY ||
		    !route_leads(rt, a))
			continue;
		best = len;
		port = rt->port;
	}
	return port;
}

uint16_t port_of_addr(const struct rules *r, const struct vfr_addr *a)
{
	struct rules_nic *nic;
	struct rules_node *n;
	uint16_t port;
	uint32_t i;

	for (i = 0; i < r->nr_ports; i++)
		if (r->ports[i]->kind == RULES_DOMAIN &&
		    iface_has((struct rules_iface *)r->ports[i], a))
			return i;
	nic = nic_of_addr(r, a);
	if (nic)
		return nic->port;
	port = route_of_addr(r, a);
	if (port != RULES_PORT_ANY)
		return port;
	foreach_stmt(r, RULES_NIC, n) {
		const struct rules_ref *gw;

		foreach_node(gw, ((struct rules_nic *)n)->gateways)
			if (vfr_addr_is_v4(&gw->lo) == vfr_addr_is_v4(a))
				return ((struct rules_nic *)n)->port;
	}
	return RULES_PORT_ANY;
}
