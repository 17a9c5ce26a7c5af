/*
 * vcpus.c: a second vcpu, run states, times.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <xen/sched.h>
#include <xen/vcpu.h>

#include "kit/check.h"
#include "kit/control.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "kit/vcpu.h"
#include "selftest/selftest.h"

#define START_WITHIN (5 * SECONDS)

static volatile unsigned int ran_on;

static long vcpu_op(unsigned int cmd, unsigned int vcpu, void *arg)
{
	return hypercall3(__HYPERVISOR_vcpu_op, cmd, vcpu, arg);
}

static void second(void *arg)
{
	ran_on = this_vcpu()->id + (unsigned long)arg;
}

static void yield(void)
{
	hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
}

static bool second_exists(void)
{
	return vcpu_op(VCPUOP_is_up, 1, NULL) >= 0;
}

/* Start vcpu 1, wait for it to come up and go down again; twice. */
static long start_twice(void)
{
	uint64_t until = time_now() + START_WITHIN;

	if (!second_exists())
		return 22;
	for (unsigned long i = 10; i <= 20; i += 10) {
		long rc = vcpu_start(1, second, (void *)i);

		if (rc)
			return rc;
		while (ran_on != 1 + i && time_now() < until)
			yield();
		while (vcpu_op(VCPUOP_is_up, 1, NULL) && time_now() < until)
			yield();
		if (i == 10)
			break;
	}
	return ran_on + 11;
}

static long start_self(void)
{
	return vcpu_op(VCPUOP_up, 0, NULL);
}

static long start_none(void)
{
	return vcpu_op(VCPUOP_up, 31, NULL);
}

static long initialise_bad(uint64_t cr3, uint64_t rip)
{
	static struct vcpu_guest_context c;

	if (!second_exists())
		return -1;
	memset(&c, 0, sizeof(c));
	c.flags = VGCF_in_kernel;
	c.user_regs.rip = rip;
	c.ctrlreg[3] = cr3;
	c.user_regs.cs = FLAT_KERNEL_CS;
	c.user_regs.ss = FLAT_KERNEL_SS;
	return vcpu_op(VCPUOP_initialise, 1, &c);
}

static long initialise_no_root(void)
{
	return initialise_bad(0xfffffffffful << PAGE_SHIFT, VIRT_BASE);
}

static long initialise_data_root(void)
{
	void *page = pages_alloc_zeroed(1);
	long rc = initialise_bad(va_to_mfn(page) << PAGE_SHIFT, VIRT_BASE);

	pages_free(page, 1);
	return rc;
}

static long runstate(void)
{
	static struct vcpu_runstate_info info;
	struct vcpu_register_runstate_memory_area area = { 0 };
	long rc;

	area.addr.v = &info;
	rc = vcpu_op(VCPUOP_register_runstate_memory_area, 0, &area);
	if (rc)
		return rc;
	return info.state == RUNSTATE_running && info.state_entry_time > 0;
}

static long runstate_get(void)
{
	struct vcpu_runstate_info info;

	return vcpu_op(VCPUOP_get_runstate_info, 0, &info) ?:
	       info.state == RUNSTATE_running && info.time[0] > 0;
}

static long info_twice(void)
{
	static struct vcpu_info place __attribute__((aligned(64)));
	struct vcpu_register_vcpu_info r = {
		.mfn = va_to_mfn(&place),
		.offset = (unsigned long)&place & (PAGE_SIZE - 1),
	};

	/* Vcpu 1's, so that ours stays where the kit has it. */
	if (!second_exists())
		return -EINVAL;
	if (vcpu_op(VCPUOP_register_vcpu_info, 1, &r))
		return -1;
	if (!place.evtchn_upcall_pending)
		return -2;
	return vcpu_op(VCPUOP_register_vcpu_info, 1, &r);
}

static long info_across(void)
{
	struct vcpu_register_vcpu_info r = {
		.mfn = va_to_mfn((void *)VIRT_BASE), .offset = 4090,
	};

	return vcpu_op(VCPUOP_register_vcpu_info, 0, &r);
}

static long info_in_table(void)
{
	struct vcpu_register_vcpu_info r = {
		.mfn = va_to_mfn(pt_root()), .offset = 0,
	};

	return vcpu_op(VCPUOP_register_vcpu_info, 0, &r);
}

static long singleshot_past(void)
{
	struct vcpu_set_singleshot_timer t = { .timeout_abs_ns = 1 };

	return vcpu_op(VCPUOP_set_singleshot_timer, 0, &t);
}

static long singleshot_past_future_only(void)
{
	struct vcpu_set_singleshot_timer t = {
		.timeout_abs_ns = 1, .flags = VCPU_SSHOTTMR_future,
	};

	return vcpu_op(VCPUOP_set_singleshot_timer, 0, &t);
}

static long periodic_too_fast(void)
{
	struct vcpu_set_periodic_timer t = { .period_ns = 1 };

	return vcpu_op(VCPUOP_set_periodic_timer, 0, &t);
}

static long time_advances(void)
{
	uint64_t last = time_now();

	for (unsigned int i = 0; i < 100000; i++) {
		uint64_t now = time_now();

		if (now < last)
			return 0;
		last = now;
	}
	return 1;
}

static long time_wall(void)
{
	return time_wall_s() > 1600000000;
}

static long virtual_time(void)
{
	struct sluice_virtual_time t = { .alarm_ns = ~0ull };
	uint64_t before;
	long rc = control(SLUICE_CTL_VIRTUAL_TIME, &t);

	before = t.now_ns;
	for (volatile unsigned int i = 0; i < 100000; i++)
		;
	rc = rc ?: control(SLUICE_CTL_VIRTUAL_TIME, &t);
	return rc ?: t.now_ns > before;
}

static long shutdown_reason(void)
{
	struct sched_shutdown s = { .reason = 99 };

	if (start_info->flags & SIF_INITDOMAIN)
		return -EINVAL;		/* stock Xen ends there */
	return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
}

static const struct check_row rows[] = {
	{ "a second vcpu", start_twice, 22 },
	{ "start a vcpu that is up", start_self, NOT_NEGATIVE },
	{ "start vcpu 31", start_none, ANY_ERROR },
	{ "a root that is no frame", initialise_no_root, ANY_ERROR },
	{ "a root that is data", initialise_data_root, ANY_ERROR },
	{ "run state area", runstate, 1 },
	{ "run state", runstate_get, 1 },
	{ "vcpu_info moved, not twice", info_twice, -EINVAL },
	{ "vcpu_info across pages", info_across, ANY_ERROR },
	{ "vcpu_info in a page table", info_in_table, ANY_ERROR },
	{ "single shot in the past", singleshot_past, 0 },
	{ "single shot, future only", singleshot_past_future_only, ANYTHING },
	{ "a tick each nanosecond", periodic_too_fast, -EINVAL },
	{ "time goes on", time_advances, 1 },
	{ "wall clock", time_wall, 1 },
	{ "virtual time", virtual_time, 1 },
	{ "shut down for reason 99", shutdown_reason, -EINVAL },
};

void test_vcpus(void)
{
	CHECK_ROWS(rows);
}
