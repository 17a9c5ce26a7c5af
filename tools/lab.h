/*
 * lab.h: a VFR on the desk.
 *
 * The lab is the real router of vfr/, as the hypervisor runs it, with all
 * ports of a ruleset attached to devices that only remember what was sent.
 * It plays the neighbours too: an ARP request or neighbour solicitation that
 * the VFR sends out of a NIC is answered at once, so that packets reach next
 * hops that no test has to describe.  It judges nothing itself.
 *
 * One packet at a time: lab_send() puts it in, and what came of it stands in
 * the struct until the next call.
 */
#ifndef TOOLS_LAB_H
#define TOOLS_LAB_H

#include <stdbool.h>
#include <stdint.h>

#include <vfr/vfr.h>

#include "frame.h"

#define LAB_START_NS	1000000000ull	/* the clock at the beginning */

struct lab_device {		/* behind a VFR port */
	struct lab	*lab;
	unsigned int	 port;
};

struct lab_out {		/* a frame that left */
	unsigned int	 port;	/* VFR port */
	uint64_t	 id;	/* of struct vfr_packet */
	uint32_t	 len;
	uint8_t		*data;
};

enum lab_verdict {
	LAB_PASSED,		/* sent on, maybe after translation */
	LAB_LOCAL,		/* taken or answered by the VFR itself */
	LAB_HELD,		/* waits for other fragments or a neighbour */
	LAB_DROPPED,
};

struct lab {
	struct vfr		*v;
	void			*mem;
	const void		*blob;
	size_t			 blob_len;
	struct vfr_limits	 limits;
	struct lab_device	*devices;	/* by VFR port */
	unsigned int		 nr_devices;
	uint64_t		 now_ns;
	uint64_t		 tick_ns;	/* when vfr_tick() ran last */
	unsigned int		 nr_packets;	/* that the VFR holds */
	uint8_t			*scratch;	/* FRAME_MAX bytes */

	/* Of the last packet put in: */
	uint64_t		 id;		/* the VFR's number of it */
	struct vfr_trace	 trace;
	enum lab_verdict	 verdict;
	enum vfr_reason		 reason;	/* of LAB_DROPPED */
	uint32_t		 rule;		/* that decided; VFR_NONE32 */
	struct lab_out		*out;
	unsigned int		 nr_out, out_room;
};

/* Raise limits to what the ruleset of blob needs.  Errors as lab_create(). */
int lab_limits_for(struct vfr_limits *limits, const void *blob, size_t len,
		   const char **why);

/*
 * Make a lab with the ruleset of blob, which must stay.  limits may be NULL.
 * 0, -ENOMEM, or -EINVAL and *why says what is wrong with the ruleset.
 */
int lab_create(struct lab *l, const void *blob, size_t len,
	       const struct vfr_limits *limits, const char **why);
void lab_destroy(struct lab *l);

/* Begin anew: no flows, no neighbours, no counters; the clock starts again. */
int lab_reset(struct lab *l);

/* Load another ruleset in place; ports that it adds are attached.  Flows are
 * judged anew at once unless flags has VFR_LOAD_KEEP_FLOWS. */
int lab_load(struct lab *l, const void *blob, size_t len, unsigned int flags,
	     const char **why);

/* Let virtual time pass, with the VFR's timers running. */
void lab_wait(struct lab *l, uint64_t ns);

/*
 * A frame comes in at a port of the ruleset.  len may be above caplen: what
 * was not captured counts as zeros.  A frame that claims to be longer than
 * VFR_MAX_LEN, as none on a wire can be, is judged as one of that length.
 */
void lab_send(struct lab *l, unsigned int rs_port, const void *frame,
	      uint32_t caplen, uint32_t len);

/* The first frame that left for the last packet put in (not an answer that
 * the VFR made), or NULL. */
const struct lab_out *lab_sent(const struct lab *l);

/* Is it a rule that drops for this reason, and not what came before or after
 * it? */
bool lab_rule_drops(enum vfr_reason reason);

/*
 * What follows is in lab_link.c.
 *
 * The Ethernet address of device n: that of a neighbour 0.0.0.n, which nobody
 * can have.
 */
void lab_device_mac(unsigned int n, uint8_t mac[6]);

/* The VFR port behind a port of the ruleset. */
unsigned int lab_vfr_port(const struct lab *l, unsigned int rs_port);

/* The port of the ruleset that a frame on a VFR port belongs to: a NIC has one
 * per VLAN.  VFR_NONE16 if there is none for its VLAN. */
unsigned int lab_rs_port(const struct lab *l, unsigned int vfr_port,
			 const uint8_t *frame, size_t len);

/* The first port of the ruleset on a VFR port, or VFR_NONE16. */
unsigned int lab_first_rs_port(const struct lab *l, unsigned int vfr_port);

/* Is a frame part of the talk between the VFR and the neighbours that the lab
 * plays: ARP or neighbour discovery, and not the packet put in? */
bool lab_is_neighbour_talk(const struct lab *l, uint64_t id,
			   const uint8_t *frame, size_t len);

/* Which ruleset port a frame from src enters by when nobody says: that of the
 * domain it is bound to; else the NIC of its LAN, else one with a gateway. */
unsigned int lab_port_of(const struct lab *l, const struct vfr_addr *src);

/*
 * Ethernet addresses of a frame as it would enter at a port: from the bound
 * station or a neighbour on the NIC, to the VFR or, on a bridged net, to the
 * station that has dst.  And its VLAN.
 */
struct lab_link {
	uint8_t	 src_mac[6], dst_mac[6];
	uint16_t vlan;		/* 0: untagged */
};

void lab_link(const struct lab *l, unsigned int rs_port,
	      const struct vfr_addr *src, const struct vfr_addr *dst,
	      struct lab_link *link);

#endif
