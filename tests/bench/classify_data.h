/*
 * classify_data.h: rule sets and headers for the classifier's tests and bench.
 */
#ifndef CLASSIFY_DATA_H
#define CLASSIFY_DATA_H

#include <stddef.h>
#include <vfr/classify.h>

struct rule_list {
	struct vfr_cls_rule *rules;
	uint32_t nr;
};

uint64_t data_random(uint64_t *state);
/* a random number below n, n > 0 */
uint32_t data_below(uint64_t *state, uint32_t n);

/* A rule that matches everything. */
struct vfr_cls_rule rule_any(uint32_t number);

/*
 * Read a ClassBench file (source, destination, ports, protocol; its last
 * column is left out).  Returns 0, or -1 with a word on stderr.
 */
int rules_load(const char *path, struct rule_list *out);

/* n IPv4 rules such as people write: servers, nets, services, a few wide. */
void rules_make(struct rule_list *out, uint32_t n, uint64_t seed);

/*
 * Headers: nine of ten lie in a rule that is drawn for them, each field at the
 * low corner, the high corner or inside; the others are random.
 */
void keys_make(const struct rule_list *list, struct vfr_cls_key *keys,
	       size_t n, uint64_t seed);

/* Build and open; the caller frees *blob.  Exits with a word if it fails. */
void cls_make(const struct vfr_cls_input *in, struct vfr_cls *cls,
	      void **blob, size_t *blob_len, double *build_ms);

/* CPU time of this thread. */
double data_now_ms(void);

#endif
