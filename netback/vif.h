/*
 * vif.h: a vif between vif.c (its life), vif_tx.c and vif_rx.c (its rings), the
 * latter with vif_deliver.c, and that with vif_copy.c or vif_flip.c.
 */
#ifndef VIF_H
#define VIF_H

#include "netback.h"

#include <xen/xen.h>
#include <xen/io/netif.h>

#define DOM0		0	/* in whose name grants are taken */
#define VIF_RX_QUEUE	256	/* frames of each kind of source that wait */
				/* for the guest's buffers */
#define VIF_WAITS	224	/* of the 256 slots of its transmit ring, that */
#define VIF_WAIT_SHARE	4	/* may wait at others: net_source */
#define VIF_SENDING	96	/* pieces in NICs' queues: then its ring waits */
#define VIF_RX_WAIT_NS	1000000000ull /* for so long, if none comes */

struct vif;

/* How packets get into a guest's buffers: by what its frontend asked for. */
struct vif_rx_ops {
	/* Buffers that deliver() will use for p.  Under net_lock. */
	uint32_t (*plan)(struct vfr_packet *p);
	/* Put p into the ring, where so many are posted; it stays the
	 * caller's.  This and settle() without net_lock. */
	void (*deliver)(struct vif *v, struct vfr_packet *p);
	/* Before the guest is to see what was delivered; may be NULL. */
	void (*settle)(struct vif *v);
};

/* net_lock; D: whoever delivers, while that is so. */
struct vif {
	struct domain *d;	/* a reference, until the last packet is back */
	uint16_t domid;
	uint32_t handle;
	uint32_t evtchn;	/* the guest's port */
	uint32_t features;	/* SLUICE_VIF_* */
	uint32_t index;		/* in the scheduler, and in the table */
	int port;		/* of the VFR */
	bool connected;		/* false: only packets in flight keep it */
	bool broken;		/* it broke the protocol: no more service */
	uint32_t in_flight;	/* packets whose frames it granted */
	uint32_t sending;	/* pieces of them in NICs' queues */
	bool starved;		/* its ring waits for one of them */
	struct net_source source;

	uint32_t tx_ref, rx_ref;
	struct page *tx_page, *rx_page; /* rings, pinned grants */
	struct netif_tx_back_ring tx;
	struct netif_rx_back_ring rx; /* D */
	uint32_t rx_taken;	/* requests that are for packets; rx.req_cons is */
				/* behind by those that are not delivered yet */
	bool tx_notify;		/* the guest is to be told */
	bool unsettled;		/* in the list of those to be settled */
	struct vif *next_unsettled;
	uint64_t sent_ns;	/* when it last had packets to send */

	struct packet_queue wait; /* for buffers of the guest */
	uint32_t nr_wait[NR_FROM]; /* frames */
	const struct vif_rx_ops *rx_ops;
	struct packet_queue ready; /* have buffers, to be delivered */
	bool listed;		/* among those with ready packets */
	bool delivering;	/* a CPU is at it */
	struct vif *next_ready;	/* D */
	struct packet_queue given; /* D: what it delivers */
	uint32_t nr_given;	/* D: packets of it */
	uint64_t delivery_ns;	/* D: what that took */
	uint32_t lost;		/* D: packets, to be added to ring_drops */
	uint32_t whose;		/* flip: this connection, in leftover.h */
	struct page *flush_page; /* D: flip: the last that was exchanged */
	uint32_t judged;	/* packets to the guest since vifs_charge() */
	struct vif *next_charged; /* among those that got some */
	uint64_t moved_ns;	/* when the first of them came to be first */
	uint64_t ring_drops;
	char device[SLUICE_DEVICE_NAME];
};

/* ---- vif_tx.c ---- */

/* Take at most packets, and begin none beyond bytes; both come back as taken.
 * True: the ring has more. */
bool vif_tx_run(struct vif *v, uint32_t *packets, uint64_t *bytes,
		uint64_t now_ns);

/* Let the guest see the responses. */
void vif_tx_push(struct vif *v);

/* Nothing new in the ring, and the guest will notify: else true. */
bool vif_tx_rearm(struct vif *v);

/* The guest will notify once its ring is half full. */
void vif_tx_hold(struct vif *v);

/* ---- vif_rx.c ---- */

extern const struct vfr_port_ops vif_port_ops;

/* May the frontend get p without its checksum? */
bool vif_takes_partial(const struct vif *v, const struct vfr_packet *p);

/* What waits becomes ready, as far as there are buffers. */
void vif_rx_run(struct vif *v);
void vif_rx_drop_all(struct vif *v);
/* What waits here and was sent by that one. */
void vif_rx_drop_from(struct vif *v, const struct vif *sender);

/* ---- vif_deliver.c; more is in netback.h ---- */

/* p has its buffers.  Takes it over. */
void vif_ready(struct vif *v, struct vfr_packet *p);
/* Nobody delivers: drop what is ready. */
void vif_ready_drop(struct vif *v);

/* ---- vif_copy.c, vif_flip.c ---- */

extern const struct vif_rx_ops vif_copy_ops, vif_flip_ops;

/* ---- vif_turn.c ---- */

/* Its guest has notified; arg: the vif.  Interrupts off, evtchn lock held. */
void vif_turn_event(void *arg);
void vif_turn_want(struct vif *v); /* its ring may have work */
void vif_turn_end(struct vif *v); /* it is gone: no more turns */
/* As the ruleset says of its port. */
void vif_turn_rate(struct vif *v, uint64_t now_ns);
void vif_turns_init(void);

/* ---- vif_charge.c ---- */

/* A packet for its guest was judged: see vifs_charge(). */
void vif_judged(struct vif *v);
/* Its domain pays for so much work of ours. */
void vif_charge(struct vif *v, uint64_t ns);

/* ---- vif.c ---- */

/* By its place in the table, < SLUICE_VIF_MAX; NULL: there is none. */
struct vif *vif_at(uint32_t index);


/* It broke the ring protocol: say why, serve it no more. */
void vif_broken(struct vif *v, const char *why);
void vif_notify(struct vif *v);
void vif_unsettled(struct vif *v); /* it has responses to be pushed */
void vif_put(struct vif *v); /* a packet in flight is back */

#endif
