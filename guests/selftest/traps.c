/*
 * traps.c: exceptions with the right vector and error code, what is emulated,
 * and hypercall iret and the CPU's own.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <xen/physdev.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include "kit/check.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/trap.h"
#include "kit/vcpu.h"
#include "selftest/selftest.h"

#define NO_TRAP		(-1)
#define UNMAPPED	0x7fff00000000ul
#define MSR_FS_BASE	0xc0000100u
#define MSR_GS_BASE	0xc0000101u
#define MSR_EFER	0xc0000080u
#define MSR_LSTAR	0xc0000082u
#define MSR_NONE	0x12345678u

static struct trap_caught caught;

static void do_divide(void *arg)
{
	asm volatile("xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx"
		     : : : "eax", "ecx", "edx");
}

static void do_int3(void *arg)
{
	asm volatile("int3");
}

static void do_ud2(void *arg)
{
	asm volatile("ud2");
}

static void do_read(void *arg)
{
	*(volatile char *)arg;
}

static void do_write(void *arg)
{
	*(volatile char *)arg = 1;
}

static void do_hlt(void *arg)
{
	asm volatile("hlt");
}

static void do_int80(void *arg)
{
	asm volatile("int $0x80");
}

static void do_int14(void *arg)
{
	asm volatile("int $14");
}

static void do_fninit(void *arg)
{
	asm volatile("fninit");
}

static void do_inb(void *arg)
{
	asm volatile("inb $0x60, %%al" : : : "al");
}

static void do_single_step(void *arg)
{
	asm volatile("pushf; orl $0x100, (%rsp); popf; nop; nop");
}

static void do_jump(void *arg)
{
	asm volatile("jmp *%0" : : "r"(arg));
}

static void do_lgdt(void *arg)
{
	asm volatile("lgdt (%0)" : : "r"(arg));
}

static void do_wrmsr_noncanonical(void *arg)
{
	asm volatile("wrmsr" : : "c"(MSR_FS_BASE), "a"(0), "d"(0x80000000));
}

static void do_wrmsr_lstar(void *arg)
{
	asm volatile("wrmsr" : : "c"(MSR_LSTAR), "a"(0), "d"(0));
}

static void do_mov_cr4(void *arg)
{
	uint64_t cr4;

	asm volatile("mov %%cr4, %0; mov %0, %%cr4" : "=r"(cr4));
}

static void do_mov_cr0(void *arg)
{
	uint64_t cr0;

	asm volatile("mov %%cr0, %0" : "=r"(cr0));
}

static const struct {
	const char *what;
	void (*fn)(void *arg);
	void *arg;
	int vector;
	long error;		/* -1: not looked at */
} traps[] = {
	{ "#DE", do_divide, NULL, TRAP_DIVIDE, -1 },
	{ "#BP", do_int3, NULL, TRAP_INT3, -1 },
	{ "#UD", do_ud2, NULL, TRAP_INVALID_OP, -1 },
	{ "#PF of a read", do_read, (void *)UNMAPPED, TRAP_PAGE_FAULT, 0 },
	{ "#PF of a write", do_write, (void *)UNMAPPED, TRAP_PAGE_FAULT, 2 },
	{ "#PF in the hypervisor", do_read, (void *)0xffff830000000000,
	  TRAP_PAGE_FAULT, -1 },
	{ "#PF of a write to the m2p", do_write, (void *)MACH2PHYS_VIRT_START,
	  TRAP_PAGE_FAULT, -1 },
	{ "reading the m2p", do_read, (void *)MACH2PHYS_VIRT_START, NO_TRAP,
	  -1 },
	{ "#GP of a non-canonical read", do_read, (void *)0x8000000000000000,
	  TRAP_GP, 0 },
	{ "#GP of hlt", do_hlt, NULL, TRAP_GP, 0 },
	{ "int 0x80 from the kernel", do_int80, NULL, 0x80, -1 },
	{ "#GP of in without permission", do_inb, NULL, TRAP_GP, 0 },
	{ "#DB of a single step", do_single_step, NULL, TRAP_DEBUG, -1 },
	{ "jump to nowhere", do_jump, (void *)UNMAPPED, TRAP_PAGE_FAULT, -1 },
	{ "jump into the hypervisor", do_jump, (void *)0xffff82d080200000,
	  TRAP_PAGE_FAULT, -1 },
	{ "#GP of lgdt", do_lgdt, (void *)VIRT_BASE, TRAP_GP, 0 },
	{ "#GP of a non-canonical FS base", do_wrmsr_noncanonical, NULL,
	  TRAP_GP, 0 },
	{ "#GP of wrmsr LSTAR", do_wrmsr_lstar, NULL, TRAP_GP, 0 },
	{ "cr4 read and written", do_mov_cr4, NULL, NO_TRAP, -1 },
	{ "cr0 read", do_mov_cr0, NULL, NO_TRAP, -1 },
};

