/* port.h: between the files of guests/net. */
#ifndef NET_PORT_H
#define NET_PORT_H

#include "net/net.h"

/* ---- config.c ---- */

int net_addresses(const struct net_config *c);

/* ---- tx.c ---- */

void tx_init(struct netfront *nf);
/* lwIP's linkoutput. */
err_t tx_output(struct netif *n, struct pbuf *p);
/* netfront's sent(). */
void tx_sent(void *ctx, void *token);
/* What was put together leaves now. */
void tx_flush(void);
/* Whether segments of TCP were refused, for want of room, since last asked. */
bool tx_refused(void);

#endif
