/*
 * Neighbours: who may claim which address by ARP and NDP, and what becomes of
 * packets whose next hop is asked for.
 */
#include "vfr_kit.h"

enum { RS = 133, RA = 134, NS = 135, NA = 136, REDIRECT = 137 };	/* RFC 4861, 4 */

/* Who says or asks what about whom, and what comes of it. */
struct claim {
	const char	*what;
	int		 port;
	uint8_t		 op;		/* of ARP, or NDP's type */
	int		 mac_of;	/* sender MAC: of that port's station */
	const char	*src, *target;
	int		 answered;	/* a frame leaves here; -1: none */
	const char	*reason;
};

/* Answered by the VFR if it comes out where the claim came in. */
static void check_claim(struct kit *k, const struct claim *c,
			struct frame *f)
{
	const struct caught *a = k->caught;
	bool v6 = be16(f->b + 12) == 0x86dd;

	kit_clear(k);
	memcpy(f->b + 6, kit_mac[c->port], 6);	/* Ethernet is honest */
	kit_rx(k, c->port, f);
	if (c->reason && strcmp(kit_last_reason(k), c->reason))
		fail_msg("%s: %s", c->what, kit_last_reason(k));
	if (k->nr_caught != (c->answered >= 0) ||
	    (k->nr_caught && a->port != c->answered))
		fail_msg("%s: %d frames", c->what, k->nr_caught);
	if (!k->nr_caught || a->port != c->port)
		return;
	assert_memory_equal(a->b, kit_mac[c->port], 6);
	if (v6) {
		assert_true(sums_ok(a->b, a->len));
		assert_int_equal(a->b[54], NA);
		assert_memory_equal(a->b + 80, kit_gw_mac[c->port], 6);
	} else {
		assert_int_equal(be16(a->b + 20), 2);
		assert_memory_equal(a->b + 22, kit_gw_mac[c->port], 6);
	}
}

static const struct claim arps[] = {
	{ "a domain finds its gateway", WEB, 1, WEB, "10.1.0.10", "10.1.0.1", WEB, 0 },
	{ "a domain finds its neighbours at the gateway", WEB, 1, WEB, "10.1.0.10", "10.1.0.20", WEB, 0 },
	{ "a domain probes its own address in silence", WEB, 1, WEB, "0.0.0.0", "10.1.0.10", -1, 0 },
	{ "a domain cannot probe another's address", WEB, 1, WEB, "0.0.0.0", "10.1.0.20", -1, "spoof" },
	{ "a domain cannot announce another's address", WEB, 1, WEB, "10.1.0.20", "10.1.0.20", -1, "spoof" },
	{ "a domain cannot answer for another", WEB, 2, WEB, "10.1.0.20", "10.1.0.1", -1, "spoof" },
	{ "a domain cannot use another's MAC in ARP", WEB, 1, DB, "10.1.0.10", "10.1.0.1", -1, "spoof" },
	{ "nothing is said of other nets", WEB, 1, WEB, "10.1.0.10", "192.168.1.9", -1, 0 },
	{ "a host on the LAN finds the VFR", LAN, 1, LAN, "192.168.1.9", "192.168.1.1", LAN, 0 },
	{ "a LAN host finds a bridged domain itself", LAN, 1, LAN, "192.168.1.9", "192.168.1.50", BR, 0 },
	{ "a LAN host's question for others stays there", LAN, 1, LAN, "192.168.1.9", "192.168.1.77", -1, 0 },
	{ "a LAN host cannot claim a bridged domain's address", LAN, 2, LAN, "192.168.1.50", "192.168.1.1", -1, "spoof" },
	{ "a LAN host cannot claim ours", LAN, 2, LAN, "192.168.1.1", "192.168.1.1", -1, "spoof" },
	{ "a bridged domain finds the LAN", BR, 1, BR, "192.168.1.50", "192.168.1.9", LAN, 0 },
	{ "a bridged domain announces itself to the LAN", BR, 1, BR, "192.168.1.50", "192.168.1.50", LAN, 0 },
	{ "a bridged domain finds the VFR", BR, 1, BR, "192.168.1.50", "192.168.1.1", BR, 0 },
	{ "a bridged domain cannot claim other addresses", BR, 2, BR, "192.168.1.9", "192.168.1.1", -1, "spoof" },
};

