/*
 * check_rule.c: sets, services, rules, translations and expect lines mean
 * something.
 */
#include "rules_int.h"

#include <errno.h>

#define KINDS_HOST (KIND_BIT(RULES_NIC) | KIND_BIT(RULES_NET) |		\
		    KIND_BIT(RULES_DOMAIN) | KIND_BIT(RULES_SET))
#define KINDS_PORT (KIND_BIT(RULES_NIC) | KIND_BIT(RULES_NET) |		\
		    KIND_BIT(RULES_DOMAIN))
#define KINDS_MEMBER (KIND_BIT(RULES_NET) | KIND_BIT(RULES_DOMAIN) |	\
		      KIND_BIT(RULES_SET))

enum { MARK_NEW, MARK_OPEN, MARK_DONE };

/* --- sets and services --- */

static bool too_deep(struct rules *r, const struct rules_node *n,
		     unsigned int height)
{
	if (height <= r->limits.nesting)
		return false;
	diag_fatal(r, -E2BIG, &n->pos, "sets or services within each other: "
		   "more than %u deep", r->limits.nesting);
	return true;
}

static void in_itself(struct rules *r, const struct rules_pos *pos,
		      const struct rules_node *n)
{
	error_at(r, CONFLICT, pos, "take it out", "`%s` contains itself",
		 n->name);
}

static void set_visit(struct rules *r, struct rules_set *s, unsigned int depth);

/* A set within a set.  A cycle is cut here: nobody may walk it. */
static void set_member_set(struct rules *r, struct rules_set *s,
			   struct rules_ref *ref, unsigned int depth)
{
	struct rules_set *inner = (struct rules_set *)ref->target;

	if (inner->mark == MARK_OPEN) {
		in_itself(r, &ref->node.pos, &inner->node);
		ref->target = NULL;
		return;
	}
	set_visit(r, inner, depth + 1);
	if (inner->unresolved)
		s->unresolved = true;
	if (inner->height + 1 > s->height)
		s->height = inner->height + 1;
}

static bool set_member_is_port(const struct rules_ref *ref)
{
	if (ref->kind == RULES_REF_PORT)
		return true;
	return ref->target && ref->target->kind == RULES_SET &&
	       ((struct rules_set *)ref->target)->has_ports;
}

static void set_visit(struct rules *r, struct rules_set *s, unsigned int depth)
{
	const struct rules_ref *first = NULL;
	struct rules_ref *ref;

	if (s->mark == MARK_DONE || r->fatal ||
	    too_deep(r, &s->node, depth))
		return;
	s->mark = MARK_OPEN;
	foreach_node(ref, s->members) {
		if (ref->kind == RULES_REF_NAME) {
			if (!resolve(r, ref, KINDS_MEMBER, true))
				s->unresolved = true;
			else if (ref->target->kind == RULES_SET)
				set_member_set(r, s, ref, depth);
			if (!ref->target)
				continue;
		}
		if (!first)
			s->has_ports = set_member_is_port(first = ref);
		else if (set_member_is_port(ref) != s->has_ports)
			error_at(r, KIND, &ref->node.pos, "make two sets",
				 "`%s` mixes ports and addresses",
				 s->node.name);
	}
	too_deep(r, &s->node, s->height);
	s->mark = MARK_DONE;
}

/* A set or service holds a name that is not defined: of a rule that denies there
 * would be less than was written. */
static void half_known(struct rules *r, const struct rules_node *at,
		       const struct rules_node *what, bool soft)
{
	if (!soft)
		error_at(r, NAME, &at->pos, NULL, "%s `%s` holds a name that "
			 "is not defined",
			 what->kind == RULES_SET ? "set" : "service",
			 what->name);
}

/* The ports of a protocol: numbers, or sets of them. */
static bool resolve_ports(struct rules *r, struct rules_ref *list, bool soft)
{
	struct rules_ref *ref;
	bool ok = true;

	foreach_node(ref, list) {
		struct rules_set *s;

		if (ref->kind != RULES_REF_NAME)
			continue;
		s = (struct rules_set *)resolve(r, ref, KIND_BIT(RULES_SET),
						soft);
		if (!s) {
			ok = false;
		} else if (!s->has_ports && s->members) {
			error_at(r, KIND, &ref->node.pos, NULL, "`%s` is a set "
				 "of addresses, here stand ports",
				 s->node.name);
			ref->target = NULL;
		} else if (s->unresolved) {
			half_known(r, &ref->node, &s->node, soft);
			ok = false;
		}
	}
	return ok;
}

