/*
 * check.c: does the builder's input keep the contract of vfr/classify.h?
 */
#include "internal.h"

static bool set_ok(const struct vfr_cls_input *in,
		   const struct vfr_cls_set *set)
{
	const struct vfr_cls_range *r;
	uint32_t i;

	if (set->first > in->nr_ranges ||
	    set->count > in->nr_ranges - set->first)
		return false;
	r = in->ranges + set->first;
	for (i = 0; i < set->count; i++) {
		if (memcmp(r[i].lo.b, r[i].hi.b, 16) > 0)
			return false;
		if (i && memcmp(r[i - 1].hi.b, r[i].lo.b, 16) >= 0)
			return false;
	}
	return true;
}

static bool set_ref_ok(const struct vfr_cls_input *in, uint16_t set)
{
	return set == VFR_CLS_NO_SET || set < in->nr_sets;
}

/* Values outside their mask would match nothing, silently: refused. */
static bool rule_ok(const struct vfr_cls_input *in,
		    const struct vfr_cls_rule *r)
{
	return r->src_len <= 128 && r->dst_len <= 128 && r->any_proto <= 1 &&
	       r->sport_lo <= r->sport_hi && r->dport_lo <= r->dport_hi &&
	       !(r->tcp_flags & ~r->tcp_mask) && !(r->frag & ~r->frag_mask) &&
	       set_ref_ok(in, r->src_set) && set_ref_ok(in, r->dst_set) &&
	       r->rule != VFR_CLS_NONE;
}

int cls_check_input(const struct vfr_cls_input *in, uint32_t *bad_rule)
{
	uint32_t i;

	*bad_rule = 0;
	if (in->nr_rules > VFR_CLS_MAX_ATOMS ||
	    in->nr_sets > VFR_CLS_MAX_SETS ||
	    in->nr_ranges > VFR_CLS_MAX_RANGES)
		return -EINVAL;
	for (i = 0; i < in->nr_sets; i++) {
		if (!set_ok(in, &in->sets[i])) {
			*bad_rule = i;
			return -EINVAL;
		}
	}
	for (i = 0; i < in->nr_rules; i++) {
		if (!rule_ok(in, &in->rules[i])) {
			*bad_rule = i;
			return -EINVAL;
		}
	}
	return 0;
}
