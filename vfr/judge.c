/*
 * judge.c: the way of a packet through the VFR, and the ways it can end.
 *
 * A burst is worked on in three passes, so that the memory one packet needs is
 * on its way while others are looked at: parse and hash all, fetch the flows
 * of all, then decide each in order.
 */
#include "internal.h"

/* Idle and answered lifetimes of flows that have no state machine. */
static const struct {
	uint8_t proto;
	uint32_t asked, answered;	/* seconds */
} lifetimes[] = {
	{ IP_UDP, 30, 180 },		/* RFC 4787, 4.3: at least 2 minutes */
	{ IP_ICMP, 10, 30 },
	{ IP_ICMP6, 10, 30 },
	{ IP_SCTP, 60, 7440 },
	{ 0, 60, 600 },			/* all others */
};

static struct vfr_port_stats *ingress(struct vfr *v, uint32_t dev)
{
	return &v->ports[port_slot(v, dev)].st;
}

void judge_drop(struct vfr *v, struct judge *j, enum vfr_reason reason)
{
	struct vfr_packet *p = j->p;

	j->reason = reason;
	TRACE(v, j, DROPPED, reason, 0);
	ingress(v, j->dev)->drops[reason]++;
	if (unlikely(reason != VFR_DROP_RULE))
		log_drop(v, j);
	if (unlikely(j->tap_mask)) {
		tap_ingress(v, j, VFR_VERDICT_DROP);
		tap_commit(v);
	}
	j->p = NULL;
	packet_put(p);
}

void judge_local(struct vfr *v, struct judge *j)
{
	struct vfr_packet *p = j->p;

	TRACE(v, j, LOCAL, 0, 0);
	ingress(v, j->dev)->local++;
	if (unlikely(j->tap_mask)) {
		tap_ingress(v, j, VFR_VERDICT_LOCAL);
		tap_commit(v);
	}
	j->p = NULL;
	packet_put(p);
}

void judge_send(struct vfr *v, struct judge *j, uint32_t dev)
{
	int rc;

	j->out = (uint16_t)dev;
	if (unlikely(j->tap_mask))
		tap_ingress(v, j, VFR_VERDICT_PASS);
	rc = port_send(v, dev, j->p);
	if (unlikely(rc)) {
		tap_rewind(v);
		judge_drop(v, j, (enum vfr_reason)rc);
		return;
	}
	TRACE(v, j, SENT, dev, 0);
	ingress(v, j->dev)->forwarded++;
	j->p = NULL;
	if (unlikely(v->nr_taps))
		tap_commit(v);
}

void judge_hold(struct vfr *v, struct judge *j)
{
	TRACE(v, j, HELD, 0, 0);
	ingress(v, j->dev)->held++;
	if (unlikely(j->tap_mask)) {
		tap_ingress(v, j, VFR_VERDICT_PASS);
		tap_commit(v);
	}
	j->p = NULL;
}

void judge_unhold(struct vfr *v, struct vfr_packet *p, uint32_t dev,
		  enum vfr_reason reason)
{
	struct vfr_port_stats *st = ingress(v, p->port);
	struct judge j = { .p = p, .dev = p->port, .rule = NONE32,
			   .out = (uint16_t)dev };

	st->held--;
	if (reason == VFR_DROP_NONE)
		reason = (enum vfr_reason)port_send(v, dev, p);
	if (reason == VFR_DROP_NONE) {
		TRACE(v, &j, SENT, dev, 0);
		st->forwarded++;
		tap_commit(v);
		return;
	}
	tap_rewind(v);
	TRACE(v, &j, DROPPED, reason, 0);
	st->drops[reason]++;
	packet_put(p);
}

/* All fields but slot and the addresses; clearing those costs too much. */
static void judge_clear(struct judge *j, struct vfr_packet *p)
{
	j->p = p;
	memset(&j->key.sport, 0,
	       sizeof(j->key) - offsetof(struct vfr_cls_key, sport));
	memset(&j->hash, 0, sizeof(*j) - offsetof(struct judge, hash));
	j->rule = j->ref = NONE32;
	j->in = j->to = j->out = NONE16;
}

