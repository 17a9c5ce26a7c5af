/*
 * cmd_replay.c: `sluice replay`: a capture through the rules.
 */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "describe.h"
#include "feed.h"
#include "progress.h"
#include "rulefile.h"
#include "tapfile.h"

#define SNAPLEN_DEFAULT VFR_TAP_SNAP_MAX
#define REPLAY_FLOWS	(1u << 16)
#define SNAPLEN_MIN	14	/* an Ethernet header */
#define NS_PER_S	(uint64_t)1000000000

struct replay {
	struct rulefile	 f;
	struct lab	 lab;
	struct feed	 feed;
	struct tapfile	 tap;
	struct capture	*in;
	const char	*in_path, *out_path;
	FILE		*out;		/* the pcapng, or NULL */
	FILE		*text;		/* lines and counters */
	uint32_t	 snaplen;
	bool		 verbose, quiet, json, progress;
	uint64_t	 packets;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static json_t *packet_line(const struct replay *r,
			   const struct capture_packet *p)
{
	struct packet_words w;

	packet_words_of_frame(r->feed.frame, r->feed.caplen, &w);
	return json_pack("{s:I, s:I, s:o, s:i, s:o, s:o}", "number",
			 (json_int_t)p->number, "time_ns",
			 (json_int_t)p->time_ns, "port",
			 json_words(rs_port_name(vfr_loaded(r->lab.v),
						 r->feed.port)),
			 "length", (int)p->len, "packet", json_packet(&w),
			 "outcome", json_outcome(&r->lab));
}

static void print_packet(const struct replay *r,
			 const struct capture_packet *p)
{
	uint64_t since = p->time_ns - r->feed.first_ns;
	struct packet_words w;
	struct text words, outcome;

	if (r->json) {
		json_t *line = packet_line(r, p);

		json_dumpf(line, r->text, JSON_COMPACT | JSON_PRESERVE_ORDER);
		fputc('\n', r->text);
		json_decref(line);
		return;
	}
	if (p->time_ns < r->feed.first_ns)
		since = 0;
	packet_words_of_frame(r->feed.frame, r->feed.caplen, &w);
	fprintf(r->text,
		"%6" PRIu64 " %4" PRIu64 ".%06" PRIu64 " %-8s %s  %s\n",
		p->number, since / NS_PER_S, since % NS_PER_S / 1000,
		rs_port_name(vfr_loaded(r->lab.v), r->feed.port),
		describe_packet(&words, &w),
		describe_outcome(&outcome, &r->lab));
}

static void print_ports(const struct replay *r)
{
	const struct vfr_ruleset *rs = vfr_loaded(r->lab.v);
	uint32_t i;

	fprintf(r->text, "%-16s %10s %10s %10s %10s %10s\n", "port", "in",
		"passed", "local", "dropped", "out");
	for (i = 0; i < rs->p.nr_ports; i++) {
		const struct tap_counters *c = &r->tap.ports[i];

		fprintf(r->text, "%-16s %10" PRIu64 " %10" PRIu64 " %10" PRIu64
			" %10" PRIu64 " %10" PRIu64 "\n", rs_port_name(rs, i),
			c->in, c->passed, c->local, c->dropped, c->out);
	}
}

static void print_reasons(const struct replay *r)
{
	unsigned int i;
	bool any = false;

	for (i = 0; i < VFR_NR_REASONS; i++) {
		if (!r->tap.reasons[i])
			continue;
		if (!any)
			fprintf(r->text, "\n%-16s %10s\n", "dropped",
				"packets");
		any = true;
		fprintf(r->text, "%-16s %10" PRIu64 "  %s\n",
			vfr_reason_word(i), r->tap.reasons[i],
			vfr_reason_text(i));
	}
}

static void print_rules(const struct replay *r)
{
	const struct vfr_ruleset *rs = vfr_loaded(r->lab.v);
	struct vfr_rule_stats st;
	struct text words;
	uint32_t i;

	fprintf(r->text, "\n%10s %12s %8s  rule\n", "packets", "bytes",
		"flows");
	for (i = 0; i < rs->p.nr_rules; i++) {
		if (vfr_rule_stats(r->lab.v, i, &st))
			continue;
		fprintf(r->text, "%10" PRIu64 " %12" PRIu64 " %8" PRIu64
			"  %s\n", st.packets, st.bytes, st.flows,
			describe_rule(&words, rs, i));
	}
	if (vfr_rule_stats(r->lab.v, VFR_NONE32, &st) == 0)
		fprintf(r->text, "%10" PRIu64 " %12" PRIu64 " %8s  %s\n",
			st.packets, st.bytes, "",
			describe_rule(&words, rs, VFR_NONE32));
}

static json_t *ports_json(const struct replay *r)
{
	const struct vfr_ruleset *rs = vfr_loaded(r->lab.v);
	json_t *a = json_array();
	uint32_t i;

	for (i = 0; i < rs->p.nr_ports; i++) {
		const struct tap_counters *c = &r->tap.ports[i];

		json_array_append_new(a, json_pack(
			"{s:o, s:I, s:I, s:I, s:I, s:I}", "port",
			json_words(rs_port_name(rs, i)), "in",
			(json_int_t)c->in, "passed", (json_int_t)c->passed,
			"local", (json_int_t)c->local, "dropped",
			(json_int_t)c->dropped, "out", (json_int_t)c->out));
	}
	return a;
}

static json_t *rules_json(const struct replay *r)
{
	const struct vfr_ruleset *rs = vfr_loaded(r->lab.v);
	struct vfr_rule_stats st;
	json_t *a = json_array();
	uint32_t i;

	for (i = 0; i < rs->p.nr_rules; i++)
		if (vfr_rule_stats(r->lab.v, i, &st) == 0)
			json_array_append_new(a, json_pack(
				"{s:o, s:I, s:I, s:I}", "rule",
				json_rule(rs, i), "packets",
				(json_int_t)st.packets, "bytes",
				(json_int_t)st.bytes, "flows",
				(json_int_t)st.flows));
	return a;
}

static void print_summary(const struct replay *r)
{
	json_t *reasons, *line;
	unsigned int i;

	if (r->quiet)
		return;
	if (!r->json) {
		fputc('\n', r->text);
		print_ports(r);
		print_reasons(r);
		print_rules(r);
		return;
	}
	reasons = json_object();
	for (i = 0; i < VFR_NR_REASONS; i++)
		if (r->tap.reasons[i])
			json_object_set_new(reasons, vfr_reason_word(i),
					    json_integer(r->tap.reasons[i]));
	line = json_pack("{s:{s:o, s:I, s:o, s:o, s:o}}", "summary",
			 "capture", json_words(r->in_path), "packets",
			 (json_int_t)r->packets, "ports", ports_json(r),
			 "dropped", reasons, "rules", rules_json(r));
	json_dumpf(line, r->text, JSON_COMPACT | JSON_PRESERVE_ORDER);
	fputc('\n', r->text);
	json_decref(line);
}

/* Packet after packet, to the end or the first error. */
static int run(struct replay *r)
{
	bool lines = r->verbose || (!r->out && !r->quiet);
	struct capture_packet p;
	struct progress bar;
	int rc = 0, wrote = 0;

	progress_begin(&bar, "replay", capture_size(r->in), r->progress);
	while (!interrupted && (rc = capture_next(r->in, &p)) == 1) {
		feed_packet(&r->feed, &p);
		r->tap.offset_ns = r->feed.first_ns - LAB_START_NS;
		wrote = tapfile_drain(&r->tap, p.number);
		if (wrote)
			break;
		r->packets++;
		if (lines)
			print_packet(r, &p);
		progress_update(&bar, capture_position(r->in), r->packets);
	}
	progress_end(&bar);
	print_summary(r);
	if (wrote)
		return cli_fail(EXIT_FAILED, "cannot write '%s': %s",
				r->out_path, strerror(-wrote));
	if (interrupted)
		return cli_fail(EXIT_FAILED, "interrupted after %" PRIu64
				" packets", r->packets);
	return rc < 0 ? cli_fail(EXIT_FAILED, "%s; what came before it was "
				 "replayed", capture_error(r->in)) : EXIT_OK;
}

/* Close the output; an error that shows only now counts too. */
static int finish_output(struct replay *r, int code)
{
	int rc = tapfile_close(&r->tap);

	if (!r->out)
		return code;
	if (fflush(r->out) || ferror(r->out))
		rc = rc ? rc : -errno;
	if (r->out != stdout && fclose(r->out))
		rc = rc ? rc : -errno;
	r->out = NULL;
	if (rc && code == EXIT_OK)
		code = cli_fail(EXIT_FAILED, "cannot write '%s': %s",
				r->out_path, strerror(-rc));
	return code;
}

static int open_output(struct replay *r)
{
	r->text = stdout;
	if (!r->out_path)
		return EXIT_OK;
	if (strcmp(r->out_path, "-") != 0) {
		r->out = fopen(r->out_path, "wb");
		return r->out ? EXIT_OK :
			cli_fail(EXIT_FAILED, "cannot write '%s': %s",
				 r->out_path, strerror(errno));
	}
	if (isatty(STDOUT_FILENO))
		return cli_fail(EXIT_USAGE, "replay: a capture is no text for "
				"a terminal; give -w a file, or pipe it into "
				"tcpdump -nr -");
	r->out = stdout;
	r->text = stderr;
	return EXIT_OK;
}

static int replay(struct replay *r, const char *rules_path)
{
	char error[CAPTURE_ERROR_MAX];
	const char *why;
	int rc, code = rulefile_open(&r->f, rules_path, RULEFILE_COMPILE,
				     NULL);

	if (code)
		return code;
	rc = capture_open(&r->in, r->in_path, error);
	if (rc)
		return cli_fail(rc == -ENOENT ? EXIT_NOT_FOUND : EXIT_FAILED,
				"%s", error);
	rc = lab_create(&r->lab, r->f.blob, r->f.blob_len,
			&(struct vfr_limits){ .flows = REPLAY_FLOWS }, &why);
	if (rc) {
		capture_close(r->in);
		return cli_fail(EXIT_FAILED, "%s: the VFR refuses the "
				"ruleset: %s", r->f.path, why);
	}
	code = feed_begin(&r->feed, &r->lab);
	if (code == EXIT_OK)
		code = open_output(r);
	if (code == EXIT_OK) {
		rc = tapfile_open(&r->tap, &r->lab, r->out, r->snaplen,
				  rules_path);
		if (rc)
			code = cli_fail(EXIT_FAILED, "cannot write '%s': %s",
					r->out_path ? r->out_path : "counters",
					strerror(-rc));
		else
			code = finish_output(r, run(r));
	}
	feed_end(&r->feed);
	lab_destroy(&r->lab);
	capture_close(r->in);
	return code;
}

static int parse_snaplen(struct replay *r, const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*end || end == arg || n < SNAPLEN_MIN || n > SNAPLEN_DEFAULT)
		return cli_fail(EXIT_USAGE, "replay: --snaplen '%s' is out of "
				"range; it runs from %d to %d", arg,
				SNAPLEN_MIN, SNAPLEN_DEFAULT);
	r->snaplen = n;
	return EXIT_OK;
}

