/*
 * web: a server of static files.
 *
 * Options: port=80; forward=/path=address:port, what another server is asked
 * for; forward_keep=8, connections to it that stay open.  The ramdisk, a cpio
 * archive, is what it serves; without one it shows a page about itself.
 */
#include <stdint.h>
#include <string.h>

#include <xen/sched.h>

#include "kit/answer.h"
#include "kit/event.h"
#include "kit/kit.h"
#include "kit/time.h"
#include "kit/xenbus.h"
#include "net/net.h"
#include "web/content.h"
#include "web/server.h"

static void control(const char *path)
{
	char what[32];

	if (xs_read(XS_NO_TRANSACTION, path, what, sizeof(what)) > 0)
		guest_shutdown(strcmp(what, "reboot") ? SHUTDOWN_poweroff
						      : SHUTDOWN_reboot);
}

int guest_main(void)
{
	uint64_t began = time_now();
	unsigned int port = option_number("port", 80);

	xenbus_init();
	if (net_init(0))
		panic("no network");
	content_init();
	forward_init();
	if (server_start(port))
		panic("port %u cannot be served", port);
	if (answer_init() || xs_watch("control/shutdown", control))
		panic("the store refuses");
	printf("web: port %u, up after %lu ms, %lu of them its own\n", port,
	       time_now() / MILLISECONDS, (time_now() - began) / MILLISECONDS);
	event_loop();
}
