/*
 * cmd_diff.c: `sluice diff`: what loading NEW over OLD would change.
 *
 * Three answers.  The texts: statements that came, went or moved.  The
 * verdicts: each conversation of both files' expectations, and a capture, put
 * through both rulesets from empty tables.  The flows: the same packets through
 * OLD, NEW loaded over it, and who is no longer tracked.
 */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "difftext.h"
#include "feed.h"
#include "rulefile.h"
#include "speak.h"

#define SHOWN_MAX 50		/* changed packets of a capture, in text */

struct diff {
	struct rulefile	 f[2];		/* OLD, NEW */
	struct lab	 lab[2];
	struct feed	 feed[2];
	const char	*capture;
	struct diff_sink sink;
	unsigned int	 nr_verdicts, nr_compared;
	unsigned int	 nr_flows, nr_closed;
};

/* What came of a packet, to be compared between two labs. */
struct outcome {
	char		 verdict[16];
	char		 out[VFR_NAME_MAX];
	struct text	 words;
	json_t		*json;		/* or NULL */
};

static void take_outcome(struct outcome *o, const struct lab *l, bool json)
{
	const struct lab_out *sent = lab_sent(l);

	*o = (struct outcome){ 0 };
	snprintf(o->verdict, sizeof(o->verdict), "%s", lab_outcome(l));
	if (sent)
		snprintf(o->out, sizeof(o->out), "%s", lab_out_name(l, sent));
	describe_outcome(&o->words, l);
	if (json)
		o->json = json_outcome(l);
}

static void no_such_port(struct outcome *o, const char *port, bool json)
{
	*o = (struct outcome){ .verdict = "deny" };
	snprintf(o->words.s, sizeof(o->words.s), "deny, there is no port %s",
		 port);
	if (json)
		o->json = json_pack("{s:s, s:s}", "verdict", "deny", "reason",
				    vfr_reason_word(VFR_DROP_NO_PORT));
}

/* Show a packet whose fate changes; it is not counted twice. */
static void compare(struct diff *d, const char *packet,
		    const struct outcome o[2])
{
	d->nr_compared++;
	if (strcmp(o[0].verdict, o[1].verdict) == 0 &&
	    strcmp(o[0].out, o[1].out) == 0) {
		json_decref(o[0].json);
		json_decref(o[1].json);
		return;
	}
	d->nr_verdicts++;
	if (d->sink.json)
		json_array_append_new(d->sink.verdicts, json_pack(
			"{s:o, s:o, s:o}", "packet", json_words(packet), "old",
			o[0].json, "new", o[1].json));
	else if (d->nr_verdicts <= SHOWN_MAX)
		diff_print(&d->sink, "verdicts", "  %s\n    was %s\n"
			   "    now %s\n", packet, o[0].words.s,
			   o[1].words.s);
}

/* The port of the other file that has the same name, or -ENOENT. */
static int port_in(const struct diff *d, int from, int to, unsigned int port)
{
	if (from == to)
		return port;
	return rules_port_find(&d->f[to].r, rules_port_name(&d->f[from].r,
							    port));
}

/*
 * One step of an expectation of file `of`, in the lab of file `in`.  Whether
 * it holds is not asked here.
 */
static void speak_in(struct diff *d, struct speak *s, int of, int in,
		     const struct rules_step *step, struct outcome *o)
{
	struct rules_step copy = *step;
	struct text ignored;
	int port;

	copy.has_as = false;
	copy.out = NULL;
	if (step->step == RULES_STEP_PACKET) {
		port = port_in(d, of, in, step->packet.port);
		if (port < 0) {
			no_such_port(o, rules_port_name(&d->f[of].r,
							step->packet.port),
				     d->sink.json);
			return;
		}
		copy.packet.port = port;
	}
	speak_step(s, &copy, &ignored);
	take_outcome(o, &d->lab[in], d->sink.json);
}

static void name_step(struct text *t, const struct diff *d, int of,
		      const struct rules_step *step)
{
	const struct rules_pos *pos = &step->node.pos;

	snprintf(t->s, sizeof(t->s), "%.200s:%u",
		 rules_file_name(&d->f[of].r, pos->file), pos->line);
}

