/*
 * api.c: connections, and what they ask for.
 *
 * A connection is read until its request is there, then answered, then closed.
 * All that a client can make dom0 hold is bounded: connections, bytes of a
 * request and of an answer, time until that is taken (less, where others come and
 * there is no room; a capture has no end, but needs the token).
 */
#include "dom0/api.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <lwip/tcp.h>

#include "dom0/bytes.h"
#include "dom0/capture.h"
#include "dom0/ownvif.h"
#include "dom0/request.h"
#include "dom0/seldom.h"
#include "http/http.h"
#include "kit/event.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "net/net.h"

#define API_PORT	80
#define CONNS_MAX	12
#define HEAD_MAX	16384	/* bytes of a request's head */
#define OUT_PAGES	18	/* of an answer on its way; any packet fits */
#define REQUEST_NS	(10 * SECONDS)	/* until its answer is taken */
#define RETRIES_MAX	6	/* of a segment; then the client is gone */
#define POLL_500MS	2
#define TOKEN_MAX	128
#define TOKEN_MIN	8
#define CHUNK_HEAD	8	/* "01a2b3\r\n" */
#define CHUNK_TAIL	2
#define LAST_CHUNK	"0\r\n\r\n"

struct conn {
	struct conn	*next;
	struct tcp_pcb	*pcb;
	uint64_t	 since_ns;
	char		*head;		/* while it is read */
	size_t		 head_len;
	struct bytes	 out;		/* OUT_PAGES, once there is an answer */
	size_t		 sent;		/* of it, given to TCP */
	struct capture	*capture;
	bool		 ending;	/* of the capture no more is wanted */
	bool		 done;		/* out is the rest of the answer */
};

static struct conn *conns;
static unsigned int nr_conns;
static char token[TOKEN_MAX];

/* ---- connections ---- */

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

/* ---- answers ---- */

static void out_print(struct conn *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void out_print(struct conn *c, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf((char *)c->out.data + c->out.len, bytes_room(&c->out),
		      fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < bytes_room(&c->out))
		c->out.len += (size_t)n;
}

static void out_head(struct conn *c, int status, const char *type)
{
	out_print(c, "HTTP/1.1 %d %s\r\nServer: sluice\r\n"
		  "Connection: close\r\nCache-Control: no-store\r\n"
		  "Content-Type: %s\r\n", status, http_reason(status), type);
	if (status == 401)
		out_print(c, "WWW-Authenticate: Bearer\r\n");
}

/* why: without characters that JSON would escape. */
static void answer_error(struct conn *c, int status, const char *why)
{
	out_head(c, status, "application/json");
	out_print(c, "Content-Length: %zu\r\n\r\n{\"error\":\"%s\"}\n",
		  strlen(why) + 13, why);
	c->done = true;
}

/* ---- GET /v1/capture ---- */

struct capture_params {
	char port[64], words[256];
	struct vfr_bpf_insn *filter;
	uint32_t nr_filter, stages, snaplen;
};

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 16 digits an instruction: code, jt, jf, k. */
static int filter_parse(const char *text, struct capture_params *p)
{
	size_t digits = strlen(text);

	if (digits % 16 || digits / 16 > VFR_BPF_MAX)
		return -EINVAL;
	p->nr_filter = (uint32_t)(digits / 16);
	p->filter = calloc(p->nr_filter + 1, sizeof(*p->filter));
	if (!p->filter)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->nr_filter; i++) {
		uint64_t word = 0;

		for (unsigned int k = 0; k < 16; k++) {
			int d = hex_digit(*text++);

			if (d < 0)
				return -EINVAL;
			word = word << 4 | (unsigned int)d;
		}
		p->filter[i] = (struct vfr_bpf_insn){
			.code = (uint16_t)(word >> 48),
			.jt = (uint8_t)(word >> 40),
			.jf = (uint8_t)(word >> 32),
			.k = (uint32_t)word,
		};
	}
	return 0;
}

static int number_param(struct text query, const char *name,
			uint32_t otherwise, uint32_t *n)
{
	char text[12], *end;
	int len = query_param(query, name, text, sizeof(text));

	*n = otherwise;
	if (len < 0)
		return len == -1 ? 0 : -EINVAL;
	*n = (uint32_t)strtoul(text, &end, 10);
	return len && !*end ? 0 : -EINVAL;
}

static int text_param(struct text query, const char *name, char *buf,
		      size_t size)
{
	int len = query_param(query, name, buf, size);

	if (len == -1)
		*buf = 0;
	return len == -2 ? -EINVAL : 0;
}

