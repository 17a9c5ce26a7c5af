/*
 * hostile: picks the attack that the command line names.
 *
 *	attack=NAME seed=N count=N
 */
#include <stdint.h>
#include <string.h>

#include <xen/sched.h>

#include "hostile/hostile.h"
#include "kit/check.h"
#include "kit/grant.h"
#include "kit/kit.h"
#include "kit/time.h"
#include "kit/trap.h"
#include "kit/vcpu.h"
#include "kit/xenbus.h"

static const struct {
	const char *name;
	void	  (*run)(void);
} attacks[] = {
	{ "ports", attack_ports },
	{ "msrs", attack_msrs },
	{ "selectors", attack_selectors },
	{ "descriptors", attack_descriptors },
	{ "ldt", attack_ldt },
	{ "boundary", attack_boundary },
	{ "mov_ss", attack_mov_ss },
	{ "nested_fault", attack_nested_fault },
	{ "bad_stack", attack_bad_stack },
	{ "hypervisor_stack", attack_hypervisor_stack },
	{ "bad_handler", attack_bad_handler },
	{ "bad_vcpu", attack_bad_vcpu },
	{ "tables", attack_tables },
	{ "table_race", attack_table_race },
	{ "toggle", attack_toggle },
	{ "grant_race", attack_grant_race },
	{ "grant_hold", attack_grant_hold },
	{ "event_race", attack_event_race },
	{ "store", attack_store },
	{ "console", attack_console },
	{ "exit_race", attack_exit_race },
	{ "areas", attack_areas },
	{ "moves", attack_moves },
	{ "fuzz", attack_fuzz },
	{ "wild", attack_wild },
};

static uint64_t random_state;

uint64_t random64(void)
{
	/* xorshift64*, by Marsaglia and Vigna */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dul;
}

uint64_t random_below(uint64_t n)
{
	return random64() % n;
}

static volatile bool race_over;

static void race_other(void *fn)
{
	while (!race_over)
		trap_try((void (*)(void *))fn, NULL, NULL);
}

void race(void (*a)(void *), void (*b)(void *), unsigned int ms)
{
	uint64_t until = time_now() + ms * MILLISECONDS;
	bool alone;

	race_over = false;
	alone = vcpu_start(1, race_other, b) != 0;
	while (time_now() < until) {
		trap_try(a, NULL, NULL);
		if (alone)
			trap_try(b, NULL, NULL);
	}
	race_over = true;
	/* The other one must not be in the middle when we look. */
	until = time_now() + 100 * MILLISECONDS;
	while (time_now() < until)
		;
}

int guest_main(void)
{
	char name[32] = "";

	random_state = option_number("seed", 1) * 0x9e3779b97f4a7c15ul | 1;
	xenbus_init();
	grant_init();
	option_get("attack", name, sizeof(name));
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
		if (strcmp(attacks[i].name, name))
			continue;
		printf("attack: %s\n", name);
		attacks[i].run();
		check("still here", 0, 0);
		return check_result();
	}
	printf("result: error: no attack '%s'\n", name);
	return SHUTDOWN_poweroff;
}
