/*
 * classify_diff_test.c: the fast classifier and the linear one never differ.
 *
 * Rule sets of all kinds and sizes, headers that lie on the corners of the
 * rules and just beside them, each looked up alone and in a burst, in bitmaps
 * and in a forest.  With SLUICE_DATA, every header of the shared .check files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bench/classify_data.h"
#include "classify/internal.h"

#define MAX_KEYS	8192
#define NR_SETS		12
#define NR_RANGES	64
#define NR_PORTS	5

static struct vfr_cls_key keys[MAX_KEYS];
static const struct vfr_cls_key *pointers[MAX_KEYS];
static uint64_t rng = 20030101;
static uint64_t nr_compared;

static uint32_t below(uint32_t n)
{
	return data_below(&rng, n);
}

/* --- rules with everything in them --- */

struct wild {
	struct vfr_cls_rule	*rules;
	struct vfr_cls_set	sets[NR_SETS];
	struct vfr_cls_range	ranges[NR_RANGES];
	struct vfr_cls_input	in;
	uint32_t		pool;	/* different addresses; few: overlaps */
};

static struct vfr_addr pool_addr(uint32_t pool)
{
	static const uint8_t nets[][16] = {
		{ 0 }, { 0x20, 0x01, 0x0d, 0xb8 }, { 0xfe, 0x80 },
		{ [10] = 0xff, [11] = 0xff, [12] = 10 },
		{ [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 168 },
		{ [10] = 0xff, [11] = 0xff }, { [10] = 0xff, [11] = 0xff },
	};
	struct vfr_addr a;
	uint32_t n = below(pool) * 0x9e3779b9u;

	memcpy(a.b, nets[below(7)], 16);
	if (below(8) == 0)
		n = below(2) ? UINT32_MAX : 0;
	a.b[13] |= n >> 24;
	a.b[14] |= n >> 16;
	a.b[15] |= n >> 8;
	if (below(16) == 0)
		memset(a.b, 0xff, 16);
	return a;
}

static uint8_t wild_len(void)
{
	static const uint8_t usual[] = { 0, 0, 96, 104, 112, 120, 124, 128,
					 128, 128, 32, 64, 127, 97 };

	return below(8) ? usual[below(sizeof(usual))] : below(129);
}

static void wild_ports(uint16_t *lo, uint16_t *hi)
{
	static const uint16_t corners[] = { 0, 1, 22, 53, 80, 443, 1023, 1024,
					    8080, 32767, 32768, 65534, 65535 };
	uint16_t a = corners[below(13)], b = corners[below(13)];

	if (below(3) == 0)
		a = below(65536);
	if (below(2))
		b = a;
	*lo = a < b ? a : b;
	*hi = a < b ? b : a;
}

static void wild_rare_fields(struct vfr_cls_rule *r)
{
	if (below(5) == 0)
		r->in = below(NR_PORTS);
	if (below(5) == 0)
		r->out = below(NR_PORTS);
	if (below(6) == 0) {
		r->tcp_mask = below(256);
		r->tcp_flags = below(256) & r->tcp_mask;
	}
	if (below(8) == 0) {
		r->frag_mask = below(4);
		r->frag = below(4) & r->frag_mask;
	}
	if (below(6) == 0)
		r->src_set = below(NR_SETS);
	if (below(6) == 0)
		r->dst_set = below(NR_SETS);
}

static struct vfr_cls_rule wild_rule(uint32_t number, uint32_t pool)
{
	static const uint8_t protos[] = { 6, 17, 1, 58, 0, 255 };
	struct vfr_cls_rule r = rule_any(number);

