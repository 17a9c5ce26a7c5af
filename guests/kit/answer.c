/* answer.c: each event from dom0 gets an event back. */
#include "kit/answer.h"

#include "kit/event.h"
#include "kit/kit.h"
#include "kit/xenbus.h"

static int port;

static void answer(void *arg)
{
	event_send(port);
}

int answer_init(void)
{
	char text[16];
	int rc;

	port = event_alloc_unbound(0, answer, NULL);
	if (port < 0)
		return port;
	snprintf(text, sizeof(text), "%d", port);
	rc = xs_write(XS_NO_TRANSACTION, ANSWER_NODE, text);
	return rc < 0 ? rc : 0;
}
