/*
 * What fmt does to a text with $variables, which it does not look into: the
 * layout of each case, that it is stable, and that it means what the text does.
 * The larger files are rules_golden_test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vfr/ruleset.h>

#include "rules_common.h"

#define MEM (4u << 20)

/* Below this, what a case says; it has its own name for each kind of word. */
static const char head[] =
	"let card = wan\n"
	"let lan = 10.1.0.0/24\n"
	"let own = 10.1.0.9\n"
	"let web = 10.1.0.10\n"
	"let db = 10.1.0.20\n"
	"let tcp = tcp\n"
	"let udp = udp\n"
	"let icmp = icmp4\n"
	"let base = base\n"
	"let http = 80\n"
	"let high = 8000-8100\n"
	"let ping = echo-request\n"
	"let six = 6\n"
	"let read = ro\n"
	"let off = no\n"
	"let label = \"it's a label\"\n"
	"let file = \"names.inc\"\n"
	"nic wan address 203.0.113.2/24\n"
	"service base { udp 53 }\n";

static const struct memory_file files[] = {
	{ "names.inc", "set named { 10.9.0.1 }\n" },
	{ "$file", "set named { 10.9.0.2 }\n" },
	{ NULL },
};

static const struct layout {
	const char	*sentence;
	const char	*text, *layout;		/* NULL: the same */
} layouts[] = {
	{ "a label in quotes is no variable",
	  "allow tcp 80 from any to any log \"$label\"\n", NULL },
	{ "and a variable no text",
	  "allow tcp 80 from any to any log $label\n", NULL },
	{ "likewise a comment's",
	  "allow tcp 80 from any to any comment \"$5\"\n"
	  "allow tcp 81 from any to any comment $label\n", NULL },
	{ "of a translation, too",
	  "masquerade 10.1.0.0/24 out wan comment \"$label\"\n"
	  "masquerade 10.2.0.0/24 out $card comment $label\n", NULL },
	{ "a file's name in quotes",
	  "include \"$file\"\ndeny any from named to any\n", NULL },
	{ "a file's name by a variable",
	  "include $file\ndeny any from named to any\n", NULL },
	{ "the name of a sequence by a variable",
	  "expect sequence $label {\n    deny tcp wan:1 -> 10.0.0.1:2 on wan\n"
	  "}\n", NULL },
	{ "and one that only looks so",
	  "expect sequence \"$label\" {\n    wait 1s\n"
	  "    deny tcp wan:1 -> 10.0.0.1:2 on wan\n}\n", NULL },
	{ "a port by a variable among others",
	  "allow tcp 80, 90, $http\n",
	  "allow { tcp 80, 90, $http } from any to any\n" },
	{ "which others follow",
	  "allow tcp 80, 90, $high, 443, udp 53\n",
	  "allow { tcp 80, 90, $high, 443, udp 53 } from any to any\n" },
	{ "a protocol in its place",
	  "allow tcp 80, 90, $udp 53, 54\n",
	  "allow { tcp 80, 90, $udp 53, 54 } from any to any\n" },
	{ "a service in its place",
	  "allow tcp 80, 90, $base\n",
	  "allow { tcp 80, 90, $base } from any to any\n" },
	{ "ports behind a protocol that is a variable",
	  "allow $tcp 83\nallow $udp not 25 from any to any\n"
	  "allow $tcp { 80,81 }\n",
	  "allow $tcp 83 from any to any\n"
	  "allow $udp not 25 from any to any\n"
	  "allow $tcp { 80, 81 } from any to any\n" },
	{ "with more of them", "allow $tcp 80, 81\n",
	  "allow { $tcp 80, 81 } from any to any\n" },
	{ "a type behind it", "allow $icmp $ping\nallow $icmp 3/4\n",
	  "allow $icmp $ping from any to any\n"
	  "allow $icmp 3/4 from any to any\n" },
	{ "without a comma between", "service s { $base $tcp 80 udp $http }\n",
	  "service s { $base $tcp 80, udp $http }\n" },
	{ "two of which the first may be either",
	  "service s { tcp $udp $http }\n", NULL },
	{ "which need their braces then",
	  "allow { $base $base }\nallow { udp $http }\n",
	  "allow { $base $base } from any to any\n"
	  "allow { udp $http } from any to any\n" },
	{ "the number of a protocol",
	  "allow proto $six 80\nallow proto 6 $http\n",
	  "allow proto $six 80 from any to any\n"
	  "allow proto 6 $http from any to any\n" },
	{ "a comment between them",
	  "allow { tcp 80, # one\n 90, $http }\n",
	  "allow { tcp 80,\n# one\n90, $http } from any to any\n" },
	{ "a packet of any protocol",
	  "expect deny $tcp $web:1 -> 10.0.0.1:2 on wan\n"
	  "expect deny $icmp $ping $web -> $db on wan\n"
	  "expect deny proto $six 10.0.0.1:1 -> $db:1 on wan\n", NULL },
	{ "nics by a variable",
	  "nic red vlan 5 on $card\nnet dmz bridged on $card\n", NULL },
	{ "addresses without a comma",
	  "net dmz $lan\ndomain d on dmz address $web $db\n",
	  "net dmz $lan\ndomain d on dmz address { $web, $db }\n" },
	{ "how a disk is used",
	  "domain d {\n    disk xvda $file $read\n    autostart $off\n}\n",
	  NULL },
};

