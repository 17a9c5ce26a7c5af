/*
 * cpu.c: I/O ports, model-specific registers, selectors and descriptors, and
 * returns to where the CPU faults in ring 0.
 */
#include <stdint.h>
#include <string.h>

#include <xen/physdev.h>

#include "hostile/hostile.h"
#include "kit/check.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/trap.h"
#include "kit/vcpu.h"

#define PORTS		65536
#define MSR_GS_BASE	0xc0000101u

static void do_in(void *port)
{
	asm volatile("inb %w0, %%al" : : "d"(port) : "eax");
}

static void do_out(void *port)
{
	asm volatile("outb %%al, %w0" : : "d"(port), "a"(0));
}

/* Every port, without permission and with the virtual IOPL. */
void attack_ports(void)
{
	struct physdev_set_iopl iopl = { .iopl = 1 };
	unsigned long faults = 0, allowed = 0;

	for (unsigned long p = 0; p < PORTS; p++) {
		faults += trap_try(do_in, (void *)p, NULL) == TRAP_GP;
		faults += trap_try(do_out, (void *)p, NULL) == TRAP_GP;
	}
	check("each of 65,536 ports faults, in and out", faults, 2 * PORTS);
	hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &iopl);
	for (unsigned long p = 0; p < PORTS; p++) {
		allowed += trap_try(do_in, (void *)p, NULL) == -1;
		allowed += trap_try(do_out, (void *)p, NULL) == -1;
	}
	check("with iopl, reads and writes go nowhere", allowed, 2 * PORTS);
}

static void do_rdmsr(void *msr)
{
	asm volatile("rdmsr" : : "c"(msr) : "eax", "edx");
}

struct msr_write {
	uint32_t msr;
	uint64_t value;
};

static void do_wrmsr(void *arg)
{
	const struct msr_write *w = arg;

	asm volatile("wrmsr" : : "c"(w->msr), "a"((uint32_t)w->value),
		     "d"((uint32_t)(w->value >> 32)));
}

static const struct {
	uint32_t first, count;
} msr_ranges[] = {
	{ 0, 0x2000 },
	{ 0x40000000, 0x400 },
	{ 0xc0000000, 0x2000 },
	{ 0xc0010000, 0x2000 },
	{ 0xfffff000, 0x1000 },
};

/* All ones, and an address that is not canonical, into all that there is. */
void attack_msrs(void)
{
	static const uint64_t values[] = {
		~0ul, 0x8000000000000000, 0x0000800000000000, 0, 1,
	};

	for (size_t r = 0; r < ARRAY_SIZE(msr_ranges); r++) {
		for (uint32_t i = 0; i < msr_ranges[r].count; i++) {
			uint32_t msr = msr_ranges[r].first + i;

			trap_try(do_rdmsr, (void *)(unsigned long)msr, NULL);
			/* Our own data hangs on GS. */
			for (size_t v = 0; v < ARRAY_SIZE(values) &&
			     msr != MSR_GS_BASE; v++) {
				struct msr_write w = { msr, values[v] };

				trap_try(do_wrmsr, &w, NULL);
			}
		}
	}
}

static void do_load_selectors(void *arg)
{
	uint16_t sel = (unsigned long)arg;

	asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs" : : "r"(sel));
	/* A switch away and back loads them again. */
	hypercall2(__HYPERVISOR_sched_op, 0 /* yield */, NULL);
}

/* Every selector in every register. */
void attack_selectors(void)
{
	for (unsigned long sel = 0; sel < 0x10000; sel++)
		trap_try(do_load_selectors, (void *)sel, NULL);
	trap_try(do_load_selectors, NULL, NULL);
}

static void do_far_jump(void *arg)
{
	struct {
		uint64_t offset;
		uint16_t sel;
	} __attribute__((packed)) to = { VIRT_BASE, (unsigned long)arg };

	asm volatile("rex.W ljmp *%0" : : "m"(to));
}

