/*
 * compile.c: from a checked file to the blob that the VFR loads.
 *
 * Each statement adds to arrays of what the VFR knows; the classifier is built
 * of the atoms when all are there, and then everything becomes one blob.
 */
#include "compile.h"

#include <errno.h>

#include <vfr/ruleset.h>

int too_large(struct compiler *c, const struct rules_pos *pos, const char *what)
{
	diag_fatal(c->r, -E2BIG, pos, "the rules need more %s than the VFR "
		   "takes", what);
	return -E2BIG;
}

uint32_t add_string(struct compiler *c, const char *s)
{
	size_t len = strlen(s) + 1, i;
	uint32_t at = c->strings.n;

	if (len == 1)
		return 0;
	for (i = 0; i < len; i++) {
		char *slot = vec_add(c->r, &c->strings, 1);

		if (!slot)
			return 0;
		*slot = s[i];
	}
	return at;
}

uint32_t file_string(struct compiler *c, uint32_t file)
{
	if (!c->file_names[file])
		c->file_names[file] = add_string(c,
						 rules_file_name(c->r, file));
	return c->file_names[file];
}

void add_addr(struct compiler *c, const struct vfr_addr *a, unsigned int len)
{
	struct vfr_prefix *p = vec_add(c->r, &c->addrs, sizeof(*p));

	if (p)
		*p = (struct vfr_prefix){ .addr = *a, .len = len };
}

/* --- the whole --- */

/* What grows by each rule, once: the rest is little. */
static bool reserve(struct compiler *c)
{
	size_t rules = 0, atoms = 0, text = 1;
	struct rules_node *n;

	foreach_stmt(c->r, RULES_RULE, n) {
		const struct rules_rule *rule = (void *)n;
		const struct space *s = rule->space;

		rules++;
		text += strlen(rule->canonical) + strlen(rule->label) +
			strlen(rule->comment) + 3;
		atoms += s ? (size_t)s->nr_lanes * s->nr_kinds : 0;
		if (atoms > VFR_CLS_MAX_ATOMS)
			atoms = VFR_CLS_MAX_ATOMS;
	}
	return vec_reserve(c->r, &c->strings, text, 1) &&
	       vec_reserve(c->r, &c->rules, rules, sizeof(struct vfr_rs_rule)) &&
	       vec_reserve(c->r, &c->atoms, atoms, sizeof(struct vfr_cls_rule));
}

static int compile_statements(struct compiler *c)
{
	struct rules *r = c->r;
	struct rules_node *n;
	uint32_t i;
	int rc;

	if (!reserve(c))
		return -ENOMEM;
	vec_add(r, &c->strings, 1);	/* offset 0 is "" */
	for (i = 0; i < r->nr_nets; i++)
		compile_net(c, r->nets[i]);
	for (i = 0; i < r->nr_ports; i++)
		compile_port(c, r->ports[i]);
	foreach_stmt(r, RULES_ROUTE, n)
		compile_route(c, (struct rules_route *)n);
	foreach_stmt(r, RULES_NAT, n)
		compile_nat(c, (struct rules_nat *)n);
	foreach_stmt(r, RULES_RULE, n) {
		rc = compile_rule(c, (struct rules_rule *)n);
		if (rc)
			return rc;
	}
	return r->fatal;
}

/* An array of none is an array, too: not NULL. */
static const void *vec_array(const struct vec *v)
{
	static const uint64_t none;

	return v->data ? v->data : &none;
}

/* From here on the rules are what was compiled of them. */
static void forget_rules(struct rules *r)
{
	struct rules_node **link = &r->stmts, *n;

	while (*link)
		if ((*link)->kind == RULES_RULE)
			*link = (*link)->next;
		else
			link = &(*link)->next;
	foreach_stmt(r, RULES_SET, n) {
		((struct rules_set *)n)->ranges = NULL;
		((struct rules_set *)n)->ports = NULL;
	}
	arena_turn(r, true);
	arena_release(r, 0);
	arena_turn(r, false);
}

