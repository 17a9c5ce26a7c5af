/*
 * parse.c: statements, one after the other, and what they are made of.
 *
 * Recursive descent with one token of lookahead.  A function returns false (or
 * NULL) once it has reported; the statement is then given up, its name stays
 * known, and reading goes on with the next one.  parse_error() reports at most
 * once for each statement.
 */
#include "rules_int.h"

#include <errno.h>

/* Words that cannot be names: they follow names without a mark between. */
static const char *const reserved[] = {
	"address", "any", "as", "at", "bridged", "burst", "comment", "default",
	"device", "flags", "fragment", "from", "gateway", "in", "limit", "log",
	"mac", "mtu", "no", "not", "on", "out", "per", "port", "rate", "reply",
	"again", "wait", "repeat", "size", "ttl", "routes", "stateless",
	"then", "to", "via", "vlan", "sequence",
	"nic", "net", "domain", "set", "service", "let", "include", "route",
	"allow", "deny", "reject", "masquerade", "redirect", "static", "expect",
};

const char *keyword_at(unsigned int i)
{
	return i < ARRAY_LEN(reserved) ? reserved[i] : NULL;
}

/* --- tokens --- */

void parse_next(struct parser *p)
{
	lex_next(&p->lx, &p->tok);
}

bool tok_is(const struct parser *p, const char *keyword)
{
	return p->tok.kind == TOK_WORD &&
	       word_is(p->tok.s, p->tok.len, keyword);
}

bool tok_is_punct(const struct parser *p, char c)
{
	return p->tok.kind == TOK_PUNCT && p->tok.punct == c;
}

bool parse_accept(struct parser *p, const char *keyword)
{
	if (!tok_is(p, keyword))
		return false;
	parse_next(p);
	return true;
}

bool parse_accept_punct(struct parser *p, char c)
{
	if (!tok_is_punct(p, c))
		return false;
	parse_next(p);
	return true;
}

bool tok_ends(const struct parser *p)
{
	return p->tok.kind == TOK_END || p->tok.kind == TOK_EOF ||
	       tok_is_punct(p, '}');
}

bool tok_opaque(const struct parser *p)
{
	return p->r->format_only && p->tok.kind == TOK_WORD &&
	       memchr(p->tok.raw, '$', p->tok.raw_len);
}

/* --- errors --- */

bool parse_error(struct parser *p, const struct token *t, enum rules_code code,
		 const char *hint, const char *fmt, ...)
{
	char message[512];
	struct strbuf b;
	va_list ap;

	if (p->failed)
		return false;
	p->failed = true;
	if (t->bad)
		return false;
	strbuf_init(&b, message, sizeof(message));
	va_start(ap, fmt);
	out_vprint(&b.out, fmt, ap);
	va_end(ap);
	diag_report(p->r, &(struct diag_args){ .severity = RULES_ERROR,
		    .code = code, .pos = &t->pos, .hint = hint },
		    "%s", message);
	return false;
}

static bool parse_expected_hint(struct parser *p, const char *what,
				const char *hint)
{
	const struct token *t = &p->tok;

	if (t->kind == TOK_EOF)
		return parse_error(p, t, RULES_CODE_SYNTAX, hint,
				   "expected %s, found the end of the file",
				   what);
	if (t->kind == TOK_END)
		return parse_error(p, t, RULES_CODE_SYNTAX, hint,
				   "expected %s, found the end of the line",
				   what);
	return parse_error(p, t, RULES_CODE_SYNTAX, hint,
			   "expected %s, found `%.*s`", what,
			   (int)t->raw_len, t->raw);
}

bool parse_expected(struct parser *p, const char *what)
{
	return parse_expected_hint(p, what, NULL);
}

/* --- nodes and their comments --- */

