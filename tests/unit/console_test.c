/*
 * console_test.c: dom0's terminal (conmux.c), lines that are seldom said
 * (seldom.c), and the lines of modules (config.c).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dom0/config.h"
#include "dom0/conmux.h"
#include "dom0/seldom.h"

#define SECOND 1000000000ull

static char screen[65536], typed[256], commands[4096];

static void emit(const char *buf, size_t len)
{
	strncat(screen, buf, len);
}

static void to_domain(struct con *c, const char *buf, size_t len)
{
	strncat(typed, buf, len);
}

static void command(char *line)
{
	strcat(commands, line);
	strcat(commands, ";");
}

static struct conmux mux;
static struct con web, db;

static int setup(void **state)
{
	mux = (struct conmux){
		.emit = emit, .to_domain = to_domain, .command = command,
	};
	*screen = *typed = *commands = 0;
	conmux_add(&mux, &web, "web", 0);
	conmux_add(&mux, &db, "db", 0);
	return 0;
}

static void out(struct con *c, const char *text)
{
	conmux_output(&mux, c, text, strlen(text), 0);
}

static void in(const char *keys)
{
	conmux_input(&mux, keys, strlen(keys));
}

static void test_prefix(void **state)
{
	out(&web, "one\r\ntw");
	out(&db, "other\n");
	out(&web, "o\nrest");
	assert_string_equal(screen, "[web] one\n[db] other\n[web] two\n");
	conmux_flush(&mux, CON_PARTIAL_NS - 1);
	assert_null(strstr(screen, "rest"));
	conmux_flush(&mux, CON_PARTIAL_NS);
	assert_non_null(strstr(screen, "[web] rest\n"));
}

static void test_controls_left_out(void **state)
{
	out(&web, "a\033[2Jb\a\177\tc\n");
	assert_string_equal(screen, "[web] a[2Jb\tc\n");
}

static void test_long_line(void **state)
{
	char text[CON_LINE_MAX + 2];

	memset(text, 'x', sizeof(text));
	text[CON_LINE_MAX] = '\n';
	text[CON_LINE_MAX + 1] = 0;
	out(&web, text);
	assert_int_equal(strlen(screen), CON_LINE_MAX + strlen("[web] \n"));
	out(&web, text);
	text[CON_LINE_MAX] = 'x';
	*screen = 0;
	out(&web, text);
	out(&web, "y\n");
	assert_non_null(strstr(screen, "[web] xy\n"));
}

static void test_rate(void **state)
{
	for (int i = 0; i < CON_LINES_BURST + 10; i++)
		out(&web, "spam\n");
	*screen = 0;
	out(&web, "spam\n");
	assert_string_equal(screen, "");
	out(&db, "hello\n");
	assert_string_equal(screen, "[db] hello\n");
	*screen = 0;
	conmux_output(&mux, &web, "later\n", 6, SECOND);
	assert_string_equal(screen,
			    "[web] (11 lines left out)\n[web] later\n");
	*screen = 0;
	for (int i = 0; i < CON_LINES_PER_S + 10; i++)
		conmux_output(&mux, &web, "s\n", 2, SECOND);
	assert_int_equal(strlen(screen),
			 (CON_LINES_PER_S - 1) * strlen("[web] s\n"));
}

static void test_attach(void **state)
{
	out(&web, "before\n");
	conmux_attach(&mux, &web);
	*screen = 0;
	out(&web, "raw \033[1m\r\n# ");
	out(&db, "not shown\n");
	in("ls\r");
	assert_string_equal(screen, "raw \033[1m\r\n# ");
	assert_string_equal(typed, "ls\r");
	*screen = 0;
	in("\x1d");
	assert_string_equal(screen, "\n(left web)\ndom0> ");
	in("list\r");
	assert_string_equal(commands, "list;");
}

static void test_attach_shows_history(void **state)
{
	out(&web, "login: ");
	conmux_attach(&mux, &web);
	assert_non_null(strstr(screen, "login: "));
	assert_int_equal(web.line_len, 0);
}

static void test_command_line(void **state)
{
	in("lisX\b\bst\r\nping all\n\r\n");
	assert_string_equal(commands, "list;ping all;;");
	for (int i = 0; i < 1000; i++)
		in("x");
	in("\r");		/* as much of it as fits */
	assert_int_equal(mux.typed_len, 0);
}

static void test_lines_go_above_the_prompt(void **state)
{
	conmux_prompt(&mux);
	in("li");
	out(&web, "one\ntwo\n");
	assert_string_equal(screen, "dom0> li\r\033[K[web] one\n[web] two\n");
	conmux_flush(&mux, 0);		/* it has just said something */
	conmux_flush(&mux, 0);
	conmux_flush(&mux, 0);
	assert_string_equal(screen, "dom0> li\r\033[K[web] one\n[web] two\n"
			    "dom0> li");
	in("st\r");
	assert_string_equal(commands, "list;");
	conmux_attach(&mux, &web);
	*screen = 0;
	conmux_flush(&mux, 0);
	conmux_flush(&mux, 0);
	assert_string_equal(screen, "");
}