static void test_arp(void **state)
{
	struct kit *k = kit_new(NULL);
	const struct claim *c;
	struct frame f;

	KIT_LOAD(k, allow_all);
	for (c = arps; c < arps + ARRAY_LEN(arps); c++) {
		frame_arp(&f, c->port, c->op, kit_mac[c->mac_of], c->src,
			  c->target);
		check_claim(k, c, &f);
	}
	kit_free(k);
}

/* ARP has no checksum to finish and no segments: a NIC told otherwise would do
   so at some place of its own. */
static void test_arp_offloads(void **state)
{
	static const struct {
		int csum, gso;
		const char *reason;
	} t[] = {
		{ VFR_CSUM_NONE, VFR_GSO_NONE, "not dropped" },
		{ VFR_CSUM_VALID, VFR_GSO_NONE, "not dropped" },
		{ VFR_CSUM_PARTIAL, VFR_GSO_NONE, "malformed" },
		{ VFR_CSUM_NONE, VFR_GSO_TCP4, "malformed" },
		{ VFR_CSUM_PARTIAL, VFR_GSO_TCP4, "malformed" },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i;

	KIT_LOAD(k, allow_all);
	frame_arp(&f, BR, 1, kit_mac[BR], "192.168.1.50", "192.168.1.9");
	for (i = 0; i < ARRAY_LEN(t); i++) {
		kit_rx_csum(k, BR, &f, t[i].csum, t[i].gso, 1000);
		assert_string_equal(kit_last_reason(k), t[i].reason);
		if (i < 2)
			assert_int_equal(kit_one(k, LAN)->csum_start, 0);
		assert_int_equal(k->nr_caught, 0);
	}
	kit_free(k);
}

static const struct claim any_arps[] = {
	{ "a domain of any address finds the LAN", BR, 1, BR, "192.168.1.77", "192.168.1.9", LAN, 0 },
	{ "it probes a free address", BR, 1, BR, "0.0.0.0", "192.168.1.77", LAN, 0 },
	{ "it cannot claim the VFR's", BR, 2, BR, "192.168.1.1", "192.168.1.9", -1, "spoof" },
	{ "nor announce it", BR, 1, BR, "192.168.1.1", "192.168.1.1", -1, "spoof" },
	{ "nor claim the VFR's of another link", BR, 2, BR, "203.0.113.2", "192.168.1.9", -1, "spoof" },
	{ "nor a routed domain's", BR, 2, BR, "10.1.0.20", "192.168.1.9", -1, "spoof" },
};

static void test_arp_any(void **state)
{
	struct kit *k = kit_new(NULL);
	const struct claim *c;
	struct frame f;

	kit_br_any = true;
	KIT_LOAD(k, allow_all);
	kit_br_any = false;
	for (c = any_arps; c < any_arps + ARRAY_LEN(any_arps); c++) {
		frame_arp(&f, c->port, c->op, kit_mac[c->mac_of], c->src,
			  c->target);
		memcpy(f.b, kit_mac[LAN], 6);	/* to a LAN host, if at all */
		check_claim(k, c, &f);
	}
	kit_free(k);
}

/* An NDP message with one option, the sender's MAC; to the VFR's MAC. */
static void frame_nd(struct frame *f, int port, uint8_t type, const char *src,
		     const char *dst, const char *target, const uint8_t *mac)
{
	uint32_t option = type == RS ? 8 : type == RA ? 16 :
			  type == REDIRECT ? 40 : 24;
	struct vfr_addr a = kit_addr(target);
	uint8_t *h;

	frame_ip(f, port, src, dst, 58, option + 8);
	f->b[21] = 255;
	h = frame_l4(f);
	memset(h, 0, option + 8);
	h[0] = type;
	if (type >= NS)
		memcpy(h + 8, a.b, 16);
	h[option] = type == NA ? 2 : 1;		/* the target's, the source's */
	h[option + 1] = 1;
	memcpy(h + option + 2, mac, 6);
	frame_sums(f);
}

static const struct claim nds[] = {
	{ "a domain finds its gateway", WEB, NS, WEB, "fd00:1::10", "fd00:1::1", WEB, 0 },
	{ "also from its link-local address", WEB, NS, WEB, "fe80::5", "fd00:1::1", WEB, 0 },
	{ "a domain finds its neighbours at the gateway", WEB, NS, WEB, "fd00:1::10", "fd00:1::20", WEB, 0 },
	{ "a domain probes its own address in silence", WEB, NS, WEB, "::", "fd00:1::10", -1, 0 },
	{ "a domain cannot probe another's address", WEB, NS, WEB, "::", "fd00:1::20", -1, "spoof" },
	{ "a domain cannot ask as another", WEB, NS, WEB, "fd00:1::20", "fd00:1::1", -1, "spoof" },
	{ "a domain announces its own address in silence", WEB, NA, WEB, "fd00:1::10", "fd00:1::10", -1, "not dropped" },
	{ "a domain cannot announce another's address", WEB, NA, WEB, "fd00:1::10", "fd00:1::20", -1, "spoof" },
	{ "a domain cannot announce the gateway's address", WEB, NA, WEB, "fd00:1::10", "fd00:1::1", -1, "spoof" },
	{ "a domain cannot use another's MAC in NDP", WEB, NS, DB, "fd00:1::10", "fd00:1::1", -1, "spoof" },
	{ "a domain cannot play router", WEB, RA, WEB, "fd00:1::10", "fd00:1::1", -1, "spoof" },
	{ "a domain cannot redirect", WEB, REDIRECT, WEB, "fd00:1::10", "fd00:1::1", -1, "spoof" },
	{ "nothing is said of other nets", WEB, NS, WEB, "fd00:1::10", "2001:db8:1::9", -1, 0 },
	{ "a host on the LAN finds the VFR", LAN, NS, LAN, "2001:db8:1::9", "2001:db8:1::1", LAN, 0 },
	{ "a LAN host finds a bridged domain itself", LAN, NS, LAN, "2001:db8:1::9", "2001:db8:1::50", BR, 0 },
	{ "a LAN host's question for others is not for domains", LAN, NS, LAN, "2001:db8:1::9", "2001:db8:1::77", -1, 0 },
	{ "a LAN host cannot ask as a bridged domain", LAN, NS, LAN, "2001:db8:1::50", "2001:db8:1::1", -1, "spoof" },
	{ "a LAN host cannot claim a bridged domain's address", LAN, NA, LAN, "2001:db8:1::9", "2001:db8:1::50", -1, "spoof" },
	{ "a LAN host cannot claim a routed domain's address", LAN, NA, LAN, "2001:db8:1::9", "fd00:1::10", -1, "spoof" },
	{ "IPv4 is not asked for by NDP", WEB, NS, WEB, "fd00:1::10", "::ffff:10.1.0.1", -1, "malformed" },
	{ "nor is it announced", LAN, NA, LAN, "2001:db8:1::9", "::ffff:192.168.1.44", -1, "malformed" },
	{ "a LAN host cannot claim ours", LAN, NA, LAN, "2001:db8:1::9", "2001:db8:1::1", -1, "spoof" },
	{ "a bridged domain finds the LAN", BR, NS, BR, "2001:db8:1::50", "2001:db8:1::9", LAN, 0 },
	{ "a bridged domain's probe of its own address reaches the LAN", BR, NS, BR, "::", "2001:db8:1::50", LAN, 0 },
	{ "a bridged domain finds the VFR", BR, NS, BR, "2001:db8:1::50", "2001:db8:1::1", BR, 0 },
	{ "a bridged domain cannot claim other addresses", BR, NA, BR, "2001:db8:1::50", "2001:db8:1::9", -1, "spoof" },
	{ "a bridged domain cannot play router", BR, RA, BR, "2001:db8:1::50", "2001:db8:1::1", -1, "spoof" },
};

static void test_ndp(void **state)
{
	static const uint8_t all_nodes[6] = { 0x33, 0x33, [5] = 1 };
	struct kit *k = kit_new(NULL);
	const struct claim *c;
	struct frame f;

	KIT_LOAD(k, allow_all);
	for (c = nds; c < nds + ARRAY_LEN(nds); c++) {
		frame_nd(&f, c->port, c->op, c->src, "ff02::1", c->target,
			 kit_mac[c->mac_of]);
		memcpy(f.b, all_nodes, 6);
		check_claim(k, c, &f);
	}
	kit_free(k);
}

static const struct claim any_nds[] = {
	{ "a domain of any address finds the LAN", BR, NS, BR, "2001:db8:1::77", "2001:db8:1::9", LAN, 0 },
	{ "also from its link-local address", BR, NS, BR, "fe80::ff:fe03:32", "2001:db8:1::9", LAN, 0 },
	{ "it announces a free address", BR, NA, BR, "2001:db8:1::77", "2001:db8:1::77", LAN, 0 },
	{ "it cannot announce the VFR's", BR, NA, BR, "2001:db8:1::77", "2001:db8:1::1", -1, "spoof" },
	{ "nor the VFR's link-local address", BR, NA, BR, "2001:db8:1::77", "fe80::ff:fe03:0", -1, "spoof" },
	{ "nor ask as the VFR", BR, NS, BR, "fe80::ff:fe03:0", "2001:db8:1::9", -1, "spoof" },
	{ "nor announce a routed domain's", BR, NA, BR, "2001:db8:1::77", "fd00:1::10", -1, "spoof" },
};

static void test_ndp_any(void **state)
{
	static const uint8_t all_nodes[6] = { 0x33, 0x33, [5] = 1 };
	struct kit *k = kit_new(NULL);
	const struct claim *c;
	struct frame f;

	kit_br_any = true;
	KIT_LOAD(k, allow_all);
	kit_br_any = false;
	for (c = any_nds; c < any_nds + ARRAY_LEN(any_nds); c++) {
		frame_nd(&f, c->port, c->op, c->src, "ff02::1", c->target,
			 kit_mac[c->mac_of]);
		memcpy(f.b, all_nodes, 6);
		check_claim(k, c, &f);
	}
	kit_free(k);
}

/* What the VFR answers for because of a translation is nobody else's. */
static const struct kit_nat outside[] = {
	{ VFR_NAT_STATIC, .match = "10.1.0.20", .to = "192.168.1.77", .port = LAN },
	{ VFR_NAT_STATIC, .match = "fd00:1::20", .to = "2001:db8:1::77", .port = LAN },
	{ VFR_NAT_REDIRECT, .match = "192.168.1.78", .to = "10.1.0.10", .proto = 6, .lo = 80, .port = LAN },
};

static const struct claim outside_arps[] = {
	{ "a LAN host finds it at the VFR", LAN, 1, LAN, "192.168.1.9", "192.168.1.77", LAN, 0 },
	{ "a LAN host cannot claim it", LAN, 2, LAN, "192.168.1.77", "192.168.1.1", -1, "spoof" },
	{ "nor announce it", LAN, 1, LAN, "192.168.1.77", "192.168.1.77", -1, "spoof" },
	{ "nor that of a redirect", LAN, 2, LAN, "192.168.1.78", "192.168.1.1", -1, "spoof" },
	{ "a host of another link cannot, either", WAN, 2, WAN, "192.168.1.77", "203.0.113.2", -1, "spoof" },
	{ "nor a domain of any address", BR, 2, BR, "192.168.1.77", "192.168.1.9", -1, "spoof" },
	{ "nor announce it", BR, 1, BR, "192.168.1.77", "192.168.1.77", -1, "spoof" },
	{ "nor that of a redirect", BR, 2, BR, "192.168.1.78", "192.168.1.9", -1, "spoof" },
	{ "nor one of another link", BR, 2, BR, "203.0.113.9", "192.168.1.9", -1, "spoof" },
	{ "other addresses are free", BR, 1, BR, "192.168.1.79", "192.168.1.9", LAN, 0 },
};

static const struct claim outside_nds[] = {
	{ "a LAN host finds it at the VFR", LAN, NS, LAN, "2001:db8:1::9", "2001:db8:1::77", LAN, 0 },
	{ "a LAN host cannot announce it", LAN, NA, LAN, "2001:db8:1::9", "2001:db8:1::77", -1, "spoof" },
	{ "nor ask as it", LAN, NS, LAN, "2001:db8:1::77", "2001:db8:1::1", -1, "spoof" },
	{ "nor announce the VFR's link-local address", LAN, NA, LAN, "2001:db8:1::9", "fe80::ff:fe03:0", -1, "spoof" },
	{ "nor a bridged domain's", LAN, NA, LAN, "2001:db8:1::9", "fe80::ff:fe03:32", -1, "spoof" },
	{ "nor ask as that", LAN, NS, LAN, "fe80::ff:fe03:32", "2001:db8:1::1", -1, "spoof" },
	{ "nor one of another link", LAN, NA, LAN, "2001:db8:1::9", "2001:db8::9", -1, "spoof" },
	{ "nor can a domain of any address", BR, NA, BR, "2001:db8:1::78", "2001:db8:1::77", -1, "spoof" },
	{ "nor ask as it", BR, NS, BR, "2001:db8:1::77", "2001:db8:1::9", -1, "spoof" },
};

static void test_claims_of_translated(void **state)
{
	static const uint8_t all_nodes[6] = { 0x33, 0x33, [5] = 1 };
	struct kit *k = kit_new(NULL);
	const struct claim *c;
	struct frame f;

	kit_br_any = true;
	assert_int_equal(kit_load(k, allow_all, 1, outside,
				  ARRAY_LEN(outside), 0), 0);
	kit_br_any = false;
	for (c = outside_arps; c < outside_arps + ARRAY_LEN(outside_arps); c++) {
		frame_arp(&f, c->port, c->op, kit_mac[c->mac_of], c->src,
			  c->target);
		if (c->port == BR)
			memcpy(f.b, kit_mac[LAN], 6);
		check_claim(k, c, &f);
	}
	for (c = outside_nds; c < outside_nds + ARRAY_LEN(outside_nds); c++) {
		frame_nd(&f, c->port, c->op, c->src, "ff02::1", c->target,
			 kit_mac[c->mac_of]);
		memcpy(f.b, all_nodes, 6);
		check_claim(k, c, &f);
	}
	/* Nor may a host send from it. */
	frame_udp(&f, LAN, "192.168.1.77", 7, "10.1.0.10", 9, 20);
	kit_rx(k, LAN, &f);
	assert_string_equal(kit_last_reason(k), "spoof");
	kit_free(k);
}

/* Whatever the rules deny, a bridged domain's NDP reaches its link: that far,
   and no further by a router that it names as the station to get it. */
static void test_ndp_stays_on_link(void **state)
{
	static const struct {
		const char *what, *dst;
		uint8_t type;
		bool passes;
	} t[] = {
		{ "a question to its group", "ff02::1:ff00:9", NS, true },
		{ "a question to a host of the LAN", "2001:db8:1::9", NS, true },
		{ "a question in the net's own prefix", "2001:db8:51::9", NS, true },
		{ "a question to a link-local address", "fe80::9", NS, true },
		{ "a question to the world", "2001:db8:ffff::1", NS, false },
		{ "a question to another link", "2001:db8::9", NS, false },
		{ "a question to a routed domain", "fd00:1::10", NS, false },
		{ "a question to a wider group", "ff05::1:ff00:9", NS, false },
		{ "an answer to a host of the LAN", "2001:db8:1::9", NA, true },
		{ "an announcement to all", "ff02::1", NA, true },
		{ "an answer to the world", "2001:db8:ffff::1", NA, false },
		{ "a search for routers", "ff02::2", RS, true },
		{ "a search at one router", "fe80::9", RS, true },
		{ "a search at a host of the LAN", "2001:db8:1::9", RS, false },
		{ "a search in the world", "2001:db8:ffff::1", RS, false },
	};
	static const struct kit_rule none[] = { { VFR_DENY } };
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i;

	KIT_LOAD(k, none);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		kit_clear(k);
		frame_nd(&f, BR, t[i].type, "2001:db8:1::50", t[i].dst,
			 t[i].type == NA ? "2001:db8:1::50" : "2001:db8:1::9",
			 kit_mac[BR]);
		memcpy(f.b, kit_mac[LAN], 6);
		kit_rx(k, BR, &f);
		if (k->nr_caught != t[i].passes ||
		    (!t[i].passes && strcmp(kit_last_reason(k), "not_for_us")))
			fail_msg("%s: %d frames, %s", t[i].what, k->nr_caught,
				 kit_last_reason(k));
	}
	/* The other way: to a domain, as from the LAN. */
	kit_clear(k);
	frame_nd(&f, LAN, NS, "2001:db8:1::9", "2001:db8:ffff::1",
		 "2001:db8:1::50", kit_mac[LAN]);
	memcpy(f.b, kit_mac[BR], 6);
	kit_rx(k, LAN, &f);
	assert_string_equal(kit_last_reason(k), "not_for_us");
	kit_free(k);
}

