/*
 * echo: sends back what it gets, on port 7 of TCP and UDP (RFC 862).
 */
#include "kit/answer.h"
#include "kit/event.h"
#include "kit/kit.h"
#include "kit/time.h"
#include "kit/xenbus.h"
#include "net/net.h"

int guest_main(void)
{
	xenbus_init();
	if (net_init(0))
		panic("no network");
	answer_init();
	printf("echo: up after %lu ms\n", time_now() / MILLISECONDS);
	event_loop();
}
