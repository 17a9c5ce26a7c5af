/*
 * feed.h: captured frames into a lab: which port they come in by, and when.
 *
 * A capture was made on some other network.  So a frame enters by the port
 * that a map names for its sender or, without an entry, by the one that its
 * source address belongs to (lab_port_of()), and its Ethernet header is
 * written anew as it would be there: from the bound station, to the VFR, with
 * the port's VLAN.  With keep_macs frames stay as they are; then addresses
 * that do not fit are spoofed, and dropped.
 *
 * The VFR's clock follows the capture's; a step back counts as no time.
 */
#ifndef TOOLS_FEED_H
#define TOOLS_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "capture.h"
#include "lab.h"

#define FEED_MAPS_MAX 64

enum feed_match { FEED_ANY, FEED_MAC, FEED_NET };

struct feed_map {		/* a sender and the port it is behind */
	enum feed_match	  match;
	uint8_t		  mac[6];
	struct vfr_prefix net;
	const char	 *port_name;
	unsigned int	  port;		/* of the ruleset, by feed_begin() */
};

struct feed {
	struct lab	*lab;
	struct feed_map	 maps[FEED_MAPS_MAX];
	unsigned int	 nr_maps;
	bool		 keep_macs;
	bool		 started;
	uint64_t	 first_ns;	/* the capture's time at LAB_START_NS */
	uint8_t		*frame;		/* as it was put in */
	uint32_t	 caplen, len;
	unsigned int	 port;		/* of the ruleset */
};

/*
 * Take an entry "WHO=PORT" of the map; WHO is a MAC, a net or address, or
 * "any".  First match counts.  EXIT_OK, or EXIT_USAGE and why was said.
 */
int feed_map_add(struct feed *f, const char *entry);

/* Resolve ports.  EXIT_OK, EXIT_NOT_FOUND (said which), EXIT_FAILED. */
int feed_begin(struct feed *f, struct lab *lab);
void feed_end(struct feed *f);

/* Let the time of a packet come, then put it in. */
void feed_packet(struct feed *f, const struct capture_packet *p);

#endif