/* Each as good as the first, but for one byte of the IPv6 packet. */
static void test_ndp_malformed(void **state)
{
	static const struct {
		const char *what;
		int at;
		uint8_t value;
		bool wrong_sum;
		const char *reason;
	} t[] = {
		{ "as it should be", 7, 255, false, "not dropped" },
		{ "it came from afar", 7, 64, false, "malformed" },
		{ "its checksum is wrong", 42, 0x12, true, "malformed" },
		{ "its code is not 0", 41, 1, false, "malformed" },
		{ "its target is a group", 48, 0xff, false, "malformed" },
		{ "its option has no length", 65, 0, false, "malformed" },
		{ "its option runs over the end", 65, 2, false, "malformed" },
		{ "its option has another MAC", 66, 3, false, "spoof" },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		frame_nd(&f, WEB, NS, "fd00:1::10", "fd00:1::1", "fd00:1::1",
			 kit_mac[WEB]);
		f.b[14 + t[i].at] = t[i].value;
		if (!t[i].wrong_sum)
			frame_sums(&f);
		kit_rx(k, WEB, &f);
		if (strcmp(kit_last_reason(k), t[i].reason))
			fail_msg("%s: %s", t[i].what, kit_last_reason(k));
	}
	kit_free(k);
}

static void test_arp_resolves(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_port_stats st;
	struct frame f;
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 3; i++) {
		frame_udp(&f, WEB, "10.1.0.10", 5 + i, "192.168.1.44", 2, 9);
		kit_rx(k, WEB, &f);
	}
	assert_int_equal(kit_step(k, VFR_STEP_HELD), 0);
	assert_int_equal(k->nr_caught, 1);	/* one question */
	assert_int_equal(be16(k->caught[0].b + 12), 0x806);
	vfr_port_stats(k->v, WEB, &st);
	assert_int_equal(st.held, 3);
	kit_clear(k);
	frame_arp(&f, LAN, 2, kit_mac[LAN], "192.168.1.44", "192.168.1.1");
	kit_rx(k, LAN, &f);
	assert_int_equal(k->nr_caught, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(k->caught[i].port, LAN);
		assert_int_equal(be16(k->caught[i].b + 34), 5 + i);
		assert_memory_equal(k->caught[i].b, kit_mac[LAN], 6);
	}
	kit_free(k);
}