	if (below(4)) {
		r.src = pool_addr(pool);
		r.src_len = wild_len();
	}
	if (below(4)) {
		r.dst = pool_addr(pool);
		r.dst_len = wild_len();
	}
	if (below(3)) {
		r.any_proto = 0;
		r.proto = protos[below(6)];
	}
	if (below(3) == 0)
		wild_ports(&r.sport_lo, &r.sport_hi);
	if (below(2))
		wild_ports(&r.dport_lo, &r.dport_hi);
	wild_rare_fields(&r);
	return r;
}

static int range_compare(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

/* Sets of 0 to 5 ranges: sorted, overlaps left out. */
static void wild_sets(struct wild *w)
{
	uint32_t used = 0, i, k;

	for (i = 0; i < NR_SETS; i++) {
		struct vfr_cls_range *r = w->ranges + used;
		uint32_t want = below(6), n = 0;

		for (k = 0; k < want; k++) {
			r[k].lo = r[k].hi = pool_addr(w->pool);
			r[k].hi.b[15] |= below(256);
			r[k].hi.b[14] |= below(256);
		}
		qsort(r, want, sizeof(*r), range_compare);
		for (k = 0; k < want; k++) {
			if (n == 0 || memcmp(&r[n - 1].hi, &r[k].lo, 16) < 0)
				r[n++] = r[k];
		}
		w->sets[i] = (struct vfr_cls_set){ used, n };
		used += n;
	}
	w->in.nr_ranges = used;
}

/* Two atoms each have a rule's number, as lists make them. */
static void wild_make(struct wild *w, uint32_t n, uint32_t pool)
{
	uint32_t i;

	w->pool = pool;
	w->rules = calloc(n ? n : 1, sizeof(*w->rules));
	assert_non_null(w->rules);
	for (i = 0; i < n; i++)
		w->rules[i] = wild_rule(i / 2, pool);
	w->in = (struct vfr_cls_input){ w->rules, w->sets, w->ranges, n,
					NR_SETS, 0 };
	wild_sets(w);
}

/* An end of the prefix, a neighbour of an end, or something inside. */
static struct vfr_addr corner_addr(const struct vfr_addr *a, unsigned int len)
{
	u128 host = len ? ((u128)1 << (128 - len)) - 1 : ~(u128)0;
	u128 lo = cls_addr_value(a) & ~host, hi = lo | host;
	u128 random = (u128)data_random(&rng) << 64 | data_random(&rng);
	u128 choice[] = { lo, hi, lo - 1, hi + 1, lo | (random & host),
			  lo | (random & host) };
	u128 v = choice[below(6)];
	struct vfr_addr out;
	unsigned int i;

	for (i = 0; i < 16; i++)
		out.b[i] = v >> (120 - 8 * i);
	return out;
}

static uint16_t corner_port(uint16_t lo, uint16_t hi)
{
	uint16_t choice[] = { lo - 1, hi + 1, lo, hi,
			      lo + below(hi - lo + 1u), below(65536) };

	return choice[below(6)];
}

static struct vfr_cls_key wild_key(const struct wild *w)
{
	struct vfr_cls_rule any = rule_any(0);
	const struct vfr_cls_rule *r = w->in.nr_rules ?
		&w->rules[below(w->in.nr_rules)] : &any;
	struct vfr_cls_key k = {
		.src = corner_addr(&r->src, r->src_len),
		.dst = corner_addr(&r->dst, r->dst_len),
		.sport = corner_port(r->sport_lo, r->sport_hi),
		.dport = corner_port(r->dport_lo, r->dport_hi),
		.in = r->in == VFR_CLS_ANY_PORT || !below(8) ?
			below(NR_PORTS) : r->in,
		.out = r->out == VFR_CLS_ANY_PORT ? below(NR_PORTS) : r->out,
		.proto = r->any_proto || !below(8) ? below(256) : r->proto,
		.tcp_flags = below(2) ? r->tcp_flags : below(256),
		.frag = below(2) ? r->frag : below(4),
	};

	if (below(4) == 0)
		k.src = pool_addr(w->pool);
	if (below(4) == 0)
		k.dst = pool_addr(w->pool);
	if (r->src_set != VFR_CLS_NO_SET && w->sets[r->src_set].count &&
	    below(2))
		k.src = w->ranges[w->sets[r->src_set].first].hi;
	return k;
}

/* --- comparing --- */

static void compare(const struct vfr_cls_input *in, bool bitmaps, uint32_t n)
{
	size_t arena_len = vfr_cls_arena_size(in), len;
	size_t cap = vfr_cls_blob_max(in);
	void *arena = malloc(arena_len), *blob = malloc(cap);
	static uint32_t got[MAX_KEYS];
	struct vfr_cls c;
	uint32_t i, want;

	assert_non_null(arena);
	assert_non_null(blob);
	assert_int_equal(cls_build(in, bitmaps, arena, arena_len, blob, cap,
				   &len, NULL), 0);
	free(arena);
	blob = realloc(blob, len);	/* so that ASan sees its end */
	assert_int_equal(vfr_cls_open(&c, blob, len, in->nr_rules, NR_PORTS),
			 0);
	memset(got, 0xee, sizeof(got));
	vfr_cls_lookup_burst(&c, pointers, n, got);
	for (i = 0; i < n; i++) {
		want = vfr_cls_linear(in, &keys[i]);
		if (got[i] != want || vfr_cls_lookup(&c, &keys[i]) != want)
			fail_msg("key %u of %u rules: linear %u, burst %u, "
				 "single %u", i, in->nr_rules, want, got[i],
				 vfr_cls_lookup(&c, &keys[i]));
	}
	nr_compared += n;
	free(blob);
}

static void compare_wild(uint32_t nr_rules, uint32_t pool, uint32_t nr_keys)
{
	struct wild w;
	uint32_t i;

	wild_make(&w, nr_rules, pool);
	for (i = 0; i < nr_keys; i++)
		keys[i] = wild_key(&w);
	compare(&w.in, true, nr_keys);
	compare(&w.in, false, nr_keys);
	free(w.rules);
}

static void few_rules_of_all_kinds(void **state)
{
	uint32_t i;

	for (i = 0; i < 400; i++)
		compare_wild(below(40), 1 + below(30), 2001);
}

static void hundreds_of_rules_of_all_kinds(void **state)
{
	uint32_t i;

	for (i = 0; i < 20; i++)
		compare_wild(65 + below(600), 10 + below(600), 2000);
}

static void thousands_of_rules_of_all_kinds(void **state)
{
	compare_wild(CLS_BITMAP_ATOMS, 100, 1000);
	compare_wild(CLS_BITMAP_ATOMS + 1, 1000, 1000);
	compare_wild(6000, 300, 1000);
	compare_wild(9000, 20000, 1000);
}

static void rules_as_people_write_them(void **state)
{
	static const uint32_t sizes[] = { 10, 100, 1000, 3000, 10000 };
	uint32_t i, k;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t n = sizes[i] > 1000 ? 1000 : MAX_KEYS / 2;
		struct vfr_cls_input in = { 0 };
		struct rule_list l;

		for (k = 0; k < 2; k++) {
			rules_make(&l, sizes[i], 7 + k);
			in.rules = l.rules;
			in.nr_rules = l.nr;
			keys_make(&l, keys, n, k);
			compare(&in, true, n);
			compare(&in, false, n);
			free(l.rules);
		}
	}
}

/* Bursts of every length around the block that lookups work in. */
static void bursts_of_any_length(void **state)
{
	struct wild w;
	struct vfr_cls c;
	uint32_t got[101], n, i;
	void *blob;
	size_t len;

	wild_make(&w, 50, 20);
	for (i = 0; i < 100; i++)
		keys[i] = wild_key(&w);
	cls_make(&w.in, &c, &blob, &len, NULL);
	for (n = 0; n <= 100; n++) {
		got[n] = 0xabcdef;
		vfr_cls_lookup_burst(&c, pointers, n, got);
		for (i = 0; i < n; i++)
			assert_int_equal(got[i],
					 vfr_cls_linear(&w.in, &keys[i]));
		assert_int_equal(got[n], 0xabcdef);
	}
	free(blob);
	free(w.rules);
}

/* --- shared data --- */

static uint32_t check_load(const char *path, uint32_t *want)
{
	unsigned int src, dst, sport, dport, proto;
	FILE *f = fopen(path, "r");
	uint32_t n = 0;
	int rule;

	if (!f)
		fail_msg("%s: cannot be read", path);
	while (fscanf(f, "%u %u %u %u %u %d", &src, &dst, &sport, &dport,
		      &proto, &rule) == 6) {
		assert_true(n < MAX_KEYS);
		keys[n] = (struct vfr_cls_key){
			.src = vfr_addr_v4(src), .dst = vfr_addr_v4(dst),
			.sport = sport, .dport = dport, .proto = proto };
		want[n++] = rule < 0 ? VFR_CLS_NONE : (uint32_t)rule;
	}
	assert_true(feof(f));
	fclose(f);
	return n;
}

static void check_set(const char *dir, const char *name)
{
	static uint32_t want[MAX_KEYS], got[MAX_KEYS];
	struct vfr_cls_input in = { 0 };
	struct rule_list l;
	struct vfr_cls c;
	char path[1024];
	uint32_t i, n;
	void *blob;
	size_t len;

	snprintf(path, sizeof(path), "%s/classbench/%s.rules", dir, name);
	assert_int_equal(rules_load(path, &l), 0);
	in.rules = l.rules;
	in.nr_rules = l.nr;
	cls_make(&in, &c, &blob, &len, NULL);

	snprintf(path, sizeof(path), "%s/classbench/%s.check", dir, name);
	n = check_load(path, want);
	assert_true(n > 1000);
	vfr_cls_lookup_burst(&c, pointers, n, got);
	for (i = 0; i < n; i++) {
		if (got[i] != want[i] ||
		    vfr_cls_lookup(&c, &keys[i]) != want[i])
			fail_msg("%s: header %u: rule %u, not %u", path, i + 1,
				 got[i], want[i]);
	}
	printf("%s: %u headers agree\n", name, n);
	free(blob);
	free(l.rules);
}

static void shared_headers_agree(void **state)
{
	static const char *const names[] = { "acl1_1k", "fw1_1k", "ipc1_1k",
					     "acl1_10k", "fw1_10k", "ipc1_10k" };
	const char *dir = getenv("SLUICE_DATA");
	uint32_t i;

	if (!dir)
		skip();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check_set(dir, names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_rules_of_all_kinds),
		cmocka_unit_test(hundreds_of_rules_of_all_kinds),
		cmocka_unit_test(thousands_of_rules_of_all_kinds),
		cmocka_unit_test(rules_as_people_write_them),
		cmocka_unit_test(bursts_of_any_length),
		cmocka_unit_test(shared_headers_agree),
	};
	uint32_t i;
	int failed;

	for (i = 0; i < MAX_KEYS; i++)
		pointers[i] = &keys[i];
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	printf("%llu headers compared with the linear search\n",
	       (unsigned long long)nr_compared);
	return failed;
}
