/*
 * diag.c: reports, and how people see them.
 */
#include "rules_int.h"

#include <errno.h>

#define MESSAGE_MAX	512	/* bytes of a message with its NUL */
#define SHOWN_MAX	100	/* bytes of a source line that are shown */
#define SHOWN_BEFORE	60	/* of them before the spot, if it is far right */

const char *rules_code_word(enum rules_code code)
{
#define CODE_WORD(name, word) word,
	static const char *const words[] = { RULES_CODES(CODE_WORD) };

	return (unsigned int)code < RULES_NR_CODES ? words[code] : "";
}

const char *rules_file_name(const struct rules *r, uint32_t file)
{
	return file < r->nr_sources ? r->sources[file].path : "";
}

/*
 * Find the text of d's line.  Where the last one was found is kept, so that
 * many diagnostics do not read a long file as many times.
 */
static void diag_line(struct rules *r, struct rules_diag *d)
{
	const struct rules_source *s;
	const char *p, *end;
	uint32_t line = 1;

	d->line = "";
	d->line_len = 0;
	if (d->pos.file >= r->nr_sources || !d->pos.line)
		return;
	s = &r->sources[d->pos.file];
	p = s->text;
	end = s->text + s->len;
	if (r->seen_at && r->seen.file == d->pos.file &&
	    r->seen.line <= d->pos.line && r->seen_at >= p &&
	    r->seen_at <= end) {
		p = r->seen_at;
		line = r->seen.line;
	}
	for (; line < d->pos.line; line++) {
		p = memchr(p, '\n', end - p);
		if (!p)
			return;
		p++;
	}
	r->seen = d->pos;
	r->seen_at = p;
	d->line = p;
	p = memchr(p, '\n', end - p);
	d->line_len = (p ? p : end) - d->line;
}

static void diag_send(struct rules *r, struct rules_diag *d,
		      const struct rules_pos *pos)
{
	if (!r->host->diag)
		return;
	if (pos)
		d->pos = *pos;
	d->file = rules_file_name(r, d->pos.file);
	diag_line(r, d);
	r->host->diag(r->host->ctx, d);
}

/* Count it; true if it is to be shown. */
static bool diag_count(struct rules *r, enum rules_severity severity,
		       const struct rules_pos *pos)
{
	if (severity == RULES_WARNING)
		return r->nr_warnings++ < r->limits.warnings;
	if (++r->nr_errors > r->limits.errors)
		diag_fatal(r, -E2BIG, pos, "more than %u errors; the rest is "
			   "not read", r->limits.errors);
	return r->nr_errors <= r->limits.errors;
}

void diag_report(struct rules *r, const struct diag_args *a, const char *fmt,
		 ...)
{
	struct rules_diag d = { .severity = a->severity, .code = a->code };
	char message[MESSAGE_MAX];
	struct strbuf b;
	va_list ap;

	if (r->fatal || !diag_count(r, a->severity, a->pos))
		return;
	strbuf_init(&b, message, sizeof(message));
	va_start(ap, fmt);
	out_vprint(&b.out, fmt, ap);
	va_end(ap);

	d.message = message;
	d.hint = a->hint ? a->hint : "";
	if (a->other) {
		d.other_file = rules_file_name(r, a->other->file);
		d.other_line = a->other->line;
	}
	diag_send(r, &d, a->pos);
}

void diag_fatal(struct rules *r, int error, const struct rules_pos *pos,
		const char *fmt, ...)
{
	struct rules_diag d = { .severity = RULES_ERROR,
				.code = RULES_CODE_LIMIT, .hint = "" };
	char message[MESSAGE_MAX];
	struct strbuf b;
	va_list ap;

	if (r->fatal)
		return;
	r->fatal = error;
	r->nr_errors++;
	strbuf_init(&b, message, sizeof(message));
	va_start(ap, fmt);
	out_vprint(&b.out, fmt, ap);
	va_end(ap);
	d.message = message;
	diag_send(r, &d, pos);
}

/* A byte that may go to a terminal: no controls, no half of a C1 code. */
static char shown(char c)
{
	unsigned char u = c;

	if (u == '\t')
		return ' ';
	return u < 0x20 || u >= 0x7f ? '?' : c;
}

static void print_shown(const struct rules_out *out, const char *s, size_t len)
{
	while (len--) {
		char c = shown(*s++);

		out->write(out->ctx, &c, 1);
	}
}

/* A window of the line around the spot, with the spot marked below. */
static void print_spot(const struct rules_diag *d, const struct rules_out *out)
{
	size_t col = d->pos.col ? d->pos.col - 1 : 0, from = 0, to, mark, i;

	if (col > d->line_len)
		col = d->line_len;
	if (d->line_len > SHOWN_MAX && col > SHOWN_BEFORE)
		from = col - SHOWN_BEFORE;
	else
		while (from < col && (d->line[from] == ' ' ||
				      d->line[from] == '\t'))
			from++;
	to = d->line_len - from > SHOWN_MAX ? from + SHOWN_MAX : d->line_len;
	mark = d->pos.len ? d->pos.len : 1;
	if (mark > to - col && to > col)
		mark = to - col;

	out_print(out, "    ");
	print_shown(out, d->line + from, to - from);
	out_print(out, "\n    ");
	for (i = from; i < col; i++)
		out_print(out, " ");
	for (i = 0; i < mark && i < SHOWN_MAX; i++)
		out_print(out, "^");
	out_print(out, "\n");
}

void rules_diag_print(const struct rules_diag *d, const struct rules_out *out)
{
	print_shown(out, d->file, strlen(d->file));
	if (d->pos.line)
		out_print(out, ":%u:%u", d->pos.line, d->pos.col);
	out_print(out, d->severity == RULES_ERROR ? ": " : ": warning: ");
	print_shown(out, d->message, strlen(d->message));
	if (d->other_file && *d->other_file) {
		out_print(out, " (");
		print_shown(out, d->other_file, strlen(d->other_file));
		out_print(out, ":%u)", d->other_line);
	}
	if (*d->hint) {
		out_print(out, "; ");
		print_shown(out, d->hint, strlen(d->hint));
	}
	out_print(out, "\n");
	if (d->pos.line && d->line_len)
		print_spot(d, out);
}
