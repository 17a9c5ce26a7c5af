/*
 * vif_turn.c: whose transmit ring is served next, and how much of it.
 *
 * A vif whose guest has notified, or whose ring is held (run.c), wants a turn;
 * the VFR's scheduler gives them in round-robin, within the rates of the ports.
 */
#include "vif.h"

#include "domain.h"
#include "lib.h"
#include "percpu.h"
#include "time.h"

static struct vfr_sched_port sched_ports[SLUICE_VIF_MAX];
static struct vfr_sched sched;

#define WORD_BITS	64
/* A: vifs whose guests have notified, a bit for each place in the table. */
static uint64_t kicked[SLUICE_VIF_MAX / WORD_BITS];
static uint64_t held[SLUICE_VIF_MAX / WORD_BITS]; /* see hold() */
static_assert(SLUICE_VIF_MAX % WORD_BITS == 0, "whole words of bits");

void vif_turn_event(void *arg)
{
	struct vif *v = arg;

	__atomic_fetch_or(&kicked[v->index / WORD_BITS],
			  1ull << v->index % WORD_BITS, __ATOMIC_RELEASE);
	net_kick();
}

void vif_turn_want(struct vif *v)
{
	vfr_sched_wake(&sched, v->index);
}

void vif_turn_end(struct vif *v)
{
	vfr_sched_sleep(&sched, v->index);
}

void vif_turn_rate(struct vif *v, uint64_t now)
{
	const struct vfr_rs_port *c =
		vfr_port_config(net_vfr, (unsigned)v->port);

	vfr_sched_rate(&sched, v->index, c ? c->rate_bps : 0,
		       c ? c->burst_bytes : 0, now);
}

static void wake(struct vif *v)
{
	if (!v || !v->connected)
		return; /* its place may be another's by now: no harm */
	vif_rx_run(v);
	vif_turn_want(v);
}

/* Those whose guests have notified since, and those that are held. */
static void wake_kicked(void)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(kicked); i++) {
		uint64_t bits = READ_ONCE(kicked[i]);

		if (bits)
			bits = __atomic_exchange_n(&kicked[i], 0,
						   __ATOMIC_ACQUIRE);
		bits |= held[i];
		held[i] = 0;
		for (; bits; bits &= bits - 1)
			wake(vif_at(i * WORD_BITS +
				    (uint32_t)__builtin_ctzll(bits)));
	}
}

/* A guest that sends packet after packet is not asked to notify of each. */
static bool hold(struct vif *v, uint32_t packets, uint64_t now)
{
	bool often = now - v->sent_ns < NET_HOLD_NS;

	if (packets)
		v->sent_ns = now;
	if (!often || v->broken || current == this_cpu()->idle)
		return false;
	held[v->index / WORD_BITS] |= 1ull << v->index % WORD_BITS;
	vif_tx_hold(v);
	return true;
}

/* One turn of one vif; its domain pays for the time. */
static uint32_t vif_turn(const struct vfr_sched_grant *g, uint64_t now)
{
	struct vif *v = vif_at(g->port);
	uint32_t packets = g->packets;
	uint64_t bytes = g->bytes;
	bool more;

	if (!v || !v->connected || v->broken) {
		vfr_sched_done(&sched, g->port, 0, 0, false, now);
		return 1;
	}
	more = vif_tx_run(v, &packets, &bytes, now);
	if (!more && !hold(v, packets, now))
		more = vif_tx_rearm(v);
	vfr_sched_done(&sched, g->port, packets, bytes, more && !v->broken,
		       now);
	vif_charge(v, now_ns() - now);
	vifs_charge(0); /* for what others got has been paid */
	return packets ? packets : 1;
}

static bool any_held(void)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < ARRAY_SIZE(held); i++)
		bits |= held[i];
	return bits;
}

bool vifs_run(uint32_t budget, uint64_t now, uint64_t *again_ns)
{
	wake_kicked();
	while (budget) {
		struct vfr_sched_grant g = vfr_sched_next(&sched, now);
		uint32_t used;

		/* Senders need not wait for what others have delivered. */
		if (vifs_to_finish()) {
			vifs_finish();
			vifs_settle();
		}
		if (g.port == VFR_SCHED_NONE) {
			if (g.again_ns)
				*again_ns = MIN(*again_ns, g.again_ns);
			if (any_held())
				*again_ns = MIN(*again_ns, now + NET_HOLD_NS);
			return false;
		}
		used = vif_turn(&g, now);
		budget -= MIN(budget, used);
		now = now_ns();
	}
	return true;
}

void vif_turns_init(void)
{
	vfr_sched_init(&sched, &vfr_sched_drr, sched_ports, SLUICE_VIF_MAX);
}
