/*
 * xenstore_test.c: dom0's store: the tree, requests, transactions, watches,
 * permissions, quotas, and the ring.
 *
 * Most tests are scripts: a table of requests with the answer to each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dom0/xs.h"
#include "dom0/xs_ring.h"

#define NOTHING_COMES "-"

static struct xs_server server;
static struct xs_conn *conns[8];	/* by domid */

static int setup(void **state)
{
	char path[64];

	assert_int_equal(xs_server_init(&server), 0);
	for (unsigned int i = 0; i < 3; i++) {
		conns[i] = xs_conn_new(&server, i);
		snprintf(path, sizeof(path), "/local/domain/%u", i);
		xs_set(&server, path, "");
		xs_set_owner(&server, path, i, i);
	}
	return 0;
}

static int teardown(void **state)
{
	xs_server_fini(&server);
	return 0;
}

static void send_raw(unsigned int who, uint32_t type, uint32_t tx,
		     const void *data, size_t len)
{
	struct xsd_sockmsg h = { type, 7, tx, len };

	assert_int_equal(xs_conn_input(conns[who], &h, sizeof(h)), sizeof(h));
	assert_int_equal(xs_conn_input(conns[who], data, len), len);
}

/*
 * The next message for who as text, NULs as '|': the payload of an answer, an
 * error's name, "!path|token|" for a watch event, or NOTHING_COMES.
 */
static const char *receive(unsigned int who)
{
	static char text[XENSTORE_PAYLOAD_MAX + 8];
	struct xsd_sockmsg h;
	char *p = text;

	if (!xs_conn_output(conns[who], &h, sizeof(h)))
		return NOTHING_COMES;
	if (h.type == XS_WATCH_EVENT)
		*p++ = '!';
	else
		assert_int_equal(h.req_id, 7);
	assert_true(h.len <= XENSTORE_PAYLOAD_MAX);
	assert_int_equal(xs_conn_output(conns[who], p, h.len), h.len);
	for (size_t i = 0; i < h.len; i++)
		if (!p[i])
			p[i] = '|';
	p[h.len] = 0;
	return text;
}

/* One request: data with '|' for NUL; its answer. */
static const char *ask(unsigned int who, uint32_t type, uint32_t tx,
		       const char *data)
{
	size_t len = strlen(data);
	char *copy = strdup(data);

	for (size_t i = 0; i < len; i++)
		if (copy[i] == '|')
			copy[i] = 0;
	send_raw(who, type, tx, copy, len);
	free(copy);
	return receive(who);
}

struct step {
	unsigned int who;
	uint32_t     type;
	uint32_t     tx;
	const char  *data;
	const char  *answer;
};
#define EVENT 999	/* no request: what comes by itself */

static void run(const struct step *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = s[i].type == EVENT ? receive(s[i].who)
			: ask(s[i].who, s[i].type, s[i].tx, s[i].data);

		if (strcmp(got, s[i].answer))
			fail_msg("step %zu, %s: '%s', not '%s'", i,
				 s[i].data ? s[i].data : "event", got,
				 s[i].answer);
	}
}
#define RUN(steps) run(steps, sizeof(steps) / sizeof((steps)[0]))

