/*
 * build.c: from atoms to a blob.
 */
#include "internal.h"

#define ALIGN	16	/* of a u128 */

void *cls_mem_take(struct cls_mem *m, size_t bytes)
{
	size_t used = (m->used + ALIGN - 1) & ~(size_t)(ALIGN - 1);

	if (used > m->cap || bytes > m->cap - used)
		return NULL;
	memset(m->base + m->used, 0, used + bytes - m->used);
	m->used = used + bytes;
	return m->base + used;
}

void *cls_part_take(struct cls_builder *b, struct cls_part *p, size_t count,
		    size_t size)
{
	void *v = cls_mem_take(&b->out, count * size);

	if (v) {
		p->off = (uint8_t *)v - b->out.base;
		p->count = count;
	}
	return v;
}

static bool has_rest(const struct vfr_cls_rule *r)
{
	return r->tcp_mask || r->frag_mask || r->src_set != VFR_CLS_NO_SET ||
	       r->dst_set != VFR_CLS_NO_SET;
}

static int build_atoms(struct cls_builder *b)
{
	const struct vfr_cls_input *in = b->in;
	struct cls_atom *atoms;
	struct cls_rest *rests;
	uint32_t i, n = 0;

	for (i = 0; i < in->nr_rules; i++)
		n += has_rest(&in->rules[i]);
	atoms = cls_part_take(b, &b->blob->atoms, in->nr_rules, sizeof(*atoms));
	rests = cls_part_take(b, &b->blob->rests, n, sizeof(*rests));
	if (!atoms || !rests)
		return -ENOSPC;
	for (i = 0, n = 0; i < in->nr_rules; i++) {
		const struct vfr_cls_rule *r = &in->rules[i];

		atoms[i] = (struct cls_atom){ r->rule, CLS_NO_REST };
		if (!has_rest(r))
			continue;
		atoms[i].rest = n;
		rests[n++] = (struct cls_rest){
			r->tcp_flags, r->tcp_mask, r->frag, r->frag_mask,
			r->src_set, r->dst_set };
	}
	return 0;
}

static int build_sets(struct cls_builder *b)
{
	const struct vfr_cls_input *in = b->in;
	void *sets, *ranges;

	sets = cls_part_take(b, &b->blob->sets, in->nr_sets,
			     sizeof(*in->sets));
	ranges = cls_part_take(b, &b->blob->ranges, in->nr_ranges,
			       sizeof(*in->ranges));
	if (!sets || !ranges)
		return -ENOSPC;
	if (in->nr_sets)
		memcpy(sets, in->sets, in->nr_sets * sizeof(*in->sets));
	if (in->nr_ranges)
		memcpy(ranges, in->ranges, in->nr_ranges * sizeof(*in->ranges));
	return 0;
}

bool cls_layout_make(const struct cls_blob *b, struct cls_layout *l)
{
	unsigned int i, word = 0, pos = 0;

	memset(l, 0, sizeof(*l));
	for (i = 0; i < b->nr_axes; i++) {
		unsigned int bits = cls_bits(b->axes[i].nr - 1);

		if (pos + bits + 1 > 64) {
			word++;
			pos = 0;
		}
		if (word == VFR_CLS_WORDS)
			return false;
		l->word[i] = word;
		l->pos[i] = pos;
		l->guard[word] |= 1ull << (pos + bits);
		pos += bits + 1;
	}
	l->words = word + 1;
	return true;
}

/* What axes, atoms and 16-bit maps take, generously. */
#define FIXED_BYTES	(1u << 19)
#define ATOM_BYTES	256

size_t vfr_cls_arena_size(const struct vfr_cls_input *in)
{
	size_t n = in->nr_rules;

	return FIXED_BYTES + n * ATOM_BYTES + cls_bitmaps_arena(n) +
	       cls_forest_arena(n);
}

size_t vfr_cls_blob_max(const struct vfr_cls_input *in)
{
	size_t n = in->nr_rules;

	return FIXED_BYTES + FIXED_BYTES + n * ATOM_BYTES +
	       in->nr_ranges * sizeof(*in->ranges) +
	       in->nr_sets * sizeof(*in->sets) +
	       (n <= CLS_BITMAP_ATOMS ? CLS_BITMAP_BYTES : 0) +
	       cls_forest_bytes(n);
}

/* The bitmaps if they are allowed and small enough, else the forest. */
static int build_search(struct cls_builder *b, bool bitmaps)
{
	size_t arena_mark = b->arena.used, out_mark = b->out.used;
	size_t cap = b->out.cap;
	struct cls_blob before = *b->blob;

	if (bitmaps && b->in->nr_rules <= CLS_BITMAP_ATOMS) {
		if (cap - out_mark > CLS_BITMAP_BYTES)
			b->out.cap = out_mark + CLS_BITMAP_BYTES;
		if (cls_bitmaps_build(b) == 0)
			return 0;
		*b->blob = before;
		b->arena.used = arena_mark;
		b->out.used = out_mark;
		b->out.cap = cap;
	}
	return cls_forest_build(b);
}

int cls_build(const struct vfr_cls_input *in, bool bitmaps, void *arena,
	      size_t arena_len, void *blob, size_t blob_cap, size_t *blob_len,
	      uint32_t *bad_rule)
{
	struct cls_builder b = {
		.in = in,
		.arena = { arena, 0, arena_len },
		.out = { blob, 0, blob_cap },
	};
	uint32_t bad, skip = -(uintptr_t)arena & (ALIGN - 1);
	int rc;

	if (arena_len < skip)
		return -ENOSPC;
	b.arena.base += skip;
	b.arena.cap -= skip;
	rc = cls_check_input(in, bad_rule ? bad_rule : &bad);
	if (rc)
		return rc;
	b.blob = cls_mem_take(&b.out, sizeof(*b.blob));
	if (!b.blob)
		return -ENOSPC;
	rc = build_atoms(&b);
	if (!rc)
		rc = build_sets(&b);
	if (!rc && in->nr_rules)
		rc = cls_axes_build(&b);
	if (!rc && in->nr_rules)
		rc = build_search(&b, bitmaps);
	if (rc)
		return rc;
	b.blob->magic = CLS_MAGIC;
	b.blob->len = b.out.used;
	*blob_len = b.out.used;
	return 0;
}

int vfr_cls_build(const struct vfr_cls_input *in, void *arena,
		  size_t arena_len, void *blob, size_t blob_cap,
		  size_t *blob_len, uint32_t *bad_rule)
{
	return cls_build(in, true, arena, arena_len, blob, blob_cap, blob_len,
			 bad_rule);
}
