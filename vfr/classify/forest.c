/*
 * forest.c: for any number of atoms.  Up to four trees, one each for the atoms
 * that are wide or narrow in source and in destination: a wide atom among
 * narrow ones would be copied into most of their leaves.
 *
 * A node cuts by a window of bits of one rank: the child is the window's
 * value.  A leaf is a list of boxes in the order of the atoms.  Boxes are
 * checked in full, so nodes are only a filter: it is enough that an atom is in
 * every leaf that a key in its box can come to.
 *
 * Bounds.  Space: a cut must fit into what is left after all other lists are
 * written as they stand, else the list becomes a leaf as long as it is.  Time:
 * every look at an atom is a step, and there are STEPS_ATOM for each atom; when
 * they are used up, the lists that are left become leaves.
 */
#include "internal.h"

#define LEAF_ATOMS	8	/* not cut */
#define WIDE_SHARE	16	/* wide: over more than 1/16 of the ranks */
#define MAX_WINDOW	13	/* bits of a cut */
#define NODES_ATOM	8
#define BOXES_ATOM	6
#define STEPS_ATOM	2000

struct forest {
	struct cls_builder *b;
	struct cls_layout layout;
	struct cls_node	*nodes;
	uint64_t	*boxes;
	uint32_t	nr_nodes, max_nodes;
	uint32_t	nr_boxes, max_boxes;
	uint32_t	owed;		/* boxes for lists not yet written */
	uint64_t	steps;		/* that are left */
	int32_t		*diff;		/* atoms more or fewer than one child */
	uint8_t		*edge;		/* before; is the list another one? */
	uint32_t	depth;		/* of this tree so far */
};

/* Atoms in ascending order. */
struct list {
	const uint32_t	*atoms;
	uint32_t	 n;
};

/* The window is bits [sh, sh + bits) of the rank on axis number axis. */
struct cut {
	uint32_t	axis, sh, bits;
	uint32_t	distinct;	/* lists of children, ... */
	uint32_t	total;		/* atoms in them, */
	uint64_t	squares;	/* sum of their lengths' squares */
};

/*
 * The children an atom goes to: first to last, and on from 0 if last < first.
 * False: to all.
 */
static inline bool cut_span(const struct forest *f, const struct cut *c,
			    uint32_t atom, uint32_t *first, uint32_t *last)
{
	unsigned int kind = f->b->blob->axes[c->axis].kind;
	uint32_t lo = f->b->lo[kind][atom] >> c->sh;
	uint32_t hi = f->b->hi[kind][atom] >> c->sh;
	uint32_t mask = (1u << c->bits) - 1;

	*first = hi - lo >= mask ? 0 : lo & mask;
	*last = hi - lo >= mask ? mask : hi & mask;
	return hi - lo < mask;
}

/* Fill in the sums of c, and f->diff and f->edge. */
static void cut_measure(struct forest *f, struct cut *c, struct list l)
{
	uint32_t size = 1u << c->bits, i, first, last;
	int32_t run = 0;

	memset(f->diff, 0, (size + 1) * sizeof(*f->diff));
	memset(f->edge, 0, size + 1);
	f->edge[0] = 1;
	for (i = 0; i < l.n; i++) {
		cut_span(f, c, l.atoms[i], &first, &last);
		f->diff[first]++;
		f->diff[last + 1]--;
		f->diff[0] += first > last;
		f->edge[first] = f->edge[last + 1] = 1;
	}
	c->distinct = c->total = c->squares = 0;
	for (i = 0; i < size; i++) {
		run += f->diff[i];
		if (!f->edge[i])
			continue;
		c->distinct++;
		c->total += run;
		c->squares += (uint64_t)run * run;
	}
	f->steps -= f->steps < l.n + size ? f->steps : l.n + size;
}

/* Lists that a key drawn from an atom meets are shorter on average. */
static bool cut_better(const struct cut *a, const struct cut *b)
{
	return a->squares * b->total < b->squares * a->total;
}

static bool cut_affordable(const struct forest *f, const struct cut *c,
			   uint32_t n)
{
	return c->total <= 3 * n + 8 &&
	       (1u << c->bits) <= f->max_nodes - f->nr_nodes &&
	       f->nr_boxes + f->owed - (n + 1) + c->total + c->distinct <=
	       f->max_boxes;
}

