/*
 * Any text through the language: parse, check, compile, open; then its layout.
 * What it becomes must be a ruleset that the VFR accepts, fmt must be stable,
 * and must not change what the file means.
 */
#include "../unit/rules_common.h"

#include <vfr/ruleset.h>

#define MEM	(24u << 20)
#define CHECK(x) do { if (!(x)) __builtin_trap(); } while (0)

static uint8_t mem[2][MEM] __attribute__((aligned(16)));

static int start(struct run *run, int which, const char *text, size_t len,
		 struct vfr_ruleset *rs)
{
	static const struct memory_file files[] = {
		{ "other.vfr", "set other { 10.0.0.1 }\nlet x = 80\n" },
		{ NULL },
	};
	const void *blob;
	const char *why;
	size_t n;
	int rc;

	run_init_at(run, mem[which], MEM);
	run->files = files;
	run->host.limits = (struct rules_limits){ .shadow_work = 100000 };
	rules_init(&run->r, &run->host, mem[which], MEM);
	rc = run_flags(run, "t.vfr", text, len, which ? RULES_FORGET : 0, &blob,
		       &n);
	CHECK(run->r.arena.used <= MEM);
	CHECK(rc <= 0);
	if (rc)
		CHECK(run->said.len);	/* nothing fails without a word */
	else
		CHECK(vfr_ruleset_open(rs, blob, n, &why) == 0);
	return rc;
}

static void same_meaning(const struct vfr_ruleset *a,
			 const struct vfr_ruleset *b)
{
	uint32_t i;

	CHECK(a->p.nr_rules == b->p.nr_rules);
	CHECK(a->p.nr_ports == b->p.nr_ports);
	CHECK(a->p.nr_nats == b->p.nr_nats);
	CHECK(a->p.nr_routes == b->p.nr_routes);
	CHECK(a->p.nr_classifier == b->p.nr_classifier);
	CHECK(memcmp(a->p.classifier, b->p.classifier,
		     a->p.nr_classifier) == 0);
	for (i = 0; i < a->p.nr_rules; i++)
		CHECK(a->p.rules[i].id == b->p.rules[i].id);
}

static int layout(const char *text, size_t len, struct text *t)
{
	struct rules_out out = { text_add, t };
	struct run run;
	int rc;

	run_init_at(&run, mem[1], MEM);
	text_add(t, "", 0);
	rc = rules_parse(&run.r, "t.vfr", text, len, RULES_FORMAT_ONLY);
	if (!rc)
		rc = rules_format(&run.r, &out);
	run_done(&run);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text once = { NULL }, twice = { NULL };
	struct vfr_ruleset a, b;
	struct rules_packet k;
	struct run run, again;
	int rc;

	rc = start(&run, 0, (const char *)data, size, &a);
	if (layout((const char *)data, size, &once) == 0) {
		CHECK(layout(once.s, once.len, &twice) == 0);
		CHECK(once.len == twice.len && !strcmp(once.s, twice.s));
		if (rc == 0) {
			CHECK(start(&again, 1, once.s, once.len, &b) == 0);
			same_meaning(&a, &b);
			run_done(&again);
		}
	} else {
		CHECK(rc != 0);
	}
	if (rc == 0)
		rules_packet_parse(&run.r, (const char *)data, size, &k);
	run_done(&run);
	free(once.s);
	free(twice.s);
	return 0;
}