void *node_begin(struct parser *p, size_t size, enum rules_kind kind)
{
	struct rules_node *n;

	if (kind != RULES_BROKEN && p->lx.trail) {
		/* A comment behind an opening brace: above what follows. */
		struct rules_comment *c = rules_alloc(p->r, sizeof(*c));

		if (!c)
			return NULL;
		c->text = p->lx.trail;
		c->next = p->lx.lead;
		if (!p->lx.lead)
			p->lx.lead_tail = &c->next;
		p->lx.lead = c;
		p->lx.trail = NULL;
	}
	n = rules_alloc(p->r, size);
	if (!n)
		return NULL;
	n->kind = kind;
	n->name = "";
	n->pos = p->tok.pos;
	n->lead = p->lx.lead;
	p->lx.lead = NULL;
	p->lx.lead_tail = &p->lx.lead;
	return n;
}

void node_end(struct parser *p, struct rules_node *n)
{
	n->trail = p->lx.trail;
	p->lx.trail = NULL;
}

/* One more member of some list.  NULL: too many. */
static void *member_begin(struct parser *p, size_t size, enum rules_kind kind)
{
	if (p->r->nr_members++ >= p->r->limits.members) {
		diag_fatal(p->r, -E2BIG, &p->tok.pos, "more than %u members of "
			   "lists", p->r->limits.members);
		return NULL;
	}
	return node_begin(p, size, kind);
}

/* --- words --- */

static bool text_set(struct parser *p, struct rules_text *t)
{
	t->pos = p->tok.pos;
	t->text = rules_strdup(p->r, p->tok.raw, p->tok.raw_len);
	return t->text;
}

bool parse_text(struct parser *p, struct rules_text *t)
{
	if (!text_set(p, t))
		return false;
	parse_next(p);
	return true;
}

static bool name_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && ((c >= '0' && c <= '9') || c == '-'));
}

static bool name_valid(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!name_char(s[i], i == 0))
			return false;
	return len > 0 && len < RULES_NAME_MAX;
}

static bool name_reserved(const char *s, size_t len)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(reserved); i++)
		if (word_is(s, len, reserved[i]))
			return true;
	return false;
}

bool parse_name(struct parser *p, const char **name, const char *what)
{
	const struct token *t = &p->tok;

	if (t->kind != TOK_WORD)
		return parse_expected(p, what);
	if (t->len >= RULES_NAME_MAX)
		return parse_error(p, t, RULES_CODE_LIMIT, NULL, "a name has "
				   "at most %d characters",
				   RULES_NAME_MAX - 1);
	if (tok_opaque(p)) {
		*name = rules_strdup(p->r, t->raw, t->raw_len);
		parse_next(p);
		return *name;
	}
	if (!name_valid(t->s, t->len))
		return parse_error(p, t, RULES_CODE_SYNTAX, "a name starts "
				   "with a letter and goes on with letters, "
				   "digits, - and _", "expected %s, found `%.*s`",
				   what, (int)t->len, t->s);
	if (name_reserved(t->s, t->len))
		return parse_error(p, t, RULES_CODE_NAME, "choose another",
				   "`%.*s` is a word of the language and cannot "
				   "be a name", (int)t->len, t->s);
	*name = rules_strdup(p->r, t->s, t->len);
	parse_next(p);
	return *name;
}

bool parse_node_name(struct parser *p, struct rules_node *n, const char *what)
{
	n->pos = p->tok.pos;
	return parse_name(p, &n->name, what);
}

bool parse_string(struct parser *p, const char **s, const char *what)
{
	if (tok_opaque(p)) {
		*s = rules_strdup(p->r, p->tok.raw, p->tok.raw_len);
	} else if (p->tok.kind == TOK_STRING) {
		*s = p->tok.s;
	} else {
		return parse_expected_hint(p, what, p->tok.kind == TOK_WORD ?
					   "put it in \"quotes\"" : NULL);
	}
	parse_next(p);
	return *s;
}

bool parse_number(struct parser *p, struct rules_text *t, uint64_t lo,
		  uint64_t hi, uint64_t *n, const char *what)
{
	struct token tok = p->tok;
	int rc;

	if (tok.kind != TOK_WORD)
		return parse_expected(p, what);
	*n = lo;
	if (tok_opaque(p))
		return parse_text(p, t);
	rc = value_number(tok.s, tok.len, n);
	if (rc == -EINVAL)
		return parse_expected(p, what);
	if (rc || *n < lo || *n > hi)
		return parse_error(p, &tok, RULES_CODE_VALUE, NULL, "%s is out "
				   "of range; it runs from %lu to %lu", what,
				   lo, hi);
	return parse_text(p, t);
}

