/* main.c: commands from the console; see netabuse.h. */
#include "netabuse/netabuse.h"

#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>

#include "kit/check.h"
#include "kit/console.h"
#include "kit/event.h"
#include "kit/grant.h"
#include "kit/kit.h"
#include "kit/time.h"
#include "kit/vcpu.h"
#include "kit/xenbus.h"

static const struct command {
	const char *name;
	void	  (*run)(unsigned long n);
	unsigned long n;		/* where none is given */
} commands[] = {
	{ "tx", attack_tx, 0 },
	{ "index", attack_index, 0 },
	{ "rx", attack_rx, 0 },
	{ "store", attack_store, 0 },
	{ "rings", attack_rings, 0 },
	{ "race", attack_race, 1000 },
	{ "rewrite", attack_rewrite, 1000 },
	{ "stall", attack_stall, 3000 },
	{ "leech", attack_leech, 3000 },
	{ "events", attack_events, 2000 },
	{ "garbage", attack_garbage, 2000 },
	{ "cycles", attack_cycles, 100 },
	{ "flood", attack_flood, 2000 },
	{ "ghosts", attack_ghosts, 300 },
	{ "deaf", attack_deaf, 3000 },
	{ "segments", attack_segments, 3000 },
};

static char line[64];
static size_t typed;
static bool entered;

static void input(const char *buf, size_t len)
{
	for (size_t i = 0; i < len && !entered; i++) {
		if (buf[i] == '\r')
			entered = true;
		else if (typed < sizeof(line) - 1)
			line[typed++] = buf[i];
	}
}

static void command_run(void)
{
	char *n = strchr(line, ' ');

	if (n)
		*n++ = 0;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, line))
			continue;
		c->run(n ? strtoul(n, NULL, 10) : c->n);
		check_result();
		printf("over: %s\n", c->name);
		return;
	}
	printf("over: no attack '%s'\n", line);
}

/* ---- the other vcpu ---- */

static void (*other)(void);
static uint32_t rounds;

static void other_run(void *arg)
{
	for (;;) {
		void (*fn)(void) = __atomic_load_n(&other, __ATOMIC_ACQUIRE);

		if (fn)
			fn();
		__atomic_fetch_add(&rounds, 1, __ATOMIC_RELEASE);
	}
}

void other_vcpu(void (*fn)(void))
{
	static bool started;
	uint32_t before;

	if (!started && vcpu_start(1, other_run, NULL))
		panic("no second vcpu");
	started = true;
	__atomic_store_n(&other, fn, __ATOMIC_RELEASE);
	before = __atomic_load_n(&rounds, __ATOMIC_ACQUIRE);
	while (__atomic_load_n(&rounds, __ATOMIC_ACQUIRE) - before < 2)
		;
}

uint64_t random64(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15ul;

	/* xorshift64*, by Marsaglia and Vigna */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dul;
}

static uint32_t address(const char *key)
{
	char text[32] = "", *p = text;
	uint32_t ip = 0;

	option_get(key, text, sizeof(text));
	for (unsigned int i = 0; i < 4; i++) {
		ip = ip << 8 | strtoul(p, &p, 10);
		p += *p == '.';
	}
	return ip;
}

int guest_main(void)
{
	char role[16] = "";

	my_ip = address("ip");
	gateway_ip = (my_ip & ~0xffu) | 1;
	xenbus_init();
	grant_init();
	front_init();
	option_get("role", role, sizeof(role));
	if (!strcmp(role, "echo"))
		echo_run();
	if (!strcmp(role, "burst"))
		burst_run();
	console_on_input(input);
	printf("abuse: ready\n");
	for (;;) {
		if (entered) {
			command_run();
			memset(line, 0, sizeof(line));
			typed = 0;
			entered = false;
		} else {
			event_block();
		}
	}
}
