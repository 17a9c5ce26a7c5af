/*
 * format.c: the one canonical layout.
 *
 * Parts of a statement come in one order, lists of several members stand in
 * braces, values are written in one way; comments stay where they were.  The
 * same code gives a rule the canonical text that its id is made from.
 */
#include "format.h"

#include <errno.h>

#define INDENT		4	/* blanks */
#define LINE_MAX	80	/* columns that a braced list may fill */

void fmt_line(struct fmt *f)
{
	unsigned int i;

	if (f->started)
		out_print(f->out, "\n");
	f->started = true;
	for (i = 0; i < f->indent * INDENT; i++)
		out_print(f->out, " ");
}

/* Whole lines of comments, and one blank line for many. */
static void fmt_comments(struct fmt *f, const struct rules_comment *c,
			 bool first, bool last)
{
	for (; c; c = c->next) {
		if (c->text) {
			fmt_line(f);
			out_print(f->out, "#%s", c->text);
		} else if (!first && !(last && !c->next)) {
			out_print(f->out, "\n");
		}
		first = false;
	}
}

void fmt_start(struct fmt *f, const struct rules_node *n, bool first)
{
	fmt_comments(f, n->lead, first, false);
	fmt_line(f);
}

void fmt_tail(struct fmt *f, const struct rules_comment *c, bool first)
{
	fmt_comments(f, c, first, true);
}

void fmt_trail(struct fmt *f, const struct rules_node *n)
{
	if (n->trail && !f->flat)
		out_print(f->out, "  #%s", n->trail);
}

bool fmt_opaque(const struct rules_text *t)
{
	return t->text && strchr(t->text, '$');
}

/* --- references --- */

static unsigned int addr_len(const struct rules_ref *r)
{
	return r->prefix_len - (vfr_addr_is_v4(&r->lo) ? VFR_V4_BITS : 0);
}

void fmt_ref(struct fmt *f, const struct rules_ref *r)
{
	if (r->not)
		out_print(f->out, "not ");
	switch (r->kind) {
	case RULES_REF_ANY:
	case RULES_REF_OPAQUE:
		out_print(f->out, "%s", r->text.text);
		break;
	case RULES_REF_NAME:
		out_print(f->out, "%s", r->node.name);
		break;
	case RULES_REF_PORT:
		out_print(f->out, "%u", r->port_lo);
		if (r->port_hi != r->port_lo)
			out_print(f->out, "-%u", r->port_hi);
		break;
	case RULES_REF_ADDR:
		out_print(f->out, "%A", &r->lo);
		if (r->range)
			out_print(f->out, "-%A", &r->hi);
		else if (r->prefix_len != 128 || r->link)
			out_print(f->out, "/%u", addr_len(r));
		break;
	}
}

static void fmt_match(struct fmt *f, const struct rules_match *m);

static void fmt_member(struct fmt *f, const struct rules_node *n, bool match)
{
	if (match)
		fmt_match(f, (const struct rules_match *)n);
	else
		fmt_ref(f, (const struct rules_ref *)n);
}

static void count_write(void *ctx, const char *text, size_t len)
{
	*(size_t *)ctx += len;
}

/* Does the list have to be written a member a line? */
static bool list_breaks(struct fmt *f, const struct rules_node *list,
			const struct rules_comment *tail, bool match)
{
	const struct rules_node *n;
	size_t width = 0;
	struct rules_out out = { count_write, &width };
	struct fmt flat = { .out = &out, .flat = true };

	if (f->flat)
		return false;
	if (tail)
		return true;
	for (n = list; n; n = n->next) {
		const struct rules_comment *c = n->lead;

		for (; c; c = c->next)
			if (c->text)
				return true;
		if (n->trail)
			return true;
		fmt_member(&flat, n, match);
		width += 2;
	}
	return width > LINE_MAX - 20;
}

static void fmt_block(struct fmt *f, const struct rules_node *list,
		      const struct rules_comment *tail, bool match)
{
	const struct rules_node *n;

	out_print(f->out, "{");
	if (!list_breaks(f, list, tail, match)) {
		for (n = list; n; n = n->next) {
			out_print(f->out, n == list ? " " : ", ");
			fmt_member(f, n, match);
		}
		out_print(f->out, " }");
		return;
	}
	f->indent++;
	for (n = list; n; n = n->next) {
		fmt_start(f, n, n == list);
		fmt_member(f, n, match);
		if (n->next)
			out_print(f->out, ",");
		fmt_trail(f, n);
	}
	fmt_tail(f, tail, !list);
	f->indent--;
	fmt_line(f);
	out_print(f->out, "}");
}

