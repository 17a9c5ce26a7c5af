/*
 * forward.c: paths that another server answers, so that a client sees what only
 * this domain may reach.
 *
 * The other server is asked by HTTP/1.0, to which it must not answer in chunks,
 * on a connection that is kept (pool.h) if the answer has an end of its own.
 * The answer's head is read, and written again without what is said between the
 * two of us; its body is passed on as it comes, and left with TCP where the
 * client does not take it.
 *
 * The server may close a kept connection just when it is asked: nothing of an
 * answer has come then, and it is asked again on a new one.  What else goes
 * wrong is told the client, with 502 before the first byte of an answer and by
 * the end of the connection behind it.
 */
#include <stdlib.h>
#include <string.h>

#include <lwip/mem.h>
#include <lwip/tcp.h>

#include "http/http.h"
#include "kit/kit.h"
#include "net/net.h"
#include "web/pool.h"
#include "web/server.h"

#define POLL_TICKS	2	/* of lwIP's half seconds */
#define CONNECT_POLLS	3	/* seconds */
#define QUIET_POLLS	30
#define HEAD_MAX	4000	/* bytes of an answer's head */
#define REQUEST_WORDS	64	/* bytes of a request beside path and server */

struct relay {
	struct tcp_pcb *client, *server;	/* NULL: gone */
	bool	     begun;		/* the client has got something */
	bool	     head_only;		/* it wants the headers alone */
	bool	     kept;		/* the server was asked on it before */
	bool	     keep;		/* ... and can be again */
	bool	     to_its_end;	/* so long goes the body; else: */
	uint64_t     left;		/* bytes of the body still to come */
	unsigned int polls;
	char	    *head;		/* of the answer, until it is whole */
	size_t	     head_len;
	char	     path[3 * WEB_PATH_MAX];	/* encoded */
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
	pool_init(option_number("forward_keep", POOL_DEFAULT));
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
	if (r->head)
		mem_free(r->head);
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

/* ---- the answer ---- */

/* What one side says to its neighbour about their connection. */
static bool is_hop_header(struct text name)
{
	static const char *const names[] = {
		"connection", "keep-alive", "proxy-connection", "upgrade",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_is_nocase(name, names[i]))
			return true;
	return false;
}

static size_t line_add(char *to, size_t size, struct text name,
		       struct text value)
{
	return (size_t)snprintf(to, size, "%.*s: %.*s\r\n", (int)name.len,
				name.s, (int)value.len, value.s);
}

/* A line grows by one blank at most, and has four bytes at least. */
static err_t head_write(struct relay *r, const struct http_response *a)
{
	static char text[2 * HEAD_MAX];
	struct text lines = a->h.lines, name, value;
	size_t n = (size_t)snprintf(text, sizeof(text),
				    "HTTP/1.1 %d %.*s\r\nConnection: close\r\n",
				    a->status, (int)a->reason.len, a->reason.s);

	while (http_header_next(&lines, &name, &value))
		if (!is_hop_header(name))
			n += line_add(text + n, sizeof(text) - n, name, value);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\n");
	return tcp_write(r->client, text, n, TCP_WRITE_FLAG_COPY);
}

/* NULL, or what is wrong with it. */
static const char *head_pass(struct relay *r, const struct http_response *a)
{
	if (a->status < 200)
		return "the other server answers what was not asked";
	if (a->h.coded)
		return "the other server answers in another version";
	if (!r->head_only && a->status != 204 && a->status != 304) {
		r->left = a->h.length;
		r->to_its_end = !a->h.has_length;
	}
	r->keep = a->h.keep_alive && !r->to_its_end;
	if (head_write(r, a))
		return "no memory";
	r->begun = true;
	return NULL;
}

/* Take of p what belongs to the head: *used.  NULL, or what is wrong. */
static const char *head_read(struct relay *r, const struct pbuf *p,
			     size_t *used)
{
	size_t n = HEAD_MAX - r->head_len, before = r->head_len;
	struct http_response a;
	const char *wrong;
	int len;

	if (!r->head)
		r->head = mem_malloc(HEAD_MAX);
	if (!r->head)
		return "no memory";
	n = n < p->tot_len ? n : p->tot_len;
	pbuf_copy_partial(p, r->head + before, (u16_t)n, 0);
	r->head_len += n;
	len = http_response_read(r->head, r->head_len, HEAD_MAX, &a);
	if (len < 0)
		return "the other server's answer cannot be read";
	*used = len ? (size_t)len - before : n;
	if (!len)
		return NULL;
	wrong = head_pass(r, &a);
	mem_free(r->head);
	r->head = NULL;
	return wrong;
}

/* What of p is body, behind the first `at` bytes; false: no memory. */
static bool body_pass(struct relay *r, const struct pbuf *p, size_t at)
{
	for (; p; p = p->next) {
		size_t n = p->len > at ? p->len - at : 0;

		if (!r->to_its_end && n > r->left)
			n = r->left;
		if (n && tcp_write(r->client, (const char *)p->payload + at, n,
				   TCP_WRITE_FLAG_COPY))
			return false;
		if (!r->to_its_end)
			r->left -= n;
		at = at > p->len ? at - p->len : 0;
	}
	return true;
}

/* ---- the other server ---- */

static err_t ask(struct relay *r, struct tcp_pcb *current);

/* A kept connection that ended before it answered: not the server's fault. */
static bool ask_again(const struct relay *r)
{
	return r->kept && !r->head_len && !r->begun;
}

static void server_failed(void *arg, err_t e)
{
	struct relay *r = arg;

	r->server = NULL;
	if (ask_again(r))
		ask(r, NULL);
	else
		relay_fail(r, NULL, e == ERR_RST ?
			   "the other server refuses" :
			   "the other server does not answer");
}

/* The server's side without the relay: kept, or closed. */
static err_t server_done(struct relay *r, bool keep)
{
	struct tcp_pcb *pcb = r->server;

	r->server = NULL;
	pcb_let_go(&pcb);
	if (keep)
		return pool_put(pcb);
	if (tcp_close(pcb) == ERR_OK)
		return ERR_OK;
	tcp_abort(pcb);
	return ERR_ABRT;
}

/* It has said all that it wants to say. */
static err_t server_ended(struct relay *r, struct tcp_pcb *pcb)
{
	err_t rc;

	if (ask_again(r)) {
		rc = server_done(r, false);
		ask(r, NULL);
		return rc;
	}
	if (r->begun && r->to_its_end)
		return relay_end(r, pcb);
	return relay_fail(r, pcb, "the other server says nothing");
}

static bool client_has_room(const struct relay *r, const struct pbuf *p)
{
	return tcp_sndbuf(r->client) >= p->tot_len + 2 * HEAD_MAX &&
	       tcp_sndqueuelen(r->client) + 2 * pbuf_clen(p) + 8 <=
	       TCP_SND_QUEUELEN;
}

/* The answer's end, with nothing behind it unless the server lies. */
static err_t answer_end(struct relay *r, bool alone)
{
	err_t rc = server_done(r, r->keep && alone);

	relay_end(r, NULL);
	return rc;
}

static err_t server_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p,
			     err_t e)
{
	struct relay *r = arg;
	const char *wrong = NULL;
	size_t used = 0, len;
	bool alone;

	if (!p)
		return server_ended(r, pcb);
	if (!client_has_room(r, p))
		return ERR_MEM;		/* offered again later */
	len = p->tot_len;
	if (!r->begun)
		wrong = head_read(r, p, &used);
	alone = r->to_its_end || len - used <= r->left;
	if (!wrong && r->begun && !body_pass(r, p, used))
		wrong = "no memory";
	tcp_recved(pcb, len);
	pbuf_free(p);
	if (wrong)
		return relay_fail(r, pcb, wrong);
	if (!r->begun)
		return ERR_OK;
	r->polls = 0;
	tcp_output(r->client);
	return r->to_its_end || r->left ? ERR_OK : answer_end(r, alone);
}

