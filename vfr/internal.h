/*
 * internal.h: what the files of the VFR share.
 *
 * Life of a packet: vfr_rx() (judge.c) parses it into a struct judge
 * (parse.c), finds its flow (flow.c) or makes one (open.c: destination NAT,
 * route, rules, source NAT), and forwards it (forward.c): translation, hop
 * limit, Ethernet header, egress port.  Each way ends in exactly one of
 * judge_drop(), judge_local(), judge_hold() or port_send(): that is where
 * packets are counted.
 */
#ifndef VFR_INTERNAL_H
#define VFR_INTERNAL_H

#include <vfr/rate.h>
#include <vfr/vfr.h>

#include "wire.h"

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
/* Of the way of an established flow: it is worth a copy in its caller. */
#define HOT		inline __attribute__((always_inline))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define NONE16	VFR_NONE16
#define NONE32	VFR_NONE32

#define NS_PER_MS	1000000ull
#define NS_PER_S	1000000000ull

/* Flow times: 2^20 ns, near enough a millisecond; differences are signed. */
#define TICKS(seconds)	((uint32_t)((seconds) * NS_PER_S >> 20))
static inline uint32_t ns_to_ticks(uint64_t ns)
{
	return (uint32_t)(ns >> 20);
}

/* --- flows (flow.c, tcp.c) --- */

/* Which packets are one direction of a flow.  ICMP echo: sport is the id of
   a request, dport that of a reply.  Hashed and compared as bytes. */
enum { ECHO_REQUEST = 1, ECHO_REPLY };

struct flow_key {
	struct vfr_addr	src, dst;
	uint16_t	sport, dport;
	uint16_t	dev, vlan;	/* where they come in */
	uint8_t		proto;
	uint8_t		bridged;	/* kept apart from what is routed */
	uint8_t		echo;		/* of ICMP: ECHO_, 0: neither */
	uint8_t		zero;
};
_Static_assert(sizeof(struct flow_key) == 44, "no holes: it is hashed");

struct flow_side {
	struct flow_key	key;
	uint16_t	out;		/* port index of flow.gen's ruleset */
	uint16_t	neigh;		/* next hop, NONE16: out is a vif */
	uint16_t	neigh_gen;
	uint16_t	in;		/* port index, as out */
	uint32_t	packets;
	uint64_t	bytes;
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct flow_side) == 64, "one cache line");

struct tcp_peer {		/* what one side has sent and may send */
	uint32_t	end;		/* highest sequence number sent, + 1 */
	uint32_t	max_end;	/* highest its peer's window allows */
	uint32_t	max_win;	/* largest window it has offered */
	uint8_t		scale;		/* its window scale */
	uint8_t		flags;		/* TCP_PEER_* */
	uint16_t	zero;
};

enum {
	FLOW_NAT	= 1,	/* the sides are not each other's mirror */
	FLOW_EMBRYONIC	= 2,	/* in the owner's list, may be evicted */
	FLOW_LIVE	= 4,
	FLOW_BRIDGED	= 8,	/* no hop limit, MAC addresses kept */
};

struct flow {
	struct flow_side side[2];	/* from the opener, to the opener */
	struct tcp_peer	peer[2];
	uint32_t	expires;	/* ticks */
	uint32_t	rule;		/* index in gen's ruleset, NONE32 */
	uint32_t	gen;		/* of the ruleset that allowed it */
	uint8_t		state;		/* tcp.c, or 0/1: answered */
	uint8_t		flags;		/* FLOW_* */
	uint16_t	owner;		/* port it is charged to */
	uint32_t	prev, next;	/* embryonic list or free list */
	uint16_t	nat_dst, nat_src;	/* NAT entries, NONE16 */
	uint32_t	zero;
};
_Static_assert(sizeof(struct flow) == 192, "three cache lines");

#define FLOW_BUCKET	10
struct flow_bucket {
	uint16_t	tag[FLOW_BUCKET];	/* 0 = empty */
	uint16_t	nr;
	uint16_t	spilled;	/* entries of this home found further on */
	uint32_t	ref[FLOW_BUCKET];	/* flow index * 2 + side */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct flow_bucket) == 64, "one cache line");

/* --- the packet being judged --- */

