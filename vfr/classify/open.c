/*
 * open.c: accept an untrusted blob, or refuse it.
 *
 * What a lookup relies on is checked here, in the order of its steps: a rank is
 * below its axis' number of ranks, a class below the number of classes, every
 * index within its part, and every list has an end.  That the answers are the
 * right ones is the builder's business.
 */
#include "internal.h"

struct opening {
	struct vfr_cls		*c;
	const struct cls_blob	*b;
	uint32_t		 nr_atoms;
	uint32_t		 classes[VFR_CLS_NR_AXES];	/* of a slot */
	struct cls_layout	 layout;
};

/* The part's first element, or NULL if it does not lie in the blob. */
static const void *part_get(const struct cls_blob *b, const struct cls_part *p,
			    size_t size)
{
	if (p->off % 8 || p->off > b->len ||
	    p->count > (b->len - p->off) / size)
		return NULL;
	return (const uint8_t *)b + p->off;
}

static bool all_below16(const uint16_t *v, uint32_t n, uint32_t limit)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (v[i] >= limit)
			return false;
	}
	return true;
}

static bool atoms_open(struct opening *o, uint32_t nr_rules)
{
	const struct cls_blob *b = o->b;
	struct vfr_cls *c = o->c;
	uint32_t i;

	c->atoms = part_get(b, &b->atoms, sizeof(*c->atoms));
	c->rests = part_get(b, &b->rests, sizeof(*c->rests));
	c->sets = part_get(b, &b->sets, sizeof(*c->sets));
	c->ranges = part_get(b, &b->ranges, sizeof(*c->ranges));
	if (!c->atoms || !c->rests || !c->sets || !c->ranges ||
	    b->atoms.count > VFR_CLS_MAX_ATOMS)
		return false;
	o->nr_atoms = b->atoms.count;
	for (i = 0; i < o->nr_atoms; i++) {
		if (c->atoms[i].rule >= nr_rules ||
		    (c->atoms[i].rest != CLS_NO_REST &&
		     c->atoms[i].rest >= b->rests.count))
			return false;
	}
	for (i = 0; i < b->rests.count; i++) {
		const struct cls_rest *r = &c->rests[i];

		if ((r->src_set != VFR_CLS_NO_SET &&
		     r->src_set >= b->sets.count) ||
		    (r->dst_set != VFR_CLS_NO_SET &&
		     r->dst_set >= b->sets.count))
			return false;
	}
	for (i = 0; i < b->sets.count; i++) {
		if (c->sets[i].first > b->ranges.count ||
		    c->sets[i].count > b->ranges.count - c->sets[i].first)
			return false;
	}
	return true;
}

/* The search stays at or below nr_v4: no address is above the padding. */
static bool addr_axis_open(struct opening *o, const struct cls_axis *ax,
			   struct vfr_cls_axis *out)
{
	uint32_t i, pad;

	out->start = part_get(o->b, &ax->start, sizeof(*out->start));
	out->last = part_get(o->b, &ax->last, sizeof(*out->last));
	out->wide = part_get(o->b, &ax->wide, sizeof(*out->wide));
	if (!out->start || !out->last || !out->wide ||
	    ax->steps > CLS_MAX_STEPS || ax->shift == 0 || ax->shift > 31)
		return false;
	pad = (1u << ax->steps) - 1;
	if (ax->start.count != 1u << (32 - ax->shift) ||
	    ax->last.count < pad || ax->nr_low > ax->wide.count)
		return false;
	out->nr_v4 = ax->last.count - pad;
	if (ax->nr != (uint64_t)out->nr_v4 + ax->wide.count + 1)
		return false;
	for (i = 0; i < ax->start.count; i++) {
		if (out->start[i] > out->nr_v4)
			return false;
	}
	for (i = out->nr_v4; i < ax->last.count; i++) {
		if (out->last[i] != UINT32_MAX)
			return false;
	}
	out->nr_low = ax->nr_low;
	out->nr_wide = ax->wide.count;
	out->shift = ax->shift;
	out->steps = ax->steps;
	if (!o->b->row_words)
		return true;
	out->class = part_get(o->b, &ax->class, sizeof(*out->class));
	return out->class && ax->class.count == ax->nr &&
	       all_below16(out->class, ax->nr, ax->nr_classes);
}

