/*
 * format.c: the one canonical layout.
 *
 * Parts of a statement come in one order, lists of several members stand in
 * braces, values are written in one way; comments stay where they were.  The
 * same code gives a rule the canonical text that its id is made from.
 */
#include "rules_int.h"

#include <errno.h>

#define INDENT		4	/* blanks */
#define LINE_MAX	80	/* columns that a braced list may fill */

struct fmt {
	const struct rules_out *out;
	unsigned int	indent;		/* levels */
	bool		flat;		/* one line, no comments */
	bool		started;	/* something has been written */
};

static void fmt_line(struct fmt *f)
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

/* Start the line of a node, below its comments. */
static void fmt_start(struct fmt *f, const struct rules_node *n, bool first)
{
	fmt_comments(f, n->lead, first, false);
	fmt_line(f);
}

/* The comments before a closing brace or the end. */
static void fmt_tail(struct fmt *f, const struct rules_comment *c, bool first)
{
	fmt_comments(f, c, first, true);
}

static void fmt_trail(struct fmt *f, const struct rules_node *n)
{
	if (n->trail && !f->flat)
		out_print(f->out, "  #%s", n->trail);
}

/* A value as written if it holds a variable that is not to be expanded. */
static bool opaque(const struct rules_text *t)
{
	return t->text && strchr(t->text, '$');
}

/* --- references --- */

static unsigned int addr_len(const struct rules_ref *r)
{
	return r->prefix_len - (vfr_addr_is_v4(&r->lo) ? VFR_V4_BITS : 0);
}

static void fmt_ref(struct fmt *f, const struct rules_ref *r)
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

/* A member alone, or a list in braces. */
static void fmt_refs(struct fmt *f, const struct rules_ref *r)
{
	if (r->node.next || list_breaks(f, &r->node, NULL, false))
		fmt_block(f, &r->node, NULL, false);
	else
		fmt_ref(f, r);
}

static void fmt_clause(struct fmt *f, const char *word,
		       const struct rules_ref *r)
{
	if (!r)
		return;
	out_print(f->out, " %s ", word);
	fmt_refs(f, r);
}

static void fmt_match(struct fmt *f, const struct rules_match *m)
{
	if (m->proto == RULES_PROTO_SERVICE)
		out_print(f->out, "%s", m->node.name);
	else if (m->proto == RULES_PROTO_OPAQUE)
		out_print(f->out, "%s", m->text.text);
	else if (opaque(&m->text) && !f->flat) /* a let has the number */
		out_print(f->out, "proto %s", m->text.text);
	else if (proto_name(m->proto))
		out_print(f->out, "%s", proto_name(m->proto));
	else
		out_print(f->out, "proto %u", m->proto);
	if (m->ports) {
		out_print(f->out, " ");
		fmt_refs(f, m->ports);
	}
	if (m->icmp_text && *m->icmp_text)
		out_print(f->out, " %s", m->icmp_text);
}

static void fmt_matches(struct fmt *f, const struct rules_match *m)
{
	if (m->node.next || list_breaks(f, &m->node, NULL, true))
		fmt_block(f, &m->node, NULL, true);
	else
		fmt_match(f, m);
}

/* ` WORD TEXT`, if it was given */
static void fmt_text(struct fmt *f, const char *word,
		     const struct rules_text *t)
{
	if (t->text && *t->text)
		out_print(f->out, " %s %s", word, t->text);
}

/* --- nic, net, domain --- */

static void fmt_string(struct fmt *f, const char *s, bool quoted)
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

/* --- rules and translations --- */

static const char *const action_words[] = {
	[RULES_ALLOW] = "allow", [RULES_DENY] = "deny",
	[RULES_REJECT] = "reject",
};

static void fmt_flags(struct fmt *f, uint8_t flags)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (flags & 1u << i)
			out_print(f->out, "%c", "FSRPAUEW"[i]);
}

static const char *period_word(uint32_t ms)
{
	return ms == 1000 ? "second" : ms == 60000 ? "minute" :
	       ms == 3600000 ? "hour" : "day";
}

static void fmt_limit(struct fmt *f, const struct rules_rule *r)
{
	if (opaque(&r->limit_text) && !r->limit)
		out_print(f->out, " limit %s", r->limit_text.text);
	else if (r->limit)
		out_print(f->out, " limit %u/%s", r->limit,
			  period_word(r->limit_period_ms));
	if (*r->burst_text.text) {
		if (opaque(&r->burst_text) && !f->flat)
			fmt_text(f, "burst", &r->burst_text);
		else
			out_print(f->out, " burst %u", r->limit_burst);
	}
	if (r->per_source)
		out_print(f->out, " per source");
}

/* "$x" if it was written as a variable in a file read only to format. */
static void fmt_label(struct fmt *f, const char *s)
{
	fmt_string(f, s, s[0] != '$');
}

static void fmt_rule_options(struct fmt *f, const struct rules_rule *r)
{
	static const char *const frags[] = {
		[RULES_FRAG_NONE] = "", [RULES_FRAG_ANY] = " fragment",
		[RULES_FRAG_LATER] = " fragment later",
		[RULES_FRAG_NOT] = " fragment no",
	};

	if (r->stateless)
		out_print(f->out, " stateless");
	out_print(f->out, "%s", frags[r->frag]);
	if (opaque(&r->flags_text) && !r->tcp_mask) {
		fmt_text(f, "flags", &r->flags_text);
	} else if (r->tcp_mask) {
		out_print(f->out, " flags ");
		fmt_flags(f, r->tcp_flags);
		if (r->tcp_mask != r->tcp_flags) {
			out_print(f->out, "/");
			fmt_flags(f, r->tcp_mask);
		}
	}
	fmt_limit(f, r);
	if (r->log)
		out_print(f->out, " log");
	if (*r->label)
		fmt_label(f, r->label);
	if (*r->comment && !f->flat) {
		out_print(f->out, " comment");
		fmt_label(f, r->comment);
	}
}

