/*
 * xenbus.c: requests and watch events over the store's ring.
 *
 * One request is under way at a time.  Watch events that arrive meanwhile are
 * queued and delivered from the event handler, never inside a request.
 */
#include "kit/xenbus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kit/event.h"
#include "kit/kit.h"
#include "kit/mm.h"

#define WATCHES_MAX	8

struct watch_event {
	struct watch_event *next;
	char		   *path;
	unsigned int	    watch;
};

static struct xenstore_domain_interface *ring;
static unsigned int port;
static uint32_t next_req;
static bool was_full;		/* the store may have had no room for more */
static void (*watches[WATCHES_MAX])(const char *path);
static struct watch_event *events, **events_end = &events;

static const struct {
	int		 error;
	const char	*name;
} store_errors[] = {
	{ EINVAL, "EINVAL" }, { EACCES, "EACCES" }, { EEXIST, "EEXIST" },
	{ EISDIR, "EISDIR" }, { ENOENT, "ENOENT" }, { ENOMEM, "ENOMEM" },
	{ ENOSPC, "ENOSPC" }, { EIO, "EIO" }, { ENOSYS, "ENOSYS" },
	{ EROFS, "EROFS" }, { EBUSY, "EBUSY" }, { EAGAIN, "EAGAIN" },
	{ E2BIG, "E2BIG" }, { EPERM, "EPERM" },
};

static void ring_put(const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		XENSTORE_RING_IDX cons =
			__atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE);

		if (ring->req_prod - cons >= XENSTORE_RING_SIZE) {
			event_send(port);
			event_poll(port, EVENT_FOREVER);
			continue;
		}
		ring->req[MASK_XENSTORE_IDX(ring->req_prod)] = *p++;
		len--;
		__atomic_store_n(&ring->req_prod, ring->req_prod + 1,
				 __ATOMIC_RELEASE);
	}
}

static XENSTORE_RING_IDX ring_bytes(void)
{
	return __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE) -
	       ring->rsp_cons;
}

static bool ring_empty(void)
{
	return !ring_bytes();
}

static void ring_get(void *data, size_t len)
{
	char *p = data;

	while (len) {
		XENSTORE_RING_IDX n = ring_bytes();

		if (!n) {
			event_send(port);
			event_poll(port, EVENT_FOREVER);
			continue;
		}
		was_full |= n == XENSTORE_RING_SIZE;
		*p++ = ring->rsp[MASK_XENSTORE_IDX(ring->rsp_cons)];
		len--;
		__atomic_store_n(&ring->rsp_cons, ring->rsp_cons + 1,
				 __ATOMIC_RELEASE);
	}
}

/* payload: path, NUL, token, NUL; the token is the number of the watch. */
static void watch_queue(char *payload, size_t len)
{
	struct watch_event *e = malloc(sizeof(*e));
	size_t path_len = strnlen(payload, len);

	if (!e)
		panic("no memory for xenstore");
	if (path_len >= len) {
		free(e);
		free(payload);
		return;
	}
	e->path = payload;
	e->watch = strtoul(payload + path_len + 1, NULL, 10);
	e->next = NULL;
	*events_end = e;
	events_end = &e->next;
}

/* Take one message; *payload is malloced, with a NUL after its end. */
static void message_get(struct xsd_sockmsg *hdr, char **payload)
{
	ring_get(hdr, sizeof(*hdr));
	if (hdr->len > XENSTORE_PAYLOAD_MAX)
		panic("xenstore answers %u bytes", hdr->len);
	*payload = malloc(hdr->len + 1);
	if (!*payload)
		panic("no memory for xenstore");
	ring_get(*payload, hdr->len);
	(*payload)[hdr->len] = 0;
}

static int error_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(store_errors); i++)
		if (!strcmp(store_errors[i].name, name))
			return -store_errors[i].error;
	return -EIO;
}