static uint32_t small_rank(const struct vfr_cls_axis *ax, uint32_t v)
{
	return ax->low[ax->top[v >> CLS_LOW_BITS] * CLS_LOWS +
		       (v & (CLS_LOWS - 1))];
}

static bool small_axis_open(struct opening *o, const struct cls_axis *ax,
			    struct vfr_cls_axis *out, uint32_t nr_ports)
{
	uint32_t v;

	out->top = part_get(o->b, &ax->top, sizeof(*out->top));
	out->low = part_get(o->b, &ax->low, sizeof(*out->low));
	if (!out->top || !out->low || ax->top.count != CLS_TOPS ||
	    !all_below16(out->top, CLS_TOPS, ax->low.count / CLS_LOWS) ||
	    !all_below16(out->low, ax->low.count,
			 o->b->row_words ? ax->nr_classes : ax->nr))
		return false;
	if (ax->kind != VFR_CLS_IN && ax->kind != VFR_CLS_OUT)
		return true;
	/* No atom tells ports apart that do not exist. */
	for (v = nr_ports; v < VFR_CLS_ANY_PORT; v++) {
		if (small_rank(out, v) != small_rank(out, v + 1))
			return false;
	}
	return true;
}

static bool axes_open(struct opening *o, uint32_t nr_ports)
{
	const struct cls_blob *b = o->b;
	uint32_t i;

	if (b->nr_axes > VFR_CLS_NR_AXES)
		return false;
	for (i = 0; i < b->nr_axes; i++) {
		const struct cls_axis *ax = &b->axes[i];
		struct vfr_cls_axis *out = &o->c->axes[i];

		if (ax->kind >= VFR_CLS_NR_AXES || ax->nr == 0)
			return false;
		out->key_off = cls_fields[ax->kind].key_off;
		out->bits = cls_fields[ax->kind].bits;
		o->classes[i] = ax->nr_classes;
		if (out->bits == 128 ? !addr_axis_open(o, ax, out) :
				       !small_axis_open(o, ax, out, nr_ports))
			return false;
	}
	if (!cls_layout_make(b, &o->layout))
		return false;
	for (i = 0; i < b->nr_axes; i++) {
		o->c->axes[i].word = o->layout.word[i];
		o->c->axes[i].pos = o->layout.pos[i];
	}
	memcpy(o->c->guard, o->layout.guard, sizeof(o->c->guard));
	o->c->words = o->layout.words;
	o->c->nr_axes = b->nr_axes;
	return true;
}

static bool merge_open(struct opening *o, uint32_t i)
{
	const struct cls_merge *m = &o->b->merges[i];
	struct vfr_cls_merge *out = &o->c->merges[i];

	out->table = part_get(o->b, &m->table, sizeof(*out->table));
	if (!out->table || m->a >= o->b->nr_axes || m->b >= o->b->nr_axes ||
	    m->a == m->b || m->table.count !=
	    (uint64_t)o->classes[m->a] * o->classes[m->b] ||
	    !all_below16(out->table, m->table.count, m->nr_classes))
		return false;
	out->a = m->a;
	out->b = m->b;
	out->nr_b = o->classes[m->b];
	o->classes[m->a] = m->nr_classes;
	return true;
}

/* A bit stands for an atom, a bit of the summary for a word. */
static bool row_ok(const uint64_t *row, uint32_t words, uint32_t nr_atoms)
{
	if (words < 64 && row[0] >> words)
		return false;
	return nr_atoms % 64 == 0 || row[words] >> (nr_atoms % 64) == 0;
}

