/*
 * cmd_capture.c: `sluice capture`: packets of a running appliance.
 *
 * The filter is compiled here, by libpcap, and goes as a program to the
 * hypervisor, which checks it.  What comes back is pcapng; it is written block
 * by block, or read for a line about each packet.
 */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "blocks.h"
#include "client.h"
#include "describe.h"
#include "output.h"
#include <vfr/tap.h>

#define PORT_ANY	"any"
#define PORT_OWN	"dom0"		/* the stream itself goes through it */
#define NOT_OURSELVES	"not tcp port 80"
#define SNAPLEN_MIN	14		/* an Ethernet header */
#define FILTER_MAX	900		/* instructions: of a request's head */
#define IFACES_MAX	1024
#define NS_PER_S	(uint64_t)1000000000

enum {				/* options of pcapng's blocks */
	OPT_COMMENT	= 1,
	IF_NAME		= 2,
	EPB_FLAGS	= 2,
	EPB_PACKETID	= 5,
	ISB_IFDROP	= 5,
	ISB_OSDROP	= 7,
	ISB_USRDELIV	= 8,
};
#define FLAGS_DIRECTION	3
#define DIRECTION_OUT	2

struct iface {
	char		*name;
	uint64_t	 delivered, dropped, lost;	/* by its last counters */
};

struct session {
	struct client	 client;
	const char	*host, *token_file, *port;
	struct output	 out;
	uint32_t	 snaplen, stages;
	uint64_t	 count;		/* 0: no end */
	uint64_t	 end_ns;	/* by the clock; 0: no end */
	bool		 quiet, json;
	char		*words;		/* the filter as typed, "" if none */
	char		*program;	/* compiled, in hexadecimal */
	struct blocks	 blocks;
	struct iface	 ifaces[IFACES_MAX];
	uint32_t	 nr_ifaces;
	uint64_t	 packets;
	int		 failed;	/* of writing */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* ---- the filter ---- */

/* The words from args on, with blanks between. */
static char *join(char **args, int nr)
{
	size_t len = 1;
	char *s;
	int i;

	for (i = 0; i < nr; i++)
		len += strlen(args[i]) + 1;
	s = calloc(1, len);
	for (i = 0; s && i < nr; i++) {
		strcat(s, args[i]);
		if (i + 1 < nr)
			strcat(s, " ");
	}
	return s;
}

static char *program_text(const struct bpf_program *p)
{
	char *text = calloc(p->bf_len + 1, 16);
	unsigned int i;

	for (i = 0; text && i < p->bf_len; i++)
		snprintf(text + i * 16, 17, "%04x%02x%02x%08x",
			 p->bf_insns[i].code, p->bf_insns[i].jt,
			 p->bf_insns[i].jf, p->bf_insns[i].k);
	return text;
}

/* Of dom0's own port what the capture itself sends would be captured. */
static char *full_words(const struct session *s)
{
	char *full = NULL;

	if (strcmp(s->port, PORT_OWN))
		return strdup(s->words);
	if (asprintf(&full, *s->words ? "%s and (%s)" : "%s", NOT_OURSELVES,
		     s->words) < 0)
		return NULL;
	return full;
}

static int compile(struct session *s)
{
	char *words = full_words(s);
	struct bpf_program p;
	int code = EXIT_OK;
	pcap_t *dead;

	if (!words)
		return cli_fail(EXIT_FAILED, "no memory");
	if (!*words) {
		s->program = words;
		return EXIT_OK;
	}
	dead = pcap_open_dead(DLT_EN10MB, (int)s->snaplen);
	if (pcap_compile(dead, &p, words, 1, PCAP_NETMASK_UNKNOWN)) {
		code = cli_fail(EXIT_USAGE, "capture: the filter '%s': %s; see "
				"pcap-filter(7)", s->words, pcap_geterr(dead));
	} else {
		if (p.bf_len > FILTER_MAX)
			code = cli_fail(EXIT_USAGE, "capture: the filter "
					"becomes %u instructions; %d is the "
					"most", p.bf_len, FILTER_MAX);
		else
			s->program = program_text(&p);
		pcap_freecode(&p);
	}
	pcap_close(dead);
	free(words);
	return code;
}

/* ---- what comes back ---- */

static void take_iface(struct session *s, const struct block *b)
{
	const uint8_t *option = (const uint8_t *)"?";
	size_t len = 1;
	char *name;

	if (s->nr_ifaces == IFACES_MAX)
		return;
	block_option(b, IF_NAME, &option, &len);
	name = strndup((const char *)option, len);
	if (name)
		text_clean(name);
	s->ifaces[s->nr_ifaces++].name = name;
}

static void take_stats(struct session *s, const struct block *b)
{
	uint32_t iface;

	if (b->len < 24)
		return;
	memcpy(&iface, b->data + 8, sizeof(iface));
	if (iface >= s->nr_ifaces)
		return;
	s->ifaces[iface].delivered = block_option_u64(b, ISB_USRDELIV);
	s->ifaces[iface].dropped = block_option_u64(b, ISB_IFDROP);
	s->ifaces[iface].lost = block_option_u64(b, ISB_OSDROP);
}

struct shown {			/* a packet as it is printed */
	struct block_packet p;
	const char *iface;
	bool left;
	struct text comment;
	struct packet_words w;
};

static void show_read(const struct session *s, const struct block *b,
		      struct shown *v)
{
	const uint8_t *value;
	uint32_t flags = 0;
	size_t len;