static int compare_steps(struct diff *d, int of, const struct rules_step *step)
{
	struct speak s[2];
	int i, rc = 0;

	for (i = 0; i < 2; i++) {
		if (!rc)
			rc = lab_reset(&d->lab[i]);
		speak_begin(&s[i], &d->lab[i]);
	}
	for (; step && !rc;
	     step = (const struct rules_step *)step->node.next) {
		struct outcome o[2];
		struct text place, words;

		if (step->step == RULES_STEP_WAIT) {
			lab_wait(&d->lab[0], step->wait_ns);
			lab_wait(&d->lab[1], step->wait_ns);
			continue;
		}
		for (i = 0; i < 2; i++)
			speak_in(d, &s[i], of, i, step, &o[i]);
		name_step(&place, d, of, step);
		diff_step_words(&words, &d->f[of].r, step);
		snprintf(words.s + strlen(words.s),
			 sizeof(words.s) - strlen(words.s), "  (%.200s)",
			 place.s);
		compare(d, words.s, o);
	}
	speak_end(&s[0]);
	speak_end(&s[1]);
	return rc;
}

/* NEW mostly repeats what OLD expects; that is compared once. */
static bool already_seen(const struct diff *d, const struct rules_expect *e)
{
	const struct rules_node *n = NULL;

	while ((n = rules_next(&d->f[0].r, RULES_EXPECT, n)))
		if (diff_same_expectation(&d->f[0].r,
					  (const struct rules_expect *)n,
					  &d->f[1].r, e))
			return true;
	return false;
}

static int compare_expectations(struct diff *d)
{
	int of, rc = 0;

	for (of = 0; of < 2; of++) {
		const struct rules_node *n = NULL;

		while (!rc && (n = rules_next(&d->f[of].r, RULES_EXPECT, n))) {
			const struct rules_expect *e =
				(const struct rules_expect *)n;

			if (e->unresolved || (of == 1 && already_seen(d, e)))
				continue;
			rc = compare_steps(d, of, e->steps);
			if (!rc && e->steps6)
				rc = compare_steps(d, of, e->steps6);
		}
	}
	return rc ? cli_fail(EXIT_FAILED, "%s", strerror(-rc)) : EXIT_OK;
}

/* Each packet of the capture through the first nr labs. */
static int feed_capture(struct diff *d, int nr)
{
	char error[CAPTURE_ERROR_MAX];
	struct capture_packet p;
	struct capture *c;
	int i, rc = capture_open(&c, d->capture, error);

	if (rc)
		return cli_fail(rc == -ENOENT ? EXIT_NOT_FOUND : EXIT_FAILED,
				"%s", error);
	while ((rc = capture_next(c, &p)) == 1) {
		struct outcome o[2];
		struct packet_words w;
		struct text words;

		for (i = 0; i < nr; i++) {
			feed_packet(&d->feed[i], &p);
			if (nr == 2)
				take_outcome(&o[i], &d->lab[i], d->sink.json);
		}
		if (nr < 2)
			continue;
		packet_words_of_frame(d->feed[0].frame, d->feed[0].caplen, &w);
		describe_packet(&words, &w);
		snprintf(words.s + strlen(words.s),
			 sizeof(words.s) - strlen(words.s),
			 "  (packet %" PRIu64 ")", p.number);
		compare(d, words.s, o);
	}
	if (rc < 0)
		cli_fail(EXIT_FAILED, "%s", capture_error(c));
	capture_close(c);
	return rc < 0 ? EXIT_FAILED : EXIT_OK;
}

static int compare_capture(struct diff *d)
{
	int i, rc, code = EXIT_OK;

	for (i = 0; i < 2 && code == EXIT_OK; i++) {
		rc = lab_reset(&d->lab[i]);
		code = rc ? cli_fail(EXIT_FAILED, "%s", strerror(-rc)) :
			feed_begin(&d->feed[i], &d->lab[i]);
	}
	return code ? code : feed_capture(d, 2);
}

