/* ports.h: the VFR's ports with their counters, for people. */
#ifndef DOM0_PORTS_H
#define DOM0_PORTS_H

/*
 * A line a port: packets in and out, what became of those that came in, drops
 * by reason; and whether the sums are right (in = forwarded + local + held +
 * drops, summed over all: forwarded = out).
 */
void ports_print(void);

#endif
