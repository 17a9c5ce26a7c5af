/*
 * pcapng.h: write captures as pcapng, one interface per VFR port.
 *
 * A writer emits whole blocks through one callback and keeps no packet; so the
 * same code writes to a file, a pipe or a connection.  All numbers are in the
 * machine's byte order, which the section header announces.
 *
 * Readers built on libpcap stop when interfaces differ in link type or snap
 * length; so both belong to the writer, not to the interface.  The link type is
 * Ethernet, time is in nanoseconds since 1970.
 *
 * Every function returns 0 or a negative errno: what the callback returned,
 * -EINVAL for an interface that was not added, -EMSGSIZE for more than
 * PCAPNG_SNAPLEN_MAX bytes.  After a failed callback the writer is dead and
 * returns the same error for ever: half a block has been written.
 */
#ifndef TOOLS_PCAPNG_H
#define TOOLS_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCAPNG_SNAPLEN_MAX 262144 /* bytes; what libpcap itself accepts */

/* Take len bytes; 0 or a negative errno.  Called several times per block. */
typedef int pcapng_write_fn(void *ctx, const void *data, size_t len);

struct pcapng {
	pcapng_write_fn *write;
	void		*ctx;
	uint32_t	 snaplen;	/* bytes kept of each packet */
	uint32_t	 nr_ifaces;
	int		 error;		/* first failure, sticky */
};

struct pcapng_iface {			/* strings may be NULL */
	const char	*name;		/* the VFR port: "web", "wan" */
	const char	*description;
	const char	*filter;	/* the capture filter in words */
	const uint8_t	*mac;		/* 6 bytes, or NULL */
	uint64_t	 speed_bps;	/* 0: not known */
};

enum pcapng_direction {			/* as the VFR sees it; epb_flags */
	PCAPNG_DIR_UNKNOWN	= 0,
	PCAPNG_DIR_IN		= 1,
	PCAPNG_DIR_OUT		= 2,
};

/*
 * The verdict in Linux' XDP numbering, which Wireshark shows in words: a packet
 * taken by the VFR itself was "passed", one sent on to a port "redirected".
 */
enum pcapng_verdict {
	PCAPNG_VERDICT_NONE	= -1,	/* write no verdict */
	PCAPNG_VERDICT_DROP	= 1,
	PCAPNG_VERDICT_PASS	= 2,
	PCAPNG_VERDICT_REDIRECT	= 4,
};

struct pcapng_packet {
	uint32_t	iface;		/* from pcapng_add_iface() */
	uint64_t	time_ns;
	const void	*data;
	uint32_t	caplen;		/* bytes at data */
	uint32_t	len;		/* bytes on the wire */
	enum pcapng_direction direction;
	bool		csum_partial;	/* checksum left to the device */
	bool		gso;		/* segmentation left to the device */
	enum pcapng_verdict verdict;
	uint64_t	id;		/* the same on every port; 0: none */
	uint64_t	lost;		/* packets lost since the one before */
	const char	*comment;	/* UTF-8, or NULL */
};

struct pcapng_stats {
	uint64_t	start_ns, end_ns;
	uint64_t	received;	/* isb_ifrecv */
	uint64_t	dropped;	/* isb_ifdrop: by the VFR, any reason */
	uint64_t	accepted;	/* isb_filteraccept: filter took it */
	uint64_t	lost;		/* isb_osdrop: ring full */
	uint64_t	delivered;	/* isb_usrdeliv: written here */
};

/* Begin a section.  application: name and version of the writing program;
 * comment (or NULL) is kept with the whole file. */
int pcapng_begin(struct pcapng *w, pcapng_write_fn *write, void *ctx,
		 uint32_t snaplen, const char *application,
		 const char *comment);

/* Add the next interface; the first is number 0.  Any time before its first
 * packet. */
int pcapng_add_iface(struct pcapng *w, const struct pcapng_iface *iface);

/* Write a packet, cut to the snap length. */
int pcapng_packet(struct pcapng *w, const struct pcapng_packet *p);

/* Write an interface's counters; the last block for an interface counts. */
int pcapng_stats(struct pcapng *w, uint32_t iface,
		 const struct pcapng_stats *s);

#endif
