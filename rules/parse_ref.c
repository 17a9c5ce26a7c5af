/*
 * parse_ref.c: what a rule or statement refers to: domains, nets, sets,
 * addresses, in lists and in braces.
 */
#include "parse.h"

#include <errno.h>

static bool ref_name(struct parser *p, struct rules_ref *ref, const char *what)
{
	const struct token *t = &p->tok;

	if (!memchr(t->s, '.', t->len))
		return parse_node_name(p, &ref->node, what);
	if (!name_dotted(t->s, t->len))
		return parse_expected(p, what);
	ref->node.name = rules_strdup(p->r, t->s, t->len);
	parse_next(p);
	return ref->node.name;
}

/* Does it look like an address, so that calling it a name would not help? */
static bool looks_like_addr(const char *s, size_t len)
{
	return len && ((s[0] >= '0' && s[0] <= '9') || memchr(s, ':', len) ||
		       memchr(s, '/', len));
}

static bool looks_like_port(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((s[i] < '0' || s[i] > '9') && (s[i] != '-' || !i))
			return false;
	return len > 0;
}

static bool port_number(struct parser *p, const struct token *t, const char *s,
			size_t len, uint16_t *port)
{
	uint64_t n;
	int rc = value_number(s, len, &n);

	if (rc == -EINVAL)
		return parse_error(p, t, RULES_CODE_SYNTAX, "a range is "
				   "written 8000-8100",
				   "expected a port number, found `%.*s`",
				   (int)t->len, t->s);
	if (rc || n > UINT16_MAX)
		return parse_error(p, t, RULES_CODE_VALUE, NULL,
				   "port %.*s is out of range; ports run from "
				   "0 to %u", (int)len, s, UINT16_MAX);
	*port = n;
	return true;
}

static bool ref_port(struct parser *p, struct rules_ref *ref)
{
	struct token t = p->tok;
	const char *dash = memchr(t.s, '-', t.len);
	size_t head = dash ? (size_t)(dash - t.s) : t.len;

	ref->kind = RULES_REF_PORT;
	if (!port_number(p, &t, t.s, head, &ref->port_lo))
		return false;
	ref->port_hi = ref->port_lo;
	if (dash && !port_number(p, &t, dash + 1, t.len - head - 1,
				 &ref->port_hi))
		return false;
	if (ref->port_hi < ref->port_lo)
		return parse_error(p, &t, RULES_CODE_VALUE, NULL, "the lower "
				   "end of a range comes first");
	return parse_text(p, &ref->text);
}

static const char *const ref_what[] = {
	[REF_HOSTS] = "a domain, net, nic, set, address or `any`",
	[REF_PORTS] = "a port number, a range of ports or a set of them",
	[REF_NAMES] = "a name",
	[REF_ADDRS] = "an address",
	[REF_PREFIXES] = "a prefix like 10.1.0.0/24",
	[REF_LINKS] = "an address and its link's length, like 192.168.1.2/24",
	[REF_ANY_MEMBER] = "an address, a prefix, a range, a name or a port",
};

/* What kind of address may stand here?  Host bits are errors in a prefix. */
static bool ref_addr_fits(struct parser *p, const struct token *t,
			  enum ref_syntax syntax, struct rules_ref *ref,
			  const struct value_range *v)
{
	bool host_bits = v->has_len && !vfr_addr_eq(&v->as_written, &v->lo);
	unsigned int len = v->prefix_len;
	char hint[HINT_MAX];
	struct strbuf b;

	if (vfr_addr_is_v4(&v->lo))
		len -= VFR_V4_BITS;
	if ((syntax == REF_ADDRS && (v->has_len || v->range)) ||
	    (syntax == REF_LINKS && !v->has_len) ||
	    (syntax == REF_PREFIXES && v->range))
		return parse_expected(p, ref_what[syntax]);
	if (syntax == REF_LINKS) {
		ref->lo = ref->hi = v->as_written;
		ref->link = true;
		return true;
	}
	if (!host_bits)
		return true;
	strbuf_init(&b, hint, sizeof(hint));
	out_print(&b.out, "write %A/%u", &v->lo, len);
	if (syntax == REF_PREFIXES)
		return parse_error(p, t, RULES_CODE_VALUE, hint,
				   "%.*s is a host, not a prefix", (int)t->len,
				   t->s);
	warn_at(p->r, VALUE, &t->pos, hint, "%.*s is a host written as a "
		"prefix; all of the prefix is meant", (int)t->len, t->s);
	return true;
}

