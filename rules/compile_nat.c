/*
 * compile_nat.c: translations: masquerade, redirect, static.
 */
#include "compile.h"

#include <vfr/ruleset.h>

static struct vfr_rs_nat *add_nat(struct compiler *c, const struct rules_nat *n,
				  unsigned int kind)
{
	struct vfr_rs_nat *out, *all;
	uint64_t id = n->id;

	out = vec_add(c->r, &c->nats, sizeof(*out));
	if (!out)
		return NULL;
	all = c->nats.data;
	/* Entries of a statement stand together: each has its own id. */
	if (c->last_nat == n)
		id = hash_text(all[c->nats.n - 2].id, "next", 4);
	c->last_nat = n;
	*out = (struct vfr_rs_nat){
		.id = id, .kind = kind, .hi = UINT16_MAX,
		.port = ((struct rules_nic *)n->nic->target)->port,
		.file = file_string(c, n->node.pos.file),
		.line = n->node.pos.line,
		.comment = add_string(c, n->comment),
	};
	return out;
}

static void compile_masquerade(struct compiler *c, const struct rules_nat *n)
{
	const struct rules_nic *nic = (const void *)n->nic->target;
	struct vec v = { NULL };
	struct ranges from;
	size_t i;

	if (!space_addrs(c->r, n->from, &from))
		return;
	list_prefixes(c->r, &from, &v);
	for (i = 0; i < v.n; i++) {
		const struct vfr_prefix *p = (struct vfr_prefix *)v.data + i;
		struct vfr_rs_nat *out;

		if (!(prefix_families(p) & refs_families(nic->addresses)))
			continue;
		out = add_nat(c, n, VFR_NAT_MASQUERADE);
		if (out)
			out->match = *p;
	}
}

static void add_redirect(struct compiler *c, const struct rules_nat *n,
			 const struct kind *k, const struct vfr_addr *at,
			 const struct vfr_addr *to)
{
	struct vfr_rs_nat *out = add_nat(c, n, VFR_NAT_REDIRECT);

	if (!out)
		return;
	out->match = (struct vfr_prefix){ .addr = *at, .len = 128 };
	out->to = (struct vfr_prefix){ .addr = *to, .len = 128 };
	out->proto = k->any_proto ? 0 : k->proto;
	out->lo = k->dport_lo;
	out->hi = k->dport_hi;
	if (n->to_port)
		out->to_lo = n->to_port->ports->port_lo;
}

/* For each of our addresses there, to the host's first of that family. */
static void compile_redirect(struct compiler *c, const struct rules_nat *n)
{
	const struct rules_nic *nic = (const void *)n->nic->target;
	const struct rules_ref *at, *to, *ats = n->at ? n->at : nic->addresses;
	struct vec kinds = { NULL };
	const struct kind *k;
	size_t i;

	if (!space_kinds(c->r, n->what, NULL, &kinds))
		return;
	k = kinds.data;
	foreach_node(at, ats) {
		foreach_node(to, nat_host(n->to))
			if (to->kind == RULES_REF_ADDR &&
			    vfr_addr_is_v4(&to->lo) == vfr_addr_is_v4(&at->lo))
				break;
		for (i = 0; to && i < kinds.n; i++)
			add_redirect(c, n, &k[i], &at->lo, &to->lo);
	}
}

static void compile_static(struct compiler *c, const struct rules_nat *n)
{
	const struct rules_ref *in, *out = n->at;
	struct vfr_rs_nat *nat;

	foreach_node(in, nat_host(n->from))
		if (in->kind == RULES_REF_ADDR &&
		    vfr_addr_is_v4(&in->lo) == vfr_addr_is_v4(&out->lo))
			break;
	if (!in)
		return;
	nat = add_nat(c, n, VFR_NAT_STATIC);
	if (!nat)
		return;
	nat->match = (struct vfr_prefix){ .addr = in->lo,
					  .len = in->prefix_len };
	nat->to = (struct vfr_prefix){ .addr = out->lo,
				       .len = out->prefix_len };
}

void compile_nat(struct compiler *c, const struct rules_nat *n)
{
	switch (n->nat) {
	case RULES_MASQUERADE:	compile_masquerade(c, n); break;
	case RULES_REDIRECT:	compile_redirect(c, n); break;
	case RULES_STATIC:	compile_static(c, n); break;
	}
}
