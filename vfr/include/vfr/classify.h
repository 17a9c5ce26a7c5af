/*
 * vfr/classify.h: which rule is the first to match a header?
 *
 * The builder turns a list of rules into one flat, relocatable blob; it runs
 * outside the packet path (host or dom0).  The packet side validates the blob
 * once, as untrusted input, and then looks headers up in it.  Both halves are
 * freestanding: no allocation, no globals; the builder works in an arena that
 * the caller hands in.
 *
 * What a rule is here.  An *atom*: a product of one interval per field.  A
 * rule of the language with lists in it (services, sets) becomes several
 * atoms, next to each other, all with the same `rule` number.  Products of two
 * large lists do not become atoms: an atom may also name a source set and a
 * destination set, sorted lists of disjoint address ranges, that are checked
 * after everything else matched.  The compiler enumerates at most one large
 * list of a rule as prefixes (the one with more members) and leaves the other
 * as a set; hence a ruleset has about as many atoms as its text has members,
 * never their product.  More than VFR_CLS_MAX_ATOMS is refused.
 *
 * First match wins: of all atoms that match, the one with the lowest index.
 *
 * Threads: lookups only read the blob; any number may run at once.
 */
#ifndef VFR_CLASSIFY_H
#define VFR_CLASSIFY_H

#include <stddef.h>
#include <stdint.h>

#include <vfr/addr.h>

#define VFR_CLS_MAX_ATOMS	(1u << 18)
#define VFR_CLS_MAX_SETS	4096
#define VFR_CLS_MAX_RANGES	(1u << 18)
#define VFR_CLS_NONE		UINT32_MAX	/* no rule matches */
#define VFR_CLS_ANY_PORT	UINT16_MAX	/* any ingress/egress port */
#define VFR_CLS_NO_SET		UINT16_MAX

/* Bits of frag: what part of its datagram the packet is. */
enum {
	VFR_FRAG_ANY	= 1,	/* a fragment (first or not) */
	VFR_FRAG_LATER	= 2,	/* a fragment other than the first */
};

/*
 * An atom.  Port intervals hold for TCP, UDP and SCTP.  For ICMP and ICMPv6
 * the key's sport is the type and its dport the code.  For other protocols,
 * and fragments that show no ports, the key's ports are 0; an atom that wants
 * ports therefore names its protocol.
 */
struct vfr_cls_rule {
	struct vfr_addr	src, dst;	/* prefixes; host bits are ignored */
	uint8_t		src_len, dst_len;	/* 0 to 128, see addr.h */
	uint8_t		proto;		/* IP protocol number ... */
	uint8_t		any_proto;	/* ... unless this is 1 */
	uint16_t	sport_lo, sport_hi;	/* inclusive, host order */
	uint16_t	dport_lo, dport_hi;
	uint16_t	in, out;	/* port index or VFR_CLS_ANY_PORT */
	uint8_t		tcp_flags, tcp_mask;	/* (flags & mask) == tcp_flags */
	uint8_t		frag, frag_mask;	/* (frag & mask) == frag */
	uint16_t	src_set, dst_set;	/* index or VFR_CLS_NO_SET */
	uint32_t	rule;		/* what a lookup returns */
};

/* Addresses lo to hi inclusive, compared as 128-bit big-endian numbers. */
struct vfr_cls_range {
	struct vfr_addr	lo, hi;
};

/* ranges[first .. first + count) of the range array: ascending, disjoint. */
struct vfr_cls_set {
	uint32_t	first, count;
};

struct vfr_cls_key {
	struct vfr_addr	src, dst;
	uint16_t	sport, dport;	/* host order; ICMP: type, code */
	uint16_t	in, out;	/* port indices */
	uint8_t		proto;
	uint8_t		tcp_flags;	/* 0 unless TCP */
	uint8_t		frag;		/* VFR_FRAG_* */
	uint8_t		zero;
};

/* What the builder reads. */
struct vfr_cls_input {
	const struct vfr_cls_rule	*rules;
	const struct vfr_cls_set	*sets;
	const struct vfr_cls_range	*ranges;
	uint32_t			nr_rules, nr_sets, nr_ranges;
};

/* The fields in which atoms are intervals. */
enum { VFR_CLS_SRC, VFR_CLS_DST, VFR_CLS_SPORT, VFR_CLS_DPORT, VFR_CLS_PROTO,
       VFR_CLS_IN, VFR_CLS_OUT, VFR_CLS_NR_AXES };
#define VFR_CLS_WORDS		2
#define VFR_CLS_MAX_TREES	4

/* A validated blob.  Fields are the classifier's own. */
struct vfr_cls {
	const struct cls_blob	*blob;
	const struct cls_atom	*atoms;
	const struct cls_rest	*rests;
	const struct cls_node	*nodes;
	const uint64_t		*boxes;
	const struct vfr_cls_set *sets;
	const struct vfr_cls_range *ranges;
	uint64_t		guard[VFR_CLS_WORDS];
	uint32_t		nr_axes, nr_trees, nr_merges, nr_roots;
	uint32_t		row_words, words;
	struct vfr_cls_axis {
		const uint32_t	*start, *last;
		const struct vfr_addr *wide;
		const uint16_t	*top, *low, *class;
		uint32_t	nr_low, nr_wide, nr_v4;
		uint16_t	key_off;
		uint8_t		bits, shift, steps, word, pos;
	} axes[VFR_CLS_NR_AXES];
	struct vfr_cls_merge {
		const uint16_t	*table;
		uint32_t	nr_b;
		uint8_t		a, b;
	} merges[VFR_CLS_NR_AXES];
	struct vfr_cls_root {
		const uint64_t	*rows;
		uint32_t	slot;
	} roots[VFR_CLS_NR_AXES];
	struct {
		uint32_t	root, depth;
	} trees[VFR_CLS_MAX_TREES];
};

/* --- builder --- */

/* Bytes of arena and of blob that always suffice for these numbers. */
size_t vfr_cls_arena_size(const struct vfr_cls_input *in);
size_t vfr_cls_blob_max(const struct vfr_cls_input *in);

/*
 * Build the blob.  arena and blob are 8-byte aligned.  Returns 0 and the
 * blob's length, -EINVAL if a rule or set breaks the contract above (*bad_rule
 * is its index; may be NULL), -ENOSPC if arena or blob is too small.
 */
int vfr_cls_build(const struct vfr_cls_input *in, void *arena,
		  size_t arena_len, void *blob, size_t blob_cap,
		  size_t *blob_len, uint32_t *bad_rule);

/* --- packet side --- */

/*
 * Check an untrusted blob (8-byte aligned, must not change afterwards): after
 * 0, every lookup ends in bounded time, reads only within it, and returns
 * VFR_CLS_NONE or a number below nr_rules.  -EINVAL otherwise.  nr_ports
 * bounds the ports that atoms may name.
 */
int vfr_cls_open(struct vfr_cls *c, const void *blob, size_t len,
		 uint32_t nr_rules, uint32_t nr_ports);

/* The `rule` of the first atom that matches, or VFR_CLS_NONE. */
uint32_t vfr_cls_lookup(const struct vfr_cls *c, const struct vfr_cls_key *k);

/* The same for n keys at once; n is any number, 32 is a good one. */
void vfr_cls_lookup_burst(const struct vfr_cls *c,
			  const struct vfr_cls_key *const *keys, uint32_t n,
			  uint32_t *rules);

/* The reference: search atoms one by one.  No blob needed. */
uint32_t vfr_cls_linear(const struct vfr_cls_input *in,
			const struct vfr_cls_key *k);

#endif