static void test_arp_fails(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 40; i++) {
		frame_udp(&f, WEB, "10.1.0.10", 5, "192.168.1.45", 2 + i, 9);
		kit_rx(k, WEB, &f);
	}
	/* 16 may wait for one neighbour. */
	assert_int_equal(kit_drops(k, WEB, VFR_DROP_NO_NEIGHBOUR), 24);
	kit_wait(k, 10);
	assert_int_equal(kit_drops(k, WEB, VFR_DROP_NO_NEIGHBOUR), 40);
	assert_int_equal(k->packets_out, 0);
	/* A flood of next hops cannot grow the table beyond its bound. */
	for (i = 0; i < 100; i++) {
		char dst[32];

		snprintf(dst, sizeof(dst), "192.168.1.%d", 100 + i);
		frame_udp(&f, WEB, "10.1.0.10", 5, dst, 7, 9);
		kit_rx(k, WEB, &f);
	}
	kit_free(k);
}

/* The VFR asks for a neighbour on a NIC and hears the answer. */
static void test_ndp_resolves(void **state)
{
	struct kit *k = kit_new(NULL);
	const struct caught *c;
	struct frame f;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "fd00:1::10", 5, "2001:db8:1::9", 2, 9);
	kit_rx(k, WEB, &f);
	c = kit_one(k, LAN);
	assert_int_equal(c->b[54], NS);
	assert_true(sums_ok(c->b, c->len));
	frame_nd(&f, LAN, NA, "2001:db8:1::9", "2001:db8:1::1",
		 "2001:db8:1::9", kit_mac[LAN]);
	kit_rx(k, LAN, &f);
	c = kit_one(k, LAN);
	assert_int_equal(c->b[20], 17);
	assert_memory_equal(c->b, kit_mac[LAN], 6);
	kit_free(k);
}

