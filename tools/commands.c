/*
 * commands.c: the table of sub-commands.
 */
#include "commands.h"

#define CLIENT_OPTIONS							\
	{ 'H', "host", "ADDRESS", ARG_WORDS,				\
	  "of dom0, or what leads there, with :PORT if\n"		\
	  "not 80 [$SLUICE_HOST]" },					\
	{ 'T', "token-file", "FILE", ARG_WORDS,				\
	  "the appliance's token is in there [$SLUICE_TOKEN\n"		\
	  "is the token itself]" }

#define FEED_OPTIONS							\
	{ 'm', "map", "WHO=PORT", ARG_WORDS,				\
	  "frames from WHO (a MAC, a net, any) come in\n"		\
	  "by PORT; may be repeated, first match counts" },		\
	{ OPT_KEEP_MACS, "keep-macs", NULL, ARG_NONE,			\
	  "leave Ethernet headers as captured" }

static const struct cli_option check_options[] = {
	{ OPT_STRICT, "strict", NULL, ARG_NONE,
	  "fail on warnings as well" },
	{ 'q', "quiet", NULL, ARG_NONE, "say nothing of files that are fine" },
	{ 0 },
};

static const struct cli_option test_options[] = {
	{ 'v', "verbose", NULL, ARG_NONE,
	  "say which rule decided each packet" },
	{ 'q', "quiet", NULL, ARG_NONE, "show only what fails" },
	{ 0 },
};

static const struct cli_option explain_options[] = {
	{ 'r', "read", "CAPTURE", ARG_CAPTURE,
	  "take the packet from a capture; those before\n"
	  "it go through first" },
	{ 'n', "number", "N", ARG_WORDS,
	  "which packet of the capture, from 1 [1]" },
	FEED_OPTIONS,
	{ 0 },
};

static const struct cli_option diff_options[] = {
	{ 'r', "read", "CAPTURE", ARG_CAPTURE,
	  "compare for the packets of a capture, too" },
	FEED_OPTIONS,
	{ OPT_EXIT_CODE, "exit-code", NULL, ARG_NONE,
	  "exit with 1 if anything would change" },
	{ 0 },
};

static const struct cli_option replay_options[] = {
	{ 'w', "write", "FILE", ARG_CAPTURE,
	  "write pcapng: one interface a port, verdicts\n"
	  "and rules with each packet; - is stdout" },
	FEED_OPTIONS,
	{ 's', "snaplen", "BYTES", ARG_WORDS,
	  "keep so much of each packet [65535]" },
	{ 'v', "verbose", NULL, ARG_NONE,
	  "a line for each packet, with -w as well" },
	{ 'q', "quiet", NULL, ARG_NONE, "no lines for packets, no counters" },
	{ OPT_PROGRESS, "progress", NULL, ARG_NONE,
	  "say how far it is, even if stderr is no terminal" },
	{ 0 },
};

static const struct cli_option fmt_options[] = {
	{ 'w', "write", NULL, ARG_NONE, "change the files in place" },
	{ 'd', "diff", NULL, ARG_NONE,
	  "show what would change; exit with 1 if anything" },
	{ 0 },
};

static const struct cli_option capture_options[] = {
	CLIENT_OPTIONS,
	{ 'w', "write", "FILE", ARG_CAPTURE,
	  "write pcapng; - is stdout.  Without it, a line\n"
	  "for each packet" },
	{ 's', "snaplen", "BYTES", ARG_WORDS,
	  "keep so much of each packet [65535]" },
	{ 'c', "count", "N", ARG_WORDS, "end after N packets" },
	{ OPT_DURATION, "duration", "SECONDS", ARG_WORDS,
	  "end after so long" },
	{ OPT_STAGE, "stage", "WHICH", ARG_WORDS,
	  "in, out, drop or several [in,out,drop; of any\n"
	  "port: in]" },
	{ 'C', "file-size", "MB", ARG_WORDS,
	  "begin a new file after so many million bytes:\n"
	  "FILE, FILE1, FILE2 ..." },
	{ 'W', "files", "N", ARG_WORDS,
	  "of these keep the newest N" },
	{ 'q', "quiet", NULL, ARG_NONE, "no counters at the end" },
	{ 0 },
};

