/*
 * vfr_kit.c: the ruleset, ports and packets of the world in vfr_kit.h.
 */
#include "vfr_kit.h"

const uint8_t kit_mac[NR_KIT_PORTS][6] = {
	[WAN] = { 2, 0, 0, 1, 0, 1 },	/* the gateway 203.0.113.1 */
	[LAN] = { 2, 0, 0, 3, 0, 9 },	/* a host 192.168.1.9 */
	[WEB] = { 2, 0, 0, 2, 0, 10 },
	[DB]  = { 2, 0, 0, 2, 0, 20 },
	[BR]  = { 2, 0, 0, 3, 0, 50 },
};
const uint8_t kit_gw_mac[NR_KIT_PORTS][6] = {
	[WAN] = { 2, 0, 0, 1, 0, 0 },
	[LAN] = { 2, 0, 0, 3, 0, 0 },
	[WEB] = { 2, 0, 0, 2, 0, 1 },
	[DB]  = { 2, 0, 0, 2, 0, 1 },
	[BR]  = { 2, 0, 0, 3, 0, 0 },
};

bool kit_br_any, kit_br_any6, kit_swap, kit_lan_on_wan;
const struct vfr_rs_route *kit_routes;
uint32_t kit_nr_routes;
uint64_t kit_wan_rate_bps;

const struct kit_rule allow_all[1] = { { VFR_ALLOW } };

static const char *const names[NR_KIT_PORTS] = {
	"wan", "lan", "web", "db", "br",
};

/* --- the ruleset --- */

struct strings {
	char		text[4096];
	uint32_t	len;
};

static uint32_t string_add(struct strings *s, const char *t)
{
	uint32_t at = s->len;

	strcpy(s->text + at, t);
	s->len += (uint32_t)strlen(t) + 1;
	return at;
}

void *kit_classifier(const struct kit_rule *rules, int n, size_t *len)
{
	struct vfr_cls_rule *a = calloc((size_t)n + 1, sizeof(*a));
	static const struct vfr_cls_set no_set;
	static const struct vfr_cls_range no_range;
	struct vfr_cls_input in = { .rules = a, .nr_rules = (uint32_t)n,
				    .sets = &no_set, .ranges = &no_range };
	size_t arena_len, cap;
	void *arena, *blob;
	int i;

	for (i = 0; i < n; i++) {
		const struct kit_rule *r = &rules[i];
		struct vfr_prefix s = kit_prefix(r->src), d = kit_prefix(r->dst);

		a[i] = (struct vfr_cls_rule){
			.src = s.addr, .src_len = s.len, .dst = d.addr,
			.dst_len = d.len, .proto = r->proto,
			.any_proto = !r->proto, .sport_lo = r->sport,
			.sport_hi = r->sport ? r->sport : 65535,
			.dport_lo = r->dport_lo,
			.dport_hi = r->dport_hi ? r->dport_hi
				: r->dport_lo ? r->dport_lo : 65535,
			.in = r->in ? (uint16_t)(r->in - 1) : VFR_CLS_ANY_PORT,
			.out = r->out ? (uint16_t)(r->out - 1)
				      : VFR_CLS_ANY_PORT,
			.src_set = VFR_CLS_NO_SET, .dst_set = VFR_CLS_NO_SET,
			.rule = (uint32_t)i,
			.frag = r->frag, .frag_mask = r->frag,
		};
	}
	arena_len = vfr_cls_arena_size(&in);
	cap = vfr_cls_blob_max(&in);
	arena = malloc(arena_len + 1);
	blob = malloc(cap + 1);
	assert_int_equal(vfr_cls_build(&in, arena, arena_len, blob, cap, len,
				       NULL), 0);
	free(arena);
	free(a);
	return blob;
}

static void fill_port(struct vfr_rs_port *p, struct strings *s, int i,
		      struct vfr_prefix *addrs, uint32_t *nr)
{
	static const char *const addr[NR_KIT_PORTS][2] = {
		[WAN] = { "203.0.113.2/24", "2001:db8::2/64" },
		[LAN] = { "192.168.1.1/24", "2001:db8:1::1/64" },
		[WEB] = { "10.1.0.10", "fd00:1::10" },
		[DB]  = { "10.1.0.20", "fd00:1::20" },
		[BR]  = { "192.168.1.50", "2001:db8:1::50" },
	};

