/*
 * parse_match.c: what a rule or service is about: protocols, ports, ICMP types.
 */
#include "parse.h"

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

/* `proto` and the number behind it. */
static bool proto_text(struct parser *p, struct rules_text *t)
{
	static const char word[] = "proto ";
	size_t head = sizeof(word) - 1;
	char *text = rules_alloc(p->r, head + p->tok.raw_len + 1);

	if (!text)
		return false;
	memcpy(text, word, head);
	memcpy(text + head, p->tok.raw, p->tok.raw_len);
	*t = (struct rules_text){ text, p->tok.pos };
	return true;
}

/* The word that names what is matched: a protocol, a number, a service. */
bool parse_match_proto(struct parser *p, struct rules_match *m)
{
	const struct token t = p->tok;
	struct rules_text number;
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
		if (!proto_text(p, &m->text) ||
		    !parse_number(p, &number, 0, 255, &n, "a protocol number"))
			return false;
		m->proto = p->r->format_only && strchr(number.text, '$') ?
			RULES_PROTO_OPAQUE : (int16_t)n;
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

static bool tok_is_number(const struct parser *p)
{
	return p->tok.kind == TOK_WORD && p->tok.s[0] >= '0' &&
	       p->tok.s[0] <= '9';
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

		if (!tok_is_number(p)) {
			*comma = true;
			m->bare = tok_opaque(p);
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

/*
 * What a $variable stands for is not known, and so not what the words behind it
 * are: they stay as they are, as far as they may be ports, types or services.
 */
static bool match_opaque(struct parser *p, struct rules_match *m)
{
	struct rules_node **end = (struct rules_node **)&m->ports;
	bool not = false;

	if (tok_is_punct(p, '{'))
		return (m->ports = parse_ref_block(p, REF_PORTS, NULL));
	m->bare = true;
	while (tok_is_icmp_type(p) || tok_is(p, "not") ||
	       (not && p->tok.kind == TOK_WORD)) {
		struct rules_ref *ref = member_begin(p, sizeof(*ref),
						     RULES_SET);

		not = tok_is(p, "not");
		if (!ref || !parse_text(p, &ref->text))
			return false;
		ref->kind = RULES_REF_OPAQUE;
		*end = &ref->node;
		end = &ref->node.next;
	}
	return true;
}

/* Of `tcp 80, $x, 90`: the variable is a port, and this goes on. */
static bool tok_goes_on(const struct parser *p, const struct rules_match *prev)
{
	return p->r->format_only && tok_is_number(p) && prev &&
	       prev->proto == RULES_PROTO_OPAQUE;
}

/* prev: the one before it in its list, or NULL. */
static struct rules_match *parse_match(struct parser *p,
				       const struct rules_match *prev,
				       bool *comma)
{
	struct rules_match *m = member_begin(p, sizeof(*m), RULES_SERVICE);
	bool ok = true;

	*comma = false;
	if (!m)
		return NULL;
	if (tok_goes_on(p, prev)) {
		m->proto = RULES_PROTO_OPAQUE;
		return parse_text(p, &m->text) && match_opaque(p, m) ? m : NULL;
	}
	if (!parse_match_proto(p, m))
		return NULL;
	if (m->proto == RULES_PROTO_OPAQUE || tok_opaque(p)) {
		m->proto = RULES_PROTO_OPAQUE;
		return match_opaque(p, m) ? m : NULL;
	}
	if (m->proto == PROTO_ICMP || m->proto == PROTO_ICMP6 ||
	    m->proto == RULES_PROTO_ICMP_BOTH) {
		if (tok_is_icmp_type(p))
			ok = parse_icmp_type(p, m);
	} else if (proto_has_ports(m->proto)) {
		if (tok_is_port(p) || tok_is(p, "not"))
			ok = match_ports(p, m, comma);
	} else if (tok_is_number(p)) {
		ok = match_no_ports(p, m);
	}
	return ok ? m : NULL;
}

struct rules_match *parse_match_block(struct parser *p,
				      struct rules_comment **tail)
{
	struct rules_match *first = NULL, *m = NULL;
	struct rules_node **end = NULL;
	struct token brace;
	bool comma;

	if (!parse_open(p, &brace))
		return NULL;
	parse_separators(p);
	while (!tok_is_punct(p, '}') && !tok_breaks(p)) {
		m = parse_match(p, m, &comma);
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
	else
		first->braced = true;
	return first;
}

struct rules_match *parse_matches(struct parser *p)
{
	struct rules_match *first, *m;
	bool comma;

	if (tok_is_punct(p, '{'))
		return parse_match_block(p, NULL);
	first = m = parse_match(p, NULL, &comma);
	while (m && (comma || parse_accept_punct(p, ','))) {
		struct rules_match *next = parse_match(p, m, &comma);

		m->node.next = next ? &next->node : NULL;
		m = next;
	}
	return m ? first : NULL;
}
