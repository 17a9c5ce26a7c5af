/*
 * echo.c: a datagram goes back as it is; what a connection sends is copied into
 * its send buffer, and left with TCP while there is no room.
 */
#include "net/echo.h"

#include <errno.h>

#include <lwip/tcp.h>
#include <lwip/udp.h>

#include "net/net.h"

static void datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p,
		     const ip_addr_t *from, u16_t port)
{
	net_udp_sendto(pcb, p, from, port);
	pbuf_free(p);
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e)
{
	if (!p) {
		if (tcp_close(pcb) == ERR_OK)
			return ERR_OK;
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	if (tcp_sndbuf(pcb) < p->tot_len ||
	    tcp_sndqueuelen(pcb) + 2 * pbuf_clen(p) + 2 > TCP_SND_QUEUELEN)
		return ERR_MEM;		/* offered again later */
	for (struct pbuf *q = p; q; q = q->next) {
		if (tcp_write(pcb, q->payload, q->len, TCP_WRITE_FLAG_COPY) ==
		    ERR_OK)
			continue;
		if (q == p)
			return ERR_MEM;
		pbuf_free(p);		/* half of it: no way back */
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	tcp_recved(pcb, p->tot_len);
	pbuf_free(p);
	tcp_output(pcb);
	return ERR_OK;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t e)
{
	if (e != ERR_OK || !pcb)
		return ERR_VAL;
	tcp_setprio(pcb, TCP_PRIO_MIN);
	tcp_nagle_disable(pcb);
	tcp_recv(pcb, received);
	return ERR_OK;
}

int echo_start(uint16_t port)
{
	struct udp_pcb *udp = udp_new_ip_type(IPADDR_TYPE_ANY);
	struct tcp_pcb *tcp = tcp_new_ip_type(IPADDR_TYPE_ANY);

	if (!udp || !tcp || udp_bind(udp, IP_ANY_TYPE, port) != ERR_OK ||
	    tcp_bind(tcp, IP_ANY_TYPE, port) != ERR_OK)
		return -EADDRINUSE;
	tcp = tcp_listen(tcp);
	if (!tcp)
		return -ENOMEM;
	udp_recv(udp, datagram, NULL);
	tcp_accept(tcp, accepted);
	return 0;
}
