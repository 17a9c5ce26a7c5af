/*
 * vfr/ruleset.h: a compiled ruleset, one flat relocatable blob.
 *
 * The compiler (rules/) writes it, vfr_load() checks it once as untrusted
 * input and then uses it in place: it stays where it is, unchanged, until
 * another has been loaded.  Everything is little-endian and 8-byte aligned;
 * sections are found by byte offset; records refer to each other by index and
 * to text by offset into the string section (NUL-terminated UTF-8; 0 is "").
 * Fields named zero are 0.
 *
 * Order of judgement for the first packet of a flow: redirect and static
 * destination NAT, route, filter rules (they see the real addresses: after
 * destination NAT, before source NAT), source NAT.  No rule matches: denied.
 */
#ifndef VFR_RULESET_H
#define VFR_RULESET_H

#include <stddef.h>
#include <stdint.h>

#include <vfr/addr.h>
#include <vfr/classify.h>

#define VFR_RULESET_MAGIC	0x31524656454c5553ull	/* "SULEVFR1" */
#define VFR_RULESET_VERSION	1
#define VFR_RULESET_MAX_BYTES	(256u << 20)

#define VFR_NAME_MAX	64	/* bytes of a port's, net's or device's name
				   with its NUL */
#define VFR_NONE16	UINT16_MAX
#define VFR_NONE32	UINT32_MAX

enum {
	VFR_SEC_STRINGS,	/* char */
	VFR_SEC_ADDRS,		/* struct vfr_prefix */
	VFR_SEC_NETS,		/* struct vfr_rs_net */
	VFR_SEC_PORTS,		/* struct vfr_rs_port */
	VFR_SEC_ROUTES,		/* struct vfr_rs_route */
	VFR_SEC_NATS,		/* struct vfr_rs_nat, first match wins */
	VFR_SEC_RULES,		/* struct vfr_rs_rule, first match wins */
	VFR_SEC_CLASSIFIER,	/* bytes of a vfr/classify.h blob */
	VFR_NR_SECTIONS
};

struct vfr_rs_header {
	uint64_t	magic;
	uint32_t	version;
	uint32_t	size;		/* bytes of the whole blob */
	uint64_t	hash;		/* names this ruleset to people */
	struct {
		uint32_t	offset;	/* multiple of 8 */
		uint32_t	count;	/* of records */
	} sec[VFR_NR_SECTIONS];
};

enum { VFR_NET_ROUTED, VFR_NET_BRIDGED };

/*
 * A routed net hangs off the VFR: it owns the gateway addresses, answers
 * ARP and NDP for every address of the prefixes with its own MAC, and routes
 * even between two domains of the net, so that rules hold there too.
 * A bridged net is the LAN behind one NIC port; its domains keep their MACs.
 */
struct vfr_rs_net {
	uint32_t	name;
	uint8_t		kind;		/* VFR_NET_* */
	uint8_t		mac[6];		/* routed: the gateway's, unicast */
	uint8_t		zero;
	uint16_t	nic;		/* bridged: port index of the NIC */
	uint16_t	zero2;
	uint32_t	first_addr, nr_addrs;	/* prefixes; addr: the gateway's */
};

enum { VFR_PORT_VIF, VFR_PORT_NIC };
enum {
	VFR_PORT_PING	= 1,	/* answer echo requests for our addresses here */
};

/*
 * A port: a vif with its binding, or a NIC (one per VLAN id of a device).
 * The port is live once a device of that name has been attached.
 *
 * vif: only frames from mac, with a source address within the addresses, enter;
 * only frames to those leave.  A prefix shorter than a host is a block routed
 * to the domain.  ::/0 or 0.0.0.0/0 on a bridged net: the domain may use any
 * address there, but owns none.  NIC: the addresses are the VFR's own, with the length of the
 * LAN's prefix; packets from the NIC must not claim a source that belongs to a
 * vif or to the VFR.
 */
struct vfr_rs_port {
	uint32_t	name;
	uint32_t	device;		/* the name it was attached under */
	uint8_t		kind;		/* VFR_PORT_VIF/NIC */
	uint8_t		flags;		/* VFR_PORT_PING */
	uint16_t	vlan;		/* NIC: 1 to 4094, 0 untagged; vif: 0 */
	uint16_t	net;		/* vif: its net; NIC: VFR_NONE16 */
	uint8_t		mac[6];		/* vif: bound; NIC: 0 = the device's */
	uint32_t	first_addr, nr_addrs;
	uint32_t	mtu;		/* IP bytes; 0 = the device's */
	struct vfr_addr	gateway4;	/* NIC: default gateways, 0 = none; of */
	struct vfr_addr	gateway6;	/* several NICs the first one is used */
	uint64_t	rate_bps;	/* bits a second from the port, 0 = any;
					   NIC: the VFR drops what is above, vif:
					   its backend takes no more (sched.h) */
	uint32_t	burst_bytes;	/* of the token bucket; 0 = default */
	uint32_t	zero;
};

