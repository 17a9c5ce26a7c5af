/* store.c: nonsense in the store, and jumps from state to state. */
#include "netabuse/netabuse.h"

#include <string.h>

#include <xen/event_channel.h>

#include "kit/check.h"
#include "kit/event.h"
#include "kit/grant.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/xenbus.h"

static const char *const no_numbers[] = {
	"", "banana", "-1", "+8", " 8", "8 ", "8x", "0x8", "999", "4294967295",
	"4294967296", "4294967304", "18446744073709551624",
	"99999999999999999999999999999999999999999", "08 09",
};

/* One node wrong, the others right: it must not be connected. */
static void wrong(const char *node, const char *value)
{
	char name[96];

	front_prepare(0);
	front_write(node, value);
	front_write("state", "4");
	snprintf(name, sizeof(name), "%s \"%s\"", node, value);
	check(name, backend_state(), XenbusStateClosed);
	check("it waits again", front_disconnect(), 0);
}

static void wrong_number(const char *node, unsigned long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", value);
	wrong(node, text);
}

static void wrong_ports(void)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = 1 };

	wrong_number("event-channel", start_info->store_evtchn);
	wrong_number("event-channel", start_info->console.domU.evtchn);
	if (!hypercall2(__HYPERVISOR_event_channel_op,
			EVTCHNOP_alloc_unbound, &op)) {
		wrong_number("event-channel", op.port);
		event_close(op.port);
	}
	wrong_number("event-channel", 0);
	wrong_number("event-channel", 4096);
}

static void wrong_rings(void)
{
	int ro = grant_access(0, va_to_mfn(front.tx_page[0]), true);
	int other = grant_access(1, va_to_mfn(front.tx_page[0]), false);
	int table = grant_access(0, va_to_mfn(pt_root()), false);
	int foreign = grant_access(0, 0x100, false);

	for (unsigned int i = 0; i < 2; i++) {
		const char *node = i ? "rx-ring-ref" : "tx-ring-ref";

		for (size_t k = 0; k < ARRAY_SIZE(no_numbers); k++)
			wrong(node, no_numbers[k]);
		wrong_number(node, ro);
		wrong_number(node, other);
		wrong_number(node, table);
		wrong_number(node, foreign);
	}
	grant_end(ro);
	grant_end(other);
	grant_end(table);
	grant_end(foreign);
}

static void state_is(const char *name, const char *state,
		     enum xenbus_state want)
{
	front_write("state", state);
	check(name, backend_state(), want);
}

static void jumps(void)
{
	front_prepare(0);
	state_is("closed before it was connected", "6", XenbusStateClosed);
	state_is("closing after that", "5", XenbusStateClosing);
	state_is("a state that is none", "7", XenbusStateClosing);
	state_is("a state that is huge", "4294967300", XenbusStateClosing);
	state_is("a state that is no number", "4x", XenbusStateClosing);
	state_is("connected from closing", "4", XenbusStateConnected);
	state_is("connected again", "4", XenbusStateConnected);
	state_is("initialised after that", "3", XenbusStateConnected);
	check("it serves", tx_good(ANSWER_NS), NETIF_RSP_OKAY);
	front_write("tx-ring-ref", "banana");
	state_is("other rings without a disconnect", "4",
		 XenbusStateConnected);
	check("it serves the old ones", tx_good(ANSWER_NS), NETIF_RSP_OKAY);
	state_is("at the start without a disconnect", "1",
		 XenbusStateInitWait);
	check("nothing is held", front_release(), 0);
	check("connected", front_connect(), 0);
	xs_remove(XS_NO_TRANSACTION, "device/vif/0/state");
	check("the state removed", tx_good(ANSWER_NS), NETIF_RSP_OKAY);
	check("disconnected", front_disconnect(), 0);
}

void attack_store(unsigned long n)
{
	char handle[8] = "";

	xs_read(XS_NO_TRANSACTION, "device/vif/0/handle", handle,
		sizeof(handle));
	check("the node with its number", strcmp(handle, "0"), 0);
	wrong_rings();
	for (size_t k = 0; k < ARRAY_SIZE(no_numbers); k++)
		wrong("event-channel", no_numbers[k]);
	wrong_ports();
	jumps();
	/* What is too long for its place must not stay from before. */
	front_prepare(0);
	front_write("feature-sg", "banana");
	front_write("feature-gso-tcpv4",
		    "1111111111111111111111111111111111111111111111");
	state_is("features that are no numbers", "4", XenbusStateConnected);
	check("disconnected", front_disconnect(), 0);
	xs_remove(XS_NO_TRANSACTION, "device/vif/0/feature-sg");
	xs_remove(XS_NO_TRANSACTION, "device/vif/0/feature-gso-tcpv4");
}
