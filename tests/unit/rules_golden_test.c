/*
 * Rule files against what must be said about them.
 *
 * tests/rules/NAME.vfr is right: NAME.ok holds its warnings, its canonical
 * layout and the ruleset it becomes.  NAME.bad is wrong: NAME.err holds every
 * error.  A new case is two text files.  SLUICE_WRITE_GOLDEN=1 writes the
 * second from what the code says now, to be read before it is kept.
 *
 * What lies in rules/examples/ must be without a warning and in canonical
 * layout already.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <vfr/ruleset.h>

#include "rules_common.h"

#define MEM (16u << 20)
#define DIR_CASES "tests/rules"
#define DIR_EXAMPLES "rules/examples"

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* --- a ruleset in words --- */

static void dump_addrs(const struct vfr_rs_parts *p, uint32_t first, uint32_t n,
		       const struct rules_out *out)
{
	uint32_t i;

	for (i = first; i < first + n; i++)
		out_print(out, " %A/%u", &p->addrs[i].addr,
			  p->addrs[i].len -
			  (vfr_addr_is_v4(&p->addrs[i].addr) &&
			   p->addrs[i].len >= VFR_V4_BITS ? VFR_V4_BITS : 0));
}

static void dump_prefix(const struct vfr_prefix *p, const struct rules_out *out)
{
	out_print(out, " %A/%u", &p->addr, p->len -
		  (vfr_addr_is_v4(&p->addr) && p->len >= VFR_V4_BITS ?
		   VFR_V4_BITS : 0));
}

static void dump_ports(const struct vfr_ruleset *rs,
		       const struct rules_out *out)
{
	const struct vfr_rs_parts *p = &rs->p;
	uint32_t i;

	for (i = 0; i < p->nr_nets; i++) {
		out_print(out, "net %s", vfr_ruleset_text(rs, p->nets[i].name));
		if (p->nets[i].kind == VFR_NET_BRIDGED)
			out_print(out, " bridged on port %u", p->nets[i].nic);
		dump_addrs(p, p->nets[i].first_addr, p->nets[i].nr_addrs, out);
		out_print(out, "\n");
	}
	for (i = 0; i < p->nr_ports; i++) {
		const struct vfr_rs_port *q = &p->ports[i];

		out_print(out, "port %u %s device %s", i,
			  vfr_ruleset_text(rs, q->name),
			  vfr_ruleset_text(rs, q->device));
		if (q->vlan)
			out_print(out, " vlan %u", q->vlan);
		dump_addrs(p, q->first_addr, q->nr_addrs, out);
		if (!vfr_addr_is_zero(&q->gateway4))
			out_print(out, " gateway %A", &q->gateway4);
		if (!vfr_addr_is_zero(&q->gateway6))
			out_print(out, " gateway %A", &q->gateway6);
		if (q->rate_bps)
			out_print(out, " rate %lu", q->rate_bps);
		if (q->mtu)
			out_print(out, " mtu %u", q->mtu);
		if (!(q->flags & VFR_PORT_PING))
			out_print(out, " no ping");
		out_print(out, "\n");
	}
}

static void dump_ruleset(const struct vfr_ruleset *rs,
			 const struct rules_out *out)
{
	static const char *const kinds[] = { "masquerade", "redirect",
					     "static" };
	const struct vfr_rs_parts *p = &rs->p;
	uint32_t i;

	dump_ports(rs, out);
	for (i = 0; i < p->nr_routes; i++) {
		out_print(out, "route");
		dump_prefix(&p->routes[i].dst, out);
		out_print(out, " from");
		dump_prefix(&p->routes[i].src, out);
		out_print(out, " via %A port %u\n", &p->routes[i].via,
			  p->routes[i].port);
	}
	for (i = 0; i < p->nr_nats; i++) {
		const struct vfr_rs_nat *n = &p->nats[i];

		out_print(out, "%s port %u", kinds[n->kind], n->port);
		dump_prefix(&n->match, out);
		if (n->kind == VFR_NAT_REDIRECT)
			out_print(out, " proto %u ports %u-%u", n->proto,
				  n->lo, n->hi);
		if (n->kind != VFR_NAT_MASQUERADE) {
			out_print(out, " to");
			dump_prefix(&n->to, out);
		}
		if (n->to_lo)
			out_print(out, " port %u", n->to_lo);
		out_print(out, "\n");
	}
	for (i = 0; i < p->nr_rules; i++)
		out_print(out, "rule %u %x line %u: %s\n", i, p->rules[i].id,
			  p->rules[i].line,
			  vfr_ruleset_text(rs, p->rules[i].text));
}

/* --- one case --- */

static void say_meaning(const char *path, int rc, const void *blob, size_t len,
			struct text *got)
{
	struct rules_out out = { text_add, got };
	struct text fmt = { NULL };
	struct vfr_ruleset rs;
	const char *why = "";

	if (!rc && run_format(path, NULL, 0, &fmt, MEM) == 0)
		out_print(&out, "--- format\n%s", fmt.s);
	if (!rc && vfr_ruleset_open(&rs, blob, len, &why) == 0) {
		out_print(&out, "--- ruleset\n");
		dump_ruleset(&rs, &out);
	} else {
		out_print(&out, "--- no ruleset: %d %s\n", rc, why);
	}
	free(fmt.s);
}

