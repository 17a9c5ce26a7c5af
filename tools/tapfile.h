/*
 * tapfile.h: records of a VFR tap as a pcapng file.
 *
 * One interface for each port of the ruleset.  A packet's number is the same
 * where it came in and where it left; the verdict and the rule stand where it
 * came in.
 */
#ifndef TOOLS_TAPFILE_H
#define TOOLS_TAPFILE_H

#include <stdio.h>

#include "lab.h"
#include "pcapng.h"

struct tap_counters {		/* of one port */
	uint64_t	in, passed, local, dropped, out;
};

struct tapfile {
	struct lab		*lab;
	struct vfr_tap_ring	*ring;
	uint64_t		 offset_ns;	/* add to the VFR's clock */
	uint64_t		 number;	/* of the capture's packet */
	struct pcapng		 ng;
	FILE			*out;		/* NULL: only count */
	struct tap_counters	*ports;		/* by port of the ruleset */
	uint64_t		 reasons[VFR_NR_REASONS];
	uint64_t		 first_ns, last_ns;
};

/*
 * Open a tap on all ports of a lab.  out may be NULL; else a section and the
 * interfaces are written.  0 or a negative errno.
 */
int tapfile_open(struct tapfile *t, struct lab *lab, FILE *out,
		 uint32_t snaplen, const char *rules_path);

/*
 * Take what the tap has seen since the last call and write it.  Call it after
 * every packet, with the packet's number.  Exchanges with neighbours that the
 * lab plays are left out.  0, or the error of writing.
 */
int tapfile_drain(struct tapfile *t, uint64_t number);

/* Write statistics, close the tap (not out).  0, or the error of writing. */
int tapfile_close(struct tapfile *t);

#endif