	p->name = p->device = string_add(s, names[i]);
	p->kind = i <= LAN ? VFR_PORT_NIC : VFR_PORT_VIF;
	p->flags = VFR_PORT_PING;
	p->net = i <= LAN ? VFR_NONE16 : i == BR ? 1 : 0;
	memcpy(p->mac, i <= LAN ? kit_gw_mac[i] : kit_mac[i], 6);
	p->first_addr = *nr;
	p->nr_addrs = 2;
	addrs[(*nr)++] = kit_prefix(addr[i][0]);
	addrs[(*nr)++] = kit_prefix(addr[i][1]);
	if (i == LAN && kit_lan_on_wan)
		addrs[*nr - 2] = kit_prefix("203.0.113.3/24");
	if (i == BR && kit_br_any6)
		addrs[*nr - 1] = kit_prefix("::/0");
	if (i == BR && kit_br_any) {
		addrs[*nr - 2] = kit_prefix("0.0.0.0/0");
		addrs[*nr - 1] = kit_prefix("::/0");
	}
	if (i == WAN) {
		p->rate_bps = kit_wan_rate_bps;
		p->gateway4 = kit_addr("203.0.113.1");
		p->gateway6 = kit_addr("2001:db8::1");
	}
}

static void fill_nat(struct vfr_rs_nat *n, const struct kit_nat *k, int i)
{
	*n = (struct vfr_rs_nat){
		.id = 1000u + (unsigned)i, .kind = k->kind, .proto = k->proto,
		.match = kit_prefix(k->match), .to = kit_prefix(k->to),
		.lo = k->lo, .hi = k->hi ? k->hi : k->lo ? k->lo : 65535,
		.to_lo = k->to_lo, .port = (uint16_t)k->port,
	};
}

void *kit_blob(const struct kit_rule *rules, int nr_rules,
	       const struct kit_nat *nats, int nr_nats, size_t *len)
{
	struct strings s = { .len = 1 };
	struct vfr_prefix addrs[32] = { 0 };
	struct vfr_rs_port ports[NR_KIT_PORTS] = { 0 };
	struct vfr_rs_net nets[2] = { 0 };
	struct vfr_rs_rule *rs = calloc((size_t)nr_rules + 1, sizeof(*rs));
	struct vfr_rs_nat *ns = calloc((size_t)nr_nats + 1, sizeof(*ns));
	struct vfr_rs_parts p = { 0 };
	uint32_t nr = 0;
	size_t cls_len;
	void *cls = kit_classifier(rules, nr_rules, &cls_len), *blob;
	int i;

	nets[0].name = string_add(&s, "dmz");
	memcpy(nets[0].mac, kit_gw_mac[WEB], 6);
	nets[0].nr_addrs = 2;
	addrs[nr++] = kit_prefix("10.1.0.1/24");
	addrs[nr++] = kit_prefix("fd00:1::1/64");
	nets[1].name = string_add(&s, "lan");
	nets[1].kind = VFR_NET_BRIDGED;
	nets[1].nic = LAN;
	nets[1].first_addr = nr;
	nets[1].nr_addrs = 2;
	addrs[nr++] = kit_prefix("198.51.100.0/24");
	addrs[nr++] = kit_prefix("2001:db8:51::/64");
	for (i = 0; i < NR_KIT_PORTS; i++)
		fill_port(&ports[i], &s, kit_swap && i == WEB ? DB :
			  kit_swap && i == DB ? WEB : i, addrs, &nr);
	for (i = 0; i < nr_rules; i++)
		rs[i] = (struct vfr_rs_rule){
			.id = rules[i].id ? rules[i].id : (uint64_t)i + 1,
			.action = rules[i].action, .flags = rules[i].flags,
			.limit = rules[i].limit,
			.limit_period_ms = rules[i].limit_period_ms,
		};
	for (i = 0; i < nr_nats; i++)
		fill_nat(&ns[i], &nats[i], i);
	p = (struct vfr_rs_parts){
		.hash = 1, .strings = s.text, .nr_strings = s.len,
		.addrs = addrs, .nr_addrs = nr, .nets = nets, .nr_nets = 2,
		.ports = ports, .nr_ports = NR_KIT_PORTS, .rules = rs,
		.nr_rules = (uint32_t)nr_rules, .nats = ns,
		.nr_nats = (uint32_t)nr_nats, .routes = kit_routes,
		.nr_routes = kit_nr_routes, .classifier = cls,
		.nr_classifier = (uint32_t)cls_len,
	};
	*len = vfr_ruleset_size(&p);
	blob = malloc(*len);
	vfr_ruleset_write(&p, blob);
	free(cls);
	free(rs);
	free(ns);
	return blob;
}

