/*
 * hello: the smallest guest that is of use.  It greets, answers events from
 * dom0, repeats what is typed to it, and sleeps otherwise.
 */
#include <stdint.h>
#include <string.h>

#include <xen/sched.h>

#include "kit/answer.h"
#include "kit/console.h"
#include "kit/event.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "kit/xenbus.h"

static void typed(const char *buf, size_t len)
{
	if (len == 1 && *buf == '\r')
		buf = "\n";
	console_write(buf, len);
}

/* The store asks us to end: the PV way of power buttons. */
static void control(const char *path)
{
	char what[32];

	if (xs_read(XS_NO_TRANSACTION, path, what, sizeof(what)) <= 0)
		return;
	printf("asked to %s\n", what);
	guest_shutdown(strcmp(what, "reboot") ? SHUTDOWN_poweroff
					      : SHUTDOWN_reboot);
}

int guest_main(void)
{
	char name[64] = "?";

	if (start_info->flags & SIF_INITDOMAIN) {
		printf("hello: no store here\n");
		return SHUTDOWN_poweroff;
	}
	xenbus_init();
	xs_read(XS_NO_TRANSACTION, "name", name, sizeof(name));
	printf("hello from %s: %lu pages, %zu free, up %lu ms\n", name,
	       start_info->nr_pages, pages_nr_free(),
	       time_now() / MILLISECONDS);
	if (answer_init() || xs_watch("control/shutdown", control))
		panic("the store refuses");
	console_on_input(typed);
	event_loop();
}
