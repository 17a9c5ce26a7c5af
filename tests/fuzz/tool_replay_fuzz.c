/*
 * A capture file of any bytes: read, put through the VFR, written as pcapng.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/feed.h"
#include "tools/rulefile.h"
#include "tools/tapfile.h"

static const char rules_text[] =
	"nic wan address 203.0.113.2/24, 2001:db8::2/64"
	" gateway 203.0.113.1, 2001:db8::1\n"
	"net dmz 10.1.0.0/24, 2001:db8:1::/64\n"
	"domain web on dmz address 10.1.0.10, 2001:db8:1::10\n"
	"redirect on wan tcp 8080 to web tcp 80\n"
	"masquerade dmz out wan\n"
	"allow tcp 80 from any to web\n"
	"allow icmp from any to any\n"
	"allow any from web to any\n";

static struct rulefile rules;
static struct lab lab;
static FILE *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[] = "/tmp/tool_replay_fuzz.XXXXXX";
	FILE *out = fdopen(mkstemp(path), "w");
	struct vfr_limits limits = {	/* small, for the sake of speed */
		.flows = 256, .ports = 4, .taps = 1, .tap_insns = 16,
		.log = 16, .sources = 16, .macs = 16, .packets = 64,
		.fragments = 16, .neighbours = 64,
	};
	const char *why;

	if (!out || fputs(rules_text, out) < 0 || fclose(out))
		abort();
	if (rulefile_open(&rules, path, RULEFILE_COMPILE, NULL))
		abort();
	unlink(path);
	if (lab_create(&lab, rules.blob, rules.blob_len, &limits, &why))
		abort();
	nowhere = fopen("/dev/null", "wb");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[CAPTURE_ERROR_MAX];
	struct feed feed = { .nr_maps = 0 };
	struct capture_packet p;
	struct capture *c;
	struct tapfile tap;

	if (!size || capture_open_stream(&c, fmemopen((void *)data, size,
						      "rb"), "fuzz", error))
		return 0;
	if (lab_reset(&lab) ||	/* so that each input stands alone */
	    feed_begin(&feed, &lab) ||
	    tapfile_open(&tap, &lab, nowhere, 128, "fuzz"))
		abort();
	while (capture_next(c, &p) == 1) {
		feed_packet(&feed, &p);
		if (tapfile_drain(&tap, p.number))
			abort();
	}
	tapfile_close(&tap);
	feed_end(&feed);
	capture_close(c);
	return 0;
}
