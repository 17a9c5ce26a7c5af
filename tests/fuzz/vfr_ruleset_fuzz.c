/*
 * Ruleset blobs from strangers: refused, or safe to use.  Input: an odd first
 * byte, then a blob; or an even one, then patches (offset 16 bit, value) of a
 * good blob.  What loads must carry packets and be replaceable.
 */
#include "../unit/vfr_kit.h"

static const struct kit_rule rules[] = {
	{ VFR_DENY, .proto = 17, .dport_lo = 9, .flags = VFR_RULE_LOG },
	{ VFR_ALLOW, .src = "10.1.0.0/24", .limit = 9, .limit_period_ms = 99 },
	{ VFR_ALLOW, .flags = VFR_RULE_STATELESS },
};
static const struct kit_nat nats[] = {
	{ VFR_NAT_REDIRECT, .proto = 6, .lo = 8080, .to = "10.1.0.10", .to_lo = 80, .port = WAN },
	{ VFR_NAT_STATIC, .match = "10.1.0.20", .to = "203.0.113.20", .port = WAN },
	{ VFR_NAT_MASQUERADE, .match = "10.1.0.0/24", .port = WAN },
};

static void traffic(struct kit *k)
{
	static const struct tcp_spec syn = { SYN, 1000, 0, 9999, 0 };
	static const char *const dst[] = {
		"10.1.0.20", "8.8.8.8", "192.168.1.50", "203.0.113.2", "1.2.3.4",
	};
	static struct frame f;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		kit_clear(k);
		frame_udp(&f, WEB, "10.1.0.10", 4, dst[i], 9 + (int)i, 30);
		kit_rx(k, WEB, &f);
		frame_tcp(&f, WAN, "8.8.8.8", 5, dst[i], 8080, &syn);
		kit_rx(k, WAN, &f);
		frame_echo(&f, LAN, "192.168.1.9", dst[i], 8, 1, 9);
		kit_rx(k, LAN, &f);
		frame_arp(&f, WEB, 1, kit_mac[WEB], "10.1.0.10", dst[i]);
		kit_rx(k, WEB, &f);
		frame_udp(&f, WEB, "fd00:1::10", 4, "fd00:1::20", 9, 30);
		kit_rx(k, WEB, &f);
		kit_wait(k, 0.3);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	static void *good;
	static size_t good_len;
	static struct kit *k;
	size_t len, i;
	uint8_t *blob;
	int rc;

	if (!n)
		return 0;
	if (!good)
		good = kit_blob(rules, 3, nats, 3, &good_len);
	if (in[0] & 1) {
		len = n - 1;
		blob = malloc(len + 1);	/* aligned, and exact for ASan */
		memcpy(blob, in + 1, len);
	} else {
		len = good_len;
		blob = malloc(len);
		memcpy(blob, good, len);
		for (i = 1; i + 3 <= n; i += 3)
			blob[be16(in + i) % len] = in[i + 2];
	}
	if (!k) {
		k = kit_new(NULL);
		kit_keep(k);
	}
	rc = vfr_load(k->v, blob, len, 0, k->now, NULL, NULL);
	traffic(k);
	vfr_load(k->v, good, good_len, 0, k->now, NULL, NULL);
	traffic(k);
	if (!rc && !vfr_load(k->v, blob, len, VFR_LOAD_KEEP_FLOWS, k->now,
			     NULL, NULL))
		traffic(k);
	kit_rewind(k);
	free(blob);
	return 0;
}
