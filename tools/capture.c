/*
 * capture.c: captures by libpcap.
 *
 * libpcap holds a packet's time as seconds and nanoseconds; a hostile file may
 * claim more than a second's worth, or a length on the wire below the captured
 * one.  Both are put right here, so that nobody behind has to doubt them.
 */
#include "capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NS_PER_S 1000000000ull

struct capture {
	pcap_t		*pcap;
	const char	*name;
	uint64_t	 size;		/* bytes, 0: not known */
	uint64_t	 nr_read;
	char		 error[CAPTURE_ERROR_MAX];
};

static int refuse_linktype(pcap_t *pcap, const char *name, char *error)
{
	const char *what = pcap_datalink_val_to_description(
		pcap_datalink(pcap));

	snprintf(error, CAPTURE_ERROR_MAX,
		 "%s: link type is '%s'; only Ethernet captures can be "
		 "judged (capture on one interface, not on 'any')",
		 name, what ? what : "unknown");
	return -EINVAL;
}

int capture_open_stream(struct capture **c, FILE *stream, const char *name,
			char error[CAPTURE_ERROR_MAX])
{
	char why[PCAP_ERRBUF_SIZE];
	struct capture *n = calloc(1, sizeof(*n));
	struct stat st;

	if (!n) {
		fclose(stream);
		snprintf(error, CAPTURE_ERROR_MAX, "%s: out of memory", name);
		return -ENOMEM;
	}
	n->name = name;
	if (fileno(stream) >= 0 && fstat(fileno(stream), &st) == 0 &&
	    S_ISREG(st.st_mode))
		n->size = st.st_size;

	n->pcap = pcap_fopen_offline_with_tstamp_precision(
		stream, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!n->pcap) {
		snprintf(error, CAPTURE_ERROR_MAX,
			 "%s: not a capture file that can be read: %s", name,
			 why);
		fclose(stream);
		free(n);
		return -EINVAL;
	}
	if (pcap_datalink(n->pcap) != DLT_EN10MB) {
		int rc = refuse_linktype(n->pcap, name, error);

		capture_close(n);
		return rc;
	}
	*c = n;
	return 0;
}

int capture_open(struct capture **c, const char *path,
		 char error[CAPTURE_ERROR_MAX])
{
	FILE *stream;
	struct stat st;

	if (strcmp(path, "-") == 0)
		return capture_open_stream(c, stdin, "standard input", error);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		snprintf(error, CAPTURE_ERROR_MAX,
			 "%s: is a directory, not a capture file", path);
		return -EISDIR;
	}
	stream = fopen(path, "rb");
	if (!stream) {
		int rc = -errno;

		snprintf(error, CAPTURE_ERROR_MAX,
			 "cannot read capture '%s': %s", path, strerror(-rc));
		return rc;
	}
	return capture_open_stream(c, stream, path, error);
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	pcap_close(c->pcap);	/* closes the stream as well */
	free(c);
}

static uint64_t packet_time(const struct pcap_pkthdr *h)
{
	uint64_t s = h->ts.tv_sec < 0 ? 0 : h->ts.tv_sec;
	uint64_t ns = h->ts.tv_usec < 0 ? 0 : h->ts.tv_usec;

	if (s > UINT64_MAX / NS_PER_S - 1)
		s = 0;
	return s * NS_PER_S + ns % NS_PER_S;
}

int capture_next(struct capture *c, struct capture_packet *p)
{
	struct pcap_pkthdr *h;
	const u_char *data;
	int rc = pcap_next_ex(c->pcap, &h, &data);

	if (rc == PCAP_ERROR_BREAK)
		return 0;
	if (rc != 1) {
		snprintf(c->error, sizeof(c->error),
			 "%s: damaged after packet %llu: %s", c->name,
			 (unsigned long long)c->nr_read,
			 pcap_geterr(c->pcap));
		return -EINVAL;
	}
	*p = (struct capture_packet){
		.number = ++c->nr_read,
		.time_ns = packet_time(h),
		.data = data,
		.caplen = h->caplen,
		.len = h->len > h->caplen ? h->len : h->caplen,
	};
	return 1;
}

const char *capture_error(const struct capture *c)
{
	return c->error;
}

uint64_t capture_position(const struct capture *c)
{
	long at = ftell(pcap_file(c->pcap));

	return at < 0 ? 0 : at;
}

uint64_t capture_size(const struct capture *c)
{
	return c->size;
}