static void fill_steps(struct diff *d, const struct rules_step *step)
{
	struct text ignored;
	struct speak s;

	speak_begin(&s, &d->lab[0]);
	for (; step; step = (const struct rules_step *)step->node.next)
		if (step->step != RULES_STEP_WAIT)
			speak_step(&s, step, &ignored);
	speak_end(&s);
}

/* All packets through OLD, so that it tracks what it allows. */
static int fill_flows(struct diff *d)
{
	const struct rules_node *n = NULL;
	int rc = lab_reset(&d->lab[0]);

	if (rc)
		return cli_fail(EXIT_FAILED, "%s", strerror(-rc));
	while ((n = rules_next(&d->f[0].r, RULES_EXPECT, n))) {
		const struct rules_expect *e = (const struct rules_expect *)n;

		if (e->unresolved)
			continue;
		fill_steps(d, e->steps);
		fill_steps(d, e->steps6);
	}
	d->feed[0].started = false;
	return d->capture ? feed_capture(d, 1) : EXIT_OK;
}

static bool still_tracked(const struct lab *l, const struct vfr_flow_info *was)
{
	struct vfr_flow_info is;
	uint32_t pos = 0;

	while (vfr_flow_next(l->v, &pos, &is) == 0)
		if (is.proto == was->proto && is.sport == was->sport &&
		    is.dport == was->dport && vfr_addr_eq(&is.src, &was->src) &&
		    vfr_addr_eq(&is.dst, &was->dst))
			return true;
	return false;
}

static struct vfr_flow_info *list_flows(const struct lab *l, unsigned int *nr)
{
	struct vfr_flow_info *flows, one;
	uint32_t pos = 0;
	unsigned int n = 0;

	while (vfr_flow_next(l->v, &pos, &one) == 0)
		n++;
	flows = malloc((n ? n : 1) * sizeof(*flows));
	for (*nr = pos = 0; flows && *nr < n; (*nr)++)
		if (vfr_flow_next(l->v, &pos, &flows[*nr]))
			break;
	return flows;
}

static void tell_closed(struct diff *d, const struct vfr_flow_info *fi,
			const struct text *rule)
{
	struct packet_words w = {
		.proto = fi->proto, .src = fi->src, .dst = fi->dst,
		.sport = fi->sport, .dport = fi->dport, .known = true,
		.shows_ports = true,
	};
	struct text words;

	d->nr_closed++;
	if (d->sink.json)
		json_array_append_new(d->sink.flows, json_pack(
			"{s:o, s:s, s:o}", "flow", json_packet(&w), "state",
			vfr_flow_state_name(fi->proto, fi->state), "rule",
			json_words(rule->s)));
	else
		diff_print(&d->sink, "flows that would be closed",
			   "  %s  %s\n    opened by %s\n",
			   describe_packet(&words, &w),
			   vfr_flow_state_name(fi->proto, fi->state), rule->s);
}

static int compare_flows(struct diff *d)
{
	struct vfr_flow_info *flows;
	struct text *rules;
	const char *why;
	unsigned int i;
	int rc, code = fill_flows(d);

	if (code)
		return code;
	flows = list_flows(&d->lab[0], &d->nr_flows);
	rules = calloc(d->nr_flows + 1, sizeof(*rules));
	for (i = 0; flows && rules && i < d->nr_flows; i++) {
		struct text room;	/* before the ruleset is gone */

		snprintf(rules[i].s, sizeof(rules[i].s), "%s",
			 describe_rule(&room, vfr_loaded(d->lab[0].v),
				       flows[i].rule));
	}
	rc = flows && rules ? lab_load(&d->lab[0], d->f[1].blob,
				       d->f[1].blob_len, 0, &why) : -ENOMEM;
	for (i = 0; !rc && i < d->nr_flows; i++)
		if (!still_tracked(&d->lab[0], &flows[i]))
			tell_closed(d, &flows[i], &rules[i]);
	free(flows);
	free(rules);
	return rc ? cli_fail(EXIT_FAILED, "cannot load %s over %s: %s",
			     d->f[1].path, d->f[0].path, strerror(-rc)) :
		EXIT_OK;
}

