/*
 * msr.c: the MSRs that a guest kernel has.  An allow-list; anything else is
 * #GP in the guest.
 */
#include "cpu.h"
#include "cpu_private.h"
#include "domain.h"
#include "io.h"

#define MSR_TSC			0x10
#define MSR_MISC_ENABLE		0x1a0
#define MSR_PERF_CAPABILITIES	0x345
#define MSR_TSC_AUX		0xc0000103
#define GUEST_PAT		0x050100070406ull
#define GUEST_EFER		0xd01	/* SCE LME LMA NXE: shown */
#define GUEST_APIC_BASE		0xfee00800ull
#define APIC_BASE_BSP		0x100

bool guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	switch (msr) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
		*value = rdmsr(msr);
		return true;
	case MSR_EFER:
		*value = GUEST_EFER;
		return true;
	case MSR_PAT:
		*value = GUEST_PAT;
		return true;
	case MSR_APIC_BASE:
		*value = GUEST_APIC_BASE | (v->id == 0 ? APIC_BASE_BSP : 0);
		return true;
	case MSR_TSC:
		*value = rdtsc();
		return true;
	case MSR_MISC_ENABLE:
	case MSR_PERF_CAPABILITIES:
	case MSR_TSC_AUX:
		*value = 0;
		return true;
	default:
		return false;
	}
}

bool guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value)
{
	switch (msr) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE: /* in kernel mode: the user's base */
		if (!canonical(value))
			return false;
		wrmsr(msr, value);
		return true;
	case MSR_EFER:
		return value == GUEST_EFER;
	case MSR_PAT:
		return value == GUEST_PAT;
	case MSR_MISC_ENABLE:
		return true;
	default:
		return false;
	}
}

/* Bases and selectors by hypercall; the bases are those of kernel mode. */
long do_set_segment_base(unsigned which, uint64_t base)
{
	switch (which) {
	case SEGBASE_FS:
	case SEGBASE_GS_USER:
	case SEGBASE_GS_KERNEL:
		if (!canonical(base))
			return -EINVAL;
		wrmsr(which == SEGBASE_FS	? MSR_FS_BASE :
		      which == SEGBASE_GS_USER ? MSR_KERNEL_GS_BASE :
						 MSR_GS_BASE,
		      base);
		return 0;
	case SEGBASE_GS_USER_SEL: {
		/* The user's GS is the inactive one: load it there. */
		uint64_t flags = irq_save();

		asm volatile("swapgs");
		load_gs((uint16_t)base);
		asm volatile("swapgs");
		irq_restore(flags);
		return 0;
	}
	default:
		return -EINVAL;
	}
}
