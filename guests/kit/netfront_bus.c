/*
 * netfront_bus.c: an interface and its backend meet in the store.
 *
 * The backend waits in state InitWait before the guest starts.  The frontend
 * writes its rings and goes to Connected in one transaction; the backend follows
 * or, where it cannot, goes to Closed with the reason in its node "error".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sluice/flip.h>
#include <xen/io/xenbus.h>

#include "kit/kit.h"
#include "kit/netfront_rings.h"
#include "kit/xenbus.h"

#define PATH_MAX	128
#define CLOSE_TRIES	1000	/* looks at the store */
#define TX_TRIES	8	/* of the transaction */

static void front_path(char *path, unsigned int handle, const char *node)
{
	snprintf(path, PATH_MAX, "device/vif/%u/%s", handle, node);
}

static int front_read(unsigned int handle, const char *node, char *buf,
		      size_t size)
{
	char path[PATH_MAX];

	front_path(path, handle, node);
	return xs_read(XS_NO_TRANSACTION, path, buf, size);
}

int netfront_node(const struct netfront *nf, const char *node, char *buf,
		  size_t size)
{
	return front_read(netfront_handle(nf), node, buf, size);
}

static int mac_parse(const char *s, uint8_t mac[6])
{
	for (unsigned int i = 0; i < 6; i++) {
		char *end;

		mac[i] = strtoul(s, &end, 16);
		if (end != s + 2 || *end != (i < 5 ? ':' : 0))
			return -EINVAL;
		s = end + 1;
	}
	return 0;
}

static int front_write(uint32_t tx, unsigned int handle, const char *node,
		       unsigned int number)
{
	char path[PATH_MAX], value[12];

	front_path(path, handle, node);
	snprintf(value, sizeof(value), "%u", number);
	return xs_write(tx, path, value);
}

static int announce(unsigned int handle, const struct netfront_rings *r)
{
	const unsigned int gso = option_number("gso", 1);
	const struct {
		const char *node;
		unsigned int value;
	} nodes[] = {
		{ "tx-ring-ref", r->tx_ref },
		{ "rx-ring-ref", r->rx_ref },
		{ "event-channel", r->port },
		{ "request-rx-copy", 1 },
		{ "request-sluice-flip", r->flip ? SLUICE_FLIP_VERSION : 0 },
		{ "feature-rx-notify", 1 },
		{ "feature-sg", 1 },
		{ "feature-gso-tcpv4", gso },
		{ "feature-gso-tcpv6", gso },
		{ "feature-ipv6-csum-offload", 1 },
		{ "state", XenbusStateConnected },
	};
	int rc = -EAGAIN;

	for (unsigned int try = 0; try < TX_TRIES && rc == -EAGAIN; try++) {
		int64_t tx = xs_transaction_start();

		rc = tx < 0 ? tx : 0;
		for (unsigned int i = 0; i < ARRAY_SIZE(nodes) && rc >= 0; i++)
			rc = front_write(tx, handle, nodes[i].node,
					 nodes[i].value);
		if (tx >= 0 && rc < 0)
			xs_transaction_end(tx, false);
		else if (tx >= 0)
			rc = xs_transaction_end(tx, true);
	}
	return rc;
}

/* Any backend of this guest; the path ends in HANDLE/state. */
static void backend_changed(const char *path)
{
	char state[4], error[PATH_MAX], why[64] = "?";
	const char *end = strrchr(path, '/');

	if (!end || strcmp(end, "/state") ||
	    xs_read(XS_NO_TRANSACTION, path, state, sizeof(state)) <= 0 ||
	    strtoul(state, NULL, 10) != XenbusStateClosed)
		return;
	snprintf(error, sizeof(error), "%.*s/error", (int)(end - path), path);
	if (xs_read(XS_NO_TRANSACTION, error, why, sizeof(why)) > 0)
		printf("netfront: %s: refused: %s\n", path, why);
}

static int backend_number(unsigned int handle, const char *node)
{
	char path[PATH_MAX], value[12];
	int n = front_read(handle, "backend", path, sizeof(path) - 32);

	if (n <= 0)
		return -ENOENT;
	snprintf(path + n, sizeof(path) - n, "/%s", node);
	n = xs_read(XS_NO_TRANSACTION, path, value, sizeof(value));
	return n <= 0 ? -ENOENT : (int)strtoul(value, NULL, 10);
}

static int backend_state(unsigned int handle)
{
	return backend_number(handle, "state");
}

/* The command line asks for it, and the backend speaks our version. */
static bool wants_flip(unsigned int handle)
{
	char mode[8] = "";

	return option_get("net", mode, sizeof(mode)) && !strcmp(mode, "flip") &&
	       backend_number(handle, "feature-sluice-flip") >=
		       (int)SLUICE_FLIP_VERSION;
}

/* All backends of this guest lie in one directory: it is watched once, however
 * often which of them is opened. */
static void backends_watch(unsigned int handle)
{
	static bool watched;
	char path[PATH_MAX], *end;

	if (watched || front_read(handle, "backend", path, sizeof(path)) <= 0)
		return;
	end = strrchr(path, '/');
	if (!end)
		return;
	*end = 0;
	watched = !xs_watch(path, backend_changed);
}

struct netfront *netfront_open(unsigned int handle,
			       const struct netfront_handler *h, void *ctx,
			       unsigned int nr_bufs)
{
	struct netfront_rings rings;
	struct netfront *nf;
	char text[24];
	uint8_t mac[6];
	domid_t backend;

	if (front_read(handle, "backend-id", text, sizeof(text)) <= 0)
		return NULL;
	backend = strtoul(text, NULL, 10);
	if (front_read(handle, "mac", text, sizeof(text)) <= 0 ||
	    mac_parse(text, mac))
		return NULL;
	nf = netfront_new(backend, wants_flip(handle), h, ctx, nr_bufs, &rings);
	if (!nf)
		return NULL;
	netfront_name(nf, handle, mac);
	backends_watch(handle);
	if (announce(handle, &rings) < 0) {
		netfront_free(nf);
		return NULL;
	}
	return nf;
}

int netfront_close(struct netfront *nf)
{
	unsigned int handle = netfront_handle(nf);
	int rc;

	front_write(XS_NO_TRANSACTION, handle, "state", XenbusStateClosing);
	for (unsigned int i = 0; i < CLOSE_TRIES; i++)
		if (backend_state(handle) != XenbusStateConnected)
			break;
	rc = netfront_free(nf);
	if (!rc)	/* the backend waits for the next one */
		front_write(XS_NO_TRANSACTION, handle, "state",
			    XenbusStateInitialising);
	return rc;
}
