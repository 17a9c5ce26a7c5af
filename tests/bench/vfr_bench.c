/*
 * vfr_bench: the packet path in memory, on one core: `name value unit` lines.
 *
 * 64-byte UDP packets (60 without the checksum that Ethernet appends) go in by
 * one vif and out by another or by a NIC, in bursts of 32, over packet
 * descriptors used round and round, as a backend would.  Each number is the
 * median of several runs; ratios between lines of one run are what counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <vfr/vfr.h>

#define BURST	32
#define RUNS	5
#define FRAME	60

enum { NIC, IN, OUT, NR_PORTS };

static const uint8_t mac_of[NR_PORTS][6] = {
	{ 2, 0, 0, 0, 1, 1 }, { 2, 0, 0, 0, 2, 2 }, { 2, 0, 0, 0, 2, 3 },
};
static const uint8_t gw_mac[NR_PORTS][6] = {
	{ 2, 0, 0, 0, 1, 0 }, { 2, 0, 0, 0, 2, 1 }, { 2, 0, 0, 0, 2, 1 },
};

static struct vfr *v;
static void *mem, *blob;
static uint64_t sent;
static uint64_t now = 1000000000;

static uint64_t clock_ns(void)
{
	struct timespec ts;

	/* Of this thread: what others do on the machine is not counted. */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void released(struct vfr_packet *p)
{
}

static int transmit(void *ctx, struct vfr_packet *p)
{
	sent++;
	p->release(p);
	return 0;
}

static const struct vfr_port_ops ops = { .transmit = transmit };

/* --- ruleset: `rules` atoms that match nothing sent, then the last ones --- */

struct setup {
	uint32_t	rules, flows;
	int		masquerade, last_action;
};

static void *classifier(uint32_t n, size_t *len)
{
	static const struct vfr_cls_set set;
	static const struct vfr_cls_range range;
	struct vfr_cls_rule *a = calloc(n, sizeof(*a));
	struct vfr_cls_input in = { a, &set, &range, n, 0, 0 };
	size_t arena_len, cap;
	void *arena, *out;
	uint32_t i;

	for (i = 0; i < n; i++) {
		a[i] = (struct vfr_cls_rule){
			.src_len = 0, .dst = vfr_addr_v4(0x0a090000 + i * 256),
			.dst_len = 96 + 24, .proto = i & 1 ? 6 : 17,
			.sport_hi = 65535, .dport_lo = (uint16_t)(i % 5000),
			.dport_hi = (uint16_t)(i % 5000 + 3),
			.in = VFR_CLS_ANY_PORT, .out = VFR_CLS_ANY_PORT,
			.src_set = VFR_CLS_NO_SET, .dst_set = VFR_CLS_NO_SET,
			.rule = i,
		};
	}
	a[n - 1].dst_len = 0;
	a[n - 1].any_proto = 1;
	a[n - 1].dport_lo = 0;
	a[n - 1].dport_hi = 65535;
	arena_len = vfr_cls_arena_size(&in);
	cap = vfr_cls_blob_max(&in);
	arena = malloc(arena_len);
	out = malloc(cap);
	if (vfr_cls_build(&in, arena, arena_len, out, cap, len, NULL))
		exit(1);
	free(arena);
	free(a);
	return out;
}

static void build(const struct setup *s)
{
	static const char strings[] = "\0net\0nic\0in\0out";
	struct vfr_prefix addrs[] = {
		{ vfr_addr_v4(0x0a000001), 96 + 8, { 0 } },
		{ vfr_addr_v4(0xcb007102), 96 + 24, { 0 } },
		{ vfr_addr_v4(0x0a800000), 96 + 9, { 0 } },
		{ vfr_addr_v4(0x0a000003), 128, { 0 } },
	};
	struct vfr_rs_net net = { .name = 1, .nr_addrs = 1 };
	struct vfr_rs_port ports[NR_PORTS] = {
		{ .name = 5, .device = 5, .kind = VFR_PORT_NIC, .net = VFR_NONE16,
		  .first_addr = 1, .nr_addrs = 1,
		  .gateway4 = vfr_addr_v4(0xcb007101) },
		{ .name = 9, .device = 9, .first_addr = 2, .nr_addrs = 1 },
		{ .name = 12, .device = 12, .first_addr = 3, .nr_addrs = 1 },
	};
	struct vfr_rs_nat nat = {
		.id = 1, .kind = VFR_NAT_MASQUERADE, .hi = 65535,
		.match = { vfr_addr_v4(0x0a000000), 96 + 8, { 0 } },
		.port = NIC,
	};
	struct vfr_rs_rule *rules = calloc(s->rules, sizeof(*rules));
	struct vfr_rs_parts p;
	size_t cls_len, len;
	void *cls = classifier(s->rules, &cls_len);
	const char *why;
	uint32_t i;

	memcpy(net.mac, gw_mac[IN], 6);
	memcpy(ports[IN].mac, mac_of[IN], 6);
	memcpy(ports[OUT].mac, mac_of[OUT], 6);
	for (i = 0; i < s->rules; i++) {
		rules[i].id = i + 1;
		rules[i].action = VFR_ALLOW;
	}
	rules[s->rules - 1].action = (uint8_t)s->last_action;
	p = (struct vfr_rs_parts){
		.strings = strings, .nr_strings = sizeof(strings),
		.addrs = addrs, .nr_addrs = 4, .nets = &net, .nr_nets = 1,
		.ports = ports, .nr_ports = NR_PORTS, .rules = rules,
		.nr_rules = s->rules, .nats = &nat,
		.nr_nats = s->masquerade ? 1 : 0, .classifier = cls,
		.nr_classifier = (uint32_t)cls_len,
	};
	len = vfr_ruleset_size(&p);
	blob = malloc(len);
	vfr_ruleset_write(&p, blob);
	if (vfr_load(v, blob, len, 0, now, NULL, &why)) {
		fprintf(stderr, "vfr_bench: %s\n", why);
		exit(1);
	}
	free(cls);
	free(rules);
}