static void test_keys_without_meaning(void **state)
{
	in("\033[A\033[3~\033OPab\033xc\r");
	assert_string_equal(commands, "abc;");
	in("never\003mind\025list\r");
	assert_string_equal(commands, "abc;list;");
	in("\033\003now\r");
	assert_string_equal(commands, "abc;list;now;");
}

static void test_remove(void **state)
{
	out(&web, "last words");
	conmux_attach(&mux, &db);
	conmux_remove(&mux, &db);
	assert_null(mux.attached);
	conmux_remove(&mux, &web);
	assert_non_null(strstr(screen, "[web] last words\n"));
	assert_null(mux.cons);
}

static const struct {
	const char *line;
	const char *err;	/* NULL: it is right */
} lines[] = {
	{ "web", NULL },
	{ "web memory=16 vcpus=2 weight=100 warp=50 paused=1", NULL },
	{ "  web  on_crash=restart on_reboot=destroy on_poweroff=preserve",
	  NULL },
	{ "web time_offset=-3600", NULL },
	{ "web:ramdisk", NULL },
	{ "", "no valid domain name: ''" },
	{ ":ramdisk", "no valid domain name: ':ramdisk'" },
	{ "Web", "no valid domain name: 'Web'" },
	{ "a/b", "no valid domain name: 'a/b'" },
	{ "a123456789012345678901234567890123",
	  "no valid domain name: 'a123456789012345678901234567890123'" },
	{ "web memory=0", "bad value: memory=0" },
	{ "web memory=", "bad value: memory=" },
	{ "web memory=-1", "bad value: memory=-1" },
	{ "web memory=1x", "bad value: memory=1x" },
	{ "web memory=99999999999999999999",
	  "bad value: memory=99999999999999999999" },
	{ "web vcpus=33", "bad value: vcpus=33" },
	{ "web on_crash=maybe", "bad value: on_crash=maybe" },
	{ "web colour=red", "unknown option: colour=red" },
	{ "web word", "unknown option: word" },
	{ "web =", "unknown option: =" },
	{ "web cmdline=\"open", "open quote or too long a word" },
};

static void test_config(void **state)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct domain_config c;
		enum module_kind kind;
		char err[128] = "";
		int rc = config_parse(lines[i].line, &kind, &c, err,
				      sizeof(err));

		print_message("%s\n", lines[i].line);
		assert_int_equal(rc, lines[i].err ? -EINVAL : 0);
		assert_string_equal(err, lines[i].err ? lines[i].err : "");
		if (!rc)
			assert_string_equal(c.name, "web");
	}
}

static void test_config_values(void **state)
{
	struct domain_config c;
	enum module_kind kind;
	char err[128];

	assert_int_equal(config_parse("db memory=256 \"cmdline=root=/dev/xvda1"
				      " x=\\\"1\\\"\" on_crash=restart vcpus=2"
				      " time_offset=-7200",
				      &kind, &c, err, sizeof(err)), 0);
	assert_int_equal(kind, MODULE_KERNEL);
	assert_string_equal(c.name, "db");
	assert_int_equal(c.memory_mib, 256);
	assert_int_equal(c.vcpus, 2);
	assert_int_equal(c.on_crash, POLICY_RESTART);
	assert_int_equal(c.time_offset_s, -7200);
	assert_string_equal(c.cmdline, "root=/dev/xvda1 x=\"1\"");
	assert_int_equal(config_parse("db:ramdisk", &kind, &c, err,
				      sizeof(err)), 0);
	assert_int_equal(kind, MODULE_RAMDISK);
	assert_string_equal(c.name, "db");
	assert_int_equal(c.memory_mib, 16);
	assert_int_equal(c.on_reboot, POLICY_RESTART);
}

/* What is printed goes to the screen. */
int __wrap_printf(const char *fmt, ...);

int __wrap_printf(const char *fmt, ...)
{
	size_t len = strlen(screen);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(screen + len, sizeof(screen) - len, fmt, ap);
	va_end(ap);
	return n;
}

static void test_seldom(void **state)
{
	struct seldom a = { 0 }, b = { 0 };

	seldom_say(&a, 5 * SECOND, "no %d", 1);
	for (unsigned int i = 0; i < 100; i++)
		seldom_say(&a, 6 * SECOND - 1, "no %d", 2);
	seldom_say(&b, 6 * SECOND - 1, "another");
	seldom_say(&a, 6 * SECOND, "no %d", 3);
	seldom_say(&a, 7 * SECOND, "no %d", 4);
	assert_string_equal(screen, "no 1\nanother\n"
			    "no 3 (and 100 times before)\nno 4\n");
}

#define CASE(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_prefix),
		CASE(test_controls_left_out),
		CASE(test_long_line),
		CASE(test_rate),
		CASE(test_attach),
		CASE(test_attach_shows_history),
		CASE(test_command_line),
		CASE(test_lines_go_above_the_prompt),
		CASE(test_keys_without_meaning),
		CASE(test_remove),
		CASE(test_seldom),
		CASE(test_config),
		CASE(test_config_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
