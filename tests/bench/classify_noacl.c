/*
 * classify_noacl.c: librte_acl is not installed.
 */
#include "classify_acl.h"

const char *acl_method(unsigned int index)
{
	return NULL;
}

struct acl *acl_build(const struct rule_list *list,
		      const struct vfr_cls_key *keys, size_t nr_keys,
		      double *build_ms, double *memory_kib)
{
	return NULL;
}

bool acl_has(struct acl *a, unsigned int method)
{
	return false;
}

void acl_classify(struct acl *a, unsigned int method, size_t first, uint32_t n,
		  uint32_t *rules)
{
}

void acl_free(struct acl *a)
{
}
