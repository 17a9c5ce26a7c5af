/*
 * expects.c: run the `expect` lines of a rule file through the lab.
 */
#include "expects.h"

#include <stdio.h>
#include <string.h>

#include "speak.h"

static bool run_one(const struct rules_expect *e, struct lab *lab,
		    expect_step_fn *each, void *ctx)
{
	const struct rules_step *step = e->steps;
	struct speak s;
	bool ok = true;

	speak_begin(&s, lab);
	while (step && ok) {
		struct text got;

		ok = speak_step(&s, step, &got);
		each(ctx, e, step, ok, got.s);
		step = (const struct rules_step *)step->node.next;
	}
	speak_end(&s);
	return ok;
}

int expects_run(struct rulefile *f, struct lab *lab, expect_step_fn *each,
		void *ctx, struct expect_totals *totals)
{
	const struct rules_node *n = NULL;
	int rc;

	*totals = (struct expect_totals){ 0 };
	while ((n = rules_next(&f->r, RULES_EXPECT, n))) {
		const struct rules_expect *e = (const struct rules_expect *)n;

		totals->total++;
		if (e->unresolved) {
			totals->unresolved++;
			totals->failed++;
			continue;
		}
		rc = totals->total == 1 ? 0 : lab_reset(lab);
		if (rc)
			return rc;
		if (!run_one(e, lab, each, ctx))
			totals->failed++;
	}
	return 0;
}

const char *source_line(const struct rulefile *f, const struct rules_pos *pos,
			size_t *len)
{
	const struct rules_source *src;
	const char *at, *end, *stop;
	uint32_t line = 1;

	*len = 0;
	if (pos->file >= f->r.nr_sources)
		return "";
	src = &f->r.sources[pos->file];
	at = src->text;
	stop = src->text + src->len;
	while (line < pos->line && at < stop) {
		end = memchr(at, '\n', stop - at);
		if (!end)
			return "";
		at = end + 1;
		line++;
	}
	end = memchr(at, '\n', stop - at);
	*len = (end ? end : stop) - at;
	return at;
}

/* The bytes of a line before a word that ends what is asked for. */
static size_t cut_at(const char *line, size_t len, const char *word)
{
	const char *end = memmem(line, len, word, strlen(word));

	return end ? (size_t)(end - line) : len;
}

const char *expect_text(struct text *t, const struct rulefile *f,
			const struct rules_pos *pos)
{
	size_t len, skip = pos->col - 1;
	const char *line = source_line(f, pos, &len);

	if (skip > len)
		skip = len;
	line += skip;
	len = cut_at(line, len - skip, "#");
	len = cut_at(line, len, " then ");
	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	snprintf(t->s, sizeof(t->s), "%.*s", (int)len, line);
	return t->s;
}