static err_t request_send(struct relay *r, struct tcp_pcb *current)
{
	char text[sizeof(r->path) + sizeof(server) + REQUEST_WORDS];
	int n = snprintf(text, sizeof(text), "%s %s HTTP/1.0\r\nHost: %s\r\n"
			 "Connection: keep-alive\r\n\r\n",
			 r->head_only ? "HEAD" : "GET", r->path, server);

	r->polls = 0;
	if (tcp_write(r->server, text, n, TCP_WRITE_FLAG_COPY))
		return relay_fail(r, current, "no memory");
	tcp_output(r->server);
	return ERR_OK;
}

static err_t server_connected(void *arg, struct tcp_pcb *pcb, err_t e)
{
	return request_send(arg, pcb);
}

/* Where there are no more pcbs lwIP takes one that has served long: it must not be
 * the one that is to get the answer. */
static struct tcp_pcb *server_new(const struct relay *r)
{
	struct tcp_pcb *pcb;

	tcp_setprio(r->client, TCP_PRIO_MAX);
	pcb = tcp_new();
	tcp_setprio(r->client, TCP_PRIO_MIN);	/* as server.c has it */
	return pcb;
}

/* On a kept connection, once; else on one of its own. */
static err_t ask(struct relay *r, struct tcp_pcb *current)
{
	r->server = r->kept ? NULL : pool_take();
	r->kept = r->server;
	if (!r->server)
		r->server = server_new(r);
	if (!r->server)
		return relay_fail(r, current, "no memory");
	tcp_arg(r->server, r);
	tcp_err(r->server, server_failed);
	tcp_recv(r->server, server_received);
	if (r->kept)
		return request_send(r, current);
	if (tcp_connect(r->server, &address, port, server_connected))
		return relay_fail(r, current,
				  "the other server cannot be asked");
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
	/* One request a connection.  Left with lwIP, it would be answered by a
	 * reset, which takes the rest of the answer along. */
	tcp_recved(pcb, p->tot_len);
	pbuf_free(p);
	return ERR_OK;
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
	r->head_only = q->method == WEB_HEAD;
	r->client = client;
	tcp_arg(client, r);
	tcp_err(client, client_failed);
	tcp_recv(client, client_received);
	tcp_poll(client, client_polled, POLL_TICKS);
	return ask(r, client);
}
