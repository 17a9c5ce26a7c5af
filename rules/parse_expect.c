/*
 * parse_expect.c: packets in words, and what is expected of them.
 */
#include "parse.h"

#include <errno.h>

#define REPEAT_MAX	100000

/* --- packets --- */

static bool endpoint_host(struct parser *p, struct rules_endpoint *e,
			  const struct token *t, const char *s, size_t len)
{
	struct rules_ref *h = node_begin(p, sizeof(*h), RULES_SET);
	struct value_range v;
	const char *why;

	if (!h)
		return false;
	h->node.pos = t->pos;
	h->text = e->text;
	e->host = h;
	if (len >= 2 && s[0] == '[' && s[len - 1] == ']') {
		s++;
		len -= 2;
	}
	if (value_range(s, len, &v, &why) == 0 && !v.has_len && !v.range) {
		h->kind = RULES_REF_ADDR;
		h->lo = h->hi = v.lo;
		h->prefix_len = v.prefix_len;
		return true;
	}
	h->kind = RULES_REF_NAME;
	h->node.name = rules_strdup(p->r, s, len);
	if (!name_dotted(s, len))
		return parse_error(p, t, RULES_CODE_SYNTAX, "write web:80, "
				   "10.0.0.1:80 or [2001:db8::1]:80",
				   "expected a host, found `%.*s`",
				   (int)t->len, t->s);
	return h->node.name;
}

/* HOST or HOST:PORT; an IPv6 address with a port stands in [ ]. */
bool parse_endpoint(struct parser *p, struct rules_endpoint *e)
{
	const struct token t = p->tok;
	size_t colon = t.len;
	struct vfr_addr a;
	uint64_t n;

	e->text.text = "";
	if (t.kind != TOK_WORD)
		return parse_expected(p, "a host and its port, like web:80");
	if (!parse_text(p, &e->text))
		return false;
	if (p->r->format_only && memchr(t.raw, '$', t.raw_len))
		return true;
	while (colon && t.s[colon - 1] != ':')
		colon--;
	if (!colon || value_addr(t.s, t.len, &a) == 0 ||
	    t.s[t.len - 1] == ']')
		return endpoint_host(p, e, &t, t.s, t.len);
	if (value_number(t.s + colon, t.len - colon, &n) || n > UINT16_MAX)
		return parse_error(p, &t, RULES_CODE_VALUE, NULL,
				   "expected a port from 0 to 65535 behind "
				   "the colon");
	e->has_port = true;
	e->port = n;
	return endpoint_host(p, e, &t, t.s, colon - 1);
}

/* fragment OFFSET[+]: + says that more follow */
static bool packet_fragment(struct parser *p, void *obj)
{
	struct rules_packet *k = obj;
	const struct token t = p->tok;
	size_t len = t.len;
	uint64_t n = 0;

	k->has_frag = true;
	if (tok_opaque(p))
		return parse_text(p, &k->frag_text);
	if (len && t.s[len - 1] == '+') {
		k->more_frags = true;
		len--;
	}
	if (t.kind != TOK_WORD || value_number(t.s, len, &n) || n % 8 ||
	    n > UINT16_MAX)
		return parse_expected(p, "an offset in bytes, a multiple of "
				      "8, with a + if more fragments follow");
	k->frag_offset = n;
	return parse_text(p, &k->frag_text);
}

static bool packet_on(struct parser *p, void *obj)
{
	struct rules_packet *k = obj;

	return (k->on = parse_ref(p, REF_NAMES));
}

static bool packet_flags(struct parser *p, void *obj)
{
	struct rules_packet *k = obj;
	const struct token t = p->tok;
	uint8_t mask;

	k->has_flags = true;
	if (tok_value_is(p, "none")) {
		k->tcp_flags = 0;
		return parse_text(p, &k->flags_text);
	}
	return parse_flags(p, &k->flags_text, &k->tcp_flags, &mask) &&
	       (!memchr(t.s, '/', t.len) ||
		parse_error(p, &t, RULES_CODE_SYNTAX, "write those that are "
			    "set alone, like SA", "a packet's flags have no "
			    "mask"));
}

static bool packet_size(struct parser *p, void *obj)
{
	struct rules_packet *k = obj;
	uint64_t n;

	if (!parse_number(p, &k->size_text, 0, 65000, &n, "a size in bytes"))
		return false;
	k->size = n;
	return true;
}

static bool packet_ttl(struct parser *p, void *obj)
{
	struct rules_packet *k = obj;
	uint64_t n;

	if (!parse_number(p, &k->ttl_text, 0, 255, &n, "a TTL"))
		return false;
	k->ttl = n;
	return true;
}

