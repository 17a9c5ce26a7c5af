/*
 * vfr/rate.h: a token bucket in bytes.
 *
 * It may go below zero by one packet, which is paid back: so a packet is never
 * longer than the bucket.  Threads: the caller serialises calls.
 */
#ifndef VFR_RATE_H
#define VFR_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct vfr_rate {
	uint64_t	bytes_per_s;	/* 0 = unlimited: leave the rest alone */
	uint64_t	burst_bytes;	/* depth of the bucket */
	int64_t		tokens;		/* bytes; below 0: in debt */
	uint64_t	filled_ns;	/* when tokens was brought up to date */
};

/* rate in bits a second, 0 = unlimited; burst_bytes 0 = 10 ms of the rate, at
   least one 64 KiB packet.  The bucket is full. */
void vfr_rate_set(struct vfr_rate *r, uint64_t rate_bps, uint32_t burst_bytes,
		  uint64_t now_ns);

/* Is it out of debt?  Only for one that has a rate. */
bool vfr_rate_allows(struct vfr_rate *r, uint64_t now_ns);

/* When one that is in debt will be out of it. */
uint64_t vfr_rate_allowed_at(const struct vfr_rate *r);

#endif
