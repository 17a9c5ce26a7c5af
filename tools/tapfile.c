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
#include "tapnote.h"
#include "version.h"

#define RING_BYTES	(4u << 20)	/* many of the largest records */

static int file_write(void *ctx, const void *data, size_t len)
{
	errno = 0;
	if (fwrite(data, 1, len, ctx) == len)
		return 0;
	return errno ? -errno : -EIO;
}

static int add_iface(struct tapfile *t, const struct vfr_ruleset *rs,
		     unsigned int rs_port)
{
	static const uint8_t none[6];
	const struct vfr_rs_port *rp = &rs->p.ports[rs_port];
	char description[TAPNOTE_MAX];

	tapnote_port(description, rs, rs_port);
	return pcapng_add_iface(&t->ng, &(struct pcapng_iface){
		.name = vfr_ruleset_text(rs, rp->name),
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
	bool left = r->stage == VFR_TAP_EGRESS;
	char comment[TAPNOTE_MAX];
	const char *name;

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
	name = rs_port_name(vfr_loaded(t->lab->v), port);
	tapnote_write(comment, vfr_loaded(t->lab->v), r, left ? NULL : name,
		      left ? name : NULL, t->number);
	return pcapng_packet(&t->ng, &(struct pcapng_packet){
		.iface = port,
		.time_ns = t->last_ns,
		.data = frame,
		.caplen = r->caplen,
		.len = r->len,
		.direction = left ? PCAPNG_DIR_OUT : PCAPNG_DIR_IN,
		.csum_partial = r->flags & VFR_TAP_CSUM_PARTIAL,
		.gso = r->flags & VFR_TAP_GSO,
		.verdict = tapnote_verdict(r),
		.id = r->packet_id,
		.comment = comment,
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
