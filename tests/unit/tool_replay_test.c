/*
 * Captures through the lab, whole and broken: every byte of every packet
 * changed, every packet cut at every length, every byte of small files changed.
 * Nothing may leak or read too far (sanitizers), and the VFR's books must
 * balance after each run.
 *
 * Without SLUICE_DATA the test makes its own packets; with it, all captures in
 * SLUICE_DATA/pcap go the same way, and none there is a failure.
 */
#include <dirent.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pcap/pcap.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/feed.h"
#include "tools/rulefile.h"

#define SMALL_FILE	2500		/* bytes: mutated as a whole file */
#define PATH_LEN	512

static const char rules_text[] =
	"nic wan address 203.0.113.2/24, 2001:db8::2/64"
	" gateway 203.0.113.1, 2001:db8::1\n"
	"nic lan device nic1 address 192.168.1.1/24\n"
	"net dmz 10.1.0.0/24, 2001:db8:1::/64\n"
	"domain web on dmz address 10.1.0.10, 2001:db8:1::10\n"
	"redirect on wan tcp 8080 to web tcp 80\n"
	"masquerade dmz out wan\n"
	"allow tcp 80 from any to web\n"
	"allow udp 53 from any to any log \"dns\"\n"
	"allow icmp from any to any limit 10/second\n"
	"reject tcp 23 from any to any\n"
	"allow any from web to any\n"
	"deny any from any to any log \"denied\"\n";

struct bench {
	struct rulefile	f;
	struct lab	lab;
	struct feed	feed;
};

static void open_bench(struct bench *b)
{
	char path[] = "/tmp/tool_replay_test.XXXXXX";
	int fd = mkstemp(path);
	const char *why = "";
	FILE *out = fdopen(fd, "w");

	assert_non_null(out);
	fputs(rules_text, out);
	fclose(out);
	memset(b, 0, sizeof(*b));
	assert_int_equal(rulefile_open(&b->f, path, RULEFILE_COMPILE, NULL),
			 0);
	remove(path);
	assert_int_equal(lab_create(&b->lab, b->f.blob, b->f.blob_len, NULL,
				    &why), 0);
	assert_int_equal(feed_begin(&b->feed, &b->lab), 0);
}

/* What came in went out, was taken, was dropped or is held; on each port. */
static void check_books(const struct lab *l)
{
	uint64_t forwarded = 0, sent = 0;
	struct vfr_port_stats st;
	unsigned int i, r;

	for (i = 0; i <= l->limits.ports; i++) {
		unsigned int port = i < l->limits.ports ? i : VFR_PORT_SELF;
		uint64_t sum;

		if (vfr_port_stats(l->v, port, &st))
			continue;
		sum = st.forwarded + st.local + st.held;
		for (r = 0; r < VFR_NR_REASONS; r++)
			sum += st.drops[r];
		assert_int_equal(st.rx_packets, sum);
		forwarded += st.forwarded;
		sent += st.tx_packets;
	}
	assert_int_equal(forwarded, sent);
}

static void close_bench(struct bench *b)
{
	check_books(&b->lab);
	feed_end(&b->feed);
	lab_destroy(&b->lab);	/* asserts that every packet came back */
	rulefile_close(&b->f);
}

/* A packet as it is, cut at each length, and with each byte changed. */
static void torture(struct bench *b, const struct capture_packet *p)
{
	static const uint8_t flips[] = { 0xff, 0x01, 0x80 };
	struct capture_packet c = *p;
	uint8_t *copy;
	uint32_t i, j;

	feed_packet(&b->feed, p);
	for (i = 0; i < p->caplen; i++) {
		copy = malloc(i ? i : 1);	/* exact: ASan guards its end */
		memcpy(copy, p->data, i);
		c = *p;
		c.data = copy;
		c.caplen = c.len = i;
		feed_packet(&b->feed, &c);
		c.len = p->len;			/* cut by the capture only */
		feed_packet(&b->feed, &c);
		free(copy);
	}
	copy = malloc(p->caplen ? p->caplen : 1);
	memcpy(copy, p->data, p->caplen);
	c = *p;
	c.data = copy;
	for (i = 0; i < p->caplen; i++) {
		for (j = 0; j < sizeof(flips); j++) {
			copy[i] = p->data[i] ^ flips[j];
			feed_packet(&b->feed, &c);
		}
		copy[i] = p->data[i];
	}
	free(copy);
}

/* Read a capture to its end or first damage, and torture each packet. */
static unsigned int run_capture(FILE *stream, const char *name)
{
	char error[CAPTURE_ERROR_MAX];
	struct capture_packet p;
	struct capture *c;
	struct bench b;
	unsigned int n = 0;

	if (capture_open_stream(&c, stream, name, error))
		return 0;
	open_bench(&b);
	while (capture_next(c, &p) == 1) {
		torture(&b, &p);
		n++;
	}
	close_bench(&b);
	capture_close(c);
	return n;
}

/* Each byte of a small file changed, and the file cut at each length. */
static void torture_file(const char *bytes, size_t len, const char *name)
{
	char error[CAPTURE_ERROR_MAX];
	struct capture_packet p;
	struct capture *c;
	struct bench b;
	size_t i;

	open_bench(&b);
	for (i = 1; i < 2 * len; i++) {
		size_t part = i < len ? i : len;
		char *copy = malloc(part);

		memcpy(copy, bytes, part);
		if (i >= len)
			copy[i - len] ^= 0xff;
		if (capture_open_stream(&c, fmemopen(copy, part, "rb"), name,
					error) == 0) {
			b.feed.started = false;
			while (capture_next(c, &p) == 1)
				feed_packet(&b.feed, &p);
			capture_close(c);
		}
		free(copy);
	}
	close_bench(&b);
}

