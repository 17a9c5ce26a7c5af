/*
 * lookup.c: the packet side.  Only reads a blob that vfr_cls_open() has
 * accepted.
 *
 * A burst is worked axis by axis: the searches of different keys do not depend
 * on each other, so that the CPU overlaps them, and nothing in them branches
 * on the data.
 */
#include "internal.h"

#define BURST	32

/*
 * A single lookup is a burst of one, compiled for itself: n is a constant in
 * all of these, and so are some other arguments, as said there.
 */
#define CONST_INLINE	static inline __attribute__((always_inline))

/* An address that is not IPv4. */
static uint32_t axis_rank_wide(const struct vfr_cls_axis *ax,
			       const struct vfr_addr *a)
{
	u128 v = cls_addr_value(a);
	uint32_t lo = 0, hi = ax->nr_wide;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (cls_addr_value(&ax->wide[mid]) < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return v > CLS_V4_LAST ? lo + ax->nr_v4 : lo;
}

CONST_INLINE uint32_t
value_rank(const uint32_t *start, const uint32_t *last, unsigned int shift,
	   unsigned int steps, uint32_t v)
{
	size_t rank = start[v >> shift];

#pragma GCC unroll 8
	while (steps-- > 0) {
		size_t right = rank + ((size_t)1 << steps);
		uint32_t end = last[right - 1];

		rank = end < v ? right : rank;
	}
	return rank;
}

/* steps is a constant here wherever it matters: see burst_ranks(). */
CONST_INLINE void
burst_addrs(const struct vfr_cls_axis *ax,
	    const struct vfr_cls_key *const *keys, uint32_t n,
	    unsigned int steps, uint32_t *ranks)
{
	const uint32_t *start = ax->start, *last = ax->last;
	unsigned int shift = ax->shift;
	uint32_t i, v, first = ax->nr_low;
	size_t off = ax->key_off + 12;

	for (i = 0; i < n; i++) {
		memcpy(&v, (const uint8_t *)keys[i] + off, 4);
		ranks[i] = first + value_rank(start, last, shift, steps,
					      __builtin_bswap32(v));
	}
}

CONST_INLINE void
burst_small(const struct vfr_cls_axis *ax,
	    const struct vfr_cls_key *const *keys, uint32_t n, uint32_t *ranks)
{
	const uint16_t *top = ax->top, *low = ax->low;
	uint16_t v, mask = ax->bits == 8 ? 0xff : 0xffff;
	size_t off = ax->key_off;
	uint32_t i;

	for (i = 0; i < n; i++) {
		memcpy(&v, (const uint8_t *)keys[i] + off, 2);
		v &= mask;
		ranks[i] = low[(top[v >> CLS_LOW_BITS] << CLS_LOW_BITS) +
			       (v & ((1u << CLS_LOW_BITS) - 1))];
	}
}

/* Addresses that are not IPv4 are looked up again, as what they are. */
CONST_INLINE void
burst_ranks_wide(const struct vfr_cls_axis *ax,
		 const struct vfr_cls_key *const *keys, uint32_t wide,
		 uint32_t *ranks)
{
	for (; wide; wide &= wide - 1) {
		uint32_t i = __builtin_ctz(wide);
		const struct vfr_addr *a = (const void *)
			((const uint8_t *)keys[i] + ax->key_off);

		if (!vfr_addr_is_v4(a))
			ranks[i] = axis_rank_wide(ax, a);
	}
}

static __attribute__((noinline)) void
ranks_many(const struct vfr_cls_axis *ax, const struct vfr_cls_key *const *keys,
	   uint32_t n, uint32_t wide, uint32_t *ranks)
{
	if (ax->bits < 128) {
		burst_small(ax, keys, n, ranks);
		return;
	}
	switch (ax->steps) {
	case 0: burst_addrs(ax, keys, n, 0, ranks); break;
	case 1: burst_addrs(ax, keys, n, 1, ranks); break;
	case 2: burst_addrs(ax, keys, n, 2, ranks); break;
	case 3: burst_addrs(ax, keys, n, 3, ranks); break;
	case 4: burst_addrs(ax, keys, n, 4, ranks); break;
	case 5: burst_addrs(ax, keys, n, 5, ranks); break;
	case 6: burst_addrs(ax, keys, n, 6, ranks); break;
	case 7: burst_addrs(ax, keys, n, 7, ranks); break;
	default: burst_addrs(ax, keys, n, ax->steps, ranks); break;
	}
	burst_ranks_wide(ax, keys, wide, ranks);
}

CONST_INLINE void
burst_ranks(const struct vfr_cls_axis *ax,
	    const struct vfr_cls_key *const *keys, uint32_t n, uint32_t wide,
	    uint32_t *ranks)
{
	if (n > 1) {
		ranks_many(ax, keys, n, wide, ranks);
	} else if (ax->bits < 128) {
		burst_small(ax, keys, 1, ranks);
	} else {
		burst_addrs(ax, keys, 1, ax->steps, ranks);
		burst_ranks_wide(ax, keys, wide, ranks);
	}
}

/* Which keys have an address that is not IPv4?  A bit for each. */
CONST_INLINE uint32_t
burst_wide(const struct vfr_cls_key *const *keys, uint32_t n)
{
	uint32_t wide = 0, i, src_mid, dst_mid;
	uint64_t src, dst;

	for (i = 0; i < n; i++) {
		memcpy(&src, keys[i]->src.b, 8);
		memcpy(&dst, keys[i]->dst.b, 8);
		memcpy(&src_mid, keys[i]->src.b + 8, 4);
		memcpy(&dst_mid, keys[i]->dst.b + 8, 4);
		src |= dst | (src_mid ^ 0xffff0000) | (dst_mid ^ 0xffff0000);
		wide |= (uint32_t)(src != 0) << i;
	}
	return wide;
}

static bool set_has(const struct vfr_cls *c, uint16_t set,
		    const struct vfr_addr *a)
{
	const struct vfr_cls_range *r = c->ranges + c->sets[set].first;
	uint32_t lo = 0, hi = c->sets[set].count;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (memcmp(r[mid].hi.b, a->b, 16) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->sets[set].count && memcmp(r[lo].lo.b, a->b, 16) <= 0;
}

static bool rest_matches(const struct vfr_cls *c, const struct cls_rest *r,
			 const struct vfr_cls_key *k)
{
	return (k->tcp_flags & r->tcp_mask) == r->tcp_flags &&
	       (k->frag & r->frag_mask) == r->frag &&
	       (r->src_set == VFR_CLS_NO_SET ||
		set_has(c, r->src_set, &k->src)) &&
	       (r->dst_set == VFR_CLS_NO_SET ||
		set_has(c, r->dst_set, &k->dst));
}

static inline bool atom_accepts(const struct vfr_cls *c,
				const struct cls_atom *atom,
				const struct vfr_cls_key *k)
{
	return __builtin_expect(atom->rest == CLS_NO_REST, 1) ||
	       rest_matches(c, &c->rests[atom->rest], k);
}

static inline uint64_t rows_and(const uint64_t *const *rows, uint32_t nr,
				uint32_t word)
{
	uint64_t m = rows[0][word];
	uint32_t i;

	for (i = 1; i < nr; i++)
		m &= rows[i][word];
	return m;
}

CONST_INLINE uint32_t
bitmap_first(const struct vfr_cls *c, const uint64_t *const *rows, uint32_t nr,
	     const struct vfr_cls_key *k)
{
	uint64_t sum, m;

	for (sum = rows_and(rows, nr, 0); sum; sum &= sum - 1) {
		uint32_t word = __builtin_ctzll(sum);

		for (m = rows_and(rows, nr, 1 + word); m; m &= m - 1) {
			const struct cls_atom *atom;

			atom = &c->atoms[word * 64 + __builtin_ctzll(m)];
			if (atom_accepts(c, atom, k))
				return atom->rule;
		}
	}
	return VFR_CLS_NONE;
}

/* nr is a constant where it matters. */
CONST_INLINE void
bitmap_rows(const struct vfr_cls *c, const struct vfr_cls_key *const *keys,
	    uint32_t n, uint32_t (*class)[BURST], uint32_t nr, uint32_t *rules)
{
	size_t stride = c->row_words + 1;
	uint32_t i, r;

	for (i = 0; i < n; i++) {
		const uint64_t *rows[VFR_CLS_NR_AXES];

		r = 0;
		do {	/* there is at least one */
			rows[r] = c->roots[r].rows +
				  class[c->roots[r].slot][i] * stride;
		} while (++r < nr);
		rules[i] = bitmap_first(c, rows, nr, keys[i]);
	}
}

CONST_INLINE void
bitmap_burst(const struct vfr_cls *c, const struct vfr_cls_key *const *keys,
	     uint32_t n, uint32_t *rules)
{
	uint32_t class[VFR_CLS_NR_AXES][BURST];
	uint32_t wide = burst_wide(keys, n), a, i, m;

	for (a = 0; a < c->nr_axes; a++) {
		burst_ranks(&c->axes[a], keys, n, wide, class[a]);
		if (c->axes[a].bits < 128)
			continue;
		for (i = 0; i < n; i++)
			class[a][i] = c->axes[a].class[class[a][i]];
	}
	for (m = 0; m < c->nr_merges; m++) {
		const struct vfr_cls_merge *g = &c->merges[m];
		uint32_t *x = class[g->a], *y = class[g->b], nr_b = g->nr_b;
		const uint16_t *table = g->table;

		for (i = 0; i < n; i++)
			x[i] = table[x[i] * nr_b + y[i]];
	}
	switch (c->nr_roots) {
	case 1:	bitmap_rows(c, keys, n, class, 1, rules); break;
	case 2:	bitmap_rows(c, keys, n, class, 2, rules); break;
	case 3:	bitmap_rows(c, keys, n, class, 3, rules); break;
	default: bitmap_rows(c, keys, n, class, c->nr_roots, rules); break;
	}
}

/* Is the box around the key?  Guard bits keep each rank's borrow at home. */
static inline bool box_has(const struct vfr_cls *c, const uint64_t *box,
			   const uint64_t *key, uint32_t words)
{
	uint64_t out = 0;
	uint32_t w;

	for (w = 0; w < words; w++)
		out |= (((key[w] | c->guard[w]) - box[w]) &
			(box[words + w] - key[w]) & c->guard[w]) ^ c->guard[w];
	return out == 0;
}

/* The first atom of the leaf that the key is in, if it is before best. */
static inline uint32_t leaf_first(const struct vfr_cls *c, const uint64_t *box,
				  const uint64_t *key, uint32_t words,
				  const struct vfr_cls_key *k, uint32_t best)
{
	for (;; box += 2 * words + 1) {
		uint32_t atom;

		if (!box_has(c, box, key, words))
			continue;
		atom = box[2 * words];
		if (atom >= best)
			return best;
		if (atom_accepts(c, &c->atoms[atom], k))
			return atom;
	}
}

/* The ranks of each key in its words, side by side.  words is a constant. */
CONST_INLINE void
forest_keys(const struct vfr_cls *c, const struct vfr_cls_key *const *keys,
	    uint32_t n, uint32_t words, uint64_t (*key)[VFR_CLS_WORDS])
{
	uint32_t ranks[BURST], wide = burst_wide(keys, n), a, i;

	for (i = 0; i < n; i++) {
		for (a = 0; a < words; a++)
			key[i][a] = 0;
	}
	for (a = 0; a < c->nr_axes; a++) {
		const struct vfr_cls_axis *ax = &c->axes[a];

		burst_ranks(ax, keys, n, wide, ranks);
		for (i = 0; i < n; i++)
			key[i][words == 1 ? 0 : ax->word] |=
				(uint64_t)ranks[i] << ax->pos;
	}
}

/* From the roots to the leaves, all keys in all trees a level at a time. */
CONST_INLINE void
forest_walk(const struct vfr_cls *c, uint64_t (*key)[VFR_CLS_WORDS],
	    uint32_t n, uint32_t words, uint32_t (*at)[BURST])
{
	uint32_t d, t, i;

	for (d = 0; d < CLS_MAX_DEPTH; d++) {
		for (t = 0; t < c->nr_trees; t++) {
			if (d >= c->trees[t].depth)
				continue;
			for (i = 0; i < n; i++) {
				const struct cls_node *p = &c->nodes[at[t][i]];
				uint64_t w = key[i][words == 1 ? 0 : p->word];
				uint32_t next = p->next +
						((w >> p->shift) & p->mask);

				at[t][i] = p->mask ? next : at[t][i];
				__builtin_prefetch(&c->nodes[at[t][i]]);
			}
		}
	}
}

/* words is a constant here. */
CONST_INLINE void
forest_burst(const struct vfr_cls *c, const struct vfr_cls_key *const *keys,
	     uint32_t n, uint32_t words, uint32_t *rules)
{
	uint32_t at[VFR_CLS_MAX_TREES][BURST], best[BURST], i, t;
	uint64_t key[BURST][VFR_CLS_WORDS];

	forest_keys(c, keys, n, words, key);
	for (i = 0; i < n; i++)
		best[i] = UINT32_MAX;
	for (t = 0; t < c->nr_trees; t++) {
		for (i = 0; i < n; i++)
			at[t][i] = c->trees[t].root;
	}
	forest_walk(c, key, n, words, at);
	for (t = 0; t < c->nr_trees; t++) {
		for (i = 0; i < n; i++) {
			at[t][i] = c->nodes[at[t][i]].mask ? UINT32_MAX :
				   c->nodes[at[t][i]].next;
			__builtin_prefetch(&c->boxes[at[t][i]]);
		}
	}
	for (t = 0; t < c->nr_trees; t++) {
		for (i = 0; i < n; i++) {
			if (at[t][i] != UINT32_MAX)
				best[i] = leaf_first(c, c->boxes + at[t][i],
						     key[i], words, keys[i],
						     best[i]);
		}
	}
	for (i = 0; i < n; i++)
		rules[i] = best[i] == UINT32_MAX ? VFR_CLS_NONE :
						   c->atoms[best[i]].rule;
}

CONST_INLINE void
burst(const struct vfr_cls *c, const struct vfr_cls_key *const *keys,
      uint32_t n, uint32_t *rules)
{
	if (c->row_words)
		bitmap_burst(c, keys, n, rules);
	else if (c->words == 1)
		forest_burst(c, keys, n, 1, rules);
	else
		forest_burst(c, keys, n, 2, rules);
}

static __attribute__((noinline)) void
burst_many(const struct vfr_cls *c, const struct vfr_cls_key *const *keys,
	   uint32_t n, uint32_t *rules)
{
	burst(c, keys, n, rules);
}

uint32_t vfr_cls_lookup(const struct vfr_cls *c, const struct vfr_cls_key *k)
{
	uint32_t rule;

	burst(c, &k, 1, &rule);
	return rule;
}

void vfr_cls_lookup_burst(const struct vfr_cls *c,
			  const struct vfr_cls_key *const *keys, uint32_t n,
			  uint32_t *rules)
{
	uint32_t now;

	for (; n > 0; keys += now, rules += now, n -= now) {
		now = n < BURST ? n : BURST;
		burst_many(c, keys, now, rules);
	}
}
