/*
 * tapfile.c: the tap's ring on one side, pcapng on the other.
 *
 * The ring is read as its header asks: acquire prod, read records by rec_len,
 * release cons.  Here both sides are one thread, and the ring is emptied after
 * each packet; so it never fills, and a lost record would be a bug.
 */
#include "tapfile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "version.h"

#define RING_BYTES	(4u << 20)	/* many of the largest records */

static int file_write(void *ctx, const void *data, size_t len)
{
	errno = 0;
	if (fwrite(data, 1, len, ctx) == len)
		return 0;
	return errno ? -errno : -EIO;
}

static const char *const kind_words[] = {
	[VFR_PORT_VIF] = "domain", [VFR_PORT_NIC] = "nic",
};

static int add_iface(struct tapfile *t, const struct vfr_ruleset *rs,
		     unsigned int rs_port)
{
	static const uint8_t none[6];
	const struct vfr_rs_port *rp = &rs->p.ports[rs_port];
	const char *name = vfr_ruleset_text(rs, rp->name);
	char description[256];
	int len = snprintf(description, sizeof(description), "%s %s",
			   kind_words[rp->kind], name);

	if (rp->kind == VFR_PORT_VIF)
		snprintf(description + len, sizeof(description) - len,
			 ", net %s", vfr_ruleset_text(
				rs, rs->p.nets[rp->net].name));
	else if (rp->vlan)
		snprintf(description + len, sizeof(description) - len,
			 ", VLAN %u of device %s", rp->vlan,
			 vfr_ruleset_text(rs, rp->device));
	else
		snprintf(description + len, sizeof(description) - len,
			 ", device %s", vfr_ruleset_text(rs, rp->device));
	return pcapng_add_iface(&t->ng, &(struct pcapng_iface){
		.name = name,
		.description = description,
		.mac = memcmp(rp->mac, none, 6) ? rp->mac : NULL,
		.speed_bps = rp->rate_bps,
	});
}

static int begin_file(struct tapfile *t, uint32_t snaplen,
		      const char *rules_path)
{
	const struct vfr_ruleset *rs = vfr_loaded(t->lab->v);
	char comment[512];
	unsigned int i;
	int rc;

	snprintf(comment, sizeof(comment), "rules %s, ruleset %016" PRIx64,
		 rules_path, rs->hdr->hash);
	rc = pcapng_begin(&t->ng, file_write, t->out, snaplen,
			  "sluice " SLUICE_VERSION, comment);
	for (i = 0; !rc && i < rs->p.nr_ports; i++)
		rc = add_iface(t, rs, i);
	return rc;
}

int tapfile_open(struct tapfile *t, struct lab *lab, FILE *out,
		 uint32_t snaplen, const char *rules_path)
{
	struct vfr_tap_config cfg = {
		.stages = VFR_TAP_INGRESS | VFR_TAP_EGRESS,
		.snaplen = snaplen < VFR_TAP_SNAP_MAX ? snaplen :
			VFR_TAP_SNAP_MAX,
		.ring_bytes = RING_BYTES,
	};
	int rc;

	*t = (struct tapfile){ .lab = lab, .out = out };
	t->ports = calloc(vfr_loaded(lab->v)->p.nr_ports, sizeof(*t->ports));
	t->ring = aligned_alloc(64, sizeof(*t->ring) + RING_BYTES);
	if (!t->ports || !t->ring) {
		rc = -ENOMEM;
	} else {
		memset(t->ring, 0, sizeof(*t->ring));
		cfg.ring = t->ring;
		rc = vfr_tap_open(lab->v, &cfg);
	}
	if (rc >= 0)
		rc = out ? begin_file(t, cfg.snaplen, rules_path) : 0;
	if (rc) {
		free(t->ports);
		free(t->ring);
	}
	return rc;
}

/* "allow rule=web.vfr:27 "label" in=wan out=web number=17: the rule" */
static void make_comment(struct text *c, const struct tapfile *t,
			 const struct vfr_tap_record *r, unsigned int port)
{
	const struct vfr_ruleset *rs = vfr_loaded(t->lab->v);
	bool dropped = r->verdict == VFR_VERDICT_DROP;
	bool decided = !dropped || lab_rule_drops(r->reason);
	const struct vfr_rs_rule *rule = decided && r->rule < rs->p.nr_rules ?
		&rs->p.rules[r->rule] : NULL;
	int len;

	len = snprintf(c->s, sizeof(c->s), "%s", r->stage == VFR_TAP_EGRESS ?
		       "sent" : !dropped ? "allow" : rule &&
		       r->reason == VFR_DROP_RULE &&
		       rule->action == VFR_REJECT ? "reject" : "deny");
	if (rule)
		len += snprintf(c->s + len, sizeof(c->s) - len,
				" rule=%.200s:%u",
				vfr_ruleset_text(rs, rule->file), rule->line);
	if (rule && rule->label)
		len += snprintf(c->s + len, sizeof(c->s) - len, " \"%.100s\"",
				vfr_ruleset_text(rs, rule->label));
	if (dropped)
		len += snprintf(c->s + len, sizeof(c->s) - len, " reason=%s",
				vfr_reason_word(r->reason));
	len += snprintf(c->s + len, sizeof(c->s) - len, " %s=%.64s",
			r->stage == VFR_TAP_EGRESS ? "out" : "in",
			rs_port_name(rs, port));
	len += snprintf(c->s + len, sizeof(c->s) - len, " number=%" PRIu64,
			t->number);
	if (rule)
		snprintf(c->s + len, sizeof(c->s) - len, ": %.500s",
			 vfr_ruleset_text(rs, rule->text));
}

