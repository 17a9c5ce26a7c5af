/*
 * linear.c: the reference.  It reads the builder's input as it stands and
 * shares no code with the fast search, so that each can convict the other.
 */
#include <vfr/classify.h>

static bool prefix_has(const struct vfr_addr *p, uint8_t len,
		       const struct vfr_addr *a)
{
	struct vfr_prefix prefix = { *p, len };

	return vfr_prefix_has(&prefix, a);
}

static bool set_has(const struct vfr_cls_input *in, uint16_t set,
		    const struct vfr_addr *a)
{
	const struct vfr_cls_range *r = in->ranges + in->sets[set].first;
	const struct vfr_cls_range *end = r + in->sets[set].count;

	for (; r < end; r++) {
		if (memcmp(r->lo.b, a->b, 16) <= 0 &&
		    memcmp(a->b, r->hi.b, 16) <= 0)
			return true;
	}
	return false;
}

static bool atom_matches(const struct vfr_cls_input *in,
			 const struct vfr_cls_rule *r,
			 const struct vfr_cls_key *k)
{
	return prefix_has(&r->src, r->src_len, &k->src) &&
	       prefix_has(&r->dst, r->dst_len, &k->dst) &&
	       (r->any_proto || r->proto == k->proto) &&
	       r->sport_lo <= k->sport && k->sport <= r->sport_hi &&
	       r->dport_lo <= k->dport && k->dport <= r->dport_hi &&
	       (r->in == VFR_CLS_ANY_PORT || r->in == k->in) &&
	       (r->out == VFR_CLS_ANY_PORT || r->out == k->out) &&
	       (k->tcp_flags & r->tcp_mask) == r->tcp_flags &&
	       (k->frag & r->frag_mask) == r->frag &&
	       (r->src_set == VFR_CLS_NO_SET ||
		set_has(in, r->src_set, &k->src)) &&
	       (r->dst_set == VFR_CLS_NO_SET ||
		set_has(in, r->dst_set, &k->dst));
}

uint32_t vfr_cls_linear(const struct vfr_cls_input *in,
			const struct vfr_cls_key *k)
{
	uint32_t i;

	for (i = 0; i < in->nr_rules; i++) {
		if (atom_matches(in, &in->rules[i], k))
			return in->rules[i].rule;
	}
	return VFR_CLS_NONE;
}