static void test_basic(void **state)
{
	static const struct step steps[] = {
		{ 1, XS_READ, 0, "a|", "ENOENT|" },
		{ 1, XS_WRITE, 0, "a/b/c|value", "OK|" },
		{ 1, XS_READ, 0, "a/b/c|", "value" },
		{ 1, XS_READ, 0, "/local/domain/1/a/b/c|", "value" },
		{ 1, XS_READ, 0, "a/b|", "" },
		{ 1, XS_WRITE, 0, "a/empty|", "OK|" },
		{ 1, XS_READ, 0, "a/empty|", "" },
		{ 1, XS_DIRECTORY, 0, "a|", "b|empty|" },
		{ 1, XS_DIRECTORY, 0, "a/empty|", "" },
		{ 1, XS_DIRECTORY, 0, "none|", "ENOENT|" },
		{ 1, XS_MKDIR, 0, "a/b|", "OK|" },
		{ 1, XS_READ, 0, "a/b/c|", "value" },
		{ 1, XS_RM, 0, "a/b|", "OK|" },
		{ 1, XS_READ, 0, "a/b/c|", "ENOENT|" },
		{ 1, XS_RM, 0, "a/none|", "OK|" },
		{ 1, XS_RM, 0, "none/none|", "ENOENT|" },
		{ 0, XS_RM, 0, "/|", "EINVAL|" },
		{ 1, XS_GET_DOMAIN_PATH, 0, "5|", "/local/domain/5|" },
		{ 1, XS_GET_DOMAIN_PATH, 0, "x|", "EINVAL|" },
		{ 1, XS_IS_DOMAIN_INTRODUCED, 0, "2|", "T|" },
		{ 1, XS_IS_DOMAIN_INTRODUCED, 0, "9|", "F|" },
		{ 1, XS_RESET_WATCHES, 0, "|", "OK|" },
		{ 1, XS_CONTROL, 0, "x|", "ENOSYS|" },
		{ 1, XS_INTRODUCE, 0, "1|", "ENOSYS|" },
		{ 1, 77, 0, "x|", "ENOSYS|" },
		{ 1, XS_READ, 5, "a|", "ENOENT|" },	/* no such transaction */
	};

	RUN(steps);
}

static void test_bad_paths(void **state)
{
	static const char *const paths[] = {
		"|", "a//b|", "a/|", "/local/|", "a b|", "a\x80|", "a\n|",
		"no-nul", "//|", "*|",
		"1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/h/i/j/k/l/m/n|",
	};
	char *longest = malloc(3200);

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		assert_string_equal(ask(1, XS_WRITE, 0, paths[i]), "EINVAL|");
	memset(longest, 'a', 3200);
	longest[3199] = 0;
	longest[3198] = '|';
	assert_string_equal(ask(1, XS_WRITE, 0, longest), "EINVAL|");
	free(longest);
}

static void test_permissions(void **state)
{
	static const struct step steps[] = {
		{ 1, XS_WRITE, 0, "secret|mine", "OK|" },
		{ 2, XS_READ, 0, "/local/domain/1/secret|", "EACCES|" },
		{ 2, XS_WRITE, 0, "/local/domain/1/secret|x", "EACCES|" },
		{ 2, XS_WRITE, 0, "/local/domain/1/new|x", "EACCES|" },
		{ 2, XS_WRITE, 0, "/new|x", "EACCES|" },
		{ 2, XS_RM, 0, "/local/domain/1/secret|", "EACCES|" },
		{ 2, XS_RM, 0, "/local|", "EACCES|" },
		{ 2, XS_DIRECTORY, 0, "/local/domain/1|", "EACCES|" },
		{ 2, XS_GET_PERMS, 0, "/local/domain/1|", "EACCES|" },
		{ 2, XS_SET_PERMS, 0, "/local/domain/1|n2|", "EACCES|" },
		{ 0, XS_READ, 0, "/local/domain/1/secret|", "mine" },
		{ 1, XS_SET_PERMS, 0, "secret|n1|r2|", "OK|" },
		{ 1, XS_GET_PERMS, 0, "secret|", "n1|r2|" },
		{ 2, XS_READ, 0, "/local/domain/1/secret|", "mine" },
		{ 2, XS_WRITE, 0, "/local/domain/1/secret|x", "EACCES|" },
		{ 1, XS_SET_PERMS, 0, "secret|n1|w2|", "OK|" },
		{ 2, XS_READ, 0, "/local/domain/1/secret|", "EACCES|" },
		{ 2, XS_WRITE, 0, "/local/domain/1/secret|yours", "OK|" },
		{ 1, XS_READ, 0, "secret|", "yours" },
		{ 1, XS_SET_PERMS, 0, "secret|n2|", "EACCES|" },
		{ 1, XS_SET_PERMS, 0, "secret|", "EACCES|" },
		{ 1, XS_SET_PERMS, 0, "secret|x1|", "EINVAL|" },
		{ 1, XS_SET_PERMS, 0, "secret|n|", "EINVAL|" },
		{ 1, XS_SET_PERMS, 0, "secret|n1", "EINVAL|" },
		{ 1, XS_SET_PERMS, 0, "secret|n1|n1|n1|n1|n1|n1|n1|n1|n1|",
		  "EINVAL|" },
		{ 0, XS_SET_PERMS, 0, "/local/domain/1/secret|b2|", "OK|" },
		{ 1, XS_WRITE, 0, "secret|all may", "OK|" },
	};

	RUN(steps);
}

