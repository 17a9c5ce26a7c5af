/*
 * server.c: connections.
 *
 * A connection reads a request, answers it, and reads the next.  What arrives
 * during an answer stays with TCP: not acknowledged as read, so a client that
 * sends without reading stops itself.  A request that comes in pieces is put
 * together in a buffer of WEB_REQUEST_MAX bytes; most come in one.
 *
 * A connection that makes no progress is ended: after REQUEST_S in the middle of
 * a request, after IDLE_S otherwise.  When there are no more pcbs, lwIP takes
 * those of the lowest priority that were idle longest: ours.
 */
#include "web/server.h"

#include <errno.h>
#include <string.h>

#include <lwip/mem.h>
#include <lwip/tcp.h>

#include "http/http.h"
#include "kit/kit.h"
#include "net/net.h"

#define POLL_TICKS	4	/* of lwIP's half seconds */
#define POLL_S		2
#define REQUEST_S	10
#define IDLE_S		60
#define HEADER_MAX	256
#define WRITE_MAX	0xffff	/* bytes of one tcp_write() */

struct conn {
	struct tcp_pcb *pcb;
	char	   *part;	/* of a request; NULL: nothing of it yet */
	uint16_t    part_len;
	bool	    answering;	/* body is still to be written */
	bool	    keep_alive;
	bool	    ended;	/* the client sends no more */
	unsigned int quiet_s;
	const char *body;
	uint64_t    left;
};

struct server_counters server_counters;

static void conn_free(struct conn *c)
{
	if (c->part)
		mem_free(c->part);
	mem_free(c);
	server_counters.open--;
}

/* lwIP has freed the pcb already. */
static void failed(void *arg, err_t e)
{
	conn_free(arg);
}

static void callbacks_clear(struct tcp_pcb *pcb)
{
	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_err(pcb, NULL);
	tcp_poll(pcb, NULL, 0);
}

/* ERR_OK, or ERR_ABRT where the pcb is gone: what callbacks return. */
static err_t conn_end(struct conn *c)
{
	struct tcp_pcb *pcb = c->pcb;

	callbacks_clear(pcb);
	conn_free(c);
	if (tcp_close(pcb) == ERR_OK)
		return ERR_OK;
	tcp_abort(pcb);
	return ERR_ABRT;
}

static err_t conn_abort(struct conn *c)
{
	struct tcp_pcb *pcb = c->pcb;

	callbacks_clear(pcb);
	conn_free(c);
	tcp_abort(pcb);
	return ERR_ABRT;
}

/* ---- answering ---- */

/* Give TCP as much of the body as it takes. */
static void body_send(struct conn *c)
{
	while (c->left) {
		uint64_t n = tcp_sndbuf(c->pcb);

		n = n < c->left ? n : c->left;
		n = n < WRITE_MAX ? n : WRITE_MAX;
		if (!n || tcp_write(c->pcb, c->body, n,
				    n < c->left ? TCP_WRITE_FLAG_MORE : 0))
			break;
		c->body += n;
		c->left -= n;
	}
	if (!c->left)
		c->answering = false;
	tcp_output(c->pcb);
}

/* False: no memory to answer with. */
static bool answer_begin(struct conn *c, const struct answer *a, bool head)
{
	char text[HEADER_MAX];
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 %d %s\r\nServer: sluice\r\n"
			 "Content-Length: %lu\r\n%s%s%s%s\r\n",
			 a->status, http_reason(a->status), a->len,
			 a->type ? "Content-Type: " : "", a->type ?: "",
			 a->type ? "\r\n" : "",
			 c->keep_alive ? "" : "Connection: close\r\n");
	bool body = a->len && !head;

	if (tcp_write(c->pcb, text, n, TCP_WRITE_FLAG_COPY |
		      (body ? TCP_WRITE_FLAG_MORE : 0)))
		return false;
	if (body && a->lasting) {
		c->body = a->body;
		c->left = a->len;
		c->answering = true;
	} else if (body && tcp_write(c->pcb, a->body, a->len,
				     TCP_WRITE_FLAG_COPY)) {
		return false;
	}
	body_send(c);
	return true;
}

static bool refuse(struct conn *c, int status)
{
	const struct answer a = {
		.status = status,
		.type = "text/plain",
		.body = http_reason(status),
		.len = strlen(http_reason(status)),
		.lasting = true,
	};

	server_counters.refused++;
	c->keep_alive = false;
	return answer_begin(c, &a, false);
}

/* ERR_INPROGRESS: the connection is there and wants more. */
static err_t request_done(struct conn *c)
{
	if (c->answering)
		return ERR_INPROGRESS;
	if (!c->keep_alive || c->ended)
		return conn_end(c);
	return ERR_INPROGRESS;
}

