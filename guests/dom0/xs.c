/*
 * xs.c: messages, transactions, and dom0's own access.
 *
 * A transaction works on a copy of the tree and keeps a log of its requests.
 * At its end, where the tree has changed meanwhile, the log is played again on
 * the tree as it is now: if every answer is the same, nothing that the
 * transaction saw has changed, and the result is what it would have been;
 * otherwise it fails with EAGAIN.
 */
#include "dom0/xs_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NR_ERRORS (sizeof(xsd_errors) / sizeof(xsd_errors[0]))

/* -- messages ------------------------------------------------------------- */

static bool event_queued(const struct xs_conn *c, const char *data, size_t len)
{
	const struct xs_message *m = c->out;

	if (m && c->out_sent)
		m = m->next;
	for (; m; m = m->next)
		if (m->is_event && m->len == len + sizeof(struct xsd_sockmsg) &&
		    !memcmp(m->data + sizeof(struct xsd_sockmsg), data, len))
			return true;
	return false;
}

static size_t message_bytes(const struct xs_message *m)
{
	return sizeof(*m) + m->len + XS_HEAP_BYTES;
}

/* An answer takes the spare one where there is no memory. */
static struct xs_message *message_alloc(struct xs_server *s, size_t len,
					bool is_event)
{
	struct xs_message *m =
		malloc(sizeof(*m) + sizeof(struct xsd_sockmsg) + len);

	if (!m && !is_event) {
		m = s->spare;
		s->spare = NULL;
	}
	return m;
}

static bool spare_ready(struct xs_server *s)
{
	if (!s->spare)
		s->spare = malloc(sizeof(*s->spare) +
				  sizeof(struct xsd_sockmsg) +
				  XENSTORE_PAYLOAD_MAX);
	return s->spare;
}

bool xs_send(struct xs_conn *c, uint32_t type, uint32_t req_id, uint32_t tx_id,
	     const void *data, size_t len)
{
	struct xsd_sockmsg hdr = { type, req_id, tx_id, len };
	bool is_event = type == XS_WATCH_EVENT;
	struct xs_message *m;

	if (is_event && event_queued(c, data, len))
		return true;
	/* Answers always fit: input stops while the backlog is too long. */
	if (is_event && c->out_bytes + len > XS_BACKLOG_MAX)
		return false;
	m = message_alloc(c->server, len, is_event);
	if (!m)
		return false;
	m->next = NULL;
	m->is_event = is_event;
	m->len = sizeof(hdr) + len;
	memcpy(m->data, &hdr, sizeof(hdr));
	if (len)
		memcpy(m->data + sizeof(hdr), data, len);
	*c->out_end = m;
	c->out_end = &m->next;
	c->out_bytes += message_bytes(m);
	return true;
}

size_t xs_conn_output(struct xs_conn *c, void *buf, size_t size)
{
	size_t done = 0;

	while (c->out && done < size) {
		struct xs_message *m = c->out;
		size_t n = m->len - c->out_sent;

		if (n > size - done)
			n = size - done;
		memcpy((char *)buf + done, m->data + c->out_sent, n);
		done += n;
		c->out_sent += n;
		if (c->out_sent < m->len)
			break;
		c->out = m->next;
		if (!c->out)
			c->out_end = &c->out;
		c->out_sent = 0;
		c->out_bytes -= message_bytes(m);
		free(m);
	}
	return done;
}

static void error_send(struct xs_conn *c, const struct xsd_sockmsg *hdr,
		       int rc)
{
	const char *name = "EIO";

	for (size_t i = 0; i < NR_ERRORS; i++)
		if (xsd_errors[i].errnum == -rc)
			name = xsd_errors[i].errstring;
	xs_send(c, XS_ERROR, hdr->req_id, hdr->tx_id, name, strlen(name) + 1);
}

/* -- what a connection holds ---------------------------------------------- */

/* A transaction itself, and the nodes of others that lie on its way. */
#define TRANSACTION_BYTES	2048

