/*
 * axes.c: cut each axis at the ends of the atoms' intervals and give the
 * atoms their ranks.
 *
 * Everything is said by *ends*: the last value of a stretch.  An interval
 * lo..hi makes the ends lo - 1 and hi, except where these are outside the
 * axis or its very last value, which needs no end.
 */
#include "internal.h"

const struct cls_field cls_fields[VFR_CLS_NR_AXES] = {
	[VFR_CLS_SRC]	= { offsetof(struct vfr_cls_key, src), 128 },
	[VFR_CLS_DST]	= { offsetof(struct vfr_cls_key, dst), 128 },
	[VFR_CLS_SPORT]	= { offsetof(struct vfr_cls_key, sport), 16 },
	[VFR_CLS_DPORT]	= { offsetof(struct vfr_cls_key, dport), 16 },
	[VFR_CLS_PROTO]	= { offsetof(struct vfr_cls_key, proto), 8 },
	[VFR_CLS_IN]	= { offsetof(struct vfr_cls_key, in), 16 },
	[VFR_CLS_OUT]	= { offsetof(struct vfr_cls_key, out), 16 },
};

struct interval {
	u128 lo, hi;
};

static struct interval prefix_interval(const struct vfr_addr *a, uint8_t len)
{
	u128 host = len ? ((u128)1 << (128 - len)) - 1 : ~(u128)0;
	u128 lo = cls_addr_value(a) & ~host;

	return (struct interval){ lo, lo | host };
}

static struct interval port_interval(uint16_t port)
{
	return (struct interval){ port == VFR_CLS_ANY_PORT ? 0 : port, port };
}

static struct interval atom_interval(const struct vfr_cls_rule *r,
				     unsigned int kind)
{
	switch (kind) {
	case VFR_CLS_SRC:
		return prefix_interval(&r->src, r->src_len);
	case VFR_CLS_DST:
		return prefix_interval(&r->dst, r->dst_len);
	case VFR_CLS_SPORT:
		return (struct interval){ r->sport_lo, r->sport_hi };
	case VFR_CLS_DPORT:
		return (struct interval){ r->dport_lo, r->dport_hi };
	case VFR_CLS_PROTO:
		return r->any_proto ? (struct interval){ 0, UINT8_MAX } :
				      (struct interval){ r->proto, r->proto };
	case VFR_CLS_IN:
		return port_interval(r->in);
	default:
		return port_interval(r->out);
	}
}

/* Heap sort: needs no memory, and no ruleset can make it slow. */
static void ends_sift(u128 *v, size_t root, size_t n)
{
	u128 x = v[root];
	size_t child;

	while ((child = 2 * root + 1) < n) {
		if (child + 1 < n && v[child] < v[child + 1])
			child++;
		if (v[child] <= x)
			break;
		v[root] = v[child];
		root = child;
	}
	v[root] = x;
}

static size_t ends_sort_unique(u128 *v, size_t n)
{
	size_t i, out = 0;

	for (i = n / 2; i--;)
		ends_sift(v, i, n);
	for (i = n; i-- > 1;) {
		u128 x = v[0];

		v[0] = v[i];
		v[i] = x;
		ends_sift(v, 0, i);
	}
	for (i = 0; i < n; i++) {
		if (!out || v[out - 1] != v[i])
			v[out++] = v[i];
	}
	return out;
}

/* Atoms often share an interval with the one before: that is left out. */
static size_t ends_collect(const struct vfr_cls_input *in, unsigned int kind,
			   u128 *ends)
{
	unsigned int bits = cls_fields[kind].bits;
	u128 max = bits == 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
	struct interval x, before = { 0, max };
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < in->nr_rules; i++, before = x) {
		x = atom_interval(&in->rules[i], kind);
		if (x.lo > 0 && x.lo != before.lo)
			ends[n++] = x.lo - 1;
		if (x.hi < max && x.hi != before.hi)
			ends[n++] = x.hi;
	}
	return ends_sort_unique(ends, n);
}

