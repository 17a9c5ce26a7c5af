/*
 * cpuid.c: what a guest is told of the CPU through the forced-emulation prefix.
 *
 * A table of what is shown; all else is hidden.  Shown is what works in ring 3
 * or is emulated.  Hidden is what needs CR4 or MSRs that guests do not have
 * (needs.md, "CPUID policy").
 */

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/xen.h>

#include "cpu_private.h"
#include "domain.h"
#include "io.h"
#include "lib.h"
#include "time.h"

#define XEN_LEAVES	0x40000000
#define XEN_LEAVES_NR	5

#define B(n)		(1u << (n))

/* Leaf 1: SSE3, PCLMUL, SSSE3, CX16, SSE4.1, SSE4.2, MOVBE, POPCNT, AES, RDRAND
 * and the hypervisor's own bit. */
#define L1_ECX_SHOWN	(B(0) | B(1) | B(9) | B(13) | B(19) | B(20) | B(22) | \
			 B(23) | B(25) | B(30))
#define L1_ECX_SET	B(31)
/* FPU, DE, TSC, MSR, PAE, CX8, APIC, SEP (by vendor), CMOV, PAT, CLFLUSH, MMX,
 * FXSR, SSE, SSE2, SS, HTT.  Not MCE and MCA: their MSRs are not a guest's, and
 * Linux panics when it is refused one that CPUID promises. */
#define L1_EDX_SHOWN	(B(0) | B(2) | B(4) | B(5) | B(6) | B(8) | B(9) | \
			 B(11) | B(15) | B(16) | B(19) | B(23) | B(24) | \
			 B(25) | B(26) | B(27) | B(28))
/* Leaf 7: BMI1, BMI2, ERMS, RDSEED, ADX, CLFLUSHOPT, CLWB, SHA. */
#define L7_EBX_SHOWN	(B(3) | B(8) | B(9) | B(18) | B(19) | B(23) | B(24) | \
			 B(29))
/* LAHF, ABM, SSE4A, 3DNow prefetch. */
#define E1_ECX_SHOWN	(B(0) | B(5) | B(6) | B(8))
#define E1_EDX_SHOWN	(B(11) | B(20) | B(27) | B(29)) /* SYSCALL NX RDTSCP LM */

static void xen_leaf(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	memset(r, 0, 4 * sizeof(r[0]));
	switch (leaf - XEN_LEAVES) {
	case 0:
		r[0] = XEN_LEAVES + XEN_LEAVES_NR;
		memcpy(&r[1], "XenVMMXenVMM", 12);
		break;
	case 1:
		r[0] = 4 << 16 | 17; /* the ABI's version */
		break;
	case 2:
		r[0] = 1;	   /* hypercall pages */
		r[1] = XEN_LEAVES; /* their MSR, which PV does not use */
		break;
	case 3:
		if (sub == 0) {
			r[1] = 0;
			r[2] = (uint32_t)tsc_khz;
		} else if (sub == 1) {
			struct tsc_stamp s;

			tsc_stamp_now(&s);
			r[2] = s.mul;
			r[3] = (uint32_t)(int32_t)s.shift;
		}
		break;
	case 5:
		r[1] = 40; /* bits of a machine address: grant version 1 will do */
		break;
	}
}

void guest_cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	if (leaf >= XEN_LEAVES && leaf < XEN_LEAVES + 0x100) {
		xen_leaf(leaf, sub, r);
		return;
	}
	cpuid(leaf, sub, r);
	switch (leaf) {
	case 0:
		r[0] = MIN(r[0], 0xdu);
		break;
	case 1:
		r[1] = (r[1] & 0x0000ff00) | 1u << 16 | current->id << 24;
		r[2] = (r[2] & L1_ECX_SHOWN) | L1_ECX_SET;
		r[3] &= L1_EDX_SHOWN & ~(cpu_features.sysenter ? 0 : B(11));
		r[3] &= ~B(28);
		break;
	case 7:
		r[0] = 0;
		r[1] = sub ? 0 : r[1] & L7_EBX_SHOWN;
		r[2] = r[3] = 0;
		break;
	case 2:
	case 4:
	case 0x80000000:
	case 0x80000002:
	case 0x80000003:
	case 0x80000004:
	case 0x80000005:
	case 0x80000006:
	case 0x80000008:
		break;
	case 0x80000001:
		r[2] &= E1_ECX_SHOWN;
		r[3] &= E1_EDX_SHOWN | (cpu_features.syscall32 ?
						0x0183f3ff & L1_EDX_SHOWN :
						0);
		break;
	default:
		memset(r, 0, 4 * sizeof(r[0]));
		break;
	}
}
