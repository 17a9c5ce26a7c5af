/*
 * ruleset.c: write a ruleset blob; check one that somebody else wrote.
 *
 * After vfr_ruleset_open() every index, offset and length in the blob is in
 * range and every enum is one we know, so that the packet path need not look
 * again.  That no two ports are one, vfr_load() checks: it has room to do so
 * in little time.  The blob must not change meanwhile.
 */
#include <errno.h>

#include "internal.h"

/* One row per section: size of its records. */
static const uint32_t record_size[VFR_NR_SECTIONS] = {
	[VFR_SEC_STRINGS]	= 1,
	[VFR_SEC_ADDRS]		= sizeof(struct vfr_prefix),
	[VFR_SEC_NETS]		= sizeof(struct vfr_rs_net),
	[VFR_SEC_PORTS]		= sizeof(struct vfr_rs_port),
	[VFR_SEC_ROUTES]	= sizeof(struct vfr_rs_route),
	[VFR_SEC_NATS]		= sizeof(struct vfr_rs_nat),
	[VFR_SEC_RULES]		= sizeof(struct vfr_rs_rule),
	[VFR_SEC_CLASSIFIER]	= 1,
};

struct section {
	const void	*data;
	uint32_t	count;
};

static void sections_of(const struct vfr_rs_parts *p,
			struct section s[VFR_NR_SECTIONS])
{
	s[VFR_SEC_STRINGS] = (struct section){ p->strings, p->nr_strings };
	s[VFR_SEC_ADDRS] = (struct section){ p->addrs, p->nr_addrs };
	s[VFR_SEC_NETS] = (struct section){ p->nets, p->nr_nets };
	s[VFR_SEC_PORTS] = (struct section){ p->ports, p->nr_ports };
	s[VFR_SEC_ROUTES] = (struct section){ p->routes, p->nr_routes };
	s[VFR_SEC_NATS] = (struct section){ p->nats, p->nr_nats };
	s[VFR_SEC_RULES] = (struct section){ p->rules, p->nr_rules };
	s[VFR_SEC_CLASSIFIER] =
		(struct section){ p->classifier, p->nr_classifier };
}

static size_t align8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

size_t vfr_ruleset_size(const struct vfr_rs_parts *parts)
{
	struct section s[VFR_NR_SECTIONS];
	size_t n = sizeof(struct vfr_rs_header);
	unsigned int i;

	sections_of(parts, s);
	for (i = 0; i < VFR_NR_SECTIONS; i++)
		n += align8((size_t)s[i].count * record_size[i]);
	return n;
}

void vfr_ruleset_write(const struct vfr_rs_parts *parts, void *blob)
{
	struct vfr_rs_header *h = blob;
	struct section s[VFR_NR_SECTIONS];
	size_t at = sizeof(*h), total = vfr_ruleset_size(parts), n;
	unsigned int i;

	memset(blob, 0, total);
	h->magic = VFR_RULESET_MAGIC;
	h->version = VFR_RULESET_VERSION;
	h->size = (uint32_t)total;
	h->hash = parts->hash;
	sections_of(parts, s);
	for (i = 0; i < VFR_NR_SECTIONS; i++) {
		n = (size_t)s[i].count * record_size[i];
		h->sec[i].offset = (uint32_t)at;
		h->sec[i].count = s[i].count;
		if (n)
			memcpy((uint8_t *)blob + at, s[i].data, n);
		at += align8(n);
	}
}

/* --- checking --- */

#define REFUSE(unless, text) do {					\
	if (!(unless))							\
		return text;						\
} while (0)

static bool mac_unicast(const uint8_t *mac)
{
	static const uint8_t zero[6];

	return !(mac[0] & 1) && memcmp(mac, zero, 6);
}

static bool text_ok(const struct vfr_rs_parts *p, uint32_t offset)
{
	return offset < p->nr_strings;	/* the last byte of all is NUL */
}

static bool name_ok(const struct vfr_rs_parts *p, uint32_t offset)
{
	uint32_t i;

	if (!text_ok(p, offset) || !p->strings[offset])
		return false;
	for (i = 0; i < VFR_NAME_MAX; i++)
		if (!p->strings[offset + i])
			return true;
	return false;
}

static bool addrs_ok(const struct vfr_rs_parts *p, uint32_t first, uint32_t nr)
{
	return first <= p->nr_addrs && nr <= p->nr_addrs - first;
}

static const char *check_addrs(const struct vfr_rs_parts *p)
{
	uint32_t i;

	for (i = 0; i < p->nr_addrs; i++)
		REFUSE(p->addrs[i].len <= 128, "a prefix is too long");
	return NULL;
}

