/*
 * classify_data.c: rule sets and headers for the classifier's tests and bench.
 */
#include "classify_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What others do on this core does not count. */
double data_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's ..." */
uint64_t data_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

uint32_t data_below(uint64_t *state, uint32_t n)
{
	return (data_random(state) >> 32) * n >> 32;
}

struct vfr_cls_rule rule_any(uint32_t number)
{
	return (struct vfr_cls_rule){
		.any_proto = 1, .sport_hi = 65535, .dport_hi = 65535,
		.in = VFR_CLS_ANY_PORT, .out = VFR_CLS_ANY_PORT,
		.src_set = VFR_CLS_NO_SET, .dst_set = VFR_CLS_NO_SET,
		.rule = number,
	};
}

static void rule_src(struct vfr_cls_rule *r, uint32_t ip, unsigned int len)
{
	r->src = vfr_addr_v4(ip);
	r->src_len = VFR_V4_BITS + len;
}

static void rule_dst(struct vfr_cls_rule *r, uint32_t ip, unsigned int len)
{
	r->dst = vfr_addr_v4(ip);
	r->dst_len = VFR_V4_BITS + len;
}

static int rule_parse(const char *line, struct vfr_cls_rule *r)
{
	unsigned int s[5], d[5], sport[2], dport[2], proto, mask;

	if (sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x",
		   s, s + 1, s + 2, s + 3, s + 4, d, d + 1, d + 2, d + 3, d + 4,
		   sport, sport + 1, dport, dport + 1, &proto, &mask) != 16 ||
	    s[4] > 32 || d[4] > 32 || (mask != 0 && mask != 0xff))
		return -1;
	rule_src(r, s[0] << 24 | s[1] << 16 | s[2] << 8 | s[3], s[4]);
	rule_dst(r, d[0] << 24 | d[1] << 16 | d[2] << 8 | d[3], d[4]);
	r->sport_lo = sport[0];
	r->sport_hi = sport[1];
	r->dport_lo = dport[0];
	r->dport_hi = dport[1];
	r->any_proto = !mask;
	r->proto = mask ? proto : 0;
	return 0;
}

int rules_load(const char *path, struct rule_list *out)
{
	FILE *f = fopen(path, "r");
	size_t cap = 0;
	char line[256];

	*out = (struct rule_list){ NULL, 0 };
	if (!f) {
		perror(path);
		return -1;
	}
	while (fgets(line, sizeof(line), f)) {
		if (out->nr == cap) {
			cap = cap ? 2 * cap : 1024;
			out->rules = realloc(out->rules,
					     cap * sizeof(*out->rules));
			if (!out->rules)
				abort();
		}
		out->rules[out->nr] = rule_any(out->nr);
		if (rule_parse(line, &out->rules[out->nr++])) {
			fprintf(stderr, "%s:%u: not a ClassBench rule\n", path,
				out->nr);
			fclose(f);
			return -1;
		}
	}
	fclose(f);
	return 0;
}

static const uint16_t services[] = { 22, 25, 53, 80, 110, 123, 143, 161, 389,
	443, 465, 514, 587, 993, 995, 1433, 1521, 3306, 3389, 5432, 5900, 8080 };
static const uint8_t protos[] = { 6, 17, 6, 17, 1, 47 };

/* One of nr_nets nets of length 8 to 28, or a host in it, or any. */
static void make_prefix(uint64_t *state, uint64_t seed, uint32_t nr_nets,
			uint32_t *ip, unsigned int *len)
{
	uint32_t net = data_below(state, nr_nets);
	uint64_t net_state = seed + net * 0x9e3779b97f4a7c15ull + 1;
	uint32_t kind = data_below(state, 10);

	*ip = data_random(&net_state) >> 32;
	*len = 8 + data_below(&net_state, 21);
	if (kind == 0)
		*len = 0;
	if (kind >= 4) {
		*ip = (*ip & ~(UINT32_MAX >> *len)) |
		      (data_random(state) & (UINT32_MAX >> *len));
		*len = 32;
	}
	*ip &= *len ? ~(uint32_t)((1ull << (32 - *len)) - 1) : 0;
}

