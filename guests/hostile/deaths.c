/*
 * deaths.c: traps that cannot be delivered.  Each must end this domain alone.
 */
#include <stdint.h>

#include <xen/vcpu.h>

#include "hostile/hostile.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/trap.h"
#include "kit/vcpu.h"

#define UNMAPPED	0x7fff00000000ul
#define HYPERVISOR	0xffff82d080300000ul

static void handler_set(unsigned int vector, uint64_t address)
{
	struct trap_info table[2] = {
		{ .vector = vector, .cs = FLAT_KERNEL_CS, .address = address },
	};

	hypercall1(__HYPERVISOR_set_trap_table, table);
}

/* The page-fault handler is where no page is. */
void attack_nested_fault(void)
{
	handler_set(TRAP_PAGE_FAULT, UNMAPPED);
	*(volatile char *)UNMAPPED;
}

void attack_bad_stack(void)
{
	asm volatile("mov %0, %%rsp; int3" : : "r"(UNMAPPED));
}

/* A frame bounced onto the hypervisor's own data would be a catastrophe. */
void attack_hypervisor_stack(void)
{
	asm volatile("mov %0, %%rsp; int3" : : "r"(HYPERVISOR));
}

void attack_bad_handler(void)
{
	handler_set(TRAP_INVALID_OP, 0x8000000000000000);
	handler_set(TRAP_GP, 0x8000000000000000);
	asm volatile("ud2");
	handler_set(TRAP_INVALID_OP, HYPERVISOR);
	handler_set(TRAP_PAGE_FAULT, HYPERVISOR);
	asm volatile("ud2");
}

/* Contexts of random words; what is accepted may run and die, if it can. */
void attack_bad_vcpu(void)
{
	static struct vcpu_guest_context c;
	uint64_t *words = (uint64_t *)&c;

	for (unsigned int i = 0; i < 2000; i++) {
		for (unsigned int w = 0; w < sizeof(c) / 8; w++)
			words[w] = random64() >> random_below(64);
		if (i % 2)
			c.ctrlreg[3] = random_below(1 << 20) << PAGE_SHIFT;
		if (i % 3 == 0)
			c.gdt_ents = 0;
		c.flags = i % 5 ? VGCF_in_kernel : random64();
		hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, &c);
		hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_initialise,
			   random64(), &c);
	}
}
