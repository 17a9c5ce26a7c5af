/*
 * callbacks.c: where a guest wants its exceptions, events and system calls.
 */
#include "types.h" /* first: Xen's headers use its integers */

#include <xen/callback.h>
#include <xen/nmi.h>

#include "cpu.h"

#include "cpu_private.h"
#include "domain.h"
#include "guest_access.h"
#include "heap.h"
#include "hypercall.h"
#include "lib.h"

#define TRAP_VECTORS	256
#define TRAPS_SMALL	32	/* most kernels start with the exceptions alone */

/* Room for vector in v's table.  The small table keeps idle domains small. */
static int traps_reserve(struct vcpu *v, unsigned vector)
{
	unsigned nr = vector < TRAPS_SMALL ? TRAPS_SMALL : TRAP_VECTORS;
	struct guest_trap *t;

	if (vector < v->nr_traps)
		return 0;
	t = heap_alloc_for(v->d, nr * sizeof(*t));
	if (!t)
		return -ENOMEM;
	if (v->traps)
		memcpy(t, v->traps, v->nr_traps * sizeof(*t));
	heap_free_for(v->d, v->traps);
	v->traps = t;
	v->nr_traps = nr;
	return 0;
}

int vcpu_set_trap(struct vcpu *v, const struct trap_info *t)
{
	int rc;

	if (!canonical(t->address))
		return -EINVAL;
	rc = traps_reserve(v, t->vector);
	if (rc)
		return rc;
	v->traps[t->vector] = (struct guest_trap){
		.address = t->address,
		.cs = t->cs,
		.flags = t->flags,
	};
	return 0;
}

/* A list that ends with address 0; NULL clears the table. */
long do_set_trap_table(uint64_t traps)
{
	struct vcpu *v = current;
	struct trap_info t;
	int rc;

	if (!traps) {
		if (v->traps)
			memset(v->traps, 0, v->nr_traps * sizeof(*v->traps));
		return 0;
	}
	/* At most every vector once; more is a guest that never ends its list. */
	for (unsigned i = 0; i < TRAP_VECTORS; i++) {
		if (copy_from_guest(&t, traps + i * sizeof(t), sizeof(t)))
			return -EFAULT;
		if (!t.address)
			return 0;
		rc = vcpu_set_trap(v, &t);
		if (rc)
			return rc;
	}
	return 0;
}

static struct guest_callback *callback_of(struct vcpu *v, unsigned type)
{
	switch (type) {
	case CALLBACKTYPE_event:
		return &v->event_cb;
	case CALLBACKTYPE_failsafe:
		return &v->failsafe_cb;
	case CALLBACKTYPE_syscall:
		return &v->syscall_cb;
	case CALLBACKTYPE_syscall32:
		return cpu_features.syscall32 ? &v->syscall32_cb : NULL;
	case CALLBACKTYPE_sysenter:
		return cpu_features.sysenter ? &v->sysenter_cb : NULL;
	case CALLBACKTYPE_nmi:
		return &v->nmi_cb;
	default:
		return NULL;
	}
}

static long callback_register(uint64_t arg)
{
	struct callback_register r;
	struct guest_callback *cb;

	if (copy_from_guest(&r, arg, sizeof(r)))
		return -EFAULT;
	cb = callback_of(current, r.type);
	if (!cb)
		return -ENOSYS;
	if (!canonical(r.address))
		return -EINVAL;
	cb->address = r.address;
	cb->mask_events = r.flags & CALLBACKF_mask_events;
	return 0;
}

static long callback_unregister(uint64_t arg)
{
	struct callback_unregister r;
	struct guest_callback *cb;

	if (copy_from_guest(&r, arg, sizeof(r)))
		return -EFAULT;
	switch (r.type) { /* these a kernel cannot do without */
	case CALLBACKTYPE_event:
	case CALLBACKTYPE_failsafe:
	case CALLBACKTYPE_syscall:
	case CALLBACKTYPE_syscall32:
	case CALLBACKTYPE_sysenter:
		return -EINVAL;
	}
	cb = callback_of(current, r.type);
	if (!cb)
		return -EINVAL;
	cb->address = 0;
	return 0;
}

long do_callback_op(unsigned cmd, uint64_t arg)
{
	switch (cmd) {
	case CALLBACKOP_register:
		return callback_register(arg);
	case CALLBACKOP_unregister:
		return callback_unregister(arg);
	default:
		return -ENOSYS;
	}
}

long do_set_callbacks(uint64_t event, uint64_t failsafe, uint64_t syscall)
{
	struct vcpu *v = current;

	if (!canonical(event) || !canonical(failsafe) || !canonical(syscall))
		return -EINVAL;
	v->event_cb = (struct guest_callback){ .address = event };
	v->failsafe_cb = (struct guest_callback){ .address = failsafe };
	v->syscall_cb = (struct guest_callback){ .address = syscall };
	return 0;
}

long do_nmi_op(unsigned cmd, uint64_t arg)
{
	struct vcpu *v = current;
	struct xennmi_callback cb;

	switch (cmd) {
	case XENNMI_register_callback:
		if (copy_from_guest(&cb, arg, sizeof(cb)))
			return -EFAULT;
		if (v->id != 0 || !canonical(cb.handler_address))
			return -EINVAL;
		v->nmi_cb.address = cb.handler_address;
		return 0;
	case XENNMI_unregister_callback:
		v->nmi_cb.address = 0;
		return 0;
	default:
		return -ENOSYS;
	}
}

long do_stack_switch(uint64_t ss, uint64_t sp)
{
	struct vcpu *v = current;

	v->kernel_ss = (uint16_t)ss | 3;
	v->kernel_sp = sp;
	return 0;
}

long do_fpu_taskswitch(unsigned set)
{
	struct vcpu *v = current;
	uint64_t cr0;

	v->ts = set;
	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	cr0 = set ? cr0 | 8 : cr0 & ~8ull;
	asm volatile("mov %0, %%cr0" : : "r"(cr0));
	return 0;
}

/*
 * SYSCALL in compatibility mode and SYSENTER: the guest kernel's callback, or
 * what the instruction does where there is none.
 */
void do_syscall32(struct cpu_user_regs *regs)
{
	struct vcpu *v = current;

	if (!v->kernel_mode && v->syscall32_cb.address) {
		bounce_to(regs, v->syscall32_cb.address,
			  v->syscall32_cb.mask_events);
		return;
	}
	regs->rip -= 2;
	inject_exception(regs, 6, 0);
}

void do_sysenter(struct cpu_user_regs *regs)
{
	struct vcpu *v = current;

	if (!v->kernel_mode && v->sysenter_cb.address)
		bounce_to(regs, v->sysenter_cb.address,
			  v->sysenter_cb.mask_events);
	else
		inject_exception(regs, 13, 0);
}
