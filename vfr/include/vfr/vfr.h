/*
 * vfr/vfr.h: the virtual firewall-router.
 *
 * A struct vfr is one router with its ports, ruleset, flows and counters, all
 * in one piece of memory that the caller hands in.  It allocates nothing, has
 * no globals and no clock.  Until a ruleset is loaded it drops everything.
 *
 * Threads: the caller serialises all calls on one vfr.  Exceptions: tap rings
 * and the log ring have a lock-free consumer (vfr/tap.h, vfr_log_read()).
 *
 * Time: now_ns is monotonic nanoseconds, > 0; a step back counts as no time.
 */
#ifndef VFR_VFR_H
#define VFR_VFR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfr/addr.h>
#include <vfr/packet.h>
#include <vfr/reason.h>
#include <vfr/ruleset.h>
#include <vfr/tap.h>
#include <vfr/trace.h>

#define VFR_PORT_SELF	UINT16_MAX	/* "port" of packets the VFR makes */
#define VFR_BURST	32		/* packets worked on together */
#define VFR_ALIAS_MAX	16		/* bytes of a device's second name */

struct vfr;

/* --- life --- */

/* How much of everything; 0 in a field takes the default in brackets. */
struct vfr_limits {
	uint32_t	ports;		/* devices attached at once [64] */
	uint32_t	flows;		/* power of two [16384] */
	uint32_t	rules;		/* of a ruleset [16384] */
	uint32_t	nats;		/* translations of a ruleset [1024] */
	uint32_t	neighbours;	/* ARP/NDP entries, power of two [256] */
	uint32_t	hosts;		/* addresses bound to vifs, power of two
					   [1024] */
	uint32_t	macs;		/* learned on bridged nets [1024] */
	uint32_t	fragments;	/* datagrams under reassembly [256] */
	uint32_t	packets;	/* the VFR's own: answers, and in at most
					   half of them clones [256] */
	uint32_t	sources;	/* per-source limits, power of two [1024] */
	uint32_t	taps;		/* [8] */
	uint32_t	tap_insns;	/* longest tap filter [4096] */
	uint32_t	log;		/* log entries, power of two [1024] */
};

size_t vfr_size(const struct vfr_limits *lim);

/*
 * Make a VFR in mem (64-byte aligned, vfr_size() bytes, need not be zero).
 * seed makes its hashes and port numbers unpredictable to others.  NULL if
 * mem is too small or a limit is not what it must be.
 */
struct vfr *vfr_create(void *mem, size_t size, const struct vfr_limits *lim,
		       uint64_t seed);

/* Release every packet that is held.  The memory is then the caller's. */
void vfr_destroy(struct vfr *v);

/* --- ports --- */

struct vfr_port_ops {
	/*
	 * Take the packet over and send it (release it when sent).  0, or a
	 * negative errno: not taken, the VFR drops it.  Must not call the VFR.
	 */
	int (*transmit)(void *ctx, struct vfr_packet *p);
	/* End of a burst that transmitted here: tell the device.  May be NULL. */
	void (*flush)(void *ctx);
};

/* What the device behind a port can take. */
enum {
	VFR_DEV_CSUM	= 1,	/* partial checksums */
	VFR_DEV_TSO4	= 2,	/* VFR_GSO_TCP4, longer than the MTU */
	VFR_DEV_TSO6	= 4,
};

struct vfr_device {
	const char	*name;		/* as rulesets say; copied */
	const char	*alias;		/* or as they may say as well; NULL; copied */
	uint8_t		kind;		/* VFR_PORT_VIF or VFR_PORT_NIC */
	uint8_t		features;	/* VFR_DEV_*; what is missing the port
					   itself makes up for (packet.h) */
	uint8_t		mac[6];		/* NIC: its own; vif: ignored */
	uint32_t	mtu;		/* IP bytes, >= 1280 for IPv6 to work */
	const struct vfr_port_ops *ops;
	void		*ctx;
};

/*
 * Attach a device and return its port number, < limits.ports.  -EINVAL: a
 * field is wrong; -EEXIST: a name is in use; -ENOSPC.  The port is live when
 * the loaded ruleset names it with the same kind, now or later.
 */
int vfr_port_attach(struct vfr *v, const struct vfr_device *dev);

/* Its flows are closed and held packets released before this returns. */
int vfr_port_detach(struct vfr *v, unsigned int port);

/* NIC: carrier.  While down, what would leave there is dropped, and new flows
   take another default route; those it has stay, a reload or not. */
void vfr_port_link(struct vfr *v, unsigned int port, bool up);

/* The record of a port in the loaded ruleset (untagged), or NULL. */
const struct vfr_rs_port *vfr_port_config(const struct vfr *v,
					  unsigned int port);

/* Number of the port with this device name or alias, or -ENOENT. */
int vfr_port_find(const struct vfr *v, const char *name);

/* --- packets --- */

/*
 * Packets that came in on a port.  The VFR owns them from here on.  n is any
 * number.  A port number that is not attached drops them all.
 */
void vfr_rx(struct vfr *v, unsigned int port, struct vfr_packet **pkts,
	    unsigned int n, uint64_t now_ns);

/*
 * Timeouts, retries of neighbours, the sweep after a reload.  Call it about
 * every 100 ms; one call does a bounded amount of work.  Returns true if a
 * reload's sweep has more to do.
 */
bool vfr_tick(struct vfr *v, uint64_t now_ns);

/* Explain: fill t for every packet from now on; NULL ends it. */
void vfr_trace_to(struct vfr *v, struct vfr_trace *t);