/* How many ends lie below v: its rank. */
static uint32_t ends_rank(const u128 *ends, size_t n, u128 v)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (ends[mid] < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int atoms_rank(struct cls_builder *b, unsigned int kind,
		      const u128 *ends, size_t n)
{
	size_t bytes = b->in->nr_rules * sizeof(uint32_t);
	uint32_t *lo = cls_mem_take(&b->arena, bytes);
	uint32_t *hi = cls_mem_take(&b->arena, bytes);
	uint32_t i;

	if (!lo || !hi)
		return -ENOSPC;
	for (i = 0; i < b->in->nr_rules; i++) {
		struct interval x = atom_interval(&b->in->rules[i], kind);

		lo[i] = ends_rank(ends, n, x.lo);
		hi[i] = ends_rank(ends, n, x.hi);
	}
	b->lo[kind] = lo;
	b->hi[kind] = hi;
	return 0;
}

/* The most ends that lie in a block of 1 << shift addresses, its last apart. */
static uint32_t block_max(const u128 *ends, uint32_t n, unsigned int shift)
{
	uint32_t low = (1u << shift) - 1, i, run = 0, max = 0;

	for (i = 0; i < n; i++) {
		uint32_t end = ends[i];

		if (i && end >> shift != (uint32_t)ends[i - 1] >> shift)
			run = 0;
		run += (end & low) != low;
		if (run > max)
			max = run;
	}
	return max;
}

/* The fewest blocks, up to a few for each end, that give the fewest steps. */
static void axis_choose_blocks(struct cls_axis *ax, const u128 *ends,
			       uint32_t n)
{
	unsigned int most = cls_bits(n) + 3, bits, steps;

	ax->steps = UINT8_MAX;
	for (bits = 1; bits <= most && bits <= 14; bits++) {
		steps = cls_bits(block_max(ends, n, 32 - bits));
		if (steps < ax->steps) {
			ax->steps = steps;
			ax->shift = 32 - bits;
		}
	}
}

/* ends: those of IPv4 */
static int axis_write_v4(struct cls_builder *b, struct cls_axis *ax,
			 const u128 *ends, uint32_t n)
{
	uint32_t *last, *start, i, blocks, pad;

	axis_choose_blocks(ax, ends, n);
	pad = (1u << ax->steps) - 1;
	blocks = 1u << (32 - ax->shift);
	last = cls_part_take(b, &ax->last, n + pad, sizeof(*last));
	start = cls_part_take(b, &ax->start, blocks, sizeof(*start));
	if (!last || !start)
		return -ENOSPC;
	for (i = 0; i < n; i++)
		last[i] = ends[i];
	memset(last + n, 0xff, pad * sizeof(*last));
	for (i = 1; i < blocks; i++) {
		start[i] = start[i - 1];
		while (start[i] < n && last[start[i]] < i << ax->shift)
			start[i]++;
	}
	return 0;
}

static void addr_write(struct vfr_addr *out, u128 v)
{
	unsigned int k;

	for (k = 0; k < 16; k++)
		out->b[k] = v >> (120 - 8 * k);
}

static int axis_write_addr(struct cls_builder *b, struct cls_axis *ax,
			   const u128 *ends, uint32_t n)
{
	uint32_t low = 0, high, i;
	struct vfr_addr *wide;

	while (low < n && ends[low] < CLS_V4_FIRST)
		low++;
	for (high = low; high < n && ends[high] <= CLS_V4_LAST; high++)
		;
	ax->nr_low = low;
	wide = cls_part_take(b, &ax->wide, low + n - high, sizeof(*wide));
	if (!wide)
		return -ENOSPC;
	for (i = 0; i < low; i++)
		addr_write(wide++, ends[i]);
	for (i = high; i < n; i++)
		addr_write(wide++, ends[i]);
	return axis_write_v4(b, ax, ends + low, high - low);
}

/* A forest wants ranks and bitmaps want classes: the map is written later. */
static int axis_keep_small(struct cls_builder *b, unsigned int kind,
			   const u128 *ends, uint32_t n)
{
	uint16_t *out = cls_mem_take(&b->arena, n * sizeof(*out));
	uint32_t i;

	if (!out)
		return -ENOSPC;
	for (i = 0; i < n; i++)
		out[i] = ends[i];
	b->ends[kind] = out;
	return 0;
}

int cls_axis_write_small(struct cls_builder *b, struct cls_axis *ax,
			 const uint16_t *class)
{
	uint32_t rank = 0, value = 0, t, i, nr = 0;
	uint16_t *top, *blocks, *block, *low;
	size_t mark = b->arena.used;

	top = cls_part_take(b, &ax->top, CLS_TOPS, sizeof(*top));
	blocks = cls_mem_take(&b->arena, CLS_TOPS * CLS_LOWS * sizeof(*blocks));
	if (!top || !blocks)
		return -ENOSPC;
	for (t = 0; t < CLS_TOPS; t++) {
		block = blocks + nr * CLS_LOWS;
		for (i = 0; i < CLS_LOWS; i++, value++) {
			while (rank < ax->nr - 1 &&
			       b->ends[ax->kind][rank] < value)
				rank++;
			block[i] = class ? class[rank] : rank;
		}
		for (i = 0; i < nr; i++) {
			if (!memcmp(blocks + i * CLS_LOWS, block,
				    CLS_LOWS * sizeof(*block)))
				break;
		}
		top[t] = i;
		nr += i == nr;
	}
	low = cls_part_take(b, &ax->low, nr * CLS_LOWS, sizeof(*low));
	if (!low)
		return -ENOSPC;
	memcpy(low, blocks, nr * CLS_LOWS * sizeof(*low));
	b->arena.used = mark;
	return 0;
}

/* An axis that no atom cuts is left out, but one axis there must be. */
static int axis_build(struct cls_builder *b, unsigned int kind, u128 *ends)
{
	size_t n = ends_collect(b->in, kind, ends);
	struct cls_axis *ax;
	int rc;

	if (n == 0 && (kind < VFR_CLS_NR_AXES - 1 || b->blob->nr_axes))
		return 0;
	ax = &b->blob->axes[b->blob->nr_axes++];
	ax->kind = kind;
	ax->nr = n + 1;
	rc = atoms_rank(b, kind, ends, n);
	if (rc)
		return rc;
	return cls_fields[kind].bits == 128 ? axis_write_addr(b, ax, ends, n) :
					      axis_keep_small(b, kind, ends, n);
}

int cls_axes_build(struct cls_builder *b)
{
	u128 *ends = cls_mem_take(&b->arena, 2 * sizeof(*ends) *
				  b->in->nr_rules);
	unsigned int kind;
	int rc = ends ? 0 : -ENOSPC;

	for (kind = 0; kind < VFR_CLS_NR_AXES && !rc; kind++)
		rc = axis_build(b, kind, ends);
	return rc;
}
