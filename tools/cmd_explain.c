/*
 * cmd_explain.c: `sluice explain`: a packet's way through the VFR, told from
 * the trace that the VFR wrote while it judged.
 */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "rulefile.h"
#include "speak.h"

struct explain {
	struct rulefile	 f;
	struct lab	 lab;
	struct feed	 feed;
	const char	*capture;	/* NULL: the packet is given in words */
	uint64_t	 number;
	struct text	 packet;	/* as it came in */
	json_t		*packet_json;
};

/* What a step's index means, for the words that follow its sentence. */
enum index_kind { INDEX_NONE, INDEX_PORT, INDEX_RULE, INDEX_NAT, INDEX_REASON };

static const struct {
	const char	*key;		/* in JSON */
	const char	*title;		/* at the left */
	const char	*sentence;
	enum index_kind	 index;
	bool		 shows_packet;	/* it has been changed here */
} step_words[VFR_NR_STEPS] = {
	[VFR_STEP_PORT]	= { "port", "port", "comes in by", INDEX_PORT },
	[VFR_STEP_BINDING] = { "binding", "binding",
		"the source may come in by", INDEX_PORT },
	[VFR_STEP_FRAGMENT] = { "fragment", "fragment",
		"is judged as the rest of its datagram was" },
	[VFR_STEP_FLOW_HIT] = { "flow-hit", "flow",
		"belongs to a tracked flow, opened by", INDEX_RULE },
	[VFR_STEP_RELATED] = { "related", "flow",
		"is an ICMP error about a flow, opened by", INDEX_RULE },
	[VFR_STEP_FLOW_NEW] = { "flow-new", "flow",
		"opens one: answers, and what follows, pass with it" },
	[VFR_STEP_FLOW_CLOSED] = { "flow-closed", "flow",
		"its flow was closed by a reload; it was opened by",
		INDEX_RULE },
	[VFR_STEP_NAT_DST] = { "nat-destination", "translate",
		"destination changed by", INDEX_NAT, true },
	[VFR_STEP_NAT_SRC] = { "nat-source", "translate",
		"source changed by", INDEX_NAT },
	[VFR_STEP_ROUTE] = { "route", "route", "leads out by", INDEX_PORT },
	[VFR_STEP_BRIDGE] = { "bridge", "bridge", "bridged to", INDEX_PORT },
	[VFR_STEP_RULE]	= { "rule", "rule", "first to match:", INDEX_RULE },
	[VFR_STEP_NO_RULE] = { "no-rule", "rule",
		"none matches, so it is denied" },
	[VFR_STEP_LIMIT] = { "limit", "limit", "above the limit of",
		INDEX_RULE },
	[VFR_STEP_LOCAL] = { "local", "local",
		"is for the VFR itself, which takes or answers it" },
	[VFR_STEP_HELD]	= { "held", "held",
		"waits for its next hop to be found, or for fragments" },
	[VFR_STEP_SENT]	= { "sent", "sent", "", INDEX_PORT },
	[VFR_STEP_DROPPED] = { "dropped", "dropped", "", INDEX_REASON },
};

/* The line of the file that made a port what it is. */
static void describe_port(struct text *t, const struct rules *r,
			  uint32_t rs_port)
{
	const struct rules_node *n;

	if (rs_port >= r->nr_ports) {
		snprintf(t->s, sizeof(t->s), "no port");
		return;
	}
	n = r->ports[rs_port];
	snprintf(t->s, sizeof(t->s), "%s %s (%s:%u)",
		 n->kind == RULES_NIC ? "nic" : "domain",
		 rules_port_name(r, rs_port),
		 rules_file_name(r, n->pos.file), n->pos.line);
}

/* A translation as it is written; the ruleset has only its place. */
static void describe_nat(struct text *t, const struct rules *r,
			 const struct vfr_ruleset *rs, uint32_t nat)
{
	const struct rules_node *n = NULL;
	const char *file;

	if (nat >= rs->p.nr_nats)
		return;
	file = vfr_ruleset_text(rs, rs->p.nats[nat].file);
	while ((n = rules_next(r, RULES_NAT, n)))
		if (n->pos.line == rs->p.nats[nat].line &&
		    strcmp(rules_file_name(r, n->pos.file), file) == 0)
			break;
	snprintf(t->s, sizeof(t->s), "%.200s:%u %.700s", file,
		 rs->p.nats[nat].line,
		 n ? ((const struct rules_nat *)n)->canonical : "");
}

