/*
 * create.c: lay out a VFR in the memory it is given.
 */
#include "internal.h"

static const struct vfr_limits defaults = {
	.ports = 64, .flows = 16384, .rules = 16384, .nats = 1024,
	.neighbours = 256,
	.hosts = 1024, .macs = 1024, .fragments = 256, .packets = 256,
	.sources = 1024, .taps = 8, .tap_insns = VFR_BPF_MAX, .log = 1024,
};

struct bounds {
	size_t		at;	/* in struct vfr_limits */
	uint32_t	min, max;
	bool		power;	/* must be a power of two */
};

#define LIMIT(field, min, max, power) \
	{ offsetof(struct vfr_limits, field), min, max, power }
static const struct bounds bounds[] = {
	LIMIT(ports, 1, 4096, false),
	LIMIT(flows, 64, 1u << 26, true),
	LIMIT(rules, 1, 1u << 20, false),
	LIMIT(nats, 1, 65535, false),
	LIMIT(neighbours, 4, 32768, true),
	LIMIT(hosts, 16, 1u << 20, true),
	LIMIT(macs, 4, 65536, false),
	LIMIT(fragments, 2, 65536, false),
	LIMIT(packets, 1, 65536, false),
	LIMIT(sources, 4, 1u << 20, true),
	LIMIT(taps, 1, 8, false),
	LIMIT(tap_insns, 1, VFR_BPF_MAX, false),
	LIMIT(log, 16, 1u << 20, true),
};

static uint32_t *field(struct vfr_limits *l, const struct bounds *b)
{
	return (uint32_t *)((uint8_t *)l + b->at);
}

static bool limits_fill(struct vfr_limits *l, const struct vfr_limits *from)
{
	unsigned int i;

	*l = from ? *from : defaults;
	for (i = 0; i < ARRAY_SIZE(bounds); i++) {
		const struct bounds *b = &bounds[i];
		uint32_t *x = field(l, b);

		if (!*x)
			*x = *field((struct vfr_limits *)&defaults, b);
		if (*x < b->min || *x > b->max ||
		    (b->power && (*x & (*x - 1))))
			return false;
	}
	return true;
}

static uint32_t power_above(uint32_t n)
{
	uint32_t p = 16;

	while (p < n)
		p *= 2;
	return p;
}

/* Where an array's pointer lies in struct vfr, and how long it is. */
struct array {
	size_t	pointer, elem;
	size_t	(*count)(const struct vfr_limits *lim);
};

static size_t nr_ports(const struct vfr_limits *l) { return l->ports + 1ul; }
static size_t nr_ifaces(const struct vfr_limits *l) { return l->ports * 4ul; }
static size_t nr_flows(const struct vfr_limits *l) { return l->flows; }
static size_t nr_buckets(const struct vfr_limits *l) { return l->flows / 2; }
static size_t nr_rules(const struct vfr_limits *l) { return l->rules + 1ul; }
static size_t nr_nats(const struct vfr_limits *l) { return l->nats; }
static size_t nr_hash(const struct vfr_limits *l)
{
	size_t n = l->rules > l->nats ? l->rules : l->nats;

	return power_above((uint32_t)(n > nr_ifaces(l) ? n : nr_ifaces(l)) * 2);
}
static size_t nr_neighs(const struct vfr_limits *l) { return l->neighbours; }
static size_t nr_frags(const struct vfr_limits *l) { return l->fragments; }
static size_t nr_own(const struct vfr_limits *l) { return l->packets; }
static size_t nr_macs(const struct vfr_limits *l) { return l->macs; }
static size_t nr_sources(const struct vfr_limits *l) { return l->sources; }
static size_t nr_taps(const struct vfr_limits *l) { return l->taps; }
static size_t nr_insns(const struct vfr_limits *l)
{
	return (size_t)l->taps * l->tap_insns;
}
static size_t nr_log(const struct vfr_limits *l) { return l->log; }
static size_t nr_fib(const struct vfr_limits *l) { return l->hosts; }

#define ARRAY(member, count) \
	{ offsetof(struct vfr, member), sizeof(*((struct vfr *)0)->member), count }
static const struct array arrays[] = {
	ARRAY(ports, nr_ports),
	ARRAY(flows, nr_flows),
	ARRAY(buckets, nr_buckets),
	ARRAY(rules, nr_rules),
	ARRAY(nats, nr_nats),
	ARRAY(remap, nr_rules),
	ARRAY(remap_nat, nr_nats),
	ARRAY(remap_hash, nr_hash),
	ARRAY(neighs, nr_neighs),
	ARRAY(neigh_heads, nr_neighs),
	ARRAY(frags, nr_frags),
	ARRAY(own, nr_own),
	ARRAY(macs, nr_macs),
	ARRAY(sources, nr_sources),
	ARRAY(taps, nr_taps),
	ARRAY(tap_insns, nr_insns),
	ARRAY(log.e, nr_log),
	ARRAY(tables[0].ifaces, nr_ifaces),
	ARRAY(tables[0].fib, nr_fib),
	ARRAY(tables[0].fib_heads, nr_fib),
	ARRAY(tables[1].ifaces, nr_ifaces),
	ARRAY(tables[1].fib, nr_fib),
	ARRAY(tables[1].fib_heads, nr_fib),
};

static size_t align64(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

size_t vfr_size(const struct vfr_limits *lim)
{
	size_t n = align64(sizeof(struct vfr));
	struct vfr_limits full;
	unsigned int i;

	if (!limits_fill(&full, lim))
		return 0;
	for (i = 0; i < ARRAY_SIZE(arrays); i++)
		n += align64(arrays[i].count(&full) * arrays[i].elem);
	return n;
}

static void arrays_place(struct vfr *v)
{
	uint8_t *at = (uint8_t *)v + align64(sizeof(*v));
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(arrays); i++) {
		void **p = (void **)((uint8_t *)v + arrays[i].pointer);

		*p = at;
		at += align64(arrays[i].count(&v->lim) * arrays[i].elem);
	}
}

static uint64_t mix_seed(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

struct vfr *vfr_create(void *mem, size_t size, const struct vfr_limits *lim,
		       uint64_t seed)
{
	struct vfr_limits full;
	struct vfr *v = mem;
	unsigned int i;

	if (!limits_fill(&full, lim) || size < vfr_size(lim) ||
	    (uintptr_t)mem % 64)
		return NULL;
	memset(mem, 0, vfr_size(lim));
	v->lim = full;
	arrays_place(v);
	v->remap_mask = (uint32_t)nr_hash(&full) - 1;
	for (i = 0; i < full.taps; i++)
		v->taps[i].insns = v->tap_insns + (size_t)i * full.tap_insns;
	for (i = 0; i < ARRAY_SIZE(v->seed); i++)
		v->seed[i] = mix_seed(&seed) | 1;
	v->rng = mix_seed(&seed);
	v->bucket_mask = full.flows / 2 - 1;
	v->t = &v->tables[0];
	v->spare = &v->tables[1];
	v->gen = 1;
	v->now = 1;
	v->next_id = 1;
	for (i = 0; i < VFR_BURST; i++)
		v->burst[i].slot = (uint8_t)i;
	for (i = 0; i <= full.ports; i++) {
		v->ports[i].iface = NONE16;
		v->ports[i].emb_head = v->ports[i].emb_tail = NONE32;
	}
	flow_init(v);
	neigh_init(v);
	own_init(v);
	return v;
}

void vfr_destroy(struct vfr *v)
{
	unsigned int i;

	for (i = 0; i < v->lim.ports; i++)
		vfr_port_detach(v, i);
}