static void test_watches(void **state)
{
	static const struct step steps[] = {
		{ 1, XS_WATCH, 0, "dev|tok|", "OK|" },
		{ 1, EVENT, 0, NULL, "!dev|tok|" },
		{ 1, XS_WATCH, 0, "dev|tok|", "EEXIST|" },
		{ 1, XS_WATCH, 0, "/local/domain/1/dev|abs|", "OK|" },
		{ 1, EVENT, 0, NULL, "!/local/domain/1/dev|abs|" },
		{ 1, XS_WRITE, 0, "dev/vif/0|x",
		  "!/local/domain/1/dev/vif/0|abs|" },
		{ 1, EVENT, 0, NULL, "!dev/vif/0|tok|" },
		{ 1, EVENT, 0, NULL, "OK|" },
		{ 1, EVENT, 0, NULL, NOTHING_COMES },
		{ 1, XS_WRITE, 0, "device|x", "OK|" },
		{ 1, EVENT, 0, NULL, NOTHING_COMES },
		{ 1, XS_UNWATCH, 0, "/local/domain/1/dev|abs|", "OK|" },
		{ 1, XS_UNWATCH, 0, "/local/domain/1/dev|abs|", "ENOENT|" },
		{ 0, XS_WRITE, 0, "/local/domain/1/dev/state|4", "OK|" },
		{ 1, EVENT, 0, NULL, "!dev/state|tok|" },
		{ 0, XS_RM, 0, "/local/domain/1/dev|", "OK|" },
		{ 1, EVENT, 0, NULL, "!dev|tok|" },
		{ 1, XS_WRITE, 0, "dev|again", "!dev|tok|" },
		{ 1, EVENT, 0, NULL, "OK|" },
		{ 0, XS_RM, 0, "/local/domain/1|", "OK|" },
		{ 1, EVENT, 0, NULL, "!dev|tok|" },	/* with its parent */
		{ 1, XS_WATCH, 0, "@releaseDomain|t|", "EACCES|" },
		{ 0, XS_WATCH, 0, "@releaseDomain|t|", "OK|" },
		{ 0, EVENT, 0, NULL, "!@releaseDomain|t|" },
		{ 0, XS_WATCH, 0, "@other|t|", "EINVAL|" },
		{ 1, XS_WATCH, 0, "dev|", "EINVAL|" },
		{ 1, XS_WATCH, 0, "dev|tok", "EINVAL|" },
	};

	RUN(steps);
}

/* A watch on what one may not read stays silent. */
static void test_watch_permission(void **state)
{
	static const struct step steps[] = {
		{ 2, XS_WATCH, 0, "/local/domain/1|t|", "OK|" },
		{ 2, EVENT, 0, NULL, "!/local/domain/1|t|" },
		{ 1, XS_WRITE, 0, "secret|x", "OK|" },
		{ 2, EVENT, 0, NULL, NOTHING_COMES },
		{ 1, XS_RM, 0, "secret|", "OK|" },
		{ 2, EVENT, 0, NULL, NOTHING_COMES },
		{ 1, XS_MKDIR, 0, "open|", "OK|" },
		{ 1, XS_SET_PERMS, 0, "open|r1|", "OK|" },
		{ 2, EVENT, 0, NULL, "!/local/domain/1/open|t|" },
		{ 1, XS_RM, 0, "open|", "OK|" },
		{ 2, EVENT, 0, NULL, "!/local/domain/1/open|t|" },
	};

	RUN(steps);
}