const struct cli_command cli_commands[] = {
	{
		.name = "check", .args = "FILE...",
		.summary = "find errors, warn, run the file's expectations",
		.detail =
"Read rule files, with all that they include: report errors and warnings with\n"
"place and cure, compile the rules as for the hypervisor, load them into the\n"
"VFR and run the `expect` lines.  A file is ok if there is no error and each\n"
"expectation holds.",
		.example =
"sluice check web.vfr\n"
"sluice check --strict --json site/*.vfr",
		.options = check_options, .min_args = 1, .max_args = -1,
		.kinds = { ARG_RULES, ARG_RULES }, .json = true,
		.run = cmd_check,
	},
	{
		.name = "test", .args = "FILE...",
		.summary = "run the expectations of rule files, one line each",
		.detail =
"Put the packets of the files' `expect` lines and sequences through the VFR.\n"
"Each expectation begins without flows; the packets of a sequence share them.",
		.example =
"sluice test web.vfr\n"
"sluice test -v web.vfr",
		.options = test_options, .min_args = 1, .max_args = -1,
		.kinds = { ARG_RULES, ARG_RULES }, .json = true,
		.run = cmd_test,
	},
	{
		.name = "explain", .args = "FILE [PACKET]",
		.summary = "why a packet is allowed or denied, step by step",
		.detail =
"Put a packet through the VFR and tell which binding, flow, translation, route\n"
"and rule decide about it, with file and line.  The packet is given in words,\n"
"as in `expect` lines, or taken from a capture.  An answer is exit code 0, be\n"
"the packet allowed or denied.",
		.example =
"sluice explain web.vfr 'tcp 198.51.100.7:40000 -> web:80 on wan'\n"
"sluice explain web.vfr 'icmp echo-request web -> 9.9.9.9'\n"
"sluice explain web.vfr -r capture.pcap -n 17",
		.options = explain_options, .min_args = 1, .max_args = -1,
		.kinds = { ARG_RULES, ARG_WORDS }, .json = true,
		.run = cmd_explain,
	},
	{
		.name = "diff", .args = "OLD NEW",
		.summary = "what would change if NEW were loaded over OLD",
		.detail =
"Compare two rule files: ports, nets and routes, rules and translations, then\n"
"the verdicts of the packets in both files' `expect` lines and of a capture,\n"
"and at last which flows that OLD tracks for them NEW would close.",
		.example =
"sluice diff web.vfr web-new.vfr\n"
"sluice diff -r capture.pcap web.vfr web-new.vfr",
		.options = diff_options, .min_args = 2, .max_args = 2,
		.kinds = { ARG_RULES, ARG_RULES }, .json = true,
		.run = cmd_diff,
	},
	{
		.name = "replay", .args = "FILE CAPTURE",
		.summary = "run a capture through the rules, write pcapng",
		.detail =
"Put every packet of a capture through the VFR with the rules of FILE, at the\n"
"times of the capture.  Without -w, a line tells about each packet; with -w,\n"
"the packets are written as they came in and as they left, with interface,\n"
"direction, verdict, rule and reason.  Counters come at the end.",
		.example =
"sluice replay web.vfr capture.pcap\n"
"sluice replay web.vfr capture.pcap -w out.pcapng\n"
"sluice replay -m 10.1.0.0/24=web -m any=wan web.vfr in.pcap -w out.pcapng\n"
"sluice replay web.vfr in.pcap -w - | tcpdump -nr -",
		.options = replay_options, .min_args = 2, .max_args = 2,
		.kinds = { ARG_RULES, ARG_CAPTURE }, .json = true,
		.run = cmd_replay,
	},
	{
		.name = "capture", .args = "PORT [FILTER]",
		.summary = "see a running appliance's packets, or write pcapng",
		.detail =
"Watch a port of a running appliance: a domain or nic of its rules, or any.\n"
"Packets are shown as they came in, with verdict and rule, and as they left;\n"
"also those that the rules kept from the port.  FILTER is an expression of\n"
"pcap-filter(7).  An interrupt ends the capture with its counters.",
		.example =
"sluice capture web 'tcp port 80'\n"
"sluice capture web -w web.pcapng -s 96 'tcp port 80'\n"
"sluice capture any --stage drop\n"
"sluice capture web -w - | tcpdump -nr -",
		.options = capture_options, .min_args = 1, .max_args = -1,
		.kinds = { ARG_WORDS, ARG_WORDS }, .json = true,
		.run = cmd_capture,
	},
	{
		.name = "fmt", .args = "FILE...",
		.summary = "lay rule files out in the one canonical form",
		.detail =
"Print a rule file in canonical layout; - reads standard input.  Comments stay.",
		.example =
"sluice fmt -w web.vfr\n"
"sluice fmt -d site/*.vfr",
		.options = fmt_options, .min_args = 1, .max_args = -1,
		.kinds = { ARG_RULES, ARG_RULES }, .run = cmd_fmt,
	},
	{
		.name = "completion", .args = "bash",
		.summary = "print a completion script for the shell",
		.detail =
"Print what makes a shell complete commands, options and files.",
		.example = "source <(sluice completion bash)",
		.min_args = 1, .max_args = 1, .run = cmd_completion,
	},
	{
		.name = "help", .args = "[COMMAND]",
		.summary = "print this, or the help of a command",
		.detail = "Print the list of commands, or the help of one.",
		.max_args = 1, .run = cmd_help,
	},
	{ 0 },
};