/* Of what was caught at a domain, the errors "host unreachable" about f. */
static int told_unreachable(const struct kit *k, int port,
			    const struct frame *f)
{
	bool v6 = f->b[14] >> 4 == 6;
	uint32_t l4 = v6 ? 54 : 34;
	int i, n = 0;

	for (i = 0; i < k->nr_caught; i++) {
		const struct caught *c = &k->caught[i];

		if (c->port != port)
			continue;
		n++;
		assert_true(sums_ok(c->b, c->len));
		assert_int_equal(c->b[l4], v6 ? 1 : 3);
		assert_int_equal(c->b[l4 + 1], v6 ? 3 : 1);
		assert_memory_equal(c->b + l4 + 8, f->b + 14, v6 ? 48 : 28);
		assert_memory_equal(c->b, kit_mac[port], 6);
	}
	return n;
}

/* RFC 1812, 4.3.3.1 and RFC 4443, 3.1: whoever asked for it is told, once. */
static void test_silent_neighbour(void **state)
{
	static const struct { const char *src, *dst; } t[] = {
		{ "10.1.0.10", "192.168.1.45" },
		{ "fd00:1::10", "2001:db8:1::45" },
	};
	struct kit *k = kit_new(NULL);
	struct frame f;
	unsigned int i, n;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 2; i++) {
		frame_udp(&f, WEB, t[i].src, 5, t[i].dst, 7, 9);
		for (n = 0; n < 3; n++)
			kit_rx(k, WEB, &f);
		assert_int_equal(told_unreachable(k, WEB, &f), 0);
		kit_clear(k);
		kit_wait(k, 4);
		assert_int_equal(told_unreachable(k, WEB, &f), 1);
		/* While it is known to be silent the answer comes at once. */
		kit_clear(k);
		kit_rx(k, WEB, &f);
		assert_string_equal(kit_last_reason(k), "no_neighbour");
		assert_int_equal(told_unreachable(k, WEB, &f), 1);
		kit_wait(k, 10);
		kit_clear(k);
	}
	kit_free(k);
}