static void test_transactions(void **state)
{
	static const struct step steps[] = {
		{ 1, XS_WRITE, 0, "a|1", "OK|" },
		{ 1, XS_TRANSACTION_START, 0, "|", "1|" },
		{ 1, XS_WRITE, 1, "a|2", "OK|" },
		{ 1, XS_READ, 1, "a|", "2" },
		{ 1, XS_READ, 0, "a|", "1" },	/* not seen outside yet */
		{ 1, XS_TRANSACTION_END, 1, "T|", "OK|" },
		{ 1, XS_READ, 0, "a|", "2" },
		{ 1, XS_TRANSACTION_START, 0, "|", "2|" },
		{ 1, XS_WRITE, 2, "a|3", "OK|" },
		{ 1, XS_TRANSACTION_END, 2, "F|", "OK|" },
		{ 1, XS_READ, 0, "a|", "2" },
		{ 1, XS_TRANSACTION_END, 2, "T|", "ENOENT|" },
		{ 1, XS_TRANSACTION_START, 0, "|", "3|" },
		{ 1, XS_TRANSACTION_START, 3, "|", "EBUSY|" },
		{ 1, XS_WATCH, 3, "a|t|", "EINVAL|" },
		{ 1, XS_TRANSACTION_END, 3, "X|", "EINVAL|" },
		{ 1, XS_TRANSACTION_END, 3, "T|", "OK|" },
		/* each connection has its own */
		{ 1, XS_TRANSACTION_START, 0, "|", "4|" },
		{ 2, XS_READ, 4, "a|", "ENOENT|" },
		{ 2, XS_TRANSACTION_END, 4, "T|", "ENOENT|" },
	};

	RUN(steps);
}

static void test_transaction_conflicts(void **state)
{
	static const struct step steps[] = {
		{ 1, XS_WRITE, 0, "a|1", "OK|" },
		/* what it read has changed */
		{ 1, XS_TRANSACTION_START, 0, "|", "1|" },
		{ 1, XS_READ, 1, "a|", "1" },
		{ 1, XS_WRITE, 1, "b|1", "OK|" },
		{ 0, XS_WRITE, 0, "/local/domain/1/a|2", "OK|" },
		{ 1, XS_TRANSACTION_END, 1, "T|", "EAGAIN|" },
		{ 1, XS_READ, 0, "b|", "ENOENT|" },
		/* something else has changed */
		{ 1, XS_TRANSACTION_START, 0, "|", "2|" },
		{ 1, XS_READ, 2, "a|", "2" },
		{ 1, XS_WRITE, 2, "b|1", "OK|" },
		{ 2, XS_WRITE, 0, "x|1", "OK|" },
		{ 1, XS_TRANSACTION_END, 2, "T|", "OK|" },
		{ 1, XS_READ, 0, "b|", "1" },
		{ 2, XS_READ, 0, "x|", "1" },
		/* what was missing is there now */
		{ 1, XS_TRANSACTION_START, 0, "|", "3|" },
		{ 1, XS_READ, 3, "c|", "ENOENT|" },
		{ 1, XS_WRITE, 0, "c|1", "OK|" },
		{ 1, XS_TRANSACTION_END, 3, "T|", "EAGAIN|" },
		/* a directory that it listed has grown */
		{ 1, XS_TRANSACTION_START, 0, "|", "4|" },
		{ 1, XS_DIRECTORY, 4, "a|", "" },
		{ 1, XS_WRITE, 0, "a/new|1", "OK|" },
		{ 1, XS_TRANSACTION_END, 4, "T|", "EAGAIN|" },
	};

	RUN(steps);
}

