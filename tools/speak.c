/*
 * speak.c: conversations through the lab.
 */
#include "speak.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TCP_ISN		1000	/* every end begins here; so traces repeat */
#define ICMP_ID		7	/* of all echo requests */
#define ICMP_ECHO4	8
#define ICMP_ECHO4_REPLY 0
#define ICMP_ECHO6	128
#define ICMP_ECHO6_REPLY 129

void speak_begin(struct speak *s, struct lab *lab)
{
	*s = (struct speak){ .lab = lab };
}

void speak_end(struct speak *s)
{
	free(s->sent);
	s->sent = NULL;
}

/* The end that sends from src to dst; the oldest is forgotten for a new one. */
static struct speak_half *end_of(struct speak *s, const struct vfr_addr *src,
				uint16_t sport, const struct vfr_addr *dst,
				uint16_t dport)
{
	struct speak_half *e;
	unsigned int i, nr = s->nr_ends < SPEAK_ENDS ? s->nr_ends : SPEAK_ENDS;

	for (i = 0; i < nr; i++) {
		e = &s->ends[i];
		if (e->sport == sport && e->dport == dport &&
		    vfr_addr_eq(&e->src, src) && vfr_addr_eq(&e->dst, dst))
			return e;
	}
	e = &s->ends[s->nr_ends++ % SPEAK_ENDS];
	*e = (struct speak_half){
		.src = *src, .dst = *dst, .sport = sport, .dport = dport,
		.snd_next = TCP_ISN,
	};
	return e;
}

/* Sequence numbers that a segment takes up. */
static uint32_t seq_len(uint8_t flags, uint32_t payload_len)
{
	return payload_len + !!(flags & TH_SYN) + !!(flags & TH_FIN);
}

/* What the receiver of a frame learns from it. */
static void hear(struct speak *s, const uint8_t *frame, size_t len)
{
	struct frame_peek p;
	struct speak_half *e;

	frame_peek(frame, len, &p);
	if (p.proto != IPPROTO_TCP || !p.has_ports || p.arp)
		return;
	e = end_of(s, &p.dst, p.dport, &p.src, p.sport);
	e->rcv_next = p.tcp_seq + seq_len(p.tcp_flags, p.payload_len);
}

/* Keep what arrived, for a reply to it. */
static int keep_sent(struct speak *s)
{
	const struct lab_out *o = lab_sent(s->lab);
	uint8_t *copy;

	free(s->sent);
	s->sent = NULL;
	s->sent_len = 0;
	if (!o)
		return 0;
	copy = malloc(o->len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, o->data, o->len);
	s->sent = copy;
	s->sent_len = o->len;
	s->sent_port = lab_rs_port(s->lab, o->port, o->data, o->len);
	hear(s, copy, o->len);
	return 0;
}

static int send_frame(struct speak *s, const struct frame_spec *spec,
		      unsigned int port)
{
	struct frame_spec f = *spec;
	struct speak_half *e = NULL;
	struct lab_link link;
	uint8_t *buf;
	int len;

	lab_link(s->lab, port, &f.src, &f.dst, &link);
	memcpy(f.src_mac, link.src_mac, 6);
	memcpy(f.dst_mac, link.dst_mac, 6);
	f.vlan = link.vlan;
	if (f.proto == IPPROTO_TCP && !f.frag_off) {
		e = end_of(s, &f.src, f.sport, &f.dst, f.dport);
		f.tcp_seq = f.tcp_flags & TH_SYN ? TCP_ISN : e->snd_next;
		f.tcp_ack = f.tcp_flags & TH_ACK ? e->rcv_next : 0;
	}

	buf = malloc(FRAME_MAX);
	if (!buf)
		return -ENOMEM;
	len = frame_build(&f, buf, FRAME_MAX);
	if (len > 0)
		lab_send(s->lab, port, buf, len, len);
	free(buf);
	if (len < 0)
		return len;
	if (e && s->lab->verdict == LAB_PASSED)
		e->snd_next = f.tcp_seq + seq_len(f.tcp_flags, f.payload_len);
	return keep_sent(s);
}

/* What the options of a packet in words say, over what spec has already. */
static void apply_options(struct frame_spec *spec,
			  const struct rules_packet *p)
{
	if (p->has_flags)
		spec->tcp_flags = p->tcp_flags;
	spec->payload_len = p->size;
	spec->ttl = p->ttl;
	spec->frag_off = p->frag_offset;
	spec->more_frags = p->more_frags;
}

int speak_packet(struct speak *s, const struct rules_packet *p)
{
	s->last = (struct frame_spec){
		.src = p->src.addr, .dst = p->dst.addr,
		.proto = p->proto,
		.sport = p->src.port, .dport = p->dst.port,
		.icmp_type = p->icmp_type < 0 ? 0 : p->icmp_type,
		.icmp_code = p->icmp_code < 0 ? 0 : p->icmp_code,
		.icmp_id = ICMP_ID,
		.tcp_flags = p->tcp_flags,
		.ip_id = 1,
	};
	apply_options(&s->last, p);
	s->last_port = p->port;
	s->has_last = true;
	return send_frame(s, &s->last, s->last_port);
}