/* The quote is the packet as its sender knows it. */
static void test_silent_neighbour_nat(void **state)
{
	static const struct kit_nat nat = {
		VFR_NAT_MASQUERADE, .match = "10.1.0.0/24", .port = LAN
	};
	struct kit *k = kit_new(NULL);
	struct frame f;

	assert_int_equal(kit_load(k, allow_all, 1, &nat, 1, 0), 0);
	frame_udp(&f, WEB, "10.1.0.10", 5, "192.168.1.45", 7, 9);
	kit_rx(k, WEB, &f);
	kit_clear(k);
	kit_wait(k, 4);
	assert_int_equal(told_unreachable(k, WEB, &f), 1);
	kit_free(k);
}

/* No error where the neighbour answers, or the sender has gone meanwhile;
   and none of the VFR's own packets is lost by it. */
static void test_neighbour_answers_late(void **state)
{
	static const struct vfr_limits few = {
		.ports = 8, .flows = 1024, .rules = 256, .neighbours = 128,
		.hosts = 64, .macs = 16, .fragments = 8, .packets = 4,
		.sources = 64, .taps = 4, .tap_insns = 64, .log = 64,
	};
	struct kit *k = kit_new(&few);
	struct frame f, arp;
	char dst[32];
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 40; i++) {
		snprintf(dst, sizeof(dst), "192.168.1.%d", 100 + i);
		frame_udp(&f, WEB, "10.1.0.10", 5, dst, 7, 9);
		kit_rx(k, WEB, &f);
		frame_arp(&arp, LAN, 2, kit_mac[LAN], dst, "192.168.1.1");
		kit_rx(k, LAN, &arp);
		kit_wait(k, 0.3);
	}
	kit_wait(k, 9);
	assert_int_equal(told_unreachable(k, WEB, &f), 0);
	frame_udp(&f, WEB, "10.1.0.10", 5, "192.168.1.45", 7, 9);
	kit_rx(k, WEB, &f);
	kit_clear(k);
	assert_int_equal(vfr_port_detach(k->v, WEB), 0);
	kit_wait(k, 4);
	assert_int_equal(told_unreachable(k, WEB, &f), 0);
	/* There are packets left to answer with. */
	frame_udp(&f, DB, "10.1.0.20", 5, "192.168.1.46", 7, 9);
	kit_rx(k, DB, &f);
	kit_clear(k);
	kit_wait(k, 4);
	assert_int_equal(told_unreachable(k, DB, &f), 1);
	kit_free(k);
}