static const char *check_nets(const struct vfr_rs_parts *p)
{
	const struct vfr_rs_net *n;

	REFUSE(p->nr_nets < NONE16, "too many nets");
	for (n = p->nets; n < p->nets + p->nr_nets; n++) {
		REFUSE(name_ok(p, n->name), "a net has a bad name");
		REFUSE(addrs_ok(p, n->first_addr, n->nr_addrs),
		       "a net's addresses are out of range");
		if (n->kind == VFR_NET_ROUTED) {
			REFUSE(mac_unicast(n->mac),
			       "a routed net has no unicast MAC");
		} else {
			REFUSE(n->kind == VFR_NET_BRIDGED,
			       "a net is of an unknown kind");
			REFUSE(n->nic < p->nr_ports &&
			       p->ports[n->nic].kind == VFR_PORT_NIC,
			       "a bridged net names no NIC");
		}
	}
	return NULL;
}

static const char *check_port(const struct vfr_rs_parts *p,
			      const struct vfr_rs_port *o)
{
	REFUSE(name_ok(p, o->name) && name_ok(p, o->device),
	       "a port has a bad name");
	REFUSE(addrs_ok(p, o->first_addr, o->nr_addrs),
	       "a port's addresses are out of range");
	REFUSE(o->mtu == 0 || (o->mtu >= 68 && o->mtu <= 65535),
	       "a port's MTU is out of range");
	if (o->kind == VFR_PORT_VIF) {
		REFUSE(o->net < p->nr_nets, "a vif is on no net");
		REFUSE(mac_unicast(o->mac), "a vif has no unicast MAC");
		REFUSE(o->vlan == 0, "a vif has a VLAN id");
	} else {
		REFUSE(o->kind == VFR_PORT_NIC, "a port is of unknown kind");
		REFUSE(o->vlan < 4095, "a VLAN id is out of range");
		REFUSE(!(o->mac[0] & 1), "a NIC's MAC is multicast");
	}
	return NULL;
}

static const char *check_ports(const struct vfr_rs_parts *p)
{
	const char *why;
	uint32_t i;

	REFUSE(p->nr_ports < NONE16, "too many ports");
	for (i = 0; i < p->nr_ports; i++) {
		why = check_port(p, &p->ports[i]);
		if (why)
			return why;
	}
	return NULL;
}

static const char *check_routes(const struct vfr_rs_parts *p)
{
	const struct vfr_rs_route *r;

	for (r = p->routes; r < p->routes + p->nr_routes; r++) {
		REFUSE(r->dst.len <= 128 && r->src.len <= 128,
		       "a route's prefix is too long");
		REFUSE(r->port < p->nr_ports, "a route names no port");
		REFUSE(text_ok(p, r->file), "a route's text is out of range");
	}
	return NULL;
}

static const char *check_nat(const struct vfr_rs_parts *p,
			     const struct vfr_rs_nat *n)
{
	bool ports = n->proto == IP_TCP || n->proto == IP_UDP;

	REFUSE(n->kind <= VFR_NAT_STATIC, "a translation is of unknown kind");
	REFUSE(n->match.len <= 128 && n->to.len <= 128,
	       "a translation's prefix is too long");
	REFUSE(n->port < p->nr_ports, "a translation names no port");
	REFUSE(n->lo <= n->hi, "a translation's ports are reversed");
	REFUSE(text_ok(p, n->file) && text_ok(p, n->comment),
	       "a translation's text is out of range");
	REFUSE(!n->to_lo || (ports && n->to_lo + (n->hi - n->lo) <= 65535),
	       "a translation's new ports are impossible");
	REFUSE((n->lo == 0 && n->hi == 65535) || ports || n->proto == IP_SCTP,
	       "a translation has ports without a protocol");
	REFUSE(n->kind != VFR_NAT_REDIRECT || n->to.len == 128,
	       "a redirect is to no single address");
	REFUSE(n->kind != VFR_NAT_STATIC || n->to.len == n->match.len,
	       "a static translation's sides differ in size");
	REFUSE(n->kind == VFR_NAT_MASQUERADE ||
	       n->match.len == 0 || vfr_addr_is_v4(&n->match.addr) ==
	       vfr_addr_is_v4(&n->to.addr),
	       "a translation mixes IPv4 and IPv6");
	return NULL;
}

static const char *check_nats(const struct vfr_rs_parts *p)
{
	const char *why = NULL;
	uint32_t i;

	REFUSE(p->nr_nats < NONE16, "too many translations");
	for (i = 0; i < p->nr_nats && !why; i++)
		why = check_nat(p, &p->nats[i]);
	return why;
}