static void test_transaction_watches(void **state)
{
	static const struct step steps[] = {
		{ 0, XS_WATCH, 0, "/local/domain/1|t|", "OK|" },
		{ 0, EVENT, 0, NULL, "!/local/domain/1|t|" },
		{ 1, XS_TRANSACTION_START, 0, "|", "1|" },
		{ 1, XS_WRITE, 1, "a|1", "OK|" },
		{ 1, XS_READ, 1, "a|", "1" },
		{ 0, EVENT, 0, NULL, NOTHING_COMES },
		{ 1, XS_TRANSACTION_END, 1, "T|", "OK|" },
		{ 0, EVENT, 0, NULL, "!/local/domain/1/a|t|" },
		{ 0, EVENT, 0, NULL, NOTHING_COMES },
	};

	RUN(steps);
}

static void test_quota_nodes(void **state)
{
	char request[64];
	const char *answer = "OK|";
	unsigned int n;

	for (n = 0; n < STORE_BYTES_MAX && !strcmp(answer, "OK|"); n++) {
		snprintf(request, sizeof(request), "n%03u|", n);
		answer = ask(1, XS_MKDIR, 0, request);
	}
	assert_string_equal(answer, "ENOSPC|");
	assert_in_range(store_bytes_of(&server.store, 1),
			STORE_BYTES_MAX - 256, STORE_BYTES_MAX);
	assert_true(n > 100);	/* a guest with four vifs has as many */
	/* nor in a transaction, nor many at once */
	assert_string_equal(ask(1, XS_TRANSACTION_START, 0, "|"), "1|");
	assert_string_equal(ask(1, XS_MKDIR, 1, "more|"), "ENOSPC|");
	assert_string_equal(ask(1, XS_TRANSACTION_END, 1, "T|"), "OK|");
	/* others have room, and what is removed is room again */
	assert_string_equal(ask(2, XS_MKDIR, 0, "n|"), "OK|");
	assert_string_equal(ask(1, XS_RM, 0, "n000|"), "OK|");
	assert_string_equal(ask(1, XS_MKDIR, 0, "a/b|"), "ENOSPC|");
	assert_string_equal(ask(1, XS_MKDIR, 0, "a|"), "OK|");
	/* and a value that gets no longer is room enough */
	assert_string_equal(ask(1, XS_WRITE, 0, "a|1234567|"), "OK|");
	while (!strcmp(ask(1, XS_WRITE, 0, "more|"), "OK|"))
		;
	assert_string_equal(ask(1, XS_WRITE, 0, "a|7654321|"), "OK|");
	assert_int_equal(xs_delete(&server, "/local/domain/1"), 0);
	assert_int_equal(store_nodes_of(&server.store, 1), 0);
	assert_int_equal(store_bytes_of(&server.store, 1), 0);
}

/* Values count as what they take, also those that another may write. */
static void test_quota_bytes(void **state)
{
	char request[16 + STORE_VALUE_MAX], text[8];
	const char *answer = "OK|";
	unsigned int n;

	assert_string_equal(ask(1, XS_MKDIR, 0, "open|"), "OK|");
	assert_string_equal(ask(1, XS_SET_PERMS, 0, "open|b1|"), "OK|");
	memset(request, 'v', sizeof(request));
	for (n = 0; n < 100 && !strcmp(answer, "OK|"); n++) {
		snprintf(request, sizeof(request), "n%02u|", n);
		request[4] = 'v';
		request[4 + STORE_VALUE_MAX] = 0;
		answer = ask(1, XS_WRITE, 0, request);
	}
	assert_string_equal(answer, "ENOSPC|");
	assert_in_range(store_bytes_of(&server.store, 1),
			STORE_BYTES_MAX - STORE_VALUE_MAX - 256,
			STORE_BYTES_MAX);
	snprintf(text, sizeof(text), "left|");
	while (!strcmp(ask(1, XS_MKDIR, 0, text), "OK|"))
		text[0]++;
	memcpy(request, "/local/domain/1/open|", 21);
	assert_string_equal(ask(2, XS_WRITE, 0, request), "ENOSPC|");
	/* dom0 itself is not asked */
	assert_string_equal(ask(0, XS_WRITE, 0, request), "OK|");
}

