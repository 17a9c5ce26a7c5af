/* ring.c: see flip.h. */
#include "flip/flip.h"

#include <errno.h>
#include <string.h>

#include <xen/io/xenbus.h>

#include "kit/event.h"
#include "kit/grant.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "kit/xenbus.h"

#define HEADERS		42		/* Ethernet, IPv4, UDP */
#define TRY_NS		3000000000ull	/* then the host sends once more */
#define TRIES		8

static struct sluice_flip_ring *ring;
static int port;
static uint32_t posted;
static uint8_t fill;		/* of posted pages: the guest's secrets */

static void nothing(void *arg)
{
}

static void node_write(const char *node, unsigned int value)
{
	char path[64], text[12];

	snprintf(path, sizeof(path), "device/vif/0/%s", node);
	snprintf(text, sizeof(text), "%u", value);
	if (xs_write(XS_NO_TRANSACTION, path, text) < 0)
		panic("cannot write %s", path);
}

static unsigned int backend_number(const char *node)
{
	char path[96], text[16];
	int n = xs_read(XS_NO_TRANSACTION, "device/vif/0/backend", path, 64);

	if (n <= 0)
		panic("no vif");
	snprintf(path + n, sizeof(path) - n, "/%s", node);
	if (xs_read(XS_NO_TRANSACTION, path, text, sizeof(text)) <= 0)
		return 0;
	return text[0] - '0';
}

static void *ring_page_new(const char *node)
{
	uint32_t *p = pages_alloc_zeroed(1);

	p[1] = p[3] = 1;		/* req_event, rsp_event */
	node_write(node, grant_access(0, va_to_mfn(p), false));
	return p;
}

void ring_connect(void)
{
	fill = option_number("fill", 0x5a);
	if (backend_number("feature-sluice-flip") != SLUICE_FLIP_VERSION)
		panic("flip rings are not offered");
	ring_page_new("tx-ring-ref");
	ring = ring_page_new("rx-ring-ref");
	port = event_alloc_unbound(0, nothing, NULL);
	node_write("event-channel", port);
	node_write("request-sluice-flip", SLUICE_FLIP_VERSION);
	node_write("state", XenbusStateConnected);
	while (backend_number("state") != XenbusStateConnected)
		if (backend_number("state") == XenbusStateClosed)
			panic("the backend refuses");
}

unsigned int ring_post(uint64_t pte)
{
	unsigned int slot = posted++ % SLUICE_FLIP_SLOTS;

	ring->slot[slot].req.pte = pte;
	__atomic_store_n(&ring->req_prod, posted, __ATOMIC_SEQ_CST);
	event_send(port);
	return slot;
}

void ring_lie(unsigned int n)
{
	__atomic_store_n(&ring->req_prod, posted + n, __ATOMIC_SEQ_CST);
	event_send(port);
}

static bool answered(void)
{
	return __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE) == posted;
}

bool ring_answered(unsigned int payload, void (*meanwhile)(void))
{
	for (unsigned int i = 0; i < TRIES && !answered(); i++) {
		uint64_t until = time_now() + TRY_NS;

		ring->rsp_event = posted;
		printf("send %u %u\n", payload, posted - ring->rsp_prod);
		while (!answered() && time_now() < until) {
			if (meanwhile)
				meanwhile();
			else
				event_poll(port, until);
		}
	}
	return answered();
}

const struct sluice_flip_response *ring_response(unsigned int slot)
{
	return &ring->slot[slot].rsp;
}

static bool all_are(const uint8_t *p, unsigned int n, uint8_t a, uint8_t b)
{
	for (unsigned int i = 0; i < n; i++)
		if (p[i] != a && p[i] != b)
			return false;
	return true;
}

/*
 * The host counts the payload's bytes up.  Before the packet an exchanged page is
 * zero, behind it zero or what a page of this guest had there.
 */
static bool bytes_right(const uint8_t *page, unsigned int offset,
			unsigned int payload, bool exchanged)
{
	unsigned int from = offset + HEADERS, end = from + payload;
	uint8_t other = exchanged ? 0 : fill;

	for (unsigned int i = 0; i < payload; i++)
		if (page[from + i] != (uint8_t)i)
			return false;
	return all_are(page, offset, other, other) &&
	       all_are(page + end, PAGE_SIZE - end, other, fill);
}

long ring_page(void *page, uint64_t pte, unsigned int payload)
{
	const struct sluice_flip_response *r;
	bool exchanged;

	if (*pte_at(page, 1) & PTE_RW)
		memset(page, fill, PAGE_SIZE);
	r = ring_response(ring_post(pte));
	if (!ring_answered(payload, NULL))
		return NO_ANSWER;
	if (r->flags & SLUICE_FLIP_ERROR)
		return r->len ? WRONG_BYTES : REFUSED;
	exchanged = r->flags & SLUICE_FLIP_EXCHANGED;
	if (exchanged)
		page_exchanged(page);
	if (r->len != HEADERS + payload || r->offset + r->len > PAGE_SIZE ||
	    !bytes_right(page, r->offset, payload, exchanged))
		return WRONG_BYTES;
	return exchanged ? EXCHANGED : COPIED;
}
