/*
 * lab.c: the VFR on the desk: its memory, its devices and its neighbours.
 *
 * Ownership: a packet put in is one allocation, frame included, and lives until
 * the VFR releases it; l->nr_packets counts those alive, and is 0 once the VFR
 * is destroyed.  Frames that left are copies and belong to l->out.
 */
#include "lab.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LAB_SEED	 0x5106ull	/* the same run gives the same ports */
#define LAB_FLOWS	 4096		/* unless limits ask for more */
#define LAB_MTU		 65535		/* only the rule file limits it */
#define TICK_NS		 100000000ull	/* as vfr.h asks */
#define TICKS_MAX	 256		/* in one wait, however long */
#define ANSWERS_MAX	 64		/* rounds of neighbours' answers */

struct lab_packet {
	struct vfr_packet p;		/* first: release() gets this */
	bool		  watched;	/* the one that lab_send() asks about */
	uint8_t		  frame[];
};

static void packet_release(struct vfr_packet *p)
{
	struct lab_packet *lp = (struct lab_packet *)p;
	struct lab *l = p->owner;

	if (lp->watched)
		l->id = p->id;
	l->nr_packets--;
	free(lp);
}

/* Keep a copy of what leaves; a lab without memory has a full queue. */
static int device_transmit(void *ctx, struct vfr_packet *p)
{
	struct lab_device *dev = ctx;
	struct lab *l = dev->lab;
	struct lab_out *o;

	if (l->nr_out == l->out_room) {
		unsigned int room = l->out_room ? 2 * l->out_room : 16;

		o = realloc(l->out, room * sizeof(*o));
		if (!o)
			return -ENOMEM;
		l->out = o;
		l->out_room = room;
	}
	o = &l->out[l->nr_out];
	*o = (struct lab_out){
		.port = dev->port, .id = p->id, .len = p->len,
		.data = malloc(p->len),
	};
	if (!o->data)
		return -ENOMEM;
	vfr_packet_copy(p, 0, o->data, p->len);
	l->nr_out++;
	p->release(p);
	return 0;
}

static const struct vfr_port_ops device_ops = { .transmit = device_transmit };

static void forget_output(struct lab *l)
{
	while (l->nr_out)
		free(l->out[--l->nr_out].data);
}

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n && p < 1u << 31)
		p *= 2;
	return p;
}

static void raise_to(uint32_t *limit, uint32_t n)
{
	if (*limit < n)
		*limit = n;
}

int lab_limits_for(struct vfr_limits *lim, const void *blob, size_t len,
		   const char **why)
{
	struct vfr_ruleset rs;
	int rc = vfr_ruleset_open(&rs, blob, len, why);

	if (rc)
		return rc;
	raise_to(&lim->ports, rs.p.nr_ports + 1);
	raise_to(&lim->rules, rs.p.nr_rules + 1);
	raise_to(&lim->nats, rs.p.nr_nats + 1);
	raise_to(&lim->hosts, power_of_two(4 * rs.p.nr_addrs + 16));
	if (!lim->flows)
		lim->flows = LAB_FLOWS;
	return 0;
}

static int attach(struct lab *l, const struct vfr_ruleset *rs,
		  const struct vfr_rs_port *rp)
{
	struct vfr_device dev = {
		.name = vfr_ruleset_text(rs, rp->device),
		.kind = rp->kind,
		.mtu = LAB_MTU,
		.ops = &device_ops,
	};
	int port;

	if (vfr_port_find(l->v, dev.name) >= 0)
		return 0;		/* another VLAN of the same NIC */
	if (l->nr_devices == l->limits.ports)
		return -ENOSPC;
	lab_device_mac(l->nr_devices, dev.mac);
	dev.ctx = &l->devices[l->nr_devices];
	port = vfr_port_attach(l->v, &dev);
	if (port < 0)
		return port;
	l->devices[l->nr_devices++] = (struct lab_device){ l, port };
	return 0;
}

static int attach_all(struct lab *l)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);
	uint32_t i;
	int rc = 0;

	for (i = 0; !rc && i < rs->p.nr_ports; i++)
		rc = attach(l, rs, &rs->p.ports[i]);
	return rc;
}

static int start(struct lab *l, const char **why)
{
	int rc;

	l->now_ns = l->tick_ns = LAB_START_NS;
	l->nr_devices = 0;
	l->v = vfr_create(l->mem, vfr_size(&l->limits), &l->limits, LAB_SEED);
	if (!l->v)
		return -ENOMEM;
	rc = vfr_load(l->v, l->blob, l->blob_len, 0, l->now_ns, NULL, why);
	return rc ? rc : attach_all(l);
}

int lab_create(struct lab *l, const void *blob, size_t len,
	       const struct vfr_limits *limits, const char **why)
{
	int rc;

	*l = (struct lab){ .blob = blob, .blob_len = len };
	if (limits)
		l->limits = *limits;
	rc = lab_limits_for(&l->limits, blob, len, why);
	if (rc)
		return rc;
	*why = "out of memory";
	l->mem = aligned_alloc(64, (vfr_size(&l->limits) + 63) & ~63ull);
	l->devices = calloc(l->limits.ports, sizeof(*l->devices));
	l->scratch = malloc(FRAME_MAX);
	rc = l->mem && l->devices && l->scratch ? start(l, why) : -ENOMEM;
	if (rc)
		lab_destroy(l);
	return rc;
}

