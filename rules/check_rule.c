/*
 * check_rule.c: rules mean something; what they are called.
 */
#include "check.h"

/* What `not` can say is a set of addresses, or a nic. */
static void check_nots(struct rules *r, const struct rules_ref *list)
{
	const struct rules_ref *ref;
	bool nic = false, yes = false;

	foreach_node(ref, list) {
		if (!ref->not) {
			yes = true;
			continue;
		}
		if (ref->kind == RULES_REF_ANY)
			error_at(r, EMPTY, &ref->node.pos, NULL,
				 "`not any` is nothing at all");
		if (ref->target && ref->target->kind == RULES_NIC)
			nic = true;
		check_has_addresses(r, ref);
	}
	if (nic && yes)
		error_at(r, KIND, &list->node.pos, "use `in` or `out` for the "
			 "nic", "`not NIC` cannot stand beside other members");
}

static void check_rule_options(struct rules *r, const struct rules_rule *rule)
{
	if (rule->tcp_mask && match_classes(rule->what) & ~CLASS_TCP)
		error_at(r, CONFLICT, &rule->flags_text.pos, "write allow tcp",
			 "flags are TCP's; this rule is about more");
	if (rule->from_ports && match_classes(rule->what) & ~CLASS_PORTS)
		error_at(r, CONFLICT, &rule->from_ports->node.pos, "write "
			 "allow tcp, udp or sctp", "a source port needs a "
			 "protocol that has ports");
	if (rule->on && (rule->in || rule->out))
		error_at(r, CONFLICT, &rule->on->node.pos, "write in and out",
			 "`on` is in by or out by; with in or out it says "
			 "nothing clear");
	if (rule->stateless && rule->action == RULES_ALLOW)
		return;
	if (rule->stateless)
		warn_at(r, CONFLICT, &rule->node.pos, "leave it out",
			"a rule that lets nothing through keeps no state "
			"anyhow");
}

static void check_rule(struct rules *r, struct rules_rule *rule)
{
	bool soft = rule->action == RULES_ALLOW, ok;

	ok = resolve_matches(r, rule->what, soft);
	ok &= resolve_hosts(r, rule->from, KINDS_HOST, soft);
	ok &= resolve_hosts(r, rule->to, KINDS_HOST, soft);
	ok &= resolve_ports(r, rule->from_ports, soft);
	ok &= resolve_hosts(r, rule->on, KINDS_PORT, soft);
	ok &= resolve_hosts(r, rule->in, KINDS_PORT, soft);
	ok &= resolve_hosts(r, rule->out, KINDS_PORT, soft);
	rule->unresolved = !ok;
	check_nots(r, rule->from);
	check_nots(r, rule->to);
	check_rule_options(r, rule);
}

#define CANONICAL_MAX 1024	/* bytes of it that are kept, for listings */

/* The canonical text on its way to two places. */
struct canonical {
	struct strbuf	text;
	uint64_t	hash;
};

static void canonical_write(void *ctx, const char *text, size_t len)
{
	struct canonical *c = ctx;

	c->hash = hash_text(c->hash, text, len);
	c->text.out.write(c->text.out.ctx, text, len);
}

/* The text of a rule or translation, and the id that it gives. */
static void name_rule(struct rules *r, const struct rules_node *n,
		      const char **canonical, uint64_t *id)
{
	char text[CANONICAL_MAX];
	struct canonical c = { .hash = HASH_SEED };

	strbuf_init(&c.text, text, sizeof(text));
	format_canonical(n, &(struct rules_out){ canonical_write, &c });
	*canonical = rules_strdup(r, text, c.text.len);
	*id = c.hash;
}

/* --- the same written twice has two ids --- */

/* All ids, by their lowest bits; at most half of it is full. */
struct ids_entry {
	struct rules_node *n;		/* NULL: free */
	uint64_t	   id;
};
struct ids {
	struct ids_entry *entries;
	size_t		  mask;
};

static struct ids_entry *ids_find(const struct ids *t, uint64_t id)
{
	size_t i = id & t->mask;

	while (t->entries[i].n && t->entries[i].id != id)
		i = (i + 1) & t->mask;
	return &t->entries[i];
}

static void ids_add(struct ids *t, struct rules_node *n, uint64_t *id)
{
	const uint64_t hash = *id;
	struct ids_entry *e;

	while ((e = ids_find(t, *id))->n)
		/* The n-th copy keeps its id as long as it is the n-th. */
		*id = hash_text(hash + ++e->n->copies, "copy", 4);
	*e = (struct ids_entry){ n, *id };
}

static void ids_make_differ(struct rules *r)
{
	size_t mark = arena_mark(r);
	struct ids t = { .mask = 15 };
	struct rules_node *n;

	while (t.mask < 2 * (size_t)r->nr_stmts)
		t.mask = 2 * t.mask + 1;
	t.entries = rules_alloc(r, (t.mask + 1) * sizeof(*t.entries));
	if (!t.entries)
		return;
	foreach_stmt(r, RULES_RULE, n)
		ids_add(&t, n, &((struct rules_rule *)n)->id);
	foreach_stmt(r, RULES_NAT, n)
		ids_add(&t, n, &((struct rules_nat *)n)->id);
	arena_release(r, mark);
}

void check_rules(struct rules *r)
{
	struct rules_node *n;

	arena_turn(r, true);
	foreach_stmt(r, RULES_RULE, n) {
		struct rules_rule *rule = (struct rules_rule *)n;

		check_rule(r, rule);
		name_rule(r, n, &rule->canonical, &rule->id);
	}
	arena_turn(r, false);
	foreach_stmt(r, RULES_NAT, n) {
		struct rules_nat *nat = (struct rules_nat *)n;

		check_nat(r, nat);
		name_rule(r, n, &nat->canonical, &nat->id);
	}
	ids_make_differ(r);
}
