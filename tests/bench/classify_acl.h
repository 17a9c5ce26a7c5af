/*
 * classify_acl.h: DPDK's librte_acl behind a few functions, so that it can be
 * measured beside ours and left out where it is not installed.
 */
#ifndef CLASSIFY_ACL_H
#define CLASSIFY_ACL_H

#include "classify_data.h"

struct acl;

/* The methods by their index; NULL ends the list. */
const char *acl_method(unsigned int index);

/*
 * Build from IPv4 rules; NULL if librte_acl is not there or fails.  keys are
 * those that acl_classify() looks up; it keeps its own form of them.
 */
struct acl *acl_build(const struct rule_list *list,
		      const struct vfr_cls_key *keys, size_t nr_keys,
		      double *build_ms, double *memory_kib);

/* Can this machine do that method? */
bool acl_has(struct acl *a, unsigned int method);

/* Look up n keys from first on; rules[] gets each one's rule + 1, or 0. */
void acl_classify(struct acl *a, unsigned int method, size_t first, uint32_t n,
		  uint32_t *rules);

void acl_free(struct acl *a);

#endif
