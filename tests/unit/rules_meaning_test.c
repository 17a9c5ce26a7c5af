/*
 * What a text means: which rule the compiled ruleset gives a header to.  Each
 * case is a sentence, a text, headers in words, and the line expected to match
 * (0: none).  The two classifiers must agree as well, which their own tests see
 * to; here it is the language's turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vfr/ruleset.h>

#include "rules_common.h"

#define MEM (16u << 20)

static const char head[] =
	"nic wan address 203.0.113.2/24, 2001:db8::2/64\n"	/* port 0 */
	"nic lan address 192.168.1.1/24\n"			/* port 1 */
	"net dmz 10.1.0.0/24, 2001:db8:1::/64\n"
	"net br 192.168.1.0/24 bridged on lan\n"
	"domain web on dmz address 10.1.0.10, 2001:db8:1::10\n"	/* 2 */
	"domain db on dmz address 10.1.0.20\n"			/* 3 */
	"domain box on br address 192.168.1.20\n"		/* 4 */
	"set s { 10.0.0.0/8, not 10.1.0.0/16, 198.51.100.7 }\n"
	"set p { 1000-2000, not 1500-1600 }\n"
	"service http { tcp 80, tcp 443 }\n"
	"domain _own on dmz address 10.1.0.40\n";		/* 5 */
#define HEAD_LINES 11

enum { WAN, LAN, WEB, DB, BOX };

struct header {
	unsigned int	in, out;
	const char	*src, *dst;
	unsigned int	proto, sport, dport;
	unsigned int	flags, frag;
};

struct meaning {
	const char	*sentence;
	const char	*rules;
	struct header	 h;
	unsigned int	 line;		/* below the head, from 1 */
};

/* Four domains more: lists of many places are merged. */
#define MANY \
	"domain a on dmz address 10.1.0.31\n" \
	"domain b on dmz address 10.1.0.32\n" \
	"domain c on dmz address 10.1.0.33\n" \
	"domain d on dmz address 10.1.0.34\n"

#define OUT "9.9.9.9"
#define WEB4 "10.1.0.10"
#define DB4 "10.1.0.20"

