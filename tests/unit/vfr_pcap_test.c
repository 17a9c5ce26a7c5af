/*
 * Real captures through the packet path: whole, cut short at every byte of
 * the first packets, and with every byte of them changed.  Nothing may leak,
 * and everything must be accounted for.  Needs DATA (make test DATA=...).
 */
#include "vfr_kit.h"

#include <dirent.h>

#include <pcap/pcap.h>

#define BYTES 3000	/* of each capture: cut and changed at each of them */

static const struct kit_rule rules[] = {
	{ VFR_DENY, .proto = 17, .dport_lo = 9, .flags = VFR_RULE_LOG },
	{ VFR_ALLOW, .proto = 1, .flags = VFR_RULE_STATELESS },
	{ VFR_ALLOW },
};
static const struct kit_nat nats[] = {
	{ VFR_NAT_MASQUERADE, .match = "0.0.0.0/0", .port = WAN },
};

/* From the LAN, so that any source but our own may be; to our MAC. */
static void feed(struct kit *k, const struct frame *f)
{
	struct vfr_packet *p = kit_packet(k, f, 0);

	if (p->hdr_len >= 12) {
		memcpy(p->hdr, kit_gw_mac[LAN], 6);
		memcpy(p->hdr + 6, kit_mac[LAN], 6);
	}
	k->now += 100000;
	k->trace.nr = 0;
	vfr_rx(k->v, LAN, &p, 1, k->now);
}

static void replay(struct kit *k, const char *path)
{
	char err[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline(path, err);
	struct pcap_pkthdr *h;
	const u_char *bytes;
	static struct frame f, g;
	uint32_t i, spent = 0;

	if (!p)
		fail_msg("%s: %s", path, err);
	while (pcap_next_ex(p, &h, &bytes) == 1) {
		f.len = h->caplen;
		if (!f.len || f.len > 65000)
			continue;
		memcpy(f.b, bytes, f.len);
		feed(k, &f);
		for (i = 1; i < f.len && spent < BYTES; i++, spent++) {
			memcpy(g.b, f.b, f.len);
			g.len = i;
			feed(k, &g);
			g.len = f.len;
			g.b[i] ^= (uint8_t)(1 << i % 8);
			feed(k, &g);
			g.b[i] = 0xff;
			feed(k, &g);
		}
		kit_account(k);
	}
	pcap_close(p);
}

static void test_captures(void **state)
{
	const char *data = getenv("SLUICE_DATA");
	char path[4096];
	struct dirent *e;
	int n = 0;
	DIR *d;

	if (!data)
		skip();
	snprintf(path, sizeof(path), "%s/pcap", data);
	d = opendir(path);
	if (!d)
		fail_msg("%s: not there", path);
	while ((e = readdir(d))) {
		struct kit *k;

		if (!strstr(e->d_name, ".pcap"))
			continue;
		snprintf(path, sizeof(path), "%s/pcap/%s", data, e->d_name);
		k = kit_new(NULL);
		assert_int_equal(kit_load(k, rules, 3, nats, 1, 0), 0);
		replay(k, path);
		kit_wait(k, 60);
		kit_free(k);
		n++;
	}
	closedir(d);
	print_message("%d captures\n", n);
	assert_true(n > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
