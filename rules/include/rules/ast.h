/*
 * rules/ast.h: a parsed file.
 *
 * Everything lies in the arena of its struct rules and lives as long.  Lists
 * are linked by `next`, in the order of the text.  Text is NUL-terminated.
 * Comments are kept with RULES_FORMAT_ONLY alone, and what is marked `quoted`
 * was written as a "string" there, not as a $variable.
 * Fields under "check" are set by rules_check() and 0 before.
 *
 * Addresses are struct vfr_addr: IPv4 mapped into ::ffff:0:0/96, prefix
 * lengths of IPv4 96 more than people write (vfr/addr.h).
 */
#ifndef RULES_AST_H
#define RULES_AST_H

#include <stdbool.h>
#include <stdint.h>

#include <rules/diag.h>
#include <vfr/addr.h>

#define RULES_DEVICE_MAX 64	/* bytes of a device's or port's name, NUL too */
#define RULES_PORT_ANY	UINT16_MAX	/* VFR port index: any of them */

/* --- what statements have in common --- */

enum rules_kind {
	RULES_NIC, RULES_NET, RULES_DOMAIN, RULES_SET, RULES_SERVICE,
	RULES_LET, RULES_INCLUDE, RULES_ROUTE, RULES_RULE, RULES_NAT,
	RULES_EXPECT,
};

struct rules_comment {
	struct rules_comment *next;
	const char	*text;		/* what follows '#'; NULL: a blank line */
};

/* First member of each statement, and of each member of a braced list. */
struct rules_node {
	struct rules_node *next;
	struct rules_pos pos;
	const char	*name;		/* "" where it has none */
	struct rules_comment *lead;	/* lines above it */
	const char	*trail;		/* comment at the end of its line */
	uint8_t		kind;		/* enum rules_kind */
	bool		used;		/* check: something refers to it */
	uint32_t	copies;		/* check: later ones with its text */
};

/*
 * A value as it was written, $variables and all; "" if it was not given.
 * What it means stands beside it.
 */
struct rules_text {
	const char	*text;
	struct rules_pos pos;
};

/* --- references: members of from, to, on, sets, port lists --- */

enum rules_ref_kind {
	RULES_REF_ANY,		/* any */
	RULES_REF_NAME,		/* NAME or DOMAIN.NET */
	RULES_REF_ADDR,		/* lo..hi: one address, prefix or range */
	RULES_REF_PORT,		/* port_lo..port_hi */
	RULES_REF_OPAQUE,	/* a $variable in a file read only to format */
};

struct rules_iface;
struct ranges;
struct space;
struct vec;

struct rules_ref {
	struct rules_node node;		/* name: of a NAME */
	struct rules_text text;
	uint8_t		kind;		/* enum rules_ref_kind */
	bool		not;		/* everything but this */
	uint8_t		prefix_len;	/* ADDR written as prefix or address */
	bool		range;		/* ADDR written as lo-hi */
	bool		link;		/* ADDR with the length of its link */
	struct vfr_addr	lo, hi;
	uint16_t	port_lo, port_hi;
	/* check */
	struct rules_node *target;	/* NULL: the name is not known */
	struct rules_iface *iface;	/* of DOMAIN.NET */
};

/* One protocol with its ports, or the name of a service. */
struct rules_match {
	struct rules_node node;		/* name: of a service, else "" */
	struct rules_text text;
	int16_t		proto;		/* IP protocol number; RULES_PROTO_* */
	struct rules_ref *ports;	/* NULL: all; PORT or NAME of a set */
	bool		bare;		/* format only: ports, or of an OPAQUE
					   the words behind it, as written */
	bool		braced;		/* the first of a list in braces */
	int16_t		icmp_type;	/* ICMPv4, -1: any */
	int16_t		icmp6_type;	/* ICMPv6 */
	int16_t		icmp_code;	/* -1: any */
	const char	*icmp_text;	/* as written, "" if any */
	/* check */
	struct rules_service *service;
};
#define RULES_PROTO_ANY		(-1)
#define RULES_PROTO_SERVICE	(-2)
#define RULES_PROTO_ICMP_BOTH	(-3)	/* `icmp`: ICMPv4 and ICMPv6 */
#define RULES_PROTO_OPAQUE	(-4)	/* format only: text, with a $variable */

/* --- nic, net, domain --- */

/* nic NAME [device NAME] [vlan N on NIC] [address A/N] [gateway A] ... */
struct rules_nic {
	struct rules_node node;
	struct rules_text device;	/* "" = nic0, nic1 ... in order */
	struct rules_text parent;	/* vlan N on PARENT */
	bool		device_quoted;
	struct rules_text vlan_text;
	uint16_t	vlan;		/* 0: untagged */
	struct rules_ref *addresses;	/* with the prefix of their link */
	struct rules_ref *gateways;
	struct rules_text mac_text;
	uint8_t		mac[6];		/* 0: the device's own */
	uint32_t	mtu;		/* bytes of IP, 0: the device's */
	struct rules_text mtu_text;
	struct rules_text rate_text;
	uint64_t	rate_bps;	/* bits a second, 0: any */
	bool		no_ping;
	/* check */
	struct rules_nic *parent_nic;
	const char	*device_name;
	uint16_t	port;		/* VFR port index */
};