/* What waits was allowed by rules that are no longer in force. */
static void test_reload_while_waiting(void **state)
{
	static const struct kit_rule none[] = { { VFR_DENY, .id = 5 } };
	struct kit *k = kit_new(NULL);
	struct vfr_port_stats st;
	struct frame f, arp;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "10.1.0.10", 5, "192.168.1.45", 7, 9);
	kit_rx(k, WEB, &f);
	vfr_port_stats(k->v, WEB, &st);
	assert_int_equal(st.held, 1);
	kit_clear(k);
	KIT_LOAD(k, none);
	kit_account(k);
	vfr_port_stats(k->v, WEB, &st);
	assert_int_equal(st.held, 0);
	assert_int_equal(st.drops[VFR_DROP_NO_NEIGHBOUR], 1);
	assert_int_equal(k->packets_out, 0);
	frame_arp(&arp, LAN, 2, kit_mac[LAN], "192.168.1.45", "192.168.1.1");
	kit_rx(k, LAN, &arp);
	assert_int_equal(k->nr_caught, 0);
	/* Nor does an error go out that was made for it. */
	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "10.1.0.10", 5, "192.168.1.46", 7, 9);
	kit_rx(k, WEB, &f);
	KIT_LOAD(k, none);
	kit_clear(k);
	kit_wait(k, 4);
	assert_int_equal(told_unreachable(k, WEB, &f), 0);
	kit_free(k);
}

