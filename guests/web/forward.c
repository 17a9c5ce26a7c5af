/*
 * forward.c: paths that another server answers, so that a client sees what only
 * this domain may reach.
 *
 * The other server is asked by HTTP/1.0, one connection a request, and what it
 * says is passed on as it comes, to its end.  When the client does not take it,
 * it is left with TCP.
 */
#include <stdlib.h>
#include <string.h>

#include <lwip/mem.h>
#include <lwip/tcp.h>

#include "http/http.h"
#include "kit/kit.h"
#include "net/net.h"
#include "web/server.h"

#define POLL_TICKS	2	/* of lwIP's half seconds */
#define CONNECT_POLLS	3	/* seconds */
#define QUIET_POLLS	30

struct relay {
	struct tcp_pcb *client, *server;	/* NULL: gone */
	bool	     begun;		/* the client has got something */
	bool	     head;		/* it wants the headers alone */
	unsigned int polls;
	char	     path[WEB_PATH_MAX];
};

static char prefix[WEB_PATH_MAX];
static ip_addr_t address;
static uint16_t port;
static char server[WEB_PATH_MAX];	/* both, as they were written */

/* forward=/db=10.1.0.20:80 */
void forward_init(void)
{
	char text[WEB_PATH_MAX], *host, *colon;

	if (!option_get("forward", text, sizeof(text)))
		return;
	host = strchr(text, '=');
	colon = strrchr(text, ':');
	if (!host || !colon || colon < host) {
		printf("web: forward=%s: /path=address:port is wanted\n", text);
		return;
	}
	*host++ = 0;
	*colon++ = 0;
	port = strtoul(colon, NULL, 10);
	if (!port || text[0] != '/' || !ipaddr_aton(host, &address)) {
		printf("web: forward=%s=%s:%s: not a path, an address and a "
		       "port\n", text, host, colon);
		return;
	}
	strcpy(prefix, text);
	snprintf(server, sizeof(server), "%s:%u", host, port);
	printf("web: %s is asked of %s port %u\n", prefix, host, port);
}

const char *forward_prefix(void)
{
	return prefix;
}

const char *forward_server(void)
{
	return server;
}

bool forward_wanted(const char *path)
{
	size_t len = strlen(prefix);

	return len && !strncmp(path, prefix, len) &&
	       (!path[len] || path[len] == '/' || prefix[len - 1] == '/');
}

static void pcb_let_go(struct tcp_pcb **pcb)
{
	if (!*pcb)
		return;
	tcp_arg(*pcb, NULL);
	tcp_recv(*pcb, NULL);
	tcp_sent(*pcb, NULL);
	tcp_err(*pcb, NULL);
	tcp_poll(*pcb, NULL, 0);
}

/* Close both; the callback of pcb returns what this returns. */
static err_t relay_end(struct relay *r, struct tcp_pcb *current)
{
	struct tcp_pcb *both[2] = { r->client, r->server };
	err_t rc = ERR_OK;

	for (unsigned int i = 0; i < 2; i++) {
		pcb_let_go(&both[i]);
		if (!both[i] || tcp_close(both[i]) == ERR_OK)
			continue;
		tcp_abort(both[i]);
		if (both[i] == current)
			rc = ERR_ABRT;
	}
	mem_free(r);
	return rc;
}

/* The other server does not answer: say so, where that can still be said. */
static err_t relay_fail(struct relay *r, struct tcp_pcb *current,
			const char *why)
{
	char text[256];
	int n;

	n = snprintf(text, sizeof(text),
		     "HTTP/1.1 502 %s\r\nConnection: close\r\n"
		     "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n"
		     "%s\n", http_reason(502), strlen(why) + 1, why);
	if (r->client && !r->begun)
		tcp_write(r->client, text, n, TCP_WRITE_FLAG_COPY);
	if (r->client && r->begun) {	/* half of an answer must look like it */
		struct tcp_pcb *client = r->client;

		pcb_let_go(&client);
		r->client = NULL;
		relay_end(r, current);
		tcp_abort(client);
		return client == current ? ERR_ABRT : ERR_OK;
	}
	return relay_end(r, current);
}

