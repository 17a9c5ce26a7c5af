/* api.c: what dom0's server is asked for, and what it answers. */
#include "dom0/api.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/bytes.h"
#include "dom0/capture.h"
#include "dom0/conn.h"
#include "dom0/request.h"
#include "dom0/seldom.h"
#include "http/http.h"
#include "kit/kit.h"
#include "kit/time.h"

#define API_PORT	80
#define TOKEN_MAX	128
#define TOKEN_MIN	8

static char token[TOKEN_MAX];

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
	if (text_param(query, "filter", scratch, CONN_HEAD_MAX) ||
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
	char *scratch = malloc(CONN_HEAD_MAX);
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

static void request_answer(struct conn *c, const struct http_request *r)
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

static void other_answer(struct conn *c, int status)
{
	answer_error(c, status, http_reason(status));
}

void api_start(void)
{
	if (!option_get("token", token, sizeof(token))) {
		printf("dom0: no API: its GRUB line has no token=\n");
		return;
	}
	if (strlen(token) < TOKEN_MIN) {
		printf("dom0: no API: token= has less than %d characters\n",
		       TOKEN_MIN);
		return;
	}
	if (conns_serve(API_PORT, request_answer, other_answer)) {
		printf("dom0: no API: no memory\n");
		return;
	}
	printf("dom0: API on port %d\n", API_PORT);
}