/* --- rulesets --- */

enum {
	VFR_LOAD_KEEP_FLOWS	= 1,	/* do not judge tracked flows anew */
};

/*
 * Check a ruleset and put it in place of the old one, whole, between two
 * packets.  0: blob is in use until the next load; *old (may be NULL) is the
 * blob that is not any more (NULL: there was none); load that again to roll
 * back.  -EINVAL: *why says what is wrong; -E2BIG: above the limits; in both
 * cases nothing has changed.  Tracked flows are judged anew when their next
 * packet comes, or by vfr_tick(), whichever is first; those not allowed any
 * more are closed, and no packet passes that the new rules deny.  What waits
 * for a neighbour is dropped: it passed the old ones.
 */
int vfr_load(struct vfr *v, const void *blob, size_t len, unsigned int flags,
	     uint64_t now_ns, const void **old, const char **why);

/* The loaded ruleset, or NULL. */
const struct vfr_ruleset *vfr_loaded(const struct vfr *v);

/* --- counters --- */

/*
 * Of one port.  Ingress side: rx_packets = forwarded + local + held now + sum
 * of drops, at all times between calls.  Summed over ports and VFR_PORT_SELF:
 * forwarded = tx_packets.  What a detached port has counted is in SELF.
 */
struct vfr_port_stats {
	uint64_t	rx_packets, rx_bytes;	/* came in (SELF: made, or
						   lost for want of room) */
	uint64_t	tx_packets, tx_bytes;	/* taken by this port's device */
	uint64_t	forwarded;	/* came in here and were taken somewhere */
	uint64_t	local;		/* came in here, ended in the VFR */
	uint64_t	held;		/* came in here, wait in the VFR */
	uint64_t	drops[VFR_NR_REASONS];	/* came in here */
	uint32_t	flows;		/* charged to this port now */
	uint32_t	zero;
};

/* Of a rule or NAT entry. */
struct vfr_rule_stats {
	uint64_t	packets, bytes;	/* both directions of its flows */
	uint64_t	flows;		/* opened */
	uint64_t	limited;	/* dropped by its limit */
	uint64_t	log_suppressed;	/* log lines not written */
};

struct vfr_stats {
	uint32_t	flows, flows_max;
	uint32_t	embryonic;	/* of flows: not yet established */
	uint32_t	neighbours, macs, fragments;
	uint64_t	flows_created, flows_expired, flows_evicted;
	uint64_t	flows_closed;	/* by a reload or detach */
	uint64_t	reload_checked, reload_closed;	/* since last load */
	uint64_t	reload_left;	/* flows still to be judged anew */
	uint64_t	loads, log_lost;
};

/* -ENOENT if there is no such port, rule or NAT entry now. */
int vfr_port_stats(const struct vfr *v, unsigned int port,
		   struct vfr_port_stats *st);	/* or VFR_PORT_SELF */
int vfr_rule_stats(const struct vfr *v, uint32_t rule,
		   struct vfr_rule_stats *st);	/* VFR_NONE32: default deny */
int vfr_nat_stats(const struct vfr *v, uint32_t nat,
		  struct vfr_rule_stats *st);
void vfr_stats(const struct vfr *v, struct vfr_stats *st);

/* --- flows, for listings --- */

struct vfr_flow_info {
	struct vfr_addr	src, dst;	/* as the opener sent it */
	struct vfr_addr	reply_src, reply_dst;	/* as the answer comes */
	uint16_t	sport, dport, reply_sport, reply_dport;
	uint16_t	in, out;	/* VFR ports */
	uint8_t		proto;
	uint8_t		state;		/* see vfr_flow_state_name() */
	uint8_t		established;
	uint8_t		zero;
	uint32_t	rule;		/* index now */
	uint64_t	packets[2], bytes[2];	/* from opener, to opener */
	uint64_t	expires_ns;
};

/*
 * Walk the table: *pos starts at 0.  Returns 0 and a flow, -ENOENT at the end.
 * Flows that come or go between calls may be missed, none is shown twice.
 */
int vfr_flow_next(const struct vfr *v, uint32_t *pos, struct vfr_flow_info *fi);
const char *vfr_flow_state_name(uint8_t proto, uint8_t state);

/* --- log --- */

enum {
	VFR_LOG_RULE,		/* a rule with `log` decided */
	VFR_LOG_DROP,		/* dropped without a rule: spoofs, floods */
	VFR_LOG_FLOW_CLOSED,	/* by a reload */
};

struct vfr_log_entry {
	uint64_t	time_ns;
	uint64_t	rule_id;
	uint32_t	rule;		/* index then, VFR_NONE32 = none */
	uint32_t	suppressed;	/* lines of this rule (or reason and
					   port) not written since its last */
	uint32_t	len;		/* of the packet */
	uint16_t	in, out;	/* VFR ports, UINT16_MAX = none */
	struct vfr_addr	src, dst;
	uint16_t	sport, dport;
	uint8_t		kind;		/* VFR_LOG_* */
	uint8_t		action;		/* VFR_ALLOW ... of the rule */
	uint8_t		reason;		/* enum vfr_reason */
	uint8_t		proto;
	uint8_t		mac_src[6];
	uint16_t	zero;
};

/*
 * Take the oldest entries out; returns how many, <= n.  One consumer, which
 * may run beside the packet path.  *lost: entries overwritten unread, total.
 */
uint32_t vfr_log_read(struct vfr *v, struct vfr_log_entry *e, uint32_t n,
		      uint64_t *lost);

#endif
