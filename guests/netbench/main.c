/*
 * netbench: sends and sinks packets, for measurements and tests.
 *
 * Always there, for peers:
 *
 *	UDP, TCP 7	echo
 *	UDP, TCP 9	discard
 *	TCP 19		bytes without an end
 *	TCP 8		one line of what was discarded:
 *			udp PACKETS BYTES tcp BYTES ns SYSTEM_TIME
 *			exchanged PAGES, of them by net=flip
 *
 * By the command line it sends itself, and says at the end how much:
 *
 *	send=udp:ADDRESS:PORT size=64 rate=0 seconds=10 wait=0
 *	send=tcp:ADDRESS:PORT seconds=10
 *	send=rtt:ADDRESS:PORT size=64 seconds=10	to an echo by UDP
 *
 * size: bytes of payload; rate: packets a second, 0: all that go (after a
 * pause a few at once, no more); wait: seconds before it starts.  IPv6 addresses
 * stand in brackets.
 */
#include "netbench/netbench.h"

#include "kit/answer.h"
#include "kit/event.h"
#include "kit/kit.h"
#include "kit/time.h"
#include "kit/xenbus.h"
#include "net/echo.h"
#include "net/net.h"

#define ECHO_PORT	7

int guest_main(void)
{
	bool sending;

	xenbus_init();
	if (net_init(0) || echo_start(ECHO_PORT) || sink_start() ||
	    answer_init())
		panic("no network");
	printf("netbench: up after %lu ms\n", time_now() / MILLISECONDS);
	sending = send_init();
	for (;;) {
		bool more = sending && send_run();

		net_flush();
		if (!more)
			event_block();
		else
			event_dispatch();
	}
}
