/*
 * The ruleset blob: what is written opens again, what is damaged does not.
 */
#include "vfr_kit.h"

#include <time.h>

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

/* So large as a router that has the most of everything takes them, and more. */
enum { MANY = 65534 };

/* A ruleset of NICs, a VLAN each, on devices of one name or of as many; the
   last one is like `twin`, if that is no NIC's number. */
static void *nics_blob(uint32_t nr, uint32_t devices, uint32_t twin,
		       uint32_t nets, size_t *len)
{
	struct vfr_rs_port *ports = calloc(nr, sizeof(*ports));
	struct vfr_rs_net *n = calloc(nets + 1, sizeof(*n));
	char *strings = calloc(devices + 1, 8);
	size_t cls_len;
	struct vfr_rs_parts p = {
		.strings = strings, .nr_strings = 8 * (devices + 1),
		.ports = ports, .nr_ports = nr, .nets = n, .nr_nets = nets,
	};
	void *cls = kit_classifier(NULL, 0, &cls_len), *blob;
	uint32_t i;

	p.classifier = cls;
	p.nr_classifier = (uint32_t)cls_len;
	for (i = 0; i < devices; i++)
		snprintf(strings + 8 * (i + 1), 8, "d%u", i % 100000);
	for (i = 0; i < nr; i++)
		ports[i] = (struct vfr_rs_port){
			.name = 8, .device = 8 * (1 + i % devices),
			.kind = VFR_PORT_NIC, .net = VFR_NONE16,
			.vlan = (uint16_t)(i / devices),
		};
	if (twin < nr)
		ports[nr - 1] = ports[twin];
	for (i = 0; i < nets; i++)
		n[i] = (struct vfr_rs_net){ .name = 8, .nic = (uint16_t)i,
					    .kind = VFR_NET_BRIDGED };
	*len = vfr_ruleset_size(&p);
	blob = malloc(*len);
	vfr_ruleset_write(&p, blob);
	free(cls);
	free(strings);
	free(n);
	free(ports);
	return blob;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Whoever loads a ruleset holds up all packets meanwhile. */
static void test_many(void **state)
{
	static const struct vfr_limits most = { .ports = 4096, .flows = 64,
						.rules = 1, .hosts = 1 << 16 };
	static const struct {
		const char *what;
		uint32_t nr, devices, twin, nets;
		const char *why;
	} m[] = {
		{ "a device each", 16384, 16384, MANY, 0, NULL },
		{ "a few devices of many VLANs", 16384, 8, MANY, 0, NULL },
		{ "a bridged net each", 16384, 16384, MANY, 16384, NULL },
		{ "one like the first", 16384, 8, 0, 0, "two ports are the same device and VLAN" },
		{ "one like the last", 16384, 16384, 16382, 0, "two ports are the same device and VLAN" },
		{ "too many ports", MANY, MANY, MANY, 0, "more ports than this router has room for" },
	};
	struct kit *k = kit_empty(&most);
	const char *why;
	double start;
	unsigned int i;
	size_t len;

	for (i = 0; i < ARRAY_LEN(m); i++) {
		void *blob = nics_blob(m[i].nr, m[i].devices, m[i].twin,
				       m[i].nets, &len);
		int rc;

		k->blobs[k->nr_blobs++] = blob;
		why = NULL;
		start = seconds();
		rc = vfr_load(k->v, blob, len, 0, k->now, NULL, &why);
		if (seconds() - start > 2)
			fail_msg("%s: %.1f s", m[i].what, seconds() - start);
		if (!rc != !m[i].why || (rc && strcmp(why, m[i].why)))
			fail_msg("%s: %d, %s", m[i].what, rc, why);
	}
	kit_free(k);
}

/* A net's number is kept in 16 bits. */
static void test_too_many_nets(void **state)
{
	struct vfr_ruleset rs;
	const char *why;
	size_t len;
	void *blob = nics_blob(1, 1, MANY, 65536, &len);

	assert_int_equal(vfr_ruleset_open(&rs, blob, len, &why), -22);
	assert_string_equal(why, "too many nets");
	free(blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_too_many_nets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
