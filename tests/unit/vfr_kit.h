/*
 * vfr_kit.h: a small world around a VFR for its tests.
 *
 *   wan (NIC, 203.0.113.2/24, gateway .1)      lan (NIC, 192.168.1.1/24)
 *                    \                          /    \ bridged net "lan"
 *                     VFR ---------------------+      `-- br 192.168.1.50
 *                    /    \ routed net dmz 10.1.0.1/24, fd00:1::1/64
 *          web 10.1.0.10   db 10.1.0.20          (NICs speak IPv6, too)
 *
 * The LAN has more prefixes, the bridged net's: 198.51.100.0/24 and
 * 2001:db8:51::/64.
 *
 * Packets are built by the tests, byte by byte; what the VFR sends is kept for
 * them to look at.  kit_free() checks that no packet leaked and that every
 * packet is accounted for.
 */
#ifndef VFR_KIT_H
#define VFR_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vfr/vfr.h>

enum { WAN, LAN, WEB, DB, BR, NR_KIT_PORTS };	/* VFR port = ruleset index */

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define KIT_CAUGHT	256
#define KIT_FRAME	2048

struct frame {			/* bytes as on the wire */
	uint8_t		b[70000];
	uint32_t	len;
};

struct caught {
	int		port;
	uint32_t	len;
	uint8_t		csum, gso;
	uint16_t	gso_size, csum_start;
	uint8_t		b[KIT_FRAME];	/* the first bytes */
};

struct kit_rule {
	uint8_t		action;
	const char	*src, *dst;	/* "10.1.0.0/24", NULL = any */
	uint8_t		proto;		/* 0 = any */
	uint16_t	dport_lo, dport_hi;	/* 0, 0 = any */
	uint8_t		flags;
	int		in, out;	/* port + 1, 0 = any */
	uint32_t	limit, limit_period_ms;
	uint64_t	id;		/* 0 = index + 1 */
	uint16_t	sport;		/* or ICMP type; 0 = any */
	uint8_t		frag;		/* VFR_FRAG_* that must be set */
};

struct kit_nat {
	uint8_t		kind;
	const char	*match, *to;
	uint8_t		proto;
	uint16_t	lo, hi, to_lo;
	int		port;
};

struct kit {
	struct vfr	*v;
	void		*mem, *kept;
	size_t		mem_size;
	uint64_t	kept_now;
	uint64_t	now;
	struct caught	*caught;
	int		nr_caught;
	long		packets_out;	/* handed to the VFR, not yet released */
	int		refuse_port;	/* this port takes nothing; -1 = none */
	bool		no_partial;	/* ports complete checksums themselves */
	void		*blobs[64];
	int		nr_blobs;
	struct vfr_trace trace;
};

extern bool kit_br_any;	/* br is bound to any address */
extern bool kit_br_any6; /* to its own of IPv4, and any of IPv6 */
extern uint64_t kit_wan_rate_bps; /* 0 = any */
extern bool kit_swap;	/* web and db have each other's place among the ports */
extern bool kit_lan_on_wan; /* lan is 203.0.113.3/24: on wan's link, too */
extern const struct vfr_rs_route *kit_routes;
extern uint32_t kit_nr_routes;

/* With a ruleset that allows all, and the neighbours 203.0.113.1 and
   192.168.1.9 known. */
struct kit *kit_new(const struct vfr_limits *lim);
struct kit *kit_empty(const struct vfr_limits *lim);	/* no ruleset yet */
void kit_free(struct kit *k);
void kit_account(struct kit *k);
/* A VFR is one piece of memory: keep it as it is now, and go back to that.
   No packet may be held then.  rewind first checks for leaks like free. */
void kit_keep(struct kit *k);
void kit_rewind(struct kit *k);

extern const struct kit_rule allow_all[1];

/* The classifier of some rules, for a blob; the caller frees it. */
void *kit_classifier(const struct kit_rule *rules, int n, size_t *len);
/* Build a ruleset of this world and load it. */
void *kit_blob(const struct kit_rule *rules, int nr_rules,
	       const struct kit_nat *nats, int nr_nats, size_t *len);