void fmt_refs(struct fmt *f, const struct rules_ref *r)
{
	if (r->node.next || list_breaks(f, &r->node, NULL, false))
		fmt_block(f, &r->node, NULL, false);
	else
		fmt_ref(f, r);
}

void fmt_clause(struct fmt *f, const char *word, const struct rules_ref *r)
{
	if (!r)
		return;
	out_print(f->out, " %s ", word);
	fmt_refs(f, r);
}

/* Words as they were written: with braces or commas they might mean less. */
static void fmt_bare(struct fmt *f, const struct rules_match *m)
{
	const char *comma = m->proto == RULES_PROTO_OPAQUE ? "" : ",";
	const struct rules_ref *r;

	foreach_node(r, m->ports) {
		if (r != m->ports)
			out_print(f->out, "%s", comma);
		if (r->node.lead && !f->flat)
			fmt_start(f, &r->node, false);
		else
			out_print(f->out, " ");
		fmt_ref(f, r);
	}
}

static void fmt_match(struct fmt *f, const struct rules_match *m)
{
	if (m->proto == RULES_PROTO_SERVICE)
		out_print(f->out, "%s", m->node.name);
	else if (m->proto == RULES_PROTO_OPAQUE)
		out_print(f->out, "%s", m->text.text);
	else if (proto_name(m->proto))
		out_print(f->out, "%s", proto_name(m->proto));
	else
		out_print(f->out, "proto %u", m->proto);
	if (m->bare) {
		fmt_bare(f, m);
	} else if (m->ports) {
		out_print(f->out, " ");
		fmt_refs(f, m->ports);
	}
	if (m->icmp_text && *m->icmp_text)
		out_print(f->out, " %s", m->icmp_text);
}

void fmt_matches(struct fmt *f, const struct rules_match *m)
{
	bool several = m->bare && m->ports && m->braced;	/* perhaps */

	if (several || m->node.next || list_breaks(f, &m->node, NULL, true))
		fmt_block(f, &m->node, NULL, true);
	else
		fmt_match(f, m);
}

void fmt_text(struct fmt *f, const char *word, const struct rules_text *t)
{
	if (t->text && *t->text)
		out_print(f->out, " %s %s", word, t->text);
}

/* --- nic, net, domain --- */

void fmt_string(struct fmt *f, const char *s, bool quoted)
{
	out_print(f->out, quoted ? " %q" : " %s", s);
}

static void fmt_nic(struct fmt *f, const struct rules_nic *n)
{
	out_print(f->out, "nic %s", n->node.name);
	if (*n->device.text) {
		out_print(f->out, " device");
		fmt_string(f, n->device.text, n->device_quoted);
	}
	if (*n->parent.text)
		out_print(f->out, " vlan %s on %s", n->vlan_text.text,
			  n->parent.text);
	fmt_clause(f, "address", n->addresses);
	fmt_clause(f, "gateway", n->gateways);
	fmt_text(f, "mac", &n->mac_text);
	fmt_text(f, "mtu", &n->mtu_text);
	fmt_text(f, "rate", &n->rate_text);
	if (n->no_ping)
		out_print(f->out, " no ping");
}

static void fmt_net(struct fmt *f, const struct rules_net *n)
{
	out_print(f->out, "net %s", n->node.name);
	if (n->prefixes) {
		out_print(f->out, " ");
		fmt_refs(f, n->prefixes);
	}
	if (*n->bridge.text)
		out_print(f->out, " bridged on %s", n->bridge.text);
	fmt_clause(f, "address", n->gateways);
	fmt_text(f, "mac", &n->mac_text);
	fmt_text(f, "mtu", &n->mtu_text);
	if (n->no_ping)
		out_print(f->out, " no ping");
}

static void fmt_iface(struct fmt *f, const struct rules_iface *i)
{
	out_print(f->out, "on %s", i->node.name);
	fmt_clause(f, "address", i->addresses);
	fmt_clause(f, "routes", i->routes);
	fmt_text(f, "mac", &i->mac_text);
	fmt_text(f, "rate", &i->rate_text);
}

