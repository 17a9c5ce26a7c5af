/*
 * events.c: two domains and one event channel between them.
 *
 * pong makes a port for its peer and tells it in the store; ping binds it,
 * sends, and sends again each time an event comes back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>

#include "bench/bench.h"
#include "kit/event.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/time.h"
#include "kit/xenbus.h"

#define NODE		"data/bench-port"
#define ROUNDS		20000
#define YIELDS		200000
#define LOOK_NS		(20 * MILLISECONDS)

static int port;
static unsigned int rounds;
static uint64_t begun;

static void sent_back(void *arg)
{
	if (++rounds < ROUNDS) {
		event_send(port);
		return;
	}
	figure("evtchn_ping_pong", begun, ROUNDS);
	guest_shutdown(SHUTDOWN_poweroff);
}

int bench_ping(void)
{
	char path[64], text[16] = "";
	struct sched_poll poll = { 0 };

	snprintf(path, sizeof(path), "/local/domain/%lu/" NODE,
		 option_number("peer", 0));
	while (xs_read(XS_NO_TRANSACTION, path, text, sizeof(text)) <= 0) {
		poll.timeout = time_now() + LOOK_NS;
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll);
	}
	port = event_bind_interdomain(option_number("peer", 0),
				      strtoul(text, NULL, 10), sent_back,
				      NULL);
	if (port < 0)
		panic("bind: %d", port);
	begun = time_now();
	event_send(port);
	event_loop();
}

static void send_back(void *arg)
{
	event_send(port);
}

int bench_pong(void)
{
	char text[64], domid[8] = "";
	int len;

	port = event_alloc_unbound(option_number("peer", 0), send_back, NULL);
	if (port < 0)
		panic("alloc: %d", port);
	/* The node exists, and is readable, before it has its value. */
	xs_write(XS_NO_TRANSACTION, NODE, "");
	/* Ours: the owner's name, then what all others may. */
	xs_read(XS_NO_TRANSACTION, "domid", domid, sizeof(domid));
	len = snprintf(text, sizeof(text), NODE "%cr%s", 0, domid) + 1;
	if (xs_request(XS_SET_PERMS, XS_NO_TRANSACTION, text, len, NULL, 0) < 0)
		printf("bench: the store refuses\n");
	snprintf(text, sizeof(text), "%d", port);
	xs_write(XS_NO_TRANSACTION, NODE, text);
	event_loop();
}

/* Beside another that does the same on one CPU, each yield is a switch. */
int bench_yield(void)
{
	uint64_t start = time_now();

	for (unsigned int i = 0; i < YIELDS; i++)
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	figure("yield", start, YIELDS);
	return SHUTDOWN_poweroff;
}
