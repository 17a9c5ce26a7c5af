/*
 * client.c: see client.h.
 */
#include "client.h"

#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "describe.h"

#define CONNECT_S	10L
#define POLL_MS		100
#define ENDING_NS	5000000000ull	/* until an answer must have ended */
#define KEEP_IDLE_S	15L	/* a server that has lost power says nothing: */
#define KEEP_EACH_S	5L	/* it is asked, which only its kernel notices */
#define ERROR_MAX	1024	/* bytes of an error's answer */
#define SOCKETS_MAX	4	/* of a connection: an attempt by each family */

struct transfer {
	const struct client_call *call;
	CURL		*easy;
	curl_socket_t	 socket[SOCKETS_MAX];	/* open; or CURL_SOCKET_BAD */
	char		 error[ERROR_MAX];
	size_t		 error_len;
	bool		 taken;		/* take() wanted no more */
};

/* The first line; NULL, or what is wrong. */
static const char *line_read(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "r");
	const char *wrong = NULL;
	size_t len;

	if (!f)
		return strerror(errno);
	if (!fgets(line, (int)size, f))
		wrong = ferror(f) ? strerror(errno) : "it is empty";
	fclose(f);
	if (wrong)
		return wrong;
	len = strcspn(line, "\r\n");
	line[len] = 0;
	return !len ? "its first line is empty" :
	       len == size - 1 ? "its first line is too long" : NULL;
}

static int token_read(struct client *c, const char *path)
{
	const char *wrong = line_read(path, c->token, sizeof(c->token));

	if (wrong)
		return cli_fail(EXIT_NOT_FOUND, "cannot read a token from "
				"'%s': %s", path, wrong);
	return EXIT_OK;
}

int client_init(struct client *c, const char *host, const char *token_file)
{
	const char *token = getenv("SLUICE_TOKEN");

	c->host = host ? host : getenv("SLUICE_HOST");
	if (!c->host || !*c->host)
		return cli_fail(EXIT_USAGE, "which appliance?  Give --host "
				"ADDRESS, or set SLUICE_HOST");
	if (token_file)
		return token_read(c, token_file);
	if (!token || !*token)
		return cli_fail(EXIT_USAGE, "the appliance wants a token: the "
				"one of dom0's GRUB line; set SLUICE_TOKEN, or "
				"give --token-file FILE");
	snprintf(c->token, sizeof(c->token), "%s", token);
	return EXIT_OK;
}

char *client_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0), *copy;

	copy = escaped ? strdup(escaped) : NULL;
	curl_free(escaped);
	return copy;
}

