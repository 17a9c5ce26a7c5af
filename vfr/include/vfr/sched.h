/*
 * vfr/sched.h: whose packets are taken next?
 *
 * A transmit scheduler over ports that have packets pending.  It owns no
 * packets: the backend says vfr_sched_wake() when a port's ring has work, asks
 * vfr_sched_next() whom to serve and how much, takes at most that from the
 * ring, and reports with vfr_sched_done() what it took.
 *
 * Two policies behind one ops struct: plain round-robin (a fixed number of
 * packets each turn) and deficit round-robin (a quantum of bytes each turn,
 * what is left over is carried to the next).  Both honour the token bucket of
 * the port.  Threads: the caller serialises calls.
 */
#ifndef VFR_SCHED_H
#define VFR_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include <vfr/rate.h>

#define VFR_SCHED_NONE	UINT32_MAX
#define VFR_SCHED_QUANTUM_BYTES	(16 * 1514)
#define VFR_SCHED_QUANTUM_PACKETS 16

struct vfr_sched_port {
	struct vfr_sched_port	*next;	/* in the round, if queued */
	int64_t		deficit;	/* bytes it may still send this turn */
	struct vfr_rate	rate;		/* in debt: it must wait */
	uint32_t	index;		/* of this port */
	bool		queued;		/* has work */
};

struct vfr_sched_ops;
extern const struct vfr_sched_ops vfr_sched_rr, vfr_sched_drr;

struct vfr_sched {
	const struct vfr_sched_ops *ops;
	struct vfr_sched_port	*ports;
	struct vfr_sched_port	*head, *tail;	/* the round */
	uint32_t		nr_ports;
};

struct vfr_sched_grant {
	uint32_t	port;		/* VFR_SCHED_NONE: nobody may send now */
	uint32_t	packets;	/* take at most this many ... */
	uint64_t	bytes;		/* ... and begin none beyond these bytes */
	uint64_t	again_ns;	/* NONE: when a bucket allows, 0 = never */
};

struct vfr_sched_ops {
	const char *name;
	/* size the turn of a port that is at the head of the round */
	void (*turn)(struct vfr_sched_port *p, struct vfr_sched_grant *g);
	/* account for a turn; more: the port still has work */
	void (*done)(struct vfr_sched_port *p, uint32_t packets,
		     uint64_t bytes, bool more);
};

/* ports: memory for nr_ports, kept by the scheduler. */
void vfr_sched_init(struct vfr_sched *s, const struct vfr_sched_ops *ops,
		    struct vfr_sched_port *ports, uint32_t nr_ports);

/* As vfr_rate_set(). */
void vfr_sched_rate(struct vfr_sched *s, uint32_t port, uint64_t rate_bps,
		    uint32_t burst_bytes, uint64_t now_ns);

void vfr_sched_wake(struct vfr_sched *s, uint32_t port);
/* The port is gone; the next one of its number begins anew. */
void vfr_sched_sleep(struct vfr_sched *s, uint32_t port);

struct vfr_sched_grant vfr_sched_next(struct vfr_sched *s, uint64_t now_ns);
/* Must follow each grant with a port.  more: the ring still has work. */
void vfr_sched_done(struct vfr_sched *s, uint32_t port, uint32_t packets,
		    uint64_t bytes, bool more, uint64_t now_ns);

#endif