static void service_visit(struct rules *r, struct rules_service *s,
			  unsigned int depth);

static const char *well_known(const char *name)
{
	static const char *const table[][2] = {
		{ "http", "tcp 80" }, { "https", "tcp 443" },
		{ "ssh", "tcp 22" }, { "dns", "udp 53, tcp 53" },
		{ "ntp", "udp 123" }, { "smtp", "tcp 25" },
		{ "dhcp", "udp 67-68" }, { "imaps", "tcp 993" },
		{ "ldap", "tcp 389" }, { "mysql", "tcp 3306" },
		{ "postgres", "tcp 5432" }, { "syslog", "udp 514" },
		{ "snmp", "udp 161" }, { "telnet", "tcp 23" },
		{ "ftp", "tcp 21" }, { "rdp", "tcp 3389" },
		{ "ping", "icmp echo-request" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i][0], name) == 0)
			return table[i][1];
	return NULL;
}

/* An unknown service that everybody knows: say what to write. */
static bool suggest_service(struct rules *r, const struct rules_match *m,
			    bool soft)
{
	const char *ports = well_known(m->node.name);
	char hint[HINT_MAX];
	struct strbuf b;

	if (!ports || symbol_find(r, m->node.name, strlen(m->node.name)))
		return false;
	strbuf_init(&b, hint, sizeof(hint));
	out_print(&b.out, "add: service %s { %s }", m->node.name, ports);
	if (soft)
		warn_at(r, NAME, &m->node.pos, hint, "`%s` is not defined, the "
			"rule matches nothing", m->node.name);
	else
		error_at(r, NAME, &m->node.pos, hint, "`%s` is not defined",
			 m->node.name);
	return true;
}

static void resolve_service(struct rules *r, struct rules_match *m, bool soft)
{
	struct rules_ref ref = { .node = m->node };
	struct nearest near;
	char hint[HINT_MAX];

	if (suggest_service(r, m, soft))
		return;
	nearest_init(&near, m->node.name, strlen(m->node.name));
	nearest_protos(&near);
	if (near.best && near.distance == 1 &&
	    !symbol_find(r, m->node.name, strlen(m->node.name))) {
		error_at(r, NAME, &m->node.pos,
			 nearest_hint(&near, hint, sizeof(hint)),
			 "`%s` is no protocol and no service", m->node.name);
		return;
	}
	m->service = (struct rules_service *)
		resolve(r, &ref, KIND_BIT(RULES_SERVICE), soft);
}

/* False: a name is not known. */
static bool resolve_matches(struct rules *r, struct rules_match *list,
			    bool soft)
{
	struct rules_match *m;
	bool ok = true;

	foreach_node(m, list) {
		if (!resolve_ports(r, m->ports, soft))
			ok = false;
		if (m->proto != RULES_PROTO_SERVICE)
			continue;
		resolve_service(r, m, soft);
		if (m->service && m->service->unresolved)
			half_known(r, &m->node, &m->service->node, soft);
		if (!m->service || m->service->unresolved)
			ok = false;
	}
	return ok;
}

/* What kinds of protocols a list is about. */
enum {
	CLASS_TCP	= 1,
	CLASS_UDP	= 2,	/* and SCTP */
	CLASS_PORTS	= CLASS_TCP | CLASS_UDP,
	CLASS_ANY	= 4,
	CLASS_OTHER	= 8,
};

static uint8_t match_classes(const struct rules_match *list)
{
	const struct rules_match *m;
	uint8_t classes = 0;

	foreach_node(m, list) {
		if (m->proto == RULES_PROTO_SERVICE)
			classes |= m->service ? m->service->classes : 0;
		else if (m->proto == RULES_PROTO_ANY)
			classes |= CLASS_ANY;
		else if (m->proto == PROTO_TCP)
			classes |= CLASS_TCP;
		else
			classes |= proto_has_ports(m->proto) ? CLASS_UDP
							     : CLASS_OTHER;
	}
	return classes;
}

