/*
 * xenbus_test.c: the guests' side of the store's ring, against a store that
 * answers while the guest waits, and may put events before and behind the answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/event.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/xenbus.h"

#define PORT	7
#define PATH	"control/shutdown"
#define EVENT	PATH "\0" "0"	/* with the token of the first watch */

static union {
	struct xenstore_domain_interface ring;
	char page[PAGE_SIZE];
} shared __attribute__((aligned(4096)));

static struct start_info info = { .store_evtchn = PORT };
struct start_info *start_info = &info;

static bool pending;		/* the port's bit */
static event_fn *handler;
static unsigned before, behind;	/* events that come with the next answer */
static unsigned heard;

/* ---- the store ---- */

static char out[8 * XENSTORE_RING_SIZE];	/* what it has for the guest */
static size_t out_len;
static const char *answer = "OK";

/* As far as there is room; the rest when the guest tells of more. */
static void store_flush(void)
{
	struct xenstore_domain_interface *r = &shared.ring;
	size_t n = 0;

	while (n < out_len && r->rsp_prod - r->rsp_cons < XENSTORE_RING_SIZE)
		r->rsp[MASK_XENSTORE_IDX(r->rsp_prod++)] = out[n++];
	out_len -= n;
	memmove(out, out + n, out_len);
	pending |= n != 0;
}

static void store_put(uint32_t type, uint32_t req_id, const char *data,
		      size_t len)
{
	struct xsd_sockmsg hdr = { type, req_id, 0, (uint32_t)len };

	assert_true(out_len + sizeof(hdr) + len <= sizeof(out));
	memcpy(out + out_len, &hdr, sizeof(hdr));
	memcpy(out + out_len + sizeof(hdr), data, len);
	out_len += sizeof(hdr) + len;
}

/* All of the request is there when the guest waits for the answer. */
static void store_serve(void)
{
	struct xenstore_domain_interface *r = &shared.ring;
	struct xsd_sockmsg hdr;

	if (r->req_prod == r->req_cons)
		return;
	for (size_t i = 0; i < sizeof(hdr); i++)
		((char *)&hdr)[i] =
			r->req[MASK_XENSTORE_IDX(r->req_cons + i)];
	r->req_cons = r->req_prod;
	for (; before; before--)
		store_put(XS_WATCH_EVENT, 0, EVENT, sizeof(EVENT));
	store_put(hdr.type, hdr.req_id, answer, strlen(answer) + 1);
	for (; behind; behind--)
		store_put(XS_WATCH_EVENT, 0, EVENT, sizeof(EVENT));
}

/* ---- what xenbus.c calls ---- */

uint64_t mfn_to_pfn(uint64_t mfn)
{
	return va_to_pfn(&shared);
}

void event_attach(unsigned int port, event_fn *fn, void *arg)
{
	handler = fn;
}

int event_send(unsigned int port)
{
	store_flush();
	return 0;
}

void event_raise(unsigned int port)
{
	pending = true;
}

bool event_poll(unsigned int port, uint64_t until_ns)
{
	store_serve();	/* while the guest sleeps */
	store_flush();
	if (!pending)
		fail_msg("it sleeps for ever");
	pending = false;
	return true;
}

void panic(const char *fmt, ...)
{
	fail_msg("%s", fmt);
	abort();
}

/* The guest's loop, until it sleeps. */
static void loop(void)
{
	while (pending) {
		pending = false;
		handler(NULL);
	}
}

/* ---- tests ---- */

static void changed(const char *path)
{
	assert_string_equal(path, PATH);
	heard++;
}

static const struct {
	const char *what;
	unsigned before, behind;
} cases[] = {
	{ "no event", 0, 0 },
	{ "an event before the answer", 1, 0 },
	{ "an event behind the answer", 0, 1 },
	{ "events on both sides of the answer", 2, 2 },
};

static void test_events(void **state)
{
	char buf[8];

	xenbus_init();
	assert_int_equal(xs_watch(PATH, changed), 0);
	loop();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		before = cases[i].before;
		behind = cases[i].behind;
		heard = 0;
		assert_int_equal(xs_read(XS_NO_TRANSACTION, "name", buf,
					 sizeof(buf)), 3);
		assert_string_equal(buf, "OK");
		assert_int_equal(heard, 0);	/* never inside a request */
		loop();
		if (heard != cases[i].before + cases[i].behind)
			fail_msg("%s: it heard of %u", cases[i].what, heard);
	}
}

/* The answer ends where a full ring ends: what the store has behind it waits for
 * to be told of room. */
static void test_full(void **state)
{
	static char text[XENSTORE_RING_SIZE - sizeof(struct xsd_sockmsg)];
	char buf[sizeof(text) + 1];

	memset(text, 'x', sizeof(text) - 1);
	answer = text;
	behind = 1;
	heard = 0;
	assert_int_equal(xs_read(XS_NO_TRANSACTION, "name", buf, sizeof(buf)),
			 sizeof(text));
	loop();
	assert_int_equal(out_len, 0);
	assert_int_equal(heard, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("xenbus", tests, NULL, NULL);
}