static const struct meaning meanings[] = {
	{ "the first match wins", "deny tcp 80\nallow any\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 80 }, 1 },
	{ "and the next if it does not match", "deny tcp 80\nallow any\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 81 }, 2 },
	{ "nothing matches by itself", "allow tcp 80\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 81 }, 0 },
	{ "a service is all of its members", "allow http to web\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 443 }, 1 },
	{ "and no other protocol", "allow http to web\n",
	  { WAN, WEB, OUT, WEB4, 17, 1, 443 }, 0 },
	{ "from a domain is by its port", "allow any from web\n",
	  { WEB, WAN, WEB4, OUT, 6, 1, 1 }, 1 },
	{ "and not its address by another", "allow any from web\n",
	  { WAN, DB, WEB4, DB4, 6, 1, 1 }, 0 },
	{ "to a domain is out by its port", "allow any to web\n",
	  { WAN, DB, OUT, WEB4, 6, 1, 1 }, 0 },
	{ "a domain has both families", "allow any to web\n",
	  { WAN, WEB, "2001:db8:9::1", "2001:db8:1::10", 6, 1, 1 }, 1 },
	{ "from a net is from its domains", "allow any from dmz\n",
	  { DB, WEB, DB4, WEB4, 6, 1, 1 }, 1 },
	{ "and from none of its other addresses", "allow any from dmz\n",
	  { WAN, WEB, "10.1.0.99", WEB4, 6, 1, 1 }, 0 },
	{ "to a net is to its prefix", "deny any to dmz\n",
	  { WAN, WEB, OUT, "10.1.0.99", 6, 1, 1 }, 1 },
	{ "a bridged net is the LAN, too", "allow any from br\n",
	  { LAN, WEB, "192.168.1.77", WEB4, 6, 1, 1 }, 1 },
	{ "and its domains", "allow any from br\n",
	  { BOX, WEB, "192.168.1.20", WEB4, 6, 1, 1 }, 1 },
	{ "but not from elsewhere", "allow any from br\n",
	  { WAN, WEB, "192.168.1.77", WEB4, 6, 1, 1 }, 0 },
	{ "from a nic is whatever it brings", "allow any from wan\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1 }, 1 },
	{ "and nothing else", "allow any from wan\n",
	  { LAN, WEB, OUT, WEB4, 6, 1, 1 }, 0 },
	{ "from not a nic is all others", "allow any from not wan\n",
	  { LAN, WEB, OUT, WEB4, 6, 1, 1 }, 1 },
	{ "but not itself", "allow any from not wan\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1 }, 0 },
	{ "a set without what it excludes", "allow any from s\n",
	  { WAN, WEB, "10.1.2.3", WEB4, 6, 1, 1 }, 0 },
	{ "and with the rest", "allow any from s\n",
	  { WAN, WEB, "10.2.2.3", WEB4, 6, 1, 1 }, 1 },
	{ "not a set is everything else", "allow any from not s\n",
	  { WAN, WEB, "10.1.2.3", WEB4, 6, 1, 1 }, 1 },
	{ "of both families", "allow any from not s\n",
	  { WAN, WEB, "2001:db8:9::1", "2001:db8:1::10", 6, 1, 1 }, 1 },
	{ "and not the set", "allow any from not s\n",
	  { WAN, WEB, "198.51.100.7", WEB4, 6, 1, 1 }, 0 },
	{ "members less others", "allow any from { 10.0.0.0/8, not web }\n",
	  { WEB, WAN, WEB4, OUT, 6, 1, 1 }, 0 },
	{ "a range of addresses", "allow any from 10.0.0.5-10.0.0.9\n",
	  { WAN, WEB, "10.0.0.9", WEB4, 6, 1, 1 }, 1 },
	{ "that ends where it says", "allow any from 10.0.0.5-10.0.0.9\n",
	  { WAN, WEB, "10.0.0.10", WEB4, 6, 1, 1 }, 0 },
	{ "::/0 is all of IPv6", "allow any from ::/0\n",
	  { WAN, WEB, "2001:db8:9::1", "2001:db8:1::10", 6, 1, 1 }, 1 },
	{ "and nothing of IPv4", "allow any from ::/0\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1 }, 0 },
	{ "as a destination, too", "allow any to ::/0\n",
	  { WEB, WAN, WEB4, OUT, 6, 1, 1 }, 0 },
	{ "nor does a range of IPv6 hold any", "allow any from ::1-9::9\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1 }, 0 },
	{ "nor a set", "allow any from t\nset t { ::/1, not 9::/16 }\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1 }, 0 },
	{ "not ::/0 is IPv4", "allow any from not ::/0\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1 }, 1 },
	{ "and nothing of IPv6", "allow any from not ::/0\n",
	  { WAN, WEB, "2001:db8:9::1", "2001:db8:1::10", 6, 1, 1 }, 0 },
	{ "0.0.0.0/0 is all of IPv4", "allow any from 0.0.0.0/0\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1 }, 1 },
	{ "and nothing of the other", "allow any from 0.0.0.0/0\n",
	  { WAN, WEB, "2001:db8:9::1", "2001:db8:1::10", 6, 1, 1 }, 0 },
	{ "a set of ports", "allow udp p\n",
	  { WAN, WEB, OUT, WEB4, 17, 1, 1499 }, 1 },
	{ "without what it excludes", "allow udp p\n",
	  { WAN, WEB, OUT, WEB4, 17, 1, 1500 }, 0 },
	{ "not a port", "allow udp not 53\n",
	  { WAN, WEB, OUT, WEB4, 17, 1, 53 }, 0 },
	{ "not a port is the others", "allow udp not 53\n",
	  { WAN, WEB, OUT, WEB4, 17, 1, 54 }, 1 },
	{ "a source port", "allow udp from any port 53\n",
	  { WAN, WEB, OUT, WEB4, 17, 53, 9 }, 1 },
	{ "is not a destination's", "allow udp from any port 53\n",
	  { WAN, WEB, OUT, WEB4, 17, 9, 53 }, 0 },
	{ "in by a nic", "allow any in wan\n",
	  { WEB, WAN, WEB4, OUT, 6, 1, 1 }, 0 },
	{ "out by a nic", "allow any out wan\n",
	  { WEB, WAN, WEB4, OUT, 6, 1, 1 }, 1 },
	{ "on a nic is either", "allow any on wan\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1 }, 1 },
	{ "and the other", "allow any on wan\n",
	  { WEB, WAN, WEB4, OUT, 6, 1, 1 }, 1 },
	{ "but not neither", "allow any on wan\n",
	  { WEB, DB, WEB4, DB4, 6, 1, 1 }, 0 },
	{ "in by a net is by its domains", "allow any in dmz\n",
	  { WEB, WAN, WEB4, OUT, 6, 1, 1 }, 1 },
	{ "icmp is of both families", "allow icmp echo-request\n",
	  { WAN, WEB, "2001:db8:9::1", "2001:db8:1::10", 58, 128, 0 }, 1 },
	{ "each with its own type", "allow icmp echo-request\n",
	  { WAN, WEB, OUT, WEB4, 1, 128, 0 }, 0 },
	{ "a code", "allow icmp4 unreachable/4\n",
	  { WAN, WEB, OUT, WEB4, 1, 3, 4 }, 1 },
	{ "and no other code", "allow icmp4 unreachable/4\n",
	  { WAN, WEB, OUT, WEB4, 1, 3, 3 }, 0 },
	{ "flags within a mask", "allow tcp flags S/SA\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1, 0x02 }, 1 },
	{ "and not more of it", "allow tcp flags S/SA\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1, 0x12 }, 0 },
	{ "flags without a mask are at least these", "allow tcp flags S\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1, 0x12 }, 1 },
	{ "fragments", "deny any fragment\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1, 0, VFR_FRAG_ANY }, 1 },
	{ "only later ones", "deny any fragment later\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1, 0, VFR_FRAG_ANY }, 0 },
	{ "none", "allow any fragment no\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1, 0, VFR_FRAG_ANY }, 0 },
	{ "a protocol by number", "allow proto 47\n",
	  { WAN, WEB, OUT, WEB4, 47, 0, 0 }, 1 },
	{ "not a nic, with many ports", MANY "allow any from not wan\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1 }, 0 },
	{ "is all of the others", MANY "allow any from not wan\n",
	  { LAN, WEB, OUT, WEB4, 6, 1, 1 }, 5 },
	{ "not to a nic, either", MANY "allow any to not wan\n",
	  { WEB, WAN, WEB4, OUT, 6, 1, 1 }, 0 },
	{ "an empty set of ports is none", "allow tcp t\nset t { }\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 22 }, 0 },
	{ "and its opposite is all", "allow tcp not t\nset t { }\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 22 }, 1 },
	{ "an unknown name matches nothing", "allow any from { web, nobody }\n",
	  { WEB, WAN, WEB4, OUT, 6, 1, 1 }, 0 },
	{ "nor does its opposite", "allow any from not nobody\n",
	  { WEB, WAN, WEB4, OUT, 6, 1, 1 }, 0 },
	{ "nor a set that holds it",
	  "allow any from t\nset t { 10.0.0.0/8, nobody }\n",
	  { WAN, WEB, "10.9.9.9", WEB4, 6, 1, 1 }, 0 },
	{ "an empty set is nobody", "allow any from t\nset t { }\n",
	  { WAN, WEB, OUT, WEB4, 6, 1, 1 }, 0 },
};

static struct vfr_addr addr(const char *s)
{
	struct vfr_addr a;

	assert_int_equal(value_addr(s, strlen(s), &a), 0);
	return a;
}

/* The line that matches, below the head. */
static unsigned int match(const struct vfr_ruleset *rs, const struct header *h)
{
	struct vfr_cls_key k = {
		.src = addr(h->src), .dst = addr(h->dst),
		.in = h->in, .out = h->out, .proto = h->proto,
		.sport = h->sport, .dport = h->dport,
		.tcp_flags = h->flags, .frag = h->frag,
	};
	uint32_t rule = vfr_cls_lookup(&rs->cls, &k);

	return rule == VFR_CLS_NONE ? 0 : rs->p.rules[rule].line - HEAD_LINES;
}

static void test_meanings(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(meanings); i++) {
		const struct meaning *m = &meanings[i];
		struct text t = { NULL };
		struct vfr_ruleset rs;
		const void *blob;
		struct run run;
		unsigned int line;
		size_t len;

		text_add(&t, head, strlen(head));
		text_add(&t, m->rules, strlen(m->rules));
		run_init(&run, MEM);
		if (run_all(&run, "t.vfr", t.s, t.len, &blob, &len))
			fail_msg("%s: %s", m->sentence, run.said.s);
		assert_int_equal(vfr_ruleset_open(&rs, blob, len, NULL), 0);
		line = match(&rs, &m->h);
		if (line != m->line)
			fail_msg("%s: line %u, not %u\n%s", m->sentence, line,
				 m->line, m->rules);
		run_done(&run);
		free(t.s);
	}
}

/* --- lists of all sizes mean the same --- */

static uint32_t rnd(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static bool in_list(const uint32_t (*list)[2], size_t n, uint32_t a)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i][0] <= a && a <= list[i][1])
			return true;
	return false;
}

static void list_text(struct text *t, const uint32_t (*list)[2], size_t n)
{
	struct rules_out out = { text_add, t };
	size_t i;

	out_print(&out, "{");
	for (i = 0; i < n; i++) {
		struct vfr_addr lo = vfr_addr_v4(list[i][0]);
		struct vfr_addr hi = vfr_addr_v4(list[i][1]);

		out_print(&out, " %A-%A", &lo, &hi);
	}
	out_print(&out, " }");
}

/*
 * However the compiler splits them (prefixes, sets, one of each), two lists of
 * ranges match what the ranges say: at their edges, beside them, and anywhere.
 */
static void test_lists(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 20, 100 };
	uint32_t src[100][2], dst[100][2], seed = 42;
	size_t i, j, k;

	for (i = 0; i < ARRAY_LEN(sizes); i++)
		for (j = 0; j < ARRAY_LEN(sizes); j++) {
			struct text t = { NULL };
			struct vfr_ruleset rs;
			const void *blob;
			struct run run;
			size_t len;

			for (k = 0; k < 100; k++) {
				src[k][0] = rnd(&seed) << 8;
				src[k][1] = src[k][0] + rnd(&seed) % 300;
				dst[k][0] = rnd(&seed) << 8;
				dst[k][1] = dst[k][0] + rnd(&seed) % 300;
			}
			text_add(&t, "allow tcp 80 from ", 18);
			list_text(&t, src, sizes[i]);
			text_add(&t, " to ", 4);
			list_text(&t, dst, sizes[j]);
			text_add(&t, "\n", 1);
			run_init(&run, MEM);
			assert_int_equal(run_all(&run, "t.vfr", t.s, t.len,
						 &blob, &len), 0);
			assert_int_equal(vfr_ruleset_open(&rs, blob, len,
							  NULL), 0);
			for (k = 0; k < 2000; k++) {
				uint32_t s = src[rnd(&seed) % sizes[i]][k & 1];
				uint32_t d = dst[rnd(&seed) % sizes[j]]
						[k >> 1 & 1];
				struct vfr_cls_key key = { .proto = 6,
							   .dport = 80 };
				bool want;

				s += rnd(&seed) % 3 - 1;
				d += rnd(&seed) % 3 - 1;
				key.src = vfr_addr_v4(s);
				key.dst = vfr_addr_v4(d);
				want = in_list(src, sizes[i], s) &&
				       in_list(dst, sizes[j], d);
				assert_int_equal(vfr_cls_lookup(&rs.cls, &key),
						 want ? 0 : VFR_CLS_NONE);
			}
			run_done(&run);
			free(t.s);
		}
}

/* --- values --- */

static void test_addresses(void **state)
{
	static const struct {
		const char	*text, *canonical;	/* NULL: refused */
	} cases[] = {
		{ "1.2.3.4", "1.2.3.4" }, { "255.255.255.255",
					    "255.255.255.255" },
		{ "::", "::" }, { "::1", "::1" }, { "1::", "1::" },
		{ "2001:DB8:0:0:8:0:0:1", "2001:db8::8:0:0:1" },
		{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
		{ "1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8" },
		{ "::1.2.3.4", "::102:304" },
		{ "64:ff9b::1.2.3.4", "64:ff9b::102:304" },
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "1.2.3" }, { "1.2.3.4.5" }, { "1.2.3.256" }, { "01.2.3.4" },
		{ "1.2.3.0004" }, { "1..2.3" }, { "" }, { ":" }, { ":::" },
		{ "1::2::3" }, { "1:2:3:4:5:6:7" }, { "1:2:3:4:5:6:7:8:9" },
		{ "1:2:3:4:5:6:7:8::" }, { "12345::" }, { "g::" }, { "1:" },
		{ "::ffff:1.2.3.4" }, { "::1.2.3" }, { "1:2:3:4:5:6:7:1.2.3.4" },
	};
	char buf[64];
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct vfr_addr a;
		struct strbuf b;
		int rc = value_addr(cases[i].text, strlen(cases[i].text), &a);

		if ((rc == 0) != (cases[i].canonical != NULL))
			fail_msg("`%s`: %d", cases[i].text, rc);
		if (rc)
			continue;
		strbuf_init(&b, buf, sizeof(buf));
		out_print(&b.out, "%A", &a);
		assert_string_equal(buf, cases[i].canonical);
	}
}

static void test_numbers(void **state)
{
	uint64_t n;

	assert_int_equal(value_number("18446744073709551615", 20, &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(value_number("18446744073709551616", 20, &n), -ERANGE);
	assert_int_equal(value_number("", 0, &n), -EINVAL);
	assert_int_equal(value_number("+1", 2, &n), -EINVAL);
	assert_int_equal(value_unit("16M", 3, units_size, &n), 0);
	assert_true(n == 16u << 20);
	assert_int_equal(value_unit("16777216T", 9, units_size, &n), -ERANGE);
	assert_int_equal(value_unit("16", 2, units_size, &n), -EINVAL);
	assert_int_equal(value_unit("M", 1, units_size, &n), -EINVAL);
	assert_int_equal(value_unit("1Gbit", 5, units_rate, &n), 0);
	assert_true(n == 1000000000);
}

/* --- names --- */

static void test_nearest(void **state)
{
	static const struct {
		const char *written, *names[4], *meant;
	} cases[] = {
		{ "wbe", { "db", "web", "wan" }, "web" },
		{ "kernal", { "kernel", "memory" }, "kernel" },
		{ "ADMINS", { "admins", "admin" }, "admins" },
		{ "x", { "y" }, NULL },
		{ "storage", { "web", "db" }, NULL },
		{ "dbs", { "web", "db" }, "db" },
	};
	struct nearest near;
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		nearest_init(&near, cases[i].written, strlen(cases[i].written));
		for (k = 0; cases[i].names[k]; k++)
			nearest_try(&near, cases[i].names[k]);
		if (cases[i].meant)
			assert_string_equal(near.best, cases[i].meant);
		else
			assert_null(near.best);
	}
}

/* --- ids --- */

static void rule_ids(const char *text, uint64_t *ids, size_t n)
{
	struct rules_node *node = NULL;
	struct run run;
	size_t i;

	run_init(&run, MEM);
	assert_int_equal(rules_parse(&run.r, "t.vfr", text, strlen(text), 0), 0);
	assert_int_equal(rules_check(&run.r), 0);
	for (i = 0; i < n; i++) {
		node = rules_next(&run.r, RULES_RULE, node);
		assert_non_null(node);
		ids[i] = ((struct rules_rule *)node)->id;
	}
	run_done(&run);
}

static void test_ids(void **state)
{
	uint64_t a[3], b[3];

	rule_ids("allow tcp 80 from 1.2.3.4\nallow tcp 81\ndeny any log\n", a,
		 3);
	/* Moved, respelled, commented: still the same rules. */
	rule_ids("# x\n\nallow tcp 81 to any from any # y\n"
		 "allow tcp { 80 } to any from 1.2.3.4/32 comment \"c\"\n"
		 "deny any log\n", b, 3);
	assert_true(a[0] == b[1] && a[1] == b[0] && a[2] == b[2]);
	/* Another label is another rule; two of a kind are two. */
	rule_ids("allow tcp 80 from 1.2.3.4 log \"x\"\nallow tcp 81\n"
		 "allow tcp 81\n", b, 3);
	assert_true(a[0] != b[0] && a[1] == b[1] && b[2] != b[1]);
}

/* --- packets in words --- */

static void test_packets(void **state)
{
	static const struct {
		const char *text, *printed;	/* NULL: refused */
	} cases[] = {
		{ "tcp web:1 -> db:2", "tcp 10.1.0.10:1 -> 10.1.0.20:2 on web" },
		{ "udp 9.9.9.9:1 -> web:2 on wan size 9",
		  "udp 9.9.9.9:1 -> 10.1.0.10:2 on wan size 9" },
		{ "icmp echo-request web -> 10.1.0.20",
		  "icmp4 echo-request 10.1.0.10 -> 10.1.0.20 on web" },
		{ "icmp echo-request web -> 2001:db8::9",
		  "icmp6 echo-request 2001:db8:1::10 -> 2001:db8::9 on web" },
		{ "tcp [2001:db8::9]:1 -> web:80 flags SA ttl 3",
		  "tcp [2001:db8::9]:1 -> [2001:db8:1::10]:80 on wan flags SA "
		  "ttl 3" },
		{ "udp 192.168.1.7:1 -> box:2 fragment 8+",
		  "udp 192.168.1.7:1 -> 192.168.1.20:2 on lan fragment 8+" },
		{ "tcp _own:1 -> _own.dmz:2",
		  "tcp 10.1.0.40:1 -> 10.1.0.40:2 on _own" },
		{ "tcp web -> db:2" }, { "tcp we!b:1 -> db:2" },
		{ "tcp web.:1 -> db:2" }, { "tcp web:1 -> db:2 flags S/SA" }, { "tcp web:1 db:2" }, { "" },
		{ "tcp web:1 -> db:2 out wan" }, { "http web:1 -> db:2" },
		{ "tcp web:1 -> nobody:2" }, { "esp web:1 -> db" },
		{ "tcp web:1 -> db:2 extra" }, { "icmp too-big web -> db" },
		{ "tcp web:1 -> db:65536" },
	};
	struct text t = { NULL };
	struct run run;
	size_t i;

	run_init(&run, MEM);
	assert_int_equal(rules_parse(&run.r, "t.vfr", head, strlen(head), 0),
			 0);
	assert_int_equal(rules_check(&run.r), 0);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct rules_out out = { text_add, &t };
		struct rules_packet k;
		int rc;

		run.said.len = 0;
		rc = rules_packet_parse(&run.r, cases[i].text,
					strlen(cases[i].text), &k);
		if ((rc == 0) != (cases[i].printed != NULL))
			fail_msg("`%s`: %d %s", cases[i].text, rc, run.said.s);
		assert_true(rc == 0 || run.said.len > 0);
		if (rc)
			continue;
		t.len = 0;
		rules_packet_print(&run.r, &k, &out);
		assert_string_equal(t.s, cases[i].printed);
	}
	free(t.s);
	run_done(&run);
}

/* Where a packet comes in that names no port: by the routes of its family. */
static void test_packet_ports(void **state)
{
	static const struct {
		const char *routes, *text, *port;
	} cases[] = {
		{ "", "tcp 9.9.9.9:1 -> web:2", "four" },
		{ "", "tcp [2001:db8:f::9]:1 -> web:2", "six" },
		{ "route ::/0 via 2001:db8::1\n", "tcp 9.9.9.9:1 -> web:2",
		  "four" },
		{ "route default via 2001:db8::1\n", "tcp 9.9.9.9:1 -> web:2",
		  "four" },
		{ "route default via 203.0.113.9\n",
		  "tcp [2001:db8:f::9]:1 -> web:2", "six" },
		{ "route default via 198.51.100.9\n"
		  "route 0.0.0.0/0 via 203.0.113.9\n",
		  "tcp 9.9.9.9:1 -> web:2", "other" },
		{ "domain odd on dmz address 10.1.0.11 routes ::/1\n",
		  "tcp 9.9.9.9:1 -> web:2", "four" },
	};
	static const char nets[] =
		"nic four address 203.0.113.2/24 gateway 203.0.113.1\n"
		"nic six address 2001:db8::2/64 gateway 2001:db8::1\n"
		"nic other address 198.51.100.2/24\n"
		"net dmz 10.1.0.0/24, fd00:1::/64\n"
		"domain web on dmz address 10.1.0.10, fd00:1::10\n";
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const char *text = cases[i].text;
		struct text t = { NULL };
		struct rules_packet k;
		struct run run;

		run_init(&run, MEM);
		text_add(&t, nets, strlen(nets));
		text_add(&t, cases[i].routes, strlen(cases[i].routes));
		rules_parse(&run.r, "t.vfr", t.s, t.len, 0);
		rules_check(&run.r);
		if (rules_packet_parse(&run.r, text, strlen(text), &k))
			fail_msg("%s`%s`: %s", cases[i].routes, text,
				 run.said.s);
		if (strcmp(rules_port_name(&run.r, k.port), cases[i].port))
			fail_msg("%s`%s`: comes in by %s", cases[i].routes,
				 text, rules_port_name(&run.r, k.port));
		run_done(&run);
		free(t.s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meanings),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_packet_ports),
	};

	return cmocka_run_group_tests_name("rules_meaning", tests, NULL, NULL);
}