enum pkt_kind {
	PKT_BAD,		/* reason says why */
	PKT_ARP,
	PKT_IP,
};

struct judge {
	struct vfr_packet *p;
	struct vfr_cls_key key;		/* as the rules see it */
	struct flow_key	fkey;		/* as it came in */
	uint16_t	snap_len;	/* header bytes in the snapshot */
	uint8_t		slot;		/* in the burst, for its snapshot */
	uint8_t		snap_at;	/* where in buf hdr began then */

	/* From here on zero at the start; see start() in judge.c. */
	uint32_t	hash;		/* of fkey */
	uint32_t	ref;		/* its flow as foreseen, NONE32 */
	uint32_t	ip_len;		/* bytes from l3 on */
	uint32_t	rule;		/* that decided, NONE32 */
	uint32_t	frag_id;
	uint32_t	snap_total;	/* length as it came in */
	uint16_t	in;		/* ruleset port index, NONE16 */
	uint16_t	dev, vlan;
	uint16_t	l3, l4;		/* offsets into hdr */
	uint16_t	sport, dport;	/* fkey's */
	uint16_t	frag_off;	/* bytes; fragments only */
	uint16_t	frag_at;	/* where in hdr its piece begins */
	uint16_t	out;		/* device it leaves by, once that is
					   known; NONE16 */
	uint16_t	to;		/* bridged: iface, NONE16 = unknown */
	uint8_t		kind;		/* enum pkt_kind */
	uint8_t		reason;		/* enum vfr_reason */
	uint8_t		v6;
	uint8_t		frag;		/* VFR_FRAG_* */
	uint8_t		frag_more;
	uint8_t		icmp_error;	/* quotes another packet */
	uint8_t		bridged;	/* MACs are kept; goes out by to */
	uint8_t		multicast;	/* by Ethernet or IP address */
	uint8_t		echo;		/* as in flow_key */
	uint8_t		tap_mask;	/* taps whose filter took it */
};

/* --- the ruleset at work (reload.c) --- */

struct bucket {			/* token bucket in events */
	uint64_t	last_ns;
	uint32_t	tokens;		/* thousandths */
};

struct rule_rt {		/* of a rule or NAT entry; survives reload */
	uint64_t	packets, bytes;
	uint64_t	flows, limited;
	uint64_t	limit_ns, log_ns;	/* token buckets: last fill */
	uint32_t	limit_tokens, log_tokens;	/* thousandths */
	uint32_t	log_pending;	/* suppressed since the last line */
	uint32_t	log_suppressed;
} __attribute__((aligned(64)));

struct iface {			/* a port of the ruleset */
	const struct vfr_rs_port *rs;
	uint16_t	dev;		/* attached device, NONE16 */
	uint16_t	vlan;
	uint16_t	next;		/* next on the same device, NONE16 */
	uint16_t	zero;
	uint8_t		kind;
	uint8_t		bridged;	/* a vif of a bridged net */
	uint8_t		mac[6];		/* ours here: net's or NIC's */
	uint8_t		peer_mac[6];	/* vif: bound */
	uint16_t	net;		/* vif: its net; NIC: bridged net, NONE16 */
	uint32_t	mtu;
	uint32_t	nr_neighs;	/* scratch of neigh.c */
	struct vfr_addr	ll;		/* our link-local address */
	struct vfr_addr	addr4, addr6;	/* ours, for errors; zero = none */
	struct vfr_rate	rate;		/* NIC: of what comes in */
};

enum fib_kind {
	FIB_SELF,		/* an address of the VFR */
	FIB_VIF,		/* bound to the vif `out` */
	FIB_NET,		/* on a routed net, but nobody's */
	FIB_LINK,		/* on the link of NIC `out` */
	FIB_ROUTE,		/* static route */
};

struct fib_entry {
	struct vfr_addr	dst;		/* host bits cleared */
	struct vfr_addr	via;		/* zero: dst itself */
	struct vfr_prefix src;
	uint8_t		len, kind;
	uint16_t	out;
	uint32_t	next;		/* same hash chain */
	uint32_t	route;		/* index or NONE32 */
};

