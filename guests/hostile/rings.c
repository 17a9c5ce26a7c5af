/*
 * rings.c: the rings that dom0 serves, with what must not be in them.
 */
#include <stdint.h>
#include <string.h>

#include <xen/io/console.h>
#include <xen/io/xs_wire.h>

#include "hostile/hostile.h"
#include "kit/check.h"
#include "kit/console.h"
#include "kit/event.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "kit/xenbus.h"

/* First many requests of all kinds, then bytes, then indices. */
void attack_store(void)
{
	struct xenstore_domain_interface *r =
		pfn_to_va(mfn_to_pfn(start_info->store_mfn));
	char data[256], reply[512];

	for (unsigned int i = 0; i < 3000; i++) {
		unsigned int len = random_below(sizeof(data));

		for (unsigned int n = 0; n < len; n++)
			data[n] = "/local/domain0123456789\0abc"
				[random_below(26)];
		xs_request(random_below(30), random_below(4), data, len,
			   reply, sizeof(reply));
	}
	for (unsigned int i = 0; i < 200; i++) {
		for (unsigned int n = 0; n < sizeof(r->req); n++)
			r->req[n] = random64();
		r->req_prod = i < 100 ? r->req_cons + random_below(1025)
				      : random64();
		r->rsp_cons = i < 50 ? r->rsp_prod : random64();
		event_send(start_info->store_evtchn);
	}
	check("xenstore has had all of it", 0, 0);
}

/* As much text as goes through in three seconds, and broken indices. */
void attack_console(void)
{
	static char line[] = "a very long line of nothing, again and again\n";
	uint64_t until = time_now() + 3 * SECONDS;
	struct xencons_interface *r =
		pfn_to_va(mfn_to_pfn(start_info->console.domU.mfn));
	XENCONS_RING_IDX prod, cons;

	while (time_now() < until)
		console_write(line, sizeof(line) - 1);
	prod = r->out_prod;
	cons = r->in_cons;
	for (unsigned int i = 0; i < 1000; i++) {
		r->out_prod = random64();
		r->in_cons = random64();
		event_send(start_info->console.domU.evtchn);
	}
	r->in_cons = cons;
	r->out_prod = prod;
}
