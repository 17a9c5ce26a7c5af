/* hooks.h: what lwIP asks of us on its way (LWIP_HOOK_...). */
#ifndef NET_HOOKS_H
#define NET_HOOKS_H

#include <lwip/ip6_addr.h>
#include <lwip/netif.h>

/* The router for what is not on the link, or NULL. */
const ip6_addr_t *net_gateway6(struct netif *n, const ip6_addr_t *dest);

#endif
