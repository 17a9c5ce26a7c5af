/*
 * capture.h: a tap of the firewall as a pcapng section.
 *
 * One interface for each port that was seen.  A packet stands where it came in,
 * with verdict, rule and reason as a comment, or where it left; its number is
 * the same in both places.  Time is UTC in nanoseconds.
 */
#ifndef DOM0_CAPTURE_H
#define DOM0_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfr/tap.h>

struct bytes;
struct capture;

#define CAPTURE_PORT_ANY "any"

struct capture_spec {
	const char *port;	/* of the ruleset, or CAPTURE_PORT_ANY */
	uint32_t    stages;	/* VFR_TAP_* */
	uint32_t    snaplen;	/* bytes, 1 to VFR_TAP_SNAP_MAX */
	const struct vfr_bpf_insn *filter;	/* not trusted */
	uint32_t    nr_filter;	/* 0: every packet */
	const char *words;	/* the filter as it was typed */
	const char *who;	/* asks for it, for the log */
};

/*
 * Start one.  0, or a negative errno with what to tell in *why: -ENOENT no such
 * port, -EINVAL refused by the hypervisor, -ENOSPC too many, -ENOMEM.
 */
int capture_open(const struct capture_spec *spec, struct capture **out,
		 const char **why);

/*
 * Append whole blocks, as long as there are records and to has room for any;
 * counters now and then.  True: there are more records.  to must have room for
 * the largest packet when it is empty.
 */
bool capture_fill(struct capture *c, struct bytes *to);

/* Append the counters as they are now, if there is room: false where not. */
bool capture_stats(struct capture *c, struct bytes *to);

/* The tap is gone; what it has seen can still be read. */
void capture_stop(struct capture *c);

/* Free it; stops it first, if it was not. */
void capture_close(struct capture *c);

#endif