void rules_make(struct rule_list *out, uint32_t n, uint64_t seed)
{
	uint64_t state = seed * 2 + 1;
	uint32_t i, ip;
	unsigned int len;

	out->nr = n;
	out->rules = calloc(n, sizeof(*out->rules));
	if (!out->rules)
		abort();
	for (i = 0; i < n; i++) {
		struct vfr_cls_rule *r = &out->rules[i];
		uint32_t kind = data_below(&state, 8);

		*r = rule_any(i);
		make_prefix(&state, seed, n / 8 + 4, &ip, &len);
		rule_src(r, ip, len);
		make_prefix(&state, seed + 99, n / 8 + 4, &ip, &len);
		rule_dst(r, ip, len);
		if (kind == 0)
			continue;
		r->any_proto = 0;
		r->proto = protos[data_below(&state, 4)];
		r->dport_lo = services[data_below(&state, 22)];
		r->dport_hi = r->dport_lo;
		if (kind == 1) {
			r->dport_lo = 1024;
			r->dport_hi = 65535;
		} else if (kind == 2) {
			r->dport_hi += data_below(&state, 1000);
		} else if (kind == 3) {
			r->sport_lo = 1024;
		}
	}
}

static uint32_t pick(uint64_t *state, uint32_t lo, uint32_t hi)
{
	uint64_t x = data_random(state);

	switch (x >> 62) {
	case 0:
		return lo;
	case 1:
		return hi;
	default:
		return lo + (uint32_t)(x >> 8) % ((uint64_t)hi - lo + 1);
	}
}

static uint32_t v4_of(const struct vfr_addr *a)
{
	return (uint32_t)a->b[12] << 24 | a->b[13] << 16 | a->b[14] << 8 |
	       a->b[15];
}

static struct vfr_addr pick_addr(uint64_t *state, const struct vfr_addr *a,
				 unsigned int len)
{
	uint32_t host = len > VFR_V4_BITS ?
		(uint32_t)((1ull << (128 - len)) - 1) : UINT32_MAX;
	uint32_t ip = v4_of(a) & ~host;

	return vfr_addr_v4(pick(state, ip, ip | host));
}

void keys_make(const struct rule_list *list, struct vfr_cls_key *keys,
	       size_t n, uint64_t seed)
{
	struct vfr_cls_rule any = rule_any(0);
	uint64_t state = seed * 2 + 1;
	size_t i;

	for (i = 0; i < n; i++) {
		bool drawn = list->nr && data_below(&state, 10) > 0;
		const struct vfr_cls_rule *r = drawn ?
			&list->rules[data_below(&state, list->nr)] : &any;

		keys[i] = (struct vfr_cls_key){
			.src = pick_addr(&state, &r->src, r->src_len),
			.dst = pick_addr(&state, &r->dst, r->dst_len),
			.sport = pick(&state, r->sport_lo, r->sport_hi),
			.dport = pick(&state, r->dport_lo, r->dport_hi),
			.proto = r->any_proto ? protos[data_below(&state, 6)] :
						r->proto,
		};
		if (!drawn) {
			keys[i].src = vfr_addr_v4(data_random(&state) >> 32);
			keys[i].dst = vfr_addr_v4(data_random(&state) >> 32);
			keys[i].sport = data_random(&state) >> 48;
			keys[i].dport = data_random(&state) >> 48;
		}
	}
}

void cls_make(const struct vfr_cls_input *in, struct vfr_cls *cls,
	      void **blob, size_t *blob_len, double *build_ms)
{
	size_t arena_len = vfr_cls_arena_size(in);
	size_t cap = vfr_cls_blob_max(in);
	void *arena = malloc(arena_len);
	double start;
	int rc;

	*blob = malloc(cap);
	if (!arena || !*blob)
		abort();
	start = data_now_ms();
	rc = vfr_cls_build(in, arena, arena_len, *blob, cap, blob_len, NULL);
	if (build_ms)
		*build_ms = data_now_ms() - start;
	free(arena);
	if (rc || vfr_cls_open(cls, *blob, *blob_len, in->nr_rules ?
			       UINT32_MAX : 0, UINT32_MAX)) {
		fprintf(stderr, "classifier: build or open failed (%d)\n", rc);
		exit(1);
	}
}