	v->iface = v->p.iface < s->nr_ifaces && s->ifaces[v->p.iface].name ?
		s->ifaces[v->p.iface].name : "?";
	if (block_option(b, EPB_FLAGS, &value, &len) && len == sizeof(flags))
		memcpy(&flags, value, sizeof(flags));
	v->left = (flags & FLAGS_DIRECTION) == DIRECTION_OUT;
	v->comment.s[0] = 0;
	if (block_option(b, OPT_COMMENT, &value, &len))
		snprintf(v->comment.s, sizeof(v->comment.s), "%.*s", (int)len,
			 (const char *)value);
	text_clean(v->comment.s);
	packet_words_of_frame(v->p.data, v->p.caplen, &v->w);
}

static void show_text(const struct shown *v)
{
	time_t seconds = (time_t)(v->p.time / NS_PER_S);
	char clock[16];
	struct text words;
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	printf("%s.%09" PRIu64 " %-8s %-3s %s, %u bytes  %s\n", clock,
	       v->p.time % NS_PER_S, v->iface, v->left ? "out" : "in",
	       describe_packet(&words, &v->w), v->p.len, v->comment.s);
}

static void show_json(const struct block *b, const struct shown *v)
{
	json_t *line = json_pack(
		"{s:I, s:I, s:o, s:s, s:I, s:o, s:o}", "time_ns",
		(json_int_t)v->p.time, "id",
		(json_int_t)block_option_u64(b, EPB_PACKETID), "port",
		json_words(v->iface), "direction", v->left ? "out" : "in",
		"length", (json_int_t)v->p.len, "packet", json_packet(&v->w),
		"comment", json_words(v->comment.s));

	json_dumpf(line, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(line);
}

static bool has_enough(const struct session *s)
{
	return s->count && s->packets >= s->count;
}

static int take_packet(struct session *s, const struct block *b)
{
	struct shown v;

	if (!block_packet(b, &v.p))
		return -EPROTO;
	s->packets++;
	if (s->out.path)
		return output_block(&s->out, b);
	show_read(s, b, &v);
	if (s->json)
		show_json(b, &v);
	else
		show_text(&v);
	return 0;
}

static int take_block(void *ctx, const struct block *b)
{
	struct session *s = ctx;

	if (b->kind == BLOCKS_PACKET)
		return has_enough(s) ? 0 : take_packet(s, b);
	if (b->kind == BLOCKS_IFACE)
		take_iface(s, b);
	else if (b->kind == BLOCKS_STATS)
		take_stats(s, b);
	return s->out.path ? output_block(&s->out, b) : 0;
}

static int take(void *ctx, const void *data, size_t len)
{
	struct session *s = ctx;

	s->failed = blocks_push(&s->blocks, data, len);
	if (!s->failed)
		s->failed = s->out.path ? output_flush(&s->out) :
			    fflush(stdout) ? -errno : 0;
	return s->failed;
}

static bool enough(void *ctx)
{
	const struct session *s = ctx;

	return interrupted || has_enough(s) ||
	       (s->end_ns && clock_ns() >= s->end_ns);
}

/* ---- from start to end ---- */

static void print_summary(const struct session *s)
{
	uint64_t dropped = 0, lost = 0;
	uint32_t i;

	for (i = 0; i < s->nr_ifaces; i++) {
		dropped += s->ifaces[i].dropped;
		lost += s->ifaces[i].lost;
	}
	fprintf(stderr, "%" PRIu64 " packets captured; of those that the "
		"filter took, %" PRIu64 " were dropped by the firewall and %"
		PRIu64 " lost to this capture\n", s->packets, dropped, lost);
}

static char *path_make(const struct session *s)
{
	char *port = client_escape(s->port), *words = client_escape(s->words);
	char *path = NULL;

	if (port && words &&
	    asprintf(&path, "/v1/capture?port=%s&stages=%u&snaplen=%u&words=%s"
		     "&filter=%s", port, s->stages, s->snaplen,
		     strlen(words) < 250 ? words : "", s->program) < 0)
		path = NULL;
	free(port);
	free(words);
	return path;
}

static int capture(struct session *s)
{
	struct client_call call = { .take = take, .enough = enough, .ctx = s };
	char *path = path_make(s);
	int code, rc;

	if (!path)
		return cli_fail(EXIT_FAILED, "no memory");
	call.path = path;
	code = client_get(&s->client, &call);
	free(path);
	if (s->failed == -EPROTO)
		return cli_fail(EXIT_FAILED, "%s sends no pcapng",
				s->client.host);
	if (s->failed == -EPIPE)
		s->failed = 0;		/* whoever reads has had enough */
	rc = s->out.path ? output_close(&s->out) : 0;
	if (!s->failed && rc != -EPIPE)
		s->failed = rc;
	if (s->failed)
		return cli_fail(EXIT_FAILED, "cannot write '%s': %s",
				s->out.path ? s->out.path : "output",
				strerror(-s->failed));
	if (!s->quiet && s->blocks.size)
		print_summary(s);
	return code;
}

static int start(struct session *s)
{
	/* What is being written then is written; the second one ends it all. */
	struct sigaction stop = { .sa_handler = on_signal,
				  .sa_flags = SA_RESTART | SA_RESETHAND };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int code = client_init(&s->client, s->host, s->token_file), rc;

	if (code == EXIT_OK)
		code = compile(s);
	if (code)
		return code;
	if (s->out.path && !strcmp(s->out.path, "-") && isatty(STDOUT_FILENO))
		return cli_fail(EXIT_USAGE, "capture: a capture is no text for "
				"a terminal; give -w a file, or pipe it into "
				"tcpdump -nr -");
	rc = s->out.path ? output_open(&s->out) : 0;
	if (rc)
		return cli_fail(EXIT_FAILED, "cannot write '%s': %s",
				s->out.path, strerror(-rc));
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	s->blocks = (struct blocks){ .fn = take_block, .ctx = s };
	return capture(s);
}

/* ---- the command line ---- */

static int parse_number(const char *what, const char *arg, uint64_t min,
			uint64_t max, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoull(arg, &end, 10);
	if (*end || end == arg || errno || *arg == '-' || *n < min || *n > max)
		return cli_fail(EXIT_USAGE, "capture: --%s '%s' is out of "
				"range; it runs from %" PRIu64 " to %" PRIu64,
				what, arg, min, max);
	return EXIT_OK;
}

static int parse_stages(struct session *s, const char *arg)
{
	static const struct {
		const char *word;
		uint32_t bit;
	} words[] = {
		{ "in", VFR_TAP_INGRESS }, { "out", VFR_TAP_EGRESS },
		{ "drop", VFR_TAP_DROP },
	};
	const char *at = arg;
	size_t i;

	s->stages = 0;
	while (*at) {
		size_t len = strcspn(at, ",");

		for (i = 0; i < 3; i++)
			if (strlen(words[i].word) == len &&
			    !strncmp(words[i].word, at, len))
				break;
		if (i == 3)
			return cli_fail(EXIT_USAGE, "capture: --stage '%s': "
					"in, out, drop, or several with "
					"commas between", arg);
		s->stages |= words[i].bit;
		at += len + (at[len] == ',');
	}
	return EXIT_OK;
}

static int take_option(struct session *s, int key, const char *arg)
{
	uint64_t n = 0;
	int code = EXIT_OK;

	switch (key) {
	case 'H':
		s->host = arg;
		break;
	case 'T':
		s->token_file = arg;
		break;
	case 'w':
		s->out.path = arg;
		break;
	case 's':
		code = parse_number("snaplen", arg, SNAPLEN_MIN,
				    VFR_TAP_SNAP_MAX, &n);
		s->snaplen = (uint32_t)n;
		break;
	case 'c':
		code = parse_number("count", arg, 1, UINT64_MAX, &s->count);
		break;
	case OPT_DURATION:
		code = parse_number("duration", arg, 1, 1000000000, &n);
		s->end_ns = clock_ns() + n * NS_PER_S;
		break;
	case OPT_STAGE:
		code = parse_stages(s, arg);
		break;
	case 'C':
		code = parse_number("file-size", arg, 1, 1000000, &n);
		s->out.file_bytes = n * 1000000;
		break;
	case 'W':
		code = parse_number("files", arg, 1, 1000000, &n);
		s->out.files = (unsigned int)n;
		break;
	default:
		s->quiet = true;
	}
	return code;
}

/* One packet of any port is shown once; of one port, on both its sides. */
static uint32_t default_stages(const char *port)
{
	return strcmp(port, PORT_ANY) ?
	       VFR_TAP_INGRESS | VFR_TAP_EGRESS | VFR_TAP_DROP :
	       VFR_TAP_INGRESS;
}

int cmd_capture(const struct cli_command *self, int argc, char **argv)
{
	static struct session s;
	struct cli_line line;
	const char *arg;
	int key, code = EXIT_OK;

	s = (struct session){ .snaplen = VFR_TAP_SNAP_MAX };
	cli_line_init(&line, self, argc, argv);
	while (code == EXIT_OK && (key = cli_next_option(&line, &arg)) >= 0)
		code = take_option(&s, key, arg);
	if (code)
		return code;
	if (key != CLI_DONE)
		return key == CLI_HELPED ? EXIT_OK : EXIT_USAGE;
	s.json = line.json;
	s.port = line.args[0];
	s.words = join(line.args + 1, line.nr_args - 1);
	if (!s.words)
		return cli_fail(EXIT_FAILED, "no memory");
	if (!s.stages)
		s.stages = default_stages(s.port);
	code = start(&s);
	while (s.nr_ifaces)
		free(s.ifaces[--s.nr_ifaces].name);
	blocks_free(&s.blocks);
	free(s.words);
	free(s.program);
	return code;
}
