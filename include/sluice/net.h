/*
 * net.h: the network's part of Sluice's own hypercall (control.h says how it is
 * called).  All operations are dom0's alone.
 *
 * dom0 reads the appliance file, compiles the rules, and negotiates with
 * frontends over xenstore; here it tells the hypervisor the outcome: which rings
 * to serve, and which ruleset to follow.
 */
#ifndef SLUICE_NET_H
#define SLUICE_NET_H

#include "control.h"

#define SLUICE_NET_CONNECT	32	/* struct sluice_vif */
#define SLUICE_NET_DISCONNECT	33	/* struct sluice_vif_id */
#define SLUICE_NET_LOAD		34	/* struct sluice_ruleset */
#define SLUICE_NET_PORT		35	/* struct sluice_port */
#define SLUICE_NET_LOG		36	/* struct sluice_net_log */
#define SLUICE_NET_RULE		37	/* struct sluice_rule */
#define SLUICE_NET_TAP		38	/* struct sluice_tap */
#define SLUICE_NET_UNTAP	39	/* struct sluice_tap_id */
#define SLUICE_NET_USE		48	/* struct sluice_net_use */

#define SLUICE_VIF_MAX		512	/* connected at one time */
#define SLUICE_RULESET_MAX	(16u << 20)	/* bytes */
#define SLUICE_DEVICE_NAME	24	/* bytes of a port's device name, NUL too */

/* What a frontend can take (its xenstore keys say). */
#define SLUICE_VIF_SG		(1u << 0)	/* feature-sg */
#define SLUICE_VIF_TSO4		(1u << 1)	/* feature-gso-tcpv4 */
#define SLUICE_VIF_TSO6		(1u << 2)	/* feature-gso-tcpv6 */
#define SLUICE_VIF_NO_CSUM	(1u << 3)	/* feature-no-csum-offload */
#define SLUICE_VIF_CSUM6	(1u << 4)	/* feature-ipv6-csum-offload */
#define SLUICE_VIF_FLIP		(1u << 5)	/* flip rings: sluice/flip.h */

/*
 * Serve the rings of a frontend.  All is done or nothing: -EEXIST connected
 * already, -ENOSPC too many, -EINVAL a grant or the port is not what it must be
 * (the port: allocated unbound for dom0).  The VFR port is named device; it is
 * live once the loaded ruleset binds that name.
 */
struct sluice_vif {
	uint32_t domid;
	uint32_t handle;	/* device/vif/HANDLE */
	uint32_t tx_ref;
	uint32_t rx_ref;
	uint32_t port;		/* the guest's event channel */
	uint32_t features;	/* SLUICE_VIF_* */
	uint32_t mtu;		/* bytes of IP, 68 to 65535 */
	uint32_t pad;
	char	 device[SLUICE_DEVICE_NAME];
};

/* -ENOENT not connected.  When it returns no grant of the frontend is held, but
 * those of packets that a NIC is sending. */
struct sluice_vif_id {
	uint32_t domid;
	uint32_t handle;
};

#define SLUICE_LOAD_KEEP_FLOWS	(1u << 0)

/*
 * Check a ruleset blob (vfr/ruleset.h) and put it in place of the old one.  It
 * is copied first.  The operation itself returns 0 also where the blob is refused:
 * then status and why say so, and nothing has changed.  No packet passes that
 * the new rules deny from the moment it is in place; the operation returns when
 * every tracked flow has been judged anew.
 */
struct sluice_ruleset {
	uint64_t blob;		/* pointer */
	uint64_t size;		/* bytes, up to SLUICE_RULESET_MAX */
	uint32_t flags;		/* SLUICE_LOAD_* */
	int32_t	 status;	/* OUT: 0, or -EINVAL: see why */
	uint64_t checked;	/* OUT: tracked flows judged anew */
	uint64_t closed;	/* OUT: of them, no longer allowed */
	char	 why[104];	/* OUT with a status */
};

#define SLUICE_DROP_REASONS	64

/*
 * A port of the VFR: the first with an index >= the one given.  The last one,
 * with index SLUICE_PORT_SELF and no device, is the VFR itself: answers and
 * errors that it makes.
 */
#define SLUICE_PORT_SELF	UINT16_MAX

