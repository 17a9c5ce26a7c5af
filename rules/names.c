/*
 * names.c: which name means which statement, and which one was meant.
 *
 * One namespace for nics, nets, domains, sets and services, so that a name
 * means one thing wherever it stands.  Variables are kept there too, under
 * their name with its '$'.
 */
#include "rules_int.h"

#include <errno.h>

#define BUCKETS_START	256	/* a power of two */
#define NEAREST_BUCKETS	8192	/* looked through for a similar name */
#define NEAREST_MAX	2	/* edits between what was written and meant */

uint64_t hash_text(uint64_t seed, const char *s, size_t len)
{
	while (len--)
		seed = (seed ^ (uint8_t)*s++) * 0x100000001b3ull; /* FNV-1a */
	return seed;
}

static uint32_t hash_name(const char *name, size_t len)
{
	uint64_t h = hash_text(HASH_SEED, name, len);

	return h ^ h >> 32;
}

static struct rules_symbol *symbol_lookup(const struct rules *r,
					  const char *name, size_t len)
{
	uint32_t hash = hash_name(name, len);
	struct rules_symbol *s;

	if (!r->nr_buckets)
		return NULL;
	for (s = r->symbols[hash & (r->nr_buckets - 1)]; s; s = s->next)
		if (s->hash == hash && word_is(name, len, s->name))
			return s;
	return NULL;
}

struct rules_node *symbol_find(const struct rules *r, const char *name,
			       size_t len)
{
	struct rules_symbol *s = symbol_lookup(r, name, len);

	return s ? s->node : NULL;
}

/* Twice the buckets, once there are as many names as buckets. */
static int symbols_grow(struct rules *r)
{
	uint32_t n = r->nr_buckets ? 2 * r->nr_buckets : BUCKETS_START, i;
	struct rules_symbol **to = rules_alloc(r, n * sizeof(*to));

	if (!to)
		return -ENOMEM;
	for (i = 0; i < r->nr_buckets; i++) {
		struct rules_symbol *s = r->symbols[i], *next;

		for (; s; s = next) {
			next = s->next;
			s->next = to[s->hash & (n - 1)];
			to[s->hash & (n - 1)] = s;
		}
	}
	r->symbols = to;
	r->nr_buckets = n;
	return 0;
}

/* -EEXIST: the name is taken, by symbol_find(). */
int symbol_define(struct rules *r, const char *name, struct rules_node *node)
{
	size_t len = strlen(name);
	struct rules_symbol *s;

	if (symbol_lookup(r, name, len))
		return -EEXIST;
	if (r->nr_symbols >= r->nr_buckets && symbols_grow(r))
		return -ENOMEM;
	s = rules_alloc(r, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->name = name;
	s->node = node;
	s->hash = hash_name(name, len);
	s->next = r->symbols[s->hash & (r->nr_buckets - 1)];
	r->symbols[s->hash & (r->nr_buckets - 1)] = s;
	r->nr_symbols++;
	return 0;
}

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

/*
 * Edits (insert, delete, replace, swap of neighbours) that make b of a, both
 * shorter than RULES_NAME_MAX.  Three rows of the usual table.
 */
static unsigned int edit_distance(const char *a, size_t na, const char *b,
				  size_t nb)
{
	unsigned int rows[3][RULES_NAME_MAX + 1];
	unsigned int *before = rows[0], *above = rows[1], *row = rows[2];
	size_t i, j;

	for (j = 0; j <= nb; j++)
		above[j] = j;
	for (i = 1; i <= na; i++) {
		unsigned int *spare = before;

		row[0] = i;
		for (j = 1; j <= nb; j++) {
			char ca = lower(a[i - 1]), cb = lower(b[j - 1]);

			row[j] = min3(above[j] + 1, row[j - 1] + 1,
				      above[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == lower(b[j - 2]) &&
			    lower(a[i - 2]) == cb && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[nb];
}

void nearest_init(struct nearest *n, const char *text, size_t len)
{
	n->text = text;
	n->len = len;
	n->best = NULL;
	n->distance = NEAREST_MAX + 1;
	/* Of a short word most letters must be right. */
	if (len <= 4)
		n->distance = len > 1 ? 2 : 1;
}

void nearest_try(struct nearest *n, const char *candidate)
{
	size_t len = strlen(candidate);
	unsigned int d;

	if (n->len >= RULES_NAME_MAX || len >= RULES_NAME_MAX)
		return;
	if (len > n->len + NEAREST_MAX || n->len > len + NEAREST_MAX)
		return;
	d = edit_distance(n->text, n->len, candidate, len);
	if (d < n->distance) {
		n->distance = d;
		n->best = candidate;
	}
}

void nearest_symbols(struct nearest *n, const struct rules *r, uint32_t kinds)
{
	const struct rules_symbol *s;
	uint32_t i;

	/* Not worth more time: in a file that large, or that wrong. */
	if (r->fatal || r->nr_warnings >= r->limits.warnings)
		return;
	for (i = 0; i < r->nr_buckets && i < NEAREST_BUCKETS; i++)
		for (s = r->symbols[i]; s; s = s->next)
			if (s->node->kind < 32 &&
			    kinds & KIND_BIT(s->node->kind))
				nearest_try(n, s->name);
}

const char *nearest_hint(const struct nearest *n, char *buf, size_t cap)
{
	struct strbuf b;

	strbuf_init(&b, buf, cap);
	if (n->best)
		out_print(&b.out, "did you mean `%s`?", n->best);
	return buf;
}