struct tables {			/* all that a load replaces */
	struct vfr_ruleset rs;
	const void	*blob;		/* NULL: none loaded */
	struct iface	*ifaces;
	uint32_t	nr_ifaces;
	struct fib_entry *fib;
	uint32_t	*fib_heads;
	uint32_t	nr_fib;
	uint8_t		fib_lens[130];	/* lengths in use, longest first */
	uint32_t	nr_fib_lens;
};

/* --- devices (port.c) --- */

struct port {
	const struct vfr_port_ops *ops;	/* NULL: slot is free */
	void		*ctx;
	char		name[VFR_NAME_MAX];
	char		alias[VFR_ALIAS_MAX];	/* "": none */
	uint8_t		kind, features;
	uint8_t		mac[6];
	uint32_t	mtu;
	bool		up, touched;	/* touched: needs a flush */
	uint16_t	iface;		/* first iface on it, NONE16 */
	uint16_t	nr_held;	/* came in here, wait for neighbours */
	struct bucket	errors;		/* and resets, to who is there */
	struct bucket	pings;		/* that we answer */
	struct bucket	log;		/* lines about drops without a rule */
	uint32_t	log_pending;
	uint32_t	emb_head, emb_tail;	/* embryonic flows, oldest first */
	uint32_t	frags;		/* datagrams from it in pieces */
	uint32_t	frags_held;	/* of those pieces, how many wait */
	struct vfr_port_stats st;
};

/* --- neighbours on NIC links (neigh.c) --- */

enum { NEIGH_FREE, NEIGH_WAITING, NEIGH_VALID, NEIGH_FAILED };

struct neigh {
	struct vfr_addr	addr;
	uint32_t	next;		/* hash chain */
	uint16_t	dev, vlan;
	uint16_t	gen;		/* counts reuses of the slot */
	uint8_t		state, tries;
	uint8_t		mac[6];
	uint16_t	nr_held;
	uint64_t	due_ns;		/* next probe, or end of validity */
	uint64_t	used_ns;
	struct vfr_packet *held, **held_tail;
	struct vfr_packet *error;	/* for the sender of the first that
					   waits, should nobody answer */
	uint16_t	error_dev, error_vlan;	/* where that one came in */
};

/* --- fragments (frag.c) --- */

#define FRAG_RANGES	32
struct frag {			/* a datagram seen in pieces */
	struct vfr_addr	src, dst;
	uint32_t	id;
	uint16_t	dev, vlan;
	uint8_t		proto, used;
	uint8_t		bad;		/* enum vfr_reason for all that comes */
	uint8_t		judged;		/* the first fragment was allowed */
	uint32_t	total;		/* bytes, 0 = last not seen */
	uint16_t	nr_ranges, nr_held;
	struct { uint32_t lo, hi; } range[FRAG_RANGES];	/* hi exclusive */
	uint64_t	due_ns;
	uint32_t	first_hi;	/* bytes up to the first one's end */
	uint32_t	tcp_end;	/* the sequence number there */
	struct vfr_cls_key ckey;	/* the first fragment's */
	struct flow_key	fkey;
	struct vfr_packet *held, **held_tail;
};

/* --- the VFR's own packets (own.c) --- */

#define OWN_DATA	576
struct own {
	struct vfr_packet p;
	struct vfr	*v;
	struct own	*next_free;
	struct vfr_packet *parent;	/* a clone's */
	uint8_t		data[OWN_DATA];
};

struct mac_entry {		/* a station behind a bridged NIC */
	uint8_t		mac[6];
	uint16_t	dev, vlan, zero;
	uint64_t	seen_ns;
};

struct source {			/* a per-source limit in use */
	uint64_t	rule_id;
	struct vfr_addr	addr;
	struct bucket	b;
};

struct tap_mark {
	uint64_t		prod;		/* written so far */
	uint64_t		seen, lost;	/* matched; found no room */
	uint64_t		told;		/* of lost, in a record */
};

struct tap {
	bool			used, all;
	uint8_t			stages;
	uint16_t		port, except;	/* NONE16: not attached now */
	char			device[VFR_NAME_MAX];	/* unless all */
	char			except_device[VFR_NAME_MAX]; /* "" = none */
	uint32_t		snaplen, nr_insns, ring_bytes;
	struct vfr_bpf_insn	*insns;
	struct vfr_tap_ring	*ring;
	struct tap_mark		now, shown;	/* shown: to the reader */
};