static void test_quota_sizes(void **state)
{
	char *request = malloc(4096);

	memset(request, 'v', 4096);
	memcpy(request, "a|", 2);
	request[2 + STORE_VALUE_MAX] = 0;
	assert_string_equal(ask(1, XS_WRITE, 0, request), "OK|");
	request[2 + STORE_VALUE_MAX] = 'v';
	request[3 + STORE_VALUE_MAX] = 0;
	assert_string_equal(ask(1, XS_WRITE, 0, request), "ENOSPC|");
	free(request);
}

static void test_quota_watches(void **state)
{
	char request[64];

	for (unsigned int i = 0; i < XS_WATCHES_MAX; i++) {
		snprintf(request, sizeof(request), "w|%u|", i);
		assert_string_equal(ask(1, XS_WATCH, 0, request), "OK|");
		receive(1);
	}
	assert_string_equal(ask(1, XS_WATCH, 0, "w|one more|"), "ENOSPC|");
}

static void test_quota_transactions(void **state)
{
	const char *answer = "OK|";
	unsigned int n;

	for (unsigned int i = 0; i < XS_TRANSACTIONS_MAX; i++)
		assert_string_not_equal(ask(1, XS_TRANSACTION_START, 0, "|"),
					"ENOSPC|");
	assert_string_equal(ask(1, XS_TRANSACTION_START, 0, "|"), "ENOSPC|");
	for (n = 0; n < XS_HELD_MAX && !strcmp(answer, "OK|"); n++)
		answer = ask(1, XS_WRITE, 1, "a|1");
	assert_string_equal(answer, "ENOSPC|");
	assert_true(n > 64);	/* a guest's longest has 30 */
	assert_string_equal(ask(1, XS_RESET_WATCHES, 0, "|"), "OK|");
	assert_int_equal(conns[1]->nr_transactions, 0);
}

/* What a transaction keeps of requests, of its domain's nodes as they were,
 * and long watches: all is counted, and room again afterwards. */
static void test_quota_held(void **state)
{
	char text[2048];
	unsigned int n;

	memset(text, 'x', sizeof(text));
	memcpy(text, "/no|", 4);
	text[sizeof(text) - 1] = 0;
	ask(1, XS_TRANSACTION_START, 0, "|");
	for (n = 0; n < 100 && !strcmp(ask(1, XS_WRITE, 1, text), "EACCES|");
	     n++)
		;
	assert_in_range(n, 8, XS_HELD_MAX / sizeof(text));
	assert_string_equal(ask(1, XS_WRITE, 1, "a|1"), "OK|");
	assert_string_equal(ask(1, XS_TRANSACTION_END, 1, "T|"), "OK|");

	text[sizeof(text) - 2] = '|';
	for (n = 0; n < 100; n++) {
		text[4] = 'a' + n;
		if (strcmp(ask(1, XS_WATCH, 0, text), "OK|"))
			break;
		receive(1);
	}
	assert_in_range(n, 8, XS_HELD_MAX / sizeof(text));
	assert_string_equal(ask(1, XS_RESET_WATCHES, 0, "|"), "OK|");

	text[3] = 'o';
	text[sizeof(text) - 2] = 'x';
	memcpy(text, "0|", 2);
	for (n = 0; n < 8; n++, text[0]++)
		assert_string_equal(ask(1, XS_WRITE, 0, text), "OK|");
	assert_string_equal(ask(1, XS_TRANSACTION_START, 0, "|"), "2|");
	assert_string_equal(ask(1, XS_TRANSACTION_START, 0, "|"), "ENOSPC|");
	assert_string_equal(ask(1, XS_TRANSACTION_END, 2, "F|"), "OK|");
	assert_string_equal(ask(1, XS_TRANSACTION_START, 0, "|"), "3|");
}

/* Events for one who does not read them are dropped at some point, and equal
 * ones are one; answers are never dropped. */
