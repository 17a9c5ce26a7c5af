/*
 * storm: event channels and grants between domains that mean harm.
 *
 * Every storm domain, on each of its vcpus, makes and breaks channels and grants
 * with the domains whose ids are near its own: entries that change while they
 * are used, handles and ports of others, mappings where some are already, the
 * same operation on two vcpus at once.  Results are not looked at: what must
 * hold is that nobody else notices, that the frame audit passes, and that all
 * comes back when the domains are destroyed (tests/system/storm.py).
 *
 * seed=N makes it repeatable as far as the other vcpus let it.
 */
#include <stdint.h>
#include <stdlib.h>

#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#include "kit/grant.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/vcpu.h"
#include "kit/xenbus.h"

#define PAGES		8	/* own ones that are granted */
#define SLOTS		16	/* places to map others' */
#define PORTS		48	/* that are played with */
#define REF_FIRST	8	/* references below are the store's and console's */
#define REFS		32
#define HANDLES		24
#define NEAR		3	/* ids up to this far away are our peers */
#define BEAT		50000	/* operations between two lines */

static uint64_t *page[PAGES];
static char *window;
static int self;		/* our domid */
static uint32_t handle[SLOTS];	/* the last one that mapped there */
static unsigned long maps, channels, copies, pins; /* that came about */

static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static unsigned int below(uint64_t *rng, unsigned int n)
{
	return draw(rng) % n;
}

static domid_t peer(uint64_t *rng)
{
	int id = self - NEAR + (int)below(rng, 2 * NEAR + 1);

	return below(rng, 16) ? (domid_t)(id < 1 ? 1 : id) : DOMID_SELF;
}

/* Never the two with which dom0 hears from us. */
static evtchn_port_t port(uint64_t *rng)
{
	evtchn_port_t p;

	do {
		p = below(rng, PORTS);
	} while (p == start_info->store_evtchn ||
		 p == start_info->console.domU.evtchn);
	return p;
}

static char *slot_va(unsigned int i)
{
	return window + i * PAGE_SIZE;
}

static void *slot(uint64_t *rng)
{
	return slot_va(below(rng, SLOTS));
}

/* Mostly the right one for the slot. */
static uint32_t some_handle(uint64_t *rng, unsigned int i)
{
	return below(rng, 4) ? handle[i] : below(rng, HANDLES);
}

static uint32_t any_ref(uint64_t *rng)
{
	return REF_FIRST + below(rng, REFS);
}

static long evtchn(unsigned int cmd, void *arg)
{
	return hypercall2(__HYPERVISOR_event_channel_op, cmd, arg);
}

static long grant(unsigned int cmd, void *arg, unsigned int n)
{
	return hypercall3(__HYPERVISOR_grant_table_op, cmd, arg, n);
}

/* ---- event channels ---- */

static void do_unbound(uint64_t *rng)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF,
					   .remote_dom = peer(rng) };

	evtchn(EVTCHNOP_alloc_unbound, &op);
}

static void do_bind(uint64_t *rng)
{
	struct evtchn_bind_interdomain op = { .remote_dom = peer(rng),
					      .remote_port = port(rng) };

	channels += evtchn(EVTCHNOP_bind_interdomain, &op) == 0;
}

static void do_ipi(uint64_t *rng)
{
	struct evtchn_bind_ipi op = { .vcpu = below(rng, 3) };

	evtchn(EVTCHNOP_bind_ipi, &op);
}

static void do_close(uint64_t *rng)
{
	struct evtchn_close op = { .port = port(rng) };

	evtchn(EVTCHNOP_close, &op);
}

static void do_send(uint64_t *rng)
{
	struct evtchn_send op = { .port = port(rng) };

	evtchn(EVTCHNOP_send, &op);
}

static void do_move(uint64_t *rng)
{
	struct evtchn_bind_vcpu op = { .port = port(rng),
				       .vcpu = below(rng, 3) };

	evtchn(EVTCHNOP_bind_vcpu, &op);
}

static void do_status(uint64_t *rng)
{
	struct evtchn_status op = { .dom = DOMID_SELF, .port = port(rng) };

	evtchn(EVTCHNOP_status, &op);
}

/* ---- grants ---- */

/* What an entry may be granting: pages, page tables, nobody's frames. */
static uint32_t some_frame(uint64_t *rng)
{
	switch (below(rng, 16)) {
	case 0:
		return va_to_mfn(pt_root());
	case 1:
		return (uint32_t)draw(rng);
	case 2:
		return va_to_mfn(start_info);
	default:
		return va_to_mfn(page[below(rng, PAGES)]);
	}
}

/* The ABI forbids to change one that is in use. */
static void do_entry(uint64_t *rng)
{
	static const uint16_t flags[] = {
		GTF_permit_access, GTF_permit_access, GTF_permit_access,
		GTF_permit_access | GTF_readonly, GTF_invalid,
		GTF_accept_transfer, 0xffff,
	};
	struct grant_entry_v1 *e = &grant_table[any_ref(rng)];

	e->domid = peer(rng);
	if (e->domid == DOMID_SELF)
		e->domid = (domid_t)self;
	e->frame = some_frame(rng);
	__atomic_store_n(&e->flags, flags[below(rng, ARRAY_SIZE(flags))],
			 __ATOMIC_SEQ_CST);
}

