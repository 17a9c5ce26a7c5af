/*
 * parse_rule.c: allow, deny, reject; masquerade, redirect, static.
 */
#include "parse.h"

/* --- options of a rule --- */

static bool rule_from(struct parser *p, void *obj)
{
	struct rules_rule *r = obj;

	r->from = parse_refs(p, REF_HOSTS);
	if (r->from && parse_accept(p, "port"))
		r->from_ports = parse_refs(p, REF_PORTS);
	return !p->failed && r->from;
}

static bool rule_to(struct parser *p, void *obj)
{
	struct rules_rule *r = obj;

	r->to = parse_refs(p, REF_HOSTS);
	if (r->to && tok_is(p, "port"))
		return parse_error(p, &p->tok, RULES_CODE_SYNTAX, "as in "
				   "`allow tcp 80 from any to web`",
				   "the destination's port stands after the "
				   "protocol");
	return r->to;
}

static bool rule_on(struct parser *p, void *obj)
{
	struct rules_rule *r = obj;

	return (r->on = parse_refs(p, REF_NAMES));
}

static bool rule_in(struct parser *p, void *obj)
{
	struct rules_rule *r = obj;

	parse_accept(p, "on");
	return (r->in = parse_refs(p, REF_NAMES));
}

static bool rule_out(struct parser *p, void *obj)
{
	struct rules_rule *r = obj;

	parse_accept(p, "on");
	return (r->out = parse_refs(p, REF_NAMES));
}

static bool rule_stateless(struct parser *p, void *obj)
{
	((struct rules_rule *)obj)->stateless = true;
	return true;
}

static bool rule_fragment(struct parser *p, void *obj)
{
	struct rules_rule *r = obj;

	r->frag = RULES_FRAG_ANY;
	if (parse_accept(p, "later"))
		r->frag = RULES_FRAG_LATER;
	else if (parse_accept(p, "no"))
		r->frag = RULES_FRAG_NOT;
	return true;
}

/* The letters of RFC 9293's control bits, in the order of the header. */
static bool flags_letters(const char *s, size_t len, uint8_t *flags)
{
	static const char letters[] = "FSRPAUEW";
	const char *at;

	*flags = 0;
	while (len--) {
		at = memchr(letters, *s++, sizeof(letters) - 1);
		if (!at)
			return false;
		*flags |= 1u << (at - letters);
	}
	return true;
}

/* LETTERS[/MASK]; without a mask, *mask is the letters themselves. */
bool parse_flags(struct parser *p, struct rules_text *t, uint8_t *flags,
		 uint8_t *mask)
{
	const struct token tok = p->tok;
	const char *slash = memchr(tok.s, '/', tok.len);
	size_t head = slash ? (size_t)(slash - tok.s) : tok.len;

	if (tok_opaque(p))
		return parse_text(p, t);
	if (tok.kind != TOK_WORD || !flags_letters(tok.s, head, flags) ||
	    (slash && !flags_letters(slash + 1, tok.len - head - 1, mask)))
		return parse_expected(p, "TCP flags out of FSRPAUEW, like "
				      "S/SA");
	if (!slash)
		*mask = *flags;
	if (*flags & ~*mask || !*mask)
		return parse_error(p, &tok, RULES_CODE_VALUE, NULL,
				   "flags that are asked for must be among "
				   "those looked at");
	return parse_text(p, t);
}

static bool rule_flags(struct parser *p, void *obj)
{
	struct rules_rule *r = obj;

	return parse_flags(p, &r->flags_text, &r->tcp_flags, &r->tcp_mask);
}