static void traps_run(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(traps); i++) {
		int vector = trap_try(traps[i].fn, traps[i].arg, &caught);

		check(traps[i].what, vector, traps[i].vector);
		if (vector == traps[i].vector && traps[i].error >= 0)
			check("  its error code", caught.error,
			      traps[i].error);
		if (vector == TRAP_PAGE_FAULT &&
		    traps[i].vector == TRAP_PAGE_FAULT)
			check("  its cr2", caught.cr2, (long)traps[i].arg);
	}
	check("#GP of int with a privileged gate",
	      trap_try(do_int14, NULL, &caught), TRAP_GP);
}

static long write_protected_page(void)
{
	void *page = pages_alloc_zeroed(1);
	int vector;

	if (page_protect(page))
		return -1;
	vector = trap_try(do_write, page, &caught);
	page_unprotect(page);
	pages_free(page, 1);
	return vector == TRAP_PAGE_FAULT ? (long)caught.error : -vector;
}

static void cpuid_forced(uint32_t leaf, uint32_t *a, uint32_t *b, uint32_t *c,
			 uint32_t *d)
{
	asm volatile("ud2; .ascii \"xen\"; cpuid"
		     : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d)
		     : "0"(leaf), "2"(0));
}

static long forced_cpuid_signature(void)
{
	char name[13] = "";
	uint32_t max;

	cpuid_forced(0x40000000, &max, (uint32_t *)name,
		     (uint32_t *)(name + 4), (uint32_t *)(name + 8));
	return max >= 0x40000002 && !strcmp(name, "XenVMMXenVMM");
}

static long forced_cpuid_hides(void)
{
	uint32_t a, b, c, d;
	const uint32_t pse = 1u << 3, pge = 1u << 13;
	const uint32_t vmx = 1u << 5, monitor = 1u << 3, pcid = 1u << 17;

	cpuid_forced(1, &a, &b, &c, &d);
	return (d & (pse | pge)) | (c & (vmx | monitor | pcid));
}

static long forced_cpuid_hides_leaf7(void)
{
	uint32_t a, b, c, d;
	const uint32_t smep = 1u << 7, smap = 1u << 20, invpcid = 1u << 10;

	cpuid_forced(7, &a, &b, &c, &d);
	return b & (smep | smap | invpcid);
}

static long gs_base_by_msr(void)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_GS_BASE));
	return ((uint64_t)high << 32 | low) == (uint64_t)this_vcpu();
}

static long fs_base_by_msr(void)
{
	uint32_t low, high;

	asm volatile("wrmsr" : : "c"(MSR_FS_BASE), "a"(0x1234), "d"(0x7000));
	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_FS_BASE));
	return (uint64_t)high << 32 | low;
}

static long efer(void)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
	return (low & 0x501) == 0x501;	/* SCE, LME, LMA */
}

static void do_rdmsr_none(void *arg)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_NONE));
}

static long unknown_msr(void)
{
	return trap_try(do_rdmsr_none, NULL, NULL);
}

static long iopl_in(void)
{
	struct physdev_set_iopl iopl = { .iopl = 1 };
	int vector;

	if (hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &iopl))
		return -1;
	vector = trap_try(do_inb, NULL, NULL);
	iopl.iopl = 0;
	hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &iopl);
	return vector;
}

static long iopl_wild(void)
{
	struct physdev_set_iopl iopl = { .iopl = 4 };

	return hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &iopl);
}

/* mini-os returns so: iretq in ring 3, with RPL 3 set by the guest. */
static long native_iret(void)
{
	long result;

	asm volatile("mov %%rsp, %%rcx\n\t"
		     "mov %%ss, %%eax\n\t"
		     "push %%rax\n\t"
		     "push %%rcx\n\t"
		     "pushf\n\t"
		     "mov %%cs, %%eax\n\t"
		     "push %%rax\n\t"
		     "lea 1f(%%rip), %%rax\n\t"
		     "push %%rax\n\t"
		     "iretq\n"
		     "1:\tmov $77, %0"
		     : "=a"(result) : : "rcx", "memory");
	return result;
}

static void do_hypercall_iret(void *arg)
{
	struct cpu_regs r = *(struct cpu_regs *)arg;

	trap_return(&r);
}

