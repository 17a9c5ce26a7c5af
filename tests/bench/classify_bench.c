/*
 * classify_bench.c: lookups per second, build time and memory of the
 * classifier, beside linear search and, where it is installed, librte_acl.
 *
 *   classify_bench [RULEFILE...]	ClassBench files; none: sets made here
 *
 * 32,768 headers, uniform: hard on caches.  Each result is compared with the
 * linear search first.  Then all methods are timed in turns, PASSES times, and
 * the median is printed: what else the machine does hits all of them alike,
 * and only ratios taken in one run say something.  Time is this thread's.
 * BENCH_CORE names the core that librte_acl shall bind to (default 0).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classify_acl.h"

#define NR_KEYS		32768
#define BURST		32
#define PASSES		7
#define PASS_MS		50
#define MAX_METHODS	16

static struct vfr_cls_key keys[NR_KEYS];
static const struct vfr_cls_key *pointers[NR_KEYS];
static volatile uint32_t sink;

/* An IPv4 rule for a plain scan, tighter than the reference of any family. */
struct scan_rule {
	uint32_t	src, src_mask, dst, dst_mask;
	uint16_t	sport_lo, sport_hi, dport_lo, dport_hi;
	uint8_t		proto, proto_mask;
};

struct subject {
	const char		*name;
	struct scan_rule	*scan;
	struct rule_list	 list;
	struct vfr_cls_input	 in;
	struct vfr_cls		 cls;
	struct acl		*acl;
};

/* Look up keys[first] and those after it, up to n of them. */
struct method {
	char		name[32];
	void		(*run)(struct subject *s, unsigned int alg,
			       size_t first, uint32_t *out);
	uint32_t	n;	/* keys in a call */
	unsigned int	alg;
	double		rate[PASSES];
};

static void run_burst(struct subject *s, unsigned int alg, size_t first,
		      uint32_t *out)
{
	vfr_cls_lookup_burst(&s->cls, pointers + first, BURST, out);
}

static void run_single(struct subject *s, unsigned int alg, size_t first,
		       uint32_t *out)
{
	*out = vfr_cls_lookup(&s->cls, &keys[first]);
}

static uint32_t v4(const struct vfr_addr *a)
{
	uint32_t ip;

	memcpy(&ip, a->b + 12, 4);
	return __builtin_bswap32(ip);
}

static uint32_t v4_mask(unsigned int len)
{
	return len > VFR_V4_BITS ? ~(uint32_t)((1ull << (128 - len)) - 1) : 0;
}

static struct scan_rule *scan_make(const struct rule_list *list)
{
	struct scan_rule *scan = calloc(list->nr, sizeof(*scan));
	uint32_t i;

	for (i = 0; i < list->nr; i++) {
		const struct vfr_cls_rule *r = &list->rules[i];

		scan[i] = (struct scan_rule){
			v4(&r->src) & v4_mask(r->src_len), v4_mask(r->src_len),
			v4(&r->dst) & v4_mask(r->dst_len), v4_mask(r->dst_len),
			r->sport_lo, r->sport_hi, r->dport_lo, r->dport_hi,
			r->proto, r->any_proto ? 0 : 0xff };
	}
	return scan;
}

static void run_linear(struct subject *s, unsigned int alg, size_t first,
		       uint32_t *out)
{
	const struct vfr_cls_key *k = &keys[first];
	uint32_t src = v4(&k->src), dst = v4(&k->dst), i;

	for (i = 0; i < s->list.nr; i++) {
		const struct scan_rule *r = &s->scan[i];

		if ((src & r->src_mask) == r->src &&
		    (dst & r->dst_mask) == r->dst &&
		    k->sport >= r->sport_lo && k->sport <= r->sport_hi &&
		    k->dport >= r->dport_lo && k->dport <= r->dport_hi &&
		    (k->proto & r->proto_mask) == r->proto)
			break;
	}
	*out = i < s->list.nr ? i : VFR_CLS_NONE;
}

static void run_acl_burst(struct subject *s, unsigned int alg, size_t first,
			  uint32_t *out)
{
	acl_classify(s->acl, alg, first, BURST, out);
}

static void run_acl_single(struct subject *s, unsigned int alg, size_t first,
			   uint32_t *out)
{
	acl_classify(s->acl, alg, first, 1, out);
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, int n)
{
	qsort(v, n, sizeof(*v), compare_double);
	return v[n / 2];
}

/* Million lookups a second. */
static double pass(struct subject *s, const struct method *m)
{
	double start = data_now_ms(), now;
	uint32_t out[BURST] = { 0 };
	uint64_t done = 0;
	size_t i = 0, k;

	do {
		for (k = 0; k < 2048; k += m->n) {
			m->run(s, m->alg, i, out);
			i = (i + m->n) % NR_KEYS;
		}
		done += 2048;
		now = data_now_ms();
	} while (now - start < PASS_MS);
	sink = out[0];
	return done / (now - start) / 1e3;
}