static const struct {
	const char	 *what;
	struct frame_spec spec;		/* addresses follow from is_v6 */
	bool		  is_v6, from_web;
} made[] = {
	{ "TCP SYN to web", { .proto = IPPROTO_TCP, .dport = 80,
	  .tcp_flags = TH_SYN } },
	{ "TCP answer", { .proto = IPPROTO_TCP, .sport = 80, .dport = 40000,
	  .tcp_flags = TH_SYN | TH_ACK }, .from_web = true },
	{ "UDP", { .proto = IPPROTO_UDP, .dport = 53, .payload_len = 30 } },
	{ "echo request", { .proto = IPPROTO_ICMP, .icmp_type = 8,
	  .payload_len = 56 } },
	{ "rejected TCP", { .proto = IPPROTO_TCP, .dport = 23,
	  .tcp_flags = TH_SYN } },
	{ "masqueraded UDP", { .proto = IPPROTO_UDP, .dport = 123,
	  .payload_len = 48 }, .from_web = true },
	{ "first fragment", { .proto = IPPROTO_UDP, .dport = 53,
	  .payload_len = 64, .more_frags = true, .ip_id = 9 } },
	{ "later fragment", { .proto = IPPROTO_UDP, .frag_off = 72,
	  .payload_len = 16, .ip_id = 9 } },
	{ "SCTP", { .proto = IPPROTO_SCTP, .dport = 80 } },
	{ "hop limit runs out", { .proto = IPPROTO_TCP, .dport = 80, .ttl = 1,
	  .tcp_flags = TH_SYN } },
	{ "TCP over IPv6", { .proto = IPPROTO_TCP, .dport = 80,
	  .tcp_flags = TH_SYN }, .is_v6 = true },
	{ "solicitation", { .proto = IPPROTO_ICMPV6, .ttl = 255,
	  .icmp_type = ND_NEIGHBOR_SOLICIT, .payload_len = 24 },
	  .is_v6 = true },
	{ "fragment of IPv6", { .proto = IPPROTO_UDP, .dport = 53,
	  .payload_len = 64, .more_frags = true, .ip_id = 3 }, .is_v6 = true },
};

static void fill_addresses(struct frame_spec *s, bool is_v6, bool from_web)
{
	static const struct vfr_addr far6 =
		{ { 0x20, 0x01, 0x0d, 0xb8, [7] = 9, [15] = 7 } };
	static const struct vfr_addr web6 =
		{ { 0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 0x10 } };
	struct vfr_addr far = is_v6 ? far6 : vfr_addr_v4(0xc6336407);
	struct vfr_addr web = is_v6 ? web6 : vfr_addr_v4(0x0a01000a);

	s->src = from_web ? web : far;
	s->dst = from_web ? far : web;
	if (!s->sport)
		s->sport = 40000;
	if (!s->ttl)
		s->ttl = 64;
}

/* Our own capture, with all shapes of packets in it. */
static size_t make_capture(char **bytes)
{
	pcap_t *p = pcap_open_dead_with_tstamp_precision(
		DLT_EN10MB, 65535, PCAP_TSTAMP_PRECISION_NANO);
	struct pcap_pkthdr h = { .ts = { .tv_sec = 1700000000 } };
	size_t len, i;
	FILE *f = open_memstream(bytes, &len);
	pcap_dumper_t *d = pcap_dump_fopen(p, f);

	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		struct frame_spec s = made[i].spec;
		uint8_t buf[512];
		int n;

		fill_addresses(&s, made[i].is_v6, made[i].from_web);
		n = frame_build(&s, buf, sizeof(buf));
		assert_true(n > 0);
		h.caplen = h.len = n;
		h.ts.tv_usec += 1000000;
		pcap_dump((u_char *)d, &h, buf);
	}
	pcap_dump_close(d);
	pcap_close(p);
	return len;
}

static void test_made(void **state)
{
	char *bytes;
	size_t len = make_capture(&bytes);
	unsigned int n = run_capture(fmemopen(bytes, len, "rb"), "made");

	assert_int_equal(n, sizeof(made) / sizeof(made[0]));
	torture_file(bytes, len, "made");
	free(bytes);
}

static void test_one_shared(const char *path)
{
	FILE *f = fopen(path, "rb");
	static char bytes[SMALL_FILE];
	size_t len;
	unsigned int n;

	assert_non_null(f);
	len = fread(bytes, 1, sizeof(bytes), f);
	rewind(f);
	n = run_capture(f, path);
	print_message("%s: %u packets\n", path, n);
	assert_true(n > 0);
	if (len < sizeof(bytes))
		torture_file(bytes, len, path);
}

static void test_shared(void **state)
{
	const char *data = getenv("SLUICE_DATA");
	char folder[PATH_LEN], path[2 * PATH_LEN];
	unsigned int nr = 0;
	struct dirent *e;
	DIR *dir;

	if (!data)
		skip();
	snprintf(folder, sizeof(folder), "%s/pcap", data);
	dir = opendir(folder);
	assert_non_null(dir);
	while ((e = readdir(dir))) {
		if (!strstr(e->d_name, ".pcap"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		test_one_shared(path);
		nr++;
	}
	closedir(dir);
	assert_true(nr > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
