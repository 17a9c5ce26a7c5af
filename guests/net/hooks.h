/* hooks.h: what lwIP asks of us on its way (LWIP_HOOK_...). */
#ifndef NET_HOOKS_H
#define NET_HOOKS_H

#include <stdbool.h>

#include <lwip/ip6_addr.h>
#include <lwip/netif.h>

/* The router for what is not on the link, or NULL. */
const ip6_addr_t *net_gateway6(struct netif *n, const ip6_addr_t *dest);

/*
 * Are both on the link?  Of two addresses one is the interface's own where this
 * matters.  It takes the place of lwIP's comparison of nets, each of which is
 * a /64 there: this header comes behind lwIP's own where it asks.
 */
bool net_same_link6(const ip6_addr_t *a, const ip6_addr_t *b);
#undef ip6_addr_netcmp
#define ip6_addr_netcmp(a, b) net_same_link6(a, b)

#endif