static void test_backlog(void **state)
{
	char request[64];

	ask(1, XS_WATCH, 0, "/|t|");
	receive(1);
	xs_set_owner(&server, "/local/domain/2", 2, 1);
	receive(1);
	for (unsigned int i = 0; i < 500; i++)
		ask(2, XS_WRITE, 0, "same|x");
	for (unsigned int i = 0; i < 20; i++)
		xs_set(&server, "/same", "x");
	assert_int_equal(conns[1]->events_lost, 0);
	for (unsigned int i = 0; i < 5000; i++) {
		snprintf(request, sizeof(request), "/x%u/%u", i / 100,
			 i % 100);
		xs_set(&server, request, "x");
	}
	assert_true(conns[1]->events_lost > 0);
	assert_true(conns[1]->out_bytes <= XS_BACKLOG_MAX + 64);
}

static void test_message_too_long(void **state)
{
	struct xsd_sockmsg h = { XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1 };

	xs_conn_input(conns[1], &h, sizeof(h));
	xs_conn_input(conns[1], "x", 1);
	assert_true(conns[1]->broken);
}

static void test_ring(void **state)
{
	static struct xenstore_domain_interface r;
	struct xsd_sockmsg h = { XS_GET_DOMAIN_PATH, 3, 0, 2 }, *answer;
	const char *request = (const char *)&h;
	char buf[64];

	memset(&r, 0, sizeof(r));
	r.req_prod = r.req_cons = 0xfffffff8;	/* indices wrap */
	for (size_t i = 0; i < sizeof(h) + 2; i++) {	/* byte by byte */
		r.req[MASK_XENSTORE_IDX(r.req_prod)] =
			i < sizeof(h) ? request[i] : "1"[i - sizeof(h)];
		r.req_prod++;
		assert_true(xs_ring_serve(conns[1], &r));
	}
	assert_int_equal(r.req_cons, r.req_prod);
	assert_int_equal(r.rsp_prod, sizeof(h) + 16);
	memcpy(buf, r.rsp, sizeof(buf));
	answer = (void *)buf;
	assert_int_equal(answer->req_id, 3);
	assert_string_equal(buf + sizeof(h), "/local/domain/1");
	assert_false(xs_ring_serve(conns[1], &r));
}

/* A guest on another CPU that always has one more request in the ring. */
static void ring_again(void *arg, const char *path)
{
	static const struct { struct xsd_sockmsg h; char data[4]; } request = {
		{ XS_WRITE, 3, 0, 4 }, "a\0v" };
	struct xenstore_domain_interface *r = arg;
	const char *bytes = (const void *)&request;

	r->rsp_cons = r->rsp_prod;
	if (r->req_prod >= 100 * sizeof(request))
		return;
	for (size_t i = 0; i < sizeof(request); i++)
		r->req[MASK_XENSTORE_IDX(r->req_prod + i)] = bytes[i];
	r->req_prod += sizeof(request);
}

static void test_ring_that_goes_on(void **state)
{
	static struct xenstore_domain_interface r;
	uint32_t one;

	memset(&r, 0, sizeof(r));
	ring_again(&r, NULL);
	one = r.req_prod;
	server.changed = ring_again;
	server.changed_arg = &r;
	for (uint32_t n = 1; n < 10; n++) {
		assert_true(xs_ring_serve(conns[1], &r));
		assert_int_equal(r.req_cons, n * one);
		assert_int_equal(r.req_prod, (n + 1) * one);
	}
}

static const struct {
	const char *what;
	uint32_t req_prod, rsp_cons;
	bool broken;
} ring_cases[] = {
	{ "a full request ring", 1024, 0, false },
	{ "more requests than there is room", 1025, 0, true },
	{ "requests far ahead", 0x80000000, 0, true },
	{ "answers read that were not written", 0, 1, true },
	{ "answers far behind", 0, 0xfffffbff, true },
};

