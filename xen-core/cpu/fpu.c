/*
 * fpu.c: the FPU's state, saved and loaded at each switch (eagerly: what a
 * lazy switch leaves in registers can be read speculatively, XSA-267).
 *
 * XSAVE is not offered to guests (features.c), so FXSAVE covers all they can
 * reach: x87, MMX and SSE.
 */
#include "cpu_private.h"
#include "lib.h"

#define FXSAVE_SIZE	512
#define MXCSR_DEFAULT	0x1f80
#define FCW_DEFAULT	0x37f

void fpu_init_cpu(void)
{
	uint64_t cr0;

	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	cr0 &= ~(uint64_t)(1u << 2 | 1u << 3); /* EM, TS */
	cr0 |= 1u << 1 | 1u << 5;	       /* MP, NE */
	asm volatile("mov %0, %%cr0" : : "r"(cr0));
}

uint32_t fpu_size(void)
{
	return FXSAVE_SIZE;
}

/* SDM vol. 1, "FXSAVE Area". */
void fpu_reset(void *area)
{
	memset(area, 0, FXSAVE_SIZE);
	*(uint16_t *)area = FCW_DEFAULT;
	*(uint32_t *)((char *)area + 24) = MXCSR_DEFAULT;
}

void fpu_save(void *area)
{
	asm volatile("clts; fxsave64 (%0)" : : "r"(area) : "memory");
}

/*
 * The opcode and addresses of the last instruction, which an FXRSTOR leaves as
 * they are on many of AMD's CPUs unless an exception is pending: they would be
 * another domain's (CVE-2006-1056; AMD64 APM vol. 5, "FXRSTOR").  A load of ours
 * overwrites them.  Its addresses are no secret; it needs a free register.
 */
static void pointers_clear(void)
{
	static const uint32_t zero;

	asm volatile("fnclex; emms; fildl %0" : : "m"(zero));
}

void fpu_restore(const void *area)
{
	asm volatile("clts");
	if (cpu_features.fpu_pointers_stay)
		pointers_clear();
	asm volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

/* Reserved bits of MXCSR would make FXRSTOR fault. */
void fpu_sanitize(void *area)
{
	*(uint32_t *)((char *)area + 24) &= 0xffbf;
}
