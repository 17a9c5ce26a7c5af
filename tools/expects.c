/*
 * expects.c: run the `expect` lines of a rule file through the lab.
 */
#include "expects.h"

#include <stdio.h>
#include <string.h>

#include "speak.h"

static bool run_steps(const struct rules_expect *e,
		      const struct rules_step *step, struct lab *lab,
		      expect_step_fn *each, void *ctx)
{
	struct speak s;
	bool ok = true;

	speak_begin(&s, lab);
	while (step && ok) {
		struct text got, said;

		ok = speak_step(&s, step, &got);
		said = got;
		if (step->family)
			snprintf(said.s, sizeof(said.s), "by IPv%u: %.900s",
				 step->family, got.s);
		each(ctx, e, step, ok, said.s);
		step = (const struct rules_step *)step->node.next;
	}
	speak_end(&s);
	return ok;
}

/* It holds if it does by each family that both ends have. */
static int run_one(const struct rules_expect *e, struct lab *lab,
		   expect_step_fn *each, void *ctx, bool *ok)
{
	int rc = lab_reset(lab);

	if (rc)
		return rc;
	*ok = run_steps(e, e->steps, lab, each, ctx);
	if (!e->steps6)
		return 0;
	rc = lab_reset(lab);
	if (!rc)
		*ok &= run_steps(e, e->steps6, lab, each, ctx);
	return rc;
}

int expects_run(struct rulefile *f, struct lab *lab, expect_step_fn *each,
		void *ctx, struct expect_totals *totals)
{
	const struct rules_node *n = NULL;
	int rc;

	*totals = (struct expect_totals){ 0 };
	while ((n = rules_next(&f->r, RULES_EXPECT, n))) {
		const struct rules_expect *e = (const struct rules_expect *)n;
		bool ok = false;

		totals->total++;
		if (e->unresolved) {
			totals->unresolved++;
			totals->failed++;
			continue;
		}
		rc = run_one(e, lab, each, ctx, &ok);
		if (rc)
			return rc;
		if (!ok)
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
