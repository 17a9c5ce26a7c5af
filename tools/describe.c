/*
 * describe.c: names, addresses, packets, rules and outcomes as text and JSON.
 */
#include "describe.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rules/rules.h>

static const struct {
	uint8_t		 proto;
	const char	*name;
	bool		 ports;
	bool		 icmp;		/* sport, dport are type and code */
} protos[] = {
	{ IPPROTO_TCP,		"tcp",		true,	false },
	{ IPPROTO_UDP,		"udp",		true,	false },
	{ IPPROTO_SCTP,		"sctp",		true,	false },
	{ IPPROTO_ICMP,		"icmp4",	false,	true },
	{ IPPROTO_ICMPV6,	"icmp6",	false,	true },
};
#define NR_PROTOS (sizeof(protos) / sizeof(protos[0]))

static size_t find_proto(uint8_t proto)
{
	size_t i = 0;

	while (i < NR_PROTOS && protos[i].proto != proto)
		i++;
	return i;
}

static const char *proto_name(uint8_t proto, char room[16])
{
	size_t i = find_proto(proto);

	if (i < NR_PROTOS)
		return protos[i].name;
	snprintf(room, 16, "proto %u", proto);
	return room;
}

#define C1_LEAD	0xc2	/* of the controls U+0080 to U+009f */

void text_clean(char *s)
{
	json_t *valid = json_string(s);

	for (; *s; s++) {
		unsigned char c = (unsigned char)s[0], next = (unsigned char)s[1];

		if (c < ' ' || c == 0x7f || (!valid && c & 0x80))
			s[0] = '?';
		else if (c == C1_LEAD && next < 0xa0)
			s[0] = s[1] = '?';
	}
	json_decref(valid);
}

json_t *json_words(const char *text)
{
	json_t *j = json_string(text);
	struct text plain;
	size_t i;

	if (j)
		return j;
	snprintf(plain.s, sizeof(plain.s), "%s", text);
	for (i = 0; plain.s[i]; i++)
		if (plain.s[i] & 0x80)
			plain.s[i] = '?';
	return json_string(plain.s);
}

void packet_words_of_step(const struct vfr_trace_step *s,
			  struct packet_words *w)
{
	*w = (struct packet_words){
		.proto = s->proto, .src = s->src, .dst = s->dst,
		.sport = s->sport, .dport = s->dport, .known = true,
		.shows_ports = true,
	};
}

void packet_words_of_frame(const uint8_t *frame, size_t len,
			   struct packet_words *w)
{
	struct frame_peek p;

	frame_peek(frame, len, &p);
	if (p.has_icmp) {
		p.sport = p.icmp_type;
		p.dport = p.icmp_code;
	}
	*w = (struct packet_words){
		.proto = p.proto, .src = p.src, .dst = p.dst,
		.sport = p.sport, .dport = p.dport,
		.arp = p.arp, .known = p.has_addrs, .ethertype = p.ethertype,
		.shows_ports = p.has_ports || p.has_icmp,
		.tcp_flags = p.tcp_flags,
	};
}

const char *describe_addr(struct text *t, const struct vfr_addr *a)
{
	if (vfr_addr_is_v4(a))
		inet_ntop(AF_INET, a->b + 12, t->s, sizeof(t->s));
	else
		inet_ntop(AF_INET6, a->b, t->s, sizeof(t->s));
	return t->s;
}

