/*
 * parse.c: statements, one after the other, and the files that they include.
 *
 * Recursive descent with one token of lookahead.  A function returns false (or
 * NULL) once it has reported; the statement is then given up, its name stays
 * known, and reading goes on with the next one.
 */
#include "parse.h"

#include <errno.h>

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
	if (memchr(p->tok.s, '-', p->tok.len)) {
		parse_error(p, &p->tok, RULES_CODE_NAME, "use _ instead",
			    "the name of a variable has no `-`: $a-$b is a "
			    "range");
		return &l->node;
	}
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
	if (!parse_string(p, &inc->path, &inc->quoted, "a file name in "
			  "\"quotes\""))
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

	if (t->kind == TOK_WORD && !t->expanded)
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
	r->arena.size = mem_bytes & ~(size_t)15;	/* both ends aligned */
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
	r->forget = flags & RULES_FORGET;
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
