/*
 * netback.h: between the files of netback/.
 *
 * One VFR, its ports: vifs of domains (vif.c) and NICs (nic.c).  All of it, with
 * the VFR itself, is under net_lock but for the bytes into guests' buffers
 * (vif_deliver.c).  Work is done in SOFTIRQ_BACKEND by whichever CPU gets the
 * lock (run.c).  An interrupt or an event only says that there is work.
 */
#ifndef NETBACK_H
#define NETBACK_H

#include "types.h" /* first: Xen's headers use its integers */

#include <sluice/net.h>
#include <vfr/sched.h>
#include <vfr/vfr.h>

#include "barrier.h"
#include "lib.h"
#include "spinlock.h"

struct domain;
struct page;

/* ---- run.c ---- */

extern struct spinlock net_lock;
extern struct vfr *net_vfr;

/* There is work; any context, any lock. */
void net_kick(void);

/*
 * Who has had work within this time has more soon.  It is looked at again after
 * it, or when a guest leaves its CPU, instead of being asked to notify or
 * interrupt for each packet: it says so only when its ring is half full.
 */
#define NET_HOLD_NS	1000000ull

/* Let net_lock go: whoever else held it than run(), which looks by itself.
 * Guests are told what has changed in their rings. */
void net_unlock(void);

/* ---- packet.c: packets with room for what their owner must remember ---- */

#define NET_SLOTS_MAX	VFR_MAX_FRAGS

struct vif;
struct nic;

/*
 * Where packets come from, a vif or a NIC (or the VFR itself).  Their frames may
 * wait for buffers of a guest that is slow; one that is stalled must leave some
 * for all others: it may hold share times what is left of the limit.
 */
enum net_kind { FROM_VIF, FROM_NIC, FROM_VFR, NR_FROM };

struct net_source {
	enum net_kind kind;
	uint32_t limit;		/* frames that may wait, all receivers */
	uint32_t share;
	uint32_t waiting;	/* frames that do */
};

struct net_packet {
	struct vfr_packet p;	/* first: release() gets this */
	struct vif *vif;	/* whose frames they are; or */
	struct nic *nic;	/* which NIC's */
	struct net_source *from; /* either's */
	struct net_packet *next_free;
	uint32_t nr_slots;	/* frames held */
	uint32_t nr_extra;	/* slots of the request that hold none */
	uint32_t nr_sending;	/* vif: pieces queued at a NIC */
	bool by_piece;		/* flip: as its buffers were counted */
	struct vfr_packet *whole; /* segment.c: what is cut, */
	uint32_t nr_parts;	/* and the segments of it that are left, */
	uint32_t nr_waiting;	/* and those that wait for a guest's buffers */
	struct net_packet *cut_from; /* of a segment: where these stand */
	struct {
		struct page *page;	/* vif: the granted frame */
		uint32_t ref;		/* vif: its grant */
		uint16_t id;		/* vif: of the request; NIC: buffer */
	} slot[NET_SLOTS_MAX];
};

/* Of the VFR's own packets, which are no net_packets. */
extern struct net_source net_from_vfr;

/* Where it came from; segments as what they were cut from. */
static inline struct net_source *net_source_of(const struct vfr_packet *p)
{
	return p->port == VFR_PORT_SELF ?
		       &net_from_vfr : ((const struct net_packet *)p)->from;
}

/* Packets in a row, by their next. */
struct packet_queue {
	struct vfr_packet *head, *tail;
};

static inline void packets_push(struct packet_queue *q, struct vfr_packet *p)
{
	p->next = NULL;
	if (q->head)
		q->tail->next = p;
	else
		q->head = p;
	q->tail = p;
}

/* NULL: there is none. */
static inline struct vfr_packet *packets_pop(struct packet_queue *q)
{
	struct vfr_packet *p = q->head;

	if (p) {
		q->head = p->next;
		p->next = NULL;
	}
	return p;
}