struct sluice_port {
	uint32_t index;		/* IN and OUT; -ENOENT when there is none */
	uint32_t kind;		/* OUT: 0 vif, 1 NIC */
	uint32_t domid;		/* OUT: of a vif */
	uint32_t handle;	/* OUT: of a vif */
	char	 device[SLUICE_DEVICE_NAME]; /* OUT */
	uint8_t	 mac[6];	/* OUT: of a NIC */
	uint8_t	 link;		/* OUT: 1 up */
	uint8_t	 live;		/* OUT: 1 the ruleset names it */
	uint64_t rx_packets, rx_bytes;	/* OUT: into the VFR */
	uint64_t tx_packets, tx_bytes;	/* OUT: out of it */
	uint64_t forwarded, local, held; /* OUT */
	uint64_t ring_drops;	/* OUT: out of the VFR, but the guest has no room */
	uint64_t drops[SLUICE_DROP_REASONS]; /* OUT: by vfr/reason.h */
};

/* Entries of the VFR's log, oldest first (vfr/vfr.h, struct vfr_log_entry). */
struct sluice_net_log {
	uint64_t buf;		/* pointer */
	uint32_t entry_size;	/* must be the hypervisor's */
	uint32_t count;		/* IN: room; OUT: written */
	uint64_t lost;		/* OUT: since boot */
};

struct sluice_rule {
	uint32_t index;		/* -ENOENT; UINT32_MAX: the default deny */
	uint32_t nat;		/* 1: of the translations */
	uint64_t packets, bytes, flows, limited, log_suppressed; /* OUT */
};

#define SLUICE_TAPS_MAX		8
#define SLUICE_TAP_RING_MAX	(8u << 20)	/* bytes */

/*
 * Open a tap (vfr/tap.h) whose ring is shared with dom0: nr_frames frames from
 * mfn on, to be mapped in a row.  The ring lies SLUICE_TAP_RING_OFFSET bytes
 * into the first of them, so that its data starts with the second.
 * VIRQ_TBUF of xen/xen.h tells dom0 of records in any of its rings.
 *
 * -EINVAL: a field, or the filter, a classic BPF program that is not trusted;
 * -ENOSPC: all taps are in use; -ENOMEM.
 */
#define SLUICE_TAP_RING_OFFSET	(4096 - 128)

struct sluice_tap {
	char	 device[SLUICE_DEVICE_NAME]; /* what to watch; "": all */
	char	 except[SLUICE_DEVICE_NAME]; /* whose traffic not; "": none */
	uint64_t filter;	/* pointer to struct vfr_bpf_insn[nr_filter] */
	uint32_t nr_filter;	/* instructions; 0: every packet */
	uint32_t stages;	/* VFR_TAP_* */
	uint32_t snaplen;	/* bytes of a packet, 1 to VFR_TAP_SNAP_MAX */
	uint32_t ring_bytes;	/* power of two, 4096 to SLUICE_TAP_RING_MAX */
	uint32_t tap;		/* OUT: its number */
	uint32_t nr_frames;	/* OUT */
	uint64_t mfn;		/* OUT: the first frame */
};

/* -ENOENT.  When it returns the ring is no longer written; its frames are freed
 * as dom0 unmaps them. */
struct sluice_tap_id {
	uint32_t tap;
	uint32_t pad;		/* 0 */
};

/* What is in use now. */
struct sluice_net_use {
	uint32_t vifs;		/* OUT: connected */
	uint32_t leaving;	/* OUT: disconnected, packets still on their way */
	uint32_t packets;	/* OUT: of vifs and NICs, on their way */
	uint32_t flows;		/* OUT: tracked connections */
};

_Static_assert(sizeof(struct sluice_net_use) == 16, "net v1");
_Static_assert(sizeof(struct sluice_vif) == 56, "net v1");
_Static_assert(sizeof(struct sluice_vif_id) == 8, "net v1");
_Static_assert(sizeof(struct sluice_ruleset) == 144, "net v1");
_Static_assert(sizeof(struct sluice_port) == 624, "net v1");
_Static_assert(sizeof(struct sluice_net_log) == 24, "net v1");
_Static_assert(sizeof(struct sluice_rule) == 48, "net v1");
_Static_assert(sizeof(struct sluice_tap) == 88, "net v1");
_Static_assert(sizeof(struct sluice_tap_id) == 8, "net v1");

#endif