static bool ref_addr(struct parser *p, struct rules_ref *ref,
		     enum ref_syntax syntax)
{
	struct token t = p->tok;
	struct value_range v;
	const char *why;

	if (value_range(t.s, t.len, &v, &why)) {
		if (*why)
			return parse_error(p, &t, RULES_CODE_VALUE, NULL,
					   "%s", why);
		return parse_expected(p, ref_what[syntax]);
	}
	ref->kind = RULES_REF_ADDR;
	ref->lo = v.lo;
	ref->hi = v.hi;
	ref->prefix_len = v.prefix_len;
	ref->range = v.range;
	return ref_addr_fits(p, &t, syntax, ref, &v) &&
	       parse_text(p, &ref->text);
}

static bool ref_value(struct parser *p, struct rules_ref *ref,
		      enum ref_syntax syntax)
{
	const char *s = p->tok.s;
	size_t len = p->tok.len;
	bool hosts = syntax == REF_HOSTS || syntax == REF_ANY_MEMBER;

	if (p->tok.kind != TOK_WORD)
		return parse_expected(p, ref_what[syntax]);
	if (tok_opaque(p)) {
		ref->kind = RULES_REF_OPAQUE;
		return parse_text(p, &ref->text);
	}
	if ((hosts || syntax == REF_PORTS) && tok_value_is(p, "any")) {
		ref->kind = RULES_REF_ANY;
		return parse_text(p, &ref->text);
	}
	if (syntax == REF_PORTS && s[0] >= '0' && s[0] <= '9')
		return ref_port(p, ref);
	if (syntax == REF_ANY_MEMBER && looks_like_port(s, len))
		return ref_port(p, ref);
	if (syntax == REF_ADDRS || syntax == REF_LINKS ||
	    syntax == REF_PREFIXES || (hosts && looks_like_addr(s, len)))
		return ref_addr(p, ref, syntax);
	if (syntax == REF_PORTS && proto_by_name(s, len) != RULES_PROTO_SERVICE)
		return parse_expected_hint(p, ref_what[syntax],
					   "a protocol stands before ports");

	ref->kind = RULES_REF_NAME;
	return text_set(p, &ref->text) && ref_name(p, ref, ref_what[syntax]);
}

struct rules_ref *parse_ref(struct parser *p, enum ref_syntax syntax)
{
	struct rules_ref *ref = member_begin(p, sizeof(*ref), RULES_SET);
	bool hosts = syntax == REF_HOSTS || syntax == REF_ANY_MEMBER;

	if (!ref)
		return NULL;
	ref->text.text = "";
	if (hosts || syntax == REF_PORTS)
		ref->not = parse_accept(p, "not");
	ref->node.pos = p->tok.pos;
	return ref_value(p, ref, syntax) ? ref : NULL;
}

struct rules_ref *parse_ref_block(struct parser *p, enum ref_syntax syntax,
				  struct rules_comment **tail)
{
	struct rules_ref *first = NULL, *ref;
	struct rules_node **end = NULL;
	struct token brace;

	if (!parse_open(p, &brace))
		return NULL;
	parse_separators(p);
	while (!tok_is_punct(p, '}') && !tok_breaks(p)) {
		ref = parse_ref(p, syntax);
		if (!ref)
			return NULL;
		parse_separators(p);
		node_end(p, &ref->node);
		if (end)
			*end = &ref->node;
		else
			first = ref;
		end = &ref->node.next;
	}
	if (!parse_close(p, &brace, tail))
		return NULL;
	if (!first && !tail)	/* only a set may be empty */
		parse_error(p, &brace, RULES_CODE_EMPTY, NULL,
			    "nothing stands between these braces");
	return first;
}

/* Of addresses alone the comma may be left out. */
static bool tok_goes_on(const struct parser *p, enum ref_syntax syntax)
{
	return (syntax == REF_ADDRS || syntax == REF_LINKS ||
		syntax == REF_PREFIXES) && p->tok.kind == TOK_WORD &&
	       (tok_opaque(p) || looks_like_addr(p->tok.s, p->tok.len));
}

struct rules_ref *parse_refs(struct parser *p, enum ref_syntax syntax)
{
	struct rules_ref *first, *ref;

	if (tok_is_punct(p, '{'))
		return parse_ref_block(p, syntax, NULL);
	first = ref = parse_ref(p, syntax);
	while (ref && (parse_accept_punct(p, ',') || tok_goes_on(p, syntax))) {
		struct rules_ref *next = parse_ref(p, syntax);

		ref->node.next = next ? &next->node : NULL;
		ref = next;
	}
	return ref ? first : NULL;
}
