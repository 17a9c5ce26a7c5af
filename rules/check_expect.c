/*
 * check_expect.c: packets in words get addresses and the port they come in by.
 */
#include "check.h"

#include <errno.h>

#define KINDS_AT (KIND_BIT(RULES_NIC) | KIND_BIT(RULES_DOMAIN))

/* The first address of that family (4, 6; 0: any), or NULL. */
static const struct rules_ref *addr_of_list(const struct rules_ref *list,
					    int family)
{
	const struct rules_ref *a;

	foreach_node(a, list)
		if (a->kind == RULES_REF_ADDR &&
		    (!family || (family == 4) == vfr_addr_is_v4(&a->lo)))
			return a;
	return NULL;
}

static const struct rules_ref *addr_of_host(const struct rules_ref *host,
					    int family)
{
	const struct rules_node *n = host->target;
	const struct rules_iface *i;
	const struct rules_ref *a;

	if (host->kind == RULES_REF_ADDR)
		return addr_of_list(host, family);
	if (host->iface)
		return addr_of_list(host->iface->addresses, family);
	if (n && n->kind == RULES_NIC)
		return addr_of_list(((const struct rules_nic *)n)->addresses,
				    family);
	if (n && n->kind == RULES_DOMAIN)
		foreach_node(i, ((const struct rules_domain *)n)->ifaces) {
			a = addr_of_list(i->addresses, family);
			if (a)
				return a;
		}
	return NULL;
}

/* The family of a host that has but one; else 0. */
static int family_of(const struct rules_ref *host)
{
	bool v4 = addr_of_host(host, 4), v6 = addr_of_host(host, 6);

	return v4 == v6 ? 0 : v4 ? 4 : 6;
}

static bool endpoint_resolve(struct rules *r, struct rules_endpoint *e)
{
	if (e->host->kind == RULES_REF_NAME && !e->host->target)
		return resolve(r, e->host, KINDS_AT, false);
	return true;
}

static bool endpoint_addr(struct rules *r, struct rules_endpoint *e, int family)
{
	const struct rules_ref *a = addr_of_host(e->host, family);

	if (!a) {
		error_at(r, CONFLICT, &e->text.pos, NULL,
			 "`%s` has no IPv%d address", e->text.text, family);
		return false;
	}
	e->addr = a->lo;
	return true;
}

static bool endpoint_ports(struct rules *r, const struct rules_packet *k,
			   const struct rules_endpoint *e)
{
	bool want = proto_has_ports(k->proto) && !k->frag_offset;

	if (e->has_port && !proto_has_ports(k->proto))
		error_at(r, CONFLICT, &e->text.pos, "leave it out",
			 "this protocol has no ports");
	else if (want && !e->has_port)
		error_at(r, CONFLICT, &e->text.pos, "write HOST:PORT",
			 "a packet of this protocol has ports");
	else
		return true;
	return false;
}

/* The family that the protocol, or the type, belongs to; 0: both. */
static int family_of_proto(const struct rules_packet *k)
{
	switch (k->proto) {
	case PROTO_ICMP:
		return 4;
	case PROTO_ICMP6:
		return 6;
	case RULES_PROTO_ICMP_BOTH:
		return k->icmp_type < 0 ? 6 : k->icmp6_type < 0 ? 4 : 0;
	default:
		return 0;
	}
}

/* Can it be sent by IPv4 and by IPv6, as it is written? */
static bool packet_is_dual(const struct rules_packet *k)
{
	return !family_of_proto(k) &&
	       addr_of_host(k->src.host, 4) && addr_of_host(k->src.host, 6) &&
	       addr_of_host(k->dst.host, 4) && addr_of_host(k->dst.host, 6);
}

