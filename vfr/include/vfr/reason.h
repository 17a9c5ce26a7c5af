/*
 * vfr/reason.h: why a packet was dropped.  One list for counters, logs,
 * captures and explain: X(NAME, "word", "sentence").
 */
#ifndef VFR_REASON_H
#define VFR_REASON_H

#define VFR_REASONS(X)							\
	X(NONE,		"none",		"not dropped")			\
	X(NO_RULESET,	"no_ruleset",	"no ruleset is loaded")		\
	X(NO_PORT,	"no_port",	"the ruleset does not name the port") \
	X(MALFORMED,	"malformed",	"a header is cut short or wrong") \
	X(UNSUPPORTED,	"unsupported",	"a protocol the VFR does not forward") \
	X(HEADERS,	"headers",	"the headers are too long to judge") \
	X(SPOOF,	"spoof",	"the source is not bound to the port") \
	X(MARTIAN,	"martian",	"an address that cannot be on the wire") \
	X(NOT_FOR_US,	"not_for_us",	"addressed to another station")	\
	X(TTL,		"ttl",		"the hop limit ran out")	\
	X(MTU,		"mtu",		"too big for the way out")	\
	X(NO_ROUTE,	"no_route",	"no route to the destination")	\
	X(NO_NEIGHBOUR,	"no_neighbour",	"the next hop does not answer")	\
	X(RULE,		"rule",		"a rule denies it")		\
	X(DEFAULT_DENY,	"default_deny",	"no rule allows it")		\
	X(LIMIT,	"limit",	"above the rule's limit")	\
	X(STATE,	"state",	"does not fit its connection")	\
	X(FLOW_LIMIT,	"flow_limit",	"no room for a new flow")	\
	X(NAT,		"nat",		"no translation could be made")	\
	X(FRAG_OVERLAP,	"frag_overlap",	"fragments overlap or are too small") \
	X(FRAG_LIMIT,	"frag_limit",	"too many fragments, or one came late") \
	X(LOCAL,	"local",	"the VFR itself has no such service") \
	X(PORT_RATE,	"port_rate",	"above the rate of the nic")	\
	X(RATE,		"rate",		"the VFR answers no more of these now") \
	X(QUEUE_FULL,	"queue_full",	"the egress port took no more")	\
	X(PORT_DOWN,	"port_down",	"the egress port is not attached") \
	X(NO_BUFFER,	"no_buffer",	"the VFR's own packets are used up")	\
	X(LINK_DOWN,	"link_down",	"the egress port has no link")

#define VFR_REASON_ENUM(name, word, text) VFR_DROP_##name,
enum vfr_reason { VFR_REASONS(VFR_REASON_ENUM) VFR_NR_REASONS };
#undef VFR_REASON_ENUM

const char *vfr_reason_word(unsigned int reason);	/* "" if unknown */
const char *vfr_reason_text(unsigned int reason);

#endif