struct meaning {
	struct run		run;
	struct vfr_ruleset	rs;
};

static void meaning_of(struct meaning *m, const struct layout *l,
		       const char *text)
{
	const void *blob;
	size_t len;

	run_init(&m->run, MEM);
	m->run.files = files;
	if (run_all(&m->run, "t.vfr", text, strlen(text), &blob, &len))
		fail_msg("%s: %s", l->sentence, m->run.said.s);
	assert_int_equal(vfr_ruleset_open(&m->rs, blob, len, NULL), 0);
}

static const char *words(const struct meaning *m, uint32_t at)
{
	return vfr_ruleset_text(&m->rs, at);
}

static void same_meaning(const struct meaning *a, const struct meaning *b)
{
	const struct vfr_rs_parts *p = &a->rs.p, *q = &b->rs.p;
	uint32_t i;

	assert_int_equal(p->nr_rules, q->nr_rules);
	assert_int_equal(p->nr_nats, q->nr_nats);
	assert_int_equal(p->nr_ports, q->nr_ports);
	for (i = 0; i < p->nr_rules; i++) {
		assert_int_equal(p->rules[i].id, q->rules[i].id);
		assert_string_equal(words(a, p->rules[i].label),
				    words(b, q->rules[i].label));
		assert_string_equal(words(a, p->rules[i].comment),
				    words(b, q->rules[i].comment));
	}
	for (i = 0; i < p->nr_nats; i++) {
		assert_int_equal(p->nats[i].id, q->nats[i].id);
		assert_string_equal(words(a, p->nats[i].comment),
				    words(b, q->nats[i].comment));
	}
	assert_int_equal(p->nr_classifier, q->nr_classifier);
	assert_memory_equal(p->classifier, q->classifier, p->nr_classifier);
}

static void layout(const struct layout *l, const char *text, size_t len,
		   struct text *t)
{
	if (run_format("t.vfr", text, len, t, MEM))
		fail_msg("%s: is not read", l->sentence);
}

static void test_variables(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(layouts); i++) {
		const struct layout *l = &layouts[i];
		struct text text = { NULL }, once = { NULL }, twice = { NULL };
		struct meaning a, b;

		text_add(&text, head, sizeof(head) - 1);
		text_add(&text, l->text, strlen(l->text));
		layout(l, text.s, text.len, &once);
		layout(l, once.s, once.len, &twice);
		print_message("%s\n", l->sentence);
		assert_memory_equal(once.s, head, sizeof(head) - 1);
		assert_string_equal(once.s + sizeof(head) - 1,
				    l->layout ? l->layout : l->text);
		assert_string_equal(once.s, twice.s);
		meaning_of(&a, l, text.s);
		meaning_of(&b, l, once.s);
		same_meaning(&a, &b);
		run_done(&a.run);
		run_done(&b.run);
		free(text.s);
		free(once.s);
		free(twice.s);
	}
}

/* What the layout cannot know, the compiler does not take either. */
static void test_words_are_written(void **state)
{
	static const char *const texts[] = {
		"let x = allow\n$x any\n", "let x = not\nallow any from $x web\n",
		"let x = from\nallow any $x 10.0.0.1\n",
		"let x = fragment\nallow any $x\n",
		"let x = bridged\nnic wan\nnet n $x on wan\n",
	};
	struct run run;
	size_t i;

	for (i = 0; i < ARRAY_LEN(texts); i++) {
		run_init(&run, MEM);
		if (rules_parse(&run.r, "t.vfr", texts[i], strlen(texts[i]),
				0) != -EINVAL || !run.said.len)
			fail_msg("is read: %s", texts[i]);
		run_done(&run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_words_are_written),
	};

	return cmocka_run_group_tests_name("rules_layout", tests, NULL, NULL);
}
