/*
 * nic.h: between nic.c and the drivers of NICs, which are plugs behind one ops
 * struct.  All calls are under net_lock but where it says otherwise.
 *
 * Receive buffers are whole frames of the hypervisor's.  Fragment i of a packet
 * that a NIC received lies in slot[i].page of its net_packet; who wants to keep
 * that frame puts another one of no owner in its place before the release.
 *
 * A driver never trusts its device: what it reads from rings is checked, and a
 * device that breaks the rules is reported by nic_fail().  It is then left
 * alone until ops->reset() starts it anew.
 */
#ifndef NIC_H
#define NIC_H

#include "netback.h"

struct pci_device;

#define NIC_QUEUES_MAX	4	/* pairs: one for each CPU, up to this */

struct nic_ops {
	/* Up to budget packets that came in, net_packets; how many. */
	uint32_t (*receive)(struct nic *n, struct vfr_packet **pkts,
			    uint32_t budget);
	/* 0, or -ENOBUFS: not taken.  Sent packets are released later.  Only
	 * offloads of the features are asked for. */
	int (*transmit)(struct nic *n, struct vfr_packet *p);
	/* Tell the device of what transmit() queued. */
	void (*flush)(struct nic *n);
	/* Tell it of all that it has: it may have missed that.  NULL: not this
	 * kind. */
	void (*remind)(struct nic *n);
	/* Release what the device has sent. */
	void (*reclaim)(struct nic *n);
	/*
	 * Interrupts on again; true when something came in meanwhile.  held:
	 * only for when the device runs short of buffers; one that cannot tell
	 * stays silent, and is looked at after NET_HOLD_NS.
	 */
	bool (*rearm)(struct nic *n, bool held);
	bool (*link)(struct nic *n);
	/* Every 100 ms: NULL, or why the device wants a reset. */
	const char *(*check)(struct nic *n);
	/*
	 * Take everything back from the device, release what it was to send,
	 * and start it anew.  A negative errno: it does not start; it holds
	 * nothing then, either.
	 */
	int (*reset)(struct nic *n);
};

/* One pair of queues, or a device's only one. */
struct nic_queue {
	uint64_t rx_packets;
	uint64_t tx_packets;	/* taken by transmit() */
	uint64_t tx_done;	/* of them, released */
	uint64_t interrupts;	/* A */
	uint64_t seen_done, moved_ns; /* nic.c's: does it hang? */
};

struct nic {
	/* The driver fills these in before nic_register(). */
	const struct nic_ops *ops;
	const char *driver;
	const struct pci_device *pci;
	uint8_t mac[6];
	uint8_t features;	/* VFR_DEV_* */
	uint32_t mtu;
	uint32_t nr_queues;

	struct nic_queue queue[NIC_QUEUES_MAX];	/* the driver counts */
	uint64_t rx_bad;	/* packets that were not what they must be */
	uint64_t rx_no_packet;	/* lost: all net_packets in use */

	/* nic.c's */
	struct net_source source; /* its buffers that wait for guests */
	char name[SLUICE_DEVICE_NAME];
	char address[VFR_ALIAS_MAX]; /* on PCI, as "0000:00:04.0" */
	int port;		/* of the VFR */
	bool up;		/* carrier, as the VFR knows it */
	bool busy;		/* its last run ended on the budget */
	bool often;		/* packets come less than NET_HOLD_NS apart */
	uint64_t got_ns;	/* when the last came */
	uint64_t seen_moved;	/* packets in and sent, at the last tick */
	bool look;		/* A: the link may have changed */
	struct packet_queue wait; /* for room in its rings */
	uint32_t nr_wait;
	uint64_t tx_lost;	/* counted as sent, but it was too late */
	const char *failed;	/* why it is not used; NULL: it is */
	bool emptied;		/* failed: all its packets are back */
	uint64_t failures, resets;
	uint64_t reset_ns;	/* when it was reset last */
	uint64_t wait_ns;	/* from a failure to the reset */
	uint64_t retry_ns;	/* when that is */
};

/* Drivers, called for each device on PCI that is theirs: boot only.  It is
 * registered, or a negative errno says that it cannot be used. */
int virtio_net_probe(const struct pci_device *d);
int e1000_probe(const struct pci_device *d);

/* By number; NULL: there are no more. */
struct nic *nic_at(uint32_t index);

/* The device becomes a port.  0, -ENOSPC too many.  Boot only. */
int nic_register(struct nic *n);

/* The device breaks the rules, or has stopped. */
void nic_fail(struct nic *n, const char *why);

/* Interrupts: of a queue, or of the link.  Any context, any lock. */
void nic_interrupt(struct nic *n, uint32_t queue);
void nic_look(struct nic *n);

#endif