/* Most specific dst wins, then most specific src, then the first. */
struct vfr_rs_route {
	struct vfr_prefix dst, src;	/* src ::/0 = from anywhere */
	struct vfr_addr	via;		/* next hop on the port's link; 0: the
					   destination itself is on the link */
	uint16_t	port;		/* out */
	uint16_t	zero;
	uint32_t	file, line;
};

enum {
	/* source := first address of port `port`, a free port number; for
	   what leaves by `port` with source in match */
	VFR_NAT_MASQUERADE,
	/* for packets that come in by `port`, or from any vif, to the
	   addresses of `port` (match ::/0) or of match, with proto and
	   destination port in lo..hi: destination := to, port := to_lo +
	   (port - lo) if to_lo, else unchanged */
	VFR_NAT_REDIRECT,
	/* 1:1: to (outside, on `port`) <-> match (inside), both ways */
	VFR_NAT_STATIC,
};

struct vfr_rs_nat {
	uint64_t	id;		/* stable; counters follow it */
	struct vfr_prefix match;
	struct vfr_prefix to;		/* static: same length of host part */
	uint8_t		kind;		/* VFR_NAT_* */
	uint8_t		proto;		/* 0 = any; ports need 6, 17 or 132 */
	uint16_t	port;		/* port index */
	uint16_t	lo, hi;		/* destination ports, 0..65535 = any */
	uint16_t	to_lo;
	uint16_t	zero[3];
	uint32_t	file, line;
	uint32_t	comment, zero2;
};

enum { VFR_ALLOW, VFR_DENY, VFR_REJECT };
enum {
	VFR_RULE_STATELESS	= 1,	/* judge each packet, keep no flow */
	VFR_RULE_LOG		= 2,	/* log what the rule decides */
	VFR_RULE_LIMIT_SOURCE	= 4,	/* the limit holds per source address */
};

/*
 * What matches a rule is in the classifier, as atoms whose `rule` is the index
 * here.  A limit counts what the rule decides: new flows if it is stateful,
 * packets if not; above it an allow rule drops (reason: limit).
 */
struct vfr_rs_rule {
	uint64_t	id;		/* stable over reloads, unique here */
	uint8_t		action;		/* VFR_ALLOW ... */
	uint8_t		flags;		/* VFR_RULE_* */
	uint16_t	zero;
	uint32_t	limit;		/* events ... 0 = no limit */
	uint32_t	limit_period_ms;	/* ... in this time */
	uint32_t	limit_burst;	/* 0 = same as limit */
	uint32_t	label;		/* of its log lines */
	uint32_t	comment;
	uint32_t	file, line;	/* where it was written */
	uint32_t	text;		/* the rule in canonical form */
	uint32_t	zero2;
};

_Static_assert(sizeof(struct vfr_prefix) == 20, "ruleset v1, addr");
_Static_assert(sizeof(struct vfr_rs_header) == 24 + 8 * VFR_NR_SECTIONS,
	       "ruleset v1, header");
_Static_assert(sizeof(struct vfr_rs_net) == 24, "ruleset v1, net");
_Static_assert(sizeof(struct vfr_rs_port) == 80, "ruleset v1, port");
_Static_assert(sizeof(struct vfr_rs_route) == 68, "ruleset v1, route");
_Static_assert(sizeof(struct vfr_rs_nat) == 80, "ruleset v1, nat");
_Static_assert(sizeof(struct vfr_rs_rule) == 48, "ruleset v1, rule");

/* The pieces of a blob, for the builder.  strings[0] is NUL. */
struct vfr_rs_parts {
	uint64_t		hash;
	const char		*strings;
	const struct vfr_prefix	*addrs;
	const struct vfr_rs_net	*nets;
	const struct vfr_rs_port *ports;
	const struct vfr_rs_route *routes;
	const struct vfr_rs_nat	*nats;
	const struct vfr_rs_rule *rules;
	const void		*classifier;
	uint32_t		nr_strings;	/* bytes */
	uint32_t		nr_addrs, nr_nets, nr_ports, nr_routes;
	uint32_t		nr_nats, nr_rules;
	uint32_t		nr_classifier;	/* bytes */
};

/* Bytes of the blob of these parts. */
size_t vfr_ruleset_size(const struct vfr_rs_parts *parts);

/* Write it (8-byte aligned).  Does not check it: vfr_ruleset_open() does. */
void vfr_ruleset_write(const struct vfr_rs_parts *parts, void *blob);

/* A blob that has been checked. */
struct vfr_ruleset {
	const struct vfr_rs_header	*hdr;
	struct vfr_rs_parts		p;	/* pointers into the blob */
	struct vfr_cls			cls;
};

/*
 * Check an untrusted blob.  0, or -EINVAL and *why (may be NULL) is a fixed
 * English phrase that names the first thing wrong.
 */
int vfr_ruleset_open(struct vfr_ruleset *rs, const void *blob, size_t len,
		     const char **why);

/* Text at an offset; "" if out of range. */
const char *vfr_ruleset_text(const struct vfr_ruleset *rs, uint32_t offset);

#endif
