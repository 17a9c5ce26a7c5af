/*
 * The ruleset blob: what is written opens again, what is damaged does not.
 */
#include "vfr_kit.h"

static const struct kit_rule rules[] = {
	{ VFR_ALLOW, .proto = 6, .dport_lo = 80, .limit = 5,
	  .limit_period_ms = 1000 },
	{ VFR_DENY },
};
static const struct kit_nat nats[] = {
	{ VFR_NAT_REDIRECT, .proto = 6, .lo = 8080, .to = "10.1.0.10", .to_lo = 80, .port = WAN },
	{ VFR_NAT_STATIC, .match = "10.1.0.20", .to = "203.0.113.20", .port = WAN },
};

enum { HDR, ADDR, NET, PORT, NAT, RULE };

/* One field changed: which section and record, where, to what, and what the
   check says. */
#define FIELD(sec, rec, type, member, value) \
	sec, rec, offsetof(type, member), sizeof(((type *)0)->member), value
static const struct {
	const char *what;
	int sec, rec;
	size_t at, n;
	uint64_t value;
	const char *why;
} t[] = {
	{ "magic", FIELD(HDR, 0, struct vfr_rs_header, magic, 1), "this is no ruleset" },
	{ "version", FIELD(HDR, 0, struct vfr_rs_header, version, 2), "the ruleset is of another version" },
	{ "size", FIELD(HDR, 0, struct vfr_rs_header, size, 99), "the ruleset is cut short or too long" },
	{ "a section's offset", FIELD(HDR, 0, struct vfr_rs_header, sec[VFR_SEC_RULES].offset, 4), "a section is out of range" },
	{ "a section's length", FIELD(HDR, 0, struct vfr_rs_header, sec[VFR_SEC_RULES].count, 0x10000000), "a section is out of range" },
	{ "no strings", FIELD(HDR, 0, struct vfr_rs_header, sec[VFR_SEC_STRINGS].count, 0), "the strings are not terminated" },
	{ "cut strings", FIELD(HDR, 0, struct vfr_rs_header, sec[VFR_SEC_STRINGS].count, 3), "the strings are not terminated" },
	{ "prefix length", FIELD(ADDR, 3, struct vfr_prefix, len, 129), "a prefix is too long" },
	{ "net kind", FIELD(NET, 0, struct vfr_rs_net, kind, 2), "a net is of an unknown kind" },
	{ "net addresses", FIELD(NET, 0, struct vfr_rs_net, first_addr, 0xffffffff), "a net's addresses are out of range" },
	{ "net name", FIELD(NET, 0, struct vfr_rs_net, name, 5000), "a net has a bad name" },
	{ "net MAC", FIELD(NET, 0, struct vfr_rs_net, mac[0], 1), "a routed net has no unicast MAC" },
	{ "bridge without NIC", FIELD(NET, 1, struct vfr_rs_net, nic, WEB), "a bridged net names no NIC" },
	{ "bridge of no port", FIELD(NET, 1, struct vfr_rs_net, nic, 77), "a bridged net names no NIC" },
	{ "port kind", FIELD(PORT, 0, struct vfr_rs_port, kind, 7), "a port is of unknown kind" },
	{ "port name", FIELD(PORT, 1, struct vfr_rs_port, name, 0), "a port has a bad name" },
	{ "port device twice", FIELD(PORT, 1, struct vfr_rs_port, device, 9), "two ports are the same device and VLAN" },
	{ "vif's net", FIELD(PORT, 2, struct vfr_rs_port, net, 2), "a vif is on no net" },
	{ "vif's MAC", FIELD(PORT, 2, struct vfr_rs_port, mac[0], 3), "a vif has no unicast MAC" },
	{ "vif's VLAN", FIELD(PORT, 2, struct vfr_rs_port, vlan, 3), "a vif has a VLAN id" },
	{ "NIC's VLAN", FIELD(PORT, 0, struct vfr_rs_port, vlan, 4095), "a VLAN id is out of range" },
	{ "port's addresses", FIELD(PORT, 2, struct vfr_rs_port, nr_addrs, 1000), "a port's addresses are out of range" },
	{ "port's MTU", FIELD(PORT, 2, struct vfr_rs_port, mtu, 60), "a port's MTU is out of range" },
	{ "NAT kind", FIELD(NAT, 0, struct vfr_rs_nat, kind, 3), "a translation is of unknown kind" },
	{ "NAT port", FIELD(NAT, 0, struct vfr_rs_nat, port, 5), "a translation names no port" },
	{ "NAT range", FIELD(NAT, 0, struct vfr_rs_nat, hi, 1), "a translation's ports are reversed" },
	{ "NAT new port without protocol", FIELD(NAT, 0, struct vfr_rs_nat, proto, 0), "a translation's new ports are impossible" },
	{ "redirect to a net", FIELD(NAT, 0, struct vfr_rs_nat, to.len, 120), "a redirect is to no single address" },
	{ "static sizes", FIELD(NAT, 1, struct vfr_rs_nat, to.len, 120), "a static translation's sides differ in size" },
	{ "static families", FIELD(NAT, 1, struct vfr_rs_nat, to.addr.b[0], 9), "a translation mixes IPv4 and IPv6" },
	{ "action", FIELD(RULE, 0, struct vfr_rs_rule, action, 3), "a rule's action is unknown" },
	{ "flags", FIELD(RULE, 0, struct vfr_rs_rule, flags, 8), "a rule has unknown flags" },
	{ "limit without time", FIELD(RULE, 0, struct vfr_rs_rule, limit_period_ms, 0), "a rule's limit is out of range" },
	{ "text", FIELD(RULE, 1, struct vfr_rs_rule, text, 0x7fffffff), "a rule's text is out of range" },
	{ "a classifier for more rules", FIELD(HDR, 0, struct vfr_rs_header, sec[VFR_SEC_RULES].count, 1), "the classifier is damaged" },
};