static long status_of(const struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static size_t on_data(char *data, size_t one, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	size_t keep = sizeof(t->error) - 1 - t->error_len;

	if (status_of(t) == 200) {
		t->taken = t->call->take(t->call->ctx, data, n) != 0;
		return t->taken ? 0 : n;
	}
	if (keep > n)
		keep = n;
	memcpy(t->error + t->error_len, data, keep);
	t->error_len += keep;
	return n;
}

/* libcurl tells which socket it uses only when it is done with it. */
static void socket_replace(struct transfer *t, curl_socket_t from,
			   curl_socket_t to)
{
	unsigned int i;

	for (i = 0; i < SOCKETS_MAX; i++) {
		if (t->socket[i] != from)
			continue;
		t->socket[i] = to;
		return;
	}
}

static int on_open(void *ctx, curl_socket_t s, curlsocktype purpose)
{
	(void)purpose;
	socket_replace(ctx, CURL_SOCKET_BAD, s);
	return CURL_SOCKOPT_OK;
}

static int on_close(void *ctx, curl_socket_t s)
{
	socket_replace(ctx, s, CURL_SOCKET_BAD);
	return close(s);
}

/* Half a close: the server takes it for the wish to end its answer. */
static void hang_up(const struct transfer *t)
{
	unsigned int i;

	for (i = 0; i < SOCKETS_MAX; i++)
		if (t->socket[i] != CURL_SOCKET_BAD)
			shutdown(t->socket[i], SHUT_WR);
}

static CURLcode result(CURLM *multi)
{
	int left;
	CURLMsg *m = curl_multi_info_read(multi, &left);

	return m && m->msg == CURLMSG_DONE ? m->data.result :
	       CURLE_ABORTED_BY_CALLBACK;
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static CURLcode run(struct transfer *t, CURLM *multi)
{
	const struct client_call *call = t->call;
	uint64_t until = 0;		/* 0: more is wanted */
	int running = 1;

	while (running && (!until || clock_ns() < until)) {
		if (curl_multi_perform(multi, &running))
			return CURLE_FAILED_INIT;
		if (!until && call->enough && call->enough(call->ctx)) {
			hang_up(t);
			until = clock_ns() + (status_of(t) ? ENDING_NS : 0);
		}
		if (running)
			curl_multi_poll(multi, NULL, 0, POLL_MS, NULL);
	}
	return until && running ? CURLE_OK : result(multi);
}

/* What the appliance answered instead. */
static int refused(const struct client *c, struct transfer *t, long status)
{
	json_error_t bad;
	json_t *doc;
	const char *said = NULL;
	struct text why = { "no reason" };
	int code = status == 404 ? EXIT_NOT_FOUND : EXIT_FAILED;

	if (status == 401)
		return cli_fail(code, "%s refuses the token: it must be the "
				"token= of dom0's GRUB line", c->host);
	doc = json_loads(t->error, 0, &bad);
	if (!json_unpack(doc, "{s:s}", "error", &said))
		snprintf(why.s, sizeof(why.s), "%s", said);
	text_clean(why.s);
	code = cli_fail(code, "%s says: %s (HTTP status %ld)", c->host, why.s,
			status);
	json_decref(doc);
	return code;
}

static int judge(const struct client *c, struct transfer *t, CURLcode rc)
{
	long status = status_of(t);

	if (status && status != 200)
		return refused(c, t, status);
	if (t->taken)
		return EXIT_OK;
	switch (rc) {
	case CURLE_OK:
		return EXIT_OK;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_URL_MALFORMAT:
		return cli_fail(EXIT_NOT_FOUND, "no such host: %s", c->host);
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
		return cli_fail(EXIT_FAILED, "%s does not answer (%s): does it "
				"run, has dom0 an interface and a token, and "
				"do the rules let you reach it?", c->host,
				curl_easy_strerror(rc));
	default:
		return cli_fail(EXIT_FAILED, "%s: the connection ended: %s",
				c->host, curl_easy_strerror(rc));
	}
}

static int perform(const struct client *c, struct transfer *t)
{
	CURLM *multi = curl_multi_init();
	CURLcode rc = CURLE_OUT_OF_MEMORY;

	if (multi) {
		curl_multi_add_handle(multi, t->easy);
		rc = run(t, multi);
		curl_multi_remove_handle(multi, t->easy);
		curl_multi_cleanup(multi);
	}
	return judge(c, t, rc);
}

int client_get(const struct client *c, const struct client_call *call)
{
	struct transfer t = { .call = call, .easy = curl_easy_init() };
	struct curl_slist *headers = NULL;
	char *url = NULL, *auth = NULL;
	unsigned int i;
	int code;

	for (i = 0; i < SOCKETS_MAX; i++)
		t.socket[i] = CURL_SOCKET_BAD;
	if (!t.easy || asprintf(&url, "http://%s%s", c->host, call->path) < 0 ||
	    asprintf(&auth, "Authorization: Bearer %s", c->token) < 0)
		return cli_fail(EXIT_FAILED, "no memory");
	headers = curl_slist_append(NULL, auth);
	curl_easy_setopt(t.easy, CURLOPT_URL, url);
	curl_easy_setopt(t.easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(t.easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(t.easy, CURLOPT_PROXY, "");
	curl_easy_setopt(t.easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t.easy, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(t.easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(t.easy, CURLOPT_TCP_KEEPIDLE, KEEP_IDLE_S);
	curl_easy_setopt(t.easy, CURLOPT_TCP_KEEPINTVL, KEEP_EACH_S);
	curl_easy_setopt(t.easy, CURLOPT_SOCKOPTFUNCTION, on_open);
	curl_easy_setopt(t.easy, CURLOPT_SOCKOPTDATA, &t);
	curl_easy_setopt(t.easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(t.easy, CURLOPT_CLOSESOCKETDATA, &t);
	curl_easy_setopt(t.easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(t.easy, CURLOPT_WRITEDATA, &t);
	code = perform(c, &t);
	curl_slist_free_all(headers);
	curl_easy_cleanup(t.easy);
	free(url);
	free(auth);
	return code;
}