static uint32_t power_above(uint32_t n)
{
	uint32_t p = 1024;

	while (p < n)
		p *= 2;
	return p;
}

static void start(const struct setup *s)
{
	/* Of three ports one may hold two fifths of the table. */
	struct vfr_limits lim = {
		.ports = 4, .flows = power_above(s->flows * 4),
		.rules = s->rules, .hosts = 64,
	};
	static const char *const names[NR_PORTS] = { "nic", "in", "out" };
	size_t size = vfr_size(&lim);
	int i;

	/* Large pages, as the hypervisor's direct map has. */
	if (posix_memalign(&mem, 2 << 20, size))
		exit(1);
	madvise(mem, size, MADV_HUGEPAGE);
	v = vfr_create(mem, size, &lim, 7);
	for (i = 0; i < NR_PORTS; i++) {
		struct vfr_device d = {
			.name = names[i], .mtu = 1500, .ops = &ops,
			.kind = i == NIC ? VFR_PORT_NIC : VFR_PORT_VIF,
		};

		memcpy(d.mac, gw_mac[i], 6);
		vfr_port_attach(v, &d);
	}
	build(s);
}

static void stop(void)
{
	vfr_destroy(v);
	free(mem);
	free(blob);
}

/* --- packets --- */

#define NR_PACKETS 256	/* as many as a ring has */
static struct vfr_packet *packets;

static void put32(uint8_t *p, uint32_t x)
{
	p[0] = (uint8_t)(x >> 24);
	p[1] = (uint8_t)(x >> 16);
	p[2] = (uint8_t)(x >> 8);
	p[3] = (uint8_t)x;
}