/* What the receiver of s->sent would answer. */
static void turn_round(const struct speak *s, struct frame_spec *spec)
{
	struct frame_peek p;
	uint8_t type;

	frame_peek(s->sent, s->sent_len, &p);
	*spec = (struct frame_spec){
		.src = p.dst, .dst = p.src, .proto = p.proto,
		.sport = p.dport, .dport = p.sport,
		.tcp_flags = p.tcp_flags == TH_SYN ? TH_SYN | TH_ACK : TH_ACK,
		.icmp_id = ICMP_ID,
	};
	if (p.proto == IPPROTO_ICMP) {
		type = p.icmp_type;
		spec->icmp_type = type == ICMP_ECHO4 ? ICMP_ECHO4_REPLY :
			type == ICMP_ECHO4_REPLY ? ICMP_ECHO4 : type;
		spec->icmp_id = p.icmp_id;
	} else if (p.proto == IPPROTO_ICMPV6) {
		type = p.icmp_type;
		spec->icmp_type = type == ICMP_ECHO6 ? ICMP_ECHO6_REPLY :
			type == ICMP_ECHO6_REPLY ? ICMP_ECHO6 : type;
		spec->icmp_id = p.icmp_id;
	}
}

static int send_step(struct speak *s, const struct rules_step *step,
		     const char **why)
{
	struct frame_spec spec;

	switch (step->step) {
	case RULES_STEP_PACKET:
		return speak_packet(s, &step->packet);
	case RULES_STEP_REPLY:
		*why = "nothing arrived that could be answered";
		if (!s->sent || s->sent_port == VFR_NONE16)
			return -ENOENT;
		turn_round(s, &spec);
		apply_options(&spec, &step->packet);
		return send_frame(s, &spec, s->sent_port);
	default:
		*why = "there is no packet before it";
		if (!s->has_last)
			return -ENOENT;
		apply_options(&s->last, &step->packet);
		return send_frame(s, &s->last, s->last_port);
	}
}

static const char *const want_words[] = {
	[RULES_ALLOW] = "allow", [RULES_DENY] = "deny",
	[RULES_REJECT] = "reject",
};

/* Did it leave by the port and with the addresses that the step names? */
static bool left_as_said(const struct speak *s, const struct rules_step *step,
			 struct text *got)
{
	const struct vfr_ruleset *rs = vfr_loaded(s->lab->v);
	struct packet_words w;
	struct text is;

	if (step->out && (!s->sent || s->sent_port != step->out_port)) {
		snprintf(got->s, sizeof(got->s), "expected it out %s, but it "
			 "left by %s", rs_port_name(rs, step->out_port),
			 s->sent ? rs_port_name(rs, s->sent_port) : "no port");
		return false;
	}
	if (!step->has_as)
		return true;
	if (!s->sent) {
		snprintf(got->s, sizeof(got->s), "nothing left");
		return false;
	}
	packet_words_of_frame(s->sent, s->sent_len, &w);
	if (vfr_addr_eq(&w.src, &step->as_src.addr) &&
	    vfr_addr_eq(&w.dst, &step->as_dst.addr) &&
	    (!step->as_src.has_port || w.sport == step->as_src.port) &&
	    (!step->as_dst.has_port || w.dport == step->as_dst.port))
		return true;
	snprintf(got->s, sizeof(got->s), "it left as %.500s",
		 describe_packet(&is, &w));
	return false;
}

static bool step_once(struct speak *s, const struct rules_step *step,
		      struct text *got)
{
	const char *want = want_words[step->want];
	const char *why = "no such packet can be made";
	struct text is;

	if (send_step(s, step, &why)) {
		snprintf(got->s, sizeof(got->s), "%s", why);
		return false;
	}
	describe_outcome(&is, s->lab);
	if (strcmp(lab_outcome(s->lab), want) != 0) {
		snprintf(got->s, sizeof(got->s), "expected %s, got %.900s",
			 want, is.s);
		return false;
	}
	*got = is;
	return left_as_said(s, step, got);
}

bool speak_step(struct speak *s, const struct rules_step *step,
		struct text *got)
{
	uint32_t i;

	if (step->step == RULES_STEP_WAIT) {
		lab_wait(s->lab, step->wait_ns);
		snprintf(got->s, sizeof(got->s), "waited");
		return true;
	}
	for (i = 0; i < step->repeat; i++) {
		struct text once;

		if (!step_once(s, step, &once)) {
			if (step->repeat > 1)
				snprintf(got->s, sizeof(got->s), "time %"
					 PRIu32 ": %.900s", i + 1, once.s);
			else
				*got = once;
			return false;
		}
		*got = once;
	}
	return true;
}
