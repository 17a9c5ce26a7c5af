/*
 * The pcapng writer: what it writes is what libpcap reads, and each block and
 * option stands where the format says.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/pcapng.h"

struct sink {
	uint8_t	bytes[1 << 16];
	size_t	len;
	size_t	fail_after;	/* refuse what goes beyond; 0: never */
};

static int sink_write(void *ctx, const void *data, size_t len)
{
	struct sink *s = ctx;

	if (s->fail_after && s->len + len > s->fail_after)
		return -ENOSPC;
	assert_true(s->len + len <= sizeof(s->bytes));
	memcpy(s->bytes + s->len, data, len);
	s->len += len;
	return 0;
}

static uint32_t get32(const struct sink *s, size_t at)
{
	uint32_t v;

	assert_true(at + 4 <= s->len);
	memcpy(&v, s->bytes + at, 4);
	return v;
}

static uint16_t get16(const struct sink *s, size_t at)
{
	uint16_t v;

	assert_true(at + 2 <= s->len);
	memcpy(&v, s->bytes + at, 2);
	return v;
}

/* Offset of the n-th block of a type; walks all, so lengths must agree. */
static size_t find_block(const struct sink *s, uint32_t type, unsigned int n)
{
	size_t at = 0, found = (size_t)-1;

	while (at < s->len) {
		uint32_t len = get32(s, at + 4);

		assert_true(len >= 12 && len % 4 == 0);
		assert_int_equal(get32(s, at + len - 4), len);
		if (get32(s, at) == type && n-- == 0)
			found = at;
		at += len;
	}
	assert_int_equal(at, s->len);
	assert_true(found != (size_t)-1);
	return found;
}

/* Offset of an option's value among the options that begin at `at`. */
static size_t find_option(const struct sink *s, size_t at, uint16_t code,
			  uint16_t *len)
{
	while (get16(s, at) != 0) {
		*len = get16(s, at + 2);
		if (get16(s, at) == code)
			return at + 4;
		at += 4 + ((*len + 3) & ~3);
	}
	fail_msg("no option %u", code);
	return 0;
}

static const uint8_t frame[61] = { 1, 2, 3, 4, 5, 6, 7 };

static void write_all(struct sink *s, struct pcapng *w)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct pcapng_iface wan = {
		.name = "wan", .description = "nic wan", .mac = mac,
		.filter = "tcp port 80", .speed_bps = 1000000000,
	};
	struct pcapng_packet p = {
		.iface = 1, .time_ns = 1700000000123456789ull,
		.data = frame, .caplen = sizeof(frame), .len = 1500,
		.direction = PCAPNG_DIR_OUT, .csum_partial = true, .gso = true,
		.verdict = PCAPNG_VERDICT_DROP, .id = 42,
		.comment = "drop rule=web.vfr:12",
	};
	struct pcapng_stats st = {
		.start_ns = 5, .end_ns = 1ull << 40, .received = 1,
		.dropped = 2, .accepted = 3, .lost = 4, .delivered = 5,
	};

	assert_int_equal(pcapng_begin(w, sink_write, s, 96, "sluice", "c"), 0);
	assert_int_equal(pcapng_add_iface(w, &wan), 0);
	assert_int_equal(pcapng_add_iface(w, &(struct pcapng_iface){
		.name = "web" }), 0);
	assert_int_equal(pcapng_packet(w, &p), 0);
	assert_int_equal(pcapng_stats(w, 1, &st), 0);
}

static void test_blocks(void **state)
{
	struct sink s = { .len = 0 };
	struct pcapng w;
	uint16_t len;
	size_t at, opt;

	write_all(&s, &w);
	at = find_block(&s, 0x0a0d0d0a, 0);
	assert_int_equal(get32(&s, at + 8), 0x1a2b3c4d);

	/* one link type, one snap length, nanoseconds on each interface */
	for (unsigned int i = 0; i < 2; i++) {
		at = find_block(&s, 1, i);
		assert_int_equal(get16(&s, at + 8), 1);
		assert_int_equal(get32(&s, at + 12), 96);
		opt = find_option(&s, at + 16, 9, &len);
		assert_int_equal(s.bytes[opt], 9);
	}
	at = find_block(&s, 1, 0);
	opt = find_option(&s, at + 16, 11, &len);
	assert_int_equal(len, 1 + strlen("tcp port 80"));
	assert_int_equal(s.bytes[opt], 0);

	at = find_block(&s, 6, 0);
	assert_int_equal(get32(&s, at + 8), 1);
	assert_int_equal((uint64_t)get32(&s, at + 12) << 32 |
			 get32(&s, at + 16), 1700000000123456789ull);
	assert_int_equal(get32(&s, at + 20), sizeof(frame));
	assert_int_equal(get32(&s, at + 24), 1500);
	at += 28 + 64;			/* 61 bytes are padded to 64 */
	opt = find_option(&s, at, 2, &len);
	assert_int_equal(get32(&s, opt), 2 | 1 << 9 | 1 << 11);
	opt = find_option(&s, at, 5, &len);
	assert_int_equal(get32(&s, opt), 42);
	opt = find_option(&s, at, 7, &len);
	assert_int_equal(len, 9);
	assert_int_equal(s.bytes[opt], 2);
	assert_int_equal(s.bytes[opt + 1], 1);

	at = find_block(&s, 5, 0);
	opt = find_option(&s, at + 20, 3, &len);
	assert_int_equal(get32(&s, opt), 256);	/* high word first */
	for (uint16_t code = 4; code <= 8; code++) {
		opt = find_option(&s, at + 20, code, &len);
		assert_int_equal(get32(&s, opt), code - 3);
	}
}