/* net NAME [PREFIX...] [bridged on NIC] [address GATEWAY...] ... */
struct rules_net {
	struct rules_node node;
	struct rules_ref *prefixes;
	struct rules_ref *gateways;	/* as written, may be NULL */
	struct rules_text bridge;	/* NIC of a bridged net */
	struct rules_text mac_text;
	uint8_t		mac[6];		/* routed: the gateway's; set by check */
	uint32_t	mtu;
	struct rules_text mtu_text;
	bool		no_ping;
	/* check */
	struct rules_nic *nic;		/* bridged: its NIC */
	struct vfr_addr	gateway4, gateway6;	/* 0: none */
	uint16_t	index;
};

/* One interface of a domain: a port of the VFR. */
struct rules_iface {
	struct rules_node node;		/* name: the net's, as written */
	struct rules_domain *domain;
	bool		in_block;	/* written as a setting */
	struct rules_ref *addresses;	/* ADDR of one address, or ANY */
	struct rules_ref *routes;	/* prefixes behind the domain */
	struct rules_text mac_text;
	uint8_t		mac[6];		/* set by check where not given */
	struct rules_text rate_text;
	uint64_t	rate_bps;
	/* check */
	struct rules_net *net;
	const char	*port_name;	/* "web", or "web.dmz" of several */
	uint16_t	port;		/* VFR port index */
};

struct rules_disk {
	struct rules_node node;		/* name: xvda */
	const char	*source;	/* "gpt:NAME", "module:NAME" ... */
	bool		read_only;
};

enum rules_on_crash {
	RULES_CRASH_DESTROY, RULES_CRASH_RESTART, RULES_CRASH_PRESERVE,
};

/*
 * One `key value` of a block, in order of the text: what fmt prints.  Its
 * meaning is in the fields of struct rules_domain.
 */
struct rules_setting {
	struct rules_node node;		/* name: the key */
	struct rules_text value[4];
	uint8_t		nr_values;
	bool		quoted;		/* the last but a disk's mode */
	struct rules_iface *iface;	/* key `on` */
	struct rules_ref *list;		/* key `after`: names of domains */
};

struct rules_domain {
	struct rules_node node;
	struct rules_iface *ifaces;
	struct rules_setting *settings;	/* NULL: no block, names a host only */
	struct rules_comment *tail;	/* comments before the closing brace */
	bool		has_block;

	/* "" if not given; paths as rules_host.read() gets them */
	const char	*kernel, *ramdisk, *cmdline;
	uint64_t	memory_bytes;	/* 0 if not given */
	uint32_t	vcpus;		/* default 1 */
	uint32_t	weight;		/* default 256, 1 to 65535 */
	uint64_t	warp_ns;	/* how far it may run ahead, 0: no warp */
	uint64_t	warp_limit_ns;	/* longest time warped, 0: no limit */
	uint64_t	unwarp_ns;	/* least time between warps */
	uint64_t	rate_bps;	/* each interface without its own */
	struct rules_disk *disks;
	uint8_t		on_crash;	/* enum rules_on_crash */
	bool		autostart;	/* default true */
	struct rules_ref *after;	/* started once these run; targets by check */
	uint64_t	delay_ns;	/* waited after those */
	/* check */
	uint8_t		mark;		/* the checker's */
};

/* --- set, service, let, include, route --- */

struct rules_set {
	struct rules_node node;
	struct rules_ref *members;
	struct rules_comment *tail;
	/* check */
	uint8_t		mark;		/* the checker's */
	bool		has_ports;	/* holds ports, not addresses */
	const struct ranges *ranges;	/* the library's own ... */
	const struct vec *ports;	/* ... likewise */
	uint8_t		height;		/* sets within sets */
	bool		unresolved;	/* a name in it is not known */
};

struct rules_service {
	struct rules_node node;
	struct rules_match *members;
	struct rules_comment *tail;
	uint8_t		mark;		/* the checker's */
	uint8_t		height;
	uint8_t		classes;	/* of protocols: the checker's */
	bool		unresolved;
};

struct rules_let {
	struct rules_node node;
	struct rules_text value;
	bool		quoted;		/* written as "string" */
};

struct rules_include {
	struct rules_node node;
	const char	*path;		/* as written */
	bool		quoted;
};

/* route default|PREFIX [from PREFIX|NET] via ADDRESS [on NIC] */
struct rules_route {
	struct rules_node node;
	struct rules_ref *dst;		/* ANY: default */
	struct rules_ref *src;		/* NULL: from anywhere */
	struct rules_ref *via;		/* NULL: on the link itself */
	struct rules_ref *on;		/* NULL: found by via */
	/* check */
	uint16_t	port;
};

/* --- rules --- */

enum rules_action { RULES_ALLOW, RULES_DENY, RULES_REJECT };
enum rules_frag {
	RULES_FRAG_NONE, RULES_FRAG_ANY, RULES_FRAG_LATER, RULES_FRAG_NOT,
};

