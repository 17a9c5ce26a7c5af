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
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LAB_SEED	 0x5106ull	/* the same run gives the same ports */
#define LAB_FLOWS	 4096		/* unless limits ask for more */
#define LAB_MTU		 65535		/* only the rule file limits it */
#define TICK_NS		 100000000ull	/* as vfr.h asks */
#define TICKS_MAX	 256		/* in one wait, however long */
#define ANSWERS_MAX	 64		/* rounds of neighbours' answers */

struct lab_device {
	struct lab	*lab;
	unsigned int	 port;
};

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
	raise_to(&lim->hosts, power_of_two(4 * rs.p.nr_addrs + 16));
	if (!lim->flows)
		lim->flows = LAB_FLOWS;
	return 0;
}

/* As of a neighbour 0.0.0.n, whom nobody can have. */
static void device_mac(unsigned int n, uint8_t mac[6])
{
	struct vfr_addr a = vfr_addr_v4(n);

	frame_neighbour_mac(&a, mac);
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
	device_mac(l->nr_devices, dev.mac);
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

unsigned int lab_vfr_port(const struct lab *l, unsigned int rs_port)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);
	int port;

	if (rs_port >= rs->p.nr_ports)
		return VFR_PORT_SELF;
	port = vfr_port_find(l->v, vfr_ruleset_text(
		rs, rs->p.ports[rs_port].device));
	return port < 0 ? VFR_PORT_SELF : (unsigned int)port;
}

unsigned int lab_rs_port(const struct lab *l, unsigned int vfr_port,
			 const uint8_t *frame, size_t len)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);
	uint16_t vlan = frame_vlan(frame, len);
	unsigned int i;

	for (i = 0; i < rs->p.nr_ports; i++)
		if (lab_vfr_port(l, i) == vfr_port &&
		    (rs->p.ports[i].kind == VFR_PORT_VIF ||
		     rs->p.ports[i].vlan == vlan))
			return i;
	return VFR_NONE16;
}

unsigned int lab_first_rs_port(const struct lab *l, unsigned int vfr_port)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);
	unsigned int i;

	for (i = 0; i < rs->p.nr_ports; i++)
		if (lab_vfr_port(l, i) == vfr_port)
			return i;
	return VFR_NONE16;
}

bool lab_is_neighbour_talk(const struct lab *l, uint64_t id,
			   const uint8_t *frame, size_t len)
{
	struct frame_peek p;

	if (id == l->id)
		return false;
	frame_peek(frame, len, &p);
	return p.ethertype == ETHERTYPE_ARP ||
	       (p.proto == IPPROTO_ICMPV6 &&
		(p.icmp_type == ND_NEIGHBOR_SOLICIT ||
		 p.icmp_type == ND_NEIGHBOR_ADVERT));
}

/* Length of the longest of a port's prefixes that holds a, or -1. */
static int longest_prefix(const struct vfr_ruleset *rs,
			  const struct vfr_rs_port *rp,
			  const struct vfr_addr *a)
{
	int best = -1;
	uint32_t i;

	for (i = 0; i < rp->nr_addrs; i++) {
		const struct vfr_prefix *p = &rs->p.addrs[rp->first_addr + i];

		if (p->len > best && vfr_prefix_has(p, a))
			best = p->len;
	}
	return best;
}

static bool has_gateway(const struct vfr_rs_port *rp, const struct vfr_addr *a)
{
	return rp->kind == VFR_PORT_NIC &&
	       !vfr_addr_is_zero(vfr_addr_is_v4(a) ? &rp->gateway4 :
				 &rp->gateway6);
}

unsigned int lab_port_of(const struct lab *l, const struct vfr_addr *src)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);
	unsigned int port = 0;
	int best = -1;
	uint32_t i;

	for (i = 0; i < rs->p.nr_ports; i++) {
		int len = longest_prefix(rs, &rs->p.ports[i], src);

		if (len > best) {
			best = len;
			port = i;
		}
	}
	for (i = 0; best < 0 && i < rs->p.nr_ports; i++)
		if (has_gateway(&rs->p.ports[i], src))
			return i;
	for (i = 0; best < 0 && i < rs->p.nr_ports; i++)
		if (rs->p.ports[i].kind == VFR_PORT_NIC)
			return i;
	return port;
}

