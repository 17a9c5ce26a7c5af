/*
 * tap.h: dom0's end of a tap of the firewall (sluice/net.h, SLUICE_NET_TAP).
 */
#ifndef DOM0_TAP_H
#define DOM0_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include <sluice/net.h>
#include <vfr/tap.h>

struct tap {
	uint32_t	 id;
	uint32_t	 nr_frames, ring_bytes;
	void		*frames;
	struct vfr_tap_ring *ring;
	uint64_t	 cons;
	bool		 stopped;
};

/*
 * Open it; of want the input fields count.  0, or -EINVAL where the filter or a
 * field is refused, -ENOSPC all taps are in use, -ENOMEM.
 */
int tap_open(struct tap *t, const struct sluice_tap *want);

/* No more records come; those in the ring stay.  Twice is once. */
void tap_stop(struct tap *t);
/* After tap_stop(). */
void tap_close(struct tap *t);

/* The next packet, or NULL; it stays until tap_next(). */
const struct vfr_tap_record *tap_peek(struct tap *t);
void tap_next(struct tap *t);

/* Records that found no room, and packets that the filter took. */
static inline uint64_t tap_lost(const struct tap *t)
{
	return __atomic_load_n(&t->ring->lost, __ATOMIC_RELAXED);
}

static inline uint64_t tap_seen(const struct tap *t)
{
	return __atomic_load_n(&t->ring->seen, __ATOMIC_RELAXED);
}

#endif
