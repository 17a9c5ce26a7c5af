/*
 * Text that means harm: an error, in bounded time and memory, never a crash;
 * and memory that runs out at every single allocation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "rules_common.h"

#define MEM (256u << 20)
#define SECONDS_MAX 10	/* with sanitizers, on a busy machine */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* rc of the whole way; what was said must hold `want`. */
static int feed(const char *text, size_t len, const char *want, size_t mem)
{
	static uint8_t buf[MEM] __attribute__((aligned(16)));
	double start = now();
	const void *blob;
	struct run run;
	size_t n;
	int rc;

	assert_true(mem <= sizeof(buf));
	run_init_at(&run, buf, mem);
	rc = run_all(&run, "t.vfr", text, len, &blob, &n);
	if (want && !strstr(run.said.s, want)) {
		fprintf(stderr, "expected `%s`, got:\n%.2000s\n", want,
			run.said.s);
		rc = 1;
	}
	assert_true(run.r.arena.used <= run.r.arena.size);
	/* Every error is bounded, whatever it quotes. */
	assert_true(run.said.len < 400 * 1024);
	run_done(&run);
	assert_true(now() - start < SECONDS_MAX);
	return rc;
}

/* A text of n pieces, between a head and a tail. */
static struct text many(const char *head, const char *piece, size_t n,
			const char *tail)
{
	struct text t = { NULL };

	text_add(&t, head, strlen(head));
	while (n--)
		text_add(&t, piece, strlen(piece));
	text_add(&t, tail, strlen(tail));
	return t;
}

static int feed_many(const char *head, const char *piece, size_t n,
		     const char *tail, const char *want)
{
	struct text t = many(head, piece, n, tail);
	int rc = feed(t.s, t.len, want, MEM);

	free(t.s);
	return rc;
}

static void test_sizes(void **state)
{
	static const struct {
		const char	*sentence;
		const char	*head, *piece;
		size_t		 n;
		const char	*tail, *want;
		int		 rc;
	} cases[] = {
		{ "a name of 1 MB", "domain ", "x", 1 << 20, " on dmz\n",
		  "at most 31 characters", -E2BIG },
		{ "a word of 1 MB as a rule's member", "allow tcp 80 from ",
		  "x", 1 << 20, " to any\n", "", -E2BIG },
		{ "an endless line", "allow tcp 80 ", " ", 1 << 20, "",
		  "longer than 65536 bytes", -E2BIG },
		{ "a string that never ends", "domain a { kernel \"", "k",
		  5000, "\n", "no closing", -EINVAL },
		{ "a long string", "domain a { kernel \"", "k", 5000,
		  "\"\n}\n", "longer than 4096 bytes", -EINVAL },
		{ "braces without end", "set a ", "{ ", 20000, "", "", -EINVAL },
		{ "services of braces", "service a { tcp ", "{ ", 20000, "", "",
		  -EINVAL },
		{ "a number without end", "allow tcp ", "9", 60000, "\n",
		  "ports run from 0 to 65535", -EINVAL },
		{ "a memory of all bits", "domain a { memory ", "9", 50,
		  "G\n}\n", "out of range", -EINVAL },
		{ "the same error again and again", "", "alow any\n", 100000,
		  "", "more than 100 errors", -E2BIG },
		{ "negations without end", "allow tcp 80 from ", "not ", 5000,
		  "a\n", "cannot be a name", -EINVAL },
		{ "commas without end", "set a { 1.2.3.4", ",", 50000, " }\n",
		  "not used", 0 },
		{ "blank lines without end", "", "\n", 1 << 20, "", "", 0 },
		{ "comments without end", "", "#\n", 1 << 20, "", "", 0 },
		{ "joined lines without end", "allow any", " \\\n", 100000,
		  " from any\n", "", 0 },
		{ "variables without end", "let a = 1\n",
		  "allow tcp $a\n", 1000, "", "redundant", 0 },
		{ "a variable that grows",
		  "let a = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
		  "let b = ", "$a", 20, "\nallow tcp $b\n",
		  "longer than 510 bytes", -EINVAL },
		{ "expects without end", "nic a address 10.0.0.1/24\n",
		  "expect deny tcp 10.0.0.2:1 -> 10.0.0.3:1\n", 20000, "", "",
		  0 },
		{ "rules without end", "", "allow tcp 80 from 1.2.3.4\n",
		  30000, "", "redundant", 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		int rc = feed_many(cases[i].head, cases[i].piece, cases[i].n,
				   cases[i].tail, cases[i].want);

		if (rc != cases[i].rc)
			fail_msg("%s: %d, not %d", cases[i].sentence, rc,
				 cases[i].rc);
	}
}

/* Each differs from all others, so all pairs of them would be compared. */
static void test_many_that_differ(void **state)
{
	static const struct {
		const char *before, *between, *after, *want;
	} cases[] = {
		{ "redirect on wan tcp 1 at 192.0.", ".", " to 10.1.0.10\n",
		  "too many translations" },
		{ "static 10.1.0.10 as 192.0.", ".", " on wan\n",
		  "too many translations" },
		{ "route 10.", ".", ".0/24 via 203.0.113.9\n", "" },
	};
	unsigned int i, n;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct text t = many("nic wan address 203.0.113.2/24\n", "",
				     0, "");
		char line[128];
		int rc;

		for (n = 0; n < 20000; n++)
			text_add(&t, line, (size_t)snprintf(line, sizeof(line),
				 "%s%u%s%u%s", cases[i].before, n / 250,
				 cases[i].between, n % 250, cases[i].after));
		rc = feed(t.s, t.len, cases[i].want, MEM);
		free(t.s);
		if (rc)
			fail_msg("%s...: %d", cases[i].before, rc);
	}
}

