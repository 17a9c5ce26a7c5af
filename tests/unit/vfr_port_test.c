/*
 * Devices behind the ports: they come, go, have two names, and may be full.
 */
#include "vfr_kit.h"

static void test_egress_full(void **state)
{
	struct kit *k = kit_new(NULL);
	struct frame f;

	KIT_LOAD(k, allow_all);
	k->refuse_port = DB;
	frame_udp(&f, WEB, "10.1.0.10", 5, "10.1.0.20", 6, 30);
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "queue_full");
	vfr_port_link(k->v, WAN, false);
	frame_udp(&f, WEB, "10.1.0.10", 5, "203.0.113.1", 6, 30);
	kit_rx(k, WEB, &f);
	assert_string_equal(kit_last_reason(k), "link_down");
	assert_int_equal(k->packets_out, 0);
	kit_free(k);
}

static void test_detach(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_device d = { .name = "web", .mtu = 1500 };
	struct vfr_stats st;
	struct frame f;

	KIT_LOAD(k, allow_all);
	frame_udp(&f, WEB, "10.1.0.10", 5, "192.168.1.77", 1, 9);
	kit_rx(k, WEB, &f);		/* held for its neighbour */
	frame_udp(&f, DB, "10.1.0.20", 5, "10.1.0.10", 1, 9);
	kit_rx(k, DB, &f);
	vfr_stats(k->v, &st);
	assert_int_equal(st.flows, 2);
	assert_int_equal(k->packets_out, 1);
	assert_int_equal(vfr_port_detach(k->v, WEB), 0);
	assert_int_equal(k->packets_out, 0);
	vfr_stats(k->v, &st);
	assert_int_equal(st.flows, 0);
	kit_rx(k, DB, &f);
	assert_string_equal(kit_last_reason(k), "port_down");
	assert_int_equal(vfr_port_attach(k->v, &d), -22);
	kit_free(k);
}

static int nowhere(void *ctx, struct vfr_packet *p)
{
	return -5;
}

/* A device goes by two names; neither may be taken by another. */
static void test_alias(void **state)
{
	static const struct vfr_port_ops ops = { .transmit = nowhere };
	struct vfr_device a = { .name = "nic7", .alias = "0000:00:07.0",
				.mtu = 1500, .ops = &ops };
	struct vfr_device b = { .name = "0000:00:07.0", .mtu = 1500,
				.ops = &ops };
	struct vfr_device c = { .name = "nic8", .alias = "nic7", .mtu = 1500,
				.ops = &ops };
	struct kit *k = kit_new(NULL);
	int port = vfr_port_attach(k->v, &a);

	assert_true(port >= 0);
	assert_int_equal(vfr_port_find(k->v, "nic7"), port);
	assert_int_equal(vfr_port_find(k->v, "0000:00:07.0"), port);
	assert_int_equal(vfr_port_find(k->v, ""), -2);
	assert_int_equal(vfr_port_attach(k->v, &b), -17);
	assert_int_equal(vfr_port_attach(k->v, &c), -17);
	assert_int_equal(vfr_port_detach(k->v, (unsigned)port), 0);
	port = vfr_port_attach(k->v, &b);
	assert_true(port >= 0);
	assert_int_equal(vfr_port_find(k->v, "nic7"), -2);
	kit_free(k);
}

/* A flow has two ends: none is opened to a domain that is not there yet. */
static void test_absent(void **state)
{
	struct kit *k = kit_new(NULL);
	struct vfr_stats st;
	struct frame f;

	assert_int_equal(vfr_port_detach(k->v, WEB), 0);
	KIT_LOAD(k, allow_all);
	frame_udp(&f, DB, "10.1.0.20", 5, "10.1.0.10", 1, 9);
	kit_rx(k, DB, &f);
	assert_string_equal(kit_last_reason(k), "port_down");
	KIT_LOAD(k, allow_all);		/* judges every flow anew */
	kit_rx(k, DB, &f);
	assert_string_equal(kit_last_reason(k), "port_down");
	vfr_stats(k->v, &st);
	assert_int_equal(st.flows, 0);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_egress_full),
		cmocka_unit_test(test_detach),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
