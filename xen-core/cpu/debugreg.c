/*
 * debugreg.c: debug registers of a guest.  An address in the hypervisor's range
 * or general detection would let it watch us: refused.
 */
#include "cpu.h"
#include "cpu_private.h"
#include "domain.h"
#include "guest_access.h"

#define DR6_DEFAULT	0xffff0ff0
#define DR7_DEFAULT	0x400
#define DR7_ENABLES	0xff
#define DR7_GD		(1u << 13)
#define DR7_ALWAYS_0	0xd800	/* bits 11, 12, 14, 15 */

static void dr_write(unsigned reg, uint64_t v)
{
	switch (reg) {
	case 0:
		asm volatile("mov %0, %%dr0" : : "r"(v));
		break;
	case 1:
		asm volatile("mov %0, %%dr1" : : "r"(v));
		break;
	case 2:
		asm volatile("mov %0, %%dr2" : : "r"(v));
		break;
	case 3:
		asm volatile("mov %0, %%dr3" : : "r"(v));
		break;
	case 7:
		asm volatile("mov %0, %%dr7" : : "r"(v));
		break;
	}
}

/* CPUs run with DR7 off but where a guest has a breakpoint on. */
void debugreg_load(struct vcpu *v)
{
	if (!(v->dr[7] & DR7_ENABLES))
		return;
	for (unsigned i = 0; i < 4; i++)
		dr_write(i, v->dr[i]);
	dr_write(7, v->dr[7]);
}

void debugreg_save(struct vcpu *v)
{
	if (v->dr[7] & DR7_ENABLES)
		dr_write(7, DR7_DEFAULT);
}

static bool dr7_ok(uint64_t v)
{
	if (v >> 32 || v & DR7_GD)
		return false;
	for (unsigned i = 0; i < 4; i++) /* I/O breakpoints need CR4.DE */
		if ((v >> (16 + 4 * i) & 3) == 2)
			return false;
	return true;
}

int vcpu_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value)
{
	switch (reg) {
	case 0:
	case 1:
	case 2:
	case 3:
		if (!guest_range_ok(value, 8))
			return -EPERM;
		v->dr[reg] = value;
		break;
	case 4:
	case 6:
		v->dr[6] = DR6_DEFAULT | (value & 0xe00f);
		break;
	case 5:
	case 7:
		if (!dr7_ok(value))
			return -EPERM;
		v->dr[7] = (value | DR7_DEFAULT) & ~(uint64_t)DR7_ALWAYS_0;
		break;
	default:
		return -EINVAL;
	}
	return 0;
}

long do_set_debugreg(unsigned reg, uint64_t value)
{
	struct vcpu *v = current;
	int rc;

	debugreg_save(v);
	rc = vcpu_set_debugreg(v, reg, value);
	debugreg_load(v);
	return rc;
}

long do_get_debugreg(unsigned reg)
{
	const struct vcpu *v = current;

	if (reg > 7)
		return -EINVAL;
	return (long)v->dr[reg == 4 ? 6 : reg == 5 ? 7 : reg];
}
