/*
 * tx.c: requests on the transmit ring that are no packets.
 *
 * Each row either gets its responses, an error for each slot of it, and the
 * next good packet is served; or the vif is cut off, and serves again once it
 * was disconnected and connected.
 */
#include "netabuse/netabuse.h"

#include <stdio.h>
#include <string.h>

#include "kit/check.h"
#include "kit/event.h"
#include "kit/grant.h"
#include "kit/kit.h"
#include "kit/mm.h"

enum kind {			/* what a slot grants */
	PAGE,			/* a page of ours, to be read */
	UNUSED,			/* an entry that grants nothing */
	NO_ENTRY,		/* no entry of the table */
	OTHER,			/* a page granted to another domain */
	TABLE,			/* the root of our page tables */
	FOREIGN,		/* a frame that is not ours */
	NO_FRAME,		/* no frame of memory */
	NR_KINDS,
};

enum outcome {
	SENT,			/* taken; what becomes of it is the VFR's */
	REFUSED,		/* an error for each slot */
	CUT,			/* no more service */
};

#define MORE	NETTXF_more_data
#define EXTRA	NETTXF_extra_info
#define BLANK	(NETTXF_csum_blank | NETTXF_data_validated)

struct slot {
	uint8_t kind;
	uint8_t extra;		/* 1: the slot is extra information */
	uint16_t offset, flags, size; /* extra: type, flags, GSO size */
	uint16_t gso;		/* extra: GSO type */
};

#define GSO(flags, size, type)	{ .extra = 1, .offset = 1, flags, size, type }
#define INFO(type, flags)	{ .extra = 1, .offset = type, flags }

