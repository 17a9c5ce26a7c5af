/*
 * races.c: grants and event channels from two vcpus at once, and a domain that
 * ends in the middle.
 */
#include <stdint.h>

#include <xen/event_channel.h>
#include <xen/sched.h>

#include "hostile/hostile.h"
#include "kit/check.h"
#include "kit/event.h"
#include "kit/grant.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/xenbus.h"

#include <stdlib.h>

static domid_t self;
static void *shared_page, *place[2];
static volatile unsigned int shared_handle;
#define REF 20

static void self_find(void)
{
	char text[8] = "";

	xs_read(XS_NO_TRANSACTION, "domid", text, sizeof(text));
	self = strtoul(text, NULL, 10);
}

/* The entry changes under the hypervisor's reading of it. */
static void entry_flip(void *arg)
{
	volatile struct grant_entry_v1 *e = &grant_table[REF];

	e->flags = GTF_permit_access;
	e->domid = self;
	e->frame = va_to_mfn(shared_page);
	e->flags = GTF_permit_access | GTF_readonly;
	e->frame = va_to_mfn(pt_root());
	e->domid = 0;
	e->frame = 1;
	e->flags = 0xffff;
	e->flags = 0;
}

static void map_one(void *arg)
{
	struct gnttab_map_grant_ref m = {
		.host_addr = (uint64_t)place[0], .ref = REF, .dom = self,
		.flags = GNTMAP_host_map,
	};
	struct gnttab_unmap_grant_ref u = { .host_addr = m.host_addr };

	hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
	if (m.status == GNTST_okay)
		shared_handle = m.handle;
	u.handle = shared_handle;
	hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &u,
		   1);
}

static void flip_and_unmap(void *arg)
{
	struct gnttab_unmap_grant_ref u = {
		.host_addr = (uint64_t)place[0], .handle = shared_handle,
	};

	entry_flip(NULL);
	hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &u,
		   1);
}

static void grants_make(void)
{
	self_find();
	shared_page = pages_alloc_zeroed(1);
	place[0] = window_alloc(1);
	place[1] = window_alloc(1);
}

void attack_grant_race(void)
{
	grants_make();
	race(map_one, flip_and_unmap, 3000);
}

/* End with grants mapped, to ourselves. */
void attack_grant_hold(void)
{
	struct grant_mapping m;
	unsigned int mapped = 0;

	grants_make();
	for (unsigned int i = 0; i < 200; i++) {
		int ref = grant_access(self, va_to_mfn(shared_page), false);

		mapped += ref >= 0 && grant_map(&m, self, ref, false) == 0;
	}
	check("mapped and never unmapped", mapped, 200);
}

#define PORTS 64

static void port_storm(void *arg)
{
	struct evtchn_alloc_unbound a = {
		.dom = DOMID_SELF, .remote_dom = DOMID_SELF,
	};
	struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };
	struct evtchn_bind_vcpu v;
	struct evtchn_close c;
	struct evtchn_send s;

	for (unsigned int i = 8; i < PORTS; i++) {
		hypercall2(__HYPERVISOR_event_channel_op,
			   EVTCHNOP_alloc_unbound, &a);
		b.remote_port = i;
		hypercall2(__HYPERVISOR_event_channel_op,
			   EVTCHNOP_bind_interdomain, &b);
		s.port = i;
		hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &s);
		v = (struct evtchn_bind_vcpu){ .port = i, .vcpu = i & 1 };
		hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_vcpu,
			   &v);
		c.port = PORTS + 8 - i;
		hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &c);
	}
}

/* Ports 1 to 7 are the console's, the store's and the timer's: not these. */
void attack_event_race(void)
{
	race(port_storm, port_storm, 3000);
	for (unsigned int i = 8; i < 4096; i++) {
		struct evtchn_close c = { .port = i };

		hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &c);
	}
}

static void everything(void *arg)
{
	port_storm(NULL);
	map_one(NULL);
}

static void end_it(void *arg)
{
	struct sched_shutdown s = { .reason = SHUTDOWN_poweroff };

	for (volatile unsigned int i = 0; i < 3000000; i++)
		;
	hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
}

/* One vcpu ends the domain while the other is in hypercalls. */
void attack_exit_race(void)
{
	grants_make();
	race(everything, end_it, 3000);
}