/* A transaction may hold all nodes of its domain as they were. */
static size_t held(const struct xs_conn *c)
{
	size_t bytes = c->watch_bytes;

	for (struct xs_transaction *tx = c->transactions; tx; tx = tx->next)
		bytes += TRANSACTION_BYTES + tx->log_bytes +
			 store_bytes_of(&tx->store, c->domid);
	return bytes;
}

int xs_room(const struct xs_conn *c, size_t bytes)
{
	return c->domid && held(c) + bytes > XS_HELD_MAX ? -ENOSPC : 0;
}

/* -- transactions --------------------------------------------------------- */

struct xs_transaction *xs_transaction_find(struct xs_conn *c, uint32_t id)
{
	struct xs_transaction *tx = c->transactions;

	while (tx && tx->id != id)
		tx = tx->next;
	return tx;
}

void xs_transaction_free(struct xs_conn *c, struct xs_transaction *tx)
{
	struct xs_transaction **link = &c->transactions;

	while (*link != tx)
		link = &(*link)->next;
	*link = tx->next;
	c->nr_transactions--;
	while (tx->log) {
		struct xs_log *l = tx->log;

		tx->log = l->next;
		free(l);
	}
	store_fini(&tx->store);
	free(tx);
}

static int transaction_start(struct xs_conn *c, uint32_t *id)
{
	const struct xs_server *s = c->server;
	struct xs_transaction *tx;
	int rc = xs_room(c, TRANSACTION_BYTES +
			    store_bytes_of(&s->store, c->domid));

	if (rc || c->nr_transactions >= XS_TRANSACTIONS_MAX)
		return -ENOSPC;
	tx = calloc(1, sizeof(*tx));
	if (!tx)
		return -ENOMEM;
	if (store_copy(&tx->store, &s->store)) {
		free(tx);
		return -ENOMEM;
	}
	tx->changes = s->changes;
	tx->log_end = &tx->log;
	do {
		tx->id = ++c->next_transaction;
	} while (!tx->id || xs_transaction_find(c, tx->id));
	tx->next = c->transactions;
	c->transactions = tx;
	c->nr_transactions++;
	*id = tx->id;
	return 0;
}

/* FNV-1a of an answer, to tell later whether it would be another. */
static uint64_t answer_hash(int rc, const struct xs_request *rq)
{
	uint64_t h = 0xcbf29ce484222325 ^ (uint64_t)-rc;

	for (size_t i = 0; !rc && i < rq->reply_len; i++)
		h = (h ^ (uint8_t)rq->reply[i]) * 0x100000001b3;
	return h;
}

static size_t log_bytes(const struct xs_request *rq)
{
	return sizeof(struct xs_log) + rq->len + XS_HEAP_BYTES;
}

static void log_add(struct xs_transaction *tx, struct xs_log *l,
		    const struct xs_request *rq, int rc)
{
	l->next = NULL;
	l->type = rq->type;
	l->len = rq->len;
	l->reply_hash = answer_hash(rc, rq);
	l->changed = !rc && rq->changed;
	memcpy(l->data, rq->data, rq->len);
	*tx->log_end = l;
	tx->log_end = &l->next;
	tx->log_bytes += log_bytes(rq);
}

/* Play the log on *store; -EAGAIN as soon as an answer differs. */
static int log_replay(struct xs_conn *c, struct xs_transaction *tx,
		      struct store *store)
{
	struct xs_request rq = { .conn = c, .store = store, .tx = tx };

	for (struct xs_log *l = tx->log; l; l = l->next) {
		rq.type = l->type;
		rq.data = l->data;
		rq.len = l->len;
		if (answer_hash(xs_serve(&rq), &rq) != l->reply_hash)
			return -EAGAIN;
	}
	return 0;
}

static void log_fire(struct xs_conn *c, struct xs_transaction *tx,
		     const struct store *before)
{
	char path[STORE_PATH_MAX];

	for (struct xs_log *l = tx->log; l; l = l->next)
		if (l->changed && !xs_path(c, l->data, path))
			xs_watches_fire(c->server, before, &c->server->store,
					path);
}

