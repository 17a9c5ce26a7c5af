/*
 * format_rule.c: the layout of rules, translations and expectations.
 */
#include "format.h"

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
	if (fmt_opaque(&r->limit_text) && !r->limit)
		out_print(f->out, " limit %s", r->limit_text.text);
	else if (r->limit)
		out_print(f->out, " limit %u/%s", r->limit,
			  period_word(r->limit_period_ms));
	if (*r->burst_text.text) {
		if (fmt_opaque(&r->burst_text) && !f->flat)
			fmt_text(f, "burst", &r->burst_text);
		else
			out_print(f->out, " burst %u", r->limit_burst);
	}
	if (r->per_source)
		out_print(f->out, " per source");
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
	if (fmt_opaque(&r->flags_text) && !r->tcp_mask) {
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
		fmt_string(f, r->label, r->label_quoted);
	if (*r->comment && !f->flat) {
		out_print(f->out, " comment");
		fmt_string(f, r->comment, r->comment_quoted);
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

void fmt_rule(struct fmt *f, const struct rules_rule *r)
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

void fmt_nat(struct fmt *f, const struct rules_nat *n)
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
		fmt_string(f, n->comment, n->comment_quoted);
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

void fmt_expect(struct fmt *f, const struct rules_expect *e)
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
	out_print(f->out, "sequence");
	if (*e->title)
		fmt_string(f, e->title, e->title_quoted);
	out_print(f->out, " {");
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
