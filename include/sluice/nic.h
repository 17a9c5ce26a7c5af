/*
 * nic.h: the machine's NICs, for dom0 alone (control.h says how it is called).
 * What passes through their ports is counted there: net.h, SLUICE_NET_PORT.
 */
#ifndef SLUICE_NIC_H
#define SLUICE_NIC_H

#include "net.h"

#define SLUICE_NIC		40	/* struct sluice_nic */
#define SLUICE_NIC_RESET	41	/* struct sluice_nic_reset */

#define SLUICE_NIC_QUEUES	4
#define SLUICE_NIC_TEXT		32	/* bytes, with the NUL */

#define SLUICE_NIC_CSUM		(1u << 0)	/* it adds up checksums */
#define SLUICE_NIC_TSO4		(1u << 1)	/* it cuts TCP segments */
#define SLUICE_NIC_TSO6		(1u << 2)

/* A pair of queues, since boot. */
struct sluice_nic_queue {
	uint64_t rx_packets;
	uint64_t tx_packets;	/* given to the device */
	uint64_t tx_done;	/* of them, no longer held by it */
	uint64_t interrupts;
};

/* NIC number index, in the order of the bus; -ENOENT when there is none. */
struct sluice_nic {
	uint32_t index;		/* IN */
	uint32_t nr_queues;	/* OUT */
	char	 device[SLUICE_DEVICE_NAME];	/* OUT: nic0 ... */
	char	 driver[SLUICE_NIC_TEXT];	/* OUT */
	char	 address[16];	/* OUT: on PCI, as "0000:00:04.0" */
	char	 failed[SLUICE_NIC_TEXT];	/* OUT: why it is not in use, or "" */
	uint8_t	 mac[6];	/* OUT */
	uint8_t	 link;		/* OUT: 1 up */
	uint8_t	 features;	/* OUT: SLUICE_NIC_* */
	uint32_t mtu;		/* OUT */
	uint32_t pad;
	uint64_t rx_bad;	/* OUT: packets the device gave that are none */
	uint64_t rx_no_packet;	/* OUT: lost, since too many wait elsewhere */
	uint64_t tx_lost;	/* OUT: counted as sent, but lost: in a reset, or the
				   end of a large packet in a full queue */
	uint64_t failures;	/* OUT */
	uint64_t resets;	/* OUT */
	struct sluice_nic_queue queue[SLUICE_NIC_QUEUES]; /* OUT */
};

/* Reset a NIC as if it had failed: what it was to send is lost.  -ENOENT. */
struct sluice_nic_reset {
	uint32_t index;
	uint32_t pad;
};

_Static_assert(sizeof(struct sluice_nic) == 296, "nic v1");
_Static_assert(sizeof(struct sluice_nic_reset) == 8, "nic v1");

#endif