/* allow|deny|reject WHAT [on|in|out PORTS] [from..] [to ..] options */
struct rules_rule {
	struct rules_node node;
	uint8_t		action;		/* enum rules_action */
	struct rules_match *what;
	struct rules_ref *on, *in, *out;	/* NULL: any port */
	struct rules_ref *from, *to;	/* NULL: any */
	struct rules_ref *from_ports;	/* NULL: any source port */
	bool		stateless;
	uint8_t		frag;		/* enum rules_frag */
	uint8_t		tcp_flags, tcp_mask;	/* mask 0: any */
	struct rules_text flags_text;
	struct rules_text limit_text;	/* N/UNIT */
	uint32_t	limit;		/* events in limit_period_ms, 0: none */
	uint32_t	limit_period_ms;
	uint32_t	limit_burst;	/* 0: as limit */
	struct rules_text burst_text;
	bool		per_source;
	bool		log;
	const char	*label;		/* of the log, "" if none */
	const char	*comment;	/* "" if none */
	bool		label_quoted, comment_quoted;
	/* check */
	bool		unresolved;	/* matches nothing: a name is not known */
	const struct space *space;	/* the library's own; NULL: nothing */
	uint64_t	id;		/* stable: from the canonical text */
	const char	*canonical;	/* the rule as fmt writes it */
};

enum rules_nat_kind {
	RULES_MASQUERADE,	/* masquerade FROM out NIC */
	RULES_REDIRECT,		/* redirect on NIC WHAT [at ADDR] to TO [PROTO PORT] */
	RULES_STATIC,		/* static INSIDE as OUTSIDE on NIC */
};

struct rules_nat {
	struct rules_node node;
	uint8_t		nat;		/* enum rules_nat_kind */
	struct rules_ref *nic;
	struct rules_ref *from;		/* masquerade; static: inside */
	struct rules_match *what;	/* redirect */
	struct rules_ref *at;		/* redirect; static: outside */
	struct rules_ref *to;		/* redirect */
	struct rules_match *to_port;	/* redirect: protocol, new first port */
	const char	*comment;
	bool		comment_quoted;
	/* check */
	uint64_t	id;
	const char	*canonical;
};

/* --- expect --- */

enum rules_step_kind {
	RULES_STEP_PACKET,	/* packet */
	RULES_STEP_REPLY,	/* the last packet turned round, as the
				   receiver would answer it */
	RULES_STEP_AGAIN,	/* the last PACKET once more */
	RULES_STEP_WAIT,	/* virtual time passes */
};

/* HOST[:PORT] of a packet in words. */
struct rules_endpoint {
	struct rules_text text;
	struct rules_ref *host;		/* ADDR or NAME; NULL: absent */
	bool		has_port;
	uint16_t	port;
	/* check */
	struct vfr_addr	addr;
};

/* A packet in words: PROTO [TYPE] FROM -> TO [options]. */
struct rules_packet {
	struct rules_pos pos;
	struct rules_text proto_text;
	int16_t		proto;		/* IP protocol; check: never _BOTH */
	struct rules_endpoint src, dst;
	int16_t		icmp_type, icmp6_type, icmp_code;	/* -1: none */
	const char	*icmp_text;
	struct rules_ref *on;		/* ingress as written, or NULL */
	bool		has_flags;
	uint8_t		tcp_flags;	/* default: SYN */
	struct rules_text flags_text;
	uint32_t	size;		/* payload bytes after the last header */
	struct rules_text size_text;
	uint8_t		ttl;		/* default 64 */
	struct rules_text ttl_text;
	bool		has_frag, more_frags;
	uint16_t	frag_offset;	/* bytes, multiple of 8 */
	struct rules_text frag_text;
	/* check; icmp_type is then that of the family */
	uint16_t	port;		/* VFR port index it comes in by */
};

struct rules_step {
	struct rules_node node;
	uint8_t		step;		/* enum rules_step_kind */
	uint8_t		want;		/* enum rules_action */
	struct rules_packet packet;	/* PACKET; else only the options */
	uint32_t	repeat;		/* times, at least 1 */
	struct rules_text repeat_text;
	uint64_t	wait_ns;	/* WAIT */
	struct rules_text wait_text;
	struct rules_ref *out;		/* must leave by this port, or NULL */
	bool		has_as;		/* must leave as as_src -> as_dst */
	struct rules_endpoint as_src, as_dst;
	/* check */
	uint16_t	out_port;	/* VFR port index, RULES_PORT_ANY */
	uint8_t		family;		/* 4, 6: of the two lists of steps that
					   it stands in; 0: there is but one */
};

/* Each list of steps starts with no tracked flows; its steps share them. */
struct rules_expect {
	struct rules_node node;
	const char	*title;		/* of `expect sequence "title"`, or "" */
	bool		title_quoted;
	bool		braced;
	struct rules_step *steps;
	struct rules_comment *tail;
	/* check */
	struct rules_step *steps6;	/* the same by IPv6, where both ends of
					   a packet have both families; steps
					   are then by IPv4.  Else NULL. */
	bool		unresolved;	/* cannot be run, was reported */
};

#endif
