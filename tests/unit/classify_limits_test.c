/*
 * classify_limits_test.c: what the classifier refuses, and what no rule set
 * can make it exceed: memory, time to build, reads outside a blob.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bench/classify_data.h"
#include "classify/internal.h"

#define NR_KEYS 500

static uint64_t rng = 77;

static uint32_t below(uint32_t n)
{
	return data_below(&rng, n);
}

/* --- input that breaks the contract --- */

static const struct vfr_cls_range some_ranges[] = {
	{ { { 1 } }, { { 2 } } }, { { { 3 } }, { { 4 } } },
	{ { { 4 } }, { { 5 } } }, { { { 9 } }, { { 8 } } },
};

static void spoil_len(struct vfr_cls_rule *r) { r->src_len = 129; }
static void spoil_dst_len(struct vfr_cls_rule *r) { r->dst_len = 255; }
static void spoil_sport(struct vfr_cls_rule *r) { r->sport_lo = 9;
						  r->sport_hi = 8; }
static void spoil_dport(struct vfr_cls_rule *r) { r->dport_lo = 1;
						  r->dport_hi = 0; }
static void spoil_any(struct vfr_cls_rule *r) { r->any_proto = 2; }
static void spoil_flags(struct vfr_cls_rule *r) { r->tcp_flags = 2;
						  r->tcp_mask = 1; }
static void spoil_frag(struct vfr_cls_rule *r) { r->frag = 1; }
static void spoil_src_set(struct vfr_cls_rule *r) { r->src_set = 1; }
static void spoil_dst_set(struct vfr_cls_rule *r) { r->dst_set = 9; }
static void spoil_number(struct vfr_cls_rule *r) { r->rule = VFR_CLS_NONE; }

static const struct {
	const char *says;
	void (*spoil)(struct vfr_cls_rule *);
	struct vfr_cls_set set;
	uint32_t nr_rules;
	int rc;
	uint32_t bad;
} inputs[] = {
	{ "good rules and an empty set", NULL, { 0, 0 }, 3, 0 },
	{ "a set may end where the array does", NULL, { 1, 1 }, 3, 0 },
	{ "prefix longer than an address", spoil_len, { 0 }, 3, -EINVAL, 1 },
	{ "so in the destination", spoil_dst_len, { 0 }, 3, -EINVAL, 1 },
	{ "source ports upside down", spoil_sport, { 0 }, 3, -EINVAL, 1 },
	{ "destination ports likewise", spoil_dport, { 0 }, 3, -EINVAL, 1 },
	{ "any_proto is 0 or 1", spoil_any, { 0 }, 3, -EINVAL, 1 },
	{ "TCP flags outside their mask", spoil_flags, { 0 }, 3, -EINVAL, 1 },
	{ "fragment bits outside theirs", spoil_frag, { 0 }, 3, -EINVAL, 1 },
	{ "a source set that is not there", spoil_src_set, { 0 }, 3,
	  -EINVAL, 1 },
	{ "a destination set likewise", spoil_dst_set, { 0 }, 3, -EINVAL, 1 },
	{ "the number that means none", spoil_number, { 0 }, 3, -EINVAL, 1 },
	{ "a set outside the ranges", NULL, { 4, 1 }, 3, -EINVAL, 0 },
	{ "a set whose end wraps", NULL, { 2, UINT32_MAX }, 3, -EINVAL, 0 },
	{ "ranges that touch", NULL, { 1, 2 }, 3, -EINVAL, 0 },
	{ "a range upside down", NULL, { 3, 1 }, 3, -EINVAL, 0 },
	{ "too many atoms", NULL, { 0 }, VFR_CLS_MAX_ATOMS + 1, -EINVAL, 0 },
};

static void bad_input_is_refused(void **state)
{
	static uint64_t arena[1 << 19], blob[1 << 19];
	uint32_t i;

	for (i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		struct vfr_cls_rule rules[3] = { rule_any(0), rule_any(1),
						 rule_any(2) };
		struct vfr_cls_input in = { rules, &inputs[i].set, some_ranges,
					    inputs[i].nr_rules, 1, 4 };
		uint32_t bad = 99;
		size_t len;
		int rc;

		if (inputs[i].spoil)
			inputs[i].spoil(&rules[1]);
		rc = vfr_cls_build(&in, arena, sizeof(arena), blob,
				   sizeof(blob), &len, &bad);
		if (rc != inputs[i].rc || (rc && bad != inputs[i].bad))
			fail_msg("%s: %d, rule %u", inputs[i].says, rc, bad);
	}
}

/* --- memory --- */

