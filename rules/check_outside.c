/*
 * check_outside.c: which translation takes what comes in from outside.
 *
 * A redirect and a static translation take what comes to an address on their
 * nic; of several, the first that is written.  The VFR answers for that address
 * there, so it must be nobody else's.
 */
#include "check.h"

#define KEY_MAX 80

/* --- whose address it is --- */

/* A domain on the same link would answer, too; elsewhere it would get what is
   for it from some and not from others. */
static void not_a_domains(struct rules *r, const struct rules_ref *at)
{
	const struct rules_node *o;
	char key[KEY_MAX];
	struct strbuf b;

	strbuf_init(&b, key, sizeof(key));
	out_print(&b.out, "@%A", &at->lo);
	o = symbol_find(r, key, b.len);
	if (o && o->kind == RULES_DOMAIN)
		diag_report(r, &(struct diag_args){ RULES_ERROR,
			    RULES_CODE_CONFLICT, &at->node.pos, &o->pos,
			    "write another address" },
			    "%A is an address of `%s` itself", &at->lo,
			    o->name);
}

void check_outside(struct rules *r, const struct rules_nat *n,
		   const struct rules_nic *nic)
{
	const struct rules_ref *gw;

	if (n->nat == RULES_REDIRECT || n->at->prefix_len == 128)
		not_a_domains(r, n->at);
	foreach_node(gw, nic->gateways)
		if (n->nat == RULES_STATIC ? prefix_has(n->at, &gw->lo) :
		    vfr_addr_eq(&n->at->lo, &gw->lo))
			error_at(r, CONFLICT, &n->at->node.pos, NULL,
				 "%A is the gateway of `%s`", &gw->lo,
				 nic->node.name);
}

/* --- which of two takes it --- */

struct outside {
	const struct rules_nat	*nat;
	struct vec		at;	/* of struct vfr_prefix */
	struct vec		kinds;	/* of struct kind */
};

static const struct vfr_prefix *prefixes(const struct outside *o)
{
	return o->at.data;
}

static const struct kind *kinds(const struct outside *o)
{
	return o->kinds.data;
}

/* False: out of memory. */
static bool outside_make(struct rules *r, struct outside *o,
			 const struct rules_nat *n)
{
	const struct rules_nic *nic = (const void *)n->nic->target;
	bool redirect = n->nat == RULES_REDIRECT;
	const struct rules_ref *ref = n->at ? n->at : nic->addresses;
	unsigned int families = refs_families(nat_host(redirect ? n->to
								: n->from));
	struct vfr_prefix *p;
	struct kind *k;

	*o = (struct outside){ .nat = n };
	for (; ref; ref = (const void *)ref->node.next) {
		if (!(families & (vfr_addr_is_v4(&ref->lo) ? FAMILY_4
							   : FAMILY_6)))
			continue;
		p = vec_add(r, &o->at, sizeof(*p));
		if (!p)
			return false;
		*p = (struct vfr_prefix){ ref->lo, redirect ? 128
							    : ref->prefix_len };
	}
	if (redirect)
		return space_kinds(r, n->what, NULL, &o->kinds);
	k = vec_add(r, &o->kinds, sizeof(*k));
	if (k)
		*k = (struct kind){ .any_proto = true, .sport_hi = UINT16_MAX,
				    .dport_hi = UINT16_MAX };
	return k;
}

/* All of b's addresses, and all of its ports, are a's as well. */
static bool takes(const struct outside *a, const struct outside *b)
{
	size_t i, j;

	if (a->nat->nic->target != b->nat->nic->target)
		return false;
	for (i = 0; i < b->at.n; i++) {
		const struct vfr_prefix *x = prefixes(b) + i;

		for (j = 0; j < a->at.n; j++)
			if (prefixes(a)[j].len <= x->len &&
			    vfr_prefix_has(prefixes(a) + j, &x->addr))
				break;
		if (j == a->at.n)
			return false;
	}
	for (i = 0; i < b->kinds.n; i++) {
		for (j = 0; j < a->kinds.n; j++)
			if (kind_covers(kinds(a) + j, kinds(b) + i))
				break;
		if (j == a->kinds.n)
			return false;
	}
	return b->at.n && b->kinds.n;
}

static void say_taken(struct rules *r, const struct outside *by,
		      const struct outside *o)
{
	diag_report(r, &(struct diag_args){ RULES_WARNING,
		    RULES_CODE_SHADOWED, &o->nat->node.pos, &by->nat->node.pos,
		    "take one of them out" },
		    "nothing comes in by this translation: an earlier one "
		    "takes all of it");
}

static void compare(struct rules *r, const struct outside *o, size_t n)
{
	uint64_t left = r->limits.shadow_work, cost;
	size_t i, k;

	for (i = 0; i < n && r->nr_warnings < r->limits.warnings; i++)
		for (k = 0; k < i; k++) {
			cost = 1 + o[i].at.n * o[k].at.n +
			       o[i].kinds.n * o[k].kinds.n;
			if (cost > left) {
				warn_at(r, LIMIT, &o[i].nat->node.pos, NULL,
					"too many translations: this one and "
					"those below it were not compared with "
					"each other");
				return;
			}
			left -= cost;
			if (takes(&o[k], &o[i])) {
				say_taken(r, &o[k], &o[i]);
				break;
			}
		}
}

void check_outsides(struct rules *r)
{
	size_t mark = arena_mark(r), nr = 0;
	struct rules_node *n;
	struct outside *all, *o;

	if (r->nr_errors)
		return;
	foreach_stmt(r, RULES_NAT, n)
		nr += ((struct rules_nat *)n)->nat != RULES_MASQUERADE;
	o = all = rules_alloc(r, nr * sizeof(*all));
	if (!all)
		return;
	foreach_stmt(r, RULES_NAT, n)
		if (((struct rules_nat *)n)->nat != RULES_MASQUERADE &&
		    !outside_make(r, o++, (struct rules_nat *)n))
			return;
	compare(r, all, nr);
	arena_release(r, mark);
}