static bool root_open(struct opening *o, uint32_t i)
{
	const struct cls_root *r = &o->b->roots[i];
	struct vfr_cls_root *out = &o->c->roots[i];
	uint32_t words = o->b->row_words, k;

	out->rows = part_get(o->b, &r->rows, sizeof(*out->rows));
	if (!out->rows || r->slot >= o->b->nr_axes ||
	    r->rows.count != (uint64_t)o->classes[r->slot] * (words + 1))
		return false;
	for (k = 0; k < r->rows.count; k += words + 1) {
		if (!row_ok(out->rows + k, words, o->nr_atoms))
			return false;
	}
	out->slot = r->slot;
	return true;
}

static bool bitmaps_open(struct opening *o)
{
	const struct cls_blob *b = o->b;
	uint32_t i;

	if (b->row_words > 64 || b->row_words != (o->nr_atoms + 63) / 64 ||
	    b->nr_merges > VFR_CLS_NR_AXES || b->nr_roots == 0 ||
	    b->nr_roots > VFR_CLS_NR_AXES)
		return false;
	for (i = 0; i < b->nr_merges; i++) {
		if (!merge_open(o, i))
			return false;
	}
	for (i = 0; i < b->nr_roots; i++) {
		if (!root_open(o, i))
			return false;
	}
	o->c->row_words = b->row_words;
	o->c->nr_merges = b->nr_merges;
	o->c->nr_roots = b->nr_roots;
	return true;
}

/* The end of the last leaf, where every search stops at the latest. */
static bool box_ends(const uint64_t *box, uint32_t words)
{
	uint32_t w;

	for (w = 0; w < words; w++) {
		if (box[w] != 0 || box[words + w] != UINT64_MAX)
			return false;
	}
	return box[2 * words] == UINT32_MAX;
}

static bool boxes_open(struct opening *o)
{
	uint32_t words = o->layout.words, size = CLS_BOX_WORDS(words), i;
	uint32_t count = o->b->boxes.count;
	const uint64_t *boxes;

	boxes = o->c->boxes = part_get(o->b, &o->b->boxes, sizeof(*boxes));
	if (!boxes || count == 0 || count % size ||
	    !box_ends(boxes + count - size, words))
		return false;
	for (i = 2 * words; i < count; i += size) {
		if (boxes[i] >= o->nr_atoms && boxes[i] != UINT32_MAX)
			return false;
	}
	return true;
}

static bool node_ok(const struct opening *o, const struct cls_node *p)
{
	if (p->mask == 0)
		return p->next < o->b->boxes.count &&
		       p->next % CLS_BOX_WORDS(o->layout.words) == 0;
	return p->word < o->layout.words && p->shift < 64 &&
	       (uint64_t)p->next + p->mask < o->b->nodes.count;
}

static bool forest_open(struct opening *o)
{
	const struct cls_blob *b = o->b;
	uint32_t i;

	o->c->nodes = part_get(b, &b->nodes, sizeof(*o->c->nodes));
	if (!o->c->nodes || b->nr_trees > VFR_CLS_MAX_TREES)
		return false;
	if (b->nr_trees && !boxes_open(o))
		return false;
	for (i = 0; i < b->nodes.count; i++) {
		if (!node_ok(o, &o->c->nodes[i]))
			return false;
	}
	for (i = 0; i < b->nr_trees; i++) {
		if (b->trees[i].root >= b->nodes.count ||
		    b->trees[i].depth > CLS_MAX_DEPTH)
			return false;
		o->c->trees[i].root = b->trees[i].root;
		o->c->trees[i].depth = b->trees[i].depth;
	}
	o->c->nr_trees = b->nr_trees;
	return true;
}

int vfr_cls_open(struct vfr_cls *c, const void *blob, size_t len,
		 uint32_t nr_rules, uint32_t nr_ports)
{
	struct opening o = { .c = c, .b = blob };

	*c = (struct vfr_cls){ .blob = blob };
	if (len < sizeof(*o.b) || o.b->magic != CLS_MAGIC || o.b->len != len ||
	    !atoms_open(&o, nr_rules) || !axes_open(&o, nr_ports) ||
	    !(o.b->row_words ? bitmaps_open(&o) : forest_open(&o)))
		return -EINVAL;
	return 0;
}
