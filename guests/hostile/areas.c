/*
 * areas.c: a run state and a time area at an address where another domain has
 * memory, too.
 *
 * Who is put off the CPU in user mode finds the areas written at its next system
 * call (user=1: with another that wants the same CPU).
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
#include "kit/mm.h"
#include "kit/time.h"
#include "kit/user.h"

#define PATTERN		0x5a
#define SPINS		200000	/* in user mode, until a system call */
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

extern const char user_spin[], user_spin_end[];

/* The last entry into RUNSTATE_running, as the hypervisor says when asked. */
static uint64_t running_since(void)
{
	struct vcpu_runstate_info info;

	hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, &info);
	return info.state_entry_time;
}

static void user_turns_take(void)
{
	uint64_t until = time_now() + LASTS_NS, last = 0, seen, asked;
	unsigned int turns = 0, old = 0;

	check("a root for user mode", user_init(), 0);
	while (time_now() < until) {
		user_run(user_spin, (size_t)(user_spin_end - user_spin), SPINS);
		seen = *(volatile uint64_t *)&areas.runstate.state_entry_time;
		asked = running_since();
		turns += seen != last;
		/* Not where another turn began between the two looks. */
		old += seen != asked &&
		       seen == *(volatile uint64_t *)&areas.runstate
				       .state_entry_time;
		last = seen;
	}
	check("turns that began in user mode", turns > 1, 1);
	check("system calls that found the turn before", old, 0);
}

static void watch(void)
{
	memset(&areas, PATTERN, sizeof(areas));
	turns_take();
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
	if (option_number("user", 0))
		user_turns_take();
}