/* Which statement a route step follows: its own line, or none. */
static void append_route(struct text *t, const struct vfr_ruleset *rs,
			 uint32_t route)
{
	const struct vfr_rs_route *rt;
	struct text dst;
	size_t len = strlen(t->s);

	if (route >= rs->p.nr_routes)
		return;
	rt = &rs->p.routes[route];
	snprintf(t->s + len, sizeof(t->s) - len, ", by the route to %s "
		 "(%s:%u)", describe_prefix(&dst, &rt->dst),
		 vfr_ruleset_text(rs, rt->file), rt->line);
}

static void describe_index(struct text *t, const struct explain *x,
			   const struct vfr_trace_step *s)
{
	const struct vfr_ruleset *rs = vfr_loaded(x->lab.v);
	struct text room;

	t->s[0] = '\0';
	switch (step_words[s->step].index) {
	case INDEX_PORT:
		describe_port(t, &x->f.r, s->index);
		if (s->step == VFR_STEP_ROUTE)
			append_route(t, rs, s->arg);
		break;
	case INDEX_RULE:
		snprintf(t->s, sizeof(t->s), "%s",
			 describe_rule(&room, rs, s->index));
		break;
	case INDEX_NAT:
		describe_nat(t, &x->f.r, rs, s->index);
		break;
	case INDEX_REASON:
		snprintf(t->s, sizeof(t->s), "%s (%s)",
			 vfr_reason_text(s->index), vfr_reason_word(s->index));
		break;
	default:
		break;
	}
}

static void print_step(const struct explain *x, const struct vfr_trace_step *s)
{
	struct packet_words w;
	struct text index, packet;
	const char *sentence;

	if (s->step >= VFR_NR_STEPS || s->step == VFR_STEP_SENT)
		return;		/* sent: told from the frame that left */
	sentence = step_words[s->step].sentence;
	describe_index(&index, x, s);
	printf("%-10s %s%s%s\n", step_words[s->step].title, sentence,
	       *sentence && index.s[0] ? " " : "", index.s);
	if (!step_words[s->step].shows_packet)
		return;
	packet_words_of_step(s, &w);
	printf("%-10s as %s\n", "", describe_packet(&packet, &w));
}

static void json_place(json_t *o, const struct rules *r,
		       const struct rules_pos *pos)
{
	json_object_set_new(o, "file",
			    json_words(rules_file_name(r, pos->file)));
	json_object_set_new(o, "line", json_integer(pos->line));
}

static json_t *step_json(const struct explain *x,
			 const struct vfr_trace_step *s)
{
	const struct vfr_ruleset *rs = vfr_loaded(x->lab.v);
	struct packet_words w;
	json_t *o = json_object();

	packet_words_of_step(s, &w);
	json_object_set_new(o, "step", json_string(step_words[s->step].key));
	json_object_set_new(o, "packet", json_packet(&w));
	switch (step_words[s->step].index) {
	case INDEX_PORT:
		json_object_set_new(o, "port",
				    json_words(rs_port_name(rs, s->index)));
		if (s->index < x->f.r.nr_ports)
			json_place(o, &x->f.r,
				   &x->f.r.ports[s->index]->pos);
		break;
	case INDEX_RULE:
		json_object_set_new(o, "rule", json_rule(rs, s->index));
		break;
	case INDEX_NAT:
		json_object_set_new(o, "nat", json_nat(rs, s->index));
		break;
	case INDEX_REASON:
		json_object_set_new(o, "reason",
				    json_string(vfr_reason_word(s->index)));
		break;
	default:
		break;
	}
	return o;
}

