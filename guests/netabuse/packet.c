/* packet.c: the few packets that are needed. */
#include "netabuse/netabuse.h"

#include <errno.h>
#include <string.h>

#include "kit/kit.h"

#define ETH_IP	0x0800
#define ETH_ARP	0x0806
#define IP_UDP	17
#define IP_TCP	6
#define TCP_SYN	2

uint8_t gateway_mac[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
uint32_t my_ip, gateway_ip;

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t checksum(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i += 2)
		sum += get16(p + i);
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16)) & 0xffff;
}

static void eth_make(uint8_t *buf, const uint8_t *to, uint16_t type)
{
	memcpy(buf, to, 6);
	memcpy(buf + 6, my_mac, 6);
	put16(buf + 12, type);
}

void udp_make(uint8_t *buf, uint32_t ip, uint16_t port, uint32_t len)
{
	uint8_t *h = buf + 14, *udp = buf + 34;

	memset(buf, 0, UDP_HEADERS);
	eth_make(buf, gateway_mac, ETH_IP);
	h[0] = 0x45;
	put16(h + 2, len - 14);
	h[8] = 64;
	h[9] = IP_UDP;
	put32(h + 12, my_ip);
	put32(h + 16, ip);
	put16(h + 10, checksum(h, 20));
	put16(udp, 4000);
	put16(udp + 2, port);
	put16(udp + 4, len - 34);
}

void tcp_make(uint8_t *buf, uint32_t ip, uint16_t port, uint32_t len)
{
	uint8_t *h = buf + 14, *tcp = buf + 34;

	udp_make(buf, ip, port, len);
	h[9] = IP_TCP;
	put16(h + 10, 0);
	put16(h + 10, checksum(h, 20));
	memset(tcp + 4, 0, 16);
	tcp[12] = 5 << 4;
	tcp[13] = TCP_SYN;
}

bool is_udp(const uint8_t *buf, uint32_t len)
{
	return len >= UDP_HEADERS && get16(buf + 12) == ETH_IP &&
	       buf[14] == 0x45 && buf[23] == IP_UDP;
}

static void swap(uint8_t *a, uint8_t *b, uint32_t n)
{
	uint8_t old[6];

	memcpy(old, a, n);
	memcpy(a, b, n);
	memcpy(b, old, n);
}

/* No sum changes by that but where bytes trade places within it. */
void udp_turn(uint8_t *buf)
{
	swap(buf, buf + 6, 6);
	swap(buf + 26, buf + 30, 4);
	swap(buf + 34, buf + 36, 2);
	put16(buf + 40, 0);
}

void arp_ask(uint8_t *buf)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t *a = buf + 14;

	memset(buf, 0, 60);
	eth_make(buf, all, ETH_ARP);
	put16(a, 1);
	put16(a + 2, ETH_IP);
	a[4] = 6;
	a[5] = 4;
	put16(a + 6, 1);
	memcpy(a + 8, my_mac, 6);
	put32(a + 14, my_ip);
	put32(a + 24, gateway_ip);
}

int gateway_find(void)
{
	struct netif_tx_request t = { .gref = front.tx_gref[0], .size = 60 };
	struct netif_tx_response sent;
	struct netif_rx_response r;
	const uint8_t *p = front.rx_page[0];

	arp_ask(front.tx_page[0]);
	rx_put(0, front.rx_gref[0]);
	rx_push();
	tx_put(&t);
	tx_push();
	if (!tx_wait(&sent, ANSWER_NS) || !rx_wait(&r, ANSWER_NS) ||
	    r.status < 42 || get16(p + 12) != ETH_ARP)
		return -EIO;
	memcpy(gateway_mac, p + 22, 6);
	return 0;
}
