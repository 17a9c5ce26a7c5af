/*
 * Counters of rules follow their ids from one ruleset to the next, whatever
 * order the rules are in, and those that are new begin at 0.
 */
#include "vfr_kit.h"

#define IDS	40		/* rules there may be */
#define ROUNDS	60

static uint64_t counted[IDS + 1];	/* packets, by id; 0: not in force */

/* The same numbers each time. */
static uint32_t draw(uint32_t below)
{
	static uint32_t x = 1;

	x = x * 1664525 + 1013904223;
	return (x >> 8) % below;
}

static struct kit_rule rule_of(uint32_t id)
{
	return (struct kit_rule){
		.action = VFR_ALLOW, .proto = 17, .dport_lo = (uint16_t)(1000 + id),
		.dport_hi = (uint16_t)(1000 + id), .id = id,
	};
}

/* Some of the ids, in any order; how many. */
static int choose(struct kit_rule *rules)
{
	uint32_t ids[IDS], i, k, t, n = draw(IDS + 1);

	for (i = 0; i < IDS; i++)
		ids[i] = i + 1;
	for (i = 0; i < n; i++) {
		k = i + draw(IDS - i);
		t = ids[i];
		ids[i] = ids[k];
		ids[k] = t;
		rules[i] = rule_of(ids[i]);
	}
	return (int)n;
}

static void keep_counts(const struct kit_rule *rules, int n)
{
	uint64_t kept[IDS + 1] = { 0 };
	int i;

	for (i = 0; i < n; i++)
		kept[rules[i].id] = counted[rules[i].id];
	memcpy(counted, kept, sizeof(kept));
}

static void send_some(struct kit *k, const struct kit_rule *rules, int n)
{
	struct frame f;
	uint32_t id;
	int i;

	for (i = 0; i < 20 && n; i++) {
		id = (uint32_t)rules[draw((uint32_t)n)].id;
		frame_udp(&f, WEB, "10.1.0.10", 500, "10.1.0.20", (int)(1000 + id),
			  10);
		kit_clear(k);
		kit_rx(k, WEB, &f);
		kit_one(k, DB);
		counted[id]++;
	}
}

static void test_reloads(void **state)
{
	struct kit *k = kit_new(NULL);
	struct kit_rule rules[IDS];
	struct vfr_rule_stats st;
	int round, n, i;

	for (round = 0; round < ROUNDS; round++) {
		n = choose(rules);
		assert_int_equal(kit_load(k, rules, n, NULL, 0, 0), 0);
		keep_counts(rules, n);
		for (i = 0; i < n; i++) {
			assert_int_equal(vfr_rule_stats(k->v, (uint32_t)i, &st),
					 0);
			assert_int_equal(st.packets, counted[rules[i].id]);
		}
		send_some(k, rules, n);
	}
	kit_free(k);
}

/* An id that stands twice: its counters go to one of them, and no further. */
static void test_twice(void **state)
{
	struct kit_rule twice[] = { rule_of(1), rule_of(2), rule_of(2) };
	struct kit_rule once[] = { rule_of(2), rule_of(1) };
	struct kit *k = kit_new(NULL);
	struct vfr_rule_stats st;
	int i;

	memset(counted, 0, sizeof(counted));
	for (i = 0; i < 3; i++) {
		if (kit_load(k, twice, 3, NULL, 0, 0))
			break;		/* or it is refused */
		send_some(k, twice, 3);
		assert_int_equal(kit_load(k, once, 2, NULL, 0, 0), 0);
		assert_int_equal(vfr_rule_stats(k->v, 1, &st), 0);
		assert_int_equal(st.packets, counted[1]);
	}
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reloads),
		cmocka_unit_test(test_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
