/*
 * lex.c: text into words, strings and punctuation.
 *
 * A word is whatever stands between blanks and punctuation: `web:80`,
 * `10.0.0.0/8`, `8000-8100`.  What it means depends on where it stands, so the
 * parser decides.  Outside braces a line end ends the statement, unless a `\`
 * stands before it; inside braces it means nothing.
 *
 * Comments and blank lines are kept for rules_format() alone.
 */
#include "rules_int.h"

#include <errno.h>

void lex_init(struct lexer *lx, struct rules *r, uint32_t file)
{
	const struct rules_source *s = &r->sources[file];

	memset(lx, 0, sizeof(*lx));
	lx->r = r;
	lx->p = lx->line_start = s->text;
	lx->end = s->text + s->len;
	lx->file = file;
	lx->line = 1;
	lx->lead_tail = &lx->lead;
}

static struct rules_pos lex_pos(const struct lexer *lx, const char *at,
				size_t len)
{
	return (struct rules_pos){ lx->line, at - lx->line_start + 1,
				   len ? len : 1, lx->file };
}

static void lex_lead(struct lexer *lx, const char *text)
{
	struct rules_comment *c;

	if (!text && lx->lead_tail != &lx->lead) {
		/* One blank line is as good as many. */
		c = (struct rules_comment *)((char *)lx->lead_tail -
			offsetof(struct rules_comment, next));
		if (!c->text)
			return;
	}
	c = rules_alloc(lx->r, sizeof(*c));
	if (!c)
		return;
	c->text = text;
	*lx->lead_tail = c;
	lx->lead_tail = &c->next;
}

static void lex_comment(struct lexer *lx)
{
	const char *from = lx->p + 1, *to, *text;
	char *c;

	to = memchr(lx->p, '\n', lx->end - lx->p);
	if (!to)
		to = lx->end;
	lx->p = to;
	if (!lx->r->format_only)
		return;
	while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r'))
		to--;
	text = rules_strdup(lx->r, from, to - from);
	if (lx->r->fatal)
		return;
	for (c = (char *)text; c < text + (to - from); c++)
		if ((unsigned char)*c < ' ' && *c != '\t')
			*c = '?';
	if (lx->token_line == lx->line && !lx->trail)
		lx->trail = text;
	else
		lex_lead(lx, text);
}

static void lex_check_line(struct lexer *lx)
{
	struct rules_pos pos = lex_pos(lx, lx->line_start, 1);

	if ((size_t)(lx->p - lx->line_start) > lx->r->limits.line_bytes)
		diag_fatal(lx->r, -E2BIG, &pos, "this line is longer than %u "
			   "bytes", lx->r->limits.line_bytes);
}

static void lex_newline(struct lexer *lx)
{
	const char *p;

	lex_check_line(lx);
	lx->p++;
	lx->line++;
	lx->line_start = lx->p;
	if (!lx->r->format_only)
		return;
	for (p = lx->p; p < lx->end && (*p == ' ' || *p == '\t' || *p == '\r');)
		p++;
	if (p < lx->end && *p == '\n')
		lex_lead(lx, NULL);
}

static bool is_word(char c)
{
	return (unsigned char)c > ' ' && (unsigned char)c < 0x7f &&
	       !memchr("{},;=\"#\\", c, 8);
}

static void lex_bad_byte(struct lexer *lx)
{
	struct rules_pos pos;
	const char *from = lx->p;
	unsigned char byte = *from;

	while (lx->p < lx->end && *lx->p != '\n' &&
	       !((unsigned char)*lx->p >= ' ' && (unsigned char)*lx->p < 0x7f) &&
	       *lx->p != '\t')
		lx->p++;
	if (lx->p == from)
		lx->p++;
	pos = lex_pos(lx, from, lx->p - from);
	if (byte == '\\')
		error_at(lx->r, SYNTAX, &pos, "a backslash stands last on a "
			 "line, to go on with it on the next",
			 "stray backslash");
	else
		error_at(lx->r, SYNTAX, &pos, "use such text only in \"strings\""
			 " and comments", "byte %u cannot stand here", byte);
}

