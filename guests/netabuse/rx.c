/* rx.c: receive buffers that are none. */
#include "netabuse/netabuse.h"

#include "kit/check.h"
#include "kit/event.h"
#include "kit/grant.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"

static uint64_t tables_mfn(void)
{
	return *pte_at(front.rx_page[0], 2) >> PAGE_SHIFT & 0xffffffffff;
}

/* Have the gateway send a packet: an answer by ARP. */
static void ask(void)
{
	struct netif_tx_request t = { .gref = front.tx_gref[0], .size = 60 };
	struct netif_tx_response r;

	arp_ask(front.tx_page[0]);
	tx_put(&t);
	tx_push();
	tx_wait(&r, ANSWER_NS);
}

/* The status of a packet into that grant, or -100: none came. */
static long into(uint32_t gref)
{
	struct netif_rx_response r;

	rx_put(77, gref);
	rx_push();
	ask();
	if (!rx_wait(&r, ANSWER_NS))
		return -100;
	return r.id == 77 ? r.status : -101;
}

static void index_run(const char *name, uint32_t prod)
{
	check("connected", front_connect(), 0);
	check("a packet", into(front.rx_gref[0]), NOT_NEGATIVE);
	__atomic_store_n(&front.rx->req_prod, front.rx_seen + prod,
			 __ATOMIC_SEQ_CST);
	ask();
	event_poll(front.port, time_now() + SILENCE_NS);
	check(name, tx_good(SILENCE_NS), 1);
	check("disconnected", front_disconnect(), 0);
}

void attack_rx(unsigned long n)
{
	uint64_t own = va_to_mfn(front.rx_page[1]);
	const struct {
		const char *name;
		uint32_t gref;
		long want;
	} rows[] = {
		{ "a buffer", front.rx_gref[0], NOT_NEGATIVE },
		{ "the same buffer again", front.rx_gref[0], NOT_NEGATIVE },
		{ "a grant that is none", grant_of_nothing(), NETIF_RSP_ERROR },
		{ "a grant behind the table", UINT32_MAX, NETIF_RSP_ERROR },
		{ "a grant to read only", grant_access(0, own, true),
		  NETIF_RSP_ERROR },
		{ "a grant for another domain", grant_access(1, own, false),
		  NETIF_RSP_ERROR },
		{ "the root of the page tables",
		  grant_access(0, va_to_mfn(pt_root()), false),
		  NETIF_RSP_ERROR },
		{ "a page table", grant_access(0, tables_mfn(), false),
		  NETIF_RSP_ERROR },
		{ "a frame of another domain",
		  grant_access(0, 0x100, false), NETIF_RSP_ERROR },
		{ "a frame that is none",
		  grant_access(0, 0xfffffff0, false), NETIF_RSP_ERROR },
		{ "the grant table itself",
		  grant_access(0, *pte_at(grant_table, 1) >> PAGE_SHIFT &
				  0xffffffffff, false), ANYTHING },
		{ "a buffer at the end", front.rx_gref[2], NOT_NEGATIVE },
	};

	check("connected", front_connect(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].name, into(rows[i].gref), rows[i].want);
	check("disconnected", front_disconnect(), 0);
	index_run("one buffer more than there are slots", RING + 1);
	index_run("two thousand million buffers", 0x80000000);
	index_run("a buffer index that goes back", -1);
}
