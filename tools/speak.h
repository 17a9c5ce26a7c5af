/*
 * speak.h: packets in words, put through a lab.
 *
 * A conversation: packets, replies to what arrived, repetitions and pauses.
 * TCP's sequence numbers are kept for both ends, so that the VFR sees a
 * connection that makes sense, on both sides of a translation.
 */
#ifndef TOOLS_SPEAK_H
#define TOOLS_SPEAK_H

#include <rules/rules.h>

#include "describe.h"
#include "lab.h"

#define SPEAK_ENDS 256		/* ends of TCP connections remembered */

struct speak_half {		/* what one host knows of one connection */
	struct vfr_addr	src, dst;
	uint16_t	sport, dport;
	uint32_t	snd_next, rcv_next;
};

struct speak {
	struct lab		*lab;
	struct frame_spec	 last;		/* the last PACKET */
	unsigned int		 last_port;
	bool			 has_last;
	uint8_t			*sent;		/* what arrived last */
	size_t			 sent_len;
	unsigned int		 sent_port;	/* of the ruleset */
	struct speak_half	 ends[SPEAK_ENDS];
	unsigned int		 nr_ends;
};

void speak_begin(struct speak *s, struct lab *lab);
void speak_end(struct speak *s);

/* Send a packet in words.  0, or -EINVAL if no such frame can be made. */
int speak_packet(struct speak *s, const struct rules_packet *p);

/*
 * One step of an expectation, as often as it says.  It holds if each packet
 * has the outcome that it should have.  got says what came of the last packet,
 * or what does not hold.
 */
bool speak_step(struct speak *s, const struct rules_step *step,
		struct text *got);

#endif
