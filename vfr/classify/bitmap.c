/*
 * bitmap.c: for up to CLS_BITMAP_ATOMS atoms.
 *
 * Ranks that lie in the same atoms are one *class*.  A class has a row: a
 * bitmap of its atoms, lowest index first, and before it a summary whose bit w
 * says that word w of the bitmap is not zero.  The row of a key is the AND of
 * the rows of its classes, and its lowest bit the answer.
 *
 * Fewer rows to AND are faster: two axes are merged into one, with a table of
 * the class of each pair, smallest tables first, as long as table and rows
 * stay small (recursive flow classification: Gupta and McKeown, "Packet
 * Classification on Multiple Fields", 1999).  Often a single row is left.
 */
#include "internal.h"

/* Measured at 1,000 rules: tables up to this size save more than they cost. */
#define MAX_CELLS	(1u << 18)	/* of a table */
#define MAX_ROW_WORDS	(1u << 17)	/* of all rows of a merged slot */

struct class_set {
	uint64_t	*rows;
	uint32_t	 nr, max;
	uint32_t	*hash;		/* 1 + class, 0: free */
	uint32_t	 mask;
};

static int set_init(struct cls_builder *b, struct class_set *s, uint32_t max)
{
	s->nr = 0;
	s->max = max;
	for (s->mask = 15; s->mask < 2 * max; s->mask = 2 * s->mask + 1)
		;
	s->rows = cls_mem_take(&b->arena, (size_t)(max + 1) *
			       (b->blob->row_words + 1) * sizeof(*s->rows));
	s->hash = cls_mem_take(&b->arena, (s->mask + 1) * sizeof(*s->hash));
	return s->rows && s->hash ? 0 : -ENOSPC;
}

static uint64_t *set_row(const struct cls_builder *b, const struct class_set *s,
			 uint32_t class)
{
	return s->rows + (size_t)class * (b->blob->row_words + 1);
}