/* The blob is written into what is left when the builder has its own. */
static int compile_classifier(struct compiler *c, struct vfr_rs_parts *parts)
{
	struct vfr_cls_input in = {
		.rules = vec_array(&c->atoms), .nr_rules = c->atoms.n,
		.sets = vec_array(&c->sets), .nr_sets = c->sets.n,
		.ranges = vec_array(&c->ranges), .nr_ranges = c->ranges.n,
	};
	size_t arena_len = vfr_cls_arena_size(&in), mark, cap, len;
	void *blob, *arena;
	int rc;

	arena_turn(c->r, true);
	mark = arena_mark(c->r);
	arena = rules_alloc(c->r, arena_len);
	if (!arena)
		return -ENOMEM;
	blob = arena_rest(c->r, &cap);
	rc = vfr_cls_build(&in, arena, arena_len, blob, cap, &len, NULL);
	if (rc == -ENOSPC) {
		arena_full(c->r, vfr_cls_blob_max(&in));
		return -ENOMEM;
	}
	if (rc)
		return rc;
	arena_take_rest(c->r, len);
	arena_release(c->r, mark);
	arena_turn(c->r, false);
	parts->classifier = blob;
	parts->nr_classifier = len;
	return 0;
}

static uint64_t parts_hash(const struct vfr_rs_parts *p)
{
	uint64_t h = HASH_SEED;

	h = hash_text(h, p->strings, p->nr_strings);
	h = hash_text(h, (void *)p->addrs, p->nr_addrs * sizeof(*p->addrs));
	h = hash_text(h, (void *)p->nets, p->nr_nets * sizeof(*p->nets));
	h = hash_text(h, (void *)p->ports, p->nr_ports * sizeof(*p->ports));
	h = hash_text(h, (void *)p->routes, p->nr_routes * sizeof(*p->routes));
	h = hash_text(h, (void *)p->nats, p->nr_nats * sizeof(*p->nats));
	h = hash_text(h, (void *)p->rules, p->nr_rules * sizeof(*p->rules));
	return hash_text(h, p->classifier, p->nr_classifier);
}

/* In place of all that it was made of: from mark on. */
static int write_blob(struct rules *r, const struct vfr_rs_parts *parts,
		      size_t mark, const void **blob, size_t *len)
{
	size_t end_mark, rest;
	void *out;

	*len = vfr_ruleset_size(parts);
	arena_turn(r, true);
	end_mark = arena_mark(r);
	out = rules_alloc(r, *len);
	if (!out)
		return -ENOMEM;
	vfr_ruleset_write(parts, out);
	arena_release(r, end_mark);
	arena_turn(r, false);
	arena_release(r, mark);
	*blob = memmove(arena_rest(r, &rest), out, *len);
	arena_take_rest(r, *len);
	return 0;
}

int rules_compile(struct rules *r, const void **blob, size_t *len)
{
	struct compiler c = { .r = r };
	struct vfr_rs_parts parts;
	size_t mark = arena_mark(r);
	int rc;

	if (r->fatal)
		return r->fatal;
	if (r->nr_errors)
		return -EINVAL;
	c.file_names = rules_alloc(r, r->nr_sources * sizeof(uint32_t));
	if (!c.file_names)
		return -ENOMEM;
	rc = compile_statements(&c);
	if (!rc && r->nr_errors)
		rc = -EINVAL;
	if (rc)
		return rc;
	if (r->forget)
		forget_rules(r);
	parts = (struct vfr_rs_parts){
		.strings = vec_array(&c.strings), .nr_strings = c.strings.n,
		.addrs = vec_array(&c.addrs), .nr_addrs = c.addrs.n,
		.nets = vec_array(&c.nets), .nr_nets = c.nets.n,
		.ports = vec_array(&c.ports), .nr_ports = c.ports.n,
		.routes = vec_array(&c.routes), .nr_routes = c.routes.n,
		.nats = vec_array(&c.nats), .nr_nats = c.nats.n,
		.rules = vec_array(&c.rules), .nr_rules = c.rules.n,
	};
	rc = compile_classifier(&c, &parts);
	if (rc)
		return rc;
	parts.hash = parts_hash(&parts);
	if (vfr_ruleset_size(&parts) > VFR_RULESET_MAX_BYTES)
		return too_large(&c, NULL, "memory");
	return write_blob(r, &parts, mark, blob, len);
}