static int transaction_commit(struct xs_conn *c, struct xs_transaction *tx)
{
	struct store before = c->server->store, now;
	int rc;

	if (tx->changes != c->server->changes) {
		rc = store_copy(&now, &before);
		if (rc)
			return rc;
		rc = log_replay(c, tx, &now);
		if (rc) {
			store_fini(&now);
			return rc;
		}
		store_fini(&tx->store);
		tx->store = now;
	}
	c->server->store = tx->store;
	tx->store = before;		/* freed with the transaction */
	log_fire(c, tx, &before);
	return 0;
}

static int transaction_end(struct xs_conn *c, uint32_t id, const char *data,
			   size_t len)
{
	struct xs_transaction *tx = xs_transaction_find(c, id);
	int rc = 0;

	if (!tx)
		return -ENOENT;
	if (len < 2 || data[1] || (*data != 'T' && *data != 'F'))
		return -EINVAL;
	if (*data == 'T')
		rc = transaction_commit(c, tx);
	xs_transaction_free(c, tx);
	return rc;
}

/* -- requests ------------------------------------------------------------- */

static int serve_start(struct xs_request *rq)
{
	uint32_t id;
	int rc = rq->tx ? -EBUSY : transaction_start(rq->conn, &id);

	if (!rc)
		rq->reply_len = 1 + snprintf(rq->reply, sizeof(rq->reply),
					     "%u", id);
	return rc;
}

static int serve_end(struct xs_request *rq, uint32_t tx_id)
{
	int rc = transaction_end(rq->conn, tx_id, rq->data, rq->len);

	if (!rc) {
		memcpy(rq->reply, "OK", 3);
		rq->reply_len = 3;
	}
	return rc;
}

static bool type_changes(uint32_t type)
{
	return type == XS_WRITE || type == XS_MKDIR || type == XS_RM ||
	       type == XS_SET_PERMS;
}

/* A request on the tree itself: watches fire at once. */
static int serve_direct(struct xs_request *rq)
{
	struct xs_server *s = rq->conn->server;
	struct store before;
	int rc;

	if (!type_changes(rq->type)) {
		rq->store = &s->store;
		return xs_serve(rq);
	}
	if (store_copy(&before, &s->store))
		return -ENOMEM;
	rq->store = &s->store;
	rc = xs_serve(rq);
	if (!rc && rq->changed)
		xs_watches_fire(s, &before, &s->store, rq->path);
	store_fini(&before);
	return rc;
}

static int serve_in_transaction(struct xs_request *rq)
{
	struct xs_log *l;
	int rc;

	rq->store = &rq->tx->store;
	if (rq->type == XS_WATCH || rq->type == XS_UNWATCH ||
	    rq->type == XS_RESET_WATCHES)
		return -EINVAL;
	rc = xs_room(rq->conn, log_bytes(rq));
	if (rc)
		return rc;
	l = malloc(sizeof(*l) + rq->len);
	if (!l)
		return -ENOMEM;
	rc = xs_serve(rq);
	log_add(rq->tx, l, rq, rc);
	return rc;
}

static int serve(struct xs_request *rq, const struct xsd_sockmsg *hdr)
{
	if (hdr->type >= XS_TYPE_COUNT)
		return -ENOSYS;
	if (hdr->type == XS_TRANSACTION_END)
		return serve_end(rq, hdr->tx_id);
	if (hdr->tx_id) {
		rq->tx = xs_transaction_find(rq->conn, hdr->tx_id);
		if (!rq->tx)
			return -ENOENT;
	}
	if (hdr->type == XS_TRANSACTION_START)
		return serve_start(rq);
	return rq->tx ? serve_in_transaction(rq) : serve_direct(rq);
}

/* Serve the message in in[], unless its answer might find no memory. */
static void message_serve(struct xs_conn *c)
{
	struct xs_request *rq = c->server->rq;
	struct xsd_sockmsg hdr;
	int rc;

	c->waits = !spare_ready(c->server);
	if (c->waits)
		return;
	memcpy(&hdr, c->in, sizeof(hdr));
	rq->conn = c;
	rq->tx = NULL;
	rq->watch = NULL;
	rq->reply_len = 0;
	rq->type = hdr.type;
	rq->data = c->in + sizeof(hdr);
	rq->len = hdr.len;
	rc = serve(rq, &hdr);
	if (rc)
		error_send(c, &hdr, rc);
	else
		xs_send(c, hdr.type, hdr.req_id, hdr.tx_id, rq->reply,
			rq->reply_len);
	if (rq->watch)
		xs_watch_first(c, rq->watch);
	c->in_len = 0;
}

