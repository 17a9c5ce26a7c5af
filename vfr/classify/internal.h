/*
 * internal.h: what the classifier's files share.
 */
#ifndef VFR_CLASSIFY_INTERNAL_H
#define VFR_CLASSIFY_INTERNAL_H

#include <errno.h>
#include <vfr/classify.h>

/* The start of a blob; then ranges, rules, sets. */
struct cls_blob {
	uint32_t magic, nr_rules, nr_sets, nr_ranges;
};
#define CLS_MAGIC	0x31534c43u	/* "CLS1" */

int cls_check_input(const struct vfr_cls_input *in, uint32_t *bad_rule);

#endif