struct log_ring {
	struct vfr_log_entry	*e;
	uint64_t		prod, cons, lost;
};

struct vfr {
	struct vfr_limits lim;
	uint64_t	now;		/* ns */
	uint32_t	ticks;		/* the same in flow time */
	uint32_t	nr_taps;
	struct vfr_trace *trace;
	struct tables	*t, *spare;	/* in force; for the next load */
	uint64_t	seed[4];
	uint64_t	rng;
	uint64_t	next_id;	/* of packets */

	struct port	*ports;		/* [lim.ports] is VFR_PORT_SELF */
	uint32_t	nr_touched;
	uint16_t	touched[64];

	struct flow	*flows;
	struct flow_bucket *buckets;
	uint32_t	bucket_mask;
	uint32_t	free_flow;
	uint32_t	nr_flows, nr_embryonic;
	uint32_t	reserve;	/* flows each port may always have */
	uint32_t	borrowed, borrow_max;	/* flows above shares, at most */
	uint32_t	nr_attached;

	uint32_t	gen;		/* of the ruleset in force */
	uint32_t	sweep;		/* next flow vfr_tick() looks at */
	uint32_t	reload_left;	/* flows to look at until gen is done */
	struct rule_rt	*rules;		/* [lim.rules] is default deny */
	struct rule_rt	*nats;
	uint32_t	*remap;		/* old rule index to new, one load back */
	uint32_t	*remap_nat;
	uint32_t	*remap_hash;	/* while loading */
	uint32_t	remap_mask;
	bool		keep_flows;

	struct neigh	*neighs;
	uint32_t	nr_neighs;
	uint32_t	*neigh_heads;
	uint32_t	neigh_hand;
	uint32_t	nr_held;	/* packets waiting for neighbours */
	uint32_t	nr_errors;	/* made in case those do not answer */
	uint32_t	nr_sources;
	struct frag	*frags;
	uint32_t	nr_frags, frag_hand;
	uint32_t	nr_frag_held;
	struct own	*own, *own_free;
	uint32_t	nr_own_free;
	struct mac_entry *macs;
	struct source	*sources;
	struct tap	*taps;
	struct vfr_bpf_insn *tap_insns;
	struct log_ring	log;

	struct vfr_stats st;
	struct tables	tables[2];
	struct judge	burst[VFR_BURST];
	uint8_t		snap[VFR_BURST + 1][VFR_HDR_MAX];
};

static inline uint32_t port_slot(const struct vfr *v, uint32_t port)
{
	return port == VFR_PORT_SELF ? v->lim.ports : port;
}

/* hash.c */
uint32_t hash_flow(const uint64_t seed[4], const struct flow_key *k);
uint64_t hash_bytes(const uint64_t seed[4], const void *data, size_t len);
uint32_t vfr_random(struct vfr *v);

/* packet.c: sum of bytes [from, from + n); pieces may end at odd places */
uint64_t packet_sum(const struct vfr_packet *p, uint32_t from, uint32_t n);

/* parse.c: fill j from j->p, in is known later.  False: j->reason. */
bool parse_frame(struct judge *j);
/* Parse an IP packet at l3 for its key: in ICMP errors and own packets. */
bool parse_ip(struct judge *j);

/* judge.c: the ways a packet's journey ends; j->p is gone afterwards */
void judge_drop(struct vfr *v, struct judge *j, enum vfr_reason reason);
void judge_local(struct vfr *v, struct judge *j);
void judge_send(struct vfr *v, struct judge *j, uint32_t dev);
/* Kept by the caller (counted as held), to be ended by judge_unhold(). */
void judge_hold(struct vfr *v, struct judge *j);
/* A held packet goes on its way (NONE) or is dropped. */
void judge_unhold(struct vfr *v, struct vfr_packet *p, uint32_t dev,
		  enum vfr_reason reason);
/* A held packet is judged again, from the start.  False: it was dropped. */
bool judge_again(struct vfr *v, struct judge *j, struct vfr_packet *p);
/* Is the source bound to the port it came in by? */
bool judge_binding(struct vfr *v, const struct judge *j);
/* An IP packet, unfragmented or a first fragment: by its flow or the rules.
   Returns the flow it went by, NULL if none. */
