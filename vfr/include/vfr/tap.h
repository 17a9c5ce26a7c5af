/*
 * vfr/tap.h: capture points.
 *
 * A tap looks at one device or all, at chosen stages, through a classic BPF
 * program over the headers that the VFR has copied (VFR_HDR_PULL bytes or
 * more).  A device is known by its name: a tap waits for one that is not
 * attached, and stays with one that goes and comes back.
 *
 * Records go to a ring in memory that the opener hands in and may share: one
 * producer (the VFR), one consumer that is not trusted, no locks.  A full ring
 * loses records and counts them; packets never wait.
 *
 * Ring: prod and cons count bytes and run free; a record lies at
 * data[prod % size], never wraps, and is a multiple of 8 bytes.  A record of
 * type VFR_TAP_SKIP fills the end.  The consumer acquires prod, reads records
 * by their rec_len, and releases cons.
 */
#ifndef VFR_TAP_H
#define VFR_TAP_H

#include <stdint.h>

#define VFR_TAP_SNAP_MAX	65535
#define VFR_BPF_MAX		4096	/* instructions of a filter */

/* Stages, as bits. */
enum {
	VFR_TAP_INGRESS	= 1,	/* as it came in, with the final verdict */
	VFR_TAP_EGRESS	= 2,	/* as it leaves, after translation */
	VFR_TAP_DROP	= 4,	/* as it came in, if dropped; also what came
				   in elsewhere and would have left here */
};

enum { VFR_TAP_SKIP, VFR_TAP_PACKET };

enum vfr_verdict {
	VFR_VERDICT_PASS,	/* forwarded, or held for a neighbour */
	VFR_VERDICT_DROP,
	VFR_VERDICT_LOCAL,	/* taken or answered by the VFR itself */
};

enum {
	VFR_TAP_CSUM_PARTIAL	= 1,
	VFR_TAP_GSO		= 2,
};

struct vfr_tap_record {
	uint32_t	rec_len;	/* with this header and padding */
	uint8_t		type;		/* VFR_TAP_PACKET */
	uint8_t		stage;		/* one of VFR_TAP_* */
	uint8_t		verdict;	/* enum vfr_verdict */
	uint8_t		reason;		/* enum vfr_reason */
	uint64_t	time_ns;	/* of the burst, VFR clock */
	uint64_t	packet_id;	/* the same at every stage */
	uint64_t	rule_id;	/* that decided; 0 = none */
	uint32_t	rule;		/* its index then; UINT32_MAX = none */
	uint32_t	caplen, len;	/* bytes that follow; bytes on the wire */
	uint16_t	port;		/* came in here; VFR_PORT_SELF: made here */
	uint16_t	out;		/* leaves here, or would have but for the
					   verdict; UINT16_MAX = nowhere */
	uint32_t	lost;		/* records lost just before this one */
	uint16_t	gso_size;
	uint8_t		flags;		/* VFR_TAP_CSUM_PARTIAL ... */
	uint8_t		zero[5];
};
_Static_assert(sizeof(struct vfr_tap_record) == 64, "tap ring v1, record");

struct vfr_tap_ring {
	uint64_t	prod;		/* VFR writes */
	uint64_t	lost;		/* VFR writes: records, in total */
	uint64_t	seen;		/* VFR writes: packets the filter took */
	uint64_t	zero[5];
	uint64_t	cons;		/* consumer writes; the VFR mistrusts it */
	uint64_t	zero2[7];
	uint8_t		data[];
};

struct vfr_bpf_insn {		/* = struct bpf_insn of libpcap */
	uint16_t	code;
	uint8_t		jt, jf;
	uint32_t	k;
};

struct vfr_tap_config {
	const char			*device; /* NULL = all; copied */
	const char			*except; /* device whose packets, from
						    it or to it, are not shown;
						    NULL = none; copied */
	uint8_t				stages;	/* VFR_TAP_* bits */
	uint32_t			snaplen; /* 1 .. VFR_TAP_SNAP_MAX */
	const struct vfr_bpf_insn	*filter; /* copied; NULL = all */
	uint32_t			nr_filter; /* <= VFR_BPF_MAX */
	struct vfr_tap_ring		*ring;
	uint32_t			ring_bytes; /* of data: power of two,
						       4 KiB .. 1 GiB */
};

struct vfr;

/*
 * Start and stop a tap; between bursts only.  open returns its number, -EINVAL
 * for a bad configuration or program, -ENOSPC if all taps are in use or
 * the program is longer than vfr_limits.tap_insns.  close
 * returns -ENOENT; after it the ring is no longer touched.
 */
int vfr_tap_open(struct vfr *v, const struct vfr_tap_config *cfg);
int vfr_tap_close(struct vfr *v, int tap);

/* Check a program: 0 or -EINVAL.  It must end by return on every way. */
int vfr_bpf_check(const struct vfr_bpf_insn *insns, uint32_t nr);

/*
 * Run a checked program over the buflen bytes at data of a packet of len
 * bytes.  Returns the bytes to capture, 0 = not matched.
 */
uint32_t vfr_bpf_run(const struct vfr_bpf_insn *insns, const uint8_t *data,
		     uint32_t len, uint32_t buflen);

#endif