/* The class of the row that was written after the last one; -1: too many. */
static int set_close_row(const struct cls_builder *b, struct class_set *s)
{
	size_t bytes = (b->blob->row_words + 1) * sizeof(uint64_t);
	uint64_t *row = set_row(b, s, s->nr), sum = 0, h = 0;
	uint32_t i, at;

	for (i = 0; i < b->blob->row_words; i++) {
		sum |= (uint64_t)(row[1 + i] != 0) << i;
		h = (h ^ row[1 + i]) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	row[0] = sum;
	for (at = h & s->mask; s->hash[at]; at = (at + 1) & s->mask) {
		if (!memcmp(set_row(b, s, s->hash[at] - 1), row, bytes))
			return s->hash[at] - 1;
	}
	if (s->nr == s->max)
		return -1;
	s->hash[at] = ++s->nr;
	return s->nr - 1;
}

/* The classes of an axis, and the map from its values to them. */
static int axis_classes(struct cls_builder *b, struct cls_axis *ax,
			struct class_set *s)
{
	uint32_t words = b->blob->row_words, a, rank;
	uint64_t *rows;
	uint16_t *class;
	int rc = set_init(b, s, ax->nr);

	rows = cls_mem_take(&b->arena, (size_t)ax->nr * words * sizeof(*rows));
	class = cls_fields[ax->kind].bits == 128 ?
		cls_part_take(b, &ax->class, ax->nr, sizeof(*class)) :
		cls_mem_take(&b->arena, ax->nr * sizeof(*class));
	if (rc || !rows || !class)
		return -ENOSPC;
	for (a = 0; a < b->in->nr_rules; a++) {
		for (rank = b->lo[ax->kind][a]; rank <= b->hi[ax->kind][a];
		     rank++)
			rows[(size_t)rank * words + a / 64] |= 1ull << (a % 64);
	}
	for (rank = 0; rank < ax->nr; rank++) {
		memcpy(set_row(b, s, s->nr) + 1, rows + (size_t)rank * words,
		       words * sizeof(*rows));
		class[rank] = set_close_row(b, s);
	}
	ax->nr_classes = s->nr;
	return cls_fields[ax->kind].bits == 128 ? 0 :
		cls_axis_write_small(b, ax, class);
}

/* Merge slot y into slot x; false, and nothing changed: it is too large. */
static bool slots_merge(struct cls_builder *b, struct class_set *s,
		       uint32_t x, uint32_t y)
{
	struct cls_merge *m = &b->blob->merges[b->blob->nr_merges];
	uint32_t words = b->blob->row_words, i, j, k;
	uint32_t cells = s[x].nr * s[y].nr, most = MAX_ROW_WORDS / (words + 1);
	size_t mark = b->arena.used, out_mark = b->out.used;
	struct class_set new;
	uint16_t *table;
	int class;

	table = cls_part_take(b, &m->table, cells, sizeof(*table));
	if (most > cells)
		most = cells;
	if (!table || set_init(b, &new, most))
		goto undo;
	for (i = 0; i < s[x].nr; i++) {
		for (j = 0; j < s[y].nr; j++) {
			const uint64_t *row_x = set_row(b, &s[x], i);
			const uint64_t *row_y = set_row(b, &s[y], j);
			uint64_t *row = set_row(b, &new, new.nr);

			for (k = 1; k <= words; k++)
				row[k] = row_x[k] & row_y[k];
			class = set_close_row(b, &new);
			if (class < 0)
				goto undo;
			*table++ = class;
		}
	}
	m->a = x;
	m->b = y;
	m->nr_classes = new.nr;
	s[x] = new;
	s[y].nr = 0;
	b->blob->nr_merges++;
	return true;
undo:
	b->arena.used = mark;
	b->out.used = out_mark;
	return false;
}

static void slots_merge_all(struct cls_builder *b, struct class_set *s)
{
	uint32_t nr = b->blob->nr_axes, x, y, best_x, best_y;
	uint64_t cells, best;
	uint64_t floor = 0;	/* what has failed is not tried again */

	for (;;) {
		best = MAX_CELLS + 1;
		for (x = 0; x < nr; x++) {
			for (y = x + 1; y < nr; y++) {
				cells = (uint64_t)s[x].nr * s[y].nr;
				if (cells > floor && cells < best) {
					best = cells;
					best_x = x;
					best_y = y;
				}
			}
		}
		if (best > MAX_CELLS)
			return;
		if (!slots_merge(b, s, best_x, best_y))
			floor = best;
	}
}

int cls_bitmaps_build(struct cls_builder *b)
{
	struct class_set slots[VFR_CLS_NR_AXES];
	struct cls_blob *blob = b->blob;
	uint32_t i;

	blob->row_words = (b->in->nr_rules + 63) / 64;
	for (i = 0; i < blob->nr_axes; i++) {
		if (axis_classes(b, &blob->axes[i], &slots[i]))
			return -ENOSPC;
	}
	slots_merge_all(b, slots);
	for (i = 0; i < blob->nr_axes; i++) {
		struct cls_root *root = &blob->roots[blob->nr_roots];
		size_t words = slots[i].nr * (size_t)(blob->row_words + 1);
		uint64_t *rows;

		if (!slots[i].nr)
			continue;
		rows = cls_part_take(b, &root->rows, words, sizeof(*rows));
		if (!rows)
			return -ENOSPC;
		memcpy(rows, slots[i].rows, words * sizeof(*rows));
		root->slot = i;
		blob->nr_roots++;
	}
	return 0;
}

size_t cls_bitmaps_arena(size_t n)
{
	size_t words = (n + 63) / 64 + 1, ranks = 2 * n + 2;
	size_t axis = ranks * (2 * words * 8 + 2 + 4 * 4) + 256;
	size_t cells = ranks * ranks < MAX_CELLS ? ranks * ranks : MAX_CELLS;
	size_t rows = MAX_ROW_WORDS / words;

	if (rows > cells)
		rows = cells;
	if (n > CLS_BITMAP_ATOMS)
		return 0;
	return VFR_CLS_NR_AXES * axis +
	       3 * ((rows + 1) * (words * 8 + 4 * 4) + 256);
}
