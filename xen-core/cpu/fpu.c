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

void fpu_restore(const void *area)
{
	asm volatile("clts; fxrstor64 (%0)" : : "r"(area) : "memory");
}

/* Reserved bits of MXCSR would make FXRSTOR fault. */
void fpu_sanitize(void *area)
{
	*(uint32_t *)((char *)area + 24) &= 0xffbf;
}
