/*
 * fuzz.c: random hypercalls.  seed= and count= on the command line; the same
 * seed makes the same calls, and "fuzz: at N" tells how far it came.
 *
 * Numbers alone would all be refused at once, so half of the arguments are
 * pointers to memory with likely contents: small numbers, own frames, ports,
 * addresses and each other.
 */
#include <stdint.h>
#include <string.h>

#include <xen/sched.h>

#include "hostile/hostile.h"
#include "kit/check.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/trap.h"
#include "kit/vcpu.h"

#define WORDS	(PAGE_SIZE / 8)

static uint64_t *memory;	/* one page, for pointers to go to */

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
		return pfn_to_mfn(random_below(start_info->nr_pages));
	case 8:
		return pfn_to_mfn(random_below(start_info->nr_pages))
			       << PAGE_SHIFT | random_below(0x1000);
	case 9:
		return (uint64_t)pfn_to_va(
			random_below(start_info->nr_pages));
	case 10:
		return 0xffff800000000000 + (random64() >> 17);
	case 11:
		return random_below(1 << 20) << PAGE_SHIFT | PTE_LEAF_RW;
	default:
		return (uint64_t)&memory[random_below(WORDS)];
	}
}

static void memory_stir(void)
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
	if (c->nr == __HYPERVISOR_iret || c->nr == __HYPERVISOR_stack_switch)
		return false;
	if (c->nr == __HYPERVISOR_set_trap_table ||
	    c->nr == __HYPERVISOR_set_callbacks ||
	    c->nr == __HYPERVISOR_callback_op ||
	    c->nr == __HYPERVISOR_set_segment_base ||
	    c->nr == __HYPERVISOR_multicall)
		return false;
	if (c->nr == __HYPERVISOR_sched_op || c->nr == __HYPERVISOR_vcpu_op)
		return c->arg[0] == SCHEDOP_yield && c->nr == 29;
	return true;
}

static void do_call(void *arg)
{
	struct call *c = arg;

	hypercall6(c->nr, c->arg[0], c->arg[1], c->arg[2], c->arg[3],
		   c->arg[4], c->arg[5]);
}

void attack_fuzz(void)
{
	uint64_t count = option_number("count", 100000);
	uint64_t wild = option_number("wild", 0);

	memory = pages_alloc_zeroed(1);
	for (uint64_t i = 0; i < count; i++) {
		struct call c = call_make();

		if (i % 100000 == 0)
			printf("fuzz: at %lu\n", i);
		memory_stir();
		if (wild || harmless(&c))
			trap_try(do_call, &c, NULL);
	}
	printf("fuzz: all %lu calls made\n", count);
}