/* ---- the other server ---- */

static void server_failed(void *arg, err_t e)
{
	struct relay *r = arg;

	r->server = NULL;
	relay_fail(r, NULL, e == ERR_RST ? "the other server refuses"
					 : "the other server does not answer");
}

static err_t server_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p,
			     err_t e)
{
	struct relay *r = arg;
	struct pbuf *q;

	if (!p)
		return r->begun ? relay_end(r, pcb) :
			relay_fail(r, pcb, "the other server says nothing");
	if (tcp_sndbuf(r->client) < p->tot_len ||
	    tcp_sndqueuelen(r->client) + 2 * pbuf_clen(p) + 2 >
		    TCP_SND_QUEUELEN)
		return ERR_MEM;		/* offered again later */
	for (q = p; q; q = q->next)
		if (tcp_write(r->client, q->payload, q->len,
			      TCP_WRITE_FLAG_COPY))
			break;
	r->begun = true;
	r->polls = 0;
	tcp_recved(pcb, p->tot_len);
	pbuf_free(p);
	if (q) {		/* no memory in the middle of it */
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	tcp_output(r->client);
	return ERR_OK;
}

static err_t server_connected(void *arg, struct tcp_pcb *pcb, err_t e)
{
	struct relay *r = arg;
	char text[WEB_PATH_MAX + 64];
	int n = snprintf(text, sizeof(text), "%s %s HTTP/1.0\r\n"
			 "Connection: close\r\n\r\n",
			 r->head ? "HEAD" : "GET", r->path);

	r->polls = 0;
	if (tcp_write(pcb, text, n, TCP_WRITE_FLAG_COPY))
		return relay_fail(r, pcb, "no memory");
	tcp_output(pcb);
	return ERR_OK;
}

/* ---- the client ---- */

static void client_failed(void *arg, err_t e)
{
	struct relay *r = arg;

	r->client = NULL;
	relay_end(r, NULL);
}

static err_t client_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p,
			     err_t e)
{
	if (!p)			/* it may have closed its half only */
		return ERR_OK;
	return ERR_MEM;		/* one request a connection */
}

static err_t client_polled(void *arg, struct tcp_pcb *pcb)
{
	struct relay *r = arg;

	if (++r->polls >= (r->begun ? QUIET_POLLS : CONNECT_POLLS))
		return relay_fail(r, pcb, "the other server does not answer");
	return ERR_OK;
}

/* What the other server calls it: /db/a is its /a. */
static const char *path_below(const char *path)
{
	path += strlen(prefix);
	if (*path == '/')
		return path;
	return *path ? path - 1 : "/";	/* the prefix ends in the slash */
}

/* Words of a path that were decoded must be words again. */
static void path_encode(const char *path, char *to, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; *path && n + 4 <= size; path++) {
		if (strchr(" \"#%<>?[]^`{|}", *path)) {
			to[n++] = '%';
			to[n++] = digits[*path >> 4 & 15];
			to[n++] = digits[*path & 15];
		} else {
			to[n++] = *path;
		}
	}
	to[n] = 0;
}

err_t forward_start(struct tcp_pcb *client, const struct web_request *q)
{
	struct relay *r = mem_calloc(1, sizeof(*r));

	if (!r) {
		tcp_abort(client);
		return ERR_ABRT;
	}
	path_encode(path_below(q->path), r->path, sizeof(r->path));
	r->head = q->method == WEB_HEAD;
	r->client = client;
	tcp_arg(client, r);
	tcp_err(client, client_failed);
	tcp_recv(client, client_received);
	tcp_poll(client, client_polled, POLL_TICKS);
	r->server = tcp_new();
	if (!r->server)
		return relay_fail(r, client, "no memory");
	tcp_arg(r->server, r);
	tcp_err(r->server, server_failed);
	tcp_recv(r->server, server_received);
	if (tcp_connect(r->server, &address, port, server_connected))
		return relay_fail(r, client, "the other server cannot be asked");
	return ERR_OK;
}
