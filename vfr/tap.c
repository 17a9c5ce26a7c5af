/*
 * tap.c: records of packets for those who watch.
 *
 * A filter runs once, when the packet comes in and is still as it was sent;
 * the headers are kept aside if any tap wants it, because the record can only
 * be written when the verdict is known, and translation may have changed them
 * by then.  Records of one packet become visible together (commit), or not
 * at all (rewind: the egress port refused it and it will be dropped instead).
 */
#include <errno.h>

#include "internal.h"

#define STAGES	(VFR_TAP_INGRESS | VFR_TAP_EGRESS | VFR_TAP_DROP)

static bool config_ok(const struct vfr_tap_config *c)
{
	return c->ring && c->stages && !(c->stages & ~STAGES) && c->snaplen &&
	       c->snaplen <= VFR_TAP_SNAP_MAX && c->ring_bytes >= 4096 &&
	       c->ring_bytes <= 1u << 30 &&
	       !(c->ring_bytes & (c->ring_bytes - 1));
}

int vfr_tap_open(struct vfr *v, const struct vfr_tap_config *c)
{
	static const struct vfr_bpf_insn every[] = {
		{ .code = 6, .k = UINT32_MAX },
	};
	const struct vfr_bpf_insn *f = c->filter ? c->filter : every;
	uint32_t n = c->filter ? c->nr_filter : 1, i;
	struct tap new = {
		.all = !c->device, .stages = c->stages, .snaplen = c->snaplen,
		.nr_insns = n, .ring = c->ring, .ring_bytes = c->ring_bytes,
	};

	if (!config_ok(c) || vfr_bpf_check(f, n) ||
	    (c->device &&
	     !name_copy(new.device, sizeof(new.device), c->device)) ||
	    (c->except && !name_copy(new.except_device,
				     sizeof(new.except_device), c->except)))
		return -EINVAL;
	if (n > v->lim.tap_insns)
		return -ENOSPC;
	for (i = 0; i < v->lim.taps && v->taps[i].used; i++)
		;
	if (i == v->lim.taps)
		return -ENOSPC;
	new.insns = v->taps[i].insns;
	memcpy(new.insns, f, n * sizeof(*f));
	new.used = true;
	v->taps[i] = new;
	memset(c->ring, 0, sizeof(*c->ring));
	v->nr_taps++;
	taps_bind(v);
	return (int)i;
}

int vfr_tap_close(struct vfr *v, int tap)
{
	if (tap < 0 || (uint32_t)tap >= v->lim.taps || !v->taps[tap].used)
		return -ENOENT;
	v->taps[tap].used = false;
	v->nr_taps--;
	return 0;
}

static uint16_t port_named(const struct vfr *v, const char *device)
{
	int port = *device ? vfr_port_find(v, device) : -1;

	return port < 0 ? NONE16 : (uint16_t)port;
}

void taps_bind(struct vfr *v)
{
	uint32_t i;

	for (i = 0; i < v->lim.taps; i++) {
		v->taps[i].port = port_named(v, v->taps[i].device);
		v->taps[i].except = port_named(v, v->taps[i].except_device);
	}
}

static bool is_at(const struct tap *t, uint32_t dev)
{
	return t->all || (t->port == dev && dev != NONE16);
}

/* Is a packet that came in at dev and leaves, as far as known, at out shown
   to this tap at none of the stages? */
static bool is_hidden(const struct tap *t, uint32_t dev, uint32_t out)
{
	return !t->used || (t->except != NONE16 &&
			    (t->except == dev || t->except == out));
}

/* It may be wanted where it came in, or as a drop on its way elsewhere. */
static bool may_want(const struct tap *t, uint32_t dev)
{
	if (is_hidden(t, dev, NONE16))
		return false;
	return t->stages & VFR_TAP_DROP ||
	       (t->stages & VFR_TAP_INGRESS && is_at(t, dev));
}

void tap_take(struct vfr *v, struct judge *j)
{
	const struct vfr_packet *p = j->p;
	uint32_t i;

	for (i = 0; i < v->lim.taps; i++) {
		struct tap *t = &v->taps[i];

		if (may_want(t, j->dev) &&
		    vfr_bpf_run(t->insns, p->hdr, p->len, p->hdr_len))
			j->tap_mask |= (uint8_t)(1u << i);
	}
	if (j->tap_mask) {
		memcpy(v->snap[j->slot], p->hdr, p->hdr_len);
		j->snap_len = p->hdr_len;
		j->snap_at = (uint8_t)(p->hdr - p->buf);
		j->snap_total = p->len;
	}
}

/*
 * Room for a record of n bytes, a multiple of 8.  The consumer's index is not
 * trusted: if it makes no sense the ring counts as full.
 */
static struct vfr_tap_record *reserve(struct tap *t, uint32_t n)
{
	uint64_t cons = __atomic_load_n(&t->ring->cons, __ATOMIC_ACQUIRE);
	uint32_t at = (uint32_t)t->now.prod & (t->ring_bytes - 1);
	uint32_t to_end = t->ring_bytes - at;
	uint32_t skip = n > to_end ? to_end : 0;
	struct vfr_tap_record *r;