static void stop(struct lab *l)
{
	if (l->v)
		vfr_destroy(l->v);
	l->v = NULL;
	forget_output(l);
	assert(l->nr_packets == 0);	/* else the VFR lost one */
}

void lab_destroy(struct lab *l)
{
	stop(l);
	free(l->mem);
	free(l->devices);
	free(l->scratch);
	free(l->out);
	*l = (struct lab){ 0 };
}

int lab_reset(struct lab *l)
{
	const char *why;

	stop(l);
	return start(l, &why);
}

int lab_load(struct lab *l, const void *blob, size_t len, unsigned int flags,
	     const char **why)
{
	int rc = vfr_load(l->v, blob, len, flags, l->now_ns, NULL, why);

	if (rc)
		return rc;
	l->blob = blob;
	l->blob_len = len;
	while (vfr_tick(l->v, l->now_ns))
		;
	return attach_all(l);
}

/* Put a frame in at a VFR port. */
static void inject(struct lab *l, unsigned int port, const void *frame,
		   uint32_t caplen, uint32_t len, bool watched)
{
	struct lab_packet *lp = malloc(sizeof(*lp) + len);
	struct vfr_packet *p;

	if (!lp)
		return;
	p = &lp->p;
	lp->watched = watched;
	memcpy(lp->frame, frame, caplen);
	memset(lp->frame + caplen, 0, len - caplen);
	vfr_packet_init(p, packet_release, l);
	l->nr_packets++;
	if (len && vfr_packet_add(p, lp->frame, 0, 0, len)) {
		packet_release(p);
		return;
	}
	vfr_packet_seal(p);
	/* A capture may be cut short, or have sums that a NIC was to add up. */
	p->csum = VFR_CSUM_VALID;
	vfr_rx(l->v, port, &p, 1, l->now_ns);
}

/*
 * Give the answers to what the VFR asked of its neighbours, from frame number
 * `from` of the output on.  An answer may set a held packet free.
 */
static void answer_neighbours(struct lab *l, unsigned int from)
{
	unsigned int i;

	for (i = from; i < l->nr_out && i < from + ANSWERS_MAX; i++) {
		const struct lab_out *o = &l->out[i];
		unsigned int port = o->port;
		int len;

		if (o->id == l->id)
			continue;	/* forwarded, not the VFR's own */
		len = frame_answer_neighbour(o->data, o->len, l->scratch,
					     FRAME_MAX);
		if (len > 0)
			inject(l, port, l->scratch, len, len, false);
	}
}

void lab_wait(struct lab *l, uint64_t ns)
{
	uint64_t until = l->now_ns + ns;
	uint64_t step = ns / TICKS_MAX > TICK_NS ? ns / TICKS_MAX : TICK_NS;

	l->id = 0;
	while (l->tick_ns + step <= until) {
		l->tick_ns += step;
		l->now_ns = l->tick_ns;
		forget_output(l);
		vfr_tick(l->v, l->now_ns);
		answer_neighbours(l, 0);
	}
	l->now_ns = until;
}

bool lab_rule_drops(enum vfr_reason reason)
{
	return reason == VFR_DROP_RULE || reason == VFR_DROP_LIMIT;
}

/* What the steps of the trace come to. */
static void read_trace(struct lab *l)
{
	uint32_t i;

	l->verdict = LAB_DROPPED;
	l->reason = VFR_DROP_NO_BUFFER;	/* no memory to put it in: no step */
	l->rule = VFR_NONE32;
	for (i = 0; i < l->trace.nr; i++) {
		const struct vfr_trace_step *s = &l->trace.steps[i];

		switch (s->step) {
		case VFR_STEP_RULE:
		case VFR_STEP_FLOW_HIT:
		case VFR_STEP_RELATED:
			l->rule = s->index;
			break;
		case VFR_STEP_NO_RULE:
			l->rule = VFR_NONE32;
			break;
		case VFR_STEP_LOCAL:
			l->verdict = LAB_LOCAL;
			break;
		case VFR_STEP_HELD:
			l->verdict = LAB_HELD;
			break;
		case VFR_STEP_SENT:	/* or the VFR's own answer */
			if (l->verdict != LAB_LOCAL)
				l->verdict = LAB_PASSED;
			break;
		case VFR_STEP_DROPPED:
			l->verdict = LAB_DROPPED;
			l->reason = s->index;
			break;
		}
	}
	if (l->verdict == LAB_DROPPED && !lab_rule_drops(l->reason))
		l->rule = VFR_NONE32;
}

const struct lab_out *lab_sent(const struct lab *l)
{
	unsigned int i;

	for (i = 0; i < l->nr_out && l->verdict != LAB_LOCAL; i++)
		if (l->out[i].id == l->id)
			return &l->out[i];
	return NULL;
}

void lab_send(struct lab *l, unsigned int rs_port, const void *frame,
	      uint32_t caplen, uint32_t len)
{
	struct vfr_trace answers = { 0 };

	if (len > VFR_MAX_LEN)
		len = VFR_MAX_LEN;
	if (caplen > len)
		caplen = len;
	forget_output(l);
	l->trace.nr = 0;
	l->id = 0;
	vfr_trace_to(l->v, &l->trace);
	inject(l, lab_vfr_port(l, rs_port), frame, caplen, len, true);
	vfr_trace_to(l->v, &answers);
	read_trace(l);
	answer_neighbours(l, 0);
	vfr_trace_to(l->v, NULL);
	if (l->verdict == LAB_HELD && lab_sent(l))
		l->verdict = LAB_PASSED;
}