/*
 * The flow key in as few and as wide stores as it will be read with: a load
 * that spans several recent stores has to wait for all of them.
 */
static void flow_key_fill(struct judge *j)
{
	uint64_t ports = j->sport | (uint64_t)j->dport << 16 |
			 (uint64_t)j->dev << 32 | (uint64_t)j->vlan << 48;
	uint32_t tail = j->key.proto | (uint32_t)j->bridged << 8 |
			(uint32_t)j->echo << 16;

	j->fkey.src = j->key.src;
	j->fkey.dst = j->key.dst;
	memcpy(&j->fkey.sport, &ports, 8);
	memcpy(&j->fkey.proto, &tail, 4);
}
_Static_assert(offsetof(struct flow_key, vlan) ==
	       offsetof(struct flow_key, sport) + 6 &&
	       offsetof(struct flow_key, bridged) ==
	       offsetof(struct flow_key, proto) + 1, "flow_key_fill");

static void start(struct vfr *v, struct judge *j, struct vfr_packet *p,
		  uint32_t dev)
{
	struct vfr_port_stats *st = ingress(v, dev);

	judge_clear(j, p);
	j->dev = (uint16_t)dev;
	p->port = (uint16_t)dev;
	p->id = v->next_id++;
	st->rx_packets++;
	st->rx_bytes += p->len;
}

static void refuse(struct judge *j, enum vfr_reason reason)
{
	j->kind = PKT_BAD;
	j->reason = reason;
}

/*
 * Ethernet's part: may this station send here, and is the frame for the VFR's
 * own MAC (routed) or for another station of a bridged net?
 */
static void link_check(struct vfr *v, struct judge *j)
{
	const uint8_t *h = j->p->hdr;
	const struct iface *ifc = &v->t->ifaces[j->in];

	if (ifc->kind == VFR_PORT_VIF) {
		if (unlikely(memcmp(h + 6, ifc->peer_mac, 6)))
			return refuse(j, VFR_DROP_SPOOF);
	} else if (unlikely(!memcmp(h + 6, ifc->mac, 6))) {
		return refuse(j, VFR_DROP_SPOOF);
	}
	if (likely(!memcmp(h, ifc->mac, 6)))
		return;
	if (ifc->kind == VFR_PORT_VIF ? ifc->bridged : ifc->net != NONE16) {
		if (ifc->kind == VFR_PORT_NIC &&
		    iface_of_mac(v, ifc->net, h + 6) != NONE16)
			return refuse(j, VFR_DROP_SPOOF);
		j->bridged = 1;
		return;
	}
	if (!(h[0] & 1))
		refuse(j, VFR_DROP_NOT_FOR_US);
}

/* What comes in by a NIC cannot be asked to wait. */
static void rate_check(struct vfr *v, struct judge *j)
{
	struct vfr_rate *r = &v->t->ifaces[j->in].rate;

	if (!vfr_rate_allows(r, v->now))
		return refuse(j, VFR_DROP_PORT_RATE);
	r->tokens -= j->p->len;
}

/* First pass: everything that needs only the packet and its port. */
static void look(struct vfr *v, struct judge *j)
{
	bool ok;

	ok = parse_frame(j);
	if (unlikely(v->nr_taps))
		tap_take(v, j);
	if (unlikely(!v->t->blob))
		return refuse(j, VFR_DROP_NO_RULESET);
	j->in = iface_find(v, j->dev, j->vlan);
	if (unlikely(j->in == NONE16))
		return refuse(j, VFR_DROP_NO_PORT);
	j->key.in = j->in;
	if (unlikely(!ok))
		return;
	link_check(v, j);
	if (unlikely(v->t->ifaces[j->in].rate.bytes_per_s) &&
	    j->kind != PKT_BAD)
		rate_check(v, j);
	if (likely(j->kind == PKT_IP)) {
		flow_key_fill(j);
		j->hash = flow_hash(v, &j->fkey);
		flow_prefetch(v, j->hash);
	}
}