#define PACKET_CLAUSES							\
	{ "on", packet_on }, { "flags", packet_flags },			\
	{ "size", packet_size }, { "ttl", packet_ttl },			\
	{ "fragment", packet_fragment }

static const struct clause packet_clauses[] = { PACKET_CLAUSES, { NULL } };

static void packet_defaults(struct rules_packet *k)
{
	k->tcp_flags = 2;	/* SYN */
	k->ttl = 64;
	k->icmp_type = k->icmp6_type = k->icmp_code = -1;
	k->icmp_text = k->proto_text.text = k->flags_text.text = "";
	k->size_text.text = k->ttl_text.text = k->frag_text.text = "";
	k->src.text.text = k->dst.text.text = "";
}

/* Behind a protocol that is not known, as written: [TYPE] SRC. */
static bool packet_opaque(struct parser *p, struct rules_packet *k)
{
	struct rules_text *src = &k->src.text;

	if (p->tok.kind != TOK_WORD)
		return parse_expected(p, "a host and its port, like web:80");
	if (!parse_text(p, src))
		return false;
	if (p->tok.kind != TOK_WORD)
		return true;
	k->icmp_text = src->text;
	return parse_text(p, src);
}

/* PROTO [TYPE] SRC -> DST */
static bool packet_head(struct parser *p, struct rules_packet *k)
{
	const struct token t = p->tok;
	struct rules_match m = { .proto = 0 };

	k->pos = t.pos;
	if (!parse_match_proto(p, &m))
		return false;
	if (m.proto == RULES_PROTO_SERVICE)
		return parse_error(p, &t, RULES_CODE_SYNTAX, "write tcp, udp, "
				   "icmp ... and the port behind the host",
				   "a packet has a protocol, not a service");
	if (m.proto == RULES_PROTO_ANY)
		return parse_error(p, &t, RULES_CODE_SYNTAX, "write tcp, udp "
				   "...", "a packet has one protocol");
	k->proto = m.proto;
	k->proto_text = m.text;
	if (m.proto == RULES_PROTO_OPAQUE && !packet_opaque(p, k))
		return false;
	if (m.proto == PROTO_ICMP || m.proto == PROTO_ICMP6 ||
	    m.proto == RULES_PROTO_ICMP_BOTH) {
		if (!parse_icmp_type(p, &m))
			return false;
		k->icmp_type = m.icmp_type;
		k->icmp6_type = m.icmp6_type;
		k->icmp_code = m.icmp_code;
		k->icmp_text = m.icmp_text;
	}
	if (m.proto != RULES_PROTO_OPAQUE && !parse_endpoint(p, &k->src))
		return false;
	if (!parse_accept_punct(p, '>'))
		return parse_expected(p, "-> and the destination");
	return parse_endpoint(p, &k->dst);
}

bool parse_packet(struct parser *p, struct rules_packet *k)
{
	memset(k, 0, sizeof(*k));
	packet_defaults(k);
	return packet_head(p, k) &&
	       parse_clauses(p, packet_clauses, k, "on, flags, size, ttl or "
			     "fragment");
}

/* --- steps --- */

static struct rules_step *step_of(void *packet)
{
	return (struct rules_step *)((char *)packet -
				     offsetof(struct rules_step, packet));
}

static bool step_out(struct parser *p, void *obj)
{
	return (step_of(obj)->out = parse_ref(p, REF_NAMES));
}

static bool step_as(struct parser *p, void *obj)
{
	struct rules_step *s = step_of(obj);

	s->has_as = true;
	if (!parse_endpoint(p, &s->as_src))
		return false;
	if (!parse_accept_punct(p, '>'))
		return parse_expected(p, "-> and the destination");
	return parse_endpoint(p, &s->as_dst);
}

static bool step_repeat(struct parser *p, void *obj)
{
	struct rules_step *s = step_of(obj);
	uint64_t n;

	if (!parse_number(p, &s->repeat_text, 1, REPEAT_MAX, &n, "a count"))
		return false;
	s->repeat = n;
	return true;
}

/* Each works on the packet within the step. */
static const struct clause step_clauses[] = {
	PACKET_CLAUSES, { "out", step_out }, { "as", step_as },
	{ "repeat", step_repeat }, { NULL },
};

static bool tok_is_step(const struct parser *p)
{
	return tok_is(p, "allow") || tok_is(p, "deny") || tok_is(p, "reject") ||
	       tok_is(p, "wait");
}

static bool step_options(struct parser *p, struct rules_step *s)
{
	uint32_t seen = 0;

	while (!tok_ends(p) && !tok_is_step(p) && !tok_is(p, "then") &&
	       !tok_is_punct(p, ';') && !tok_is_punct(p, ','))
		if (!parse_clause(p, step_clauses, &s->packet, &seen, "on, out, "
				  "as, flags, size, ttl, fragment or repeat"))
			return false;
	return true;
}