/* What the VFR itself sent because of the packet, one after the other. */
static const struct lab_out *next_answer(const struct lab *l, unsigned int *i)
{
	while (*i < l->nr_out) {
		const struct lab_out *o = &l->out[(*i)++];

		if ((o->id != l->id || l->verdict == LAB_LOCAL) &&
		    !lab_is_neighbour_talk(l, o->id, o->data, o->len))
			return o;
	}
	return NULL;
}

static void print_answers(const struct explain *x)
{
	const struct lab_out *o;
	struct packet_words w;
	struct text words;
	unsigned int i = 0;

	while ((o = next_answer(&x->lab, &i))) {
		packet_words_of_frame(o->data, o->len, &w);
		printf("%-10s the VFR sends %s, out %s\n", "answer",
		       describe_packet(&words, &w), lab_out_name(&x->lab, o));
	}
}

static json_t *answers_json(const struct explain *x)
{
	json_t *a = json_array();
	const struct lab_out *o;
	struct packet_words w;
	unsigned int i = 0;

	while ((o = next_answer(&x->lab, &i))) {
		packet_words_of_frame(o->data, o->len, &w);
		json_array_append_new(a, json_pack(
			"{s:o, s:o}", "out",
			json_words(lab_out_name(&x->lab, o)), "packet",
			json_packet(&w)));
	}
	return a;
}

static void print_sent(const struct explain *x)
{
	const struct lab_out *o = lab_sent(&x->lab);
	struct packet_words w;
	struct text words, port;

	if (!o)
		return;
	packet_words_of_frame(o->data, o->len, &w);
	describe_port(&port, &x->f.r, lab_rs_port(&x->lab, o->port, o->data,
						  o->len));
	printf("%-10s leaves by %s\n%-10s as %s\n", "sent", port.s, "",
	       describe_packet(&words, &w));
}

static void print_text(const struct explain *x)
{
	struct text t;
	uint32_t i;

	printf("%-10s %s\n", "packet", x->packet.s);
	for (i = 0; i < x->lab.trace.nr; i++)
		print_step(x, &x->lab.trace.steps[i]);
	print_sent(x);
	print_answers(x);
	printf("%-10s %s\n", "verdict", describe_outcome(&t, &x->lab));
}

static void print_as_json(struct explain *x)
{
	json_t *steps = json_array();
	uint32_t i;

	for (i = 0; i < x->lab.trace.nr; i++)
		if (x->lab.trace.steps[i].step < VFR_NR_STEPS)
			json_array_append_new(steps, step_json(
				x, &x->lab.trace.steps[i]));
	print_json(json_pack("{s:o, s:o, s:o, s:o}", "packet", x->packet_json,
			     "steps", steps, "answers", answers_json(x),
			     "outcome", json_outcome(&x->lab)),
		   JSON_INDENT(2));
	x->packet_json = NULL;
}

/* Packet number x->number of the capture, after all before it. */
static int send_captured(struct explain *x)
{
	char error[CAPTURE_ERROR_MAX];
	struct capture_packet p = { 0 };
	struct packet_words w;
	struct capture *c;
	struct text words;
	int rc = capture_open(&c, x->capture, error);

	if (rc)
		return cli_fail(rc == -ENOENT ? EXIT_NOT_FOUND : EXIT_FAILED,
				"%s", error);
	while ((rc = capture_next(c, &p)) == 1) {
		feed_packet(&x->feed, &p);
		if (p.number == x->number)
			break;
	}
	if (rc < 0)
		cli_fail(EXIT_FAILED, "%s", capture_error(c));
	else if (rc == 0)
		cli_fail(EXIT_NOT_FOUND, "%s has %" PRIu64 " packets; there "
			 "is no number %" PRIu64, x->capture, p.number,
			 x->number);
	if (rc == 1) {
		packet_words_of_frame(x->feed.frame, x->feed.caplen, &w);
		snprintf(x->packet.s, sizeof(x->packet.s), "%.500s, %u bytes, "
			 "number %" PRIu64 " of %s",
			 describe_packet(&words, &w), p.len, p.number,
			 x->capture);
		x->packet_json = json_packet(&w);
	}
	capture_close(c);
	return rc == 1 ? EXIT_OK : rc == 0 ? EXIT_NOT_FOUND : EXIT_FAILED;
}