bool judge_again(struct vfr *v, struct judge *j, struct vfr_packet *p)
{
	ingress(v, p->port)->held--;
	memset(j, 0, sizeof(*j));
	judge_clear(j, p);
	j->dev = p->port;
	parse_frame(j);
	j->in = j->key.in = iface_find(v, j->dev, j->vlan);
	if (j->in == NONE16)
		refuse(j, VFR_DROP_NO_PORT);
	else if (j->kind == PKT_IP)
		link_check(v, j);
	flow_key_fill(j);
	if (j->kind == PKT_BAD)
		judge_drop(v, j, (enum vfr_reason)j->reason);
	return j->kind != PKT_BAD;
}

bool judge_binding(struct vfr *v, const struct judge *j)
{
	/* Link-local is never forwarded; on a bridge it must be the one that
	   belongs to the MAC. */
	if (route_link_local(&j->key.src) && !j->bridged)
		return iface_owns(v, j->in, &j->key.dst);
	if (v->t->ifaces[j->in].kind == VFR_PORT_VIF)
		return iface_has_addr(v, j->in, &j->key.src);
	return !addr_is_taken(v, j->in, &j->key.src);
}

static uint32_t lifetime(uint8_t proto, bool answered)
{
	unsigned int i = 0;

	while (lifetimes[i].proto != proto && lifetimes[i].proto)
		i++;
	return TICKS(answered ? lifetimes[i].answered : lifetimes[i].asked);
}

/* The flow's own check of a packet.  False: j was dropped, or the flow gone
   (*gone) and the packet must be judged as a new one. */
static bool flow_accepts(struct vfr *v, struct judge *j, struct flow *f,
			 int dir, bool *gone)
{
	if (unlikely(f->gen != v->gen) && !rejudge_flow(v, f)) {
		TRACE(v, j, FLOW_CLOSED, f->rule, 0);
		log_closed(v, f);
		v->st.flows_closed++;
		v->st.reload_closed++;
		flow_free(v, f);
		*gone = true;
		return false;
	}
	if (unlikely(j->frag & VFR_FRAG_LATER))
		return frag_accepts(v, j, f, dir);
	if (j->key.proto == IP_TCP) {
		enum tcp_verdict tv = tcp_track(v, f, dir, j);

		if (likely(tv == TCP_OK))
			return true;
		if (tv == TCP_REOPEN) {
			flow_free(v, f);
			*gone = true;
		} else {
			j->rule = f->rule;
			j->out = v->t->ifaces[f->side[dir].out].dev;
			judge_drop(v, j, VFR_DROP_STATE);
		}
		return false;
	}
	/* An answer shows nothing of who asked; that he goes on does. */
	if (dir == 1)
		f->state = 1;
	else if (f->state && unlikely(f->flags & FLOW_EMBRYONIC))
		flow_establish(v, f);
	f->expires = v->ticks + lifetime(j->key.proto, f->state);
	return true;
}

struct flow *judge_flow(struct vfr *v, struct judge *j, int *dir)
{
	struct flow *f = flow_find(v, &j->fkey, j->hash, j->ref, dir);
	bool gone = false;

	if (likely(f)) {
		if (likely(flow_accepts(v, j, f, *dir, &gone))) {
			TRACE(v, j, FLOW_HIT, f->rule, 0);
			forward_flow(v, j, f, *dir);
			return f;
		}
		if (!gone)
			return NULL;
	}
	if (!judge_binding(v, j)) {
		judge_drop(v, j, VFR_DROP_SPOOF);
		return NULL;
	}
	TRACE(v, j, BINDING, j->in, 0);
	if (j->icmp_error && icmp_related(v, j))
		return NULL;
	*dir = 0;
	return open_packet(v, j);
}