struct flow *judge_flow(struct vfr *v, struct judge *j, int *dir);

/* open.c: the first packet of a flow, or one without a flow */
struct flow *open_packet(struct vfr *v, struct judge *j);
/* What the rules say of j: NONE, or why to drop it, by j->rule.  Limits, logs
   and counts; what is allowed is left to count, with open_count(). */
enum vfr_reason open_ask(struct vfr *v, struct judge *j);
void open_count(struct vfr *v, const struct judge *j, uint32_t rule);
/* Ask the rules.  True: allowed by j->rule; else the packet is gone. */
bool open_allowed(struct vfr *v, struct judge *j);

/* rejudge.c: is f (of an older ruleset) allowed by this one?  Updates it. */
bool rejudge_flow(struct vfr *v, struct flow *f);

/* forward.c */
struct way {			/* where a packet goes next */
	uint16_t	out;		/* iface */
	uint16_t	neigh;		/* NONE16: out is a vif, or unresolved */
	struct vfr_addr	hop;		/* on a NIC's link; zero: bridged */
};
/* Is the way out another link than the one it came in by? */
bool forward_leaves_link(const struct vfr *v, const struct judge *j,
			 uint16_t out);
void forward_flow(struct vfr *v, struct judge *j, struct flow *f, int dir);
/* An ICMP error, already translated, in direction dir of f. */
void forward_related(struct vfr *v, struct judge *j, struct flow *f, int dir);
/* Hop limit and MTU allow it; if not, it is dropped and the sender told. */
bool forward_fits(struct vfr *v, struct judge *j, uint16_t out);
/* Longer than that link takes; not where there is no device. */
bool forward_is_long(const struct vfr *v, const struct judge *j, uint16_t out);
/* Hop limit, Ethernet header, send.  The packet's addresses are final. */
void forward_way(struct vfr *v, struct judge *j, const struct way *w);
/* Put an Ethernet header before l3.  dst NULL: leave it for later. */
void forward_ether(struct vfr_packet *p, uint16_t l3, const uint8_t *dst,
		   const uint8_t *src, uint16_t vlan);
/* Cut off what lies behind len bytes: Ethernet's padding. */
void forward_trim(struct vfr_packet *p, uint32_t len);

/* split.c */
bool split_can(const struct judge *j);
void split_send(struct vfr *v, struct judge *j, uint16_t iface);

/* port.c */
int port_send(struct vfr *v, uint32_t dev, struct vfr_packet *p);
void port_flush(struct vfr *v);
/* A device's name; false: empty, or longer than VFR_NAME_MAX. */
bool name_copy(char *to, uint32_t max, const char *from);
bool bucket_take(struct vfr *v, struct bucket *b, uint32_t rate,
		 uint32_t period_ms, uint32_t burst);

/* flow.c */
void flow_init(struct vfr *v);
/* foreseen: what flow_foresee() said of this hash, or NONE32. */
struct flow *flow_find(struct vfr *v, const struct flow_key *k, uint32_t hash,
		       uint32_t foreseen, int *dir);
uint32_t flow_hash(const struct vfr *v, const struct flow_key *k);
/* Two steps to have a flow in the cache when flow_find() asks for it. */
void flow_prefetch(struct vfr *v, uint32_t hash);
uint32_t flow_foresee(struct vfr *v, uint32_t hash);
/* A new flow for `owner`, not yet in the table; NULL: its share is used up. */
struct flow *flow_alloc(struct vfr *v, uint32_t owner);
bool flow_insert(struct vfr *v, struct flow *f);	/* false: clash */
void flow_free(struct vfr *v, struct flow *f);
void flow_establish(struct vfr *v, struct flow *f);
void flow_close_dev(struct vfr *v, uint32_t dev);
void flow_reserve(struct vfr *v);
uint32_t flow_sweep(struct vfr *v, uint32_t n);
static inline bool flow_expired(const struct vfr *v, const struct flow *f)
{
	return (int32_t)(f->expires - v->ticks) <= 0;
}
/* A side's way; the neighbour is asked for when the first packet goes there. */
static inline void side_way(struct flow_side *s, const struct way *w)
{
	s->out = w->out;
	s->neigh = NONE16;
}

