/* conn.c: see conn.h. */
#include "dom0/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kit/event.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "net/net.h"

#define CONNS_MAX	12
#define OUT_PAGES	18	/* of an answer on its way; any packet fits */
#define REQUEST_NS	(10 * SECONDS)	/* until its answer is taken */
#define RETRIES_MAX	6	/* of a segment; then the client is gone */
#define POLL_500MS	2
#define CHUNK_HEAD	8	/* "01a2b3\r\n" */
#define CHUNK_TAIL	2
#define LAST_CHUNK	"0\r\n\r\n"

static struct conn *conns;
static unsigned int nr_conns;
static conn_answer_fn *answer;
static conn_refuse_fn *refuse;

static void conn_free(struct conn *c)
{
	struct conn **link = &conns;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	nr_conns--;
	if (c->capture)
		capture_close(c->capture);
	if (c->out.data)
		pages_free(c->out.data, OUT_PAGES);
	free(c->head);
	free(c);
}

/* What lwIP callbacks return: the pcb may be no more. */
static err_t conn_close(struct conn *c)
{
	struct tcp_pcb *pcb = c->pcb;
	err_t rc = ERR_OK;

	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_err(pcb, NULL);
	tcp_poll(pcb, NULL, 0);
	if (tcp_close(pcb) != ERR_OK) {
		tcp_abort(pcb);
		rc = ERR_ABRT;
	}
	conn_free(c);
	return rc;
}

static void chunk_wrap(struct bytes *out)
{
	char head[CHUNK_HEAD + 1];

	snprintf(head, sizeof(head), "%06lx\r\n", out->len - CHUNK_HEAD);
	memcpy(out->data, head, CHUNK_HEAD);
	bytes_add(out, "\r\n", CHUNK_TAIL);
}

/* The next chunk of the capture into out, if there is any. */
static void chunk_make(struct conn *c)
{
	struct bytes *out = &c->out;
	bool more, last;

	out->size = OUT_PAGES * PAGE_SIZE - CHUNK_TAIL - sizeof(LAST_CHUNK);
	out->len = CHUNK_HEAD;
	more = capture_fill(c->capture, out);
	last = c->ending && !more && capture_stats(c->capture, out);
	out->size = OUT_PAGES * PAGE_SIZE;
	if (out->len == CHUNK_HEAD)
		out->len = 0;
	else
		chunk_wrap(out);
	if (last) {
		bytes_add(out, LAST_CHUNK, strlen(LAST_CHUNK));
		c->done = true;
	}
}

static bool out_push(struct conn *c)
{
	while (c->sent < c->out.len) {
		size_t n = c->out.len - c->sent;

		if (n > tcp_sndbuf(c->pcb))
			n = tcp_sndbuf(c->pcb);
		if (n > UINT16_MAX)
			n = UINT16_MAX;
		if (!n || tcp_write(c->pcb, c->out.data + c->sent, n,
				    TCP_WRITE_FLAG_COPY) != ERR_OK)
			return false;
		c->sent += n;
	}
	return true;
}

/* Give TCP what it takes.  c is no more after the last of it. */
static err_t conn_pump(struct conn *c)
{
	if (!c->out.data)
		return ERR_OK;	/* no answer yet */
	while (out_push(c)) {
		if (c->done) {
			tcp_output(c->pcb);
			return conn_close(c);
		}
		c->out.len = c->sent = 0;
		chunk_make(c);
		if (!c->out.len)
			break;
	}
	tcp_output(c->pcb);
	return ERR_OK;
}

/* VIRQ_TBUF: some tap has records. */
static void records_came(void *arg)
{
	struct conn *c, *next;

	for (c = conns; c; c = next) {
		next = c->next;
		if (c->capture)
			conn_pump(c);
	}
	net_flush();
}

/* ---- requests ---- */

/* As http_request_read() said: it is there, or it is refused. */
static void request_take(struct conn *c, int result,
			 const struct http_request *r)
{
	c->out = (struct bytes){ .data = pages_alloc(OUT_PAGES),
				 .size = OUT_PAGES * PAGE_SIZE };
	if (!c->out.data) {
		c->done = true;	/* nothing to say it with */
		return;
	}
	if (result < 0)
		refuse(c, -result);
	else
		answer(c, r);
	free(c->head);
	c->head = NULL;
}

