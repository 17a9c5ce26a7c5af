/*
 * classify_acl.c: DPDK's librte_acl.
 */
#include "classify_acl.h"

#include <arpa/inet.h>
#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As librte_acl wants a key: big endian, the first field of one byte. */
struct acl_key {
	uint8_t		proto, zero[3];
	uint32_t	src, dst;
	uint16_t	sport, dport;
};

enum { PROTO, SRC, DST, SPORT, DPORT, NR_FIELDS };

#define FIELD(kind, bytes, index, input, member) { \
	RTE_ACL_FIELD_TYPE_##kind, bytes, index, input, \
	offsetof(struct acl_key, member) }
static const struct rte_acl_field_def fields[NR_FIELDS] = {
	FIELD(BITMASK, 1, PROTO, 0, proto),
	FIELD(MASK, 4, SRC, 1, src),
	FIELD(MASK, 4, DST, 2, dst),
	FIELD(RANGE, 2, SPORT, 3, sport),
	FIELD(RANGE, 2, DPORT, 3, dport),	/* both make one input */
};

RTE_ACL_RULE_DEF(acl_rule, NR_FIELDS);

static const struct {
	const char *name;
	enum rte_acl_classify_alg alg;
} methods[] = {
	{ "scalar", RTE_ACL_CLASSIFY_SCALAR },
	{ "sse", RTE_ACL_CLASSIFY_SSE },
	{ "avx2", RTE_ACL_CLASSIFY_AVX2 },
	{ "avx512x16", RTE_ACL_CLASSIFY_AVX512X16 },
	{ "avx512x32", RTE_ACL_CLASSIFY_AVX512X32 },
};
#define NR_METHODS	(sizeof(methods) / sizeof(methods[0]))

struct acl {
	struct rte_acl_ctx	*ctx;
	struct acl_key		*keys;
	const uint8_t		**pointers;
};

static size_t heap_used(void)
{
	struct rte_malloc_socket_stats st;

	return rte_malloc_get_socket_stats(0, &st) ? 0 : st.heap_allocsz_bytes;
}

static bool eal_start(void)
{
	static char words[][32] = { "bench", "--no-huge", "-m", "6144",
		"--no-pci", "--no-shconf", "--no-telemetry", "--log-level=3",
		"--force-max-simd-bitwidth=512", "-l", "0" };
	enum { NR = sizeof(words) / sizeof(words[0]) };
	static int started;
	char *argv[NR + 1] = { NULL };
	const char *core = getenv("BENCH_CORE");
	int i;

	if (core)
		snprintf(words[NR - 1], sizeof(words[0]), "%s", core);
	for (i = 0; i < NR; i++)
		argv[i] = words[i];
	if (!started)
		started = rte_eal_init(NR, argv) < 0 ? -1 : 1;
	return started > 0;
}

const char *acl_method(unsigned int index)
{
	return index < NR_METHODS ? methods[index].name : NULL;
}

static uint32_t v4(const struct vfr_addr *a)
{
	uint32_t ip;

	memcpy(&ip, a->b + 12, 4);
	return ip;
}

static void rule_fill(struct acl_rule *out, const struct vfr_cls_rule *r,
		      uint32_t index)
{
	*out = (struct acl_rule){
		.data = { .category_mask = 1, .userdata = index + 1,
			  .priority = RTE_ACL_MAX_PRIORITY - index } };
	out->field[PROTO].value.u8 = r->proto;
	out->field[PROTO].mask_range.u8 = r->any_proto ? 0 : 0xff;
	out->field[SRC].value.u32 = ntohl(v4(&r->src));
	out->field[SRC].mask_range.u32 = r->src_len < VFR_V4_BITS ? 0 :
					 r->src_len - VFR_V4_BITS;
	out->field[DST].value.u32 = ntohl(v4(&r->dst));
	out->field[DST].mask_range.u32 = r->dst_len < VFR_V4_BITS ? 0 :
					 r->dst_len - VFR_V4_BITS;
	out->field[SPORT].value.u16 = r->sport_lo;
	out->field[SPORT].mask_range.u16 = r->sport_hi;
	out->field[DPORT].value.u16 = r->dport_lo;
	out->field[DPORT].mask_range.u16 = r->dport_hi;
}

static bool rules_build(struct acl *a, const struct rule_list *list,
			double *build_ms, double *memory_kib)
{
	struct rte_acl_param param = { .name = "bench", .socket_id = 0,
		.rule_size = RTE_ACL_RULE_SZ(NR_FIELDS),
		.max_rule_num = list->nr };
	struct rte_acl_config config = { .num_categories = 1,
		.num_fields = NR_FIELDS };
	struct acl_rule *rules = calloc(list->nr, sizeof(*rules));
	size_t before = heap_used();
	double start;
	uint32_t i;
	bool ok;

	memcpy(config.defs, fields, sizeof(fields));
	for (i = 0; i < list->nr; i++)
		rule_fill(&rules[i], &list->rules[i], i);
	a->ctx = rte_acl_create(&param);
	start = data_now_ms();
	ok = a->ctx && !rte_acl_add_rules(a->ctx, (void *)rules, list->nr) &&
	     !rte_acl_build(a->ctx, &config);
	*build_ms = data_now_ms() - start;
	*memory_kib = (heap_used() - before) / 1024.0;
	free(rules);
	return ok;
}

struct acl *acl_build(const struct rule_list *list,
		      const struct vfr_cls_key *keys, size_t nr_keys,
		      double *build_ms, double *memory_kib)
{
	struct acl *a;
	size_t i;

	if (!eal_start())
		return NULL;
	a = calloc(1, sizeof(*a));
	if (!rules_build(a, list, build_ms, memory_kib)) {
		acl_free(a);
		return NULL;
	}
	a->keys = calloc(nr_keys, sizeof(*a->keys));
	a->pointers = calloc(nr_keys, sizeof(*a->pointers));
	for (i = 0; i < nr_keys; i++) {
		a->keys[i] = (struct acl_key){
			.proto = keys[i].proto,
			.src = v4(&keys[i].src), .dst = v4(&keys[i].dst),
			.sport = htons(keys[i].sport),
			.dport = htons(keys[i].dport) };
		a->pointers[i] = (const uint8_t *)&a->keys[i];
	}
	return a;
}

bool acl_has(struct acl *a, unsigned int method)
{
	return !rte_acl_set_ctx_classify(a->ctx, methods[method].alg);
}

void acl_classify(struct acl *a, unsigned int method, size_t first, uint32_t n,
		  uint32_t *rules)
{
	rte_acl_classify_alg(a->ctx, a->pointers + first, rules, n, 1,
			     methods[method].alg);
}

void acl_free(struct acl *a)
{
	if (!a)
		return;
	rte_acl_free(a->ctx);
	free(a->keys);
	free(a->pointers);
	free(a);
}
