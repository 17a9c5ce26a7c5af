/*
 * blob.c: the blob holds the input as it is; a lookup searches it linearly.
 */
#include "internal.h"

static size_t blob_size(const struct vfr_cls_input *in)
{
	return sizeof(struct cls_blob) +
	       in->nr_ranges * sizeof(struct vfr_cls_range) +
	       in->nr_sets * sizeof(struct vfr_cls_set) +
	       in->nr_rules * sizeof(struct vfr_cls_rule);
}

static void blob_view(const struct vfr_cls *c, struct vfr_cls_input *in)
{
	const struct cls_blob *b = c->blob;

	in->nr_rules = b->nr_rules;
	in->nr_sets = b->nr_sets;
	in->nr_ranges = b->nr_ranges;
	in->ranges = (const void *)(b + 1);
	in->sets = (const void *)(in->ranges + b->nr_ranges);
	in->rules = (const void *)(in->sets + b->nr_sets);
}

size_t vfr_cls_arena_size(const struct vfr_cls_input *in)
{
	return 8;
}

size_t vfr_cls_blob_max(const struct vfr_cls_input *in)
{
	return blob_size(in);
}

int vfr_cls_build(const struct vfr_cls_input *in, void *arena,
		  size_t arena_len, void *blob, size_t blob_cap,
		  size_t *blob_len, uint32_t *bad_rule)
{
	struct vfr_cls c = { blob };
	struct vfr_cls_input view;
	struct cls_blob *b = blob;
	uint32_t bad;
	int rc;

	rc = cls_check_input(in, bad_rule ? bad_rule : &bad);
	if (rc)
		return rc;
	if (blob_cap < blob_size(in))
		return -ENOSPC;
	*b = (struct cls_blob){ CLS_MAGIC, in->nr_rules, in->nr_sets,
				in->nr_ranges };
	blob_view(&c, &view);
	memcpy((void *)view.ranges, in->ranges,
	       in->nr_ranges * sizeof(*in->ranges));
	memcpy((void *)view.sets, in->sets, in->nr_sets * sizeof(*in->sets));
	memcpy((void *)view.rules, in->rules,
	       in->nr_rules * sizeof(*in->rules));
	*blob_len = blob_size(in);
	return 0;
}

int vfr_cls_open(struct vfr_cls *c, const void *blob, size_t len,
		 uint32_t nr_rules, uint32_t nr_ports)
{
	const struct cls_blob *b = blob;
	struct vfr_cls_input in;
	uint32_t i, bad;

	if (len < sizeof(*b) || b->magic != CLS_MAGIC ||
	    b->nr_rules > VFR_CLS_MAX_ATOMS || b->nr_sets > VFR_CLS_MAX_SETS ||
	    b->nr_ranges > VFR_CLS_MAX_RANGES)
		return -EINVAL;
	*c = (struct vfr_cls){ blob, len };
	blob_view(c, &in);
	if (blob_size(&in) != len || cls_check_input(&in, &bad))
		return -EINVAL;
	for (i = 0; i < in.nr_rules; i++) {
		const struct vfr_cls_rule *r = &in.rules[i];

		if (r->rule >= nr_rules ||
		    (r->in != VFR_CLS_ANY_PORT && r->in >= nr_ports) ||
		    (r->out != VFR_CLS_ANY_PORT && r->out >= nr_ports))
			return -EINVAL;
	}
	return 0;
}

uint32_t vfr_cls_lookup(const struct vfr_cls *c, const struct vfr_cls_key *k)
{
	struct vfr_cls_input in;

	blob_view(c, &in);
	return vfr_cls_linear(&in, k);
}

void vfr_cls_lookup_burst(const struct vfr_cls *c,
			  const struct vfr_cls_key *const *keys, uint32_t n,
			  uint32_t *rules)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		rules[i] = vfr_cls_lookup(c, keys[i]);
}