static enum pcapng_verdict verdict_of(const struct vfr_tap_record *r)
{
	if (r->stage == VFR_TAP_EGRESS)
		return PCAPNG_VERDICT_NONE;
	switch (r->verdict) {
	case VFR_VERDICT_DROP:
		return PCAPNG_VERDICT_DROP;
	case VFR_VERDICT_LOCAL:
		return PCAPNG_VERDICT_PASS;
	default:
		return PCAPNG_VERDICT_REDIRECT;
	}
}

static void count(struct tapfile *t, const struct vfr_tap_record *r,
		  unsigned int port)
{
	struct tap_counters *c = &t->ports[port];

	if (r->stage == VFR_TAP_EGRESS) {
		c->out++;
		return;
	}
	c->in++;
	if (r->verdict == VFR_VERDICT_DROP) {
		c->dropped++;
		if (r->reason < VFR_NR_REASONS)
			t->reasons[r->reason]++;
	} else if (r->verdict == VFR_VERDICT_LOCAL) {
		c->local++;
	} else {
		c->passed++;
	}
}

static int take_record(struct tapfile *t, const struct vfr_tap_record *r)
{
	const uint8_t *frame = (const uint8_t *)(r + 1);
	uint16_t dev = r->stage == VFR_TAP_EGRESS ? r->out : r->port;
	unsigned int port = lab_rs_port(t->lab, dev, frame, r->caplen);
	struct text comment;

	if (lab_is_neighbour_talk(t->lab, r->packet_id, frame, r->caplen))
		return 0;
	if (port == VFR_NONE16)		/* a VLAN without a port: the NIC's */
		port = lab_first_rs_port(t->lab, dev);
	if (port == VFR_NONE16)
		return 0;
	count(t, r, port);
	if (!t->out)
		return 0;
	t->last_ns = r->time_ns + t->offset_ns;
	if (!t->first_ns)
		t->first_ns = t->last_ns;
	make_comment(&comment, t, r, port);
	return pcapng_packet(&t->ng, &(struct pcapng_packet){
		.iface = port,
		.time_ns = t->last_ns,
		.data = frame,
		.caplen = r->caplen,
		.len = r->len,
		.direction = r->stage == VFR_TAP_EGRESS ? PCAPNG_DIR_OUT :
			PCAPNG_DIR_IN,
		.csum_partial = r->flags & VFR_TAP_CSUM_PARTIAL,
		.gso = r->flags & VFR_TAP_GSO,
		.verdict = verdict_of(r),
		.id = r->packet_id,
		.comment = comment.s,
	});
}

int tapfile_drain(struct tapfile *t, uint64_t number)
{
	uint64_t prod = __atomic_load_n(&t->ring->prod, __ATOMIC_ACQUIRE);
	uint64_t cons = t->ring->cons;
	int rc = 0;

	t->number = number;
	while (cons != prod) {
		const struct vfr_tap_record *r = (const void *)
			&t->ring->data[cons % RING_BYTES];

		if (r->type == VFR_TAP_PACKET && !rc)
			rc = take_record(t, r);
		cons += r->rec_len;
	}
	__atomic_store_n(&t->ring->cons, cons, __ATOMIC_RELEASE);
	return rc;
}

int tapfile_close(struct tapfile *t)
{
	const struct vfr_ruleset *rs = vfr_loaded(t->lab->v);
	unsigned int i;
	int rc = t->ng.error;

	for (i = 0; t->out && !rc && i < rs->p.nr_ports; i++) {
		const struct tap_counters *c = &t->ports[i];

		rc = pcapng_stats(&t->ng, i, &(struct pcapng_stats){
			.start_ns = t->first_ns, .end_ns = t->last_ns,
			.received = c->in, .dropped = c->dropped,
			.accepted = c->in, .lost = t->ring->lost,
			.delivered = c->in + c->out,
		});
	}
	free(t->ports);
	free(t->ring);
	t->ports = NULL;
	t->ring = NULL;
	return rc;
}
