/*
 * echo: sends back what it gets, on port 7 of TCP and UDP.
 */
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
	xenbus_init();
	if (net_init(0) || echo_start(ECHO_PORT) || answer_init())
		panic("no network");
	printf("echo: up after %lu ms\n", time_now() / MILLISECONDS);
	event_loop();
}