static void fmt_any_or(struct fmt *f, const char *word,
		       const struct rules_ref *r)
{
	if (r)
		fmt_clause(f, word, r);
	else
		out_print(f->out, " %s any", word);
}

static void fmt_rule(struct fmt *f, const struct rules_rule *r)
{
	out_print(f->out, "%s ", action_words[r->action]);
	fmt_matches(f, r->what);
	fmt_clause(f, "on", r->on);
	fmt_clause(f, "in", r->in);
	fmt_clause(f, "out", r->out);
	fmt_any_or(f, "from", r->from);
	fmt_clause(f, "port", r->from_ports);
	fmt_any_or(f, "to", r->to);
	fmt_rule_options(f, r);
}

static void fmt_nat(struct fmt *f, const struct rules_nat *n)
{
	switch (n->nat) {
	case RULES_MASQUERADE:
		out_print(f->out, "masquerade ");
		fmt_refs(f, n->from);
		fmt_clause(f, "out", n->nic);
		break;
	case RULES_REDIRECT:
		out_print(f->out, "redirect on ");
		fmt_ref(f, n->nic);
		out_print(f->out, " ");
		fmt_matches(f, n->what);
		fmt_clause(f, "at", n->at);
		fmt_clause(f, "to", n->to);
		if (n->to_port) {
			out_print(f->out, " ");
			fmt_matches(f, n->to_port);
		}
		break;
	case RULES_STATIC:
		out_print(f->out, "static ");
		fmt_ref(f, n->from);
		fmt_clause(f, "as", n->at);
		fmt_clause(f, "on", n->nic);
		break;
	}
	if (*n->comment && !f->flat) {
		out_print(f->out, " comment");
		fmt_label(f, n->comment);
	}
}

/* --- expect --- */

void format_endpoint(const struct rules_endpoint *e,
		     const struct rules_out *out)
{
	const struct rules_ref *h = e->host;

	if (!h) {
		out_print(out, "%s", e->text.text);
		return;
	}
	if (h->kind == RULES_REF_NAME)
		out_print(out, "%s", h->node.name);
	else if (e->has_port && !vfr_addr_is_v4(&h->lo))
		out_print(out, "[%A]", &h->lo);
	else
		out_print(out, "%A", &h->lo);
	if (e->has_port)
		out_print(out, ":%u", e->port);
}

static void fmt_packet_head(struct fmt *f, const struct rules_packet *k)
{
	if (k->proto == RULES_PROTO_OPAQUE)
		out_print(f->out, "%s", k->proto_text.text);
	else if (opaque(&k->proto_text) && !f->flat)
		out_print(f->out, "proto %s", k->proto_text.text);
	else if (proto_name(k->proto))
		out_print(f->out, "%s", proto_name(k->proto));
	else
		out_print(f->out, "proto %u", k->proto);
	if (*k->icmp_text)
		out_print(f->out, " %s", k->icmp_text);
	out_print(f->out, " ");
	format_endpoint(&k->src, f->out);
	out_print(f->out, " -> ");
	format_endpoint(&k->dst, f->out);
}

static void fmt_step(struct fmt *f, const struct rules_step *s)
{
	const struct rules_packet *k = &s->packet;

	if (s->step == RULES_STEP_WAIT) {
		out_print(f->out, "wait %s", s->wait_text.text);
		return;
	}
	out_print(f->out, "%s ", action_words[s->want]);
	if (s->step == RULES_STEP_PACKET)
		fmt_packet_head(f, k);
	else
		out_print(f->out, s->step == RULES_STEP_REPLY ? "reply"
							      : "again");
	fmt_clause(f, "on", k->on);
	fmt_text(f, "flags", &k->flags_text);
	fmt_text(f, "size", &k->size_text);
	fmt_text(f, "ttl", &k->ttl_text);
	fmt_text(f, "fragment", &k->frag_text);
	fmt_text(f, "repeat", &s->repeat_text);
	fmt_clause(f, "out", s->out);
	if (s->has_as) {
		out_print(f->out, " as ");
		format_endpoint(&s->as_src, f->out);
		out_print(f->out, " -> ");
		format_endpoint(&s->as_dst, f->out);
	}
}

static void fmt_expect(struct fmt *f, const struct rules_expect *e)
{
	const struct rules_node *n = &e->steps->node;

	out_print(f->out, "expect ");
	if (!e->braced) {
		for (; n; n = n->next) {
			fmt_step(f, (const struct rules_step *)n);
			if (n->next)
				out_print(f->out, " then ");
		}
		return;
	}
	out_print(f->out, "sequence ");
	if (*e->node.name)
		out_print(f->out, "%q ", e->node.name);
	out_print(f->out, "{");
	f->indent++;
	for (; n; n = n->next) {
		fmt_start(f, n, n == &e->steps->node);
		fmt_step(f, (const struct rules_step *)n);
		fmt_trail(f, n);
	}
	fmt_tail(f, e->tail, false);
	f->indent--;
	fmt_line(f);
	out_print(f->out, "}");
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
		out_print(f->out, "include %q",
			  ((const struct rules_include *)s)->path);
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
