/*
 * netfront_test.c: an interface that is closed while its backend still has
 * pages: each frame is sent once, and each grant ended once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/event.h"
#include "kit/grant.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/netfront_rings.h"

#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#include <xen/io/netif.h>

#define BACKEND	0
#define BUFS	300
#define FRAMES	3
#define GRANTS	1024

/* ---- what netfront.c calls ---- */

static struct grant {
	uint64_t mfn;
	bool used, busy;	/* busy: the backend has it mapped */
} grants[GRANTS];
static event_fn *handler;
static void *handler_arg;

void grant_init(void)
{
}

int grant_access(domid_t remote, uint64_t mfn, bool readonly)
{
	for (int i = 0; i < GRANTS; i++)
		if (!grants[i].used) {
			grants[i] = (struct grant){ .mfn = mfn, .used = true };
			return i;
		}
	return -1;
}

bool grant_end(unsigned int ref)
{
	assert_true(grants[ref].used);
	if (grants[ref].busy)
		return false;
	grants[ref].used = false;
	return true;
}

int event_alloc_unbound(domid_t remote, event_fn *fn, void *arg)
{
	handler = fn;
	handler_arg = arg;
	return 1;
}

int event_send(unsigned int port)
{
	return 0;
}

int event_close(unsigned int port)
{
	return 0;
}

void *pages_alloc(size_t n)
{
	return aligned_alloc(PAGE_SIZE, n * PAGE_SIZE);
}

void *pages_alloc_zeroed(size_t n)
{
	return memset(pages_alloc(n), 0, n * PAGE_SIZE);
}

void pages_free(void *p, size_t n)
{
	free(p);
}

uint64_t va_to_mfn(const void *va)
{
	return (uint64_t)va >> PAGE_SHIFT;
}

uint64_t pte_maddr(const void *va, unsigned int level)
{
	return 0;
}

void page_exchanged(const void *page)
{
}

uint64_t option_number(const char *key, uint64_t otherwise)
{
	return otherwise;
}

void panic(const char *fmt, ...)
{
	fail_msg("%s", fmt);
	abort();
}

/* ---- the guest ---- */

static unsigned int sent[FRAMES];

static void on_receive(void *ctx, const struct netfront_packet *p)
{
	fail_msg("nothing was sent to it");
}

static void on_sent(void *ctx, void *token)
{
	++*(unsigned int *)token;
}

static void on_idle(void *ctx)
{
}

static const struct netfront_handler guest = { on_receive, on_sent, on_idle };

/* ---- the backend ---- */

static struct netif_tx_sring *ring_of(const struct netfront_rings *r)
{
	return (void *)(grants[r->tx_ref].mfn << PAGE_SHIFT);
}

static struct grant *grant_of(const struct netfront_rings *r, unsigned int i)
{
	return &grants[ring_of(r)->ring[i].req.gref];
}

static void answer(const struct netfront_rings *r, unsigned int i)
{
	struct netif_tx_sring *s = ring_of(r);
	uint16_t id = s->ring[i].req.id;

	s->ring[i].rsp.id = id;
	s->ring[i].rsp.status = NETIF_RSP_OKAY;
	s->rsp_prod = i + 1;
}

static unsigned int grants_used(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < GRANTS; i++)
		n += grants[i].used;
	return n;
}

/* Of three frames one is answered, one lost, and one still being read. */
static void test_busy(void **state)
{
	static _Alignas(4096) char data[FRAMES][PAGE_SIZE];
	struct netfront_rings rings;
	struct netfront *nf = netfront_new(BACKEND, false, &guest, NULL, BUFS,
					   &rings);
	struct grant *busy;

	for (unsigned int i = 0; i < FRAMES; i++) {
		const struct netfront_piece piece = { data[i], 100 };
		const struct netfront_frame f = {
			.pieces = &piece, .nr = 1, .token = &sent[i],
		};

		assert_int_equal(netfront_transmit(nf, &f), 0);
	}
	netfront_flush(nf);
	busy = grant_of(&rings, 2);
	busy->busy = true;
	answer(&rings, 0);
	assert_int_equal(netfront_free(nf), -EBUSY);
	assert_int_equal(sent[2], 0);
	handler(handler_arg);
	answer(&rings, 1);		/* late */
	handler(handler_arg);
	assert_int_equal(netfront_free(nf), -EBUSY);
	busy->busy = false;
	answer(&rings, 2);
	handler(handler_arg);
	assert_int_equal(netfront_free(nf), 0);
	for (unsigned int i = 0; i < FRAMES; i++)
		assert_int_equal(sent[i], 1);
	assert_int_equal(grants_used(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_busy),
	};

	return cmocka_run_group_tests_name("netfront", tests, NULL, NULL);
}
