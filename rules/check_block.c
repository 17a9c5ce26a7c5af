/*
 * check_block.c: the blocks of domains: what is needed to run one.
 */
#include "check.h"

#define MEMORY_MIN	(1u << 20)

/* Those that d waits for are started here, sooner or later. */
static void after_resolve(struct rules *r, struct rules_domain *d)
{
	const struct rules_domain *other;
	struct rules_ref *a;

	foreach_node(a, d->after) {
		resolve(r, a, KIND_BIT(RULES_DOMAIN), false);
		other = (const struct rules_domain *)a->target;
		if (other && !*other->kernel)
			error_at(r, CONFLICT, &a->node.pos, "give it a kernel",
				 "`%s` waits for `%s`, which is not run here",
				 d->node.name, other->node.name);
	}
}

/*
 * Does d wait for itself?  Follows one chain for each `after`; a domain that
 * has been looked at (mark) is not followed again, so the work is linear.
 */
static bool after_cycle(struct rules *r, struct rules_domain *d,
			unsigned int depth)
{
	struct rules_ref *a;
	bool found = false;

	if (d->mark == 2 || depth > 1000)
		return false;
	if (d->mark == 1)
		return true;
	d->mark = 1;
	foreach_node(a, d->after) {
		if (!a->target || found)
			continue;
		if (after_cycle(r, (struct rules_domain *)a->target,
				depth + 1)) {
			error_at(r, CONFLICT, &a->node.pos, NULL, "`%s` and "
				 "`%s` wait for each other", d->node.name,
				 a->target->name);
			found = true;
		}
	}
	d->mark = 2;
	return false;
}

static void check_block(struct rules *r, struct rules_domain *d)
{
	struct rules_disk *k, *o;

	if (*d->kernel && !d->memory_bytes)
		error_at(r, CONFLICT, &d->node.pos, "write memory 64M",
			 "domain `%s` has a kernel and no memory",
			 d->node.name);
	if (d->memory_bytes && d->memory_bytes < MEMORY_MIN)
		error_at(r, VALUE, &d->node.pos, NULL, "domain `%s` needs at "
			 "least 1M of memory", d->node.name);
	if (!*d->kernel && *d->ramdisk)
		error_at(r, CONFLICT, &d->node.pos, NULL, "domain `%s` has a "
			 "ramdisk and no kernel", d->node.name);
	if (!d->warp_ns && (d->warp_limit_ns || d->unwarp_ns))
		warn_at(r, CONFLICT, &d->node.pos, "write warp TIME",
			"without warp, warp_limit and unwarp mean nothing");
	foreach_node(k, d->disks)
		for (o = d->disks; o != k; o = (void *)o->node.next)
			if (strcmp(o->node.name, k->node.name) == 0)
				error_at(r, CONFLICT, &k->node.pos, NULL,
					 "disk `%s` is given twice",
					 k->node.name);
}

/* The management domain runs before the file is read, and has one interface. */
static void check_dom0(struct rules *r, const struct rules_domain *d)
{
	const struct rules_setting *s;

	foreach_node(s, d->settings)
		if (!s->iface)
			error_at(r, CONFLICT, &s->node.pos, "leave it out",
				 "`%s` runs already: `%s` cannot be given here",
				 d->node.name, s->node.name);
	if (d->ifaces && d->ifaces->node.next)
		error_at(r, CONFLICT, &d->ifaces->node.next->pos, NULL,
			 "`%s` has one interface", d->node.name);
}

void check_blocks(struct rules *r)
{
	struct rules_node *n;

	foreach_stmt(r, RULES_DOMAIN, n) {
		after_resolve(r, (struct rules_domain *)n);
		check_block(r, (struct rules_domain *)n);
		if (strcmp(n->name, "dom0") == 0)
			check_dom0(r, (struct rules_domain *)n);
	}
	foreach_stmt(r, RULES_DOMAIN, n)
		after_cycle(r, (struct rules_domain *)n, 0);
}
