/*
 * internal.h: the blob, and what the classifier's files share.
 *
 * The search works on *ranks*.  On each axis (source, destination, ports,
 * protocol, ingress, egress) the ends of all atoms' intervals cut the values
 * into at most 2 * nr_atoms + 1 stretches; the rank of a value is the number
 * of its stretch.  Ranks keep the order, so an atom is a box in rank space
 * whatever the family or width of its fields, and a small one: the ranks of
 * all axes fit into two 64-bit words, side by side, and one subtraction
 * compares all those of a word (cls_box_has).  An axis that no atom looks at
 * has one rank and is left out.
 *
 * Few atoms: a bitmap for each rank of each axis says which atoms the rank
 * lies in; the lowest bit that all axes agree on is the answer (bitmap.c).
 * Many atoms: a forest of trees that cut by bits of ranks down to short lists
 * of boxes (forest.c).
 *
 * What an atom asks beside its box (TCP flags, fragments, sets) is its *rest*,
 * checked when the box has matched.
 */
#ifndef VFR_CLASSIFY_INTERNAL_H
#define VFR_CLASSIFY_INTERNAL_H

#include <errno.h>
#include <vfr/classify.h>

typedef unsigned __int128 u128;

#define CLS_MAGIC	0x32534c43u	/* "CLS2" */
#define CLS_NO_REST	UINT32_MAX
#define CLS_MAX_STEPS	20
#define CLS_MAX_DEPTH	4		/* cuts above a leaf */
#define CLS_TOP_BITS	10		/* of 16-bit values, see cls_axis */
#define CLS_TOPS	(1u << CLS_TOP_BITS)
#define CLS_LOW_BITS	6
#define CLS_LOWS	(1u << CLS_LOW_BITS)

/*
 * Bitmaps up to so many atoms, and if they take no more than so many bytes.
 * Measured with ClassBench rules: at 1,000 they are two to three times as fast
 * as the forest; at 1,500 half as fast again for acl1, but even for fw1 and
 * ipc1, in three to five times the memory.
 */
#define CLS_BITMAP_ATOMS 1536
#define CLS_BITMAP_BYTES (2u << 20)

/* A part of the blob: count elements from byte off on, 8-byte aligned. */
struct cls_part {
	uint32_t off, count;
};

/*
 * How values become ranks.
 *
 * Addresses: last[i] is the last IPv4 address of a rank; start[] says for each
 * block of 1 << shift addresses how many ends lie before it.  At most
 * 2^steps - 1 ends are within the block: a binary search of fixed length,
 * which may look past the block, since the ends there are larger anyway, and
 * past all ends into 2^steps - 1 elements of UINT32_MAX.  The ends outside
 * IPv4 are in wide[], the nr_low of them below it first.
 *
 * Numbers of up to 16 bits: top[] says for the highest CLS_TOP_BITS bits at
 * which element of low[] a block of 1 << CLS_LOW_BITS ranks starts; equal
 * blocks are there once.
 *
 * With bitmaps, class[] and low[] hold classes in place of ranks.
 */
struct cls_axis {
	uint32_t	nr;		/* ranks */
	uint32_t	nr_classes;	/* with bitmaps */
	uint32_t	nr_low;
	uint8_t		kind;		/* one of VFR_CLS_* */
	uint8_t		shift, steps;
	uint8_t		zero;
	struct cls_part	start, last;	/* uint32_t */
	struct cls_part	wide;		/* struct vfr_addr */
	struct cls_part	top, low;	/* uint16_t */
	struct cls_part	class;		/* uint16_t, by rank */
};

/* The classes of two slots make one: table[slot a * nr_b + slot b]. */
struct cls_merge {
	uint32_t	a, b;		/* the result replaces a */
	uint32_t	nr_classes;	/* of the result */
	struct cls_part	table;		/* uint16_t */
};

/* A slot that is left when all is merged, and the bitmaps of its classes. */
struct cls_root {
	uint32_t	slot;
	struct cls_part	rows;		/* uint64_t */
};

/* What is the axis' value in a key and how wide is it? */
struct cls_field {
	uint16_t	key_off;
	uint8_t		bits;		/* 128: an address */
};
extern const struct cls_field cls_fields[VFR_CLS_NR_AXES];

struct cls_tree {
	uint32_t	root, depth;
};

