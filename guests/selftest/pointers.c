/*
 * pointers.c: every hypercall with pointers, counts, commands and domains
 * that are wrong.  Rows of plain numbers: nothing here may succeed by luck.
 */
#include <errno.h>
#include <stdint.h>

#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include "kit/check.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "selftest/selftest.h"

/* Addresses where nothing of ours can be read or written. */
#define UNMAPPED	0x10ul
#define HYPERVISOR	0xffff830000000000ul
#define NON_CANONICAL	0x8000000000000000ul
#define LAST_BYTE	(~0ul)
#define M2P		MACH2PHYS_VIRT_START	/* ours to read, not to write */

#define NO_SUCH_OP	0x7777
#define HUGE		0x7fffffff

struct row {
	const char   *what;
	unsigned int  nr;
	unsigned long arg[6];
	long	      want;
};

static const struct row rows[] = {
	{ "hypercall 63", 63, { 0 }, -ENOSYS },
	{ "hypercall 64", 64, { 0 }, -ENOSYS },
	{ "hypercall 0xffffffff", 0xffffffff, { 0 }, -ENOSYS },
	{ "set_trap_table: unmapped", __HYPERVISOR_set_trap_table,
	  { UNMAPPED }, -EFAULT },
	{ "set_trap_table: hypervisor", __HYPERVISOR_set_trap_table,
	  { HYPERVISOR }, -EFAULT },
	{ "set_trap_table: not canonical", __HYPERVISOR_set_trap_table,
	  { NON_CANONICAL }, -EFAULT },
	{ "mmu_update: unmapped", __HYPERVISOR_mmu_update,
	  { UNMAPPED, 1, 0, DOMID_SELF }, -EFAULT },
	{ "mmu_update: hypervisor", __HYPERVISOR_mmu_update,
	  { HYPERVISOR, 1, 0, DOMID_SELF }, -EFAULT },
	{ "mmu_update: last byte", __HYPERVISOR_mmu_update,
	  { LAST_BYTE, 1, 0, DOMID_SELF }, -EFAULT },
	{ "mmu_update: huge count", __HYPERVISOR_mmu_update,
	  { UNMAPPED, HUGE, 0, DOMID_SELF }, ANY_ERROR },
	{ "mmu_update: none", __HYPERVISOR_mmu_update,
	  { 0, 0, 0, DOMID_SELF }, 0 },
	{ "mmuext_op: unmapped", __HYPERVISOR_mmuext_op,
	  { UNMAPPED, 1, 0, DOMID_SELF }, -EFAULT },
	{ "mmuext_op: hypervisor", __HYPERVISOR_mmuext_op,
	  { HYPERVISOR, 1, 0, DOMID_SELF }, -EFAULT },
	{ "mmuext_op: huge count", __HYPERVISOR_mmuext_op,
	  { UNMAPPED, HUGE, 0, DOMID_SELF }, ANY_ERROR },
	{ "update_va_mapping: unmapped", __HYPERVISOR_update_va_mapping,
	  { 0x7fff00000000, 0, 0 }, ANY_ERROR },
	{ "update_va_mapping: hypervisor", __HYPERVISOR_update_va_mapping,
	  { HYPERVISOR, 0, 0 }, ANY_ERROR },
	{ "update_va_mapping: m2p", __HYPERVISOR_update_va_mapping,
	  { M2P, 0, 0 }, ANY_ERROR },
	{ "update_va_mapping: not canonical", __HYPERVISOR_update_va_mapping,
	  { NON_CANONICAL, 0, 0 }, ANY_ERROR },
	{ "update_va_mapping_otherdomain: none",
	  __HYPERVISOR_update_va_mapping_otherdomain,
	  { UNMAPPED, 0, 0, 0x7123 }, ANY_ERROR },
	{ "set_gdt: unmapped", __HYPERVISOR_set_gdt, { UNMAPPED, 512 },
	  ANY_ERROR },
	{ "set_gdt: too many entries", __HYPERVISOR_set_gdt,
	  { UNMAPPED, 8192 }, -EINVAL },
	{ "update_descriptor: not ours", __HYPERVISOR_update_descriptor,
	  { 0, 0 }, ANY_ERROR },
	{ "update_descriptor: beyond memory", __HYPERVISOR_update_descriptor,
	  { ~0ul & ~7ul, 0 }, ANY_ERROR },
	{ "update_descriptor: odd address", __HYPERVISOR_update_descriptor,
	  { 3, 0 }, -EINVAL },
	{ "set_debugreg: no such", __HYPERVISOR_set_debugreg, { 8, 0 },
	  ANY_ERROR },
	{ "set_debugreg: hypervisor", __HYPERVISOR_set_debugreg,
	  { 0, HYPERVISOR }, -EPERM },
	{ "set_debugreg: own address", __HYPERVISOR_set_debugreg,
	  { 0, 0xffffffff80001000 }, 0 },
	{ "set_debugreg: none", __HYPERVISOR_set_debugreg, { 0, 0 }, 0 },
	{ "memory_op: no such", __HYPERVISOR_memory_op, { 60, 0 }, -ENOSYS },
	{ "memory_op decrease: unmapped", __HYPERVISOR_memory_op,
	  { XENMEM_decrease_reservation, UNMAPPED }, NOTHING_DONE },
	{ "memory_op populate: unmapped", __HYPERVISOR_memory_op,
	  { XENMEM_populate_physmap, UNMAPPED }, NOTHING_DONE },
	{ "memory_op memory_map: hypervisor", __HYPERVISOR_memory_op,
	  { XENMEM_memory_map, HYPERVISOR }, -EFAULT },
	{ "memory_op machphys_mapping: unmapped", __HYPERVISOR_memory_op,
	  { XENMEM_machphys_mapping, UNMAPPED }, -EFAULT },
	{ "memory_op current_reservation: unmapped", __HYPERVISOR_memory_op,
	  { XENMEM_current_reservation, UNMAPPED }, -EFAULT },
	{ "multicall: unmapped", __HYPERVISOR_multicall, { UNMAPPED, 1 },
	  -EFAULT },
	{ "multicall: hypervisor", __HYPERVISOR_multicall, { HYPERVISOR, 1 },
	  -EFAULT },
	{ "multicall: huge count", __HYPERVISOR_multicall,
	  { UNMAPPED, HUGE }, -EFAULT },
	{ "multicall: none", __HYPERVISOR_multicall, { 0, 0 }, 0 },
	{ "xen_version: no such", __HYPERVISOR_xen_version, { 99, 0 },
	  -ENOSYS },
	{ "xen_version: events, no pointer", __HYPERVISOR_xen_version,
	  { XENVER_version, 0 }, NOT_NEGATIVE },
	{ "xen_version extraversion: unmapped", __HYPERVISOR_xen_version,
	  { XENVER_extraversion, UNMAPPED }, -EFAULT },
	{ "xen_version capabilities: hypervisor", __HYPERVISOR_xen_version,
	  { XENVER_capabilities, HYPERVISOR }, -EFAULT },
	{ "xen_version features: m2p", __HYPERVISOR_xen_version,
	  { XENVER_get_features, M2P }, -EFAULT },
	{ "console_io: unmapped", __HYPERVISOR_console_io,
	  { CONSOLEIO_write, 8, UNMAPPED }, -EFAULT },
	{ "console_io: hypervisor", __HYPERVISOR_console_io,
	  { CONSOLEIO_write, 8, HYPERVISOR }, -EFAULT },
	{ "console_io: no such", __HYPERVISOR_console_io,
	  { NO_SUCH_OP, 0, 0 }, -ENOSYS },
	{ "grant_table_op: no such", __HYPERVISOR_grant_table_op,
	  { NO_SUCH_OP, UNMAPPED, 1 }, ANY_ERROR },
	{ "grant_table_op map: unmapped", __HYPERVISOR_grant_table_op,
	  { GNTTABOP_map_grant_ref, UNMAPPED, 1 }, -EFAULT },
	{ "grant_table_op unmap: hypervisor", __HYPERVISOR_grant_table_op,
	  { GNTTABOP_unmap_grant_ref, HYPERVISOR, 1 }, -EFAULT },
	{ "grant_table_op copy: last byte", __HYPERVISOR_grant_table_op,
	  { GNTTABOP_copy, LAST_BYTE, 1 }, -EFAULT },
	{ "grant_table_op setup: unmapped", __HYPERVISOR_grant_table_op,
	  { GNTTABOP_setup_table, UNMAPPED, 1 }, -EFAULT },
	{ "grant_table_op map: huge count", __HYPERVISOR_grant_table_op,
	  { GNTTABOP_map_grant_ref, UNMAPPED, HUGE }, ANY_ERROR },
	{ "vcpu_op: no such", __HYPERVISOR_vcpu_op, { NO_SUCH_OP, 0, 0 },
	  -ENOSYS },
	{ "vcpu_op is_up: no such vcpu", __HYPERVISOR_vcpu_op,
	  { VCPUOP_is_up, 4000, 0 }, -ENOENT },
	{ "vcpu_op is_up: -1", __HYPERVISOR_vcpu_op,
	  { VCPUOP_is_up, ~0ul, 0 }, -ENOENT },
	{ "vcpu_op initialise: running", __HYPERVISOR_vcpu_op,
	  { VCPUOP_initialise, 0, UNMAPPED }, ANY_ERROR },
	{ "vcpu_op get_runstate_info: unmapped", __HYPERVISOR_vcpu_op,
	  { VCPUOP_get_runstate_info, 0, UNMAPPED }, -EFAULT },
	{ "vcpu_op register_runstate: unmapped", __HYPERVISOR_vcpu_op,
	  { VCPUOP_register_runstate_memory_area, 0, UNMAPPED }, -EFAULT },
	{ "vcpu_op register_vcpu_info: unmapped", __HYPERVISOR_vcpu_op,
	  { VCPUOP_register_vcpu_info, 0, UNMAPPED }, -EFAULT },
	{ "vcpu_op set_singleshot: unmapped", __HYPERVISOR_vcpu_op,
	  { VCPUOP_set_singleshot_timer, 0, UNMAPPED }, -EFAULT },
	{ "set_segment_base: no such", __HYPERVISOR_set_segment_base,
	  { 9, 0 }, -EINVAL },
	{ "set_segment_base: not canonical", __HYPERVISOR_set_segment_base,
	  { SEGBASE_FS, NON_CANONICAL }, ANY_ERROR },
	{ "mmuext_op: DOMID_IDLE", __HYPERVISOR_mmuext_op,
	  { UNMAPPED, 1, 0, DOMID_IDLE }, ANY_ERROR },
	{ "sched_op: no such", __HYPERVISOR_sched_op, { NO_SUCH_OP, 0 },
	  -ENOSYS },
	{ "sched_op shutdown: unmapped", __HYPERVISOR_sched_op,
	  { SCHEDOP_shutdown, UNMAPPED }, -EFAULT },
	{ "sched_op poll: hypervisor", __HYPERVISOR_sched_op,
	  { SCHEDOP_poll, HYPERVISOR }, -EFAULT },
	{ "callback_op: no such", __HYPERVISOR_callback_op,
	  { NO_SUCH_OP, 0 }, -ENOSYS },
	{ "callback_op register: unmapped", __HYPERVISOR_callback_op,
	  { CALLBACKOP_register, UNMAPPED }, -EFAULT },
	{ "event_channel_op: no such", __HYPERVISOR_event_channel_op,
	  { NO_SUCH_OP, 0 }, -ENOSYS },
	{ "event_channel_op send: unmapped", __HYPERVISOR_event_channel_op,
	  { EVTCHNOP_send, UNMAPPED }, -EFAULT },
	{ "event_channel_op alloc: hypervisor", __HYPERVISOR_event_channel_op,
	  { EVTCHNOP_alloc_unbound, HYPERVISOR }, -EFAULT },
	{ "physdev_op: no such", __HYPERVISOR_physdev_op, { NO_SUCH_OP, 0 },
	  -ENOSYS },
	{ "physdev_op set_iopl: unmapped", __HYPERVISOR_physdev_op,
	  { PHYSDEVOP_set_iopl, UNMAPPED }, -EFAULT },
	{ "vm_assist: no such command", __HYPERVISOR_vm_assist,
	  { 9, 0 }, ANY_ERROR },
	{ "vm_assist: no such type", __HYPERVISOR_vm_assist,
	  { VMASST_CMD_enable, 63 }, ANY_ERROR },
};