/* A name that doubles in each line: 2^40 members if it were written out. */
static void test_exponential(void **state)
{
	static const char *const forms[][2] = {
		{ "set s0 { 1.2.3.4 }\n", "set s%d { s%d, s%d, s%d }\n" },
		{ "set s0 { 80, 443 }\n", "set s%d { s%d, s%d, not s%d }\n" },
		{ "service s0 { tcp 80 }\n",
		  "service s%d { s%d, s%d, s%d }\n" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(forms); i++) {
		struct text t = many(forms[i][0], "", 0, "");
		char line[128];
		int k;

		for (k = 1; k <= 40; k++) {
			snprintf(line, sizeof(line), forms[i][1], k, k - 1,
				 k - 1, k - 1);
			text_add(&t, line, strlen(line));
		}
		assert_int_equal(feed(t.s, t.len, "deep", MEM), -E2BIG);
		free(t.s);
	}
}

/* As deep as it may be: the work must still be bounded. */
static void test_wide_and_deep(void **state)
{
	struct text t = many("set s0 { 80 }\nservice v0 { tcp 1, tcp 2 }\n", "",
			     0, "");
	char line[128];
	int k, j;

	for (k = 1; k <= 14; k++) {
		snprintf(line, sizeof(line), "set s%d { s%d", k, k - 1);
		text_add(&t, line, strlen(line));
		for (j = 0; j < 200; j++) {
			snprintf(line, sizeof(line), ", s%d", k - 1);
			text_add(&t, line, strlen(line));
		}
		snprintf(line, sizeof(line), " }\nservice v%d { v%d", k, k - 1);
		text_add(&t, line, strlen(line));
		for (j = 0; j < 200; j++) {
			snprintf(line, sizeof(line), ", v%d", k - 1);
			text_add(&t, line, strlen(line));
		}
		text_add(&t, " }\n", 3);
	}
	text_add(&t, "allow tcp s14\n", 14);
	assert_int_equal(feed(t.s, t.len, NULL, MEM), 0);
	text_add(&t, "allow v14\n", 10);
	assert_int_equal(feed(t.s, t.len, "services stand for more", MEM),
			 -EINVAL);
	free(t.s);
}

static void test_binary(void **state)
{
	uint32_t seed = 1;
	uint8_t text[4096];
	unsigned int i, k;

	for (k = 0; k < 200; k++) {
		for (i = 0; i < sizeof(text); i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = seed >> 24;
		}
		assert_int_not_equal(feed((char *)text, sizeof(text), NULL,
					  MEM / 64), 0);
	}
	assert_int_equal(feed("\0", 1, "cannot stand here", MEM), -EINVAL);
	assert_int_equal(feed("", 0, "", MEM), 0);
}

/* Nothing of a file's bytes may reach a terminal as a control. */
static void test_no_controls_shown(void **state)
{
	static const char text[] = "allow \033]0;x\007 \"\033[2J\"\n"
				   "set \"\033[31m\" {}\nalow \200\233\n";
	struct run run;
	size_t i;

	run_init(&run, MEM);
	rules_parse(&run.r, "a\033b.vfr", text, sizeof(text) - 1, 0);
	assert_true(run.said.len > 0);
	for (i = 0; i < run.said.len; i++)
		assert_true(run.said.s[i] == '\n' ||
			    (run.said.s[i] >= ' ' && run.said.s[i] < 0x7f));
	run_done(&run);
}

static void test_includes(void **state)
{
	static const struct memory_file loop[] = {
		{ "d/a.vfr", "include \"b.vfr\"\n" },
		{ "d/b.vfr", "include \"c.vfr\"\n" },
		{ "d/c.vfr", "include \"a.vfr\"\ninclude \"./b.vfr\"\n" },
		{ NULL },
	};
	static const struct memory_file twice[] = {
		{ "a", "include \"b\"\ninclude \"b\"\n" },
		{ "b", "include \"c\"\ninclude \"c\"\n" },
		{ "c", "include \"d\"\ninclude \"d\"\n" },
		{ "d", "include \"e\"\ninclude \"e\"\n" },
		{ "e", "include \"f\"\ninclude \"f\"\n" },
		{ "f", "include \"g\"\ninclude \"g\"\n" },
		{ "g", "include \"h\"\ninclude \"h\"\n" },
		{ "h", "include \"i\"\ninclude \"i\"\n" },
		{ "i", "" }, { NULL },
	};
	struct run run;

	run_init(&run, MEM);
	run.files = loop;
	assert_int_equal(rules_parse(&run.r, "d/a.vfr", NULL, 0, 0), -EINVAL);
	assert_non_null(strstr(run.said.s, "d/c.vfr:1:9: d/a.vfr includes "
			       "itself"));
	assert_non_null(strstr(run.said.s, "d/b.vfr includes itself"));
	run_done(&run);

	run_init(&run, MEM);
	run.files = twice;
	assert_int_equal(rules_parse(&run.r, "a", NULL, 0, 0), -EINVAL);
	assert_non_null(strstr(run.said.s, "more than 256 files"));
	run_done(&run);

	run_init(&run, MEM);
	run.files = twice;
	assert_int_equal(rules_parse(&run.r, "nowhere", NULL, 0, 0), -EINVAL);
	assert_non_null(strstr(run.said.s, "cannot read nowhere"));
	run_done(&run);
}

/* --- memory that runs out --- */

static const char whole_language[] =
	"nic wan address 203.0.113.2/24, 2001:db8::2/64 gateway 203.0.113.1\n"
	"nic t1 vlan 10 on wan address 10.9.0.1/24\n"
	"net dmz 10.1.0.0/24, 2001:db8:1::/64 mtu 1400\n"
	"net lan 192.168.1.0/24 bridged on wan\n"
	"domain web on dmz address 10.1.0.10, 2001:db8:1::10 routes "
	"10.8.0.0/24 {\n kernel \"k\" memory 16M\n disk xvda \"gpt:a\" ro\n"
	" after db }\n"
	"domain db on dmz address 10.1.0.20 on lan address any rate 1Mbit {\n"
	" kernel \"k\" memory 16M }\n"
	"let p = 5432\nlet m = 198.51.100.0/24\n"
	"set admins { $m, 203.0.113.77, web }\nset ports { 80, 8000-8100 }\n"
	"service http { tcp ports, tcp 443 }\n"
	"route default via 203.0.113.9 on wan from dmz\n"
	"redirect on wan tcp 8080 to web tcp 80\nmasquerade dmz out wan\n"
	"static 10.1.0.20 as 203.0.113.20 on wan\n"
	"allow http from not admins to { web, db }\n"
	"allow tcp $p from web to db.dmz flags S/SA stateless\n"
	"allow icmp echo-request from lan to web limit 5/second per source\n"
	"allow tcp 22 from 10.0.0.1-10.0.0.99 port 1024-65535 to dmz\n"
	"allow tcp 23 from nobody\n"
	"reject any from any to any log \"denied\" comment \"c\"\n"
	"expect allow tcp 198.51.100.7:1 -> web:80 then allow reply\n"
	"expect sequence \"x\" { deny udp web:1 -> db:2; wait 3s }\n";

/* The least memory with which the allocation that failed does not. */
static size_t next_cap(const struct run *run)
{
	return run->r.arena.size + run->r.arena.lacking;
}

/* The whole way in so much memory.  0, or -ENOMEM and *cap is the next. */
static int run_within(size_t *cap, unsigned int flags)
{
	const void *blob;
	struct run run;
	size_t len;
	int rc;

	run_init(&run, *cap);
	rc = run_flags(&run, "t.vfr", whole_language,
		       sizeof(whole_language) - 1, flags, &blob, &len);
	if (rc) {
		assert_int_equal(rc, -ENOMEM);
		assert_non_null(strstr(run.said.s, "out of memory"));
		*cap = next_cap(&run);
	}
	run_done(&run);
	return rc;
}

/* Every allocation fails once. */
static void test_each_allocation_fails(void **state)
{
	struct text fmt = { NULL };
	unsigned int flags;
	size_t cap, nr;

	for (flags = 0; flags <= RULES_FORGET; flags += RULES_FORGET) {
		cap = nr = 0;
		while (run_within(&cap, flags))
			nr++;
		assert_true(nr > 300);
	}
	for (cap = 0; cap < 32768; cap += 64) {
		int rc;

		fmt.len = 0;
		rc = run_format("t.vfr", whole_language,
				sizeof(whole_language) - 1, &fmt, cap);
		assert_true(rc == -ENOMEM || rc == 0);
	}
	assert_non_null(strstr(fmt.s, "expect sequence"));
	free(fmt.s);
}

/* The text cut off after every byte. */
static void test_each_truncation(void **state)
{
	size_t n;

	for (n = 0; n < sizeof(whole_language); n++) {
		char *copy = malloc(n ? n : 1);

		memcpy(copy, whole_language, n);
		feed(copy, n, NULL, 16u << 20);
		free(copy);
	}
}

/* Every byte replaced by others: a few each time, all of them in turn. */
static void test_each_mutation(void **state)
{
	static const char bytes[] = { 0, '\n', '{', '}', '"', '9', 'a', ':',
				      '/', '-', '$', '\\', (char)0xff };
	char copy[sizeof(whole_language)];
	size_t n, k;

	for (n = 0; n < sizeof(copy) - 1; n++)
		for (k = n % 3; k < ARRAY_LEN(bytes); k += 3) {
			memcpy(copy, whole_language, sizeof(copy));
			copy[n] = bytes[k];
			feed(copy, sizeof(copy) - 1, NULL, 16u << 20);
		}
}

/*
 * The same blob, byte for byte, in less memory; nets, domains and sets are
 * there as before, and packets in words still find them.
 */
static void test_forgotten_rules(void **state)
{
	static const char words[] = "tcp web:40000 -> db:22";
	const void *blob, *blob2;
	struct rules_packet k;
	struct run run, run2;
	size_t len, len2;

	run_init(&run, 32u << 20);
	run_init(&run2, 32u << 20);
	assert_int_equal(run_all(&run, "t.vfr", whole_language,
				 sizeof(whole_language) - 1, &blob, &len), 0);
	assert_int_equal(run_flags(&run2, "t.vfr", whole_language,
				   sizeof(whole_language) - 1, RULES_FORGET,
				   &blob2, &len2), 0);
	assert_int_equal(len, len2);
	assert_memory_equal(blob, blob2, len);
	assert_true(run2.r.arena.used < run.r.arena.used);
	assert_true(run2.r.arena.peak < run.r.arena.peak);
	assert_non_null(rules_next(&run.r, RULES_RULE, NULL));
	assert_null(rules_next(&run2.r, RULES_RULE, NULL));
	assert_non_null(rules_next(&run2.r, RULES_EXPECT, NULL));
	assert_int_equal(rules_packet_parse(&run2.r, words, sizeof(words) - 1,
					    &k), 0);
	run_done(&run);
	run_done(&run2);
}

/* What the memory of dom0 is reckoned with: docs/options.md. */
#define TEN_THOUSAND_MAX (15u << 20)

static void test_ten_thousand_rules(void **state)
{
	const void *blob;
	struct run run;
	size_t len;
	struct text t = many("nic wan address 203.0.113.2/24\n"
			     "net dmz 10.1.0.0/16\n"
			     "domain web on dmz address 10.1.1.1\n", "", 0, "");
	uint32_t seed = 7;
	char line[128];
	int i;

	for (i = 0; i < 10000; i++) {
		seed = seed * 1664525 + 1013904223;
		snprintf(line, sizeof(line), "allow tcp %u from 20.%u.%u.%u "
			 "to web\n", 1 + (seed >> 8) % 60000, seed >> 24,
			 i >> 8, i & 255);
		text_add(&t, line, strlen(line));
	}
	assert_int_equal(feed(t.s, t.len, "", MEM), 0);
	run_init(&run, TEN_THOUSAND_MAX);
	assert_int_equal(run_flags(&run, "t.vfr", t.s, t.len, RULES_FORGET,
				   &blob, &len), 0);
	run_done(&run);
	free(t.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_many_that_differ),
		cmocka_unit_test(test_exponential),
		cmocka_unit_test(test_wide_and_deep),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_no_controls_shown),
		cmocka_unit_test(test_includes),
		cmocka_unit_test(test_each_allocation_fails),
		cmocka_unit_test(test_each_truncation),
		cmocka_unit_test(test_each_mutation),
		cmocka_unit_test(test_forgotten_rules),
		cmocka_unit_test(test_ten_thousand_rules),
	};

	return cmocka_run_group_tests_name("rules_hostile", tests, NULL, NULL);
}
