/*
 * areas.c: a run state and a time area at an address where another domain has
 * memory, too.
 *
 * watch=1: this one is the other.  It has nothing to do with the areas, and its
 * memory there stays as it is, whoever takes turns with it on the CPU.
 */
#include <stdint.h>
#include <string.h>

#include <xen/sched.h>
#include <xen/vcpu.h>

#include "hostile/hostile.h"
#include "kit/check.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/time.h"

#define PATTERN		0x5a
#define LASTS_NS	(2 * SECONDS)

/* In one image, so at one address. */
static struct {
	struct vcpu_runstate_info runstate;
	struct vcpu_time_info time;
} areas;

static unsigned int changed(void)
{
	const volatile unsigned char *p = (void *)&areas;
	unsigned int n = 0;

	for (size_t i = 0; i < sizeof(areas); i++)
		n += p[i] != PATTERN;
	return n;
}

static void turns_take(void)
{
	uint64_t until = time_now() + LASTS_NS;

	while (time_now() < until)
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
}

static void watch(void)
{
	memset(&areas, PATTERN, sizeof(areas));
	turns_take();
	check("bytes of its own that others wrote", changed(), 0);
}

void attack_areas(void)
{
	struct vcpu_register_runstate_memory_area r = { 0 };
	struct vcpu_register_time_memory_area t = { 0 };

	if (option_number("watch", 0)) {
		watch();
		return;
	}
	r.addr.v = &areas.runstate;
	t.addr.v = &areas.time;
	check("a run state area", hypercall3(__HYPERVISOR_vcpu_op,
		VCPUOP_register_runstate_memory_area, 0, &r), 0);
	check("a time area", hypercall3(__HYPERVISOR_vcpu_op,
		VCPUOP_register_vcpu_time_memory_area, 0, &t), 0);
	turns_take();
	check("the run state of one that runs", areas.runstate.state,
	      RUNSTATE_running);
	check("a time", areas.time.system_time != 0, 1);
}