/* One domain asks for more of a LAN's addresses than the table has room for. */
static void test_scan(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 1, 0, 77 };
	struct kit *k = kit_new(NULL);
	struct frame f, arp;
	char dst[32];
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 40; i++) {
		snprintf(dst, sizeof(dst), "192.168.1.%d", 100 + i);
		frame_udp(&f, WEB, "10.1.0.10", 5, dst, 7, 9);
		kit_rx(k, WEB, &f);
		/* Another's next hop is asked for, and gets its time. */
		if (i == 29) {
			kit_clear(k);
			frame_udp(&f, DB, "10.1.0.20", 5, "203.0.113.77", 7, 9);
			kit_rx(k, DB, &f);
			assert_int_equal(be16(kit_one(k, WAN)->b + 12), 0x806);
		}
	}
	kit_clear(k);
	frame_arp(&arp, WAN, 2, mac, "203.0.113.77", "203.0.113.2");
	kit_rx(k, WAN, &arp);
	assert_memory_equal(kit_one(k, WAN)->b, mac, 6);
	/* What was given up is counted, and what is known stays known. */
	assert_int_equal(kit_drops(k, WEB, VFR_DROP_NO_NEIGHBOUR), 40 - 13);
	frame_udp(&f, DB, "10.1.0.20", 5, "192.168.1.9", 7, 9);
	kit_rx(k, DB, &f);
	assert_memory_equal(kit_one(k, LAN)->b, kit_mac[LAN], 6);
	kit_free(k);
}

/* Half of the packets that may wait is the most that one port can have. */
static void test_held_share(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_port_stats st;
	struct frame f;
	char dst[32];
	int i;

	KIT_LOAD(k, allow_all);
	for (i = 0; i < 130; i++) {
		snprintf(dst, sizeof(dst), "192.168.1.%d", 100 + i % 10);
		frame_udp(&f, WEB, "10.1.0.10", 5, dst, 7 + i, 9);
		kit_rx(k, WEB, &f);
	}
	vfr_port_stats(k->v, WEB, &st);
	assert_int_equal(st.held, 24);	/* of 48 */
	frame_udp(&f, DB, "10.1.0.20", 5, "203.0.113.77", 7, 9);
	kit_rx(k, DB, &f);
	vfr_port_stats(k->v, DB, &st);
	assert_int_equal(st.held, 1);
	/* As many again when those are gone. */
	kit_wait(k, 10);
	for (i = 0; i < 130; i++) {
		snprintf(dst, sizeof(dst), "192.168.1.%d", 100 + i % 10);
		frame_udp(&f, WEB, "10.1.0.10", 5, dst, 7 + i, 9);
		kit_rx(k, WEB, &f);
	}
	vfr_port_stats(k->v, WEB, &st);
	assert_int_equal(st.held, 24);	/* of 48 */
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arp),
		cmocka_unit_test(test_arp_offloads),
		cmocka_unit_test(test_arp_any),
		cmocka_unit_test(test_ndp),
		cmocka_unit_test(test_ndp_any),
		cmocka_unit_test(test_claims_of_translated),
		cmocka_unit_test(test_ndp_stays_on_link),
		cmocka_unit_test(test_ndp_malformed),
		cmocka_unit_test(test_arp_resolves),
		cmocka_unit_test(test_ndp_resolves),
		cmocka_unit_test(test_arp_fails),
		cmocka_unit_test(test_silent_neighbour),
		cmocka_unit_test(test_silent_neighbour_nat),
		cmocka_unit_test(test_neighbour_answers_late),
		cmocka_unit_test(test_reload_while_waiting),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_held_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