/* Multicast and broadcast: only what a link needs, and bridged nets. */
static void multicast(struct vfr *v, struct judge *j)
{
	const struct iface *ifc = &v->t->ifaces[j->in];
	bool mld = j->v6 && j->key.proto == IP_ICMP6 &&
		   ((j->key.sport >= ICMP6_MLD_FIRST &&
		     j->key.sport <= ICMP6_MLD_LAST) ||
		    j->key.sport == ICMP6_MLD2);

	if (j->bridged) {
		bridge_rx(v, j);
		return;
	}
	/* Hosts announce their groups; there is nobody to tell. */
	if (ifc->kind == VFR_PORT_VIF && (mld || j->key.proto == IP_IGMP))
		judge_local(v, j);
	else
		judge_drop(v, j, VFR_DROP_NOT_FOR_US);
}

/* 0.0.0.0 or :: */
static bool nowhere(const struct vfr_addr *a)
{
	return !get32(a->b + 12) &&
	       (vfr_addr_is_zero(a) || vfr_addr_is_v4(a));
}

static void judge_ip(struct vfr *v, struct judge *j)
{
	int dir;

	if (unlikely(j->v6) && ndp_rx(v, j))
		return;
	/* No address yet: DHCP and its like, on a bridged net. */
	if (unlikely(nowhere(&j->key.src)) && !(j->bridged && j->multicast))
		return judge_drop(v, j, VFR_DROP_MARTIAN);
	if (unlikely(j->multicast))
		return multicast(v, j);
	if (unlikely(j->bridged))
		return bridge_rx(v, j);
	if (unlikely(j->frag))
		return frag_rx(v, j);
	judge_flow(v, j, &dir);
}

static void decide(struct vfr *v, struct judge *j)
{
	if (j->in != NONE16)
		TRACE(v, j, PORT, j->in, 0);
	switch (j->kind) {
	case PKT_IP:
		judge_ip(v, j);
		break;
	case PKT_ARP:
		arp_rx(v, j);
		break;
	default:
		judge_drop(v, j, (enum vfr_reason)j->reason);
	}
}

static void burst(struct vfr *v, unsigned int dev, struct vfr_packet **pkts,
		  unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (i + 2 < n) {
			__builtin_prefetch(pkts[i + 2]);
			__builtin_prefetch(pkts[i + 2]->buf + VFR_HEADROOM);
		}
		start(v, &v->burst[i], pkts[i], dev);
		look(v, &v->burst[i]);
	}
	for (i = 0; i < n; i++)
		if (v->burst[i].kind == PKT_IP)
			v->burst[i].ref = flow_foresee(v, v->burst[i].hash);
	for (i = 0; i < n; i++)
		decide(v, &v->burst[i]);
}

/* Time goes forward only. */
static void clock_set(struct vfr *v, uint64_t now_ns)
{
	if (now_ns > v->now)
		v->now = now_ns;
	v->ticks = ns_to_ticks(v->now);
}

void vfr_rx(struct vfr *v, unsigned int port, struct vfr_packet **pkts,
	    unsigned int n, uint64_t now_ns)
{
	unsigned int k;

	clock_set(v, now_ns);
	if (port >= v->lim.ports || !v->ports[port].ops) {
		for (k = 0; k < n; k++)
			pkts[k]->release(pkts[k]);
		return;
	}
	for (; n; n -= k, pkts += k) {
		k = n < VFR_BURST ? n : VFR_BURST;
		burst(v, port, pkts, k);
	}
	port_flush(v);
}

bool vfr_tick(struct vfr *v, uint64_t now_ns)
{
	clock_set(v, now_ns);
	neigh_tick(v);
	frag_tick(v);
	bridge_tick(v);
	/* The whole table in about five seconds of ticks. */
	flow_sweep(v, v->lim.flows / 64 + 64);
	port_flush(v);
	return v->reload_left > 0;
}