/* Every smaller arena and blob: built all the same, and right, or refused. */
static void too_little_memory_is_refused(void **state)
{
	struct vfr_cls_input in = { 0 };
	struct rule_list l;
	uint32_t refused = 0, built = 0, k;
	size_t arena_len, cap, a, b, len;
	struct vfr_cls_key keys[50];
	struct vfr_cls c;

	rules_make(&l, 300, 5);
	keys_make(&l, keys, 50, 1);
	in.rules = l.rules;
	in.nr_rules = l.nr;
	arena_len = vfr_cls_arena_size(&in);
	cap = vfr_cls_blob_max(&in);
	for (a = 0; a <= 16; a++) {
		for (b = 0; b <= 16; b++) {
			size_t arena_n = arena_len * a / 16 / (1 + (a < 9) * 9);
			size_t blob_n = cap * b / 16 / (1 + (b < 9) * 9);
			void *arena = malloc(arena_n);
			void *blob = malloc(blob_n);
			int rc = vfr_cls_build(&in, arena, arena_n, blob,
					       blob_n, &len, NULL);

			if (rc == 0) {
				assert_int_equal(vfr_cls_open(&c, blob, len,
							      l.nr, 0), 0);
				for (k = 0; k < 50; k++)
					assert_int_equal(
						vfr_cls_lookup(&c, keys + k),
						vfr_cls_linear(&in, keys + k));
				built++;
			} else {
				assert_int_equal(rc, -ENOSPC);
				refused++;
			}
			assert_false(a == 16 && b == 16 && rc);
			free(arena);
			free(blob);
		}
	}
	assert_true(refused > 50 && built > 50);
	free(l.rules);
}

/* --- rule sets made to hurt --- */

static void prefix_v4(struct vfr_addr *a, uint8_t *len, uint32_t bits)
{
	*a = vfr_addr_v4(data_random(&rng));
	*len = 96 + bits;
}

/* Boxes of ports that overlap in all ways; nothing else tells them apart. */
static void port_boxes(struct vfr_cls_rule *r, uint32_t i)
{
	uint16_t a = below(65536), b = below(65536);

	r->sport_lo = a < b ? a : b;
	r->sport_hi = a < b ? b : a;
	a = below(65536);
	b = below(65536);
	r->dport_lo = a < b ? a : b;
	r->dport_hi = a < b ? b : a;
}

/* Each rule of one half crosses each of the other. */
static void crosses(struct vfr_cls_rule *r, uint32_t i)
{
	if (i % 2)
		prefix_v4(&r->src, &r->src_len, 32);
	else
		prefix_v4(&r->dst, &r->dst_len, 32);
	r->dport_lo = r->dport_hi = i;
}

/* Short prefixes that nest, in both addresses, and port boxes. */
static void nests(struct vfr_cls_rule *r, uint32_t i)
{
	prefix_v4(&r->src, &r->src_len, below(6));
	prefix_v4(&r->dst, &r->dst_len, below(6));
	port_boxes(r, i);
}

/* The same box, again and again; only the rest differs. */
static void same_box(struct vfr_cls_rule *r, uint32_t i)
{
	r->tcp_mask = 1 + i % 255;
	r->tcp_flags = (i / 3) & r->tcp_mask;
}

/* As many ranks on all axes as there can be. */
static void all_axes(struct vfr_cls_rule *r, uint32_t i)
{
	unsigned int k;

	for (k = 0; k < 16; k++)
		r->src.b[k] = data_random(&rng);
	for (k = 0; k < 16; k++)
		r->dst.b[k] = data_random(&rng);
	r->src_len = 60 + below(69);
	r->dst_len = 60 + below(69);
	port_boxes(r, i);
	r->in = i % 60000;
	r->out = i * 7 % 60000;
	r->any_proto = 0;
	r->proto = i;
}

static void identical(struct vfr_cls_rule *r, uint32_t i)
{
}

static const struct {
	const char *name;
	void (*make)(struct vfr_cls_rule *r, uint32_t i);
} hurting[] = {
	{ "port boxes", port_boxes }, { "crosses", crosses },
	{ "nests", nests }, { "same box", same_box },
	{ "all axes", all_axes }, { "identical", identical },
};

static struct vfr_cls_key key_in(const struct vfr_cls_rule *r)
{
	return (struct vfr_cls_key){
		.src = r->src, .dst = r->dst, .proto = r->proto,
		.sport = below(2) ? r->sport_lo : r->sport_hi,
		.dport = below(2) ? r->dport_lo : r->dport_hi,
		.in = r->in, .out = r->out, .tcp_flags = r->tcp_flags };
}

