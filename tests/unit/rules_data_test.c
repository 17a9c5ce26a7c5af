/*
 * Rule sets that others made, written in the language: every TCP and UDP header
 * of their `.check` files must go to the rule that a linear search of the
 * numbers found.  (Those sets give ports to protocols that have none; the
 * language cannot, so their other headers are left out.)  Needs
 * `make test DATA=folder`; without it there is nothing to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vfr/ruleset.h>

#include "rules_common.h"

#define MEM (256u << 20)

static const char *const sets[] = {
	"acl1_1k", "acl1_10k", "fw1_1k", "fw1_10k", "ipc1_1k", "ipc1_10k",
};

static char *load(const char *set, const char *end)
{
	char path[512];
	size_t len;
	char *text;

	snprintf(path, sizeof(path), "%s/classbench/%s.%s",
		 getenv("SLUICE_DATA"), set, end);
	text = file_load(path, &len);
	if (!text)
		fail_msg("cannot read %s", path);
	return text;
}

static struct vfr_addr base(const unsigned int part[4], unsigned int len)
{
	uint32_t ip = part[0] << 24 | part[1] << 16 | part[2] << 8 | part[3];

	return vfr_addr_v4(len ? ip & ~(uint32_t)0 << (32 - len) : 0);
}

/* One rule of the set as one line of the language. */
static void say_rule(const struct rules_out *out, const char *line)
{
	unsigned int s[4], sl, d[4], dl, sp[2], dp[2], proto, mask;
	struct vfr_addr src, dst;

	assert_int_equal(sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u "
				"%u : %u %u : %u %x/%x", &s[0], &s[1], &s[2],
				&s[3], &sl, &d[0], &d[1], &d[2], &d[3], &dl,
				&sp[0], &sp[1], &dp[0], &dp[1], &proto, &mask),
			 16);
	src = base(s, sl);
	dst = base(d, dl);
	if (mask && proto != PROTO_TCP && proto != PROTO_UDP) {
		out_print(out, "allow proto %u from %A/%u to %A/%u\n", proto,
			  &src, sl, &dst, dl);
		return;
	}
	out_print(out, "allow {");
	if (!mask || proto == PROTO_TCP)
		out_print(out, " tcp %u-%u", dp[0], dp[1]);
	if (!mask || proto == PROTO_UDP)
		out_print(out, " udp %u-%u", dp[0], dp[1]);
	out_print(out, " } from %A/%u port %u-%u to %A/%u\n", &src, sl, sp[0],
		  sp[1], &dst, dl);
}

static struct text say_set(const char *rules)
{
	struct text t = { NULL };
	struct rules_out out = { text_add, &t };
	const char *p;

	for (p = strchr(rules, '@'); p; p = strchr(p + 1, '@'))
		say_rule(&out, p);
	return t;
}

/* Headers that go elsewhere; *n: headers looked at. */
static unsigned int check_headers(const struct vfr_ruleset *rs,
				  const char *check, unsigned int *n)
{
	unsigned int src, dst, sport, dport, proto, bad = 0;
	int want, used;

	for (*n = 0; sscanf(check, "%u %u %u %u %u %d%n", &src, &dst, &sport,
			    &dport, &proto, &want, &used) == 6;
	     check += used) {
		struct vfr_cls_key k = {
			.src = vfr_addr_v4(src), .dst = vfr_addr_v4(dst),
			.sport = sport, .dport = dport, .proto = proto,
		};

		if (proto != PROTO_TCP && proto != PROTO_UDP)
			continue;
		bad += vfr_cls_lookup(&rs->cls, &k) !=
		       (want < 0 ? VFR_CLS_NONE : (uint32_t)want);
		(*n)++;
	}
	return bad;
}

static void test_sets(void **state)
{
	size_t i;

	if (!getenv("SLUICE_DATA"))
		skip();
	for (i = 0; i < ARRAY_LEN(sets); i++) {
		char *rules = load(sets[i], "rules");
		char *check = load(sets[i], "check");
		struct text t = say_set(rules);
		struct vfr_ruleset rs;
		const void *blob;
		unsigned int n, bad;
		struct run run;
		size_t len;

		run_init(&run, MEM);
		run.host.limits.warnings = 1;
		rules_init(&run.r, &run.host, run.mem, MEM);
		assert_int_equal(run_all(&run, "t.vfr", t.s, t.len, &blob,
					 &len), 0);
		assert_int_equal(vfr_ruleset_open(&rs, blob, len, NULL), 0);
		bad = check_headers(&rs, check, &n);
		if (bad || n < 1000)
			fail_msg("%s: %u of %u headers go elsewhere", sets[i],
				 bad, n);
		run_done(&run);
		free(t.s);
		free(rules);
		free(check);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sets) };

	return cmocka_run_group_tests_name("rules_data", tests, NULL, NULL);
}