static uint32_t count_differences(struct subject *s, const struct method *m,
				  const uint32_t *want, uint32_t plus)
{
	uint32_t out[BURST], bad = 0, k;
	size_t i;

	for (i = 0; i < NR_KEYS; i += m->n) {
		m->run(s, m->alg, i, out);
		for (k = 0; k < m->n; k++)
			bad += out[k] != want[i + k] + plus;
	}
	return bad;
}

static struct method *method_add(struct method *all, uint32_t *nr,
				 const char *name, unsigned int alg, uint32_t n,
				 void (*run)(struct subject *, unsigned int,
					     size_t, uint32_t *))
{
	struct method *m = &all[(*nr)++];

	snprintf(m->name, sizeof(m->name), "%s%s", name,
		 n == 1 ? ".single" : ".burst32");
	m->run = run;
	m->n = n;
	m->alg = alg;
	return m;
}

static void ratio(const struct subject *s, const char *name, double ours,
		  double theirs)
{
	printf("ratio.%s.%s %.2f x\n", s->name, name, ours / theirs);
}

static uint32_t methods_make(struct subject *s, struct method *m)
{
	char name[24];
	uint32_t nr = 0, i;

	method_add(m, &nr, "classify", 0, BURST, run_burst);
	method_add(m, &nr, "classify", 0, 1, run_single);
	method_add(m, &nr, "linear", 0, 1, run_linear);
	for (i = 0; s->acl && acl_method(i); i++) {
		if (!acl_has(s->acl, i))
			continue;
		snprintf(name, sizeof(name), "acl.%s", acl_method(i));
		method_add(m, &nr, name, i, BURST, run_acl_burst);
		if (i == 0)
			method_add(m, &nr, name, i, 1, run_acl_single);
	}
	return nr;
}

/* Returns the number of wrong results. */
static uint32_t measure(struct subject *s)
{
	static uint32_t want[NR_KEYS];
	struct method m[MAX_METHODS] = { 0 };
	uint32_t nr = methods_make(s, m), i, bad, all_bad = 0;
	int p;

	for (i = 0; i < NR_KEYS; i++)
		want[i] = vfr_cls_linear(&s->in, &keys[i]);
	for (i = 0; i < nr; i++) {
		bad = count_differences(s, &m[i], want,
					m[i].run == run_acl_burst ||
					m[i].run == run_acl_single);
		printf("%s.%s.mismatch %u of-%u\n", m[i].name, s->name, bad,
		       NR_KEYS);
		all_bad += bad;
	}
	for (p = 0; p < PASSES; p++) {
		for (i = 0; i < nr; i++)
			m[i].rate[p] = pass(s, &m[i]);
	}
	for (i = 0; i < nr; i++)
		printf("%s.%s.lookups %.2f Mlookups/s\n", m[i].name, s->name,
		       median(m[i].rate, PASSES));
	for (i = 2; i < nr; i++)
		ratio(s, m[i].name, median(m[m[i].n == 1].rate, PASSES),
		      median(m[i].rate, PASSES));
	return all_bad;
}

static uint32_t bench(const char *name, struct rule_list list)
{
	struct subject s = { .name = name, .list = list };
	double build_ms, acl_ms, acl_kib;
	uint32_t i, bad;
	void *blob;
	size_t len;

	s.in.rules = list.rules;
	s.in.nr_rules = list.nr;
	keys_make(&list, keys, NR_KEYS, 42);
	for (i = 0; i < NR_KEYS; i++)
		pointers[i] = &keys[i];
	cls_make(&s.in, &s.cls, &blob, &len, &build_ms);
	printf("classify.%s.rules %u rules\n", name, list.nr);
	printf("classify.%s.build %.2f ms\n", name, build_ms);
	printf("classify.%s.memory %.1f KiB\n", name, len / 1024.0);
	s.scan = scan_make(&list);
	s.acl = acl_build(&list, keys, NR_KEYS, &acl_ms, &acl_kib);
	if (s.acl) {
		printf("acl.%s.build %.2f ms\n", name, acl_ms);
		printf("acl.%s.memory %.1f KiB\n", name, acl_kib);
	}
	bad = measure(&s);
	fflush(stdout);
	acl_free(s.acl);
	free(s.scan);
	free(blob);
	return bad;
}

/* "dir/acl1_1k.rules" is acl1_1k. */
static void set_name(const char *path, char *name, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(name, size, "%s", slash ? slash + 1 : path);
	name[strcspn(name, ".")] = 0;
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = { 10, 100, 1000, 10000 };
	struct rule_list list;
	uint32_t bad = 0;
	char name[64];
	int i;

	for (i = 1; i < argc; i++) {
		if (rules_load(argv[i], &list))
			return 1;
		set_name(argv[i], name, sizeof(name));
		bad += bench(name, list);
		free(list.rules);
	}
	for (i = 0; argc == 1 && i < 4; i++) {
		rules_make(&list, sizes[i], 1);
		snprintf(name, sizeof(name), "made_%u", sizes[i]);
		bad += bench(name, list);
		free(list.rules);
	}
	return bad ? 1 : 0;
}