/* tcp.c */
enum tcp_verdict { TCP_OK, TCP_DROP, TCP_REOPEN };
bool tcp_open(struct vfr *v, struct flow *f, const struct judge *j);
enum tcp_verdict tcp_track(struct vfr *v, struct flow *f, int dir,
			   const struct judge *j);
uint32_t tcp_end(const struct judge *j);
/* A later fragment ends at `end`, the first one of its segment at `first`. */
void tcp_extend(struct flow *f, int dir, uint32_t first, uint32_t end);
bool tcp_seq_known(const struct flow *f, int dir, uint32_t seq);

/* nat.c */
uint32_t nat_find_dst(struct vfr *v, const struct judge *j, struct vfr_addr *dst,
		      uint16_t *dport);
/* The entry, NONE32 if none; *src may change even then (hairpin). */
uint32_t nat_find_src(struct vfr *v, const struct judge *j, uint16_t out,
		      struct vfr_addr *src);
bool nat_insert(struct vfr *v, struct flow *f, bool any_port);
void nat_rewrite(struct judge *j, const struct vfr_addr *src,
		 const struct vfr_addr *dst, uint16_t sport, uint16_t dport);
/* Does the VFR answer for a on that NIC, or on some, because of NAT? */
bool nat_owns(const struct vfr *v, uint16_t iface, const struct vfr_addr *a);
bool nat_has(const struct vfr *v, const struct vfr_addr *a);

/* route.c */
void route_build(struct vfr *v, struct tables *t);
uint32_t route_count(const struct vfr_ruleset *rs);
const struct fib_entry *route_find(const struct vfr *v, const struct vfr_addr *src,
				   const struct vfr_addr *dst);
/* Fill in w->neigh; starts to ask if it must. */
void route_resolve(struct vfr *v, struct way *w);
bool route_way(struct vfr *v, const struct vfr_addr *src,
	       const struct vfr_addr *dst, struct way *w, uint32_t *route);
/* Does the way lead out by `out`, as soon as that has its link? */
bool route_leads(struct vfr *v, const struct vfr_addr *src,
		 const struct vfr_addr *dst, uint16_t out, struct way *w);
/* The way of answers from `from` to `src`, which came in by `in`. */
bool route_back(struct vfr *v, uint16_t in, const struct vfr_addr *from,
		const struct vfr_addr *src, struct way *w);
bool route_link_local(const struct vfr_addr *a);
/* Is a the VFR's, that of a port other than i, or of a net or link that i is
   not on?  A station at a NIC, or a vif bound to any, must not claim it. */
bool addr_is_taken(const struct vfr *v, uint16_t i, const struct vfr_addr *a);
bool iface_has_addr(const struct vfr *v, uint16_t i, const struct vfr_addr *a);
bool iface_is_any(const struct vfr *v, uint16_t i);
bool iface_owns(const struct vfr *v, uint16_t i, const struct vfr_addr *a);
bool net_has(const struct vfr *v, uint16_t net, const struct vfr_addr *a);
/* The ruleset's port on that device and VLAN, NONE16 if it has none. */
static inline uint16_t iface_find(const struct vfr *v, uint32_t dev,
				  uint16_t vlan)
{
	uint16_t i = v->ports[dev].iface;

	while (i != NONE16 && v->t->ifaces[i].vlan != vlan)
		i = v->t->ifaces[i].next;
	return i;
}
uint16_t iface_of_mac(const struct vfr *v, uint16_t net, const uint8_t *mac);

/* neigh.c, arp.c, ndp.c */
void neigh_init(struct vfr *v);
/* Find or start to resolve; NONE16: table full. */
uint16_t neigh_get(struct vfr *v, uint16_t iface, const struct vfr_addr *hop);
/* What a link says about a neighbour; create: even if nobody asked. */
void neigh_learn(struct vfr *v, uint16_t iface, const struct vfr_addr *a,
		 const uint8_t *mac);
/* j, as it came in, is about to go to n, which is not known.  False: it is
   known to be silent, j was dropped and its sender told. */
