/*
 * vfr/packet.h: a packet as the VFR holds it.
 *
 * The bytes of a packet are: hdr[0 .. hdr_len), a private linear copy of its
 * first bytes, followed by frags[0 .. nr_frags), which lie in frames of the
 * sender and are never written.  What is judged is the copy, and the copy is
 * what is sent: a sender that rewrites its frame meanwhile changes nothing.
 * The VFR reads fragments only to pull more header bytes (each byte once), to
 * quote a packet in an ICMP error, and to check the sum of the segment that
 * completes a TCP handshake.
 *
 * Ownership: vfr_rx() takes the packet over.  Whoever ends its journey calls
 * release() exactly once: the VFR when it drops or consumes it, else the
 * egress port when it has sent it.  The packet must stay in place till then.
 */
#ifndef VFR_PACKET_H
#define VFR_PACKET_H

#include <stddef.h>
#include <stdint.h>

#define VFR_HEADROOM	32	/* bytes before hdr for tags the VFR pushes */
#define VFR_HDR_MAX	256	/* bytes of headers that can be judged */
#define VFR_HDR_PULL	128	/* what vfr_packet_seal() copies at first */
#define VFR_MAX_FRAGS	20	/* netif allows 18 slots; bounds the list */
#define VFR_MAX_LEN	(65535 + 22)	/* an IP packet and Ethernet, two tags */

struct vfr_frag {
	const uint8_t	*data;	/* first byte, mapped for reading */
	uint64_t	handle;	/* the owner's (frame, DMA address); not read */
	uint32_t	len;	/* bytes, > 0 */
	uint32_t	offset;	/* the owner's: byte within handle; kept in
				   step with data when bytes are pulled */
};

enum vfr_csum {			/* of the transport header */
	VFR_CSUM_NONE,		/* in the packet, not verified */
	VFR_CSUM_VALID,		/* in the packet, known to be right */
	VFR_CSUM_PARTIAL,	/* blank: the field holds the pseudo header's
				   sum; the last hop adds up from csum_start */
};

enum vfr_gso {
	VFR_GSO_NONE,
	VFR_GSO_TCP4,
	VFR_GSO_TCP6,
};

struct vfr_packet {
	uint8_t		*hdr;		/* within buf */
	uint32_t	len;		/* whole packet from hdr, bytes */
	uint16_t	hdr_len;	/* <= VFR_HDR_MAX */
	uint16_t	csum_start;	/* from hdr; if PARTIAL, the VFR sets */
	uint16_t	csum_offset;	/* these two; field, from csum_start */
	uint16_t	gso_size;	/* payload bytes in a segment */
	uint8_t		csum;		/* enum vfr_csum */
	uint8_t		gso;		/* enum vfr_gso; then csum is PARTIAL */
	uint8_t		nr_frags;
	uint8_t		refs;		/* the VFR's: clones of this packet */
	uint16_t	port;		/* ingress, set by vfr_rx() */
	uint16_t	ended;		/* the VFR's: waits for its clones */
	void		(*release)(struct vfr_packet *p);
	void		*owner;		/* release()'s and the owner's */
	struct vfr_packet *next;	/* link of whatever queue holds it */
	uint64_t	id;		/* the VFR's: the same on every tap */

	uint8_t		buf[VFR_HEADROOM + VFR_HDR_MAX];
	struct vfr_frag	frags[VFR_MAX_FRAGS];
};

/*
 * Fill in a packet: init, add its pieces in order, seal.  Then set csum*,
 * gso* where the sender gave them.
 */
static inline void vfr_packet_init(struct vfr_packet *p,
				   void (*release)(struct vfr_packet *p),
				   void *owner)
{
	p->hdr = p->buf + VFR_HEADROOM;
	p->len = 0;
	p->hdr_len = 0;
	p->csum_start = 0;
	p->csum_offset = 0;
	p->csum = VFR_CSUM_NONE;
	p->gso = VFR_GSO_NONE;
	p->nr_frags = 0;
	p->refs = 0;
	p->ended = 0;
	p->release = release;
	p->owner = owner;
	p->next = NULL;
}

/*
 * Append len bytes (> 0).  -E2BIG: too many pieces or too long; the packet is
 * as before.
 */
int vfr_packet_add(struct vfr_packet *p, const void *data, uint64_t handle,
		   uint32_t offset, uint32_t len);

/* Copy the first min(len, VFR_HDR_PULL) bytes to hdr.  They are read once. */
void vfr_packet_seal(struct vfr_packet *p);

/*
 * Make hdr_len at least n bytes.  -EINVAL: the packet is shorter than n, or n
 * is above VFR_HDR_MAX.
 */
int vfr_packet_pull(struct vfr_packet *p, unsigned int n);

/* Copy bytes [from, from + n) of the packet; returns how many there were. */
unsigned int vfr_packet_copy(const struct vfr_packet *p, unsigned int from,
			     void *to, unsigned int n);

/*
 * For ports whose device cannot: add up a PARTIAL checksum over the fragments
 * and store it; csum becomes NONE.  Not for GSO packets.
 */
void vfr_packet_checksum(struct vfr_packet *p);

/*
 * For ports whose device cannot: the headers of the i-th segment of a GSO
 * packet.  Copies them to hdr (hdr_cap bytes) with lengths, sequence number,
 * IP id and flags adjusted and a complete transport checksum.  *from and *n
 * say which bytes of the packet are the segment's payload.  Returns the
 * header's length, 0 past the last segment, -EINVAL for a broken packet.
 */
int vfr_packet_segment(const struct vfr_packet *p, unsigned int i,
		       uint8_t *hdr, unsigned int hdr_cap, uint32_t *from,
		       uint32_t *n);

#endif
