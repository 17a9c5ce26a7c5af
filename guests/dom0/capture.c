/*
 * capture.c: see capture.h.
 */
#include "dom0/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/bytes.h"
#include "dom0/ownvif.h"
#include "dom0/portname.h"
#include "dom0/ruleset.h"
#include "dom0/tap.h"
#include "kit/kit.h"
#include "kit/time.h"
#include "tools/pcapng.h"
#include "tools/tapnote.h"

#define RING_BYTES	(1u << 20)
#define IFACES_MAX	256	/* what is seen on more ports is left out */
#define BLOCK_MAX	4608	/* bytes of an interface's block, and of a
				   packet's but for the packet */
#define STATS_BYTES	128	/* of a block of counters, at most */
#define STATS_NS	(2 * SECONDS)

struct iface {
	char	 name[VFR_NAME_MAX];
	uint64_t packets;	/* that the filter took */
	uint64_t dropped;	/* of them, by the firewall */
};

struct capture {
	struct tap	 tap;
	struct pcapng	 ng;
	struct bytes	*to;		/* while filling */
	bool		 one_vlan;	/* of its NIC; else all that the tap shows */
	uint16_t	 vlan;		/* that one; 0: untagged */
	char		 words[256];
	uint64_t	 start_ns, offset_ns;	/* UTC; system time to UTC */
	uint64_t	 stats_ns;	/* system time of the last counters */
	uint64_t	 told_seen;	/* what they were about */
	uint64_t	 left_out;
	uint32_t	 nr_ifaces;
	struct iface	 ifaces[IFACES_MAX];
};

static int to_bytes(void *ctx, const void *data, size_t len)
{
	struct capture *c = ctx;

	return bytes_add(c->to, data, len);
}

/* ---- opening ---- */

static int spec_take(const struct capture_spec *s, struct capture *c,
		     struct sluice_tap *want, const char **why)
{
	const struct vfr_ruleset *rs = ruleset_loaded();
	const char *own = ownvif_device();

	*want = (struct sluice_tap){
		.filter = (uint64_t)s->filter,
		.nr_filter = s->nr_filter,
		.stages = s->stages,
		.snaplen = s->snaplen,
		.ring_bytes = RING_BYTES,
	};
	if (strcmp(s->port, CAPTURE_PORT_ANY)) {
		uint16_t i = portname_find(rs, s->port);
		const struct vfr_rs_port *p;

		*why = "no such port";
		if (i == VFR_NONE16)
			return -ENOENT;
		p = &rs->p.ports[i];	/* only until other rules are loaded */
		c->one_vlan = p->kind != VFR_PORT_VIF;
		c->vlan = p->vlan;
		strncpy(want->device, vfr_ruleset_text(rs, p->device),
			sizeof(want->device) - 1);
	}
	/* Else each packet of this stream would be captured, and so on. */
	if (strcmp(want->device, own))
		strncpy(want->except, own, sizeof(want->except) - 1);
	return 0;
}

static const char *why_not(int rc)
{
	switch (rc) {
	case -EINVAL:
		return "the hypervisor refuses the filter, snaplen or stage";
	case -ENOSPC:
		return "too many captures at once";
	default:
		return "no memory";
	}
}

int capture_open(const struct capture_spec *s, struct capture **out,
		 const char **why)
{
	struct capture *c = calloc(1, sizeof(*c));
	struct sluice_tap want;
	int rc;

	*why = "no memory";
	if (!c)
		return -ENOMEM;
	rc = spec_take(s, c, &want, why);
	if (!rc) {
		rc = tap_open(&c->tap, &want);
		*why = why_not(rc);
	}
	if (rc) {
		free(c);
		return rc;
	}
	snprintf(c->words, sizeof(c->words), "%s", s->words);
	c->start_ns = time_wall_ns();
	c->offset_ns = c->start_ns - time_now();
	c->ng.snaplen = s->snaplen;	/* the section begins with the first
					   fill */
	printf("dom0: capture %u: %s by %s%s%s\n", c->tap.id, s->port, s->who,
	       *c->words ? ": " : "", c->words);
	*out = c;
	return 0;
}

void capture_stop(struct capture *c)
{
	tap_stop(&c->tap);
}

void capture_close(struct capture *c)
{
	uint64_t packets = 0;

	for (uint32_t i = 0; i < c->nr_ifaces; i++)
		packets += c->ifaces[i].packets;
	printf("dom0: capture %u ended: %lu packets, %lu lost\n", c->tap.id,
	       packets, tap_lost(&c->tap));
	tap_stop(&c->tap);
	tap_close(&c->tap);
	free(c);
}

/* ---- the section ---- */

static void section_begin(struct capture *c)
{
	const struct vfr_ruleset *rs = ruleset_loaded();
	char comment[64] = "no rules loaded";

	if (rs)
		snprintf(comment, sizeof(comment), "ruleset %016lx",
			 rs->hdr->hash);
	pcapng_begin(&c->ng, to_bytes, c, c->ng.snaplen, "sluice", comment);
}

