/* front.c: see netabuse.h. */
#include "netabuse/netabuse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kit/event.h"
#include "kit/grant.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "kit/xenbus.h"

#define BACKEND_NS	(5 * SECONDS)

struct front front;
uint8_t my_mac[6];
static char backend_path[64];

static void nothing(void *arg)
{
}

static void mac_read(void)
{
	char text[32] = "", *p = text;

	xs_read(XS_NO_TRANSACTION, "device/vif/0/mac", text, sizeof(text));
	for (unsigned int i = 0; i < 6; i++) {
		my_mac[i] = strtoul(p, &p, 16);
		p += *p == ':';
	}
}

void front_init(void)
{
	mac_read();
	if (xs_read(XS_NO_TRANSACTION, "device/vif/0/backend", backend_path,
		    sizeof(backend_path)) <= 0)
		panic("no vif");
	for (unsigned int i = 0; i < TX_PAGES; i++) {
		front.tx_page[i] = pages_alloc_zeroed(1);
		front.tx_gref[i] = grant_access(0, va_to_mfn(front.tx_page[i]),
						true);
	}
	for (unsigned int i = 0; i < RX_PAGES; i++) {
		front.rx_page[i] = pages_alloc_zeroed(1);
		front.rx_gref[i] = grant_access(0, va_to_mfn(front.rx_page[i]),
						false);
	}
	front.tx = pages_alloc_zeroed(1);
	front.rx = pages_alloc_zeroed(1);
	front.tx_ref = front.rx_ref = front.port = -1;
}

/* ---- the store ---- */

int front_write(const char *node, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), "device/vif/0/%s", node);
	return xs_write(XS_NO_TRANSACTION, path, value);
}

int front_write_number(const char *node, unsigned long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", value);
	return front_write(node, text);
}

enum xenbus_state backend_state(void)
{
	char path[80], text[8];

	snprintf(path, sizeof(path), "%s/state", backend_path);
	if (xs_read(XS_NO_TRANSACTION, path, text, sizeof(text)) <= 0)
		return XenbusStateUnknown;
	return strtoul(text, NULL, 10);
}

bool backend_wait(enum xenbus_state state)
{
	uint64_t until = time_now() + BACKEND_NS;

	do {
		if (backend_state() == state)
			return true;
	} while (time_now() < until);
	return false;
}

void front_prepare(enum xenbus_state state)
{
	memset(front.tx, 0, PAGE_SIZE);
	memset(front.rx, 0, PAGE_SIZE);
	front.tx->rsp_event = front.rx->rsp_event = 1;
	front.tx_prod = front.tx_seen = front.rx_prod = front.rx_seen = 0;
	front.tx_ref = grant_access(0, va_to_mfn(front.tx), false);
	front.rx_ref = grant_access(0, va_to_mfn(front.rx), false);
	front.port = event_alloc_unbound(0, nothing, NULL);
	front_write_number("tx-ring-ref", front.tx_ref);
	front_write_number("rx-ring-ref", front.rx_ref);
	front_write_number("event-channel", front.port);
	front_write("request-rx-copy", "1");
	front_write("feature-rx-notify", "1");
	front_write("feature-sg", "1");
	if (state)
		front_write_number("state", state);
}

int front_connect(void)
{
	front_prepare(XenbusStateConnected);
	return backend_state() == XenbusStateConnected ? 0 : -EIO;
}

int front_release(void)
{
	int rc = 0;

	if (!grant_end(front.tx_ref) || !grant_end(front.rx_ref))
		rc = -EBUSY;
	event_close(front.port);
	return rc;
}

int front_disconnect(void)
{
	front_write_number("state", XenbusStateClosed);
	if (!backend_wait(XenbusStateClosed))
		return -EIO;
	front_write_number("state", XenbusStateInitialising);
	if (!backend_wait(XenbusStateInitWait))
		return -EIO;
	return front_release();
}

/* ---- the rings ---- */

uint32_t grant_of_nothing(void)
{
	int ref = grant_access(0, va_to_mfn(front.tx), false);

	grant_table[ref].flags = 0;
	return ref;
}

void front_notify(void)
{
	event_send(front.port);
}

void tx_put(const struct netif_tx_request *r)
{
	front.tx->ring[front.tx_prod++ % RING].req = *r;
}

void tx_push(void)
{
	__atomic_store_n(&front.tx->req_prod, front.tx_prod,
			 __ATOMIC_SEQ_CST);
	front_notify();
}

void rx_put(uint16_t id, uint32_t gref)
{
	front.rx->ring[front.rx_prod++ % RING].req =
		(struct netif_rx_request){ .id = id, .gref = gref };
}

void rx_push(void)
{
	__atomic_store_n(&front.rx->req_prod, front.rx_prod,
			 __ATOMIC_SEQ_CST);
	front_notify();
}

/* Wait until *prod is not seen any more; the backend is to say so. */
static bool ring_wait(uint32_t *prod, uint32_t *event, uint32_t seen,
		      uint64_t ns)
{
	uint64_t until = time_now() + ns;

	__atomic_store_n(event, seen + 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(prod, __ATOMIC_SEQ_CST) == seen) {
		if (time_now() >= until)
			return false;
		event_poll(front.port, until);
	}
	return true;
}

bool tx_wait(struct netif_tx_response *r, uint64_t ns)
{
	if (!ring_wait(&front.tx->rsp_prod, &front.tx->rsp_event,
		       front.tx_seen, ns))
		return false;
	*r = front.tx->ring[front.tx_seen++ % RING].rsp;
	return true;
}

bool rx_wait(struct netif_rx_response *r, uint64_t ns)
{
	if (!ring_wait(&front.rx->rsp_prod, &front.rx->rsp_event,
		       front.rx_seen, ns))
		return false;
	*r = front.rx->ring[front.rx_seen++ % RING].rsp;
	return true;
}

long tx_good(uint64_t ns)
{
	struct netif_tx_request r = { .gref = front.tx_gref[0], .size = 60 };
	struct netif_tx_response rsp;

	udp_make(front.tx_page[0], gateway_ip, 9, 60);
	tx_put(&r);
	tx_push();
	return tx_wait(&rsp, ns) ? rsp.status : 1;
}