/* Bytes that the message in in[] still lacks, as far as is known yet. */
static size_t message_lacks(struct xs_conn *c)
{
	struct xsd_sockmsg hdr;

	if (c->in_len < sizeof(hdr))
		return sizeof(hdr) - c->in_len;
	memcpy(&hdr, c->in, sizeof(hdr));
	if (hdr.len > XENSTORE_PAYLOAD_MAX) {
		c->broken = true;
		return 0;
	}
	return sizeof(hdr) + hdr.len - c->in_len;
}

size_t xs_conn_input(struct xs_conn *c, const void *data, size_t len)
{
	size_t done = 0;

	while (!c->broken && c->out_bytes < XS_BACKLOG_MAX) {
		size_t n = message_lacks(c);

		if (c->broken)
			break;
		if (!n) {
			message_serve(c);
			if (c->waits)
				break;
			continue;
		}
		if (n > len - done)
			n = len - done;
		if (!n)
			break;
		memcpy(c->in + c->in_len, (const char *)data + done, n);
		c->in_len += n;
		done += n;
	}
	return c->broken ? len : done;
}

/* -- servers and connections ---------------------------------------------- */

int xs_server_init(struct xs_server *s)
{
	*s = (struct xs_server){ .rq = calloc(1, sizeof(*s->rq)) };
	if (s->rq && spare_ready(s) && !store_init(&s->store))
		return 0;
	free(s->spare);
	free(s->rq);
	return -ENOMEM;
}

void xs_server_fini(struct xs_server *s)
{
	while (s->conns)
		xs_conn_free(s->conns);
	store_fini(&s->store);
	free(s->spare);
	free(s->rq);
}

struct xs_conn *xs_conn_new(struct xs_server *s, uint32_t domid)
{
	struct xs_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->server = s;
	c->domid = domid;
	c->out_end = &c->out;
	c->next = s->conns;
	s->conns = c;
	return c;
}

void xs_conn_free(struct xs_conn *c)
{
	struct xs_conn **link = &c->server->conns;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	xs_watches_free(c);
	while (c->transactions)
		xs_transaction_free(c, c->transactions);
	while (c->out) {
		struct xs_message *m = c->out;

		c->out = m->next;
		free(m);
	}
	free(c);
}

/* -- dom0's own access ---------------------------------------------------- */

/* Do change(...) on the tree, and fire the watches on path. */
#define WITH_WATCHES(s, path, change) ({			\
	struct store before_;					\
	int rc_ = store_copy(&before_, &(s)->store);		\
								\
	if (!rc_) {						\
		rc_ = (change);					\
		if (!rc_)					\
			xs_watches_fire(s, &before_, &(s)->store, path); \
		store_fini(&before_);				\
	}							\
	rc_;							\
})

int xs_set(struct xs_server *s, const char *path, const char *value)
{
	return WITH_WATCHES(s, path, store_write(&s->store, 0, path, value,
						 strlen(value)));
}

int xs_delete(struct xs_server *s, const char *path)
{
	return WITH_WATCHES(s, path, store_remove(&s->store, 0, path));
}

int xs_set_owner(struct xs_server *s, const char *path, uint32_t owner,
		 uint32_t reader)
{
	struct store_perm perms[2] = {
		{ owner, 0 },
		{ reader, PERM_READ },
	};

	return WITH_WATCHES(s, path,
			    store_set_perms(&s->store, 0, path, perms,
					    reader == owner ? 1 : 2));
}

int xs_get(struct xs_server *s, const char *path, char *buf, size_t size)
{
	const void *value;
	size_t len;
	int rc = store_read(&s->store, 0, path, &value, &len);

	if (rc)
		return rc;
	if (len >= size)
		return -E2BIG;
	if (len)
		memcpy(buf, value, len);
	buf[len] = 0;
	return len;
}