static void head_read(struct conn *c, const struct pbuf *p)
{
	size_t n = p->tot_len;
	struct http_request r;
	int result;

	if (n > CONN_HEAD_MAX - c->head_len)
		n = CONN_HEAD_MAX - c->head_len;
	pbuf_copy_partial(p, c->head + c->head_len, (uint16_t)n, 0);
	c->head_len += n;
	result = http_request_read(c->head, c->head_len, CONN_HEAD_MAX, &r);
	if (result)
		request_take(c, result, &r);
}

/* ---- lwIP's callbacks ---- */

static err_t conn_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p,
		       err_t err)
{
	struct conn *c = arg;

	if (p) {
		tcp_recved(pcb, p->tot_len);
		if (c->head)
			head_read(c, p);	/* what follows is ignored */
		pbuf_free(p);
	} else if (!c->capture) {
		return conn_close(c);
	} else if (!c->ending) {
		/* The client wants the end of it. */
		capture_stop(c->capture);
		c->ending = true;
	}
	if (c->done && !c->out.data)
		return conn_close(c);
	return conn_pump(c);
}

static err_t conn_sent(void *arg, struct tcp_pcb *pcb, uint16_t len)
{
	return conn_pump(arg);
}

static void conn_err(void *arg, err_t err)
{
	conn_free(arg);		/* the pcb is gone */
}

/* The client is not told more: it has taken nothing for too long. */
static void conn_cut(struct conn *c)
{
	struct tcp_pcb *pcb = c->pcb;

	tcp_err(pcb, NULL);
	tcp_abort(pcb);
	conn_free(c);
}

/* Every second: requests that do not come, answers that are not taken, clients
 * that are gone. */
static err_t conn_poll(void *arg, struct tcp_pcb *pcb)
{
	struct conn *c = arg;

	if ((!c->capture && time_now() - c->since_ns > REQUEST_NS) ||
	    pcb->nrtx >= RETRIES_MAX) {
		conn_cut(c);
		return ERR_ABRT;
	}
	return conn_pump(c);
}

/* How many without a capture come from the host of this one. */
static unsigned int conns_of_host(const struct conn *c)
{
	unsigned int n = 0;

	for (const struct conn *other = conns; other; other = other->next)
		n += !other->capture && ip_addr_cmp(&other->pcb->remote_ip,
						    &c->pcb->remote_ip);
	return n;
}

/*
 * Room for another.  Those that capture have shown their token and stay.  Of the
 * others the oldest goes, from the host that has most of them: so one host that
 * only connects takes the place of its own, not of a client elsewhere.
 */
static void conns_make_room(void)
{
	struct conn *victim = NULL;
	unsigned int most = 0;

	for (struct conn *c = conns; c; c = c->next) {	/* newest first */
		unsigned int n = c->capture ? 0 : conns_of_host(c);

		if (n && n >= most) {
			victim = c;
			most = n;
		}
	}
	if (victim)
		conn_cut(victim);
}

static err_t conn_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct conn *c = NULL;

	if (err != ERR_OK || !pcb)
		return ERR_VAL;
	if (nr_conns == CONNS_MAX)
		conns_make_room();
	if (nr_conns < CONNS_MAX)
		c = calloc(1, sizeof(*c));
	if (c)
		c->head = malloc(CONN_HEAD_MAX);
	if (!c || !c->head) {
		free(c);
		return ERR_MEM;		/* lwIP resets it */
	}
	c->pcb = pcb;
	c->since_ns = time_now();
	c->next = conns;
	conns = c;
	nr_conns++;
	tcp_arg(pcb, c);
	tcp_recv(pcb, conn_recv);
	tcp_sent(pcb, conn_sent);
	tcp_err(pcb, conn_err);
	tcp_poll(pcb, conn_poll, POLL_500MS);
	tcp_nagle_disable(pcb);
	return ERR_OK;
}

int conns_serve(uint16_t port, conn_answer_fn *on_request,
		conn_refuse_fn *on_other)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

	if (!pcb || tcp_bind(pcb, IP_ANY_TYPE, port) != ERR_OK ||
	    !(pcb = tcp_listen_with_backlog(pcb, CONNS_MAX)))
		return -ENOMEM;
	answer = on_request;
	refuse = on_other;
	tcp_accept(pcb, conn_accept);
	event_bind_virq(VIRQ_TBUF, 0, records_came, NULL);
	return 0;
}
