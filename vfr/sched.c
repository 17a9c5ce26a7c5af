/*
 * sched.c: whose packets are taken next; see vfr/sched.h.
 *
 * The round is a queue of ports with work.  The one at its head has the turn;
 * after it, it goes to the tail if it has more.  A port whose bucket is empty
 * keeps its place but is passed over.
 */
#include "internal.h"

#include <vfr/sched.h>

void vfr_sched_init(struct vfr_sched *s, const struct vfr_sched_ops *ops,
		    struct vfr_sched_port *ports, uint32_t nr_ports)
{
	uint32_t i;

	memset(ports, 0, nr_ports * sizeof(*ports));
	for (i = 0; i < nr_ports; i++)
		ports[i].index = i;
	*s = (struct vfr_sched){
		.ops = ops, .ports = ports, .nr_ports = nr_ports,
	};
}

void vfr_sched_rate(struct vfr_sched *s, uint32_t port, uint64_t rate_bps,
		    uint32_t burst_bytes, uint64_t now_ns)
{
	vfr_rate_set(&s->ports[port].rate, rate_bps, burst_bytes, now_ns);
}

static void append(struct vfr_sched *s, struct vfr_sched_port *p)
{
	p->next = NULL;
	if (s->tail)
		s->tail->next = p;
	else
		s->head = p;
	s->tail = p;
}

static void unlink_port(struct vfr_sched *s, struct vfr_sched_port *p)
{
	struct vfr_sched_port *prev = NULL, *q = s->head;

	while (q != p) {
		prev = q;
		q = q->next;
	}
	if (prev)
		prev->next = p->next;
	else
		s->head = p->next;
	if (s->tail == p)
		s->tail = prev;
	p->next = NULL;
}

void vfr_sched_wake(struct vfr_sched *s, uint32_t port)
{
	struct vfr_sched_port *p = &s->ports[port];

	if (p->queued)
		return;
	p->queued = true;
	append(s, p);
}

void vfr_sched_sleep(struct vfr_sched *s, uint32_t port)
{
	struct vfr_sched_port *p = &s->ports[port];

	if (p->queued)
		unlink_port(s, p);
	p->queued = false;
	p->deficit = 0;
}

struct vfr_sched_grant vfr_sched_next(struct vfr_sched *s, uint64_t now_ns)
{
	struct vfr_sched_grant g = { .port = VFR_SCHED_NONE };
	struct vfr_sched_port *p;

	for (p = s->head; p; p = p->next) {
		if (p->rate.bytes_per_s && !vfr_rate_allows(&p->rate, now_ns)) {
			uint64_t at = vfr_rate_allowed_at(&p->rate);

			if (!g.again_ns || at < g.again_ns)
				g.again_ns = at;
			continue;
		}
		g.port = p->index;
		s->ops->turn(p, &g);
		if (p->rate.bytes_per_s && g.bytes > (uint64_t)p->rate.tokens)
			g.bytes = (uint64_t)p->rate.tokens;
		g.again_ns = 0;
		return g;
	}
	return g;
}

void vfr_sched_done(struct vfr_sched *s, uint32_t port, uint32_t packets,
		    uint64_t bytes, bool more, uint64_t now_ns)
{
	struct vfr_sched_port *p = &s->ports[port];

	if (p->rate.bytes_per_s)
		p->rate.tokens -= (int64_t)bytes;
	if (!p->queued)
		return;		/* put to sleep meanwhile */
	s->ops->done(p, packets, bytes, more);
	unlink_port(s, p);
	if (more)
		append(s, p);
	else
		p->queued = false;
}

/* --- plain round-robin: packets, whatever their size --- */

static void rr_turn(struct vfr_sched_port *p, struct vfr_sched_grant *g)
{
	g->packets = VFR_SCHED_QUANTUM_PACKETS;
	g->bytes = UINT32_MAX;
}

static void rr_done(struct vfr_sched_port *p, uint32_t packets,
		    uint64_t bytes, bool more)
{
}

const struct vfr_sched_ops vfr_sched_rr = {
	.name = "rr", .turn = rr_turn, .done = rr_done,
};

/* --- deficit round-robin (Shreedhar and Varghese, 1995): bytes --- */

static void drr_turn(struct vfr_sched_port *p, struct vfr_sched_grant *g)
{
	p->deficit += VFR_SCHED_QUANTUM_BYTES;
	/* A packet is taken whole as long as some of it fits, so the deficit
	   may go below 0 by one packet; it is paid back in later turns, also
	   by a port that had nothing more to send meanwhile. */
	g->packets = UINT32_MAX;
	g->bytes = p->deficit > 0 ? (uint64_t)p->deficit : 0;
}

static void drr_done(struct vfr_sched_port *p, uint32_t packets,
		     uint64_t bytes, bool more)
{
	p->deficit -= (int64_t)bytes;
	if (!more && p->deficit > 0)
		p->deficit = 0;
	if (p->deficit > VFR_SCHED_QUANTUM_BYTES)
		p->deficit = VFR_SCHED_QUANTUM_BYTES;
}

const struct vfr_sched_ops vfr_sched_drr = {
	.name = "drr", .turn = drr_turn, .done = drr_done,
};