/* Every type, DPL, L and D of descriptor, loaded and jumped through. */
void attack_descriptors(void)
{
	uint64_t *gdt = pages_alloc_zeroed(1);
	unsigned long frame = va_to_mfn(gdt);

	page_protect(gdt);
	if (!check("an empty GDT", hypercall2(__HYPERVISOR_set_gdt, &frame,
					      512), 0))
		return;
	for (unsigned int access = 0; access < 256; access++) {
		for (unsigned int flags = 0; flags < 16; flags++) {
			uint64_t d = 0xfffful | (uint64_t)access << 40 |
				     (uint64_t)flags << 52 | 0xful << 48;

			if (hypercall2(__HYPERVISOR_update_descriptor,
				       (frame << PAGE_SHIFT) + 8, d))
				continue;
			trap_try(do_load_selectors, (void *)11ul, NULL);
			if ((access & 0x98) != 0x98)	/* not code: a gate? */
				trap_try(do_far_jump, (void *)11ul, NULL);
		}
	}
	trap_try(do_load_selectors, NULL, NULL);
	check("no GDT", hypercall2(__HYPERVISOR_set_gdt, NULL, 0), 0);
}

#define LAST_LOW_PAGE	0x7ffffffff000ul

static void do_boundary(void *arg)
{
	/* The instruction after this `syscall` is not canonical. */
	asm volatile("jmp *%0" : : "r"(LAST_LOW_PAGE + PAGE_SIZE - 2),
		     "a"(__HYPERVISOR_xen_version), "D"(0), "S"(0)
		     : "rcx", "r11", "memory");
}

static void do_iret_high(void *arg)
{
	struct cpu_regs r = {
		.rip = (uint64_t)arg, .cs = FLAT_KERNEL_CS & ~3,
		.ss = FLAT_KERNEL_SS, .rflags = FLAGS_ALWAYS,
		.rsp = (uint64_t)this_vcpu()->stack_top - 8192,
	};

	trap_return(&r);
}

/* Returns to addresses at which SYSRET and IRET fault in ring 0. */
void attack_boundary(void)
{
	uint8_t *page = pages_alloc_zeroed(1);
	static const uint64_t rips[] = {
		0x0000800000000000, 0x8000000000000000, 0xffff7fffffffffff,
		0x00007fffffffffff, 0x0001000000000000,
	};

	memset(page, 0x0f, PAGE_SIZE);
	memcpy(page + PAGE_SIZE - 2, "\x0f\x05", 2);
	if (pt_populate((void *)LAST_LOW_PAGE) ||
	    pte_set((void *)LAST_LOW_PAGE,
		    va_to_mfn(page) << PAGE_SHIFT | PTE_LEAF_RW)) {
		check("the last page below the hole", -1, 0);
		return;
	}
	check("a system call at the end of the lower half",
	      trap_try(do_boundary, NULL, NULL), NOT_NEGATIVE);
	for (size_t i = 0; i < ARRAY_SIZE(rips); i++)
		check("an iret to nowhere",
		      trap_try(do_iret_high, (void *)rips[i], NULL),
		      NOT_NEGATIVE);
}

static uint64_t watched;

static void do_mov_ss_syscall(void *arg)
{
	asm volatile("mov %%ss, %%eax; mov %%eax, %0; mov $17, %%eax;"
		     "xor %%edi, %%edi; xor %%esi, %%esi;"
		     "mov %0, %%ss; syscall"
		     : "+m"(watched) : : "rax", "rcx", "r11", "rdi", "rsi",
		       "memory");
}

static void do_mov_ss_int(void *arg)
{
	asm volatile("mov %%ss, %%eax; mov %%eax, %0; mov %0, %%ss; int3"
		     : "+m"(watched) : : "rax", "memory");
}

static void do_tf_syscall(void *arg)
{
	asm volatile("pushf; orl $0x100, (%%rsp); mov $17, %%eax;"
		     "xor %%edi, %%edi; xor %%esi, %%esi; popf; syscall"
		     : : : "rax", "rcx", "r11", "rdi", "rsi", "memory");
}

/* A #DB held back by MOV SS strikes at the first instruction in ring 0. */
void attack_mov_ss(void)
{
	hypercall2(__HYPERVISOR_set_debugreg, 0, &watched);
	hypercall2(__HYPERVISOR_set_debugreg, 7, 0xf0401);
	for (unsigned int i = 0; i < 100; i++) {
		trap_try(do_mov_ss_syscall, NULL, NULL);
		trap_try(do_mov_ss_int, NULL, NULL);
		trap_try(do_tf_syscall, NULL, NULL);
	}
	hypercall2(__HYPERVISOR_set_debugreg, 7, 0);
}