static void test_ring_indices(void **state)
{
	static struct xenstore_domain_interface r;

	for (size_t i = 0; i < sizeof(ring_cases) / sizeof(*ring_cases); i++) {
		struct xs_conn *c = xs_conn_new(&server, 5);

		memset(&r, 0, sizeof(r));
		r.req_prod = ring_cases[i].req_prod;
		r.rsp_cons = ring_cases[i].rsp_cons;
		xs_ring_serve(c, &r);
		print_message("%s\n", ring_cases[i].what);
		assert_int_equal(c->broken, ring_cases[i].broken);
		xs_conn_free(c);
	}
}

/* -- no memory ------------------------------------------------------------- */

static long allocations_left = -1;	/* before one fails; -1: none does */
static bool memory_out;			/* all fail */

static bool allocation_fails(void)
{
	return memory_out || (allocations_left >= 0 &&
			      allocations_left-- == 0);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(p, size);
}

/* Whatever one allocation fails, nothing leaks and all counts are right. */
static void test_no_memory(void **state)
{
	static const struct {
		uint32_t type, tx;
		const char data[32];
		size_t len;
	} requests[] = {
		{ XS_WRITE, 0, "a/b/c\0value", 11 },
		{ XS_WATCH, 0, "a\0token", 8 },
		{ XS_TRANSACTION_START, 0, "", 1 },
		{ XS_WRITE, 1, "a/b/d\0value", 11 },
		{ XS_RM, 1, "a/b/c", 6 },
		{ XS_WRITE, 0, "other\0x", 7 },
		{ XS_TRANSACTION_END, 1, "T", 2 },
		{ XS_SET_PERMS, 0, "a\0n1\0r2", 9 },
		{ XS_RM, 0, "a", 2 },
	};
	char sink[4096];

	for (long n = 0; n < 120; n++) {
		teardown(NULL);
		setup(NULL);
		allocations_left = n;
		for (size_t i = 0; i < sizeof(requests) / sizeof(*requests);
		     i++) {
			struct xsd_sockmsg h = { requests[i].type, 7,
						 requests[i].tx,
						 requests[i].len };

			xs_conn_input(conns[1], &h, sizeof(h));
			xs_conn_input(conns[1], requests[i].data, h.len);
			while (xs_conn_output(conns[1], sink, sizeof(sink)))
				;
		}
		allocations_left = -1;
		assert_int_equal(xs_delete(&server, "/local/domain/1"), 0);
		assert_int_equal(store_nodes_of(&server.store, 1), 0);
	}
}

/* One request is answered then, the next waits; none is lost. */
static void test_no_memory_at_all(void **state)
{
	struct xsd_sockmsg h = { XS_READ, 7, 0, 4 };

	ask(1, XS_WRITE, 0, "two|2");
	memory_out = true;
	assert_string_equal(ask(2, XS_READ, 0, "two|"), "ENOENT|");
	assert_false(conns[2]->waits);
	xs_conn_input(conns[1], &h, sizeof(h));
	assert_int_equal(xs_conn_input(conns[1], "two", 4), 4);
	assert_true(conns[1]->waits);
	assert_string_equal(receive(1), NOTHING_COMES);
	xs_conn_input(conns[1], NULL, 0);
	assert_string_equal(receive(1), NOTHING_COMES);
	memory_out = false;
	xs_conn_input(conns[1], NULL, 0);
	assert_false(conns[1]->waits);
	assert_string_equal(receive(1), "2");
	assert_string_equal(ask(2, XS_MKDIR, 0, "two|"), "OK|");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_basic),
		CASE(test_bad_paths),
		CASE(test_permissions),
		CASE(test_watches),
		CASE(test_watch_permission),
		CASE(test_transactions),
		CASE(test_transaction_conflicts),
		CASE(test_transaction_watches),
		CASE(test_quota_nodes),
		CASE(test_quota_bytes),
		CASE(test_quota_sizes),
		CASE(test_quota_watches),
		CASE(test_quota_transactions),
		CASE(test_quota_held),
		CASE(test_backlog),
		CASE(test_message_too_long),
		CASE(test_ring),
		CASE(test_ring_that_goes_on),
		CASE(test_ring_indices),
		CASE(test_no_memory),
		CASE(test_no_memory_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
