/*
 * netif.c: lwIP's interface over netfront; how frames leave is tx.c.
 *
 * Nothing is copied on the way: a received page is lent to lwIP as a pbuf until
 * lwIP frees it.  Only when many pages are lent are received bytes copied, so
 * that the ring never runs dry while somebody sits on what was received.
 *
 * TCP and UDP checksums were looked at by the other side of the ring where its
 * flags say so.
 */
#include "net/net.h"

#include <errno.h>
#include <string.h>

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/init.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ip6.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>

#include "kit/kit.h"
#include "kit/time.h"
#include "net/port.h"

#define LEND_RESERVE	(NETFRONT_BUFS / 8) /* spare pages that are not lent */

struct lent {			/* a page of netfront's as a pbuf */
	struct pbuf_custom p;	/* first: lwIP's pointer is ours */
	struct netfront_buf *buf;
	struct lent *next;	/* while not in use */
};

struct netif net_if;
void (*net_idle)(void);

static struct netfront *front;

const struct netfront_counters *net_counters(void)
{
	return netfront_counters(front);
}
static struct lent lents[NETFRONT_BUFS], *lents_free;

/* ---- receiving ---- */

static void lent_back(struct pbuf *p)
{
	struct lent *l = (struct lent *)p;

	netfront_buf_free(front, l->buf);
	l->next = lents_free;
	lents_free = l;
}

static struct pbuf *lend(struct netfront_buf *b)
{
	struct lent *l = lents_free;

	lents_free = l->next;
	l->buf = b;
	l->p.custom_free_function = lent_back;
	return pbuf_alloced_custom(PBUF_RAW, b->len, PBUF_REF, &l->p, b->data,
				   b->len);
}

static struct pbuf *copy_of(struct netfront_buf *b)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, b->len, PBUF_RAM);

	if (p)
		memcpy(p->payload, b->data, b->len);
	netfront_buf_free(front, b);
	return p;
}

/* The frame as a pbuf, or NULL; its bufs are taken care of. */
static struct pbuf *pbuf_of(const struct netfront_packet *in)
{
	bool scarce = netfront_bufs_spare(front) < LEND_RESERVE;
	struct netfront_buf *b = in->bufs, *next;
	struct pbuf *head = NULL;
	bool whole = in->len <= UINT16_MAX;	/* a pbuf can hold no more */

	for (; b; b = next) {
		struct pbuf *p;

		next = b->next;
		if (!whole) {
			netfront_buf_free(front, b);
			continue;
		}
		p = scarce || !lents_free ? copy_of(b) : lend(b);
		if (p && head)
			pbuf_cat(head, p);
		else if (p)
			head = p;
		else
			whole = false;
	}
	if (head && !whole) {
		pbuf_free(head);
		head = NULL;
	}
	return head;
}

#define CHECKS_MADE	(NETIF_CHECKSUM_GEN_IP | NETIF_CHECKSUM_GEN_ICMP | \
			 NETIF_CHECKSUM_GEN_ICMP6 | NETIF_CHECKSUM_CHECK_IP | \
			 NETIF_CHECKSUM_CHECK_ICMP | NETIF_CHECKSUM_CHECK_ICMP6)
#define CHECKS_RX	(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP)

static void receive(void *ctx, const struct netfront_packet *in)
{
	struct pbuf *p = pbuf_of(in);

	if (!p) {	/* what came out of order is the first to go */
		pbuf_free_ooseq();
		return;
	}
	NETIF_SET_CHECKSUM_CTRL(&net_if, CHECKS_MADE |
				(in->csum_ok ? 0 : CHECKS_RX));
	if (net_if.input(p, &net_if) != ERR_OK)
		pbuf_free(p);
}

/* ---- sending ---- */

/* The checksum of a datagram in fragments is nobody's but ours to make. */
err_t net_udp_sendto(struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *to,
		     uint16_t port)
{
	bool fits = p->tot_len + UDP_HLEN + IP6_HLEN <= net_if.mtu;
	err_t rc;

	NETIF_SET_CHECKSUM_CTRL(&net_if, CHECKS_MADE |
				(fits ? 0 : NETIF_CHECKSUM_GEN_UDP));
	rc = udp_sendto(pcb, p, to, port);
	NETIF_SET_CHECKSUM_CTRL(&net_if, CHECKS_MADE);
	return rc;
}

/* ---- lwIP's time ---- */

static struct timer timer;

u32_t sys_now(void)
{
	return time_now() / MILLISECONDS;
}

static void timer_fired(void *arg)
{
	net_flush();
}

/* A timer that comes too early does no harm: it is set again. */
static void timers_run(void)
{
	uint64_t at, wait_ms;

	sys_check_timeouts();
	wait_ms = sys_timeouts_sleeptime();
	if (wait_ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE)
		return;
	at = time_now() + wait_ms * MILLISECONDS;
	if (!timer.at_ns || at < timer.at_ns)
		timer_set(&timer, at, timer_fired, NULL);
}

void net_flush(void)
{
	timers_run();
	tx_flush();
}

static void idle(void *ctx)
{
	if (tx_refused())
		tcp_txnow();
	if (net_idle)
		net_idle();
	net_flush();
}

const struct netfront_handler net_handler = { receive, tx_sent, idle };

/* ---- start ---- */

static err_t netif_start(struct netif *n)
{
	n->name[0] = 'v';
	n->name[1] = 'i';
	n->mtu = 1500;
	n->hwaddr_len = ETH_HWADDR_LEN;
	memcpy(n->hwaddr, netfront_mac(front), ETH_HWADDR_LEN);
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
		   NETIF_FLAG_ETHERNET;
	n->output = etharp_output;
	n->output_ip6 = ethip6_output;
	n->linkoutput = tx_output;
	NETIF_SET_CHECKSUM_CTRL(n, CHECKS_MADE);
	return ERR_OK;
}

int net_start(struct netfront *nf, const struct net_config *c)
{
	int rc;

	front = nf;
	tx_init(nf);
	for (unsigned int i = 0; i < ARRAY_SIZE(lents); i++) {
		lents[i].next = lents_free;
		lents_free = &lents[i];
	}
	lwip_init();
	if (!netif_add_noaddr(&net_if, NULL, netif_start, netif_input))
		return -EIO;
	netif_set_default(&net_if);
	netif_create_ip6_linklocal_address(&net_if, 1);
	netif_ip6_addr_set_state(&net_if, 0, IP6_ADDR_PREFERRED);
	rc = net_addresses(c);
	netif_set_up(&net_if);
	netif_set_link_up(&net_if);
	net_flush();
	return rc;
}
