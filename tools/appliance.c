/*
 * appliance.c: see appliance.h.  What the file asks to run comes from its
 * statements; what it means for the network from the compiled ruleset.
 */
#include "appliance.h"

#include <vfr/ruleset.h>

#include "describe.h"

#define MIB (1u << 20)

static json_t *text_or_null(const char *s)
{
	return *s ? json_words(s) : json_null();
}

static json_t *disks_json(const struct rules_domain *d)
{
	const struct rules_disk *disk;
	json_t *list = json_array();

	for (disk = d->disks; disk; disk = (const void *)disk->node.next)
		json_array_append_new(list, json_pack(
			"{s:o, s:o, s:b}", "name", json_words(disk->node.name),
			"source", json_words(disk->source), "read_only",
			disk->read_only));
	return list;
}

/* Those that name a host only do not run here. */
static json_t *domains_json(const struct rules *r)
{
	const struct rules_node *n = NULL;
	json_t *list = json_array();

	while ((n = rules_next(r, RULES_DOMAIN, n))) {
		const struct rules_domain *d = (const void *)n;

		if (!*d->kernel)
			continue;
		json_array_append_new(list, json_pack(
			"{s:o, s:o, s:i, s:o, s:o, s:I, s:i, s:b, s:o}",
			"name", json_words(n->name),
			"file", json_words(rules_file_name(r, n->pos.file)),
			"line", (int)n->pos.line,
			"kernel", json_words(d->kernel),
			"ramdisk", text_or_null(d->ramdisk),
			"memory", (json_int_t)d->memory_bytes,
			"vcpus", (int)d->vcpus, "autostart", d->autostart,
			"disks", disks_json(d)));
	}
	return list;
}

static json_t *includes_json(const struct rules *r)
{
	json_t *list = json_array();

	for (uint32_t i = 1; i < r->nr_sources; i++)
		json_array_append_new(list,
				      json_words(rules_file_name(r, i)));
	return list;
}

static json_t *addrs_json(const struct vfr_ruleset *rs, uint32_t first,
			  uint32_t nr)
{
	json_t *list = json_array();
	struct text t;

	for (uint32_t i = first; i < first + nr; i++)
		json_array_append_new(list, json_words(
			describe_prefix(&t, &rs->p.addrs[i])));
	return list;
}

static json_t *gateways_json(const struct vfr_rs_port *p)
{
	const struct vfr_addr *both[] = { &p->gateway4, &p->gateway6 };
	json_t *list = json_array();
	struct text t;

	for (size_t i = 0; i < 2; i++)
		if (!vfr_addr_is_zero(both[i]))
			json_array_append_new(list, json_words(
				describe_addr(&t, both[i])));
	return list;
}

static json_t *port_json(const struct vfr_ruleset *rs,
			 const struct vfr_rs_port *p)
{
	json_t *o = json_pack(
		"{s:o, s:o, s:o}",
		"name", json_words(vfr_ruleset_text(rs, p->name)),
		"device", json_words(vfr_ruleset_text(rs, p->device)),
		"addresses", addrs_json(rs, p->first_addr, p->nr_addrs));

	if (p->kind == VFR_PORT_VIF) {
		json_object_set_new(o, "net", json_words(vfr_ruleset_text(
			rs, rs->p.nets[p->net].name)));
		return o;
	}
	json_object_set_new(o, "vlan", json_integer(p->vlan));
	json_object_set_new(o, "gateways", gateways_json(p));
	return o;
}

static json_t *ports_json(const struct vfr_ruleset *rs, uint8_t kind)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < rs->p.nr_ports; i++)
		if (rs->p.ports[i].kind == kind)
			json_array_append_new(list,
					      port_json(rs, &rs->p.ports[i]));
	return list;
}

static json_t *nets_json(const struct vfr_ruleset *rs)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < rs->p.nr_nets; i++) {
		const struct vfr_rs_net *n = &rs->p.nets[i];
		bool bridged = n->kind == VFR_NET_BRIDGED;

		json_array_append_new(list, json_pack(
			"{s:o, s:o, s:o}",
			"name", json_words(vfr_ruleset_text(rs, n->name)),
			"bridged_on", bridged ?
				json_words(rs_port_name(rs, n->nic)) :
				json_null(),
			"addresses",
			addrs_json(rs, n->first_addr, n->nr_addrs)));
	}
	return list;
}

static json_t *redirect_json(const struct vfr_ruleset *rs,
			     const struct vfr_rs_nat *n)
{
	struct text at, to;

	return json_pack(
		"{s:o, s:o, s:i, s:i, s:i, s:o, s:i}",
		"nic", json_words(rs_port_name(rs, n->port)),
		"address", json_words(describe_addr(&at, &n->match.addr)),
		"protocol", n->proto, "first_port", n->lo, "last_port", n->hi,
		"to", json_words(describe_addr(&to, &n->to.addr)),
		"to_port", n->to_lo ? n->to_lo : n->lo);
}

static json_t *redirects_json(const struct vfr_ruleset *rs)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < rs->p.nr_nats; i++)
		if (rs->p.nats[i].kind == VFR_NAT_REDIRECT)
			json_array_append_new(list, redirect_json(
				rs, &rs->p.nats[i]));
	return list;
}

json_t *appliance_json(const struct rulefile *f)
{
	struct vfr_ruleset rs;

	if (!f->blob || vfr_ruleset_open(&rs, f->blob, f->blob_len, NULL))
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i}",
			 "includes", includes_json(&f->r),
			 "domains", domains_json(&f->r),
			 "nics", ports_json(&rs, VFR_PORT_NIC),
			 "vifs", ports_json(&rs, VFR_PORT_VIF),
			 "nets", nets_json(&rs),
			 "redirects", redirects_json(&rs),
			 "compiler_mib", (int)(f->r.arena.used / MIB + 1),
			 "ruleset_mib", (int)(f->blob_len / MIB + 1));
}