int kit_load(struct kit *k, const struct kit_rule *rules, int nr_rules,
	     const struct kit_nat *nats, int nr_nats, unsigned int flags)
{
	const char *why = "";
	size_t len;
	void *blob = kit_blob(rules, nr_rules, nats, nr_nats, &len);
	int rc = vfr_load(k->v, blob, len, flags, k->now, NULL, &why);

	if (rc)
		print_message("load: %s\n", why);
	k->blobs[k->nr_blobs++] = blob;
	return rc;
}

/* --- ports --- */

struct port_ctx {
	struct kit	*k;
	int		port;
};
static struct port_ctx contexts[NR_KIT_PORTS];

static int port_transmit(void *ctx, struct vfr_packet *p)
{
	struct port_ctx *c = ctx;
	struct kit *k = c->k;
	struct caught *x;

	if (k->refuse_port == c->port)
		return -1;
	if (k->nr_caught == KIT_CAUGHT)
		k->nr_caught = 0;	/* nobody looks at so many */
	if (k->no_partial)
		vfr_packet_checksum(p);
	x = &k->caught[k->nr_caught++];
	x->port = c->port;
	x->len = p->len;
	x->csum = p->csum;
	x->gso = p->gso;
	x->gso_size = p->gso_size;
	x->csum_start = p->csum_start;
	vfr_packet_copy(p, 0, x->b, KIT_FRAME);
	p->release(p);
	return 0;
}

static void answer_arp(struct kit *k);
static void neighbours(struct kit *k);

static const struct vfr_port_ops port_ops = { .transmit = port_transmit };

struct kit *kit_empty(const struct vfr_limits *lim)
{
	static const struct vfr_limits small = {
		.ports = 8, .flows = 1024, .rules = 256, .neighbours = 16,
		.hosts = 64, .macs = 16, .fragments = 8, .packets = 32,
		.sources = 64, .taps = 4, .tap_insns = 64, .log = 64,
	};
	struct kit *k = calloc(1, sizeof(*k));
	size_t size;
	int i;

	if (!lim)
		lim = &small;
	size = vfr_size(lim);
	k->mem_size = size;
	assert_int_equal(posix_memalign(&k->mem, 64, size), 0);
	memset(k->mem, 0xa5, size);
	k->v = vfr_create(k->mem, size, lim, 42);
	assert_non_null(k->v);
	k->caught = calloc(KIT_CAUGHT, sizeof(*k->caught));
	k->now = 1000000000;
	k->refuse_port = -1;
	for (i = 0; i < NR_KIT_PORTS; i++) {
		struct vfr_device d = {
			.name = names[i], .ops = &port_ops, .mtu = 1500,
			.kind = i <= LAN ? VFR_PORT_NIC : VFR_PORT_VIF,
		};

		contexts[i] = (struct port_ctx){ k, i };
		d.ctx = &contexts[i];
		memcpy(d.mac, kit_gw_mac[i], 6);
		assert_int_equal(vfr_port_attach(k->v, &d), i);
	}
	vfr_trace_to(k->v, &k->trace);
	return k;
}

struct kit *kit_new(const struct vfr_limits *lim)
{
	struct kit *k = kit_empty(lim);

	neighbours(k);
	return k;
}

