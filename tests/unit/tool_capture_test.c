/*
 * Captures: both time resolutions and pcapng come out in nanoseconds, what is
 * no Ethernet capture is refused, and a damaged file says where.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/capture.h"

static const uint8_t frame[60] = { 2, 0, 0, 0, 0, 1 };

/* A classic capture of two packets in memory; its length. */
static size_t make_capture(char **bytes, int linktype, int precision)
{
	pcap_t *p = pcap_open_dead_with_tstamp_precision(linktype, 96,
							 precision);
	size_t len;
	FILE *f = open_memstream(bytes, &len);
	pcap_dumper_t *d = pcap_dump_fopen(p, f);
	struct pcap_pkthdr h = { .caplen = 60, .len = 1000 };

	h.ts.tv_sec = 1700000000;
	h.ts.tv_usec = 250000;
	pcap_dump((u_char *)d, &h, frame);
	h.ts.tv_sec++;
	pcap_dump((u_char *)d, &h, frame);
	pcap_dump_close(d);
	pcap_close(p);
	return len;
}

static int open_bytes(struct capture **c, const char *bytes, size_t len,
		      char *error)
{
	return capture_open_stream(c, fmemopen((void *)bytes, len, "rb"),
				   "test", error);
}

static void test_times(void **state)
{
	static const struct {
		int precision;
		uint64_t fraction_ns;
	} cases[] = {
		{ PCAP_TSTAMP_PRECISION_MICRO, 250000000 },
		{ PCAP_TSTAMP_PRECISION_NANO, 250000 },
	};

	for (size_t i = 0; i < 2; i++) {
		char *bytes, error[CAPTURE_ERROR_MAX];
		size_t len = make_capture(&bytes, DLT_EN10MB,
					  cases[i].precision);
		struct capture_packet p;
		struct capture *c;

		assert_int_equal(open_bytes(&c, bytes, len, error), 0);
		assert_int_equal(capture_next(c, &p), 1);
		assert_int_equal(p.number, 1);
		assert_int_equal(p.time_ns, 1700000000000000000ull +
				 cases[i].fraction_ns);
		assert_int_equal(p.caplen, 60);
		assert_int_equal(p.len, 1000);
		assert_memory_equal(p.data, frame, 60);
		assert_int_equal(capture_next(c, &p), 1);
		assert_int_equal(p.number, 2);
		assert_int_equal(capture_next(c, &p), 0);
		capture_close(c);
		free(bytes);
	}
}

static void test_refuses_other_links(void **state)
{
	char *bytes, error[CAPTURE_ERROR_MAX];
	size_t len = make_capture(&bytes, DLT_LINUX_SLL,
				  PCAP_TSTAMP_PRECISION_NANO);
	struct capture *c;

	assert_int_equal(open_bytes(&c, bytes, len, error), -EINVAL);
	assert_non_null(strstr(error, "only Ethernet"));
	free(bytes);
}

static void test_refuses_what_is_not_there(void **state)
{
	char error[CAPTURE_ERROR_MAX];
	struct capture *c;

	assert_int_equal(capture_open(&c, "no/such/file", error), -ENOENT);
	assert_non_null(strstr(error, "no/such/file"));
	assert_int_equal(capture_open(&c, "/", error), -EISDIR);
}

/* Cut anywhere: opened or refused, never more packets than are whole. */
static void test_cut_anywhere(void **state)
{
	char *bytes, error[CAPTURE_ERROR_MAX];
	size_t len = make_capture(&bytes, DLT_EN10MB,
				  PCAP_TSTAMP_PRECISION_NANO);

	for (size_t cut = 1; cut < len; cut++) {
		char *part = malloc(cut);
		struct capture_packet p;
		struct capture *c;
		unsigned int n = 0;
		int rc;

		memcpy(part, bytes, cut);
		rc = open_bytes(&c, part, cut, error);
		if (cut < 24)
			assert_int_equal(rc, -EINVAL);
		if (rc == 0) {
			while ((rc = capture_next(c, &p)) == 1)
				n++;
			assert_int_equal(n, (cut - 24) / 76);
			assert_int_equal(rc, (cut - 24) % 76 ? -EINVAL : 0);
			if (rc)
				assert_non_null(strstr(capture_error(c),
						       "damaged after packet"));
			capture_close(c);
		}
		free(part);
	}
	free(bytes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_refuses_other_links),
		cmocka_unit_test(test_refuses_what_is_not_there),
		cmocka_unit_test(test_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
