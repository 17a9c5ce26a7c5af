/*
 * capture.h: read a capture file by libpcap, packet by packet.
 *
 * Any format that libpcap reads; only Ethernet captures are taken, since the
 * VFR judges frames.  Time is in nanoseconds since 1970, whatever the file's
 * own resolution.
 */
#ifndef TOOLS_CAPTURE_H
#define TOOLS_CAPTURE_H

#include <stdint.h>
#include <stdio.h>

#define CAPTURE_ERROR_MAX 512

struct capture;

struct capture_packet {
	uint64_t	 number;	/* from 1, as Wireshark counts */
	uint64_t	 time_ns;
	const uint8_t	*data;		/* until the next capture_next() */
	uint32_t	 caplen;	/* bytes at data */
	uint32_t	 len;		/* bytes on the wire, >= caplen */
};

/*
 * Open the file at path, "-" for standard input.  0, or -ENOENT, -EACCES,
 * -EISDIR, -EINVAL (not a capture, or not Ethernet), -ENOMEM; then error says
 * why in words, with the file's name.
 */
int capture_open(struct capture **c, const char *path,
		 char error[CAPTURE_ERROR_MAX]);

/* The same for an open stream, which belongs to the capture from then on, even
 * if this fails.  name is for messages. */
int capture_open_stream(struct capture **c, FILE *stream, const char *name,
			char error[CAPTURE_ERROR_MAX]);

void capture_close(struct capture *c);

/* 1 and a packet, 0 at the end, -EINVAL where the file is damaged. */
int capture_next(struct capture *c, struct capture_packet *p);

/* Why capture_next() failed, in words. */
const char *capture_error(const struct capture *c);

/* Bytes read so far, and of the whole file; 0 when it is a pipe. */
uint64_t capture_position(const struct capture *c);
uint64_t capture_size(const struct capture *c);

#endif