static size_t place(const struct vfr_rs_header *h, int sec, int rec, size_t at)
{
	switch (sec) {
	case ADDR:
		return h->sec[VFR_SEC_ADDRS].offset +
		       (size_t)rec * sizeof(struct vfr_prefix) + at;
	case NET:
		return h->sec[VFR_SEC_NETS].offset +
		       (size_t)rec * sizeof(struct vfr_rs_net) + at;
	case PORT:
		return h->sec[VFR_SEC_PORTS].offset +
		       (size_t)rec * sizeof(struct vfr_rs_port) + at;
	case NAT:
		return h->sec[VFR_SEC_NATS].offset +
		       (size_t)rec * sizeof(struct vfr_rs_nat) + at;
	case RULE:
		return h->sec[VFR_SEC_RULES].offset +
		       (size_t)rec * sizeof(struct vfr_rs_rule) + at;
	default:
		return at;
	}
}

static void test_fields(void **state)
{
	size_t len;
	uint8_t *blob = kit_blob(rules, 2, nats, 2, &len);
	uint8_t *copy = malloc(len);
	struct vfr_ruleset rs;
	const char *why;
	unsigned int i;

	assert_int_equal(vfr_ruleset_open(&rs, blob, len, &why), 0);
	assert_int_equal(rs.p.nr_rules, 2);
	assert_string_equal(vfr_ruleset_text(&rs, rs.p.ports[WEB].name), "web");
	assert_string_equal(vfr_ruleset_text(&rs, 0xffffffff), "");
	for (i = 0; i < ARRAY_LEN(t); i++) {
		memcpy(copy, blob, len);
		memcpy(copy + place((void *)blob, t[i].sec, t[i].rec, t[i].at),
		       &t[i].value, t[i].n);
		why = NULL;
		vfr_ruleset_open(&rs, copy, len, &why);
		if (!why || strcmp(why, t[i].why))
			fail_msg("%s: %s", t[i].what, why ? why : "accepted");
	}
	/* Every truncation. */
	for (i = 0; i < len; i++) {
		uint8_t *cut = malloc(i + 1);

		memcpy(cut, blob, i);
		assert_int_equal(vfr_ruleset_open(&rs, cut, i, &why), -22);
		free(cut);
	}
	free(copy);
	free(blob);
}

static void test_limits(void **state)
{
	static const struct vfr_limits lim = {
		.ports = 8, .flows = 64, .rules = 1, .hosts = 64, .nats = 1,
	};
	struct kit *k = kit_new(&lim);
	struct frame f;

	/* kit_new()'s ruleset of one rule stays in force. */
	assert_int_equal(kit_load(k, rules, 2, NULL, 0, 0), -7);
	assert_int_equal(kit_load(k, rules + 1, 1, nats, 2, 0), -7);
	frame_udp(&f, WEB, "10.1.0.10", 1, "10.1.0.20", 2, 9);
	kit_rx(k, WEB, &f);
	kit_one(k, DB);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