static void events_deliver(void)
{
	while (events) {
		struct watch_event *e = events;

		events = e->next;
		if (!events)
			events_end = &events;
		if (e->watch < WATCHES_MAX && watches[e->watch])
			watches[e->watch](e->path);
		free(e->path);
		free(e);
	}
}

static void xenbus_event(void *arg)
{
	struct xsd_sockmsg hdr;
	char *payload;

	while (!ring_empty()) {
		message_get(&hdr, &payload);
		if (hdr.type == XS_WATCH_EVENT)
			watch_queue(payload, hdr.len);
		else
			free(payload);
	}
	event_send(port);
	events_deliver();
}

static int reply_take(const struct xsd_sockmsg *hdr, const char *payload,
		      char *reply, size_t reply_size)
{
	if (hdr->type == XS_ERROR)
		return error_number(payload);
	if (!reply_size)
		return hdr->len;
	if (hdr->len >= reply_size)
		return -E2BIG;
	memcpy(reply, payload, hdr->len + 1);
	return hdr->len;
}

int xs_request(unsigned int type, uint32_t tx, const void *data, size_t len,
	       char *reply, size_t reply_size)
{
	struct xsd_sockmsg hdr = { type, ++next_req, tx, len };
	char *payload;
	int rc;

	if (len > XENSTORE_PAYLOAD_MAX)
		return -E2BIG;
	ring_put(&hdr, sizeof(hdr));
	ring_put(data, len);
	event_send(port);
	for (;;) {
		message_get(&hdr, &payload);
		if (hdr.type == XS_WATCH_EVENT) {
			watch_queue(payload, hdr.len);
			continue;
		}
		if (hdr.req_id == next_req)
			break;
		free(payload);
	}
	rc = reply_take(&hdr, payload, reply, reply_size);
	free(payload);
	/*
	 * Events queued meanwhile, or behind the answer in the ring, where the
	 * wait for that took their notification: have the handler run for them.
	 * It also tells the store of the room that there is now.
	 */
	if (events || !ring_empty() || was_full)
		event_raise(port);
	was_full = false;
	return rc;
}

int xs_read(uint32_t tx, const char *path, char *buf, size_t size)
{
	return xs_request(XS_READ, tx, path, strlen(path) + 1, buf, size);
}

int xs_write(uint32_t tx, const char *path, const char *value)
{
	char data[512];
	int len = snprintf(data, sizeof(data), "%s%c%s", path, 0, value);

	if (len >= (int)sizeof(data))
		return -E2BIG;
	return xs_request(XS_WRITE, tx, data, len, NULL, 0);
}

int xs_remove(uint32_t tx, const char *path)
{
	return xs_request(XS_RM, tx, path, strlen(path) + 1, NULL, 0);
}

int xs_watch(const char *path, void (*fn)(const char *path))
{
	char data[512];
	unsigned int n = 0;
	int len, rc;

	while (n < WATCHES_MAX && watches[n])
		n++;
	if (n == WATCHES_MAX)
		return -ENOSPC;
	watches[n] = fn;
	len = snprintf(data, sizeof(data), "%s%c%u", path, 0, n) + 1;
	rc = xs_request(XS_WATCH, XS_NO_TRANSACTION, data, len, NULL, 0);
	if (rc < 0)
		watches[n] = NULL;
	return rc < 0 ? rc : 0;
}

int64_t xs_transaction_start(void)
{
	char id[16];
	int rc = xs_request(XS_TRANSACTION_START, 0, "", 1, id, sizeof(id));

	return rc < 0 ? rc : (int64_t)strtoul(id, NULL, 10);
}

int xs_transaction_end(uint32_t tx, bool commit)
{
	int rc = xs_request(XS_TRANSACTION_END, tx, commit ? "T" : "F", 2,
			    NULL, 0);

	return rc < 0 ? rc : 0;
}

void xenbus_init(void)
{
	ring = pfn_to_va(mfn_to_pfn(start_info->store_mfn));
	port = start_info->store_evtchn;
	event_attach(port, xenbus_event, NULL);
}