bool parse_quantity(struct parser *p, struct rules_text *t,
		    const struct unit *units, uint64_t *n, const char *what)
{
	struct token tok = p->tok;
	int rc;

	if (tok.kind != TOK_WORD)
		return parse_expected(p, what);
	*n = 1;
	if (tok_opaque(p))
		return parse_text(p, t);
	rc = value_unit(tok.s, tok.len, units, n);
	if (rc == -EINVAL)
		return parse_expected(p, what);
	if (rc || !*n)
		return parse_error(p, &tok, RULES_CODE_VALUE, NULL,
				   "`%.*s` is out of range", (int)tok.len,
				   tok.s);
	return parse_text(p, t);
}

bool parse_mac(struct parser *p, struct rules_text *t, uint8_t mac[6])
{
	struct token tok = p->tok;

	if (tok_opaque(p))
		return parse_text(p, t);
	if (tok.kind != TOK_WORD || value_mac(tok.s, tok.len, mac))
		return parse_expected(p, "a MAC address like 02:00:00:00:00:01");
	if (mac[0] & 1)
		return parse_error(p, &tok, RULES_CODE_VALUE, "its first byte "
				   "must be even", "a multicast MAC cannot be "
				   "an interface's");
	return parse_text(p, t);
}

/* --- braces --- */

bool parse_open(struct parser *p, struct token *brace)
{
	*brace = p->tok;
	if (!tok_is_punct(p, '{'))
		return parse_expected(p, "{");
	if (p->lx.depth > p->r->limits.nesting)
		return parse_error(p, brace, RULES_CODE_LIMIT, NULL,
				   "braces within braces within braces: more "
				   "than %u deep", p->r->limits.nesting);
	parse_next(p);
	return true;
}

bool parse_close(struct parser *p, const struct token *brace,
		 struct rules_comment **tail)
{
	if (!tok_is_punct(p, '}'))
		return parse_error(p, brace, RULES_CODE_SYNTAX, "put a }",
				   "this { has no matching }");
	if (tail) {
		/* The comments between the last member and the brace. */
		struct rules_node *n = node_begin(p, sizeof(*n), RULES_SET);

		if (!n)
			return false;
		*tail = n->lead;
	}
	parse_next(p);
	return true;
}

/* The text ended, or a statement started, within the braces. */
static bool tok_breaks(struct parser *p)
{
	return p->tok.kind == TOK_EOF || p->failed ||
	       (p->tok.first && word_starts_statement(&p->tok));
}

void parse_separators(struct parser *p)
{
	while (tok_is_punct(p, ',') || tok_is_punct(p, ';'))
		parse_next(p);
}

/* --- references --- */