static const struct row {
	const char *name;
	enum outcome outcome;
	struct slot slot[8];
	uint32_t nr;
} rows[] = {
	{ "a packet", SENT, { { PAGE, 0, 0, 0, 60 } }, 1 },
	{ "a packet of two slots", SENT,
	  { { PAGE, 0, 0, MORE, 160 }, { PAGE, 0, 0, 0, 100 } }, 2 },
	{ "the same grant three times", SENT,
	  { { PAGE, 0, 0, MORE, 300 }, { PAGE, 0, 0, MORE, 100 },
	    { PAGE, 0, 0, 0, 100 } }, 3 },
	{ "the whole page", SENT, { { PAGE, 0, 0, 0, 4096 } }, 1 },

	{ "size 0", REFUSED, { { PAGE } }, 1 },
	{ "shorter than a header", REFUSED, { { PAGE, 0, 0, 0, 13 } }, 1 },
	{ "past the page by one", REFUSED, { { PAGE, 0, 1, 0, 4096 } }, 1 },
	{ "an offset behind the page", REFUSED,
	  { { PAGE, 0, 4096, 0, 60 } }, 1 },
	{ "offset and size that wrap around", REFUSED,
	  { { PAGE, 0, 65535, 0, 65535 } }, 1 },
	{ "64 KiB in one slot", REFUSED, { { PAGE, 0, 0, 0, 65535 } }, 1 },
	{ "a second slot longer than the packet", REFUSED,
	  { { PAGE, 0, 0, MORE, 60 }, { PAGE, 0, 0, 0, 100 } }, 2 },
	{ "a second slot that leaves the first none", REFUSED,
	  { { PAGE, 0, 0, MORE, 100 }, { PAGE, 0, 0, 0, 100 } }, 2 },
	{ "a second slot of size 0", REFUSED,
	  { { PAGE, 0, 0, MORE, 100 }, { PAGE } }, 2 },
	{ "a second slot past its page", REFUSED,
	  { { PAGE, 0, 0, MORE, 200 }, { PAGE, 0, 4000, 0, 100 } }, 2 },
	{ "more than is in the slots", REFUSED,
	  { { PAGE, 0, 0, MORE, 9000 }, { PAGE, 0, 0, 0, 100 } }, 2 },

	{ "a grant that is none", REFUSED, { { UNUSED, 0, 0, 0, 60 } }, 1 },
	{ "a grant behind the table", REFUSED,
	  { { NO_ENTRY, 0, 0, 0, 60 } }, 1 },
	{ "a grant for another domain", REFUSED,
	  { { OTHER, 0, 0, 0, 60 } }, 1 },
	{ "a frame of another domain", REFUSED,
	  { { FOREIGN, 0, 0, 0, 60 } }, 1 },
	{ "a frame that is none", REFUSED, { { NO_FRAME, 0, 0, 0, 60 } }, 1 },
	{ "a page table, to be read", SENT, { { TABLE, 0, 0, 0, 60 } }, 1 },
	{ "a bad grant behind a good one", REFUSED,
	  { { PAGE, 0, 0, MORE, 200 }, { UNUSED, 0, 0, 0, 100 } }, 2 },

	{ "checksum flags on a bare header", SENT,
	  { { PAGE, 0, 100, BLANK, 14 } }, 1 },
	{ "a blank checksum where there is no transport", SENT,
	  { { PAGE, 0, 0, BLANK, 34 } }, 1 },
	{ "extra information of type 0", REFUSED,
	  { { PAGE, 0, 0, EXTRA, 60 }, INFO(0, 0) }, 2 },
	{ "extra information of no known type", REFUSED,
	  { { PAGE, 0, 0, EXTRA, 60 }, INFO(200, 0) }, 2 },
	{ "extra information that was not offered", REFUSED,
	  { { PAGE, 0, 0, EXTRA, 60 }, INFO(2, 0) }, 2 },
	{ "segments of size 0", REFUSED,
	  { { PAGE, 0, 0, EXTRA | BLANK, 60 }, GSO(0, 0, 1) }, 2 },
	{ "segments of no known type", REFUSED,
	  { { PAGE, 0, 0, EXTRA | BLANK, 60 }, GSO(0, 1000, 9) }, 2 },
	{ "segments of type none", REFUSED,
	  { { PAGE, 0, 0, EXTRA | BLANK, 60 }, GSO(0, 1000, 0) }, 2 },
	{ "segments without a blank checksum", REFUSED,
	  { { PAGE, 0, 0, EXTRA, 60 }, GSO(0, 1000, 1) }, 2 },
	{ "segments of what is not TCP", SENT,
	  { { PAGE, 0, 0, EXTRA | BLANK, 60 }, GSO(0, 1000, 1) }, 2 },
	{ "segments of one byte", SENT,
	  { { PAGE, 0, 0, EXTRA | BLANK, 4096 }, GSO(0, 1, 1) }, 2 },
	{ "segments of IPv6 that are not", SENT,
	  { { PAGE, 0, 0, EXTRA | BLANK, 4096 }, GSO(0, 1000, 2) }, 2 },
	{ "segments longer than the packet", SENT,
	  { { PAGE, 0, 0, EXTRA | BLANK, 60 }, GSO(0, 65535, 1) }, 2 },
	{ "segments said twice", REFUSED,
	  { { PAGE, 0, 0, EXTRA | BLANK, 60 }, GSO(1, 1000, 1),
	    GSO(0, 0, 1) }, 3 },

	{ "a packet that does not end", CUT,
	  { { PAGE, 0, 0, MORE, 200 }, { PAGE, 0, 0, MORE, 100 } }, 2 },
	{ "extra information that is not there", CUT,
	  { { PAGE, 0, 0, EXTRA, 60 } }, 1 },
	{ "extra information without an end", CUT,
	  { { PAGE, 0, 0, EXTRA, 60 }, INFO(1, 1), INFO(1, 1), INFO(1, 1),
	    INFO(1, 1), INFO(1, 1), INFO(1, 1) }, 7 },
};

static uint32_t refs[NR_KINDS];

static void kinds_init(void)
{
	uint64_t own = va_to_mfn(front.tx_page[1]);

	refs[PAGE] = front.tx_gref[0];
	refs[NO_ENTRY] = UINT32_MAX;
	refs[OTHER] = grant_access(1, own, false);
	refs[TABLE] = grant_access(0, va_to_mfn(pt_root()), true);
	refs[FOREIGN] = grant_access(0, 0x100, true);
	refs[NO_FRAME] = grant_access(0, 0xfffffff0, true);
	refs[UNUSED] = grant_of_nothing();
}

static void slot_put(const struct slot *s, uint16_t id)
{
	union {
		struct netif_tx_request r;
		struct netif_extra_info x;
	} u = { .r = { .gref = refs[s->kind], .offset = s->offset,
		       .flags = s->flags, .id = id, .size = s->size } };

	if (s->extra) {
		memset(&u, 0, sizeof(u));
		u.x.type = s->offset;
		u.x.flags = s->flags;
		u.x.u.gso.size = s->size;
		u.x.u.gso.type = s->gso;
	}
	tx_put(&u.r);
}