/* A disk's source stands second, a ramdisk's file first; both are strings. */
static void fmt_setting(struct fmt *f, const struct rules_setting *s)
{
	bool disk = strcmp(s->node.name, "disk") == 0;
	unsigned int i;

	if (s->iface) {
		fmt_iface(f, s->iface);
		return;
	}
	out_print(f->out, "%s", s->node.name);
	for (i = 0; i < s->nr_values; i++)
		fmt_string(f, s->value[i].text,
			   s->quoted && i == (disk ? 1 : 0));
	if (s->list) {
		out_print(f->out, " ");
		fmt_refs(f, s->list);
	}
}

static void fmt_domain(struct fmt *f, const struct rules_domain *d)
{
	const struct rules_iface *i = d->ifaces;
	const struct rules_node *n;

	out_print(f->out, "domain %s", d->node.name);
	for (; i; i = (const struct rules_iface *)i->node.next)
		if (!i->in_block) {
			out_print(f->out, " ");
			fmt_iface(f, i);
		}
	if (!d->has_block)
		return;
	out_print(f->out, " {");
	f->indent++;
	for (n = &d->settings->node; d->settings && n; n = n->next) {
		fmt_start(f, n, n == &d->settings->node);
		fmt_setting(f, (const struct rules_setting *)n);
		fmt_trail(f, n);
	}
	fmt_tail(f, d->tail, !d->settings);
	f->indent--;
	fmt_line(f);
	out_print(f->out, "}");
}

static void fmt_route(struct fmt *f, const struct rules_route *r)
{
	out_print(f->out, "route ");
	fmt_ref(f, r->dst);
	fmt_clause(f, "from", r->src);
	fmt_clause(f, "via", r->via);
	fmt_clause(f, "on", r->on);
}

/* --- set, service, let, include --- */

static void fmt_set(struct fmt *f, const struct rules_set *s)
{
	out_print(f->out, "set %s ", s->node.name);
	fmt_block(f, s->members ? &s->members->node : NULL, s->tail, false);
}

static void fmt_service(struct fmt *f, const struct rules_service *s)
{
	out_print(f->out, "service %s ", s->node.name);
	fmt_block(f, s->members ? &s->members->node : NULL, s->tail, true);
}

static void fmt_let(struct fmt *f, const struct rules_let *l)
{
	out_print(f->out, "let %s =", l->node.name + 1);
	fmt_string(f, l->value.text, l->quoted);
}

static void fmt_include(struct fmt *f, const struct rules_include *inc)
{
	out_print(f->out, "include");
	fmt_string(f, inc->path, inc->quoted);
}

/* --- statements --- */

static void fmt_statement(struct fmt *f, const struct rules_node *n)
{
	const void *s = n;	/* the node comes first in each of them */

	switch (n->kind) {
	case RULES_NIC:		fmt_nic(f, s); break;
	case RULES_NET:		fmt_net(f, s); break;
	case RULES_DOMAIN:	fmt_domain(f, s); break;
	case RULES_SET:		fmt_set(f, s); break;
	case RULES_SERVICE:	fmt_service(f, s); break;
	case RULES_LET:		fmt_let(f, s); break;
	case RULES_ROUTE:	fmt_route(f, s); break;
	case RULES_RULE:	fmt_rule(f, s); break;
	case RULES_NAT:		fmt_nat(f, s); break;
	case RULES_EXPECT:	fmt_expect(f, s); break;
	case RULES_INCLUDE:
		fmt_include(f, s);
		break;
	}
}

void format_canonical(const struct rules_node *n, const struct rules_out *out)
{
	struct fmt f = { .out = out, .flat = true };

	fmt_statement(&f, n);
}

int rules_format(struct rules *r, const struct rules_out *out)
{
	struct fmt f = { .out = out };
	const struct rules_node *n;

	if (r->nr_errors)
		return -EINVAL;
	for (n = r->stmts; n; n = n->next) {
		fmt_start(&f, n, n == r->stmts);
		fmt_statement(&f, n);
		fmt_trail(&f, n);
	}
	fmt_tail(&f, r->tail, !r->stmts);
	if (f.started)
		out_print(out, "\n");
	return 0;
}
