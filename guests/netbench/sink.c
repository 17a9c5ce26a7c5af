/*
 * sink.c: services for a peer that measures: it sends here, or takes from here,
 * and reads what arrived.
 */
#include "netbench/netbench.h"

#include <errno.h>
#include <string.h>

#include <lwip/tcp.h>
#include <lwip/udp.h>

#include "kit/kit.h"
#include "kit/time.h"
#include "net/net.h"

#define COUNTERS_PORT	8
#define DISCARD_PORT	9
#define SOURCE_PORT	19

struct sink_counters sink_counters;
char send_bytes[0xffff];

static void datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p,
		     const ip_addr_t *from, u16_t port)
{
	sink_counters.udp_packets++;
	sink_counters.udp_bytes += p->tot_len;
	pbuf_free(p);
}

static err_t pcb_end(struct tcp_pcb *pcb)
{
	tcp_sent(pcb, NULL);
	if (tcp_close(pcb) == ERR_OK)
		return ERR_OK;
	tcp_abort(pcb);
	return ERR_ABRT;
}

static err_t discard(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e)
{
	if (!p)
		return pcb_end(pcb);
	sink_counters.tcp_bytes += p->tot_len;
	tcp_recved(pcb, p->tot_len);
	pbuf_free(p);
	return ERR_OK;
}

static err_t source(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	uint32_t n = tcp_sndbuf(pcb);

	while (n && tcp_write(pcb, send_bytes, n, 0) == ERR_OK)
		n = tcp_sndbuf(pcb);
	tcp_output(pcb);
	return ERR_OK;
}

static err_t source_polled(void *arg, struct tcp_pcb *pcb)
{
	return source(arg, pcb, 0);
}

static err_t source_accepted(void *arg, struct tcp_pcb *pcb, err_t e)
{
	if (e != ERR_OK || !pcb)
		return ERR_VAL;
	tcp_recv(pcb, discard);
	tcp_sent(pcb, source);
	tcp_poll(pcb, source_polled, 1);
	return source(NULL, pcb, 0);
}

static err_t discard_accepted(void *arg, struct tcp_pcb *pcb, err_t e)
{
	if (e != ERR_OK || !pcb)
		return ERR_VAL;
	tcp_recv(pcb, discard);
	return ERR_OK;
}

static err_t counters_accepted(void *arg, struct tcp_pcb *pcb, err_t e)
{
	char line[128];

	if (e != ERR_OK || !pcb)
		return ERR_VAL;
	snprintf(line, sizeof(line),
		 "udp %lu %lu tcp %lu ns %lu exchanged %lu\n",
		 sink_counters.udp_packets, sink_counters.udp_bytes,
		 sink_counters.tcp_bytes, time_now(),
		 net_counters()->rx_exchanged);
	tcp_recv(pcb, discard);
	tcp_write(pcb, line, strlen(line), TCP_WRITE_FLAG_COPY);
	return pcb_end(pcb);
}

static int tcp_serve(uint16_t port, tcp_accept_fn fn)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

	if (!pcb || tcp_bind(pcb, IP_ANY_TYPE, port) != ERR_OK)
		return -EADDRINUSE;
	pcb = tcp_listen(pcb);
	if (!pcb)
		return -ENOMEM;
	tcp_accept(pcb, fn);
	return 0;
}

int sink_start(void)
{
	struct udp_pcb *udp = udp_new_ip_type(IPADDR_TYPE_ANY);

	memset(send_bytes, 'x', sizeof(send_bytes));
	if (!udp || udp_bind(udp, IP_ANY_TYPE, DISCARD_PORT) != ERR_OK)
		return -EADDRINUSE;
	udp_recv(udp, datagram, NULL);
	return tcp_serve(DISCARD_PORT, discard_accepted) ?:
	       tcp_serve(SOURCE_PORT, source_accepted) ?:
	       tcp_serve(COUNTERS_PORT, counters_accepted);
}