static int take_option(struct replay *r, int key, const char *arg)
{
	switch (key) {
	case 'w':
		r->out_path = arg;
		return EXIT_OK;
	case 'm':
		return feed_map_add(&r->feed, arg);
	case 's':
		return parse_snaplen(r, arg);
	case OPT_KEEP_MACS:
		r->feed.keep_macs = true;
		return EXIT_OK;
	case OPT_PROGRESS:
		r->progress = true;
		return EXIT_OK;
	case 'v':
		r->verbose = true;
		return EXIT_OK;
	default:
		r->quiet = true;
		return EXIT_OK;
	}
}

int cmd_replay(const struct cli_command *self, int argc, char **argv)
{
	struct replay r = { .snaplen = SNAPLEN_DEFAULT };
	struct sigaction sa = { .sa_handler = on_interrupt };
	struct cli_line line;
	const char *arg;
	int key, code = EXIT_OK;

	cli_line_init(&line, self, argc, argv);
	while (code == EXIT_OK && (key = cli_next_option(&line, &arg)) >= 0)
		code = take_option(&r, key, arg);
	if (code)
		return code;
	if (key != CLI_DONE)
		return key == CLI_HELPED ? EXIT_OK : EXIT_USAGE;
	r.json = line.json;
	r.in_path = line.args[1];
	sigaction(SIGINT, &sa, NULL);
	code = replay(&r, line.args[0]);
	rulefile_close(&r.f);
	return code;
}
