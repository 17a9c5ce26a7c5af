/*
 * space_kind.c: the kinds of packet a rule is about: protocols and their ports.
 */
#include "rules_int.h"

#define KINDS_MAX	65536	/* of one rule */

struct port_range {
	uint16_t lo, hi;
};

static bool port_ranges(struct rules *r, const struct rules_ref *list,
			bool not, struct vec *v);

static bool add_ports(struct rules *r, struct vec *v, uint32_t lo, uint32_t hi)
{
	struct port_range *slot = vec_add(r, v, sizeof(*slot));

	if (slot)
		*slot = (struct port_range){ lo, hi };
	return slot;
}

static int port_cmp(const void *a, const void *b)
{
	return (int)((const struct port_range *)a)->lo -
	       (int)((const struct port_range *)b)->lo;
}

static void ports_normalize(struct vec *v)
{
	struct port_range *p = v->data;
	size_t i, n = 0;

	sort_items(p, v->n, sizeof(*p), port_cmp);
	for (i = 0; i < v->n; i++) {
		if (!n || p[i].lo > (uint32_t)p[n - 1].hi + 1)
			p[n++] = p[i];
		else if (p[i].hi > p[n - 1].hi)
			p[n - 1].hi = p[i].hi;
	}
	v->n = n;
}

/* All but what is marked `not`, as for addresses. */
static bool space_ports(struct rules *r, const struct rules_ref *list,
			struct vec *out)
{
	struct vec yes = { NULL }, no = { NULL };
	const struct port_range *y, *n;
	size_t i, j;

	if (!list || only_nots(list)) {
		if (!add_ports(r, &yes, 0, UINT16_MAX))
			return false;
	} else if (!port_ranges(r, list, false, &yes)) {
		return false;
	}
	if (!port_ranges(r, list, true, &no))
		return false;
	ports_normalize(&yes);
	ports_normalize(&no);
	y = yes.data;
	n = no.data;
	for (i = 0; i < yes.n; i++) {
		uint32_t lo = y[i].lo;

		for (j = 0; j < no.n && n[j].lo <= y[i].hi; j++) {
			if (n[j].hi < lo)
				continue;
			if (n[j].lo > lo &&
			    !add_ports(r, out, lo, n[j].lo - 1))
				return false;
			lo = (uint32_t)n[j].hi + 1;
		}
		if (lo <= y[i].hi && !add_ports(r, out, lo, y[i].hi))
			return false;
	}
	return true;
}

const struct vec *space_set_ports(struct rules *r, struct rules_set *s)
{
	bool before = arena_turn(r, true);
	struct vec *out;

	if (!s->ports) {
		out = rules_alloc(r, sizeof(*out));
		/* No member is no port; of a protocol, none written is all. */
		if (out && (!s->members || space_ports(r, s->members, out)))
			s->ports = out;
	}
	arena_turn(r, before);
	return s->ports;
}

static bool port_ranges(struct rules *r, const struct rules_ref *list, bool not,
			struct vec *v)
{
	const struct rules_ref *ref;
	const struct vec *set;
	size_t i;

	foreach_node(ref, list) {
		if (ref->not != not)
			continue;
		if (ref->kind == RULES_REF_PORT) {
			if (!add_ports(r, v, ref->port_lo, ref->port_hi))
				return false;
		} else if (ref->kind == RULES_REF_ANY) {
			if (!add_ports(r, v, 0, UINT16_MAX))
				return false;
		} else if (ref->target && ref->target->kind == RULES_SET) {
			set = space_set_ports(r, (struct rules_set *)ref->target);
			if (!set)
				return false;
			for (i = 0; i < set->n; i++) {
				const struct port_range *p = set->data;

				if (!add_ports(r, v, p[i].lo, p[i].hi))
					return false;
			}
		}
	}
	return true;
}

static bool add_kind(struct rules *r, struct vec *v, const struct kind *k,
		     const struct rules_pos *pos)
{
	struct kind *slot;

	if (v->n >= KINDS_MAX) {
		error_at(r, LIMIT, pos, NULL, "this stands for more than %d "
			 "combinations of ports", KINDS_MAX);
		return false;
	}
	slot = vec_add(r, v, sizeof(*slot));
	if (slot)
		*slot = *k;
	return slot;
}

/* An ICMP type and code, in the place of ports. */
static bool kind_icmp(struct rules *r, const struct rules_match *m, int proto,
		      int type, struct vec *v)
{
	struct kind k = { .proto = proto, .sport_hi = UINT16_MAX,
			  .dport_hi = UINT16_MAX };

	if (*m->icmp_text && type < 0)
		return true;	/* this family has no such type */
	if (type >= 0)
		k.sport_lo = k.sport_hi = type;
	if (m->icmp_code >= 0)
		k.dport_lo = k.dport_hi = m->icmp_code;
	return add_kind(r, v, &k, &m->node.pos);
}

static bool kind_ports(struct rules *r, const struct rules_match *m,
		       const struct vec *sports, struct vec *v)
{
	const struct port_range *s = sports->data, *d;
	struct vec dports = { NULL };
	size_t i, j;

	if (!space_ports(r, m->ports, &dports))
		return false;
	d = dports.data;
	for (i = 0; i < sports->n; i++)
		for (j = 0; j < dports.n; j++) {
			struct kind k = { m->proto, false, s[i].lo, s[i].hi,
					  d[j].lo, d[j].hi };

			if (!add_kind(r, v, &k, &m->node.pos))
				return false;
		}
	return true;
}

/* budget: members looked at, so that services within services end. */
static bool match_kinds(struct rules *r, const struct rules_match *list,
			const struct vec *sports, struct vec *v,
			unsigned int *budget)
{
	static const struct kind any = { 0, true, 0, UINT16_MAX, 0,
					 UINT16_MAX };
	const struct rules_match *m;

	foreach_node(m, list) {
		struct kind plain = any;
		bool ok = true;

		if (!(*budget)--) {
			error_at(r, LIMIT, &m->node.pos, NULL, "services stand "
				 "for more than %d members", KINDS_MAX);
			return false;
		}
		plain.proto = m->proto;
		plain.any_proto = false;
		if (m->proto == RULES_PROTO_SERVICE)
			ok = !m->service ||
			     match_kinds(r, m->service->members, sports, v,
					 budget);
		else if (m->proto == RULES_PROTO_ANY)
			ok = add_kind(r, v, &any, &m->node.pos);
		else if (m->proto == RULES_PROTO_ICMP_BOTH)
			ok = kind_icmp(r, m, PROTO_ICMP, m->icmp_type, v) &&
			     kind_icmp(r, m, PROTO_ICMP6, m->icmp6_type, v);
		else if (m->proto == PROTO_ICMP)
			ok = kind_icmp(r, m, PROTO_ICMP, m->icmp_type, v);
		else if (m->proto == PROTO_ICMP6)
			ok = kind_icmp(r, m, PROTO_ICMP6, m->icmp6_type, v);
		else if (proto_has_ports(m->proto))
			ok = kind_ports(r, m, sports, v);
		else
			ok = add_kind(r, v, &plain, &m->node.pos);
		if (!ok)
			return false;
	}
	return true;
}

bool space_kinds(struct rules *r, const struct rules_match *m,
		 const struct rules_ref *from_ports, struct vec *kinds)
{
	struct vec sports = { NULL };
	unsigned int budget = KINDS_MAX;

	return space_ports(r, from_ports, &sports) &&
	       match_kinds(r, m, &sports, kinds, &budget);
}
