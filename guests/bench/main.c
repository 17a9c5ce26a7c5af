/*
 * bench: what an operation costs a guest.  Prints "name value unit".
 *
 *	do=cpu		hypercalls, system calls, page tables (the default)
 *	do=ping peer=N	events to and from domain N, which runs do=pong
 *	do=pong peer=N
 *	do=yield	offers the CPU to others, for switches between domains
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>

#include "bench/bench.h"
#include "kit/kit.h"
#include "kit/time.h"
#include "kit/xenbus.h"

static const struct {
	const char *name;
	int	  (*run)(void);
} parts[] = {
	{ "cpu", bench_cpu },
	{ "ping", bench_ping },
	{ "pong", bench_pong },
	{ "yield", bench_yield },
};

void figure(const char *name, uint64_t begun_ns, uint64_t operations)
{
	printf("%s %lu ns\n", name, (time_now() - begun_ns) / operations);
}

int guest_main(void)
{
	char name[16] = "cpu";

	xenbus_init();
	option_get("do", name, sizeof(name));
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!strcmp(parts[i].name, name))
			return parts[i].run();
	printf("bench: no part '%s'\n", name);
	return SHUTDOWN_crash;
}