void kit_account(struct kit *k)
{
	uint64_t sent = 0, forwarded = 0, held = 0;
	struct vfr_port_stats st;
	int i, r;

	for (i = 0; i <= NR_KIT_PORTS; i++) {
		uint64_t drops = 0;

		if (vfr_port_stats(k->v, i < NR_KIT_PORTS ? (unsigned int)i
						: VFR_PORT_SELF, &st))
			continue;	/* detached: its counts are SELF's */
		for (r = 0; r < VFR_NR_REASONS; r++)
			drops += st.drops[r];
		if (st.rx_packets != st.forwarded + st.local + st.held + drops)
			fail_msg("port %d: in %lu, forwarded %lu, local %lu, "
				 "held %lu, dropped %lu", i,
				 (unsigned long)st.rx_packets,
				 (unsigned long)st.forwarded,
				 (unsigned long)st.local,
				 (unsigned long)st.held,
				 (unsigned long)drops);
		forwarded += st.forwarded;
		sent += st.tx_packets;
		held += st.held;
	}
	assert_int_equal(forwarded, sent);
	assert_int_equal((uint64_t)k->packets_out >= held, 1);
}

static void finish(struct kit *k)
{
	kit_account(k);
	vfr_destroy(k->v);
	assert_int_equal(k->packets_out, 0);
}

void kit_keep(struct kit *k)
{
	assert_int_equal(k->packets_out, 0);
	k->kept = malloc(k->mem_size);
	memcpy(k->kept, k->mem, k->mem_size);
	k->kept_now = k->now;
}

void kit_rewind(struct kit *k)
{
	finish(k);
	memcpy(k->mem, k->kept, k->mem_size);
	k->now = k->kept_now;
	k->nr_caught = 0;
}

void kit_free(struct kit *k)
{
	int i;

	finish(k);
	free(k->kept);
	for (i = 0; i < k->nr_blobs; i++)
		free(k->blobs[i]);
	free(k->caught);
	free(k->mem);
	free(k);
}

/* --- packets --- */

struct test_packet {
	struct vfr_packet p;
	struct kit	*k;
	uint8_t		*bytes;
};

static void packet_release(struct vfr_packet *p)
{
	struct test_packet *t = p->owner;

	t->k->packets_out--;
	free(t->bytes);
	free(t);
}

/* A piece that cannot be added (too many) is left out, as a port would. */
struct vfr_packet *kit_packet(struct kit *k, const struct frame *f,
			      uint32_t cut)
{
	struct test_packet *t = malloc(sizeof(*t));
	uint32_t at, n;

	t->k = k;
	t->bytes = malloc(f->len + 1);	/* exact, so that ASan sees more */
	memcpy(t->bytes, f->b, f->len);
	vfr_packet_init(&t->p, packet_release, t);
	for (at = 0; at < f->len; at += n) {
		n = cut && f->len - at > cut ? cut : f->len - at;
		if (vfr_packet_add(&t->p, t->bytes + at, 7, at, n))
			break;
	}
	vfr_packet_seal(&t->p);
	k->packets_out++;
	return &t->p;
}

void kit_rx_csum(struct kit *k, int port, const struct frame *f, int csum,
		 int gso, int gso_size)
{
	struct vfr_packet *p = kit_packet(k, f, 0);

	p->csum = (uint8_t)csum;
	p->gso = (uint8_t)gso;
	p->gso_size = (uint16_t)gso_size;
	k->now += 1000;
	k->trace.nr = 0;
	vfr_rx(k->v, (unsigned int)port, &p, 1, k->now);
	kit_account(k);
}

void kit_rx(struct kit *k, int port, const struct frame *f)
{
	kit_rx_csum(k, port, f, VFR_CSUM_NONE, VFR_GSO_NONE, 0);
}

void kit_wait(struct kit *k, double seconds)
{
	double step = 0.1;
	uint64_t end = k->now + (uint64_t)(seconds * 1e9);

	while (k->now < end) {
		k->now += (uint64_t)(step * 1e9);
		vfr_tick(k->v, k->now);
		answer_arp(k);
	}
	kit_account(k);
}

void kit_clear(struct kit *k)
{
	k->nr_caught = 0;
}

