/*
 * netfront.h: the guest's network interfaces (xen/io/netif.h).
 *
 *	nf = netfront_open(0, &handler, ctx, NETFRONT_BUFS);
 *	netfront_transmit(nf, &frame); ... netfront_flush(nf);
 *
 * Received frames come as lists of pages that are the caller's until it gives
 * them back; frames to send are lists of pieces of the caller's memory, used in
 * place.  Everything happens in event_dispatch() and in the calls below; the
 * handler may call all of them but netfront_close().
 *
 * Pages are filled by copy, or exchanged (docs/flip.md) where the guest's command
 * line says net=flip and the backend offers it.  gso=0 there: no large segments
 * are taken.
 *
 * The hypervisor serves the rings: the guest trusts it, not what it brings.
 */
#ifndef KIT_NETFRONT_H
#define KIT_NETFRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netfront;

#define NETFRONT_BUFS	512	/* pages for receiving: 256 in the ring, and
				   as many in the hands of the guest */
#define NETFRONT_SLOTS	18	/* of a frame to send: every backend takes them */
#define NETFRONT_PIECES	17	/* likewise: one slot may say how to segment */

/* A page of netfront's with bytes that were received. */
struct netfront_buf {
	struct netfront_buf *next;	/* of the same frame; NULL: the last */
	uint8_t	*data;
	uint32_t len;			/* bytes at data, 1 to 4096 */
	uint64_t name;			/* netfront's: its grant, or L1 entry */
	void	*page;			/* netfront's */
	bool	 exchanged;		/* flip mode: not copied */
};

enum netfront_gso { NETFRONT_GSO_NONE, NETFRONT_GSO_TCP4, NETFRONT_GSO_TCP6 };

struct netfront_packet {		/* a received frame, from Ethernet on */
	struct netfront_buf *bufs;
	uint32_t len;			/* of all bufs */
	bool	 csum_ok;		/* the TCP or UDP checksum needs no check */
};

struct netfront_piece {			/* in linear memory, page borders anywhere */
	const void *data;
	uint32_t len;			/* above 0 */
};

struct netfront_frame {			/* to send, from Ethernet on */
	const struct netfront_piece *pieces;
	unsigned int nr;		/* 1 to NETFRONT_PIECES; 64 KiB in all */
	bool	 csum_blank;		/* TCP or UDP: the checksum field holds the
					   pseudo header's sum, not complemented */
	enum netfront_gso gso;		/* with it csum_blank must be set */
	uint16_t gso_size;		/* payload bytes of a segment */
	void	*token;			/* for sent() */
};

struct netfront_handler {
	/* A frame came in.  Its bufs are ctx's until netfront_buf_free(). */
	void (*receive)(void *ctx, const struct netfront_packet *p);
	/* The memory of the frame with that token may be used again. */
	void (*sent)(void *ctx, void *token);
	/* After a number of these: time to answer, and for netfront_flush(). */
	void (*idle)(void *ctx);
};

/*
 * Connect to device/vif/HANDLE of the store with nr_bufs pages (256 and more).
 * Frames may be sent at once; they wait until the backend has connected too.
 * NULL where the guest has no such vif or no memory.
 */
struct netfront *netfront_open(unsigned int handle,
			       const struct netfront_handler *h, void *ctx,
			       unsigned int nr_bufs);

/*
 * Disconnect and give everything back.  Frames on their way are sent() first.
 * All bufs must be back.  0, or -EBUSY and nothing is freed: the backend still
 * holds pages.  Then this may be tried again; nothing more is sent.
 */
int netfront_close(struct netfront *nf);

/*
 * Send a frame: its pieces must stay as they are until sent().  -ENOBUFS no
 * room now: try again in idle(); -E2BIG more slots than a frame may have.
 */
int netfront_transmit(struct netfront *nf, const struct netfront_frame *f);

/*
 * Slots that a frame takes: one for each page that a piece touches, and one for
 * its segmentation.  Whether there is room for so many now.
 */
unsigned int netfront_slots(const struct netfront_frame *f);
bool netfront_room(struct netfront *nf, unsigned int slots);

/* Tell the backend of the frames since the last flush. */
void netfront_flush(struct netfront *nf);

/* Give back one buf, not the list. */
void netfront_buf_free(struct netfront *nf, struct netfront_buf *b);
/* Bufs that are neither in the ring nor in use: low means others wait. */
unsigned int netfront_bufs_spare(const struct netfront *nf);

const uint8_t *netfront_mac(const struct netfront *nf);	/* 6 bytes */

/*
 * What dom0 knows of the interface: node "ip", "gateway" ... of device/vif/N
 * (docs/abi.md).  The length, or a negative errno.
 */
int netfront_node(const struct netfront *nf, const char *node, char *buf,
		  size_t size);

struct netfront_counters {
	uint64_t rx_frames, rx_bytes, rx_errors;
	uint64_t rx_exchanged;		/* pages, in flip mode */
	uint64_t tx_frames, tx_bytes, tx_full;
};
const struct netfront_counters *netfront_counters(const struct netfront *nf);

#endif