/* Not for dom0, which may. */
static const struct row rows_domu[] = {
	{ "platform_op", __HYPERVISOR_platform_op, { UNMAPPED }, ANY_ERROR },
	{ "sysctl", __HYPERVISOR_sysctl, { UNMAPPED }, ANY_ERROR },
	{ "domctl", __HYPERVISOR_domctl, { UNMAPPED }, ANY_ERROR },
	{ "hvm_op", __HYPERVISOR_hvm_op, { 0, UNMAPPED }, ANY_ERROR },
	{ "control: create", __HYPERVISOR_arch_1, { 1, UNMAPPED }, -EPERM },
	{ "control: destroy", __HYPERVISOR_arch_1, { 2, UNMAPPED }, -EPERM },
	{ "control: power", __HYPERVISOR_arch_1, { 14, UNMAPPED }, -EPERM },
	{ "control: no such", __HYPERVISOR_arch_1, { 999, UNMAPPED },
	  ANY_ERROR },
	{ "control: virtual time unmapped", __HYPERVISOR_arch_1,
	  { 15, UNMAPPED }, -EFAULT },
	{ "control: counters to the hypervisor", __HYPERVISOR_arch_1,
	  { 16, HYPERVISOR }, -EFAULT },
	{ "memory_op reservation of dom0", __HYPERVISOR_memory_op,
	  { XENMEM_current_reservation, UNMAPPED }, ANY_ERROR },
	{ "mmuext_op on dom0's behalf", __HYPERVISOR_mmuext_op,
	  { UNMAPPED, 1, 0, 0 }, ANY_ERROR },
	{ "mmu_update on dom0's behalf", __HYPERVISOR_mmu_update,
	  { UNMAPPED, 1, 0, 0 }, ANY_ERROR },
};

static void rows_run(const struct row *r, size_t n)
{
	for (; n--; r++)
		check(r->what,
		      hypercall6(r->nr, r->arg[0], r->arg[1], r->arg[2],
				 r->arg[3], r->arg[4], r->arg[5]),
		      r->want);
}

void test_pointers(void)
{
	rows_run(rows, ARRAY_SIZE(rows));
	if (!(start_info->flags & SIF_INITDOMAIN))
		rows_run(rows_domu, ARRAY_SIZE(rows_domu));
}