static void do_map(uint64_t *rng)
{
	struct gnttab_map_grant_ref op[2];
	unsigned int at[2];

	for (unsigned int i = 0; i < 2; i++) {
		at[i] = below(rng, SLOTS);
		op[i] = (struct gnttab_map_grant_ref){
			.host_addr = (uint64_t)slot_va(at[i]),
			.flags = GNTMAP_host_map |
				 (below(rng, 2) ? GNTMAP_readonly : 0),
			.ref = any_ref(rng),
			.dom = peer(rng),
		};
	}
	grant(GNTTABOP_map_grant_ref, op, 2);
	for (unsigned int i = 0; i < 2; i++) {
		if (op[i].status)
			continue;
		handle[at[i]] = op[i].handle;
		maps++;
	}
}

static void do_unmap(uint64_t *rng)
{
	struct gnttab_unmap_grant_ref op[3];

	for (unsigned int i = 0; i < 3; i++) {
		unsigned int at = below(rng, SLOTS);

		op[i] = (struct gnttab_unmap_grant_ref){
			.host_addr = (uint64_t)slot_va(at),
			.handle = some_handle(rng, at),
		};
	}
	grant(GNTTABOP_unmap_grant_ref, op, 3);
}

static void do_replace(uint64_t *rng)
{
	unsigned int at = below(rng, SLOTS);
	struct gnttab_unmap_and_replace op = {
		.host_addr = (uint64_t)slot_va(at),
		.new_addr = (uint64_t)slot(rng),
		.handle = some_handle(rng, at),
	};

	grant(GNTTABOP_unmap_and_replace, &op, 1);
}

static void do_copy(uint64_t *rng)
{
	struct gnttab_copy op = {
		.source = { .domid = peer(rng), .offset = below(rng, 4096) },
		.dest = { .domid = DOMID_SELF, .offset = below(rng, 4096) },
		.len = below(rng, 2048),
		.flags = GNTCOPY_source_gref,
	};

	op.source.u.ref = any_ref(rng);
	op.dest.u.gmfn = va_to_mfn(page[below(rng, PAGES)]);
	grant(GNTTABOP_copy, &op, 1);
	copies += op.status == 0;
}

/* Own pages come and go as mappings of the window, too. */
static void do_own(uint64_t *rng)
{
	uint64_t pte = va_to_mfn(page[below(rng, PAGES)]) << PAGE_SHIFT;

	pte_set(slot(rng), below(rng, 2) ? pte | PTE_LEAF_RW : 0);
}

/* A granted page becomes a page table, if nobody writes to it. */
static void do_pin(uint64_t *rng)
{
	uint64_t *p = page[below(rng, PAGES)];

	if (page_protect(p))
		return;
	pins += mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(p)) == 0;
	mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(p));
	page_unprotect(p);
}

/* ---- vcpus ---- */

static void do_vcpu(uint64_t *rng)
{
	static const unsigned int cmds[] = { VCPUOP_up, VCPUOP_up,
					     VCPUOP_is_up, VCPUOP_down };

	if (this_vcpu()->id == 0)
		hypercall3(__HYPERVISOR_vcpu_op,
			   cmds[below(rng, ARRAY_SIZE(cmds))], 1, NULL);
}

static void do_yield(uint64_t *rng)
{
	hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
}

static void (*const operations[])(uint64_t *rng) = {
	do_unbound, do_bind, do_ipi,	 do_close, do_send, do_move, do_status,
	do_entry,   do_map,  do_unmap,	 do_copy,  do_own,  do_pin,  do_replace,
	do_close,   do_map,  do_unmap,	 do_entry, do_bind, do_vcpu, do_yield,
};

static void storm(void *arg)
{
	uint64_t rng = option_number("seed", 1) * 0x9e3779b97f4a7c15 +
		       (uint64_t)self * 64 + this_vcpu()->id + 1;

	for (unsigned long n = 1;; n++) {
		operations[below(&rng, ARRAY_SIZE(operations))](&rng);
		if (this_vcpu()->id == 0 && n % BEAT == 0)
			printf("storm: %lu operations: %lu maps, %lu channels, "
			       "%lu copies, %lu pins\n", n, maps, channels,
			       copies, pins);
	}
}

int guest_main(void)
{
	char id[16];

	xenbus_init();
	if (xs_read(XS_NO_TRANSACTION, "domid", id, sizeof(id)) <= 0)
		panic("no domid in the store");
	self = (int)strtoul(id, NULL, 10);
	grant_init();
	for (unsigned int i = 0; i < PAGES; i++)
		page[i] = pages_alloc_zeroed(1);
	window = window_alloc(SLOTS);
	printf("storm: domain %d\n", self);
	vcpu_start(1, storm, NULL);
	storm(NULL);
	return SHUTDOWN_poweroff;
}