static void write_text(void *ctx, const char *text, size_t len)
{
	struct text *t = ctx;
	size_t at = strlen(t->s);

	if (len < sizeof(t->s) - at)
		memcpy(t->s + at, text, len);
}

static int send_words(struct explain *x, const char *text)
{
	struct rules_packet p;
	struct packet_words w;
	struct rules_out out = { write_text, &x->packet };
	struct speak speak;
	int rc;

	if (rules_packet_parse(&x->f.r, text, strlen(text), &p))
		return EXIT_USAGE;
	rules_packet_print(&x->f.r, &p, &out);
	speak_begin(&speak, &x->lab);
	rc = speak_packet(&speak, &p);
	speak_end(&speak);
	if (rc)
		return cli_fail(EXIT_USAGE, "no such packet can be made: %s",
				text);
	w = (struct packet_words){
		.proto = p.proto, .src = p.src.addr, .dst = p.dst.addr,
		.sport = p.icmp_type >= 0 ? p.icmp_type : p.src.port,
		.dport = p.icmp_code >= 0 ? p.icmp_code : p.dst.port,
		.known = true, .shows_ports = true,
	};
	x->packet_json = json_packet(&w);
	return EXIT_OK;
}

static int explain(struct explain *x, const struct cli_line *line)
{
	const char *why;
	int code = rulefile_open(&x->f, line->args[0], RULEFILE_COMPILE, NULL);
	int rc;

	if (code)
		return code;
	rc = lab_create(&x->lab, x->f.blob, x->f.blob_len, NULL, &why);
	if (rc)
		return cli_fail(EXIT_FAILED, "%s: the VFR refuses the "
				"ruleset: %s", x->f.path, why);
	code = feed_begin(&x->feed, &x->lab);
	if (code == EXIT_OK)
		code = x->capture ? send_captured(x) :
			send_words(x, line->args[1]);
	if (code == EXIT_OK) {
		if (line->json)
			print_as_json(x);
		else
			print_text(x);
	}
	json_decref(x->packet_json);
	feed_end(&x->feed);
	lab_destroy(&x->lab);
	return code;
}

static int parse_number(const char *arg, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(arg, &end, 10);
	if (errno || *end || end == arg || *number == 0 || arg[0] == '-')
		return cli_fail(EXIT_USAGE, "'%s' is no packet number; they "
				"run from 1", arg);
	return EXIT_OK;
}

int cmd_explain(const struct cli_command *self, int argc, char **argv)
{
	struct explain x = { .number = 1 };
	struct cli_line line;
	bool numbered = false;
	const char *arg;
	int key, code = EXIT_OK;

	cli_line_init(&line, self, argc, argv);
	while (code == EXIT_OK && (key = cli_next_option(&line, &arg)) >= 0) {
		if (key == 'r')
			x.capture = arg;
		else if (key == 'n')
			code = parse_number(arg, &x.number);
		else if (key == 'm')
			code = feed_map_add(&x.feed, arg);
		else if (key == OPT_KEEP_MACS)
			x.feed.keep_macs = true;
		numbered |= key == 'n';
	}
	if (code)
		return code;
	if (key != CLI_DONE)
		return key == CLI_HELPED ? EXIT_OK : EXIT_USAGE;
	if (line.nr_args > 2)
		return cli_fail(EXIT_USAGE, "explain: put the packet into "
				"quotes; the shell takes '>' for itself");
	if (!x.capture && line.nr_args < 2)
		return cli_fail(EXIT_USAGE, "explain: which packet?  Give it "
				"in words, like 'tcp 198.51.100.7:40000 -> "
				"web:80', or a capture with -r");
	if (x.capture && line.nr_args == 2)
		return cli_fail(EXIT_USAGE, "explain: give a packet in words "
				"or a capture with -r, not both");
	if (numbered && !x.capture)
		return cli_fail(EXIT_USAGE, "explain: -n counts packets of a "
				"capture; give one with -r");
	code = explain(&x, &line);
	rulefile_close(&x.f);
	return code;
}