/* A backslash before the line end joins two lines. */
static bool lex_joins(struct lexer *lx)
{
	const char *p = lx->p + 1;

	while (p < lx->end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	if (p < lx->end && *p != '\n')
		return false;
	lx->p = p;
	if (p < lx->end)
		lex_newline(lx);
	return true;
}

/* Blanks, comments and, inside braces, line ends.  True at the end of a line
   that ends a statement. */
static bool lex_blanks(struct lexer *lx)
{
	while (lx->p < lx->end && !lx->r->fatal) {
		switch (*lx->p) {
		case ' ': case '\t': case '\r':
			lx->p++;
			break;
		case '#':
			lex_comment(lx);
			break;
		case '\n':
			/* Blank lines between statements are no statements. */
			if (!lx->depth && lx->token_line == lx->line)
				return true;
			lex_newline(lx);
			break;
		case '\\':
			if (lex_joins(lx)) {
				/* the statement goes on: so does its line */
				lx->token_line = lx->token_line ? lx->line : 0;
				break;
			}
			lex_bad_byte(lx);
			break;
		default:
			if (is_word(*lx->p) || memchr("{},;=\"", *lx->p, 6))
				return false;
			lex_bad_byte(lx);
		}
	}
	return false;
}

/* The text between quotes, with \" \\ and \n. */
static void lex_string(struct lexer *lx, struct token *t)
{
	const char *from = lx->p++;
	size_t len = 0;
	char *s;

	while (lx->p < lx->end && *lx->p != '"' && *lx->p != '\n') {
		if (*lx->p == '\\' && lx->p + 1 < lx->end && lx->p[1] != '\n')
			lx->p++;
		lx->p++;
		len++;
	}
	t->kind = TOK_STRING;
	t->raw = from;
	t->raw_len = lx->p - from;
	t->pos = lex_pos(lx, from, t->raw_len);
	t->s = "";
	t->bad = true;
	if (lx->p == lx->end || *lx->p != '"') {
		error_at(lx->r, SYNTAX, &t->pos, "a string ends on its line",
			 "this string has no closing \"");
		return;
	}
	t->raw_len++;
	t->pos.len++;
	lx->p++;
	if (len > lx->r->limits.string_bytes) {
		error_at(lx->r, LIMIT, &t->pos, NULL, "this string is longer "
			 "than %u bytes", lx->r->limits.string_bytes);
		return;
	}
	s = rules_alloc(lx->r, len + 1);
	if (!s)
		return;
	t->bad = false;
	t->s = s;
	for (from++; *from != '"'; from++) {
		if (*from == '\\') {
			from++;
			*s = *from == 'n' ? '\n' : *from;
		} else {
			*s = *from;
		}
		if (!*s || (((unsigned char)*s < ' ' || *s == 0x7f) &&
			    *s != '\t' && *s != '\n'))
			*s = '?';	/* controls go to nobody's terminal */
		s++;
	}
	t->len = s - t->s;
}

/* The value of the variable whose name starts at s (after its '$'). */
static const struct rules_let *lex_variable(struct lexer *lx, const char *s,
					    const char *end, size_t *len,
					    const struct token *t)
{
	char hint[HINT_MAX];
	struct rules_node *n;
	struct nearest near;
	const char *p = s;

	while (p < end && ((*p >= 'a' && *p <= 'z') || *p == '_' ||
			   (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9')))
		p++;
	*len = p - s;
	n = symbol_find(lx->r, s - 1, *len + 1);
	if (n)
		n->used = true;
	if (n && n->kind == RULES_LET)
		return (const struct rules_let *)n;
	nearest_init(&near, s - 1, *len + 1);
	nearest_symbols(&near, lx->r, KIND_BIT(RULES_LET));
	if (!n)
		error_at(lx->r, NAME, &t->pos,
			 nearest_hint(&near, hint, sizeof(hint)),
			 "variable $%.*s is not defined above", (int)*len, s);
	return NULL;
}

#define EXPANDED_MAX 512	/* bytes of a word after expansion, with a NUL */

/* Put values for $names.  A word that is one variable of a "string" is one. */
static void lex_expand(struct lexer *lx, struct token *t)
{
	const char *p = t->raw, *end = t->raw + t->raw_len;
	char text[EXPANDED_MAX];
	struct strbuf b;
	size_t len;

	t->expanded = true;
	strbuf_init(&b, text, sizeof(text));
	while (p < end) {
		const struct rules_let *let;

		if (*p != '$') {
			b.out.write(b.out.ctx, p++, 1);
			continue;
		}
		let = lex_variable(lx, p + 1, end, &len, t);
		if (!let) {
			t->bad = true;
			t->s = "";
			t->len = 0;
			return;
		}
		p += len + 1;
		if (let->quoted && len + 1 == t->raw_len) {
			t->kind = TOK_STRING;
			t->s = let->value.text;
			t->len = strlen(t->s);
			return;
		}
		out_print(&b.out, "%s", let->value.text);
	}
	if (b.len == sizeof(text) - 1) {
		error_at(lx->r, LIMIT, &t->pos, NULL, "with its variables "
			 "this word is longer than %d bytes",
			 EXPANDED_MAX - 2);
		t->bad = true;
	}
	t->s = rules_strdup(lx->r, text, b.len);
	t->len = strlen(t->s);
}

static void lex_word(struct lexer *lx, struct token *t)
{
	const char *from = lx->p;

	while (lx->p < lx->end && is_word(*lx->p)) {
		if (*lx->p == '-' && lx->p + 1 < lx->end && lx->p[1] == '>')
			break;
		lx->p++;
	}
	t->kind = TOK_WORD;
	t->s = t->raw = from;
	t->len = t->raw_len = lx->p - from;
	t->pos = lex_pos(lx, from, t->len);
	if (memchr(from, '$', t->len) && !lx->r->format_only)
		lex_expand(lx, t);
}

static void lex_punct(struct lexer *lx, struct token *t)
{
	t->kind = TOK_PUNCT;
	t->punct = *lx->p++;
	t->raw = lx->p - 1;
	t->raw_len = 1;
	t->pos = lex_pos(lx, t->raw, 1);
	if (t->punct == '{')
		lx->depth++;
	if (t->punct == '}' && lx->depth)
		lx->depth--;
	if (t->punct == ';' && !lx->depth)
		t->kind = TOK_END;
}

void lex_next(struct lexer *lx, struct token *t)
{
	memset(t, 0, sizeof(*t));
	t->s = t->raw = "";
	if (lex_blanks(lx)) {
		t->kind = TOK_END;
		t->pos = lex_pos(lx, lx->p, 1);
		lx->token_line = 0;
		lex_newline(lx);
		return;
	}
	if (lx->p >= lx->end)
		lex_check_line(lx);
	if (lx->p >= lx->end || lx->r->fatal) {
		t->kind = TOK_EOF;
		t->pos = lex_pos(lx, lx->p, 1);
		return;
	}
	t->first = lx->token_line != lx->line;
	if (*lx->p == '"') {
		lex_string(lx, t);
	} else if (lx->p + 1 < lx->end && lx->p[0] == '-' && lx->p[1] == '>') {
		t->kind = TOK_PUNCT;
		t->punct = '>';
		t->raw = lx->p;
		t->raw_len = 2;
		t->pos = lex_pos(lx, lx->p, 2);
		lx->p += 2;
	} else if (is_word(*lx->p)) {
		lex_word(lx, t);
	} else {
		lex_punct(lx, t);
	}
	lx->token_line = lx->line;
}
