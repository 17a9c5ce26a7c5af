/*
 * fuzz.c: random hypercalls.  seed= and count= on the command line; the same
 * seed makes the same calls, and "fuzz: at N" tells how far it came.
 *
 * Numbers alone would all be refused at once, so half of the arguments are
 * pointers to memory with likely contents: small numbers, own frames, ports,
 * addresses and each other.  The frames are those of a pool, which the guest can
 * lose without dying of it.
 *
 * attack=fuzz leaves out what would end the guest by its own wish, so that it
 * comes far; attack=wild makes those calls too, seldom enough to come to all of
 * the others before it crashes, sleeps for ever or shuts itself down.
 */
#include <stdint.h>
#include <string.h>

#include <xen/sched.h>

#include "hostile/hostile.h"
#include "kit/console.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/trap.h"
#include "kit/vcpu.h"

#define WORDS		(PAGE_SIZE / 8)
#define POOL		256
#define MULTICALL_MAX	8
#define REPORT_EVERY	100000
#define WILD_ONE_IN	20

static bool wild;
static char *pool;		/* POOL pages */
static uint64_t *memory;	/* one of them, for pointers to go to */

static uint64_t pool_mfn(void)
{
	return va_to_mfn(pool + random_below(POOL) * PAGE_SIZE);
}

static uint64_t likely(void)
{
	switch (random_below(14)) {
	case 0:
		return 0;
	case 1:
		return random_below(16);
	case 2:
		return random_below(5000);
	case 3:
		return DOMID_SELF;
	case 4:
		return random64();
	case 5:
		return ~0ul >> random_below(64);
	case 6:
		return 1ul << random_below(64);
	case 7:
		return pool_mfn();
	case 8:
		return pool_mfn() << PAGE_SHIFT | random_below(0x1000);
	case 9:
		return (uint64_t)pool + random_below(POOL) * PAGE_SIZE;
	case 10:
		return 0xffff800000000000 + (random64() >> 17);
	case 11:
		return random_below(1 << 20) << PAGE_SHIFT | PTE_LEAF_RW;
	default:
		return (uint64_t)&memory[random_below(WORDS)];
	}
}

static void memory_stir(void *arg)
{
	for (unsigned int i = 0; i < 16; i++)
		memory[random_below(WORDS)] = likely();
	/* Many structs have small fields. */
	for (unsigned int i = 0; i < 8; i++)
		((uint32_t *)memory)[random_below(2 * WORDS)] = likely();
}

struct call {
	unsigned long nr, arg[6];
};

static struct call call_make(void)
{
	struct call c = { .nr = random_below(50) };

	if (random_below(100) == 0)
		c.nr = random64();
	for (unsigned int i = 0; i < 6; i++)
		c.arg[i] = likely();
	if (random_below(2))
		c.arg[0] = random_below(24);	/* a command */
	if (random_below(2))
		c.arg[1] = (uint64_t)&memory[random_below(WORDS - 64)];
	return c;
}

/* What would end or hang the attack by its own wish. */
static bool harmless(const struct call *c)
{
	if (wild && !random_below(WILD_ONE_IN))
		return true;
	switch (c->nr) {
	case __HYPERVISOR_iret:
	case __HYPERVISOR_stack_switch:
	case __HYPERVISOR_set_trap_table:
	case __HYPERVISOR_set_callbacks:
	case __HYPERVISOR_callback_op:
	case __HYPERVISOR_set_segment_base:
	case __HYPERVISOR_vcpu_op:
	case __HYPERVISOR_console_io:
		return false;
	case __HYPERVISOR_sched_op:
	case __HYPERVISOR_sched_op_compat:
		return c->arg[0] == SCHEDOP_yield;
	}
	return c->nr != __HYPERVISOR_multicall;	/* made with care below */
}

static void do_call(void *arg)
{
	struct call *c = arg;

	hypercall6(c->nr, c->arg[0], c->arg[1], c->arg[2], c->arg[3],
		   c->arg[4], c->arg[5]);
}

static void do_multicall(void)
{
	static struct multicall_entry m[MULTICALL_MAX];
	unsigned int n = 0;

	while (n < 1 + random_below(MULTICALL_MAX)) {
		struct call c = call_make();

		if (!harmless(&c))
			continue;
		m[n].op = c.nr;
		memcpy(m[n].args, c.arg, sizeof(m[n].args));
		if (++n == MULTICALL_MAX)
			break;
	}
	hypercall2(__HYPERVISOR_multicall, m, n);
}

static void one_call(void)
{
	struct call c = call_make();

	/* The page may have become a table, or been given away. */
	if (trap_try(memory_stir, NULL, NULL) >= 0) {
		memory = (uint64_t *)(pool + random_below(POOL) * PAGE_SIZE);
		page_unprotect(memory);
	}
	if (c.nr == __HYPERVISOR_multicall)
		do_multicall();
	else if (harmless(&c))
		trap_try(do_call, &c, NULL);
}

void attack_fuzz(void)
{
	uint64_t count = option_number("count", 100000);
	char text[40];

	pool = pages_alloc_zeroed(POOL);
	memory = (uint64_t *)pool;
	for (uint64_t i = 0; i < count; i++) {
		if (i % REPORT_EVERY == 0)
			console_emergency(text, snprintf(text, sizeof(text),
							 "fuzz: at %lu\n", i));
		one_call();
	}
	/* The console's port may be closed by now. */
	console_emergency(text, snprintf(text, sizeof(text),
					 "fuzz: all %lu calls made\n", count));
	guest_shutdown(SHUTDOWN_poweroff);
}

void attack_wild(void)
{
	wild = true;
	attack_fuzz();
}
