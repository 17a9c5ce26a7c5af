/*
 * vcpu.c: per-vcpu data, and bringing up further vcpus.
 */
#include "kit/vcpu.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/vcpu.h>

#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/trap.h"

#define STACK_PAGES	4
#define GUEST_CS	FLAT_KERNEL_CS
#define GUEST_SS	FLAT_KERNEL_SS

static struct vcpu vcpus[VCPUS_MAX];

void vcpu_init(unsigned int id, void *stack_top)
{
	struct vcpu *v = &vcpus[id];

	v->self = v;
	v->id = id;
	v->stack_top = stack_top;
	v->info = &shared_info->vcpu_info[id];
	hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_GS_KERNEL, v);
}

static _Noreturn void vcpu_entry(void)
{
	struct vcpu *v = this_vcpu();

	v->start(v->arg);
	for (;;)
		hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_down, v->id, NULL);
}

/* The stack of a vcpu is made once and serves it each time it is started. */
static int vcpu_stack(struct vcpu *v)
{
	char *stack;

	if (v->stack_top)
		return 0;
	stack = pages_alloc(STACK_PAGES);
	if (!stack)
		return -ENOMEM;
	v->stack_top = stack + STACK_PAGES * PAGE_SIZE;
	return 0;
}

static void context_fill(struct vcpu_guest_context *c, struct vcpu *v)
{
	c->flags = VGCF_in_kernel;
	trap_table_indexed(c->trap_ctxt);
	c->user_regs.rip = (uint64_t)vcpu_entry;
	c->user_regs.rsp = (uint64_t)v->stack_top - 8;
	c->user_regs.cs = GUEST_CS;
	c->user_regs.ss = GUEST_SS;
	c->kernel_ss = GUEST_SS;
	c->kernel_sp = (uint64_t)v->stack_top;
	c->ctrlreg[3] = va_to_mfn(pt_root()) << PAGE_SHIFT;
	c->event_callback_eip = (uint64_t)trap_event_entry;
	c->failsafe_callback_eip = (uint64_t)trap_failsafe_entry;
	c->syscall_callback_eip = (uint64_t)trap_syscall_entry;
	c->gs_base_kernel = (uint64_t)v;
}

int vcpu_start(unsigned int id, void (*fn)(void *arg), void *arg)
{
	struct vcpu *v = &vcpus[id];
	struct vcpu_guest_context *c;
	int rc;

	if (id == 0 || id >= VCPUS_MAX)
		return -EINVAL;
	rc = vcpu_stack(v);
	c = calloc(1, sizeof(*c));
	if (rc || !c)
		return -ENOMEM;
	v->self = v;
	v->id = id;
	v->info = &shared_info->vcpu_info[id];
	v->start = fn;
	v->arg = arg;
	context_fill(c, v);
	rc = hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_initialise, id, c);
	free(c);
	if (rc == 0 || rc == -EEXIST)
		rc = hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_up, id, NULL);
	return rc;
}