int kit_load(struct kit *k, const struct kit_rule *rules, int nr_rules,
	     const struct kit_nat *nats, int nr_nats, unsigned int flags);
#define KIT_LOAD(k, rules) \
	assert_int_equal(kit_load(k, rules, ARRAY_LEN(rules), NULL, 0, 0), 0)

/* Send a frame into a port; cut: into pieces of that many bytes, 0 = one. */
struct vfr_packet *kit_packet(struct kit *k, const struct frame *f,
			      uint32_t cut);
void kit_rx(struct kit *k, int port, const struct frame *f);
void kit_rx_csum(struct kit *k, int port, const struct frame *f, int csum,
		 int gso, int gso_size);
/* Time goes on, with ticks. */
void kit_wait(struct kit *k, double seconds);
/* Forget what was caught. */
void kit_clear(struct kit *k);
/* The only frame caught since the last clear, on this port; fails if not. */
const struct caught *kit_one(struct kit *k, int port);
uint64_t kit_drops(struct kit *k, int port, int reason);
const char *kit_last_reason(struct kit *k);	/* of the trace */
int kit_step(struct kit *k, int step);		/* its index, -1 if not there */

/* --- vfr_frame.c: building frames --- */

extern const uint8_t kit_mac[NR_KIT_PORTS][6];	/* of the station there */
extern const uint8_t kit_gw_mac[NR_KIT_PORTS][6];	/* of the VFR there */

struct vfr_addr kit_addr(const char *text);
struct vfr_prefix kit_prefix(const char *text);

/* Ethernet and IP from a station at `port` to the VFR's MAC. */
void frame_ip(struct frame *f, int port, const char *src, const char *dst,
	      uint8_t proto, uint32_t payload);
uint8_t *frame_l4(struct frame *f);
void frame_udp(struct frame *f, int port, const char *src, int sport,
	       const char *dst, int dport, uint32_t payload);
struct tcp_spec {
	uint8_t		flags;
	uint32_t	seq, ack;
	uint16_t	win;
	uint32_t	payload;
};
void frame_tcp(struct frame *f, int port, const char *src, int sport,
	       const char *dst, int dport, const struct tcp_spec *t);
void frame_echo(struct frame *f, int port, const char *src, const char *dst,
		uint8_t type, uint16_t id, uint32_t payload);
/* An ICMP error that quotes n bytes of a packet, from its IP header on. */
void frame_error(struct frame *f, int port, const char *src, const char *dst,
		 uint8_t type, uint8_t code, const void *quote, uint32_t n);
void frame_arp(struct frame *f, int port, uint16_t op, const uint8_t *sha,
	       const char *spa, const char *tpa);
/* Types of NDP: RFC 4861, 4. */
enum { RS = 133, RA = 134, NS = 135, NA = 136, REDIRECT = 137 };
/* An NDP message with one option, the sender's MAC; to the VFR's MAC. */
void frame_nd(struct frame *f, int port, uint8_t type, const char *src,
	      const char *dst, const char *target, const uint8_t *mac);
/* IPv4 fragment of f: bytes [from, to) of its IP payload. */
void frame_fragment(struct frame *out, const struct frame *f, uint16_t id,
		    uint32_t from, uint32_t to, bool more);
/* Recompute all checksums after a change. */
void frame_sums(struct frame *f);

/* Do all checksums of a complete frame hold? */
bool sums_ok(const uint8_t *b, uint32_t len);
/* The ones' complement sum of n bytes, and of sum before them. */
uint32_t add_sum(uint32_t sum, const uint8_t *p, uint32_t n);
uint16_t be16(const uint8_t *p);
uint32_t be32(const uint8_t *p);
void w16(uint8_t *p, uint16_t x);
void w32(uint8_t *p, uint32_t x);

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

/* Of each kind, at WAN; and a kit with these. */
#define NR_NAT_KINDS 4
extern const struct kit_nat nat_kinds[NR_NAT_KINDS];
struct kit *nat_kit(void);
/* The IPv4 address at b is this one. */
void addr_is(const uint8_t *b, const char *text);

#endif
