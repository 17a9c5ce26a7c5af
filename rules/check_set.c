/*
 * check_set.c: sets and services, and the lists of ports and protocols that
 * name them.
 */
#include "check.h"

#include <errno.h>

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
			check_has_addresses(r, ref);
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

/* Names of these kinds; a set of them holds ports, or addresses. */
static bool resolve_list(struct rules *r, struct rules_ref *list,
			 uint32_t kinds, bool ports, bool soft)
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
		} else if (s->node.kind != RULES_SET) {
			continue;
		} else if (ports ? !s->has_ports && s->members : s->has_ports) {
			error_at(r, KIND, &ref->node.pos, NULL, "`%s` is a set "
				 "of %s, here stand %s", s->node.name,
				 ports ? "addresses" : "ports",
				 ports ? "ports" : "addresses");
			ref->target = NULL;
		} else if (s->unresolved) {
			half_known(r, &ref->node, &s->node, soft);
			ok = false;
		}
	}
	return ok;
}

/* The ports of a protocol: numbers, or sets of them. */
bool resolve_ports(struct rules *r, struct rules_ref *list, bool soft)
{
	return resolve_list(r, list, KIND_BIT(RULES_SET), true, soft);
}

bool resolve_hosts(struct rules *r, struct rules_ref *list, uint32_t kinds,
		   bool soft)
{
	return resolve_list(r, list, kinds, false, soft);
}

/* Why an interface's addresses are not known, and what helps; NULL: they are. */
static const char *iface_lacks(const struct rules_iface *i, const char **cure)
{
	if (!i->addresses || i->addresses->kind == RULES_REF_ADDR)
		return NULL;
	*cure = "write the addresses or prefixes that are meant, or give the "
		"domain addresses of its own";
	return "it may use any";
}

static const char *target_lacks(const struct rules_ref *ref, const char **cure)
{
	const struct rules_domain *d = (void *)ref->target;
	const struct rules_net *net = (void *)ref->target;
	const struct rules_iface *i;
	const char *why = NULL;

	if (ref->iface)
		return iface_lacks(ref->iface, cure);
	if (ref->target->kind == RULES_NET && *net->bridge.text &&
	    !net->prefixes) {
		*cure = "give the net its prefix";
		return "it has no prefix";
	}
	if (ref->target->kind != RULES_DOMAIN)
		return NULL;
	if (!d->ifaces) {
		*cure = "put the domain on a net";
		return "it has no interface";
	}
	for (i = d->ifaces; i && !why; i = (void *)i->node.next)
		why = iface_lacks(i, cure);
	if (why && d->ifaces->node.next)
		*cure = "write DOMAIN.NET, of one that has addresses";
	return why;
}

void check_has_addresses(struct rules *r, const struct rules_ref *ref)
{
	const char *cure, *why = ref->target ? target_lacks(ref, &cure) : NULL;

	if (why)
		error_at(r, KIND, &ref->node.pos, cure, "here `%s` stands for "
			 "its addresses, and %s", ref->node.name, why);
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

bool resolve_matches(struct rules *r, struct rules_match *list, bool soft)
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

uint8_t match_classes(const struct rules_match *list)
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
