/*
 * multicall.c: several hypercalls in one, strictly in order; an error in one
 * does not stop the rest.  Also the continuation of a preempted hypercall,
 * because it differs only here.
 */
#include <stdarg.h>

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/xen.h>

#include "domain.h"
#include "guest_access.h"
#include "hypercall.h"
#include "hypercalls.h"
#include "percpu.h"
#include "table.h"

#define SYSCALL_LEN	2 /* bytes of the instruction */

struct multicall_entry *multicall_now[MAX_CPUS];
static bool multicall_again[MAX_CPUS]; /* its handler wants to be continued */

long hypercall_continue(unsigned nr, unsigned n, ...)
{
	struct cpu_user_regs *r = guest_regs();
	struct multicall_entry *m = multicall_now[this_cpu_id()];
	uint64_t *const regs[6] = { &r->rdi, &r->rsi, &r->rdx,
				    &r->r10, &r->r8,  &r->r9 };
	va_list ap;

	va_start(ap, n);
	for (unsigned i = 0; i < n; i++) {
		uint64_t arg = va_arg(ap, uint64_t);

		if (m)
			m->args[i] = arg;
		else
			*regs[i] = arg;
	}
	va_end(ap);
	if (m) {
		multicall_again[this_cpu_id()] = true;
		return nr;
	}
	r->rip -= SYSCALL_LEN;
	return nr; /* RAX: the number, for the instruction to be made again */
}

/* 0, -EFAULT, or -ERESTART: the entry stands changed in the guest's list. */
static int one_call(uint64_t at)
{
	struct multicall_entry m;
	uint32_t cpu = this_cpu_id();
	long rc;

	if (copy_from_guest(&m, at, sizeof(m)))
		return -EFAULT;
	/* Neither within a list: one does not come back, one would nest. */
	if (m.op == __HYPERVISOR_multicall || m.op == __HYPERVISOR_iret) {
		rc = -EINVAL;
	} else {
		multicall_now[cpu] = &m;
		multicall_again[cpu] = false;
		rc = hypercall_call(m.op, (const uint64_t *)m.args);
		multicall_now[cpu] = NULL;
		if (multicall_again[cpu])
			return copy_to_guest(at, &m, sizeof(m)) ? -EFAULT :
								  -ERESTART;
	}
	return copy_to_guest(at + offsetof(struct multicall_entry, result), &rc,
			     sizeof(rc));
}

long do_multicall(uint64_t calls, unsigned nr)
{
	if (!guest_range_ok(calls, nr * sizeof(struct multicall_entry)))
		return -EFAULT;
	for (unsigned i = 0; i < nr; i++) {
		uint64_t at = calls + i * sizeof(struct multicall_entry);
		int rc;

		if (i && hypercall_preempt())
			return hypercall_continue(__HYPERVISOR_multicall, 2, at,
						  (uint64_t)(nr - i));
		rc = one_call(at);
		if (rc == -EFAULT)
			return rc;
		if (rc == -ERESTART)
			return hypercall_continue(__HYPERVISOR_multicall, 2, at,
						  (uint64_t)(nr - i));
	}
	return 0;
}
