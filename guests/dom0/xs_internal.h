/*
 * xs_internal.h: between xs.c (connections), xs_ops.c (requests) and
 * xs_watch.c.
 */
#ifndef DOM0_XS_INTERNAL_H
#define DOM0_XS_INTERNAL_H

#include "dom0/xs.h"

#define XS_HEAP_BYTES	32	/* what the heap keeps and rounds, at most */

struct xs_log {			/* one request within a transaction */
	struct xs_log	*next;
	uint32_t	 type;
	uint64_t	 reply_hash;
	bool		 changed;	/* it succeeded, and changed its path */
	size_t		 len;
	char		 data[];
};

struct xs_transaction {
	struct xs_transaction *next;
	uint32_t	 id;
	uint64_t	 changes;	/* of the server's store, at the start */
	struct store	 store;		/* with the transaction's changes */
	struct xs_log	*log, **log_end;
	size_t		 log_bytes;
};

/* One request while it is served. */
struct xs_request {
	struct xs_conn	*conn;
	struct store	*store;		/* of the transaction, or the server's */
	struct xs_transaction *tx;	/* NULL outside */
	uint32_t	 type;
	const char	*data;
	size_t		 len;
	char		 path[STORE_PATH_MAX];	/* absolute */
	bool		 changed;	/* OUT: path was changed */
	struct xs_watch	*watch;		/* OUT: a new one, to fire once */
	size_t		 reply_len;
	char		 reply[XENSTORE_PAYLOAD_MAX];
};

/*
 * Serve rq->type with rq->data on rq->store.  0 with the reply, or a negative
 * errno.  Watches do not fire.
 */
int xs_serve(struct xs_request *rq);

/* Make data (NUL-ended) an absolute path; 0 or -EINVAL. */
int xs_path(const struct xs_conn *c, const char *data, char *path);

void xs_transaction_free(struct xs_conn *c, struct xs_transaction *tx);
struct xs_transaction *xs_transaction_find(struct xs_conn *c, uint32_t id);

/* Whether c may make dom0 hold so many bytes more: 0 or -ENOSPC. */
int xs_room(const struct xs_conn *c, size_t bytes);

int xs_watch_add(struct xs_conn *c, const char *path, const char *token,
		 struct xs_watch **added);
/* The event that a new watch starts with, after the answer to its request. */
void xs_watch_first(struct xs_conn *c, const struct xs_watch *w);
int xs_watch_remove(struct xs_conn *c, const char *path, const char *token);
void xs_watches_free(struct xs_conn *c);

/*
 * path was written, or removed with all below it.  before and after are the
 * tree then and now; a connection hears only of nodes that it may read.
 */
void xs_watches_fire(struct xs_server *s, const struct store *before,
		     const struct store *after, const char *path);

/* Queue a message; false where there is no room or memory for an event. */
bool xs_send(struct xs_conn *c, uint32_t type, uint32_t req_id, uint32_t tx_id,
	     const void *data, size_t len);

#endif