static bool ref_name(struct parser *p, struct rules_ref *ref, const char *what)
{
	const struct token *t = &p->tok;
	const char *dot = memchr(t->s, '.', t->len);
	size_t head = dot ? (size_t)(dot - t->s) : t->len;

	if (!dot)
		return parse_node_name(p, &ref->node, what);
	if (!name_valid(t->s, head) ||
	    !name_valid(dot + 1, t->len - head - 1))
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
	if ((hosts || syntax == REF_PORTS) && tok_is(p, "any")) {
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
	       looks_like_addr(p->tok.s, p->tok.len);
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

/* --- what a rule or service is about: protocols and ports --- */

/* TYPE[/CODE], by name or number. */
bool parse_icmp_type(struct parser *p, struct rules_match *m)
{
	const struct token t = p->tok;
	const char *slash = memchr(t.s, '/', t.len);
	size_t len = slash ? (size_t)(slash - t.s) : t.len;
	struct nearest near;
	char hint[HINT_MAX];
	uint64_t n;

	m->icmp_text = tok_opaque(p) ? rules_strdup(p->r, t.raw, t.raw_len) :
				       rules_strdup(p->r, t.s, t.len);
	if (!m->icmp_text)
		return false;
	if (tok_opaque(p)) {
		parse_next(p);
		return true;
	}
	if (value_number(t.s, len, &n) == 0) {
		if (n > UINT8_MAX)
			return parse_error(p, &t, RULES_CODE_VALUE, NULL,
					   "ICMP types run from 0 to 255");
		if (m->proto == RULES_PROTO_ICMP_BOTH)
			return parse_error(p, &t, RULES_CODE_VALUE, "write "
					   "icmp4 or icmp6, or a type by name",
					   "a type by number differs between "
					   "ICMP and ICMPv6");
		m->icmp_type = m->icmp6_type = n;
	} else if (icmp_by_name(t.s, len, &m->icmp_type, &m->icmp6_type,
				&m->icmp_code)) {
		nearest_init(&near, t.s, len);
		nearest_icmp(&near);
		return parse_error(p, &t, RULES_CODE_NAME,
				   nearest_hint(&near, hint, sizeof(hint)),
				   "`%.*s` is no ICMP type", (int)len, t.s);
	}
	if (m->proto == PROTO_ICMP ? m->icmp_type < 0 :
	    m->proto == PROTO_ICMP6 && m->icmp6_type < 0)
		return parse_error(p, &t, RULES_CODE_VALUE, NULL,
				   "%s has no type `%.*s`",
				   proto_name(m->proto), (int)len, t.s);
	if (slash) {
		if (value_number(slash + 1, t.len - len - 1, &n) ||
		    n > UINT8_MAX)
			return parse_error(p, &t, RULES_CODE_VALUE, NULL,
					   "an ICMP code is a number from 0 to "
					   "255");
		m->icmp_code = n;
	}
	parse_next(p);
	return true;
}

/* The word that names what is matched: a protocol, a number, a service. */
bool parse_match_proto(struct parser *p, struct rules_match *m)
{
	const struct token t = p->tok;
	uint64_t n;

	m->icmp_type = m->icmp6_type = m->icmp_code = -1;
	m->icmp_text = m->text.text = "";
	if (t.kind != TOK_WORD)
		return parse_expected(p, "a protocol, a service or `any`");
	if (tok_opaque(p)) {
		m->proto = RULES_PROTO_OPAQUE;
		return parse_text(p, &m->text);
	}
	if (tok_is(p, "proto")) {
		parse_next(p);
		if (!parse_number(p, &m->text, 0, 255, &n, "a protocol number"))
			return false;
		m->proto = n;
		return true;
	}
	m->proto = proto_by_name(t.s, t.len);
	if (m->proto == RULES_PROTO_SERVICE) {
		if (name_reserved(t.s, t.len) || !name_valid(t.s, t.len))
			return parse_expected_hint(p, "a protocol, a service "
				"or `any`", t.s[0] >= '0' && t.s[0] <= '9' ?
				"a port follows its protocol: tcp 80" : NULL);
		return text_set(p, &m->text) &&
		       parse_node_name(p, &m->node, "a service");
	}
	return parse_text(p, &m->text);
}

/* Can this token be a port, rather than the next thing? */
static bool tok_is_port(const struct parser *p)
{
	const struct token *t = &p->tok;

	if (tok_is_punct(p, '{') || tok_opaque(p))
		return true;
	if (t->kind != TOK_WORD)
		return false;
	if (t->s[0] >= '0' && t->s[0] <= '9')
		return true;
	return name_valid(t->s, t->len) && !name_reserved(t->s, t->len) &&
	       !word_is(t->s, t->len, "proto") &&
	       proto_by_name(t->s, t->len) == RULES_PROTO_SERVICE;
}

static bool tok_is_icmp_type(const struct parser *p)
{
	const struct token *t = &p->tok;

	return t->kind == TOK_WORD && !name_reserved(t->s, t->len) &&
	       !word_is(t->s, t->len, "proto") &&
	       proto_by_name(t->s, t->len) == RULES_PROTO_SERVICE;
}

/* 80, 443: a comma goes on with the ports if a number follows it. */
static bool match_ports(struct parser *p, struct rules_match *m, bool *comma)
{
	struct rules_ref *ref;

	if (tok_is_punct(p, '{')) {
		m->ports = parse_ref_block(p, REF_PORTS, NULL);
		return m->ports;
	}
	m->ports = ref = parse_ref(p, REF_PORTS);
	while (ref && parse_accept_punct(p, ',')) {
		struct rules_ref *next;

		if (p->tok.kind != TOK_WORD || p->tok.s[0] < '0' ||
		    p->tok.s[0] > '9') {
			*comma = true;
			return true;
		}
		next = parse_ref(p, REF_PORTS);
		ref->node.next = next ? &next->node : NULL;
		ref = next;
	}
	return ref;
}

static bool match_no_ports(struct parser *p, const struct rules_match *m)
{
	struct nearest near;
	char hint[HINT_MAX];

	nearest_init(&near, m->text.text, strlen(m->text.text));
	if (m->proto == RULES_PROTO_SERVICE)
		nearest_protos(&near);
	nearest_hint(&near, hint, sizeof(hint));
	return parse_error(p, &p->tok, RULES_CODE_SYNTAX,
			   *hint ? hint : "ports follow tcp, udp or sctp",
			   "`%s` has no ports", m->text.text);
}

static struct rules_match *parse_match(struct parser *p, bool *comma)
{
	struct rules_match *m = member_begin(p, sizeof(*m), RULES_SERVICE);
	bool ok = true;

	*comma = false;
	if (!m || !parse_match_proto(p, m))
		return NULL;
	if (m->proto == PROTO_ICMP || m->proto == PROTO_ICMP6 ||
	    m->proto == RULES_PROTO_ICMP_BOTH) {
		if (tok_is_icmp_type(p))
			ok = parse_icmp_type(p, m);
	} else if (proto_has_ports(m->proto)) {
		if (tok_is_port(p) || tok_is(p, "not"))
			ok = match_ports(p, m, comma);
	} else if (p->tok.kind == TOK_WORD && p->tok.s[0] >= '0' &&
		   p->tok.s[0] <= '9') {
		ok = match_no_ports(p, m);
	}
	return ok ? m : NULL;
}

struct rules_match *parse_match_block(struct parser *p,
				      struct rules_comment **tail)
{
	struct rules_match *first = NULL, *m;
	struct rules_node **end = NULL;
	struct token brace;
	bool comma;

	if (!parse_open(p, &brace))
		return NULL;
	parse_separators(p);
	while (!tok_is_punct(p, '}') && !tok_breaks(p)) {
		m = parse_match(p, &comma);
		if (!m)
			return NULL;
		parse_separators(p);
		node_end(p, &m->node);
		if (end)
			*end = &m->node;
		else
			first = m;
		end = &m->node.next;
	}
	if (!parse_close(p, &brace, tail))
		return NULL;
	if (!first)
		parse_error(p, &brace, RULES_CODE_EMPTY, NULL,
			    "nothing stands between these braces");
	return first;
}

struct rules_match *parse_matches(struct parser *p)
{
	struct rules_match *first, *m;
	bool comma;

	if (tok_is_punct(p, '{'))
		return parse_match_block(p, NULL);
	first = m = parse_match(p, &comma);
	while (m && (comma || parse_accept_punct(p, ','))) {
		struct rules_match *next = parse_match(p, &comma);

		m->node.next = next ? &next->node : NULL;
		m = next;
	}
	return m ? first : NULL;
}

/* --- clauses --- */

static void unknown_clause(struct parser *p, const struct clause *table,
			   const char *what)
{
	struct nearest near;
	char hint[HINT_MAX];

	nearest_init(&near, p->tok.s, p->tok.len);
	for (; table->word; table++)
		nearest_try(&near, table->word);
	nearest_hint(&near, hint, sizeof(hint));
	parse_expected_hint(p, what, hint);
}

/* KEYWORD ..., each at most once unless `many`, in any order. */
bool parse_clause(struct parser *p, const struct clause *table, void *obj,
		  uint32_t *seen, const char *what)
{
	const struct token t = p->tok;
	unsigned int i;

	for (i = 0; table[i].word; i++)
		if (tok_is(p, table[i].word))
			break;
	if (!table[i].word) {
		unknown_clause(p, table, what);
		return false;
	}
	if (*seen & 1u << i && !table[i].many)
		return parse_error(p, &t, RULES_CODE_CONFLICT, "write it once",
				   "`%s` is given twice", table[i].word);
	*seen |= 1u << i;
	parse_next(p);
	return table[i].parse(p, obj);
}

bool parse_clauses(struct parser *p, const struct clause *table, void *obj,
		   const char *what)
{
	uint32_t seen = 0;

	while (!tok_ends(p))
		if (!parse_clause(p, table, obj, &seen, what))
			return false;
	return true;
}

/* --- small statements --- */

/* set NAME { MEMBERS } */
static struct rules_node *parse_set(struct parser *p)
{
	struct rules_set *s = node_begin(p, sizeof(*s), RULES_SET);

	if (!s)
		return NULL;
	parse_next(p);
	if (!parse_node_name(p, &s->node, "a name for the set"))
		return &s->node;
	s->members = parse_ref_block(p, REF_ANY_MEMBER, &s->tail);
	return &s->node;
}

/* service NAME { PROTO PORTS, ... } */
static struct rules_node *parse_service(struct parser *p)
{
	struct rules_service *s = node_begin(p, sizeof(*s), RULES_SERVICE);

	if (!s)
		return NULL;
	parse_next(p);
	if (!parse_node_name(p, &s->node, "a name for the service"))
		return &s->node;
	if (proto_by_name(s->node.name, strlen(s->node.name)) !=
	    RULES_PROTO_SERVICE)
		parse_error(p, &p->stmt, RULES_CODE_NAME, "choose another",
			    "`%s` is a protocol and cannot be a name",
			    s->node.name);
	else
		s->members = parse_match_block(p, &s->tail);
	return &s->node;
}

/* let NAME = VALUE */
static struct rules_node *parse_let(struct parser *p)
{
	struct rules_let *l = node_begin(p, sizeof(*l), RULES_LET);
	const char *name;
	struct strbuf b;
	char *key;

	if (!l)
		return NULL;
	parse_next(p);
	if (!parse_name(p, &name, "a name for the variable"))
		return &l->node;
	key = rules_alloc(p->r, RULES_NAME_MAX + 1);
	if (!key)
		return NULL;
	strbuf_init(&b, key, RULES_NAME_MAX + 1);
	out_print(&b.out, "$%s", name);
	l->node.name = key;
	if (!parse_accept_punct(p, '=')) {
		parse_expected(p, "=");
		return &l->node;
	}
	if (p->tok.kind != TOK_WORD && p->tok.kind != TOK_STRING) {
		parse_expected(p, "a word or a \"string\"");
		return &l->node;
	}
	l->quoted = p->tok.kind == TOK_STRING;
	l->value.pos = p->tok.pos;
	l->value.text = l->quoted ? p->tok.s :
		rules_strdup(p->r, p->r->format_only ? p->tok.raw : p->tok.s,
			     p->r->format_only ? p->tok.raw_len : p->tok.len);
	parse_next(p);
	return &l->node;
}

static void parse_file(struct parser *p, const char *path, const char *text,
		       size_t len, uint32_t includer);

const char *path_beside(struct parser *p, const char *path)
{
	const char *base = rules_file_name(p->r, p->lx.file), *slash = NULL;
	size_t dir, len, i;
	char *joined;

	for (i = 0; base[i]; i++)
		if (base[i] == '/')
			slash = base + i;
	while (path[0] == '.' && path[1] == '/')
		path += 2;
	if (path[0] == '/' || !slash)
		return path;
	dir = slash - base + 1;
	len = strlen(path);
	joined = rules_alloc(p->r, dir + len + 1);
	if (!joined)
		return NULL;
	memcpy(joined, base, dir);
	memcpy(joined + dir, path, len);
	return joined;
}

static bool include_loops(struct parser *p, const char *path)
{
	uint32_t f = p->lx.file;

	for (;;) {
		if (word_is(path, strlen(path), p->r->sources[f].path))
			return true;
		if (p->r->sources[f].includer == f)
			return false;
		f = p->r->sources[f].includer;
	}
}

static bool include_follow(struct parser *p, const struct token *t,
			   const char *as_written)
{
	const struct rules_host *host = p->r->host;
	const char *path = path_beside(p, as_written), *text;
	size_t len;
	int rc;

	if (!path)
		return false;
	if (include_loops(p, path))
		return parse_error(p, t, RULES_CODE_FILE, NULL, "%s includes "
				   "itself", path);
	if (p->depth >= p->r->limits.include_depth)
		return parse_error(p, t, RULES_CODE_LIMIT, NULL, "includes "
				   "within includes: more than %u deep",
				   p->r->limits.include_depth);
	if (p->r->nr_sources >= p->r->limits.files)
		return parse_error(p, t, RULES_CODE_LIMIT, NULL, "more than "
				   "%u files", p->r->limits.files);
	rc = host->read ? host->read(host->ctx, path, &text, &len) : -ENOENT;
	if (rc)
		return parse_error(p, t, RULES_CODE_FILE, NULL, "cannot read "
				   "%s", path);
	if (len > p->r->limits.file_bytes)
		return parse_error(p, t, RULES_CODE_LIMIT, NULL, "%s is longer "
				   "than %u bytes", path,
				   p->r->limits.file_bytes);
	parse_file(p, path, text, len, p->lx.file);
	return true;
}

/* include "FILE": its statements stand here. */
static struct rules_node *parse_include(struct parser *p)
{
	struct rules_include *inc = node_begin(p, sizeof(*inc), RULES_INCLUDE);
	struct token t;

	if (!inc)
		return NULL;
	parse_next(p);
	t = p->tok;
	inc->path = "";
	if (!parse_string(p, &inc->path, "a file name in \"quotes\""))
		return &inc->node;
	if (!p->r->format_only)
		include_follow(p, &t, inc->path);
	return &inc->node;
}

/* --- statements --- */

static const struct statement {
	const char		*word;
	struct rules_node	*(*parse)(struct parser *p);
	bool			 also_in_braces;
} statements[] = {
	{ "nic", parse_nic },
	{ "net", parse_net },
	{ "domain", parse_domain },
	{ "set", parse_set },
	{ "service", parse_service },
	{ "let", parse_let },
	{ "include", parse_include },
	{ "route", parse_route },
	{ "allow", parse_rule, true },
	{ "deny", parse_rule, true },
	{ "reject", parse_rule, true },
	{ "masquerade", parse_nat },
	{ "redirect", parse_nat },
	{ "static", parse_nat },
	{ "expect", parse_expect },
};

static const struct statement *statement_find(const struct token *t)
{
	unsigned int i;

	if (t->kind == TOK_WORD)
		for (i = 0; i < ARRAY_LEN(statements); i++)
			if (word_is(t->s, t->len, statements[i].word))
				return &statements[i];
	return NULL;
}

bool word_starts_statement(const struct token *t)
{
	const struct statement *s = statement_find(t);

	return s && !s->also_in_braces;
}

/*
 * Go on where a statement may start.  An unclosed brace must not swallow the
 * rest of the file, so a line that starts with a statement's word ends it.
 */
static void parse_recover(struct parser *p)
{
	while (p->tok.kind != TOK_EOF) {
		if (p->tok.kind == TOK_END && !p->lx.depth)
			break;
		if (p->tok.first && word_starts_statement(&p->tok))
			break;
		parse_next(p);
	}
	p->lx.depth = 0;
}

static void unknown_statement(struct parser *p)
{
	struct nearest near;
	char hint[HINT_MAX];
	unsigned int i;

	nearest_init(&near, p->tok.s, p->tok.len);
	for (i = 0; i < ARRAY_LEN(statements); i++)
		nearest_try(&near, statements[i].word);
	nearest_hint(&near, hint, sizeof(hint));
	parse_expected_hint(p, "a statement (nic, net, domain, set, service, "
			    "allow, deny ...)", hint);
}

static void statement_add(struct parser *p, struct rules_node *n)
{
	if (!n)
		return;
	if (p->failed)
		n->kind = RULES_BROKEN;
	if (p->r->nr_stmts++ >= p->r->limits.statements) {
		diag_fatal(p->r, -E2BIG, &n->pos, "more than %u statements",
			   p->r->limits.statements);
		return;
	}
	*p->tail = n;
	p->tail = &n->next;
	/* Variables count from here on; other names wait for the checker. */
	if (n->name[0] == '$' && !p->r->format_only &&
	    symbol_define(p->r, n->name, n) == -EEXIST) {
		struct rules_node *o = symbol_find(p->r, n->name,
						   strlen(n->name));

		diag_report(p->r, &(struct diag_args){ RULES_ERROR,
			    RULES_CODE_NAME, &n->pos, &o->pos,
			    "choose another name" },
			    "variable %s is defined twice", n->name);
	}
}

static void parse_statement(struct parser *p)
{
	const struct statement *s = statement_find(&p->tok);
	struct rules_node *n = NULL;

	p->failed = false;
	p->stmt = p->tok;
	if (s)
		n = s->parse(p);
	else
		unknown_statement(p);
	if (!p->failed && p->tok.kind != TOK_END && p->tok.kind != TOK_EOF)
		parse_expected(p, "the end of the line");
	if (p->failed)
		parse_recover(p);
	if (n)
		node_end(p, n);
	/* An include has put its own statements before it: all one. */
	statement_add(p, n);
	if (p->tok.kind == TOK_END)
		parse_next(p);
}

static void parse_file(struct parser *p, const char *path, const char *text,
		       size_t len, uint32_t includer)
{
	struct rules *r = p->r;
	struct parser inner = { .r = r, .tail = p->tail,
				.depth = p->depth + 1 };
	uint32_t file = r->nr_sources;

	if (!r->sources) {
		r->sources = rules_alloc(r, r->limits.files *
					 sizeof(*r->sources));
		if (!r->sources)
			return;
	}
	r->sources[file] = (struct rules_source){ path, text, len, includer };
	r->nr_sources++;
	lex_init(&inner.lx, r, file);
	parse_next(&inner);
	while (inner.tok.kind != TOK_EOF && !r->fatal) {
		if (inner.tok.kind == TOK_END)
			parse_next(&inner);
		else
			parse_statement(&inner);
	}
	p->tail = inner.tail;
	if (r->format_only)
		r->tail = inner.lx.lead;
}

/* --- the library's door --- */

static uint32_t or_default(uint32_t n, uint32_t def)
{
	return n ? n : def;
}

void rules_init(struct rules *r, const struct rules_host *host, void *mem,
		size_t mem_bytes)
{
	const struct rules_limits *l = &host->limits;

	memset(r, 0, sizeof(*r));
	r->arena.base = mem;
	r->arena.size = mem_bytes;
	r->host = host;
	r->limits = (struct rules_limits){
		.file_bytes = or_default(l->file_bytes, 16u << 20),
		.files = or_default(l->files, 256),
		.include_depth = or_default(l->include_depth, 16),
		.line_bytes = or_default(l->line_bytes, 1u << 16),
		.string_bytes = or_default(l->string_bytes, 4096),
		.statements = or_default(l->statements, 1u << 18),
		.members = or_default(l->members, 1u << 20),
		.nesting = or_default(l->nesting, 16),
		.errors = or_default(l->errors, 100),
		.warnings = or_default(l->warnings, 200),
		.shadow_work = or_default(l->shadow_work, 200u * 1000 * 1000),
	};
}

int rules_parse(struct rules *r, const char *path, const char *text,
		size_t len, unsigned int flags)
{
	struct parser p = { .r = r, .tail = &r->stmts };

	r->format_only = flags & RULES_FORMAT_ONLY;
	if (!text && (!r->host->read ||
		      r->host->read(r->host->ctx, path, &text, &len))) {
		error_at(r, FILE, NULL, NULL, "cannot read %s", path);
		return -EINVAL;
	}
	if (len > r->limits.file_bytes)
		diag_fatal(r, -E2BIG, NULL, "%s is longer than %u bytes", path,
			   r->limits.file_bytes);
	else
		parse_file(&p, path, text, len, 0);
	if (r->fatal)
		return r->fatal;
	return r->nr_errors ? -EINVAL : 0;
}

struct rules_node *rules_next(const struct rules *r, enum rules_kind kind,
			      const struct rules_node *prev)
{
	struct rules_node *n = prev ? prev->next : r->stmts;

	while (n && n->kind != kind)
		n = n->next;
	return n;
}
