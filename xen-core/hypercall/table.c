/*
 * table.c: hypercalls by number.
 *
 * A row for each: what handles it, how many arguments it takes.  A number
 * without a row is -ENOSYS.
 */

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/xen.h>

#include "cpu.h"
#include "domain.h"
#include "event.h"
#include "grant.h"
#include "hypercall.h"
#include "hypercalls.h"
#include "mm.h"
#include "nospec.h"
#include "percpu.h"
#include "table.h"

void do_hypercall(struct cpu_user_regs *regs);

typedef long handler(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

/* Handlers take what they need of the six; the calling convention lets them. */
#define ROW(name) [__HYPERVISOR_##name] = (handler *)(void *)do_##name

static handler *const table[] = {
	ROW(set_trap_table),
	ROW(mmu_update),
	ROW(set_gdt),
	ROW(stack_switch),
	ROW(set_callbacks),
	ROW(fpu_taskswitch),
	ROW(set_debugreg),
	ROW(get_debugreg),
	ROW(update_descriptor),
	ROW(memory_op),
	ROW(multicall),
	ROW(update_va_mapping),
	ROW(set_timer_op),
	ROW(xen_version),
	ROW(console_io),
	ROW(grant_table_op),
	ROW(vm_assist),
	ROW(update_va_mapping_otherdomain),
	ROW(iret),
	ROW(vcpu_op),
	ROW(set_segment_base),
	ROW(mmuext_op),
	ROW(nmi_op),
	ROW(sched_op),
	ROW(callback_op),
	ROW(event_channel_op),
	ROW(physdev_op),
	[__HYPERVISOR_arch_1] = (handler *)(void *)do_sluice_op,
};

entry_path long hypercall_call(uint64_t nr, const uint64_t a[6])
{
	if (nr >= ARRAY_SIZE(table))
		return -ENOSYS;
	nr = index_nospec(nr, ARRAY_SIZE(table));
	if (!table[nr])
		return -ENOSYS;
	return table[nr](a[0], a[1], a[2], a[3], a[4], a[5]);
}

bool hypercall_preempt(void)
{
	return softirq_pending();
}

entry_path void do_hypercall(struct cpu_user_regs *r)
{
	const uint64_t a[6] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };

	r->rax = (uint64_t)hypercall_call(r->rax, a);
}
