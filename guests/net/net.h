/*
 * net.h: TCP/IP for a guest of the kit, by lwIP over netfront.
 *
 *	if (net_init(0))
 *		panic(...);
 *	tcp_new(), tcp_bind() ... lwIP's raw API
 *	event_loop();
 *
 * lwIP's callbacks run in event_dispatch().  What they send leaves when the
 * batch of events is done; code outside of callbacks ends with net_flush().
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lwip/netif.h>
#include <lwip/udp.h>

#include "kit/netfront.h"

/*
 * Bring up vif HANDLE with the addresses that dom0 wrote for it, and say on the
 * console which.  0, or -ENODEV where there is no such vif.
 */
int net_init(unsigned int handle);

/* The same over rings that are connected by other means, with addresses as text
 * ("10.1.0.10/24", "10.1.0.1"), NULL where there is none. */
struct net_config {
	const char *ip, *gateway;
	const char *ip6, *gateway6;
};
extern const struct netfront_handler net_handler;
int net_start(struct netfront *nf, const struct net_config *c);

/* Send what was queued, and see to lwIP's timers. */
void net_flush(void);

/* As udp_sendto(), also for datagrams that do not fit into one packet. */
err_t net_udp_sendto(struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *to,
		     uint16_t port);

/* So many pages of memory lwIP takes at the most, and keeps them; a guest with
 * little may say less before it starts. */
extern size_t net_heap_pages;

/* What the interface has counted. */
const struct netfront_counters *net_counters(void);

/* Called after each batch of events, when there may be room to send again. */
extern void (*net_idle)(void);

extern struct netif net_if;

#endif
