/*
 * vif_chain.h: the slots of one packet, as a frontend queued them.
 *
 * Nothing of the hypervisor is needed here but the ring's memory: it runs in
 * tests on the host, too.
 */
#ifndef VIF_CHAIN_H
#define VIF_CHAIN_H

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/xen.h>
#include <xen/io/netif.h>

#define CHAIN_SLOTS	20	/* that can be a packet; netif asks for 18 */
#define CHAIN_READ	40	/* that are read, to refuse them one by one */

struct vif_chain {
	struct netif_tx_request slot[CHAIN_SLOTS];
	uint32_t nr;		/* that carry data, at most CHAIN_SLOTS */
	uint32_t nr_all;	/* with those for which there is no room */
	uint16_t id[CHAIN_READ];
	uint32_t nr_extra;	/* slots of extra information, behind the first */
	bool gso;
	uint16_t gso_size;
	uint8_t gso_type;	/* XEN_NETIF_GSO_TYPE_* */
	const char *bad;	/* why it cannot be a packet, or NULL */
	bool fatal;		/* the ring itself is broken: serve it no more */
};

/*
 * The next packet's slots off the ring, each read once.  False: there is none.
 * Where bad is NULL, slot[0 .. nr) are sizes > 0 within their pages, which the
 * first one's size no longer sums up.  The ids, id[0 .. nr_all) and nr_extra
 * more, are to be responded to in any case.
 */
bool vif_chain_read(struct netif_tx_back_ring *ring, struct vif_chain *c);

#endif
