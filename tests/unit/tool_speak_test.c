/*
 * Conversations: both ends of a TCP connection count what they sent and saw,
 * also when a translation stands between them.
 */
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/rulefile.h"
#include "tools/speak.h"

static const char rules_text[] =
	"nic wan address 203.0.113.2/24 gateway 203.0.113.1\n"
	"net dmz 10.1.0.0/24\n"
	"domain web on dmz address 10.1.0.10\n"
	"redirect on wan tcp 8080 to web tcp 80\n"
	"masquerade dmz out wan\n"
	"allow tcp 80 from any to web\n"
	"allow tcp 443 from web to any\n"
	"expect sequence \"redirected\" {\n"
	"    allow tcp 198.51.100.7:40000 -> 203.0.113.2:8080\n"
	"    allow reply flags SA\n"
	"    allow again flags A\n"
	"    allow again flags A size 100\n"
	"    allow reply flags A size 1000\n"
	"    allow again flags FA\n"
	"    allow reply flags A\n"
	"}\n"
	"expect sequence \"masqueraded\" {\n"
	"    allow tcp web:40000 -> 192.0.2.9:443\n"
	"    allow reply\n"		/* SYN, ACK without being told */
	"    allow again flags A size 7\n"
	"    allow reply size 9\n"
	"}\n";

/* The first numbers that each end sends differ by these from its first. */
struct numbers {
	uint32_t seq, ack;
	uint8_t	 flags;
};

#define ISN 1000	/* where each end begins, see speak.c */

static const struct numbers redirected[] = {
	{ 0, 0, TH_SYN },
	{ 0, 1, TH_SYN | TH_ACK },
	{ 1, 1, TH_ACK },
	{ 1, 1, TH_ACK },
	{ 1, 101, TH_ACK },
	{ 101, 1001, TH_FIN | TH_ACK },
	{ 1001, 102, TH_ACK },
};

static const struct numbers masqueraded[] = {
	{ 0, 0, TH_SYN },
	{ 0, 1, TH_SYN | TH_ACK },
	{ 1, 1, TH_ACK },
	{ 1, 8, TH_ACK },
};

static void run(struct lab *lab, const struct rules_expect *e,
		const struct numbers *want, size_t nr)
{
	const struct rules_step *step = e->steps;
	struct speak s;

	assert_int_equal(lab_reset(lab), 0);
	speak_begin(&s, lab);
	for (size_t i = 0; i < nr; i++) {
		const uint8_t *tcp;
		uint32_t seq, ack;
		struct text got;

		assert_non_null(step);
		if (!speak_step(&s, step, &got))
			fail_msg("%s, step %zu: %s", e->node.name, i, got.s);
		tcp = s.sent + 14 + 20;
		memcpy(&seq, tcp + 4, 4);
		memcpy(&ack, tcp + 8, 4);
		assert_int_equal(__builtin_bswap32(seq), ISN + want[i].seq);
		if (want[i].flags & TH_ACK)
			assert_int_equal(__builtin_bswap32(ack),
					 ISN + want[i].ack);
		assert_int_equal(tcp[13], want[i].flags);
		step = (const struct rules_step *)step->node.next;
	}
	assert_null(step);
	speak_end(&s);
}

static void test_numbers(void **state)
{
	char path[] = "/tmp/tool_speak_test.XXXXXX";
	const struct rules_node *n;
	const char *why = "";
	struct rulefile f;
	struct lab lab;
	FILE *out = fdopen(mkstemp(path), "w");

	assert_non_null(out);
	fputs(rules_text, out);
	fclose(out);
	assert_int_equal(rulefile_open(&f, path, RULEFILE_COMPILE, NULL), 0);
	remove(path);
	assert_int_equal(lab_create(&lab, f.blob, f.blob_len, NULL, &why), 0);

	n = rules_next(&f.r, RULES_EXPECT, NULL);
	run(&lab, (const struct rules_expect *)n, redirected,
	    sizeof(redirected) / sizeof(redirected[0]));
	n = rules_next(&f.r, RULES_EXPECT, n);
	run(&lab, (const struct rules_expect *)n, masqueraded,
	    sizeof(masqueraded) / sizeof(masqueraded[0]));

	lab_destroy(&lab);
	rulefile_close(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