/* 0 if got is what the file holds. */
static int compare(const char *path, const struct text *got)
{
	size_t len = 0;
	char *want;
	FILE *f;
	int rc;

	if (getenv("SLUICE_WRITE_GOLDEN")) {
		f = fopen(path, "wb");
		if (!f)
			return 1;
		fwrite(got->s, 1, got->len, f);
		fclose(f);
		return 0;
	}
	want = file_load(path, &len);
	rc = !want || len != got->len || memcmp(want, got->s, len);
	if (rc) {
		fprintf(stderr, "%s: differs; this is what came:\n%s", path,
			got->s);
	}
	free(want);
	return rc;
}

/* Each file of a folder whose name ends so; returns how many failed. */
static int each_file(const char *dir, const char *end,
		     int (*test)(const char *path), int *count)
{
	struct dirent **names;
	char path[512];
	int n = scandir(dir, &names, NULL, alphasort), i, failed = 0;

	assert_true(n > 0);
	for (i = 0; i < n; i++) {
		if (ends_with(names[i]->d_name, end)) {
			snprintf(path, sizeof(path), "%s/%s", dir,
				 names[i]->d_name);
			failed += !!test(path);
			(*count)++;
		}
		free(names[i]);
	}
	free(names);
	return failed;
}

static void beside(char *to, size_t cap, const char *path, const char *end)
{
	const char *dot = strrchr(path, '.');

	snprintf(to, cap, "%.*s%s", (int)(dot - path), path, end);
}

static int test_file(const char *path, bool right, const char *end)
{
	struct text got = { NULL };
	const void *blob = NULL;
	char want[512];
	struct run run;
	size_t len = 0;
	int rc, bad;

	run_init(&run, MEM);
	rc = run_all(&run, path, NULL, 0, &blob, &len);
	text_add(&got, run.said.s, run.said.len);
	if (right)
		say_meaning(path, rc, blob, len, &got);
	run_done(&run);
	bad = right != (rc == 0);
	if (bad)
		fprintf(stderr, "%s: %s (%d)\n", path,
			right ? "has an error" : "has no error", rc);
	beside(want, sizeof(want), path, end);
	bad |= compare(want, &got);
	free(got.s);
	return bad;
}

static int test_ok_file(const char *path)
{
	return test_file(path, true, ".ok");
}

static int test_bad_file(const char *path)
{
	return test_file(path, false, ".err");
}

static void test_right_files(void **state)
{
	int count = 0;

	assert_int_equal(each_file(DIR_CASES, ".vfr", test_ok_file, &count), 0);
	assert_true(count >= 5);
}

static void test_wrong_files(void **state)
{
	int count = 0;

	assert_int_equal(each_file(DIR_CASES, ".bad", test_bad_file, &count),
			 0);
	assert_true(count >= 4);
}

/* --- the layout --- */

/* fmt(fmt(x)) is fmt(x), and both mean what x means. */
static int test_layout(const char *path)
{
	struct text once = { NULL }, twice = { NULL };
	const void *a, *b;
	struct vfr_ruleset ra, rb;
	struct run x, y;
	size_t la, lb;
	uint32_t i;
	int bad;

	bad = run_format(path, NULL, 0, &once, MEM) ||
	      run_format(path, once.s, once.len, &twice, MEM) ||
	      strcmp(once.s, twice.s);
	run_init(&x, MEM);
	run_init(&y, MEM);
	bad |= run_all(&x, path, NULL, 0, &a, &la) ||
	       run_all(&y, path, once.s, once.len, &b, &lb) || la != lb ||
	       vfr_ruleset_open(&ra, a, la, NULL) ||
	       vfr_ruleset_open(&rb, b, lb, NULL) ||
	       ra.p.nr_rules != rb.p.nr_rules ||
	       ra.p.nr_classifier != rb.p.nr_classifier ||
	       memcmp(ra.p.classifier, rb.p.classifier, ra.p.nr_classifier);
	for (i = 0; !bad && i < ra.p.nr_rules; i++)
		bad = ra.p.rules[i].id != rb.p.rules[i].id;
	if (bad)
		fprintf(stderr, "%s: the layout changes it: %s\n", path,
			y.said.s);
	run_done(&x);
	run_done(&y);
	free(once.s);
	free(twice.s);
	return bad;
}

static void test_layout_keeps_meaning(void **state)
{
	int count = 0;

	assert_int_equal(each_file(DIR_CASES, ".vfr", test_layout, &count) +
			 each_file(DIR_EXAMPLES, ".vfr", test_layout, &count),
			 0);
}

/* --- examples --- */

static int test_example(const char *path)
{
	struct text fmt = { NULL };
	const void *blob;
	struct run run;
	size_t len = 0;
	char *text;
	int bad;

	run_init(&run, MEM);
	bad = run_all(&run, path, NULL, 0, &blob, &len);
	if (bad || run.said.len)
		fprintf(stderr, "%s: %d\n%s", path, bad, run.said.s);
	bad |= run.said.len || !rules_next(&run.r, RULES_EXPECT, NULL);
	run_done(&run);

	text = file_load(path, &len);
	run_format(path, NULL, 0, &fmt, MEM);
	if (!text || strcmp(text, fmt.s)) {
		fprintf(stderr, "%s: not in canonical layout\n", path);
		bad = 1;
	}
	free(text);
	free(fmt.s);
	return bad;
}

static void test_examples(void **state)
{
	int count = 0;

	assert_int_equal(each_file(DIR_EXAMPLES, ".vfr", test_example, &count),
			 0);
	assert_true(count >= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_files),
		cmocka_unit_test(test_wrong_files),
		cmocka_unit_test(test_layout_keeps_meaning),
		cmocka_unit_test(test_examples),
	};

	return cmocka_run_group_tests_name("rules_golden", tests, NULL, NULL);
}
