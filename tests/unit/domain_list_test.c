/*
 * domain_list_test.c: the ids of domains, and how they are found by them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../xen-core/domain/domain_private.h"

#define LIVING	5

/* ---- what list.c calls ---- */

void domain_hold(struct domain *d)
{
	d->refs++;
}

/* Nobody runs, and nobody asks for DOMID_SELF. */
struct cpu_info *cpu_info(void)
{
	return NULL;
}

/* ---- tests ---- */

static struct domain *enter(const char *name)
{
	struct domain *d = calloc(1, sizeof(*d));

	snprintf(d->name, sizeof(d->name), "%s", name);
	d->refs = 1;
	d->created = true;
	assert_int_equal(domain_list_enter(d), 0);
	return d;
}

static void leave(struct domain *d)
{
	domain_list_leave(d);
	free(d);
}

/* domain_find() goes through all of them, each once, by id. */
static unsigned in_order(void)
{
	unsigned n = 0;
	uint32_t id = 0;
	struct domain *d;

	while (id <= MAX_DOMID && (d = domain_find((uint16_t)id))) {
		d->refs--;
		assert_true(d->domid >= id);
		assert_ptr_equal(domain_of(d->domid), d);
		id = d->domid + 1u;
		n++;
	}
	assert_int_equal(n, domain_count());
	return n;
}

/* Domains come and go for longer than there are ids.  Some of them stay, and
 * the ids of those are left out. */
static void ids_go_round(void **state)
{
	struct domain *zero = enter("dom0"), *stays[LIVING];
	uint32_t last = 0, rounds = 0;

	assert_int_equal(zero->domid, 0);
	for (unsigned i = 0; i < LIVING; i++) {
		char name[8];

		snprintf(name, sizeof(name), "d%u", i);
		stays[i] = enter(name);
		assert_int_equal(stays[i]->domid, i + 1);
	}
	for (uint32_t i = 0; i < 3 * MAX_DOMID; i++) {
		struct domain *d = enter("short");

		assert_in_range(d->domid, LIVING + 1, MAX_DOMID);
		rounds += d->domid < last;
		last = d->domid;
		assert_ptr_equal(domain_of(d->domid), d);
		if (i % 1000 == 0)
			assert_int_equal(in_order(), LIVING + 2);
		leave(d);
		assert_null(domain_of((uint16_t)last));
	}
	assert_in_range(rounds, 2, 3);
	for (unsigned i = 0; i < LIVING; i++)
		leave(stays[i]);
	leave(zero);
}

static void names_are_one_domains(void **state)
{
	struct domain *zero = enter("dom0"), *a = enter("a"), b = { 0 };

	strcpy(b.name, "a");
	assert_int_equal(domain_list_enter(&b), -EEXIST);
	a->dying = true;
	assert_int_equal(domain_list_enter(&b), 0);
	assert_int_not_equal(a->domid, b.domid);
	domain_list_leave(&b);
	leave(a);
	leave(zero);
}

static void as_many_as_there_may_be(void **state)
{
	static struct domain *all[MAX_DOMAINS];
	struct domain more = { .name = "more" };
	char name[16];

	for (unsigned i = 0; i < MAX_DOMAINS; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		all[i] = enter(name);
	}
	assert_int_equal(domain_list_enter(&more), -ENOSPC);
	assert_int_equal(in_order(), MAX_DOMAINS);
	leave(all[77]);
	all[77] = enter("again");
	for (unsigned i = 0; i < MAX_DOMAINS; i++)
		leave(all[i]);
	assert_int_equal(domain_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_go_round),
		cmocka_unit_test(names_are_one_domains),
		cmocka_unit_test(as_many_as_there_may_be),
	};

	return cmocka_run_group_tests_name("domain_list", tests, NULL, NULL);
}