static void hurt(uint32_t kind, uint32_t n)
{
	struct vfr_cls_rule *rules = calloc(n, sizeof(*rules));
	struct vfr_cls_input in = { rules, .nr_rules = n };
	struct vfr_cls c;
	double build_ms;
	void *blob;
	size_t len;
	uint32_t i;

	for (i = 0; i < n; i++) {
		rules[i] = rule_any(i);
		hurting[kind].make(&rules[i], i);
	}
	cls_make(&in, &c, &blob, &len, &build_ms);
	printf("%s, %u rules: %.1f ms to build, %zu KiB\n", hurting[kind].name,
	       n, build_ms, len >> 10);
	assert_true(len <= vfr_cls_blob_max(&in));
	assert_true(len <= 4u << 20);
	/* Sanitizers cost a factor of about 10. */
	assert_true(build_ms < 1000);
	for (i = 0; i < NR_KEYS; i++) {
		struct vfr_cls_key k = key_in(&rules[below(n)]);

		assert_int_equal(vfr_cls_lookup(&c, &k),
				 vfr_cls_linear(&in, &k));
	}
	free(blob);
	free(rules);
}

static void no_rules_make_it_slow_or_large(void **state)
{
	uint32_t i;

	for (i = 0; i < sizeof(hurting) / sizeof(hurting[0]); i++) {
		hurt(i, 200);
		hurt(i, CLS_BITMAP_ATOMS);
		hurt(i, 10000);
	}
}

/* --- blobs --- */

static void truncated_blobs_are_refused(void **state)
{
	struct vfr_cls_input in = { 0 };
	struct rule_list l;
	struct vfr_cls c;
	size_t len, n;
	void *blob, *copy;

	rules_make(&l, 20, 3);
	in.rules = l.rules;
	in.nr_rules = l.nr;
	cls_make(&in, &c, &blob, &len, NULL);
	for (n = 0; n < len; n += n < 2048 ? 1 : 997) {
		copy = malloc(n ? n : 1);
		memcpy(copy, blob, n);
		assert_int_equal(vfr_cls_open(&c, copy, n, l.nr, 0), -EINVAL);
		if (n >= sizeof(struct cls_blob)) {
			((struct cls_blob *)copy)->len = n;
			assert_int_equal(vfr_cls_open(&c, copy, n, l.nr, 0),
					 -EINVAL);
		}
		free(copy);
	}
	assert_int_equal(vfr_cls_open(&c, blob, len, l.nr, 0), 0);
	assert_int_equal(vfr_cls_open(&c, blob, len, l.nr - 1, 0), -EINVAL);
	free(blob);
	free(l.rules);
}

/* A blob may name only the ports there are. */
static void ports_are_bounded(void **state)
{
	struct vfr_cls_rule rules[2] = { rule_any(0), rule_any(0) };
	struct vfr_cls_input in = { rules, .nr_rules = 2 };
	struct vfr_cls c;
	void *blob;
	size_t len;

	rules[0].in = 3;
	rules[1].out = 6;
	cls_make(&in, &c, &blob, &len, NULL);
	assert_int_equal(vfr_cls_open(&c, blob, len, 1, 7), 0);
	assert_int_equal(vfr_cls_open(&c, blob, len, 1, 6), -EINVAL);
	free(blob);
}

/* The same rules make the same bytes, wherever the memory lies. */
static void blobs_are_relocatable_and_the_same(void **state)
{
	static uint64_t arena[1 << 20], first[1 << 18], second[1 << 18];
	struct vfr_cls_input in = { 0 };
	size_t len1, len2;
	struct rule_list l;

	rules_make(&l, 60, 3);
	in.rules = l.rules;
	in.nr_rules = l.nr;
	memset(second, 0xaa, sizeof(second));
	assert_int_equal(vfr_cls_build(&in, arena, sizeof(arena), first,
				       sizeof(first), &len1, NULL), 0);
	assert_int_equal(vfr_cls_build(&in, arena + 1, sizeof(arena) - 8,
				       second + 1, sizeof(second) - 8, &len2,
				       NULL), 0);
	assert_int_equal(len1, len2);
	assert_memory_equal(first, second + 1, len1);
	free(l.rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_input_is_refused),
		cmocka_unit_test(too_little_memory_is_refused),
		cmocka_unit_test(no_rules_make_it_slow_or_large),
		cmocka_unit_test(truncated_blobs_are_refused),
		cmocka_unit_test(ports_are_bounded),
		cmocka_unit_test(blobs_are_relocatable_and_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