static err_t request_answer(struct conn *c, const struct web_request *r)
{
	struct answer a = { 0 };

	server_counters.requests++;
	if (forward_wanted(r->path)) {
		struct tcp_pcb *pcb = c->pcb;

		callbacks_clear(pcb);
		conn_free(c);
		return forward_start(pcb, r);
	}
	content_find(r->path, &a);
	c->keep_alive = r->keep_alive;
	if (!answer_begin(c, &a, r->method == WEB_HEAD))
		return conn_abort(c);
	return request_done(c);
}

/* ---- requests ---- */

/*
 * Answer the requests that are in buf.  *used: what is done with.  As
 * request_done(), and then the rest waits for more bytes or for the answer.
 */
static err_t requests_run(struct conn *c, const char *buf, size_t len,
			  size_t *used)
{
	*used = 0;
	while (*used < len && !c->answering) {
		struct web_request r;
		int n = web_request_read(buf + *used, len - *used, &r);
		err_t e;

		if (!n)
			break;
		if (n < 0) {
			*used = len;
			return refuse(c, -n) ? request_done(c) : conn_abort(c);
		}
		*used += n;
		e = request_answer(c, &r);
		if (e != ERR_INPROGRESS)
			return e;
	}
	return ERR_INPROGRESS;
}

/* Put len bytes of p behind what there is of a request; false: no memory. */
static bool part_add(struct conn *c, const struct pbuf *p, size_t len)
{
	if (!c->part)
		c->part = mem_malloc(WEB_REQUEST_MAX);
	if (!c->part)
		return false;
	pbuf_copy_partial(p, c->part + c->part_len, len, 0);
	c->part_len += len;
	return true;
}

static err_t part_run(struct conn *c)
{
	size_t used;
	err_t e = requests_run(c, c->part, c->part_len, &used);

	if (e != ERR_INPROGRESS)
		return e;
	c->part_len -= used;
	memmove(c->part, c->part + used, c->part_len);
	if (!c->part_len) {
		mem_free(c->part);
		c->part = NULL;
	}
	return ERR_INPROGRESS;
}

/*
 * The peer's next bytes.  ERR_MEM leaves them with lwIP, which offers them again
 * later; it keeps no more than these for a connection.
 */
static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e)
{
	struct conn *c = arg;
	uint64_t requests;

	if (!p) {
		c->ended = true;
		return c->answering ? ERR_OK : conn_end(c);
	}
	if (c->answering)
		return ERR_MEM;
	if (p->tot_len > WEB_REQUEST_MAX - c->part_len) {
		/* More than one request can be, or many: no need to be kind. */
		tcp_recved(pcb, p->tot_len);
		pbuf_free(p);
		e = refuse(c, 431) ? request_done(c) : conn_abort(c);
		return e == ERR_INPROGRESS ? ERR_OK : e;
	}
	if (!part_add(c, p, p->tot_len))
		return ERR_MEM;
	tcp_recved(pcb, p->tot_len);
	pbuf_free(p);
	requests = server_counters.requests;
	e = part_run(c);
	if (e != ERR_INPROGRESS)
		return e;
	if (server_counters.requests != requests)
		c->quiet_s = 0;	/* bytes alone are no progress */
	return ERR_OK;
}

static err_t answer_go_on(struct conn *c)
{
	err_t e;

	if (!c->answering)
		return ERR_OK;
	body_send(c);
	e = request_done(c);
	if (e != ERR_INPROGRESS)
		return e;
	if (c->answering || !c->part)
		return ERR_OK;
	e = part_run(c);	/* requests that came with the one before */
	return e == ERR_INPROGRESS ? ERR_OK : e;
}

static err_t was_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct conn *c = arg;

	c->quiet_s = 0;
	return answer_go_on(c);
}

static err_t polled(void *arg, struct tcp_pcb *pcb)
{
	struct conn *c = arg;

	c->quiet_s += POLL_S;
	if (c->quiet_s >= (c->part && !c->answering ? REQUEST_S : IDLE_S))
		return conn_abort(c);
	return answer_go_on(c);		/* there may have been no memory */
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t e)
{
	struct conn *c;

	if (e != ERR_OK || !pcb)
		return ERR_VAL;
	c = mem_malloc(sizeof(*c));
	if (!c)
		return ERR_MEM;
	*c = (struct conn){ .pcb = pcb };
	server_counters.connections++;
	server_counters.open++;
	tcp_setprio(pcb, TCP_PRIO_MIN);
	tcp_nagle_disable(pcb);
	tcp_arg(pcb, c);
	tcp_recv(pcb, received);
	tcp_sent(pcb, was_sent);
	tcp_err(pcb, failed);
	tcp_poll(pcb, polled, POLL_TICKS);
	return ERR_OK;
}

int server_start(uint16_t port)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

	if (!pcb || tcp_bind(pcb, IP_ANY_TYPE, port) != ERR_OK)
		return -EADDRINUSE;
	pcb = tcp_listen(pcb);
	if (!pcb)
		return -ENOMEM;
	tcp_accept(pcb, accepted);
	return 0;
}