static void service_visit(struct rules *r, struct rules_service *s,
			  unsigned int depth)
{
	struct rules_match *m;

	if (s->mark == MARK_DONE || r->fatal || too_deep(r, &s->node, depth))
		return;
	s->mark = MARK_OPEN;
	if (!resolve_matches(r, s->members, true))
		s->unresolved = true;
	foreach_node(m, s->members) {
		if (!m->service)
			continue;
		if (m->service->mark == MARK_OPEN) {
			in_itself(r, &m->node.pos, &m->service->node);
			m->service = NULL;
			continue;
		}
		service_visit(r, m->service, depth + 1);
		if (m->service->unresolved)
			s->unresolved = true;
		if (m->service->height + 1 > s->height)
			s->height = m->service->height + 1;
	}
	too_deep(r, &s->node, s->height);
	s->classes = match_classes(s->members);
	s->mark = MARK_DONE;
}

void check_sets(struct rules *r)
{
	struct rules_node *n;

	foreach_stmt(r, RULES_SET, n)
		set_visit(r, (struct rules_set *)n, 0);
	foreach_stmt(r, RULES_SERVICE, n)
		service_visit(r, (struct rules_service *)n, 0);
}

/* --- rules --- */

/* False: a name is not known, or a set holds one. */
static bool resolve_hosts(struct rules *r, struct rules_ref *list,
			  uint32_t kinds, bool soft)
{
	struct rules_ref *ref;
	bool ok = true;

	foreach_node(ref, list) {
		struct rules_set *s;

		if (ref->kind != RULES_REF_NAME)
			continue;
		s = (struct rules_set *)resolve(r, ref, kinds, soft);
		if (!s) {
			ok = false;
		} else if (s->node.kind == RULES_SET && s->has_ports) {
			error_at(r, KIND, &ref->node.pos, NULL, "`%s` is a set "
				 "of ports, here stand addresses",
				 s->node.name);
			ref->target = NULL;
		} else if (s->node.kind == RULES_SET && s->unresolved) {
			half_known(r, &ref->node, &s->node, soft);
			ok = false;
		}
	}
	return ok;
}

/* What `not` can say is a set of addresses, or a nic. */
static void check_nots(struct rules *r, const struct rules_ref *list)
{
	const struct rules_ref *ref;
	bool nic = false, yes = false;

	foreach_node(ref, list) {
		const struct rules_net *net = (void *)ref->target;

		if (!ref->not) {
			yes = true;
			continue;
		}
		if (ref->kind == RULES_REF_ANY)
			error_at(r, EMPTY, &ref->node.pos, NULL,
				 "`not any` is nothing at all");
		if (!ref->target)
			continue;
		if (ref->target->kind == RULES_NIC)
			nic = true;
		if (ref->target->kind == RULES_NET && *net->bridge.text &&
		    !net->prefixes)
			error_at(r, KIND, &ref->node.pos, "give the net its "
				 "prefix", "`not %s` needs the addresses of "
				 "the net", net->node.name);
	}
	if (nic && yes)
		error_at(r, KIND, &list->node.pos, "use `in` or `out` for the "
			 "nic", "`not NIC` cannot stand beside other members");
}

static void check_rule_options(struct rules *r, const struct rules_rule *rule)
{
	if (rule->tcp_mask && match_classes(rule->what) & ~CLASS_TCP)
		error_at(r, CONFLICT, &rule->flags_text.pos, "write allow tcp",
			 "flags are TCP's; this rule is about more");
	if (rule->from_ports && match_classes(rule->what) & ~CLASS_PORTS)
		error_at(r, CONFLICT, &rule->from_ports->node.pos, "write "
			 "allow tcp, udp or sctp", "a source port needs a "
			 "protocol that has ports");
	if (rule->on && (rule->in || rule->out))
		error_at(r, CONFLICT, &rule->on->node.pos, "write in and out",
			 "`on` is in by or out by; with in or out it says "
			 "nothing clear");
	if (rule->stateless && rule->action == RULES_ALLOW)
		return;
	if (rule->stateless)
		warn_at(r, CONFLICT, &rule->node.pos, "leave it out",
			"a rule that lets nothing through keeps no state "
			"anyhow");
}