/* dual: the family to take where both ends have both. */
static bool packet_family(struct rules *r, struct rules_packet *k, int dual)
{
	int src = family_of(k->src.host), dst = family_of(k->dst.host);
	int proto = family_of_proto(k);
	int family = src ? src : dst ? dst : proto ? proto : dual;

	if (src && dst && src != dst) {
		error_at(r, CONFLICT, &k->dst.text.pos, NULL, "one end is IPv%d"
			 ", the other IPv%d", src, dst);
		return false;
	}
	if (k->proto == RULES_PROTO_ICMP_BOTH)
		k->proto = family == 4 ? PROTO_ICMP : PROTO_ICMP6;
	if ((k->proto == PROTO_ICMP && family == 6) ||
	    (k->proto == PROTO_ICMP6 && family == 4)) {
		error_at(r, CONFLICT, &k->pos, NULL, "%s does not go with "
			 "IPv%d addresses", proto_name(k->proto), family);
		return false;
	}
	if (k->proto == PROTO_ICMP6)
		k->icmp_type = k->icmp6_type;
	if ((k->proto == PROTO_ICMP || k->proto == PROTO_ICMP6) &&
	    k->icmp_type < 0) {
		error_at(r, CONFLICT, &k->pos, NULL, "%s has no such type",
			 proto_name(k->proto));
		return false;
	}
	return endpoint_addr(r, &k->src, family) &&
	       endpoint_addr(r, &k->dst, family);
}

static uint16_t port_of_ref(const struct rules_ref *ref)
{
	const struct rules_domain *d = (void *)ref->target;

	if (ref->iface)
		return ref->iface->port;
	if (!d)
		return RULES_PORT_ANY;
	if (d->node.kind == RULES_NIC)
		return ((const struct rules_nic *)ref->target)->port;
	return d->ifaces ? d->ifaces->port : RULES_PORT_ANY;
}

static bool check_on(struct rules *r, struct rules_packet *k)
{
	return !k->on || k->on->target || resolve(r, k->on, KINDS_AT, false);
}

/* By the port that is named, or that of the source. */
static bool packet_port(struct rules *r, struct rules_packet *k)
{
	k->port = RULES_PORT_ANY;
	if (k->on)
		k->port = port_of_ref(k->on);
	else
		k->port = port_of_addr(r, &k->src.addr);
	if (k->port != RULES_PORT_ANY)
		return true;
	error_at(r, CONFLICT, &k->src.text.pos, "write `on` and a nic or "
		 "domain", "%A comes in by no port that is known",
		 &k->src.addr);
	return false;
}

static bool packet_names(struct rules *r, struct rules_packet *k)
{
	return endpoint_resolve(r, &k->src) && endpoint_resolve(r, &k->dst) &&
	       check_on(r, k);
}

static bool packet_resolve(struct rules *r, struct rules_packet *k, int dual)
{
	return packet_family(r, k, dual) && endpoint_ports(r, k, &k->src) &&
	       endpoint_ports(r, k, &k->dst) && packet_port(r, k);
}

bool check_packet(struct rules *r, struct rules_packet *k)
{
	return packet_names(r, k) && packet_resolve(r, k, 4);
}

/* The names of a step.  *dual is set if its packet can be of either family. */
static bool step_names(struct rules *r, struct rules_step *s, bool *dual)
{
	bool ok;

	if (s->step == RULES_STEP_WAIT)
		return true;
	if (s->step == RULES_STEP_PACKET)
		ok = packet_names(r, &s->packet);
	else
		ok = check_on(r, &s->packet);
	if (s->out)
		ok &= resolve(r, s->out, KINDS_AT, false) != NULL;
	if (s->has_as)
		ok &= endpoint_resolve(r, &s->as_src) &&
		      endpoint_resolve(r, &s->as_dst);
	if (ok && s->step == RULES_STEP_PACKET)
		*dual |= packet_is_dual(&s->packet);
	return ok;
}

