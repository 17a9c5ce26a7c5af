/*
 * config.c: the addresses of an interface, from the store to lwIP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lwip/ip.h>
#include <lwip/nd6.h>

#include "kit/kit.h"
#include "net/hooks.h"
#include "net/net.h"
#include "net/port.h"

#define LINK_LOCAL_BITS	64

static ip6_addr_t gateway6;
static bool has_gateway6;
static unsigned int link6_bits = LINK_LOCAL_BITS; /* of our net's prefix */

const ip6_addr_t *net_gateway6(struct netif *n, const ip6_addr_t *dest)
{
	return has_gateway6 ? &gateway6 : NULL;
}

static bool prefix6_equal(const ip6_addr_t *a, const ip6_addr_t *b,
			  unsigned int bits)
{
	unsigned int i = 0;

	for (; bits >= 32; i++, bits -= 32)
		if (a->addr[i] != b->addr[i])
			return false;
	return !bits || !(lwip_ntohl(a->addr[i] ^ b->addr[i]) >> (32 - bits));
}

/* The gateway is on the link wherever its address may lie. */
bool net_same_link6(const ip6_addr_t *a, const ip6_addr_t *b)
{
	if (!ip6_addr_cmp_zone(a, b))
		return false;
	if (ip6_addr_islinklocal(a))
		return prefix6_equal(a, b, LINK_LOCAL_BITS);
	if (has_gateway6 && ip6_addr_cmp_zoneless(a, &gateway6))
		return true;
	return prefix6_equal(a, b, link6_bits);
}

/* "address/length"; the text before the slash goes into addr. */
static int prefix_split(const char *text, char *addr, size_t size,
			unsigned int bits)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long len = slash ? strtoul(slash + 1, NULL, 10) : bits;

	if (n >= size || len > bits)
		return -EINVAL;
	memcpy(addr, text, n);
	addr[n] = 0;
	return len;
}

static int ip4_set(const char *ip, const char *gateway)
{
	ip4_addr_t addr, mask, gw = { 0 };
	char text[20];
	int len = prefix_split(ip, text, sizeof(text), 32);

	if (len < 0 || !ip4addr_aton(text, &addr) ||
	    (gateway && !ip4addr_aton(gateway, &gw)))
		return -EINVAL;
	ip4_addr_set_u32(&mask, len ? lwip_htonl(~0u << (32 - len)) : 0);
	netif_set_addr(&net_if, &addr, &mask, &gw);
	return 0;
}

static int ip6_set(const char *ip, const char *gateway)
{
	ip6_addr_t addr;
	char text[48];
	s8_t index;
	int len = prefix_split(ip, text, sizeof(text), 128);

	if (len < 0 || !ip6addr_aton(text, &addr))
		return -EINVAL;
	link6_bits = (unsigned int)len;
	if (netif_add_ip6_address(&net_if, &addr, &index) != ERR_OK)
		return -EINVAL;
	netif_ip6_addr_set_state(&net_if, index, IP6_ADDR_PREFERRED);
	has_gateway6 = gateway && ip6addr_aton(gateway, &gateway6);
	return 0;
}

int net_addresses(const struct net_config *c)
{
	int rc = c->ip ? ip4_set(c->ip, c->gateway) : 0;

	return rc ?: c->ip6 ? ip6_set(c->ip6, c->gateway6) : 0;
}

static void say(const char *address, const char *gateway)
{
	printf(" %s%s%s", address, gateway ? " via " : "", gateway ?: "");
}

int net_init(unsigned int handle)
{
	char text[4][64];
	const char *value[4] = { NULL };
	static const char *const nodes[] = { "ip", "gateway", "ip6", "gateway6" };
	struct netfront *nf = netfront_open(handle, &net_handler, NULL,
					    NETFRONT_BUFS);
	struct net_config c;
	int rc;

	if (!nf)
		return -ENODEV;
	for (unsigned int i = 0; i < ARRAY_SIZE(nodes); i++)
		if (netfront_node(nf, nodes[i], text[i], sizeof(text[i])) > 0)
			value[i] = text[i];
	c = (struct net_config){ value[0], value[1], value[2], value[3] };
	rc = net_start(nf, &c);
	printf("net: vif %u:", handle);
	say(c.ip ?: "no IPv4", c.ip ? c.gateway : NULL);
	if (c.ip6)
		say(c.ip6, c.gateway6);
	printf("\n");
	return rc;
}