static void check_rule(struct rules *r, struct rules_rule *rule)
{
	bool soft = rule->action == RULES_ALLOW, ok;

	ok = resolve_matches(r, rule->what, soft);
	ok &= resolve_hosts(r, rule->from, KINDS_HOST, soft);
	ok &= resolve_hosts(r, rule->to, KINDS_HOST, soft);
	ok &= resolve_ports(r, rule->from_ports, soft);
	ok &= resolve_hosts(r, rule->on, KINDS_PORT, soft);
	ok &= resolve_hosts(r, rule->in, KINDS_PORT, soft);
	ok &= resolve_hosts(r, rule->out, KINDS_PORT, soft);
	rule->unresolved = !ok;
	check_nots(r, rule->from);
	check_nots(r, rule->to);
	check_rule_options(r, rule);
}

#define CANONICAL_MAX 1024	/* bytes of it that are kept, for listings */

/* The canonical text on its way to two places. */
struct canonical {
	struct strbuf	text;
	uint64_t	hash;
};

static void canonical_write(void *ctx, const char *text, size_t len)
{
	struct canonical *c = ctx;

	c->hash = hash_text(c->hash, text, len);
	c->text.out.write(c->text.out.ctx, text, len);
}

/* The text of a rule or translation, and the id that it gives. */
static void name_rule(struct rules *r, const struct rules_node *n,
		      const char **canonical, uint64_t *id)
{
	char text[CANONICAL_MAX];
	struct canonical c = { .hash = HASH_SEED };

	strbuf_init(&c.text, text, sizeof(text));
	format_canonical(n, &(struct rules_out){ canonical_write, &c });
	*canonical = rules_strdup(r, text, c.text.len);
	*id = c.hash;
}

/* --- the same written twice has two ids --- */

/* All ids, by their lowest bits; at most half of it is full. */
struct ids_entry {
	struct rules_node *n;		/* NULL: free */
	uint64_t	   id;
};
struct ids {
	struct ids_entry *entries;
	size_t		  mask;
};

static struct ids_entry *ids_find(const struct ids *t, uint64_t id)
{
	size_t i = id & t->mask;

	while (t->entries[i].n && t->entries[i].id != id)
		i = (i + 1) & t->mask;
	return &t->entries[i];
}

static void ids_add(struct ids *t, struct rules_node *n, uint64_t *id)
{
	const uint64_t hash = *id;
	struct ids_entry *e;

	while ((e = ids_find(t, *id))->n)
		/* The n-th copy keeps its id as long as it is the n-th. */
		*id = hash_text(hash + ++e->n->copies, "copy", 4);
	*e = (struct ids_entry){ n, *id };
}

static void ids_make_differ(struct rules *r)
{
	size_t mark = arena_mark(r);
	struct ids t = { .mask = 15 };
	struct rules_node *n;

	while (t.mask < 2 * (size_t)r->nr_stmts)
		t.mask = 2 * t.mask + 1;
	t.entries = rules_alloc(r, (t.mask + 1) * sizeof(*t.entries));
	if (!t.entries)
		return;
	foreach_stmt(r, RULES_RULE, n)
		ids_add(&t, n, &((struct rules_rule *)n)->id);
	foreach_stmt(r, RULES_NAT, n)
		ids_add(&t, n, &((struct rules_nat *)n)->id);
	arena_release(r, mark);
}

/* --- translations --- */

static bool one_host(struct rules *r, const struct rules_ref *ref)
{
	const struct rules_domain *d = (void *)ref->target;

	if (ref->kind == RULES_REF_ADDR && !ref->range && !ref->not &&
	    ref->prefix_len == 128)
		return true;
	if (ref->target && !ref->not && d->node.kind == RULES_DOMAIN)
		return ref->iface || (d->ifaces && !d->ifaces->node.next);
	if (ref->target || ref->kind != RULES_REF_NAME)
		error_at(r, KIND, &ref->node.pos, "write an address or DOMAIN."
			 "NET", "here stands one host");
	return false;
}