/* ACTION PACKET | ACTION reply | ACTION again | wait TIME */
static struct rules_step *parse_step(struct parser *p)
{
	struct rules_step *s = node_begin(p, sizeof(*s), RULES_EXPECT);

	if (!s)
		return NULL;
	packet_defaults(&s->packet);
	s->wait_text.text = s->repeat_text.text = "";
	s->as_src.text.text = s->as_dst.text.text = "";
	s->repeat = 1;
	s->out_port = RULES_PORT_ANY;
	if (!tok_is_step(p)) {
		parse_expected(p, "allow, deny, reject or wait");
		return NULL;
	}
	if (parse_accept(p, "wait")) {
		s->step = RULES_STEP_WAIT;
		return parse_quantity(p, &s->wait_text, units_time, &s->wait_ns,
				      "a time like 60s") ? s : NULL;
	}
	s->want = tok_is(p, "allow") ? RULES_ALLOW :
		  tok_is(p, "deny") ? RULES_DENY : RULES_REJECT;
	parse_next(p);
	s->packet.pos = p->tok.pos;
	if (parse_accept(p, "reply"))
		s->step = RULES_STEP_REPLY;
	else if (parse_accept(p, "again"))
		s->step = RULES_STEP_AGAIN;
	else if (!packet_head(p, &s->packet))
		return NULL;
	return step_options(p, s) ? s : NULL;
}

static bool expect_needs_first(struct parser *p, const struct rules_expect *e,
			       const struct token *t)
{
	const struct rules_step *s = e->steps;

	while (s && s->step == RULES_STEP_WAIT)
		s = (const struct rules_step *)s->node.next;
	if (!s || s->step == RULES_STEP_PACKET)
		return true;
	return parse_error(p, t, RULES_CODE_SYNTAX, "write a packet first",
			   "`reply` and `again` need a packet before them");
}

static bool expect_block(struct parser *p, struct rules_expect *e,
			 struct rules_node **end)
{
	struct token brace;

	e->braced = true;
	if (!parse_open(p, &brace))
		return false;
	parse_separators(p);
	while (!tok_is_punct(p, '}') && p->tok.kind != TOK_EOF) {
		struct rules_step *s;

		if (p->tok.first && word_starts_statement(&p->tok))
			break;
		s = parse_step(p);
		if (!s)
			return false;
		parse_separators(p);
		node_end(p, &s->node);
		*end = &s->node;
		end = &s->node.next;
	}
	if (!e->steps && tok_is_punct(p, '}'))
		return parse_error(p, &brace, RULES_CODE_EMPTY, NULL,
				   "this sequence has no steps");
	return parse_close(p, &brace, &e->tail);
}

/* expect STEP [then STEP]... | expect sequence ["NAME"] { STEPS } */
struct rules_node *parse_expect(struct parser *p)
{
	struct rules_expect *e = node_begin(p, sizeof(*e), RULES_EXPECT);
	struct rules_node **end;
	struct token first;

	if (!e)
		return NULL;
	end = (struct rules_node **)&e->steps;
	e->title = "";
	parse_next(p);
	first = p->tok;
	if (parse_accept(p, "sequence")) {
		if (!tok_is_punct(p, '{') &&
		    !parse_string(p, &e->title, &e->title_quoted, "a \"name\" "
				  "of the sequence, or {"))
			return &e->node;
		if (expect_block(p, e, end))
			expect_needs_first(p, e, &first);
		return &e->node;
	}
	do {
		struct rules_step *s = parse_step(p);

		if (!s)
			return &e->node;
		*end = &s->node;
		end = &s->node.next;
	} while (parse_accept(p, "then"));
	expect_needs_first(p, e, &first);
	return &e->node;
}

int rules_packet_parse(struct rules *r, const char *text, size_t len,
		       struct rules_packet *k)
{
	struct parser p = { .r = r };
	uint32_t errors = r->nr_errors, sources = r->nr_sources;
	bool ok;

	if (r->nr_sources >= r->limits.files || len > r->limits.line_bytes)
		return -E2BIG;
	r->sources[sources] = (struct rules_source){ "packet", text, len, 0 };
	r->nr_sources++;
	lex_init(&p.lx, r, sources);
	p.lx.depth = 1;		/* line ends mean nothing */
	parse_next(&p);
	ok = parse_packet(&p, k);
	if (ok && p.tok.kind != TOK_EOF)
		parse_expected(&p, "the end of the packet");
	if (ok && !p.failed)
		check_packet(r, k);
	ok = r->nr_errors == errors && !r->fatal;
	r->nr_sources = sources;
	r->nr_errors = errors;
	return ok ? 0 : r->fatal ? r->fatal : -EINVAL;
}