static void test_libpcap_reads_it(void **state)
{
	char err[PCAP_ERRBUF_SIZE];
	struct sink s = { .len = 0 };
	struct pcap_pkthdr *h;
	const u_char *data;
	struct pcapng w;
	pcap_t *p;

	write_all(&s, &w);
	p = pcap_fopen_offline_with_tstamp_precision(
		fmemopen(s.bytes, s.len, "rb"), PCAP_TSTAMP_PRECISION_NANO,
		err);
	assert_non_null(p);
	assert_int_equal(pcap_datalink(p), DLT_EN10MB);
	assert_int_equal(pcap_next_ex(p, &h, &data), 1);
	assert_int_equal(h->ts.tv_sec, 1700000000);
	assert_int_equal(h->ts.tv_usec, 123456789);
	assert_int_equal(h->caplen, sizeof(frame));
	assert_int_equal(h->len, 1500);
	assert_memory_equal(data, frame, sizeof(frame));
	assert_int_equal(pcap_next_ex(p, &h, &data), PCAP_ERROR_BREAK);
	pcap_close(p);
}

static void test_cuts_to_snaplen(void **state)
{
	static const uint8_t big[200];
	struct sink s = { .len = 0 };
	struct pcapng_packet p = {
		.data = big, .caplen = 200, .len = 200,
		.verdict = PCAPNG_VERDICT_NONE,
	};
	struct pcapng w;
	size_t at;

	assert_int_equal(pcapng_begin(&w, sink_write, &s, 96, NULL, NULL), 0);
	assert_int_equal(pcapng_add_iface(&w, &(struct pcapng_iface){ 0 }), 0);
	assert_int_equal(pcapng_packet(&w, &p), 0);
	at = find_block(&s, 6, 0);
	assert_int_equal(get32(&s, at + 20), 96);
	assert_int_equal(get32(&s, at + 24), 200);
	assert_int_equal(get32(&s, at + 4), 32 + 96);	/* no options */
}

/* A comment longer than the room is cut between characters, not within. */
static void test_cuts_text(void **state)
{
	struct sink s = { .len = 0 };
	char comment[8192];
	struct pcapng_packet p = {
		.data = frame, .caplen = 1, .len = 1, .comment = comment,
		.verdict = PCAPNG_VERDICT_PASS,
	};
	struct pcapng w;
	uint16_t len;
	size_t at, opt;

	for (size_t i = 0; i < sizeof(comment) - 1; i++)
		comment[i] = i % 2 ? '\xa4' : '\xc3';	/* a-umlaut */
	comment[sizeof(comment) - 1] = '\0';
	assert_int_equal(pcapng_begin(&w, sink_write, &s, 96, NULL, NULL), 0);
	assert_int_equal(pcapng_add_iface(&w, &(struct pcapng_iface){ 0 }), 0);
	assert_int_equal(pcapng_packet(&w, &p), 0);
	at = find_block(&s, 6, 0);
	opt = find_option(&s, at + 32, 1, &len);
	assert_true(len > 1000 && len % 2 == 0);
	assert_int_equal(s.bytes[opt + len - 1], 0xa4);
}

static void test_refuses(void **state)
{
	struct sink s = { .len = 0 };
	struct pcapng_packet p = { .data = frame, .caplen = 1, .len = 1 };
	struct pcapng w;

	assert_int_equal(pcapng_begin(&w, sink_write, &s, 0, NULL, NULL),
			 -EMSGSIZE);
	assert_int_equal(pcapng_begin(&w, sink_write, &s,
				      PCAPNG_SNAPLEN_MAX + 1, NULL, NULL),
			 -EMSGSIZE);
	assert_int_equal(pcapng_begin(&w, sink_write, &s, 96, NULL, NULL), 0);
	assert_int_equal(pcapng_packet(&w, &p), -EINVAL);
	assert_int_equal(pcapng_stats(&w, 0, &(struct pcapng_stats){ 0 }),
			 -EINVAL);
}

/* Wherever the disk is full, the writer says so, then and for ever. */
static void test_full_disk(void **state)
{
	struct sink whole = { .len = 0 };
	struct pcapng w;

	write_all(&whole, &w);
	for (size_t n = 1; n < whole.len; n++) {
		struct sink s = { .fail_after = n };
		struct pcapng_packet p = { .data = frame, .caplen = 61,
					   .len = 61 };
		size_t len;

		if (pcapng_begin(&w, sink_write, &s, 96, "sluice", "c") == 0)
			pcapng_add_iface(&w, &(struct pcapng_iface){ 0 });
		while (!w.error)
			pcapng_packet(&w, &p);
		len = s.len;
		s.fail_after = 0;	/* room again: still dead */
		if (w.nr_ifaces)
			assert_int_equal(pcapng_packet(&w, &p), -ENOSPC);
		assert_int_equal(w.error, -ENOSPC);
		assert_int_equal(s.len, len);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_libpcap_reads_it),
		cmocka_unit_test(test_cuts_to_snaplen),
		cmocka_unit_test(test_cuts_text),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
