/*
 * The whole packet path, from any port, with flows, translations and
 * fragments in being.  Input: packets, each as port, options, length (16 bit)
 * and bytes.  After each packet everything must be accounted for, and at the
 * end nothing may be left.
 */
#include "../unit/vfr_kit.h"

static const struct kit_rule rules[] = {
	{ VFR_DENY, .proto = 17, .dport_lo = 9, .flags = VFR_RULE_LOG },
	{ VFR_REJECT, .proto = 6, .dport_lo = 9 },
	{ VFR_ALLOW, .proto = 17, .dport_lo = 10, .flags = VFR_RULE_STATELESS },
	{ VFR_ALLOW, .limit = 1000, .limit_period_ms = 1000,
	  .flags = VFR_RULE_LIMIT_SOURCE },
};
static const struct kit_nat nats[] = {
	{ VFR_NAT_REDIRECT, .proto = 6, .lo = 8080, .to = "10.1.0.10", .to_lo = 80, .port = WAN },
	{ VFR_NAT_STATIC, .match = "10.1.0.20", .to = "203.0.113.20", .port = WAN },
	{ VFR_NAT_MASQUERADE, .match = "10.1.0.0/24", .port = WAN },
};

/* What a mutation cannot guess: the IPv4 header's checksum. */
static void mend(struct frame *f)
{
	uint32_t hlen = (f->b[14] & 15) * 4u, sum = 0, i;

	if (f->len < 34 || f->b[14] >> 4 != 4 || 14 + hlen > f->len)
		return;
	w16(f->b + 24, 0);
	for (i = 14; i < 14 + hlen; i += 2)
		sum += be16(f->b + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	w16(f->b + 24, (uint16_t)~sum);
}

static void seed_flows(struct kit *k)
{
	static const struct tcp_spec syn = { SYN, 1000, 0, 9999, 0 };
	static const struct tcp_spec synack = { SYN | ACK, 5000, 1001, 9999, 0 };
	static struct frame f;

	frame_tcp(&f, WAN, "8.8.8.8", 1234, "203.0.113.2", 8080, &syn);
	kit_rx(k, WAN, &f);
	frame_tcp(&f, WEB, "10.1.0.10", 80, "8.8.8.8", 1234, &synack);
	kit_rx(k, WEB, &f);
	frame_udp(&f, WEB, "10.1.0.10", 4000, "8.8.8.8", 53, 100);
	kit_rx(k, WEB, &f);
}

static void seed_fragments(struct kit *k)
{
	static struct frame f, g;

	frame_udp(&g, WEB, "10.1.0.10", 4001, "8.8.8.8", 53, 100);
	frame_fragment(&f, &g, 1, 0, 64, true);
	kit_rx(k, WEB, &f);
	frame_fragment(&f, &g, 2, 64, 108, false);
	kit_rx(k, WEB, &f);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	static struct frame f;
	static struct kit *k;

	if (!k) {
		k = kit_new(NULL);
		kit_load(k, rules, 4, nats, 3, 0);
		seed_flows(k);
		kit_keep(k);
	}
	seed_fragments(k);
	while (n > 4) {
		uint8_t port = in[0] % NR_KIT_PORTS, options = in[1];
		uint32_t len = be16(in + 2) & 0x7ff;
		struct vfr_packet *p;

		in += 4;
		n -= 4;
		if (len > n)
			len = (uint32_t)n;
		if (!len)
			break;
		memcpy(f.b, in, len);
		f.len = len;
		in += len;
		n -= len;
		if (options & 1) {
			memcpy(f.b, kit_gw_mac[port], 6);
			memcpy(f.b + 6, kit_mac[port], 6);
			if (f.len < 12)
				f.len = 12;
		}
		if (options & 2)
			mend(&f);
		p = kit_packet(k, &f, options & 4 ? 50 : 0);
		if (options & 8)
			p->csum = VFR_CSUM_PARTIAL;
		if (options & 16) {
			p->gso = VFR_GSO_TCP4;
			p->gso_size = 100;
		}
		if (options & 32)
			k->now += 700000000;
		kit_clear(k);
		vfr_rx(k->v, port, &p, 1, ++k->now);
		kit_account(k);
		if (options & 64)
			vfr_tick(k->v, k->now);
	}
	kit_rewind(k);
	return 0;
}