/* The best cut of a list; false: none shortens what is met by a quarter. */
static bool cut_choose(struct forest *f, struct list l, struct cut *best)
{
	unsigned int window = cls_bits(l.n) + 1, i, sh, bits;

	if (window > MAX_WINDOW)
		window = MAX_WINDOW;
	*best = (struct cut){ .squares = (uint64_t)l.n * l.n * 3 / 4,
			      .total = l.n };
	for (i = 0; i < f->b->blob->nr_axes; i++) {
		bits = cls_bits(f->b->blob->axes[i].nr - 1);
		for (sh = 0; sh < bits; sh++) {
			struct cut c = { .axis = i, .sh = sh,
					 .bits = bits - sh };

			if (c.bits > window)
				c.bits = window;
			if (f->steps == 0)
				return false;
			cut_measure(f, &c, l);
			if (cut_better(&c, best) && cut_affordable(f, &c, l.n))
				*best = c;
		}
	}
	return best->bits > 0;
}

static void box_write(const struct forest *f, uint64_t *box, uint32_t atom)
{
	const struct cls_layout *lay = &f->layout;
	uint32_t i;

	memset(box, 0, lay->words * sizeof(*box));
	memcpy(box + lay->words, lay->guard, lay->words * sizeof(*box));
	for (i = 0; i < f->b->blob->nr_axes; i++) {
		unsigned int kind = f->b->blob->axes[i].kind;
		uint64_t lo = f->b->lo[kind][atom], hi = f->b->hi[kind][atom];

		box[lay->word[i]] |= lo << lay->pos[i];
		box[lay->words + lay->word[i]] |= hi << lay->pos[i];
	}
	box[2 * lay->words] = atom;
}

static void leaf_write(struct forest *f, uint32_t node, struct list l)
{
	uint32_t size = CLS_BOX_WORDS(f->layout.words), i;
	uint64_t *box = f->boxes + (size_t)f->nr_boxes * size;

	f->nodes[node] = (struct cls_node){ .next = f->nr_boxes * size };
	for (i = 0; i < l.n; i++, box += size)
		box_write(f, box, l.atoms[i]);
	memset(box, 0, f->layout.words * sizeof(*box));
	memset(box + f->layout.words, 0xff, f->layout.words * sizeof(*box));
	box[2 * f->layout.words] = UINT32_MAX;
	f->nr_boxes += l.n + 1;
	f->owed -= l.n + 1;
}

/*
 * The lists of a cut's children, in one array: child i has start[i] up to
 * start[i + 1].  One that equals the child before it has none.
 */
struct children {
	uint32_t	*start, *atoms;
	uint8_t		*edge;
};

static bool children_make(struct forest *f, struct cut *c, struct list l,
			  struct children *ch)
{
	uint32_t size = 1u << c->bits, i, k, first, last, sum = 0;
	struct cls_mem *arena = &f->b->arena;
	int32_t run = 0;

	cut_measure(f, c, l);
	ch->start = cls_mem_take(arena, (size + 1) * sizeof(*ch->start));
	ch->edge = cls_mem_take(arena, size);
	ch->atoms = cls_mem_take(arena, c->total * sizeof(*ch->atoms));
	if (!ch->start || !ch->edge || !ch->atoms)
		return false;
	memcpy(ch->edge, f->edge, size);
	for (i = 0; i < size; i++) {
		run += f->diff[i];
		ch->start[i] = sum;
		sum += ch->edge[i] ? run : 0;
	}
	/* Fill; each start runs on to the next one, and is put back after. */
	for (i = 0; i < l.n; i++) {
		cut_span(f, c, l.atoms[i], &first, &last);
		for (k = first;; k = (k + 1) & (size - 1)) {
			if (ch->edge[k])
				ch->atoms[ch->start[k]++] = l.atoms[i];
			if (k == last)
				break;
		}
	}
	for (i = size; i > 0; i--)
		ch->start[i] = ch->start[i - 1];
	ch->start[0] = 0;
	return true;
}

/* Depth is at most CLS_MAX_DEPTH, so recursion is bounded. */
static void tree_build(struct forest *f, uint32_t node, struct list l,
		       uint32_t depth)
{
	size_t mark = f->b->arena.used;
	struct children ch;
	struct cut c;
	uint32_t i, first;

	if (l.n <= LEAF_ATOMS || depth == CLS_MAX_DEPTH ||
	    !cut_choose(f, l, &c) || !children_make(f, &c, l, &ch)) {
		f->b->arena.used = mark;
		leaf_write(f, node, l);
		return;
	}
	if (depth + 1 > f->depth)
		f->depth = depth + 1;
	first = f->nr_nodes;
	f->nr_nodes += 1u << c.bits;
	f->owed += c.total + c.distinct - (l.n + 1);
	f->nodes[node] = (struct cls_node){
		.next = first, .mask = (1u << c.bits) - 1,
		.word = f->layout.word[c.axis],
		.shift = f->layout.pos[c.axis] + c.sh,
	};
	for (i = 0; i < 1u << c.bits; i++) {
		struct list child = { ch.atoms + ch.start[i],
				      ch.start[i + 1] - ch.start[i] };

		if (ch.edge[i])
			tree_build(f, first + i, child, depth + 1);
		else
			f->nodes[first + i] = f->nodes[first + i - 1];
	}
	f->b->arena.used = mark;
}

