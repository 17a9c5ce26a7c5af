/*
 * dom0_ruleset_test.c: loads that wait to be confirmed (ruleset.c), with a
 * hypervisor, a clock and a room of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In place of the hypercall. */
#define KIT_CONTROL_H
static long control(unsigned int op, void *arg);

#include "dom0/ruleset.c"

#define ROOM_BYTES	(4u << 20)

static char room[ROOM_BYTES], said[4096];
static size_t kept;
static long load_result;	/* of the hypervisor */
static uint64_t now;

static long control(unsigned int op, void *arg)
{
	return op == SLUICE_NET_LOAD ? load_result : -ENOENT;
}

static size_t pages(size_t len)
{
	return (len + 4095) & ~4095ul;
}

void *room_open(size_t *bytes, bool *all)
{
	*all = true;
	*bytes = ROOM_BYTES - kept;
	return room;
}

void *room_place(size_t len, size_t used)
{
	return room + ROOM_BYTES - kept - pages(len);
}

void room_empty(void)
{
	kept = 0;
}

void *room_keep(size_t len)
{
	kept += pages(len);
	return room + ROOM_BYTES - kept;
}

void room_shrink(void *set)
{
}

void room_close(void)
{
}

size_t room_dom0_mib(void)
{
	return 0;
}

size_t room_more_mib(size_t bytes)
{
	return 0;
}

const struct module *appliance_file(const char *name)
{
	return NULL;
}

void panic(const char *fmt, ...)
{
	fail_msg("%s", fmt);
	abort();
}

uint64_t time_now(void)
{
	return now;
}

void timer_set(struct timer *t, uint64_t at_ns, void (*fn)(void *), void *arg)
{
	*t = (struct timer){ .at_ns = at_ns, .fn = fn, .arg = arg };
}

void timer_cancel(struct timer *t)
{
	t->at_ns = 0;
}

/* Let the time pass; whether the timer went off. */
static bool wait_s(unsigned int s)
{
	now += s * SECONDS;
	if (!unconfirmed.at_ns || now < unconfirmed.at_ns)
		return false;
	unconfirmed.at_ns = 0;
	unconfirmed.fn(unconfirmed.arg);
	return true;
}

static void to_said(void *ctx, const char *text, size_t len)
{
	strncat(said, text, len);
}

static const struct rules_out out = { .write = to_said };

static void load(const char *name, uint32_t confirm_s)
{
	const char text[] = "nic wan address 203.0.113.2/24\n"
			    "allow tcp 80 from any to wan\n";
	const struct ruleset_load l = {
		.name = name, .text = text, .len = strlen(text),
		.confirm_s = confirm_s,
	};

	if (ruleset_load(&l, &out))
		fail_msg("%s", said);
}

/* The first rules have none before them, to which they could go back. */
static void test_first(void **state)
{
	load("first", 5);
	assert_non_null(strstr(said, "first: there are no rules to go back to"));
	assert_false(wait_s(100));
	assert_string_equal(current.name, "first");
	assert_int_equal(ruleset_confirm(&out), -ENOENT);
}

static void test_unconfirmed(void **state)
{
	load("old", 0);
	load("new", 5);
	assert_false(wait_s(4));
	assert_string_equal(current.name, "new");
	load_result = -ENOMEM;
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(wait_s(1));
		assert_string_equal(current.name, "new");
	}
	load_result = 0;
	assert_true(wait_s(1));
	assert_string_equal(current.name, "old");
	assert_false(wait_s(100));
}

/* While going back fails it can still be confirmed, or replaced. */
static void test_confirmed_late(void **state)
{
	load("old", 0);
	load("new", 5);
	load_result = -ENOMEM;
	assert_true(wait_s(5));
	assert_int_equal(ruleset_confirm(&out), 0);
	load_result = 0;
	assert_false(wait_s(100));
	assert_string_equal(current.name, "new");
	load("newer", 5);
	load("newest", 0);
	assert_false(wait_s(100));
	assert_string_equal(current.name, "newest");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_unconfirmed),
		cmocka_unit_test(test_confirmed_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