static int open_labs(struct diff *d, char **paths)
{
	struct vfr_limits limits = { 0 };
	const char *why = "";
	int i, code, rc;

	for (i = 0; i < 2; i++) {
		code = rulefile_open(&d->f[i], paths[i], RULEFILE_COMPILE,
				     NULL);
		if (code)
			return code;
	}
	for (i = 0; i < 2; i++) {
		rc = lab_limits_for(&limits, d->f[i].blob, d->f[i].blob_len,
				    &why);
		if (rc)
			return cli_fail(EXIT_FAILED, "%s: the VFR refuses the "
					"ruleset: %s", paths[i], why);
	}
	limits.ports *= 2;	/* OLD's and NEW's devices at once */
	for (i = 0; i < 2; i++) {
		rc = lab_create(&d->lab[i], d->f[i].blob, d->f[i].blob_len,
				&limits, &why);
		if (rc)
			return cli_fail(EXIT_FAILED, "%s: %s", paths[i], why);
	}
	return EXIT_OK;
}

static void print_totals(struct diff *d)
{
	if (d->sink.json) {
		print_json(json_pack(
			"{s:s, s:s, s:o, s:o, s:o, s:{s:i, s:i, s:i, s:i, s:i}}",
			"old", d->f[0].path, "new", d->f[1].path, "changes",
			d->sink.changes, "verdicts", d->sink.verdicts,
			"flows_closed", d->sink.flows, "totals", "changes",
			(int)d->sink.nr_changes, "packets",
			(int)d->nr_compared, "verdicts", (int)d->nr_verdicts,
			"flows", (int)d->nr_flows, "flows_closed",
			(int)d->nr_closed), JSON_INDENT(2));
		return;
	}
	if (d->nr_verdicts > SHOWN_MAX)
		printf("  ... and %u more\n", d->nr_verdicts - SHOWN_MAX);
	if (d->sink.section)
		putchar('\n');
	printf("%u %s; %u of %u packets judged otherwise; %u of %u tracked "
	       "flows would be closed\n", d->sink.nr_changes,
	       d->sink.nr_changes == 1 ? "change" : "changes",
	       d->nr_verdicts, d->nr_compared, d->nr_closed, d->nr_flows);
}

static int diff(struct diff *d, char **paths, bool exit_code)
{
	int code = open_labs(d, paths);

	if (code)
		return code;
	diff_texts(&d->sink, &d->f[0], &d->f[1], vfr_loaded(d->lab[0].v),
		   vfr_loaded(d->lab[1].v));
	code = compare_expectations(d);
	if (code == EXIT_OK && d->capture)
		code = compare_capture(d);
	if (code == EXIT_OK)
		code = compare_flows(d);
	if (code)
		return code;
	print_totals(d);
	return exit_code && (d->sink.nr_changes || d->nr_verdicts ||
			     d->nr_closed) ? EXIT_FAILED : EXIT_OK;
}

int cmd_diff(const struct cli_command *self, int argc, char **argv)
{
	static struct diff d;		/* too large for a stack */
	bool exit_code = false;
	struct cli_line line;
	const char *arg;
	int i, key, code = EXIT_OK;

	cli_line_init(&line, self, argc, argv);
	while (code == EXIT_OK && (key = cli_next_option(&line, &arg)) >= 0) {
		if (key == 'r')
			d.capture = arg;
		else if (key == OPT_EXIT_CODE)
			exit_code = true;
		for (i = 0; i < 2 && code == EXIT_OK; i++) {
			if (key == 'm')
				code = feed_map_add(&d.feed[i], arg);
			d.feed[i].keep_macs |= key == OPT_KEEP_MACS;
		}
	}
	if (code)
		return code;
	if (key != CLI_DONE)
		return key == CLI_HELPED ? EXIT_OK : EXIT_USAGE;
	diff_sink_init(&d.sink, line.json);
	code = diff(&d, line.args, exit_code);
	for (i = 0; i < 2; i++) {
		feed_end(&d.feed[i]);
		lab_destroy(&d.lab[i]);
		rulefile_close(&d.f[i]);
	}
	return code;
}