/* What the slots of a row got: their one status, or 1 where it is not one. */
static long responses(uint32_t nr, const struct slot *s)
{
	struct netif_tx_response r;
	long status = 1;

	for (uint32_t i = 0; i < nr; i++) {
		if (!tx_wait(&r, ANSWER_NS))
			return 2;
		if (r.status == NETIF_RSP_NULL && s && s[i].extra)
			continue;
		if (status != 1 && r.status != status)
			return 3;
		status = r.status;
	}
	return status;
}

/* Take what was answered, until nothing comes any more. */
static void drain(void)
{
	struct netif_tx_response r;

	while (tx_wait(&r, SILENCE_NS))
		;
}

static void cut_check(const char *name)
{
	drain();
	check(name, tx_good(SILENCE_NS), 1);
	check("disconnected", front_disconnect(), 0);
	check("connected", front_connect(), 0);
}

static void row_run(const struct row *row)
{
	memset(front.tx_page[0], 0, PAGE_SIZE);
	udp_make(front.tx_page[0], gateway_ip, 9, 60);
	for (uint32_t i = 0; i < row->nr; i++)
		slot_put(&row->slot[i], i);
	tx_push();
	if (row->outcome == CUT) {
		cut_check(row->name);
		return;
	}
	check(row->name, responses(row->nr, row->slot),
	      row->outcome == SENT ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
	check("a good one", tx_good(ANSWER_NS), NETIF_RSP_OKAY);
}

/* A chain of nr slots, all good but for their number. */
static void chain(const char *name, uint32_t nr, enum outcome outcome)
{
	udp_make(front.tx_page[0], gateway_ip, 9, 60);
	for (uint32_t i = 0; i < nr; i++) {
		const struct slot s = {
			.flags = i + 1 < nr ? MORE : 0,
			.size = i ? 10 : 60 + 10 * (nr - 1),
		};

		slot_put(&s, i);
	}
	tx_push();
	if (outcome == CUT) {
		cut_check(name);
		return;
	}
	check(name, responses(nr, NULL),
	      outcome == SENT ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
	check("a good one", tx_good(ANSWER_NS), NETIF_RSP_OKAY);
}

void attack_tx(unsigned long n)
{
	kinds_init();
	check("connected", front_connect(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		row_run(&rows[i]);
	chain("18 slots", 18, SENT);
	chain("30 slots", 30, REFUSED);
	chain("100 slots", 100, CUT);
	check("disconnected", front_disconnect(), 0);
}

/* The producer where it cannot be; all slots hold good requests. */
static void index_run(const char *name, uint32_t prod)
{
	struct netif_tx_request r = { .gref = front.tx_gref[0], .size = 60 };

	check("connected", front_connect(), 0);
	check("a good one", tx_good(ANSWER_NS), NETIF_RSP_OKAY);
	for (uint32_t i = 0; i < RING; i++)
		front.tx->ring[i].req = r;
	__atomic_store_n(&front.tx->req_prod, front.tx_seen + prod,
			 __ATOMIC_SEQ_CST);
	front_notify();
	drain();
	check(name, tx_good(SILENCE_NS), 1);
	check("disconnected", front_disconnect(), 0);
}

/* What the backend keeps for itself does not depend on the ring. */
static void response_index(void)
{
	check("connected", front_connect(), 0);
	check("a good one", tx_good(ANSWER_NS), NETIF_RSP_OKAY);
	front.tx->rsp_prod += 1000;
	front.rx->rsp_prod -= 1000;
	front.tx->req_event = front.rx->req_event = 12345;
	tx_good(SILENCE_NS);
	front.tx_seen = front.tx->rsp_prod;
	check("response indexes of the guest's own", tx_good(ANSWER_NS),
	      NETIF_RSP_OKAY);
	check("disconnected", front_disconnect(), 0);
}

/* Rings that begin where they cannot. */
static void index_at_connect(const char *name, uint32_t prod)
{
	front_prepare(0);
	front.tx->rsp_prod = 1000;
	front.tx->req_prod = 1000 + prod;
	front.tx_seen = 1000;
	front_write("state", "4");
	check("connected", backend_state(), XenbusStateConnected);
	front.tx_prod = 1000;
	drain();
	check(name, tx_good(SILENCE_NS), 1);
	check("disconnected", front_disconnect(), 0);
}

void attack_index(unsigned long n)
{
	index_run("one request more than there are slots", RING + 1);
	index_run("two thousand million requests", 0x80000000);
	index_run("a request index that goes back", -1);
	response_index();
	index_at_connect("a wild index from the start", 0x40000000);
}