static const struct {
	const char	*word;
	uint32_t	 ms;
} periods[] = {
	{ "second", 1000 }, { "minute", 60000 }, { "hour", 3600000 },
	{ "day", 86400000 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
	{ "d", 86400000 }, { "sec", 1000 }, { "min", 60000 },
};

#define LIMIT_MAX 10000000

/* N/PERIOD */
static bool limit_value(struct parser *p, struct rules_rule *r)
{
	const struct token t = p->tok;
	const char *slash = memchr(t.s, '/', t.len);
	uint64_t n;
	unsigned int i;

	if (tok_opaque(p))
		return parse_text(p, &r->limit_text);
	if (t.kind != TOK_WORD || !slash || value_number(t.s, slash - t.s, &n))
		return parse_expected(p, "a limit like 10/minute");
	if (!n || n > LIMIT_MAX)
		return parse_error(p, &t, RULES_CODE_VALUE, NULL, "a limit "
				   "runs from 1 to %d", LIMIT_MAX);
	for (i = 0; i < ARRAY_LEN(periods); i++)
		if (word_is(slash + 1, t.len - (slash + 1 - t.s),
			    periods[i].word))
			break;
	if (i == ARRAY_LEN(periods))
		return parse_error(p, &t, RULES_CODE_VALUE, "one of second, "
				   "minute, hour, day", "`%.*s` is no period",
				   (int)(t.len - (slash + 1 - t.s)), slash + 1);
	r->limit = n;
	r->limit_period_ms = periods[i].ms;
	return parse_text(p, &r->limit_text);
}

static bool rule_limit(struct parser *p, void *obj)
{
	struct rules_rule *r = obj;
	uint64_t n;

	if (r->action != RULES_ALLOW)
		return parse_error(p, &p->tok, RULES_CODE_SYNTAX, "put it on "
				   "an allow rule: what is above the limit is "
				   "dropped", "a limit says how much is "
				   "allowed");
	if (!limit_value(p, r))
		return false;
	if (parse_accept(p, "burst")) {
		if (!parse_number(p, &r->burst_text, 1, LIMIT_MAX, &n,
				  "a burst"))
			return false;
		r->limit_burst = n;
	}
	if (parse_accept(p, "per")) {
		r->per_source = true;
		if (!parse_accept(p, "source"))
			return parse_expected(p, "`source`");
	}
	return true;
}

static bool rule_log(struct parser *p, void *obj)
{
	struct rules_rule *r = obj;

	r->log = true;
	if (p->tok.kind == TOK_STRING || tok_opaque(p))
		return parse_string(p, &r->label, &r->label_quoted, "a label");
	return true;
}

static bool rule_comment(struct parser *p, void *obj)
{
	struct rules_rule *r = obj;

	return parse_string(p, &r->comment, &r->comment_quoted,
			    "a comment in \"quotes\"");
}

static const struct clause rule_clauses[] = {
	{ "from", rule_from }, { "to", rule_to }, { "on", rule_on },
	{ "in", rule_in }, { "out", rule_out }, { "stateless", rule_stateless },
	{ "fragment", rule_fragment }, { "flags", rule_flags },
	{ "limit", rule_limit }, { "log", rule_log },
	{ "comment", rule_comment }, { NULL },
};

static struct rules_node *rule_read(struct parser *p)
{
	struct rules_rule *r = node_begin(p, sizeof(*r), RULES_RULE);

	if (!r)
		return NULL;
	r->label = r->comment = "";
	r->flags_text.text = r->limit_text.text = r->burst_text.text = "";
	r->action = tok_is(p, "allow") ? RULES_ALLOW :
		    tok_is(p, "deny") ? RULES_DENY : RULES_REJECT;
	parse_next(p);
	r->what = parse_matches(p);
	if (r->what)
		parse_clauses(p, rule_clauses, r, "from, to, on, in, out, "
			      "limit, log or another part of a rule");
	return &r->node;
}

/* Nothing outlasts the rules that is taken while one is read. */
struct rules_node *parse_rule(struct parser *p)
{
	bool before = arena_turn(p->r, true);
	struct rules_node *n = rule_read(p);

	arena_turn(p->r, before);
	return n;
}

/* --- address translation --- */

static bool nat_from(struct parser *p, struct rules_nat *n)
{
	return (n->from = parse_refs(p, REF_HOSTS));
}

static bool nat_word(struct parser *p, const char *word, const char *what)
{
	return parse_accept(p, word) || parse_expected(p, what);
}

static bool nat_nic(struct parser *p, const char *word, struct rules_nat *n)
{
	char what[32];
	struct strbuf b;

	strbuf_init(&b, what, sizeof(what));
	out_print(&b.out, "`%s` and a nic", word);
	return nat_word(p, word, what) &&
	       (n->nic = parse_ref(p, REF_NAMES));
}

/* masquerade FROM out NIC */
static bool nat_masquerade(struct parser *p, struct rules_nat *n)
{
	return nat_from(p, n) && nat_nic(p, "out", n);
}

/* redirect on NIC WHAT [at ADDRESS] to HOST [PROTO PORT] */
static bool nat_redirect(struct parser *p, struct rules_nat *n)
{
	if (!nat_nic(p, "on", n))
		return false;
	n->what = parse_matches(p);
	if (!n->what)
		return false;
	if (parse_accept(p, "at")) {
		n->at = parse_ref(p, REF_ADDRS);
		if (!n->at)
			return false;
	}
	if (!nat_word(p, "to", "`to` and a domain or address"))
		return false;
	n->to = parse_ref(p, REF_HOSTS);
	if (!n->to)
		return false;
	if (!tok_ends(p) && !tok_is(p, "comment"))
		return (n->to_port = parse_matches(p));
	return true;
}

/* static INSIDE as OUTSIDE on NIC */
static bool nat_static(struct parser *p, struct rules_nat *n)
{
	return (n->from = parse_ref(p, REF_HOSTS)) &&
	       nat_word(p, "as", "`as` and the address outside") &&
	       (n->at = parse_ref(p, REF_HOSTS)) && nat_nic(p, "on", n);
}

static const struct {
	const char	*word;
	uint8_t		 kind;
	bool		(*parse)(struct parser *p, struct rules_nat *n);
} nats[] = {
	{ "masquerade", RULES_MASQUERADE, nat_masquerade },
	{ "redirect", RULES_REDIRECT, nat_redirect },
	{ "static", RULES_STATIC, nat_static },
};

struct rules_node *parse_nat(struct parser *p)
{
	struct rules_nat *n = node_begin(p, sizeof(*n), RULES_NAT);
	unsigned int i = 0;

	if (!n)
		return NULL;
	n->comment = "";
	while (!tok_is(p, nats[i].word))
		i++;
	n->nat = nats[i].kind;
	parse_next(p);
	if (nats[i].parse(p, n) && parse_accept(p, "comment"))
		parse_string(p, &n->comment, &n->comment_quoted,
			     "a comment in \"quotes\"");
	return &n->node;
}