const char *describe_mac(struct text *t, const uint8_t mac[6])
{
	snprintf(t->s, sizeof(t->s), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
	return t->s;
}

const char *describe_prefix(struct text *t, const struct vfr_prefix *p)
{
	bool v4 = vfr_addr_is_v4(&p->addr) && p->len >= VFR_V4_BITS;
	struct text addr;

	describe_addr(&addr, &p->addr);
	snprintf(t->s, sizeof(t->s), "%.64s/%u", addr.s,
		 v4 ? p->len - VFR_V4_BITS : p->len);
	return t->s;
}

/* ADDRESS:PORT, with brackets round IPv6; ports where the protocol has them */
static void describe_end(struct text *t, const struct vfr_addr *a,
			 bool with_port, uint16_t port)
{
	struct text addr;

	describe_addr(&addr, a);
	if (!with_port)
		*t = addr;
	else
		snprintf(t->s, sizeof(t->s), vfr_addr_is_v4(a) ? "%.64s:%u" :
			 "[%.64s]:%u", addr.s, port);
}

/* In the letters of the language: bit 0 is F. */
static void append_flags(struct text *t, uint8_t flags)
{
	static const char letters[] = "FSRPAUEW";
	size_t len = strlen(t->s);
	unsigned int bit;

	if (!flags)
		return;
	len += snprintf(t->s + len, sizeof(t->s) - len, " flags ");
	for (bit = 0; letters[bit]; bit++)
		if (flags & 1u << bit)
			t->s[len++] = letters[bit];
	t->s[len] = '\0';
}

/* " echo-request", " unreachable/13", " 42": as the language has it */
static void describe_icmp(char *to, size_t room, const struct packet_words *w)
{
	const char *name = rules_icmp_name(w->proto, w->sport, w->dport);
	bool with_code = w->dport &&
		name == rules_icmp_name(w->proto, w->sport, -1);
	int len = name ? snprintf(to, room, " %s", name) :
		snprintf(to, room, " %u", w->sport);

	if (with_code)
		snprintf(to + len, room - len, "/%u", w->dport);
}

const char *describe_packet(struct text *t, const struct packet_words *w)
{
	size_t i = find_proto(w->proto);
	bool shows = i < NR_PROTOS && w->shows_ports && !w->arp;
	bool ports = shows && protos[i].ports;
	bool icmp = shows && protos[i].icmp;
	struct text src, dst;
	char room[16], type[32] = "";

	if (!w->known) {
		snprintf(t->s, sizeof(t->s), "ethertype 0x%04x", w->ethertype);
		return t->s;
	}
	describe_end(&src, &w->src, ports, w->sport);
	describe_end(&dst, &w->dst, ports, w->dport);
	if (icmp)
		describe_icmp(type, sizeof(type), w);
	snprintf(t->s, sizeof(t->s), "%s%s %.64s -> %.64s",
		 w->arp ? "arp" : proto_name(w->proto, room), type, src.s,
		 dst.s);
	append_flags(t, w->tcp_flags);
	return t->s;
}

json_t *json_packet(const struct packet_words *w)
{
	size_t i = find_proto(w->proto);
	struct text t;
	char room[16];
	json_t *o;

	if (!w->known)
		return json_pack("{s:i}", "ethertype", w->ethertype);
	o = json_object();
	json_object_set_new(o, "protocol", json_string(
		w->arp ? "arp" : proto_name(w->proto, room)));
	json_object_set_new(o, "source",
			    json_string(describe_addr(&t, &w->src)));
	json_object_set_new(o, "destination",
			    json_string(describe_addr(&t, &w->dst)));
	if (i < NR_PROTOS && w->shows_ports && !w->arp) {
		json_object_set_new(o, protos[i].icmp ? "icmp_type" :
				    "source_port", json_integer(w->sport));
		json_object_set_new(o, protos[i].icmp ? "icmp_code" :
				    "destination_port",
				    json_integer(w->dport));
	}
	return o;
}

const char *rs_port_name(const struct vfr_ruleset *rs, uint32_t rs_port)
{
	if (rs_port >= rs->p.nr_ports)
		return "?";
	return vfr_ruleset_text(rs, rs->p.ports[rs_port].name);
}

const char *lab_out_name(const struct lab *l, const struct lab_out *o)
{
	return rs_port_name(vfr_loaded(l->v),
			    lab_rs_port(l, o->port, o->data, o->len));
}

const char *describe_rule(struct text *t, const struct vfr_ruleset *rs,
			  uint32_t rule)
{
	const struct vfr_rs_rule *r;

	if (rule >= rs->p.nr_rules)
		return "the default, which denies";
	r = &rs->p.rules[rule];
	snprintf(t->s, sizeof(t->s), "%s:%u %s", vfr_ruleset_text(rs, r->file),
		 r->line, vfr_ruleset_text(rs, r->text));
	return t->s;
}

json_t *json_rule(const struct vfr_ruleset *rs, uint32_t rule)
{
	const struct vfr_rs_rule *r;

	if (rule >= rs->p.nr_rules)
		return json_null();
	r = &rs->p.rules[rule];
	return json_pack("{s:o, s:i, s:o, s:o, s:o}",
			 "file", json_words(vfr_ruleset_text(rs, r->file)),
			 "line", (int)r->line,
			 "text", json_words(vfr_ruleset_text(rs, r->text)),
			 "label", json_words(vfr_ruleset_text(rs, r->label)),
			 "comment",
			 json_words(vfr_ruleset_text(rs, r->comment)));
}

static const char *const nat_words[] = {
	[VFR_NAT_MASQUERADE]	= "masquerade",
	[VFR_NAT_REDIRECT]	= "redirect",
	[VFR_NAT_STATIC]	= "static",
};

json_t *json_nat(const struct vfr_ruleset *rs, uint32_t nat)
{
	const struct vfr_rs_nat *n;

	if (nat >= rs->p.nr_nats)
		return json_null();
	n = &rs->p.nats[nat];
	return json_pack("{s:s, s:o, s:i}", "kind", nat_words[n->kind],
			 "file", json_words(vfr_ruleset_text(rs, n->file)),
			 "line", (int)n->line);
}

static bool rejected(const struct lab *l)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);

	return l->reason == VFR_DROP_RULE && l->rule < rs->p.nr_rules &&
	       rs->p.rules[l->rule].action == VFR_REJECT;
}