/* NULL, or which of them is wrong. */
static const char *params_read(struct text query, struct capture_params *p,
			       char *scratch)
{
	if (text_param(query, "port", p->port, sizeof(p->port)) || !*p->port)
		return "port: a name of the rules, or any";
	if (text_param(query, "words", p->words, sizeof(p->words)))
		return "words: too long";
	if (number_param(query, "stages", VFR_TAP_INGRESS, &p->stages))
		return "stages: a number";
	if (number_param(query, "snaplen", VFR_TAP_SNAP_MAX, &p->snaplen))
		return "snaplen: a number";
	if (text_param(query, "filter", scratch, HEAD_MAX) ||
	    filter_parse(scratch, p))
		return "filter: 16 hexadecimal digits an instruction";
	return NULL;
}

/* Others read the log on a terminal. */
static void printable(char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

static void capture_begin(struct conn *c, const struct capture_params *p)
{
	const struct capture_spec spec = {
		.port = p->port, .stages = p->stages, .snaplen = p->snaplen,
		.filter = p->filter, .nr_filter = p->nr_filter,
		.words = p->words, .who = ipaddr_ntoa(&c->pcb->remote_ip),
	};
	const char *why;

	switch (capture_open(&spec, &c->capture, &why)) {
	case 0:
		break;
	case -ENOENT:
		answer_error(c, 404, why);
		return;
	case -EINVAL:
		answer_error(c, 422, why);
		return;
	default:
		answer_error(c, 503, why);
		return;
	}
	out_head(c, 200, "application/x-pcapng");
	out_print(c, "Transfer-Encoding: chunked\r\n\r\n");
	ip_set_option(c->pcb, SOF_KEEPALIVE);
	c->pcb->keep_idle = 15000;
	c->pcb->keep_intvl = 5000;
	c->pcb->keep_cnt = 3;
}

static void get_capture(struct conn *c, const struct http_request *r)
{
	struct capture_params p = { .filter = NULL };
	char *scratch = malloc(HEAD_MAX);
	const char *wrong = scratch ? params_read(r->query, &p, scratch) : NULL;

	free(scratch);
	if (!scratch) {
		answer_error(c, 503, "no memory");
	} else if (wrong) {
		answer_error(c, 400, wrong);
	} else {
		printable(p.words);
		capture_begin(c, &p);
	}
	free(p.filter);
}

/* ---- requests ---- */

static const struct call {
	const char *method, *path;
	void (*run)(struct conn *c, const struct http_request *r);
} calls[] = {
	{ "GET", "/v1/capture", get_capture },
};

static void request_run(struct conn *c, const struct http_request *r)
{
	static struct seldom refused;
	bool path_known = false;

	if (!secret_equal(request_token(r), token)) {
		seldom_say(&refused, time_now(),
			   "dom0: API: %s: no valid token",
			   ipaddr_ntoa(&c->pcb->remote_ip));
		answer_error(c, 401, "no valid token");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!text_is(r->path, calls[i].path))
			continue;
		path_known = true;
		if (!text_is(r->method, calls[i].method))
			continue;
		calls[i].run(c, r);
		return;
	}
	if (path_known)
		answer_error(c, 405, "another method is needed");
	else
		answer_error(c, 404, "no such path");
}

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
		answer_error(c, -result, http_reason(-result));
	else
		request_run(c, r);
	free(c->head);
	c->head = NULL;
}

static void head_read(struct conn *c, const struct pbuf *p)
{
	size_t n = p->tot_len;
	struct http_request r;
	int result;

	if (n > HEAD_MAX - c->head_len)
		n = HEAD_MAX - c->head_len;
	pbuf_copy_partial(p, c->head + c->head_len, (uint16_t)n, 0);
	c->head_len += n;
	result = http_request_read(c->head, c->head_len, HEAD_MAX, &r);
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
		c->head = malloc(HEAD_MAX);
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

void api_start(void)
{
	struct tcp_pcb *pcb;

	if (!option_get("token", token, sizeof(token))) {
		printf("dom0: no API: its GRUB line has no token=\n");
		return;
	}
	if (strlen(token) < TOKEN_MIN) {
		printf("dom0: no API: token= has less than %d characters\n",
		       TOKEN_MIN);
		return;
	}
	pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
	if (!pcb || tcp_bind(pcb, IP_ANY_TYPE, API_PORT) != ERR_OK ||
	    !(pcb = tcp_listen_with_backlog(pcb, CONNS_MAX))) {
		printf("dom0: no API: no memory\n");
		return;
	}
	tcp_accept(pcb, conn_accept);
	event_bind_virq(VIRQ_TBUF, 0, records_came, NULL);
	printf("dom0: API on port %d\n", API_PORT);
}