bool neigh_awaited(struct vfr *v, struct judge *j, uint16_t n);
void neigh_hold(struct vfr *v, struct judge *j, uint16_t n);
void neigh_tick(struct vfr *v);
void neigh_drop_held(struct vfr *v);
void neigh_drop_dev(struct vfr *v, uint32_t dev);
void arp_rx(struct vfr *v, struct judge *j);
void arp_ask(struct vfr *v, uint16_t iface, const struct vfr_addr *a);
bool ndp_rx(struct vfr *v, struct judge *j);	/* true: it was NDP */
void ndp_ask(struct vfr *v, uint16_t iface, const struct vfr_addr *a);

/* icmp.c */
enum icmp_what {
	ICMP_TTL, ICMP_TOO_BIG, ICMP_NO_ROUTE, ICMP_NO_HOST, ICMP_PROHIBITED,
	ICMP_REASSEMBLY,
};
void icmp_error(struct vfr *v, const struct judge *j, enum icmp_what what,
		uint32_t mtu);
/* The same, for own_send() to j->in later, or release(); NULL: none is due. */
struct vfr_packet *icmp_error_make(struct vfr *v, const struct judge *j,
				   enum icmp_what what, uint32_t mtu);
bool icmp_related(struct vfr *v, struct judge *j);	/* false: of no flow */
void icmp_local(struct vfr *v, struct judge *j);
void tcp_reject(struct vfr *v, const struct judge *j);

/* frag.c */
void frag_rx(struct vfr *v, struct judge *j);
/* Do the rules let a later fragment go with f?  If not, it is dropped. */
bool frag_accepts(struct vfr *v, struct judge *j, const struct flow *f,
		  int dir);
void frag_tick(struct vfr *v);
void frag_drop_dev(struct vfr *v, uint32_t dev);

/* bridge.c */
void bridge_rx(struct vfr *v, struct judge *j);
/* As it is to one port; to all of the net.  For ARP and NDP, without rules. */
void bridge_send(struct vfr *v, struct judge *j, uint16_t iface);
void bridge_flood(struct vfr *v, struct judge *j);
/* The question who has target: to him, if he is known, or to the LAN. */
void bridge_ask(struct vfr *v, struct judge *j, const struct vfr_addr *target);
void bridge_learn(struct vfr *v, const struct judge *j);
void bridge_tick(struct vfr *v);

/* reload.c */
void tables_bind(struct vfr *v, struct tables *t);

/* own.c */
void own_init(struct vfr *v);
struct vfr_packet *own_packet(struct vfr *v);	/* NULL: none left */
/* NULL: half of ours are in use. */
struct vfr_packet *own_clone(struct vfr *v, struct vfr_packet *p);
/* Count n that could not be made. */
void own_missed(struct vfr *v, uint32_t n, uint32_t bytes);
/* release(), when its last clone is gone. */
void packet_put(struct vfr_packet *p);
/* Send a packet of ours with its Ethernet header in place. */
void own_send(struct vfr *v, struct vfr_packet *p, uint16_t iface);

/* limit.c */
bool limit_rule(struct vfr *v, uint32_t rule, const struct vfr_addr *src);
/* log.c */
void log_rule(struct vfr *v, const struct judge *j, uint32_t rule);
void log_drop(struct vfr *v, const struct judge *j);
void log_closed(struct vfr *v, const struct flow *f);

/* tap.c */
void taps_bind(struct vfr *v);	/* after a device came or went */
void tap_take(struct vfr *v, struct judge *j);
/* Write records; readers see them after commit, never after rewind. */
void tap_ingress(struct vfr *v, const struct judge *j,
		 enum vfr_verdict verdict);
void tap_egress(struct vfr *v, uint32_t dev, const struct vfr_packet *p);
void tap_commit(struct vfr *v);
void tap_rewind(struct vfr *v);

/* trace.c */
void trace_add(struct vfr *v, const struct judge *j, enum vfr_step step,
	       uint32_t index, uint32_t arg);
#define TRACE(v, j, step, index, arg) do {				\
	if (unlikely((v)->trace))					\
		trace_add(v, j, VFR_STEP_##step, index, arg);		\
} while (0)

#endif