const char *lab_outcome(const struct lab *l)
{
	switch (l->verdict) {
	case LAB_PASSED:
	case LAB_LOCAL:
		return "allow";
	case LAB_HELD:
		return "hold";
	default:
		return rejected(l) ? "reject" : "deny";
	}
}

/* Append at *len; what does not fit any more is left out. */
static void __attribute__((format(printf, 3, 4)))
append(struct text *t, size_t *len, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->s + *len, sizeof(t->s) - *len, fmt, ap);
	va_end(ap);
	if (n > 0)
		*len += n;
	if (*len >= sizeof(t->s))
		*len = sizeof(t->s) - 1;
}

const char *describe_outcome(struct text *t, const struct lab *l)
{
	const struct vfr_ruleset *rs = vfr_loaded(l->v);
	const struct lab_out *o = lab_sent(l);
	size_t len = 0;

	t->s[0] = '\0';
	append(t, &len, "%s", lab_outcome(l));
	if (l->rule < rs->p.nr_rules)
		append(t, &len, " by %.200s:%u `%.500s`",
		       vfr_ruleset_text(rs, rs->p.rules[l->rule].file),
		       rs->p.rules[l->rule].line,
		       vfr_ruleset_text(rs, rs->p.rules[l->rule].text));
	if (l->verdict == LAB_LOCAL)
		append(t, &len, ", to the VFR itself");
	else if (l->verdict == LAB_HELD)
		append(t, &len, ", until more of its datagram comes");
	else if (l->verdict != LAB_DROPPED && o)
		append(t, &len, ", out %s", lab_out_name(l, o));
	else if (l->verdict == LAB_DROPPED &&
		 (l->reason != VFR_DROP_RULE || l->rule == VFR_NONE32))
		append(t, &len, " (%s: %s)", vfr_reason_word(l->reason),
		       vfr_reason_text(l->reason));
	return t->s;
}

json_t *json_outcome(const struct lab *l)
{
	const struct lab_out *o = lab_sent(l);
	struct packet_words w;
	json_t *j = json_object();

	json_object_set_new(j, "verdict", json_string(lab_outcome(l)));
	json_object_set_new(j, "reason", l->verdict == LAB_DROPPED ?
			    json_string(vfr_reason_word(l->reason)) :
			    json_null());
	json_object_set_new(j, "rule", json_rule(vfr_loaded(l->v), l->rule));
	json_object_set_new(j, "local", json_boolean(l->verdict == LAB_LOCAL));
	json_object_set_new(j, "out", o ?
			    json_string(lab_out_name(l, o)) :
			    json_null());
	if (o)
		packet_words_of_frame(o->data, o->len, &w);
	json_object_set_new(j, "sent", o ? json_packet(&w) : json_null());
	return j;
}

void print_json(json_t *doc, size_t flags)
{
	json_dumpf(doc, stdout, flags | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(doc);
}
