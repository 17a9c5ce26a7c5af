/*
 * user.c: the guest's user mode: system calls, exceptions and events in it, and
 * that the kernel's memory cannot be seen from there.
 */
#include "kit/user.h"

#include <stdint.h>

#include "kit/check.h"
#include "kit/event.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "selftest/selftest.h"

#define PIECE(name) extern const char name[], name##_end[]
PIECE(user_return);
PIECE(user_calls);
PIECE(user_read);
PIECE(user_hypercall);
PIECE(user_int);
PIECE(user_int_13);
PIECE(user_hlt);
PIECE(user_spin);
#define RUN(name, arg) \
	user_run(name, (size_t)(name##_end - name), (uint64_t)(arg))

static unsigned int calls, ticks;

static void count_call(struct cpu_regs *r)
{
	calls++;
	r->rax = 0x55;
}

static void tick(void *arg)
{
	ticks++;
}

static long run_return(void)
{
	return RUN(user_return, 41);
}

static long run_calls(void)
{
	calls = 0;
	RUN(user_calls, 100);
	return calls;
}

static long read_kernel(void)
{
	return RUN(user_read, VIRT_BASE);
}

static long read_hypervisor(void)
{
	return RUN(user_read, 0xffff830000000000);
}

static long read_non_canonical(void)
{
	return RUN(user_read, 0x8000000000000000);
}

/* `syscall` in user mode is the guest's, whatever its number. */
static long hypercall_from_user(void)
{
	return RUN(user_hypercall, 0);
}

static long run_int(void)
{
	return RUN(user_int, 0);
}

static long run_int_13(void)
{
	return RUN(user_int_13, 0);
}

static long run_hlt(void)
{
	return RUN(user_hlt, 0);
}

/* An event interrupts user mode. */
static long event_in_user(void)
{
	static struct timer t;

	ticks = 0;
	timer_set(&t, time_now() + MILLISECONDS, tick, NULL);
	for (unsigned int i = 0; i < 1000 && !ticks; i++)
		RUN(user_spin, 1000000);
	return ticks;
}

static const struct check_row rows[] = {
	{ "user mode and back", run_return, 42 },
	{ "system calls", run_calls, 100 },
	{ "kernel memory from user mode", read_kernel,
	  USER_TRAPPED + TRAP_PAGE_FAULT },
	{ "the hypervisor from user mode", read_hypervisor,
	  USER_TRAPPED + TRAP_PAGE_FAULT },
	{ "non-canonical from user mode", read_non_canonical,
	  USER_TRAPPED + TRAP_GP },
	{ "a hypercall from user mode", hypercall_from_user, 0x55 },
	{ "int 0x80 from user mode", run_int, USER_TRAPPED + 0x80 },
	{ "int 13 from user mode", run_int_13, USER_TRAPPED + TRAP_GP },
	{ "hlt in user mode", run_hlt, USER_TRAPPED + TRAP_GP },
	{ "an event in user mode", event_in_user, 1 },
};

void test_user(void)
{
	user_syscall = count_call;
	if (check("two roots", user_init(), 0))
		CHECK_ROWS(rows);
}