struct cls_blob {
	uint32_t	magic, len;
	uint32_t	nr_axes, nr_trees;
	uint32_t	row_words;	/* uint64_t in a row; 0: no bitmaps */
	uint32_t	nr_merges, nr_roots;
	uint32_t	zero;
	struct cls_part	atoms, rests, sets, ranges, nodes, boxes;
	struct cls_axis	axes[VFR_CLS_NR_AXES];
	struct cls_tree	trees[VFR_CLS_MAX_TREES];
	struct cls_merge merges[VFR_CLS_NR_AXES];
	struct cls_root	roots[VFR_CLS_NR_AXES];
};

struct cls_atom {
	uint32_t	rule;
	uint32_t	rest;		/* index, or CLS_NO_REST */
};

struct cls_rest {
	uint8_t		tcp_flags, tcp_mask, frag, frag_mask;
	uint16_t	src_set, dst_set;
};

/* A cut: the child is next + ((rank word >> shift) & mask); mask 0: a leaf. */
struct cls_node {
	uint32_t	next;		/* of a leaf: where its boxes start */
	uint16_t	mask;
	uint8_t		word, shift;
};

/*
 * A box in a leaf, in uint64_t: the low ends in `words` words, the high ends
 * with the guard bits set in as many, the atom.  The last box of a leaf has
 * everything in it and no atom (UINT32_MAX).
 */
#define CLS_BOX_WORDS(words)	(2 * (words) + 1)

static inline u128 cls_addr_value(const struct vfr_addr *a)
{
	uint64_t hi, lo;

	memcpy(&hi, a->b, 8);
	memcpy(&lo, a->b + 8, 8);
	return (u128)__builtin_bswap64(hi) << 64 | __builtin_bswap64(lo);
}

#define CLS_V4_FIRST	((u128)0xffff << 32)
#define CLS_V4_LAST	(CLS_V4_FIRST | UINT32_MAX)

/* Where the rank of each axis lies in the words of a key. */
struct cls_layout {
	uint64_t	guard[VFR_CLS_WORDS];	/* a bit above each rank */
	uint32_t	words;			/* that are used */
	uint8_t		word[VFR_CLS_NR_AXES], pos[VFR_CLS_NR_AXES];
};

/* False if the ranks need more than VFR_CLS_WORDS. */
bool cls_layout_make(const struct cls_blob *b, struct cls_layout *l);

/* How many bits hold n? */
static inline unsigned int cls_bits(uint32_t n)
{
	return n ? 32 - __builtin_clz(n) : 0;
}

int cls_check_input(const struct vfr_cls_input *in, uint32_t *bad_rule);

/* --- building --- */

/* vfr_cls_build(); without bitmaps it makes a forest of any number of atoms. */
int cls_build(const struct vfr_cls_input *in, bool bitmaps, void *arena,
	      size_t arena_len, void *blob, size_t blob_cap, size_t *blob_len,
	      uint32_t *bad_rule);

struct cls_mem {
	uint8_t	*base;
	size_t	 used, cap;
};

struct cls_builder {
	const struct vfr_cls_input *in;
	struct cls_mem	 arena, out;
	struct cls_blob	*blob;
	uint32_t	*lo[VFR_CLS_NR_AXES];	/* ranks of each atom's box, */
	uint32_t	*hi[VFR_CLS_NR_AXES];	/* by kind of axis */
	const uint16_t	*ends[VFR_CLS_NR_AXES];	/* last values, if 16 bits */
};

/* bytes, zeroed and 16-byte aligned, or NULL */
void *cls_mem_take(struct cls_mem *m, size_t bytes);
/* the same in the blob, noted in p */
void *cls_part_take(struct cls_builder *b, struct cls_part *p, size_t count,
		    size_t size);

/* All return 0 or -ENOSPC. */
int cls_axes_build(struct cls_builder *b);
/* The map of a 16-bit axis; class: what to find in place of a rank, or NULL */
int cls_axis_write_small(struct cls_builder *b, struct cls_axis *ax,
			 const uint16_t *class);
int cls_bitmaps_build(struct cls_builder *b);
int cls_forest_build(struct cls_builder *b);

/* Arena bytes that these need at most for n atoms. */
size_t cls_bitmaps_arena(size_t n);
size_t cls_forest_arena(size_t n);
/* and the most that the forest adds to a blob */
size_t cls_forest_bytes(size_t n);

#endif