static const char *check_rules(const struct vfr_rs_parts *p)
{
	const struct vfr_rs_rule *r;

	for (r = p->rules; r < p->rules + p->nr_rules; r++) {
		REFUSE(r->action <= VFR_REJECT, "a rule's action is unknown");
		REFUSE(!(r->flags & ~7u), "a rule has unknown flags");
		REFUSE(!r->limit || (r->limit_period_ms && r->limit <= 1000000 &&
				     r->limit_burst <= 1000000),
		       "a rule's limit is out of range");
		REFUSE(text_ok(p, r->label) && text_ok(p, r->comment) &&
		       text_ok(p, r->file) && text_ok(p, r->text),
		       "a rule's text is out of range");
	}
	return NULL;
}

/* Sections lie within the blob, aligned; fills in the pointers. */
static const char *check_sections(struct vfr_ruleset *rs, const uint8_t *blob,
				  size_t len)
{
	const struct vfr_rs_header *h = rs->hdr;
	const void *at[VFR_NR_SECTIONS] = { NULL };
	unsigned int i;

	for (i = 0; i < VFR_NR_SECTIONS; i++) {
		uint64_t n = (uint64_t)h->sec[i].count * record_size[i];

		REFUSE(h->sec[i].offset % 8 == 0 &&
		       h->sec[i].offset >= sizeof(*h) &&
		       h->sec[i].offset <= len &&
		       n <= len - h->sec[i].offset,
		       "a section is out of range");
		at[i] = blob + h->sec[i].offset;
	}
	rs->p = (struct vfr_rs_parts){
		.hash = h->hash,
		.strings = at[VFR_SEC_STRINGS],
		.addrs = at[VFR_SEC_ADDRS],
		.nets = at[VFR_SEC_NETS],
		.ports = at[VFR_SEC_PORTS],
		.routes = at[VFR_SEC_ROUTES],
		.nats = at[VFR_SEC_NATS],
		.rules = at[VFR_SEC_RULES],
		.classifier = at[VFR_SEC_CLASSIFIER],
		.nr_strings = h->sec[VFR_SEC_STRINGS].count,
		.nr_addrs = h->sec[VFR_SEC_ADDRS].count,
		.nr_nets = h->sec[VFR_SEC_NETS].count,
		.nr_ports = h->sec[VFR_SEC_PORTS].count,
		.nr_routes = h->sec[VFR_SEC_ROUTES].count,
		.nr_nats = h->sec[VFR_SEC_NATS].count,
		.nr_rules = h->sec[VFR_SEC_RULES].count,
		.nr_classifier = h->sec[VFR_SEC_CLASSIFIER].count,
	};
	REFUSE(rs->p.nr_strings && !rs->p.strings[0] &&
	       !rs->p.strings[rs->p.nr_strings - 1],
	       "the strings are not terminated");
	return NULL;
}

static const char *check(struct vfr_ruleset *rs, const void *blob, size_t len)
{
	static const char *(*const checks[])(const struct vfr_rs_parts *) = {
		check_addrs, check_ports, check_nets, check_routes, check_nats,
		check_rules,
	};
	const char *why;
	unsigned int i;

	REFUSE(len >= sizeof(*rs->hdr) && (uintptr_t)blob % 8 == 0,
	       "the blob is too short or not aligned");
	rs->hdr = blob;
	REFUSE(rs->hdr->magic == VFR_RULESET_MAGIC, "this is no ruleset");
	REFUSE(rs->hdr->version == VFR_RULESET_VERSION,
	       "the ruleset is of another version");
	REFUSE(rs->hdr->size == len && len <= VFR_RULESET_MAX_BYTES,
	       "the ruleset is cut short or too long");
	why = check_sections(rs, blob, len);
	for (i = 0; i < ARRAY_SIZE(checks) && !why; i++)
		why = checks[i](&rs->p);
	if (why)
		return why;
	REFUSE(!vfr_cls_open(&rs->cls, rs->p.classifier, rs->p.nr_classifier,
			     rs->p.nr_rules, rs->p.nr_ports),
	       "the classifier is damaged");
	return NULL;
}

int vfr_ruleset_open(struct vfr_ruleset *rs, const void *blob, size_t len,
		     const char **why)
{
	const char *text = check(rs, blob, len);

	if (why)
		*why = text;
	return text ? -EINVAL : 0;
}

const char *vfr_ruleset_text(const struct vfr_ruleset *rs, uint32_t offset)
{
	return offset < rs->p.nr_strings ? rs->p.strings + offset : "";
}