/* NULL when all are in use.  Under net_lock. */
struct net_packet *net_packet_get(void);
void net_packet_put(struct net_packet *np);
uint32_t net_packets_free(void);
uint32_t net_packets_used(void);
int net_packets_init(uint32_t count);

static inline struct net_packet *net_packet_of(struct vfr_packet *p)
{
	return (struct net_packet *)p;
}

/* ---- segment.c ---- */

/* As in struct vfr_port_ops. */
typedef int net_transmit_fn(void *ctx, struct vfr_packet *p);

/*
 * Cut a large TCP packet (p->gso is set) and give each segment, with complete
 * checksums, to transmit.  0: taken over; *lost grows if only the first segments
 * were taken.  A negative errno: not one was, p is still the caller's.
 */
int net_segments(struct vfr_packet *p, net_transmit_fn *transmit, void *ctx,
		 uint64_t *lost);

/* ---- vif.c ---- */

int vif_connect(const struct sluice_vif *arg);
int vif_disconnect(uint16_t domid, uint32_t handle);
void vifs_disconnect_all(struct domain *d);

/* Push what was answered to senders, and notify; net_unlock() does. */
void vifs_settle(void);

/* Every 100 ms: give up on guests that do not take what waits for them. */
void vifs_tick(uint64_t now_ns);

/* Whose the VFR port is; false if it is no vif's.  device: its name's place. */
bool vif_of_port(unsigned port, uint32_t *domid, uint32_t *handle,
		 char device[SLUICE_DEVICE_NAME], uint64_t *ring_drops);

/* Vifs that are connected, and those of which only packets are left. */
void vifs_count(uint32_t *connected, uint32_t *leaving);

/*
 * A packet is to be queued at a NIC, as so many pieces, where room of them may
 * still wait: false where its vif has its share.  It counts as queued until its
 * release, or until vif_sends_not(): it was not.
 */
bool vif_sends(struct vfr_packet *p, uint32_t pieces, uint32_t room);
void vif_sends_not(struct vfr_packet *p);

/* A rate that the ruleset gives ports holds from now on. */
void vifs_set_rates(uint64_t now_ns);

/* ---- vif_turn.c ---- */

/* Serve rings while the budget lasts (packets).  True: there is more to do now.
 * *again_ns: lowered to when it wants to be called again, if not before. */
bool vifs_run(uint32_t budget, uint64_t now_ns, uint64_t *again_ns);

/* ---- vif_deliver.c ---- */

/* Vifs that have ready packets, for vifs_deliver(); NULL: none. */
struct vif *vifs_claim(void);
bool vifs_ready(void);	/* there are some */

/* Deliver these packets.  Without net_lock; ns that it took. */
uint64_t vifs_deliver(struct vif *mine);

/* Release what was delivered.  vifs_to_finish(): there is some; any context. */
void vifs_finish(void);
bool vifs_to_finish(void);

/* What it took to deliver all that was finished since the last call. */
uint64_t vifs_spent(void);

/* ---- vif_charge.c ---- */

/*
 * To judge the packets since the last call took so long: the domains that get
 * them pay for it, each for its part of them.
 */
void vifs_charge(uint64_t ns);

/* What domains have paid since the last call, but for deliveries. */
uint64_t vifs_paid(void);

/* ---- tap.c ---- */

/* Tell dom0 of records that were written since the last call. */
void taps_notify(void);

/* ---- nic.c; what drivers need is in nic.h ---- */

/* Find the NICs on PCI: nic0, nic1, ... in the order of the bus.  Boot only. */
void nics_init(void);

/*
 * As vifs_run(), for each NIC; those whose budget ended last time only if
 * poll_busy.  Their interrupts may stay off ...
 */
bool nics_run(uint32_t budget, bool poll_busy, uint64_t now_ns);

/* ... until this, at the end of a run.  True: something has come meanwhile.
 * *again_ns: as vifs_run(). */
bool nics_rearm(uint64_t now_ns, uint64_t *again_ns);

/* Every 100 ms: look after devices that hang or have failed. */
void nics_tick(uint64_t now_ns);

const struct nic *nic_of_port(unsigned port);

#endif
