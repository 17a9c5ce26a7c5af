/*
 * xs.h: the xenstore server: connections, requests, transactions, watches.
 *
 * It deals in bytes: what a connection's peer wrote goes in, what is for the
 * peer comes out.  Where bytes come from is xs_ring.h's business.  All input is
 * hostile.  What a peer can make dom0 hold is bounded: its nodes by
 * STORE_BYTES_MAX, all else by the XS_*_MAX below; more is refused with ENOSPC.
 * Domain 0 itself has no such bounds.  Where dom0 has no memory at all, requests
 * wait for it: there is always room for the answer to one that is served.
 */
#ifndef DOM0_XS_H
#define DOM0_XS_H

#include <errno.h>	/* before xs_wire.h, whose table of errors wants it */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

#include "dom0/store.h"

#define XS_WATCHES_MAX		128	/* of one connection */
#define XS_TRANSACTIONS_MAX	10
#define XS_HELD_MAX		32768	/* bytes of watches and transactions */
#define XS_BACKLOG_MAX		16384	/* bytes waiting for the peer */

struct xs_watch {
	struct xs_watch *next;
	char	*path;		/* absolute, or @introduceDomain and its like */
	size_t	 skip;		/* leave out so many bytes in events: relative */
	char	*token;
};

struct xs_message {		/* waiting to go out */
	struct xs_message *next;
	size_t	 len;
	bool	 is_event;
	char	 data[];
};

struct xs_request;
struct xs_transaction;

struct xs_conn {
	struct xs_conn	  *next;
	struct xs_server  *server;
	uint32_t	   domid;
	bool		   broken;	/* the peer broke the protocol: deaf */
	bool		   waits;	/* a request, for memory: try again */

	size_t		   in_len;	/* of the message in in[] so far */
	char		   in[sizeof(struct xsd_sockmsg) +
			      XENSTORE_PAYLOAD_MAX];

	struct xs_message *out, **out_end;
	size_t		   out_sent;	/* of the first */
	size_t		   out_bytes;	/* of memory */
	uint64_t	   events_lost;

	struct xs_watch	  *watches;
	unsigned int	   nr_watches;
	size_t		   watch_bytes;
	struct xs_transaction *transactions;
	unsigned int	   nr_transactions;
	uint32_t	   next_transaction;
};

struct xs_server {
	struct store	 store;
	uint64_t	 changes;	/* of the store so far */
	struct xs_conn	*conns;
	struct xs_request *rq;		/* the one that is served */
	struct xs_message *spare;	/* for any answer; NULL: in use */
	/* Tells dom0's own code of each change; may be NULL. */
	void		(*changed)(void *arg, const char *path);
	void		*changed_arg;
};

int xs_server_init(struct xs_server *s);
void xs_server_fini(struct xs_server *s);

/* NULL without memory. */
struct xs_conn *xs_conn_new(struct xs_server *s, uint32_t domid);
void xs_conn_free(struct xs_conn *c);

/*
 * Take bytes from the peer, and serve each request that they complete.  The
 * number taken, which is less than len while too much waits for the peer, or
 * c->waits; then try again later, with no bytes too.
 */
size_t xs_conn_input(struct xs_conn *c, const void *data, size_t len);
/* Up to size bytes for the peer; the number. */
size_t xs_conn_output(struct xs_conn *c, void *buf, size_t size);

/* dom0's own changes; watches fire.  0 or a negative errno. */
int xs_set(struct xs_server *s, const char *path, const char *value);
int xs_delete(struct xs_server *s, const char *path);
/* Owner owner; reader may read as well (owner: nobody else). */
int xs_set_owner(struct xs_server *s, const char *path, uint32_t owner,
		 uint32_t reader);
/* The value as a string; its length, or a negative errno. */
int xs_get(struct xs_server *s, const char *path, char *buf, size_t size);
/* Fire the watches on @introduceDomain or @releaseDomain. */
void xs_special(struct xs_server *s, const char *name);

#endif
