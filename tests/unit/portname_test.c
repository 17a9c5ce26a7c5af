/*
 * portname_test.c: whose a port was, when another has its number by now.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* In place of the hypercall. */
#define KIT_CONTROL_H
static long control(unsigned int op, void *arg);

#include "dom0/portname.c"

#define NR 4

static const char *live[NR];	/* the hypervisor's ports, NULL: free */

static long control(unsigned int op, void *arg)
{
	struct sluice_port *p = arg;

	while (p->index < NR && !live[p->index])
		p->index++;
	if (p->index >= NR) {
		p->index = SLUICE_PORT_SELF;
		return 0;
	}
	strcpy(p->device, live[p->index]);
	return 0;
}

static void assert_name(uint16_t dev, uint64_t time_ns, const char *name)
{
	assert_string_equal(portname(NULL, dev, 0, time_ns), name);
}

static void test_holders(void **state)
{
	live[0] = "nic0";
	live[2] = "web.0";
	assert_name(0, 5, "nic0");
	assert_name(2, 5, "web.0");
	assert_name(3, 5, "");
	assert_name(SLUICE_PORT_SELF, 5, "vfr");

	live[3] = "db.0";		/* nobody asked for its name so far */
	portname_learn(100);
	assert_name(3, 100, "db.0");

	live[2] = NULL;
	live[3] = NULL;
	assert_name(2, 150, "web.0");	/* gone, and still to be told of */
	live[2] = "mail.0";
	portname_learn(200);
	assert_name(2, 199, "web.0");
	assert_name(2, 200, "mail.0");
	assert_name(3, 300, "db.0");

	portname_learn(300);		/* another's: nothing changes here */
	assert_name(2, 199, "web.0");
	assert_name(2, 200, "mail.0");

	live[2] = "ftp.0";
	portname_learn(400);
	assert_name(2, 399, "mail.0");
	assert_name(2, 400, "ftp.0");
	assert_name(2, 199, "");	/* better no name than a wrong one */
	assert_name(0, 400, "nic0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