/* Which tree is an atom for?  Bit 0: wide in source, 1: in destination. */
static unsigned int atom_tree(const struct cls_builder *b, uint32_t atom)
{
	unsigned int tree = 0, i;

	for (i = 0; i < b->blob->nr_axes; i++) {
		const struct cls_axis *ax = &b->blob->axes[i];

		if (ax->kind > VFR_CLS_DST)
			continue;
		if (b->hi[ax->kind][atom] - b->lo[ax->kind][atom] >
		    ax->nr / WIDE_SHARE)
			tree |= 1u << ax->kind;
	}
	return tree;
}

static void forest_plant(struct forest *f, uint32_t *atoms)
{
	struct cls_blob *blob = f->b->blob;
	uint32_t n = f->b->in->nr_rules, t, i;

	f->owed = n + VFR_CLS_MAX_TREES;
	for (t = 0; t < VFR_CLS_MAX_TREES; t++) {
		struct cls_tree *tree = &blob->trees[blob->nr_trees];
		struct list l = { atoms };

		for (i = 0; i < n; i++) {
			if (atom_tree(f->b, i) == t)
				atoms[l.n++] = i;
		}
		if (!l.n)
			continue;
		f->depth = 0;
		tree->root = f->nr_nodes++;
		f->max_nodes++;		/* roots come on top of the budget */
		tree_build(f, tree->root, l, 0);
		tree->depth = f->depth;
		blob->nr_trees++;
	}
}

static int forest_write(struct forest *f)
{
	struct cls_builder *b = f->b;
	size_t words = (size_t)f->nr_boxes * CLS_BOX_WORDS(f->layout.words);
	struct cls_node *nodes = cls_part_take(b, &b->blob->nodes, f->nr_nodes,
					       sizeof(*nodes));
	uint64_t *boxes = cls_part_take(b, &b->blob->boxes, words,
					sizeof(*boxes));
	uint32_t i;
	int rc = nodes && boxes ? 0 : -ENOSPC;

	if (rc)
		return rc;
	memcpy(nodes, f->nodes, f->nr_nodes * sizeof(*nodes));
	memcpy(boxes, f->boxes, words * sizeof(*boxes));
	for (i = 0; i < b->blob->nr_axes && !rc; i++) {
		struct cls_axis *ax = &b->blob->axes[i];

		if (cls_fields[ax->kind].bits < 128)
			rc = cls_axis_write_small(b, ax, NULL);
	}
	return rc;
}

int cls_forest_build(struct cls_builder *b)
{
	uint32_t n = b->in->nr_rules, *atoms;
	struct forest f = {
		.b = b,
		.max_nodes = NODES_ATOM * n,
		.max_boxes = BOXES_ATOM * n + VFR_CLS_MAX_TREES,
		.steps = (uint64_t)STEPS_ATOM * n + (1u << 20),
	};

	if (!cls_layout_make(b->blob, &f.layout))
		return -EINVAL;
	f.nodes = cls_mem_take(&b->arena, (f.max_nodes + VFR_CLS_MAX_TREES) *
			       sizeof(*f.nodes));
	f.boxes = cls_mem_take(&b->arena, (size_t)f.max_boxes * sizeof(*f.boxes)
			       * CLS_BOX_WORDS(f.layout.words));
	f.diff = cls_mem_take(&b->arena, ((1u << MAX_WINDOW) + 1) *
			      sizeof(*f.diff));
	f.edge = cls_mem_take(&b->arena, (1u << MAX_WINDOW) + 1);
	atoms = cls_mem_take(&b->arena, n * sizeof(*atoms));
	if (!f.nodes || !f.boxes || !f.diff || !f.edge || !atoms)
		return -ENOSPC;
	forest_plant(&f, atoms);
	return forest_write(&f);
}

size_t cls_forest_bytes(size_t n)
{
	return (n + 1) * (NODES_ATOM * sizeof(struct cls_node) + BOXES_ATOM *
			  CLS_BOX_WORDS(VFR_CLS_WORDS) * sizeof(uint64_t));
}

/* A level's lists: three times the atoms; 4n windows at most of 4 + 1 bytes. */
size_t cls_forest_arena(size_t n)
{
	return cls_forest_bytes(n) + (n + 16) * (4 + CLS_MAX_DEPTH *
						 (3 * 4 + 4 * 5)) +
	       ((1u << MAX_WINDOW) + 16) * 5 + 4096;
}