const struct caught *kit_one(struct kit *k, int port)
{
	if (k->nr_caught != 1 || k->caught[0].port != port)
		fail_msg("caught %d frames, the first on port %d, not one on "
			 "%d (%s)", k->nr_caught,
			 k->nr_caught ? k->caught[0].port : -1, port,
			 kit_last_reason(k));
	k->nr_caught = 0;
	return &k->caught[0];
}

uint64_t kit_drops(struct kit *k, int port, int reason)
{
	struct vfr_port_stats st;

	assert_int_equal(vfr_port_stats(k->v, (unsigned int)port, &st), 0);
	return st.drops[reason];
}

int kit_step(struct kit *k, int step)
{
	uint32_t i;

	for (i = 0; i < k->trace.nr; i++)
		if (k->trace.steps[i].step == step)
			return (int)k->trace.steps[i].index;
	return -1;
}

const char *kit_last_reason(struct kit *k)
{
	int r = kit_step(k, VFR_STEP_DROPPED);

	return r < 0 ? "not dropped" : vfr_reason_word((unsigned int)r);
}

/* Answer the VFR's questions about who has an address on a NIC's link. */
static void answer_arp(struct kit *k)
{
	static const struct {
		const char *addr;
		int port;
	} peers[] = { { "203.0.113.1", WAN }, { "192.168.1.9", LAN } };
	struct frame f;
	unsigned int i;
	int n, kept = 0, asked[2] = { 0, 0 };

	for (n = 0; n < k->nr_caught; n++) {
		struct caught *c = &k->caught[n];

		if (c->port <= LAN && be16(c->b + 12) == 0x806 &&
		    be16(c->b + 20) == 1)
			asked[c->port] = 1;
		else
			k->caught[kept++] = *c;
	}
	k->nr_caught = kept;
	for (i = 0; i < 2; i++) {
		if (!asked[peers[i].port])
			continue;
		frame_arp(&f, peers[i].port, 2, kit_mac[peers[i].port],
			  peers[i].addr, i ? "192.168.1.1" : "203.0.113.2");
		kit_rx(k, peers[i].port, &f);
	}
}

/* Have the VFR learn both NICs' neighbours, by packets it must send there. */
static void neighbours(struct kit *k)
{
	static const struct kit_rule all[] = {
		{ VFR_ALLOW, .flags = VFR_RULE_STATELESS, .id = 77 },
	};
	static void *blob;		/* built once, it takes its time */
	static size_t len;
	struct frame f;

	if (!blob)
		blob = kit_blob(all, 1, NULL, 0, &len);
	assert_int_equal(vfr_load(k->v, blob, len, 0, k->now, NULL, NULL), 0);
	frame_udp(&f, WEB, "10.1.0.10", 9, "203.0.113.1", 9, 10);
	kit_rx(k, WEB, &f);
	frame_udp(&f, WEB, "10.1.0.10", 9, "192.168.1.9", 9, 10);
	kit_rx(k, WEB, &f);
	answer_arp(k);
	assert_int_equal(k->nr_caught, 2);
	kit_clear(k);
}

/* --- translation --- */

const struct kit_nat nat_kinds[NR_NAT_KINDS] = {
	{ VFR_NAT_REDIRECT, .proto = 6, .lo = 8080, .to = "10.1.0.10", .to_lo = 80, .port = WAN },
	{ VFR_NAT_REDIRECT, .proto = 17, .lo = 5000, .hi = 5009, .to = "10.1.0.20", .to_lo = 6000, .port = WAN },
	{ VFR_NAT_STATIC, .match = "10.1.0.20", .to = "203.0.113.20", .port = WAN },
	{ VFR_NAT_MASQUERADE, .match = "10.1.0.0/24", .port = WAN },
};

struct kit *nat_kit(void)
{
	struct kit *k = kit_new(NULL);

	assert_int_equal(kit_load(k, allow_all, 1, nat_kinds, NR_NAT_KINDS, 0), 0);
	return k;
}

void addr_is(const uint8_t *b, const char *text)
{
	struct vfr_addr a = kit_addr(text);

	if (memcmp(b, a.b + 12, 4))
		fail_msg("%u.%u.%u.%u is not %s", b[0], b[1], b[2], b[3], text);
}