/* family: in, that of the packet before; out, that of this step's. */
static bool step_resolve(struct rules *r, struct rules_step *s, int dual,
			 int *family)
{
	bool ok = true;

	if (s->step == RULES_STEP_WAIT)
		return true;
	if (s->step == RULES_STEP_PACKET) {
		ok = packet_resolve(r, &s->packet, dual);
		*family = vfr_addr_is_v4(&s->packet.src.addr) ? 4 : 6;
	} else if (s->packet.on) {
		s->packet.port = port_of_ref(s->packet.on);
	} else {
		s->packet.port = RULES_PORT_ANY;
	}
	if (s->out)
		s->out_port = port_of_ref(s->out);
	if (ok && s->has_as)
		ok = endpoint_addr(r, &s->as_src, *family) &&
		     endpoint_addr(r, &s->as_dst, *family);
	return ok;
}

static bool steps_resolve(struct rules *r, struct rules_step *steps, int dual)
{
	struct rules_step *s;
	bool ok = true;
	int family = 0;

	foreach_node(s, steps)
		ok &= step_resolve(r, s, dual, &family);
	return ok;
}

/* A second list, for IPv6, of steps whose names are resolved.  NULL: no memory. */
static struct rules_step *steps_copy(struct rules *r, struct rules_step *steps)
{
	struct rules_step *first = NULL, **end = &first, *s;

	foreach_node(s, steps) {
		struct rules_step *copy = rules_alloc(r, sizeof(*copy));

		if (!copy)
			return NULL;
		*copy = *s;
		copy->node.next = NULL;
		s->family = 4;
		copy->family = 6;
		*end = copy;
		end = (struct rules_step **)&copy->node.next;
	}
	return first;
}

static bool check_expect(struct rules *r, struct rules_expect *e)
{
	bool ok = true, dual = false;
	struct rules_step *s;

	foreach_node(s, e->steps)
		ok &= step_names(r, s, &dual);
	if (!ok)
		return false;
	if (dual) {
		e->steps6 = steps_copy(r, e->steps);
		if (!e->steps6)
			return false;
	}
	return steps_resolve(r, e->steps, 4) && steps_resolve(r, e->steps6, 6);
}

void check_expects(struct rules *r)
{
	struct rules_node *n;

	foreach_stmt(r, RULES_EXPECT, n)
		if (!check_expect(r, (struct rules_expect *)n))
			((struct rules_expect *)n)->unresolved = true;
}

/* --- printing --- */

static void print_endpoint(const struct rules_endpoint *e,
			   const struct rules_out *out)
{
	out_print(out, e->has_port && !vfr_addr_is_v4(&e->addr) ? "[%A]" : "%A",
		  &e->addr);
	if (e->has_port)
		out_print(out, ":%u", e->port);
}

static void print_icmp(const struct rules_packet *k,
		       const struct rules_out *out)
{
	const char *name = rules_icmp_name(k->proto, k->icmp_type, -1);

	if (name)
		out_print(out, " %s", name);
	else
		out_print(out, " %u", k->icmp_type);
	if (k->icmp_code > 0)
		out_print(out, "/%u", k->icmp_code);
}

void rules_packet_print(const struct rules *r, const struct rules_packet *k,
			const struct rules_out *out)
{
	const char *proto = proto_name(k->proto);
	unsigned int i;

	if (proto)
		out_print(out, "%s", proto);
	else
		out_print(out, "proto %u", k->proto);
	if (k->icmp_type >= 0)
		print_icmp(k, out);
	out_print(out, " ");
	print_endpoint(&k->src, out);
	out_print(out, " -> ");
	print_endpoint(&k->dst, out);
	if (k->port < r->nr_ports)
		out_print(out, " on %s", rules_port_name(r, k->port));
	if (k->has_flags) {
		out_print(out, " flags ");
		for (i = 0; i < 8; i++)
			if (k->tcp_flags & 1u << i)
				out_print(out, "%c", "FSRPAUEW"[i]);
		if (!k->tcp_flags)
			out_print(out, "none");
	}
	if (k->size)
		out_print(out, " size %u", k->size);
	if (k->ttl != 64)
		out_print(out, " ttl %u", k->ttl);
	if (k->has_frag)
		out_print(out, " fragment %u%s", k->frag_offset,
			  k->more_frags ? "+" : "");
}