/* An iret to where nothing is must fault in the guest. */
static long iret_to(uint64_t rip, uint64_t cs, uint64_t ss, uint64_t rsp)
{
	struct cpu_regs r = {
		.rip = rip, .cs = cs, .ss = ss, .rsp = rsp, .rflags = 2,
	};

	return trap_try(do_hypercall_iret, &r, NULL);
}

static char iret_stack[4096] __attribute__((aligned(16)));

static long iret_unmapped(void)
{
	return iret_to(UNMAPPED, FLAT_KERNEL_CS & ~3, FLAT_KERNEL_SS,
		       (uint64_t)(iret_stack + sizeof(iret_stack)));
}

static long iret_hypervisor(void)
{
	return iret_to(0xffff82d080200000, FLAT_KERNEL_CS & ~3, FLAT_KERNEL_SS,
		       (uint64_t)(iret_stack + sizeof(iret_stack)));
}

static long iret_non_canonical(void)
{
	return iret_to(0x8000000000000000, FLAT_KERNEL_CS & ~3, FLAT_KERNEL_SS,
		       (uint64_t)(iret_stack + sizeof(iret_stack))) >= 0;
}

static long iret_bad_cs(void)
{
	return iret_to((uint64_t)do_ud2, 0x8, FLAT_KERNEL_SS,
		       (uint64_t)(iret_stack + sizeof(iret_stack))) >= 0;
}

static long iret_bad_ss(void)
{
	return iret_to((uint64_t)do_ud2, FLAT_KERNEL_CS & ~3, 0x7ff8,
		       (uint64_t)(iret_stack + sizeof(iret_stack))) >= 0;
}

static long fpu_ts(void)
{
	int vector;

	hypercall1(__HYPERVISOR_fpu_taskswitch, 1);
	vector = trap_try(do_fninit, NULL, NULL);
	/* The delivery has cleared TS. */
	if (vector == TRAP_NO_DEVICE)
		vector += trap_try(do_fninit, NULL, NULL);
	return vector;
}

static long debugreg(void)
{
	hypercall2(__HYPERVISOR_set_debugreg, 3, VIRT_BASE);
	return hypercall1(__HYPERVISOR_get_debugreg, 3) == (long)VIRT_BASE;
}

static long set_callbacks_old(void)
{
	return hypercall3(__HYPERVISOR_set_callbacks, trap_event_entry,
			  trap_failsafe_entry, trap_syscall_entry);
}

static long features(void)
{
	struct xen_feature_info f = { .submap_idx = 0 };

	return hypercall2(__HYPERVISOR_xen_version, XENVER_get_features, &f)
		?: f.submap & (1 << 5 | 1 << 7 | 1 << 0 | 1 << 1 | 1 << 2);
}

static long features_submap(void)
{
	struct xen_feature_info f = { .submap_idx = 1 };

	return hypercall2(__HYPERVISOR_xen_version, XENVER_get_features, &f);
}

static const struct check_row rows[] = {
	{ "#PF of a write to a read-only page", write_protected_page, 3 },
	{ "forced cpuid: signature", forced_cpuid_signature, 1 },
	{ "forced cpuid: hidden features", forced_cpuid_hides, 0 },
	{ "forced cpuid: hidden in leaf 7", forced_cpuid_hides_leaf7, 0 },
	{ "GS base by MSR", gs_base_by_msr, 1 },
	{ "FS base by MSR", fs_base_by_msr, 0x700000001234 },
	{ "EFER", efer, 1 },
	{ "unknown MSR", unknown_msr, TRAP_GP },
	{ "port with iopl", iopl_in, NO_TRAP },
	{ "iopl 4", iopl_wild, -EINVAL },
	{ "iretq in the guest", native_iret, 77 },
	{ "iret to nothing", iret_unmapped, TRAP_PAGE_FAULT },
	{ "iret into the hypervisor", iret_hypervisor, TRAP_PAGE_FAULT },
	{ "iret to non-canonical", iret_non_canonical, 1 },
	{ "iret with a bad cs", iret_bad_cs, 1 },
	{ "iret with a bad ss", iret_bad_ss, 1 },
	{ "#NM once after fpu_taskswitch", fpu_ts, TRAP_NO_DEVICE - 1 },
	{ "debug register", debugreg, 1 },
	{ "set_callbacks", set_callbacks_old, 0 },
	{ "features that Linux wants and no others", features,
	  1 << 5 | 1 << 7 },
	{ "features: second submap", features_submap, -EINVAL },
};

void test_traps(void)
{
	traps_run();
	CHECK_ROWS(rows);
}
