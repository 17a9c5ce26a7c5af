/*
 * parse_word.c: what statements are made of: tokens, errors, names, numbers,
 * braces, clauses.
 *
 * A function returns false (or NULL) once it has reported.  parse_error()
 * reports at most once for each statement.
 */
#include "parse.h"

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
	return !p->tok.expanded && tok_value_is(p, keyword);
}

bool tok_value_is(const struct parser *p, const char *value)
{
	return p->tok.kind == TOK_WORD && word_is(p->tok.s, p->tok.len, value);
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

bool parse_expected_hint(struct parser *p, const char *what, const char *hint)
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

void *member_begin(struct parser *p, size_t size, enum rules_kind kind)
{
	if (p->r->nr_members++ >= p->r->limits.members) {
		diag_fatal(p->r, -E2BIG, &p->tok.pos, "more than %u members of "
			   "lists", p->r->limits.members);
		return NULL;
	}
	return node_begin(p, size, kind);
}

/* --- words --- */

bool text_set(struct parser *p, struct rules_text *t)
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

bool name_valid(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!name_char(s[i], i == 0))
			return false;
	return len > 0 && len < RULES_NAME_MAX;
}

bool name_dotted(const char *s, size_t len)
{
	const char *dot = memchr(s, '.', len);
	size_t head = dot ? (size_t)(dot - s) : len;

	return name_valid(s, head) &&
	       (!dot || name_valid(dot + 1, len - head - 1));
}

bool name_reserved(const char *s, size_t len)
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

bool parse_string(struct parser *p, const char **s, bool *quoted,
		  const char *what)
{
	*quoted = p->tok.kind == TOK_STRING;
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

bool parse_rate(struct parser *p, struct rules_text *t, uint64_t *bps)
{
	return parse_quantity(p, t, units_rate, bps, "a rate like 100Mbit");
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

bool tok_breaks(const struct parser *p)
{
	return p->tok.kind == TOK_EOF || p->failed ||
	       (p->tok.first && word_starts_statement(&p->tok));
}

void parse_separators(struct parser *p)
{
	while (tok_is_punct(p, ',') || tok_is_punct(p, ';'))
		parse_next(p);
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