	t->now.seen++;
	if (t->shown.prod - cons > t->ring_bytes ||
	    t->now.prod + skip + n - cons > t->ring_bytes) {
		t->now.lost++;
		return NULL;
	}
	if (skip) {
		r = (void *)(t->ring->data + at);
		r->rec_len = skip;	/* 8 bytes are always there */
		r->type = VFR_TAP_SKIP;
		t->now.prod += skip;
		at = 0;
	}
	r = (void *)(t->ring->data + at);
	t->now.prod += n;
	return r;
}

static struct vfr_tap_record *record(struct vfr *v, struct tap *t,
				     const struct vfr_packet *p, uint32_t len,
				     uint32_t cap)
{
	uint32_t n = (uint32_t)sizeof(struct vfr_tap_record) +
		     ((cap + 7) & ~7u);
	struct vfr_tap_record *r = reserve(t, n);

	if (!r)
		return NULL;
	*r = (struct vfr_tap_record){
		.rec_len = n, .type = VFR_TAP_PACKET, .time_ns = v->now,
		.packet_id = p->id, .rule = NONE32, .caplen = cap, .len = len,
		.out = NONE16, .lost = (uint32_t)(t->now.lost - t->now.told),
		.gso_size = p->gso == VFR_GSO_NONE ? 0 : p->gso_size,
		.flags = (p->csum == VFR_CSUM_PARTIAL ? VFR_TAP_CSUM_PARTIAL
						      : 0) |
			 (p->gso != VFR_GSO_NONE ? VFR_TAP_GSO : 0),
	};
	t->now.told = t->now.lost;
	return r;
}

/*
 * cap bytes of the packet as it came in: the headers kept aside, then its
 * fragments.  The record is only written: its reader may change it meanwhile.
 */
static void copy_ingress(const struct vfr *v, const struct judge *j,
			 struct vfr_tap_record *r, uint32_t cap)
{
	uint8_t *to = (uint8_t *)(r + 1);
	uint32_t n = cap < j->snap_len ? cap : j->snap_len, got;
	const struct vfr_packet *p = j->p;

	memcpy(to, v->snap[j->slot], n);
	if (n == cap)
		return;
	/* Since then a tag may have come or gone at the front, and at the end
	   what lay behind the IP packet is cut off: that is not captured. */
	got = vfr_packet_copy(p, n + j->snap_at - (uint32_t)(p->hdr - p->buf),
			      to + n, cap - n);
	r->caplen = n + got;
}

/* The stage at which the tap shows it, 0 if at none. */
static uint8_t ingress_stage(const struct tap *t, const struct judge *j,
			     enum vfr_verdict verdict)
{
	if (is_hidden(t, j->dev, j->out))
		return 0;
	if (t->stages & VFR_TAP_INGRESS && is_at(t, j->dev))
		return VFR_TAP_INGRESS;
	if (t->stages & VFR_TAP_DROP && verdict == VFR_VERDICT_DROP &&
	    (is_at(t, j->dev) || is_at(t, j->out)))
		return VFR_TAP_DROP;
	return 0;
}

void tap_ingress(struct vfr *v, const struct judge *j,
		 enum vfr_verdict verdict)
{
	struct vfr_tap_record *r;
	uint32_t i, cap;
	uint8_t stage;

	for (i = 0; i < v->lim.taps; i++) {
		struct tap *t = &v->taps[i];

		if (!(j->tap_mask & (1u << i)))
			continue;
		stage = ingress_stage(t, j, verdict);
		if (!stage)
			continue;
		cap = j->snap_total < t->snaplen ? j->snap_total : t->snaplen;
		r = record(v, t, j->p, j->snap_total, cap);
		if (!r)
			continue;
		r->stage = stage;
		r->verdict = (uint8_t)verdict;
		r->reason = verdict == VFR_VERDICT_DROP ? j->reason : 0;
		r->port = j->dev;
		r->out = j->out;
		r->rule = j->rule;
		if (j->rule != NONE32)
			r->rule_id = v->t->rs.p.rules[j->rule].id;
		copy_ingress(v, j, r, cap);
	}
}

void tap_egress(struct vfr *v, uint32_t dev, const struct vfr_packet *p)
{
	struct vfr_tap_record *r;
	uint32_t i, cap;

	for (i = 0; i < v->lim.taps; i++) {
		struct tap *t = &v->taps[i];

		if (!(t->stages & VFR_TAP_EGRESS) || !is_at(t, dev) ||
		    is_hidden(t, p->port, dev) ||
		    !vfr_bpf_run(t->insns, p->hdr, p->len, p->hdr_len))
			continue;
		cap = p->len < t->snaplen ? p->len : t->snaplen;
		r = record(v, t, p, p->len, cap);
		if (!r)
			continue;
		r->stage = VFR_TAP_EGRESS;
		r->verdict = VFR_VERDICT_PASS;
		r->port = p->port;
		r->out = (uint16_t)dev;
		vfr_packet_copy(p, 0, r + 1, cap);
	}
}

void tap_commit(struct vfr *v)
{
	uint32_t i;

	for (i = 0; i < v->lim.taps; i++) {
		struct tap *t = &v->taps[i];

		if (!t->used)
			continue;
		t->shown = t->now;
		t->ring->lost = t->now.lost;
		t->ring->seen = t->now.seen;
		__atomic_store_n(&t->ring->prod, t->now.prod, __ATOMIC_RELEASE);
	}
}

void tap_rewind(struct vfr *v)
{
	uint32_t i;

	for (i = 0; i < v->lim.taps; i++)
		v->taps[i].now = v->taps[i].shown;
}