/* Packet of flow number `flow`, as if just taken from a ring. */
static void fill(struct vfr_packet *p, uint32_t flow, uint32_t dst)
{
	static uint8_t frame[FRAME];
	uint32_t sum = 0, i;
	uint8_t *h;

	vfr_packet_init(p, released, NULL);
	p->len = p->hdr_len = FRAME;
	h = p->hdr;
	memcpy(h, frame, FRAME);
	memcpy(h, gw_mac[IN], 6);
	memcpy(h + 6, mac_of[IN], 6);
	h[12] = 8;
	h[13] = 0;
	h[14] = 0x45;
	h[17] = FRAME - 14;
	h[22] = 64;
	h[23] = 17;
	put32(h + 26, 0x0a800000 + (flow >> 14));
	put32(h + 30, dst);
	put32(h + 34, (1024 + (flow & 0x3fff)) << 16 | 53);
	h[39] = FRAME - 34;
	h[24] = h[25] = 0;
	for (i = 14; i < 34; i += 2)
		sum += (uint32_t)h[i] << 8 | h[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	h[24] = (uint8_t)(~sum >> 8);
	h[25] = (uint8_t)~sum;
}

static uint32_t scatter(uint32_t i, uint32_t n)	/* n: a power of two or 1 */
{
	return n > 1 ? (i * 2654435761u) % n : 0;
}

/*
 * Send `count` packets of `flows` flows in scattered order; returns
 * nanoseconds of the packet path per packet: the time of the whole loop less
 * that of the same loop without the VFR, which makes the packets.
 */
static double loop(uint32_t count, uint32_t flows, uint32_t first,
		   uint32_t dst, int send)
{
	struct vfr_packet *burst[BURST];
	uint64_t begin = clock_ns();
	uint32_t i, k, n;

	for (i = 0; i < count; i += n) {
		n = count - i < BURST ? count - i : BURST;
		for (k = 0; k < n; k++) {
			burst[k] = &packets[(i + k) % NR_PACKETS];
			fill(burst[k], first + scatter(i + k, flows), dst);
		}
		now += 1000;
		if (send)
			vfr_rx(v, IN, burst, n, now);
	}
	return (double)(clock_ns() - begin) / count;
}

static double run(uint32_t count, uint32_t flows, uint32_t first, uint32_t dst)
{
	double empty = loop(count, flows, first, dst, 0);

	return loop(count, flows, first, dst, 1) - empty;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *x)
{
	qsort(x, RUNS, sizeof(*x), by_value);
	return x[RUNS / 2];
}

#define DST_VIF	0x0a000003u
#define DST_NIC	0x08080808u

static double established(uint32_t rules, uint32_t flows, int nat)
{
	struct setup s = { rules, flows, nat, VFR_ALLOW };
	uint32_t dst = nat ? DST_NIC : DST_VIF, count = 2000000;
	double t[RUNS];
	int i;

	if (flows > count / 2)
		count = flows * 2;
	start(&s);
	for (i = 0; i < RUNS; i++) {
		if (!i)			/* opens the flows */
			run(flows < 1024 ? 1024 : flows * 2, flows, 0, dst);
		t[i] = run(count, flows, 0, dst);
	}
	stop();
	return median(t);
}

/* Each packet opens a flow; the table is made anew for each run. */
static double fresh(uint32_t rules, int action)
{
	struct setup s = { rules, 65536, 0, action };
	double t[RUNS];
	int i;

	for (i = 0; i < RUNS; i++) {
		start(&s);
		run(1024, 1, 60000, DST_VIF);	/* warm */
		t[i] = run(32768, 32768, 0, DST_VIF);
		stop();
	}
	return median(t);
}

static void print(const char *name, double ns)
{
	printf("vfr_%s %.2f Mpps\n", name, 1000 / ns);
	printf("vfr_%s_ns %.1f ns\n", name, ns);
	fflush(stdout);
}

static void tap(void)
{
	static const struct vfr_bpf_insn never[] = { { 6, 0, 0, 0 } };
	struct setup s = { 100, 1000, 0, VFR_ALLOW };
	struct vfr_tap_ring *ring = malloc(sizeof(*ring) + (1 << 22));
	struct vfr_tap_config c = {
		.device = "in", .stages = VFR_TAP_INGRESS, .snaplen = 96,
		.ring = ring, .ring_bytes = 1 << 22,
	};
	static const char *const names[] = {
		"tap_off", "tap_no_match", "tap_96_bytes",
	};
	double t[3][RUNS];
	int i, kind, id = -1;

	start(&s);
	run(4096, 1024, 0, DST_VIF);
	for (i = 0; i < RUNS; i++) {
		for (kind = 0; kind < 3; kind++) {
			c.filter = kind == 1 ? never : NULL;
			c.nr_filter = 1;
			if (kind)
				id = vfr_tap_open(v, &c);
			/* A quick consumer: it always has room. */
			if (kind == 2) {
				uint32_t k;

				t[kind][i] = 0;
				for (k = 0; k < 100; k++) {
					t[kind][i] += run(10000, 1024, 0,
							  DST_VIF) / 100;
					ring->cons = ring->prod;
				}
			} else {
				t[kind][i] = run(1000000, 1024, 0, DST_VIF);
			}
			if (kind)
				vfr_tap_close(v, id);
		}
	}
	stop();
	for (kind = 0; kind < 3; kind++)
		print(names[kind], median(t[kind]));
	free(ring);
}

/* The next hop on the NIC answers, so that packets can leave. */
static double nat(void)
{
	struct setup s = { 100, 1024, 1, VFR_ALLOW };
	struct vfr_packet arp, *p = &arp;
	double t[RUNS];
	uint8_t *h;
	int i;

	start(&s);
	run(32, 1, 0, DST_NIC);
	vfr_packet_init(p, released, NULL);
	p->len = p->hdr_len = 42;
	h = p->hdr;
	memset(h, 0, 42);
	memcpy(h, gw_mac[NIC], 6);
	memcpy(h + 6, mac_of[NIC], 6);
	memcpy(h + 12, "\x08\x06\0\1\x08\0\6\4\0\2", 10);
	memcpy(h + 22, mac_of[NIC], 6);
	put32(h + 28, 0xcb007101);
	put32(h + 38, 0xcb007102);
	vfr_rx(v, NIC, &p, 1, now);
	run(4096, 1024, 0, DST_NIC);
	for (i = 0; i < RUNS; i++)
		t[i] = run(2000000, 1024, 0, DST_NIC);
	stop();
	return median(t);
}

static const char *only;	/* lines whose name holds this, NULL = all */

static int wanted(const char *name)
{
	return !only || strstr(name, only);
}

int main(int argc, char **argv)
{
	static const uint32_t rules[] = { 10, 100, 1000, 10000 };
	static const uint32_t flows[] = { 1, 1024, 65536, 1048576 };
	char name[64];
	unsigned int i;

	only = argc > 1 ? argv[1] : NULL;
	packets = aligned_alloc(64, NR_PACKETS * sizeof(*packets) / 64 * 64);
	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "established_%u_flows", flows[i]);
		if (wanted(name))
			print(name, established(100, flows[i], 0));
	}
	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "established_%u_rules", rules[i]);
		if (wanted(name))
			print(name, established(rules[i], 1024, 0));
	}
	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "new_flow_%u_rules", rules[i]);
		if (wanted(name))
			print(name, fresh(rules[i], VFR_ALLOW));
	}
	if (wanted("drop_last_of_1000"))
		print("drop_last_of_1000", fresh(1000, VFR_DENY));
	if (wanted("nat"))
		print("nat", nat());
	if (wanted("tap"))
		tap();
	free(packets);
	return 0;
}