static int iface_add(struct capture *c, const char *name, uint16_t rs_port)
{
	const struct vfr_ruleset *rs = ruleset_loaded();
	char description[TAPNOTE_MAX] = "";
	struct iface *i;

	if (c->nr_ifaces == IFACES_MAX)
		return -ENOSPC;
	i = &c->ifaces[c->nr_ifaces++];
	snprintf(i->name, sizeof(i->name), "%s", name);
	if (rs_port != VFR_NONE16)
		tapnote_port(description, rs, rs_port);
	pcapng_add_iface(&c->ng, &(struct pcapng_iface){
		.name = i->name,
		.description = *description ? description : NULL,
		.filter = *c->words ? c->words : NULL,
	});
	return (int)c->nr_ifaces - 1;
}

/* The interface of what came in or left by dev then. */
static int iface_of(struct capture *c, uint16_t dev, uint16_t vlan,
		    uint64_t time_ns)
{
	const struct vfr_ruleset *rs = ruleset_loaded();
	const char *name = portname(rs, dev, vlan, time_ns);

	if (!*name)
		name = "gone";	/* its port is no more */
	for (uint32_t i = 0; i < c->nr_ifaces; i++)
		if (!strcmp(c->ifaces[i].name, name))
			return (int)i;
	return iface_add(c, name, portname_index(rs, dev, vlan, time_ns));
}

/* Of a NIC with VLANs the tap shows all; wanted is one. */
static bool is_wanted(const struct capture *c, const struct vfr_tap_record *r,
		      uint16_t vlan)
{
	return !c->one_vlan || r->stage == VFR_TAP_DROP || vlan == c->vlan;
}

static void record_write(struct capture *c, const struct vfr_tap_record *r)
{
	const struct vfr_ruleset *rs = ruleset_loaded();
	const uint8_t *frame = (const uint8_t *)(r + 1);
	uint16_t vlan = portname_vlan(frame, r->caplen);
	bool left = r->stage == VFR_TAP_EGRESS;
	uint16_t dev = left ? r->out : r->port;
	const char *out = "";
	char note[TAPNOTE_MAX];
	int i;

	if (!is_wanted(c, r, vlan))
		return;
	i = iface_of(c, dev, vlan, r->time_ns);
	if (i < 0) {
		c->left_out++;
		return;
	}
	c->ifaces[i].packets++;
	c->ifaces[i].dropped += r->verdict == VFR_VERDICT_DROP;
	if (r->out != VFR_NONE16)
		out = portname(rs, r->out, left ? vlan : 0, r->time_ns);
	tapnote_write(note, rs, r,
		      portname(rs, r->port, left ? 0 : vlan, r->time_ns), out,
		      0);
	pcapng_packet(&c->ng, &(struct pcapng_packet){
		.iface = (uint32_t)i,
		.time_ns = r->time_ns + c->offset_ns,
		.data = frame,
		.caplen = r->caplen,
		.len = r->len,
		.direction = left ? PCAPNG_DIR_OUT : PCAPNG_DIR_IN,
		.csum_partial = r->flags & VFR_TAP_CSUM_PARTIAL,
		.gso = r->flags & VFR_TAP_GSO,
		.verdict = tapnote_verdict(r),
		.id = r->packet_id,
		.lost = r->lost,
		.comment = note,
	});
}

/* Not for each packet, and not while there is nothing new. */
static bool stats_due(const struct capture *c)
{
	return time_now() - c->stats_ns >= STATS_NS &&
	       tap_seen(&c->tap) != c->told_seen;
}

bool capture_fill(struct capture *c, struct bytes *to)
{
	const struct vfr_tap_record *r;

	c->to = to;
	if (!c->ng.write && bytes_room(to) >= BLOCK_MAX)
		section_begin(c);
	while (c->ng.write && (r = tap_peek(&c->tap)) != NULL &&
	       bytes_room(to) >= r->caplen + BLOCK_MAX) {
		record_write(c, r);
		tap_next(&c->tap);
	}
	if (c->nr_ifaces && stats_due(c))
		capture_stats(c, to);
	return tap_peek(&c->tap) != NULL;
}

/*
 * What was lost is not known port by port: it stands with the first interface,
 * so that the sum is right.
 */
bool capture_stats(struct capture *c, struct bytes *to)
{
	c->to = to;
	if (!c->ng.write ||
	    bytes_room(to) < c->nr_ifaces * STATS_BYTES + BLOCK_MAX)
		return false;
	c->stats_ns = time_now();
	c->told_seen = tap_seen(&c->tap);
	if (!c->nr_ifaces)
		iface_add(c, "none", VFR_NONE16);
	for (uint32_t i = 0; i < c->nr_ifaces; i++)
		pcapng_stats(&c->ng, i, &(struct pcapng_stats){
			.start_ns = c->start_ns,
			.end_ns = time_now() + c->offset_ns,
			.received = c->ifaces[i].packets,
			.dropped = c->ifaces[i].dropped,
			.accepted = c->ifaces[i].packets,
			.lost = i ? 0 : tap_lost(&c->tap) + c->left_out,
			.delivered = c->ifaces[i].packets,
		});
	return true;
}
