/* echo.c: the bystander: what comes by UDP goes back where it came from. */
#include "netabuse/netabuse.h"

#include <string.h>

#include "kit/event.h"
#include "kit/kit.h"

static uint16_t free_ids[TX_PAGES];
static unsigned int nr_free;

static void sent_take(void)
{
	while (__atomic_load_n(&front.tx->rsp_prod, __ATOMIC_ACQUIRE) !=
	       front.tx_seen)
		free_ids[nr_free++] =
			front.tx->ring[front.tx_seen++ % RING].rsp.id;
}

static void send_back(const uint8_t *packet, uint16_t len)
{
	struct netif_tx_request t = { .size = len };
	uint8_t *buf;

	sent_take();
	if (!nr_free || !is_udp(packet, len))
		return;
	t.id = free_ids[--nr_free];
	t.gref = front.tx_gref[t.id];
	buf = front.tx_page[t.id];
	memcpy(buf, packet, len);
	udp_turn(buf);
	tx_put(&t);
}

static bool packets_take(void)
{
	bool any = false;

	while (__atomic_load_n(&front.rx->rsp_prod, __ATOMIC_ACQUIRE) !=
	       front.rx_seen) {
		struct netif_rx_response r =
			front.rx->ring[front.rx_seen++ % RING].rsp;

		if (r.status > 0)
			send_back(front.rx_page[r.id], r.status);
		rx_put(r.id, front.rx_gref[r.id]);
		any = true;
	}
	return any;
}

static void serve(void)
{
	do {
		while (packets_take()) {
			tx_push();
			rx_push();
		}
		sent_take();
		__atomic_store_n(&front.rx->rsp_event, front.rx_seen + 1,
				 __ATOMIC_SEQ_CST);
	} while (__atomic_load_n(&front.rx->rsp_prod, __ATOMIC_SEQ_CST) !=
		 front.rx_seen);
}

void echo_run(void)
{
	if (front_connect())
		panic("not connected");
	for (unsigned int i = 0; i < TX_PAGES; i++)
		free_ids[nr_free++] = i;
	for (unsigned int i = 0; i < RX_PAGES; i++)
		rx_put(i, front.rx_gref[i]);
	rx_push();
	printf("echo: ready\n");
	for (;;) {
		serve();
		event_block();
	}
}
