/*
 * flip.h: the receive ring of a frontend whose pages are exchanged.
 *
 * A vif's rings are netif's (xen/io/netif.h): one page each, the same header and
 * indices, 256 slots of 8 bytes.  Transmission is netif's in every respect.  On
 * the receive ring only the slots differ: the frontend posts empty pages of its
 * own, and gets a page back for each, which may be another frame with a packet
 * in it.  docs/flip.md says how it is negotiated, what the hypervisor promises
 * and what a frontend must keep to.
 */
#ifndef SLUICE_FLIP_H
#define SLUICE_FLIP_H

#include <stddef.h>
#include <stdint.h>

#define SLUICE_FLIP_VERSION	1u
#define SLUICE_FLIP_SLOTS	256

/*
 * An empty page of the guest: the machine address of the L1 entry that maps it
 * (a multiple of 8).  The entry maps it writably and is the page's only mapping;
 * the page has no other use.  It is the hypervisor's until the response.
 */
struct sluice_flip_request {
	uint64_t pte;
};

/* The answer to the request in the same slot. */
struct sluice_flip_response {
	uint16_t offset;	/* of the first byte, in the page */
	uint16_t len;		/* bytes in this page, 0 with ERROR */
	uint16_t flags;		/* SLUICE_FLIP_* */
	uint16_t gso_size;	/* payload of a segment, with GSO4 or GSO6 */
};

#define SLUICE_FLIP_VALID	(1u << 0) /* 1st: the checksum is right, or blank */
#define SLUICE_FLIP_BLANK	(1u << 1) /* 1st: it is still to be added up */
#define SLUICE_FLIP_MORE	(1u << 2) /* the next slot is of this packet too */
#define SLUICE_FLIP_GSO4	(1u << 3) /* 1st: a large segment, TCP and IPv4 */
#define SLUICE_FLIP_GSO6	(1u << 4) /* 1st: of TCP and IPv6 */
#define SLUICE_FLIP_EXCHANGED	(1u << 5) /* the entry maps another frame now */
#define SLUICE_FLIP_ERROR	(1u << 6) /* no such page: the packet is lost */

union sluice_flip_slot {
	struct sluice_flip_request req;
	struct sluice_flip_response rsp;
};

/* As struct netif_rx_sring, so that its ring macros fit. */
struct sluice_flip_ring {
	uint32_t req_prod, req_event;	/* the frontend writes req_prod */
	uint32_t rsp_prod, rsp_event;	/* and rsp_event */
	uint8_t	 pad[48];
	union sluice_flip_slot slot[SLUICE_FLIP_SLOTS];
};

_Static_assert(sizeof(struct sluice_flip_request) == 8, "flip v1");
_Static_assert(sizeof(struct sluice_flip_response) == 8, "flip v1");
_Static_assert(sizeof(union sluice_flip_slot) == 8, "flip v1");
_Static_assert(offsetof(struct sluice_flip_ring, slot) == 64, "flip v1");
_Static_assert(sizeof(struct sluice_flip_ring) == 2112, "flip v1");

#endif
