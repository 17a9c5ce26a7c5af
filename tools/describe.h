/*
 * describe.h: what the VFR decided, in words for people and in JSON.
 *
 * One place for both, so that text, JSON, captures and tests call a thing by
 * the same name.  JSON functions return a new reference.
 */
#ifndef TOOLS_DESCRIBE_H
#define TOOLS_DESCRIBE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lab.h"

#define DESCRIBE_MAX 1024	/* bytes of any text made here */

struct text {
	char s[DESCRIBE_MAX];
};

/*
 * Somebody else's words for a terminal: controls, which could play with it, and
 * what is no UTF-8 become question marks.
 */
void text_clean(char *s);

/* Who speaks to whom: sport and dport are type and code for ICMP. */
struct packet_words {
	uint8_t		proto;
	struct vfr_addr	src, dst;
	uint16_t	sport, dport;
	bool		arp;
	bool		known;		/* false: no addresses in the frame */
	bool		shows_ports;	/* or type; no later fragment */
	uint8_t		tcp_flags;	/* 0: not known */
	uint16_t	ethertype;
};

void packet_words_of_step(const struct vfr_trace_step *s,
			  struct packet_words *w);
void packet_words_of_frame(const uint8_t *frame, size_t len,
			   struct packet_words *w);

/* "tcp 198.51.100.7:40000 -> 10.1.0.10:80 flags S" */
const char *describe_packet(struct text *t, const struct packet_words *w);
json_t *json_packet(const struct packet_words *w);

const char *describe_addr(struct text *t, const struct vfr_addr *a);
const char *describe_mac(struct text *t, const uint8_t mac[6]);
const char *describe_prefix(struct text *t, const struct vfr_prefix *p);

/* Name of a port of the ruleset, or of the one a frame left by; "?" if there
 * is none. */
const char *rs_port_name(const struct vfr_ruleset *rs, uint32_t rs_port);
const char *lab_out_name(const struct lab *l, const struct lab_out *o);

/* A rule: where it was written, and the rule itself.  Index VFR_NONE32 is the
 * default, which denies. */
const char *describe_rule(struct text *t, const struct vfr_ruleset *rs,
			  uint32_t rule);
/* {"file", "line", "text", "label", "comment"}, or null for the default */
json_t *json_rule(const struct vfr_ruleset *rs, uint32_t rule);

/* {"file", "line", "text"} */
json_t *json_nat(const struct vfr_ruleset *rs, uint32_t nat);

/* "allow", "deny" or "reject": what became of the lab's last packet, in the
 * words of the language; "hold" while it waits. */
const char *lab_outcome(const struct lab *l);

/* "allow by web.vfr:27 `allow http from any to web`, out web",
 * "deny (spoof: the source is not bound to the port)" */
const char *describe_outcome(struct text *t, const struct lab *l);

/* {"verdict", "reason", "rule", "out", "sent"} of the last packet */
json_t *json_outcome(const struct lab *l);

/* A string, with '?' for what is no UTF-8: rule files are hostile. */
json_t *json_words(const char *text);

/* Print a JSON document on stdout, with a newline. */
void print_json(json_t *doc, size_t flags);

#endif