static bool is_multicast(const struct vfr_addr *a)
{
	return vfr_addr_is_v4(a) ? a->b[12] >= 224 : a->b[0] == 0xff;
}

/* RFC 1112, 6.4 and RFC 2464, 7 */
static void multicast_mac(const struct vfr_addr *a, uint8_t mac[6])
{
	static const uint8_t all[4] = { 255, 255, 255, 255 };

	if (!vfr_addr_is_v4(a)) {
		memcpy(mac, "\x33\x33", 2);
		memcpy(mac + 2, a->b + 12, 4);
	} else if (memcmp(a->b + 12, all, 4) == 0) {
		memset(mac, 0xff, 6);
	} else {
		memcpy(mac, "\x01\x00\x5e", 3);
		memcpy(mac + 3, a->b + 13, 3);
		mac[3] &= 0x7f;
	}
}

/* The vif that has dst on the LAN behind a NIC port, or NULL. */
static const struct vfr_rs_port *bridged_vif(const struct vfr_ruleset *rs,
					     unsigned int nic,
					     const struct vfr_addr *dst)
{
	uint32_t i;

	for (i = 0; i < rs->p.nr_ports; i++) {
		const struct vfr_rs_port *rp = &rs->p.ports[i];

		if (rp->kind == VFR_PORT_VIF &&
		    rs->p.nets[rp->net].kind == VFR_NET_BRIDGED &&
		    rs->p.nets[rp->net].nic == nic &&
		    longest_prefix(rs, rp, dst) >= 0)
			return rp;
	}
	return NULL;
}

/* The station on a LAN that takes frames to dst. */
static void lan_mac(const struct vfr_ruleset *rs, unsigned int nic,
		    const struct vfr_addr *dst, uint8_t mac[6])
{
	const struct vfr_rs_port *vif = bridged_vif(rs, nic, dst);

	if (vif)
		memcpy(mac, vif->mac, 6);
	else
		frame_neighbour_mac(dst, mac);
}

/* A NIC's own Ethernet address: of the rule file, else the device's. */
static void nic_mac(const struct lab *l, unsigned int rs_port, uint8_t mac[6])
{
	static const uint8_t none[6];
	const struct vfr_rs_port *rp = &vfr_loaded(l->v)->p.ports[rs_port];
	unsigned int port = lab_vfr_port(l, rs_port), i;

	memcpy(mac, rp->mac, 6);
	for (i = 0; memcmp(mac, none, 6) == 0 && i < l->nr_devices; i++)
		if (l->devices[i].port == port)
			device_mac(i, mac);
}

void lab_link(const struct lab *l, unsigned int rs_port,
	      const struct vfr_addr *src, const struct vfr_addr *dst,
	      struct lab_link *link)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);
	const struct vfr_rs_port *rp = &rs->p.ports[rs_port];
	const struct vfr_rs_net *net;

	link->vlan = rp->vlan;
	if (rp->kind == VFR_PORT_VIF) {
		net = &rs->p.nets[rp->net];
		memcpy(link->src_mac, rp->mac, 6);
		if (net->kind == VFR_NET_BRIDGED)
			lan_mac(rs, net->nic, dst, link->dst_mac);
		else
			memcpy(link->dst_mac, net->mac, 6);
	} else {
		frame_neighbour_mac(src, link->src_mac);
		if (bridged_vif(rs, rs_port, dst))
			lan_mac(rs, rs_port, dst, link->dst_mac);
		else
			nic_mac(l, rs_port, link->dst_mac);
	}
	if (is_multicast(dst))
		multicast_mac(dst, link->dst_mac);
}