static void check_redirect(struct rules *r, struct rules_nat *n)
{
	const struct rules_match *m = n->what, *t = n->to_port;

	resolve_matches(r, n->what, false);
	resolve_hosts(r, n->to, KIND_BIT(RULES_DOMAIN), false);
	one_host(r, n->to);
	if (match_classes(n->what) & CLASS_OTHER)
		error_at(r, KIND, &m->node.pos, "tcp, udp, sctp, a service of "
			 "them, or any", "this cannot be redirected");
	if (!t)
		return;
	if (t->node.next || !t->ports || t->ports->node.next ||
	    t->ports->kind != RULES_REF_PORT || t->ports->not ||
	    t->proto != m->proto || m->node.next ||
	    t->ports->port_lo == 0)
		error_at(r, CONFLICT, &t->node.pos, "as in `tcp 8080 to web "
			 "tcp 80`", "the new port is one port of the protocol "
			 "that is redirected");
	else if (!m->ports || m->ports->node.next ||
		 m->ports->kind != RULES_REF_PORT || m->ports->not)
		error_at(r, CONFLICT, &t->node.pos, "redirect each port in a "
			 "line of its own", "a new port needs one port, or a "
			 "range, to be moved");
	else if (t->ports->port_hi != t->ports->port_lo &&
		 t->ports->port_hi - t->ports->port_lo !=
		 m->ports->port_hi - m->ports->port_lo)
		error_at(r, CONFLICT, &t->node.pos, NULL,
			 "the two ranges of ports differ in length");
	else if (t->ports->port_lo + (m->ports->port_hi - m->ports->port_lo) >
		 UINT16_MAX)
		error_at(r, VALUE, &t->node.pos, NULL, "the moved range ends "
			 "above port %d", UINT16_MAX);
}

static void check_static(struct rules *r, struct rules_nat *n)
{
	const struct rules_ref *in = n->from, *out = n->at;

	resolve_hosts(r, n->from, KIND_BIT(RULES_DOMAIN), false);
	if (out->kind != RULES_REF_ADDR || out->not || out->range) {
		error_at(r, KIND, &out->node.pos, NULL,
			 "here stands the address, or prefix, outside");
		return;
	}
	if (in->kind == RULES_REF_ADDR && !in->range && !in->not) {
		if (in->prefix_len != out->prefix_len ||
		    vfr_addr_is_v4(&in->lo) != vfr_addr_is_v4(&out->lo))
			error_at(r, CONFLICT, &out->node.pos, NULL, "inside "
				 "and outside are not of the same size");
		return;
	}
	if (one_host(r, in) && out->prefix_len != 128)
		error_at(r, CONFLICT, &out->node.pos, "write one address",
			 "a domain has one address, not a prefix");
}

static void check_nat(struct rules *r, struct rules_nat *n)
{
	const struct rules_nic *nic;
	const struct rules_ref *ref;

	resolve_hosts(r, n->nic, KIND_BIT(RULES_NIC), false);
	nic = (const struct rules_nic *)n->nic->target;
	if (n->nat == RULES_REDIRECT) {
		check_redirect(r, n);
	} else if (n->nat == RULES_STATIC) {
		check_static(r, n);
	} else {
		resolve_hosts(r, n->from, KINDS_MEMBER, false);
		foreach_node(ref, n->from)
			if (ref->not)
				error_at(r, SYNTAX, &ref->node.pos, NULL,
					 "masquerade takes no `not`");
	}
	if (nic && !nic->addresses && !(n->nat == RULES_REDIRECT && n->at) &&
	    n->nat != RULES_STATIC)
		error_at(r, CONFLICT, &n->nic->node.pos, "give it one",
			 "`%s` has no address to translate with",
			 nic->node.name);
}

void check_rules(struct rules *r)
{
	struct rules_node *n;

	arena_turn(r, true);
	foreach_stmt(r, RULES_RULE, n) {
		struct rules_rule *rule = (struct rules_rule *)n;

		check_rule(r, rule);
		name_rule(r, n, &rule->canonical, &rule->id);
	}
	arena_turn(r, false);
	foreach_stmt(r, RULES_NAT, n) {
		struct rules_nat *nat = (struct rules_nat *)n;

		check_nat(r, nat);
		name_rule(r, n, &nat->canonical, &nat->id);
	}
	ids_make_differ(r);
}
