/*
 * Claims: who may say by ARP and NDP which address is whose, who is answered,
 * and where such a message may go.
 */
#include "vfr_kit.h"

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

/* br_to_lan: what BR sends is to a LAN host, if it gets anywhere at all. */
static void check_arps(struct kit *k, const struct claim *c, size_t n,
		       bool br_to_lan)
{
	struct frame f;

	for (; n--; c++) {
		frame_arp(&f, c->port, c->op, kit_mac[c->mac_of], c->src,
			  c->target);
		if (br_to_lan && c->port == BR)
			memcpy(f.b, kit_mac[LAN], 6);
		check_claim(k, c, &f);
	}
}

static void check_nds(struct kit *k, const struct claim *c, size_t n)
{
	static const uint8_t all_nodes[6] = { 0x33, 0x33, [5] = 1 };
	struct frame f;

	for (; n--; c++) {
		frame_nd(&f, c->port, c->op, c->src, "ff02::1", c->target,
			 kit_mac[c->mac_of]);
		memcpy(f.b, all_nodes, 6);
		check_claim(k, c, &f);
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

	KIT_LOAD(k, allow_all);
	check_arps(k, arps, ARRAY_LEN(arps), false);
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

	kit_br_any = true;
	KIT_LOAD(k, allow_all);
	kit_br_any = false;
	check_arps(k, any_arps, ARRAY_LEN(any_arps), true);
	kit_free(k);
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
	struct kit *k = kit_new(NULL);

	KIT_LOAD(k, allow_all);
	check_nds(k, nds, ARRAY_LEN(nds));
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
	struct kit *k = kit_new(NULL);

	kit_br_any = true;
	KIT_LOAD(k, allow_all);
	kit_br_any = false;
	check_nds(k, any_nds, ARRAY_LEN(any_nds));
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
	struct kit *k = kit_new(NULL);
	struct frame f;

	kit_br_any = true;
	assert_int_equal(kit_load(k, allow_all, 1, outside,
				  ARRAY_LEN(outside), 0), 0);
	kit_br_any = false;
	check_arps(k, outside_arps, ARRAY_LEN(outside_arps), true);
	check_nds(k, outside_nds, ARRAY_LEN(outside_nds));
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
