/*
 * features.c: what the CPU has and what of it is on.
 *
 * CR4 is the same on every CPU and equals what guests are told (needs.md: what
 * CR4 enables is visible in ring 3).  So OSXSAVE and FSGSBASE stay off.  Bits are
 * set only after CPUID says they exist: QEMU's emulation hangs on some that do
 * not.
 */
#include "boot.h"
#include "cpu_private.h"
#include "cpu.h"
#include "io.h"
#include "log.h"
#include "mm.h"
#include "percpu.h"
#include "stack.h"

#define CR0_WP		(1u << 16)
#define EFER_NXE	(1u << 11)
#define CR4_PAE		(1u << 5)
#define CR4_MCE		(1u << 6)
#define CR4_PGE		(1u << 7)
#define CR4_OSFXSR	(1u << 9)
#define CR4_OSXMMEXCPT	(1u << 10)
#define CR4_UMIP	(1u << 11)
#define CR4_SMEP	(1u << 20)
#define CR4_SMAP	(1u << 21)

#define OPCODE_STAC_CLAC_0 0x0f
#define OPCODE_STAC_CLAC_1 0x01

struct cpu_features cpu_features;

/* Sites of stac and clac in entry.S: three bytes each. */
struct smap_site {
	uint8_t *at;
	uint64_t last_byte;
};
extern const struct smap_site smap_sites[], smap_sites_end[];

static void smap_patch(void)
{
	for (const struct smap_site *s = smap_sites; s < smap_sites_end; s++) {
		s->at[0] = OPCODE_STAC_CLAC_0;
		s->at[1] = OPCODE_STAC_CLAC_1;
		s->at[2] = (uint8_t)s->last_byte;
	}
}

/* AMD64 APM vol. 3, "Function 8000_0008h": RstrFpErrPtrs.  Of AMD and Hygon. */
static bool fpu_pointers_stay(uint32_t vendor_ecx)
{
	uint32_t r[4];

	if (vendor_ecx != 0x444d4163 && vendor_ecx != 0x656e6975)
		return false; /* "cAMD", "uine" */
	cpuid(0x80000000, 0, r);
	if (r[0] < 0x80000008)
		return true;
	cpuid(0x80000008, 0, r);
	return !(r[1] & 1u << 2);
}

/* Called before mm_init() makes the text read-only, and again by each CPU. */
void features_detect(void)
{
	static bool done;
	struct cpu_features *f = &cpu_features;
	uint32_t r[4], max;

	if (done)
		return;
	done = true;
	cpuid(0, 0, r);
	max = r[0];
	f->sysenter = r[2] == 0x6c65746e; /* "ntel": not in AMD's long mode */
	f->fpu_pointers_stay = fpu_pointers_stay(r[2]);
	cpuid(1, 0, r);
	f->pge = r[3] & 1u << 13;
	f->rdrand = r[2] & 1u << 30;
	if (max >= 7) {
		cpuid(7, 0, r);
		f->smep = options.smep && (r[1] & 1u << 7);
		f->smap = options.smap && (r[1] & 1u << 20);
		f->umip = options.umip && (r[2] & 1u << 2);
	}
	cpuid(0x80000001, 0, r);
	f->nx = r[3] & 1u << 20;
	f->syscall32 = !f->sysenter;
	f->cr4 = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT |
		 (f->pge ? CR4_PGE : 0) | (f->smep ? CR4_SMEP : 0) |
		 (f->smap ? CR4_SMAP : 0) | (f->umip ? CR4_UMIP : 0);
	if (f->smap)
		smap_patch();
}

uint64_t random_word(void)
{
	uint64_t word, tsc = rdtsc();

	for (unsigned tries = 10; cpu_features.rdrand && tries; tries--)
		if (rdrand(&word))
			return word ^ tsc;
	return tsc;
}

/* Every other page of a stack area's lower half is a guard (stack.h). */
static bool guards_on(void)
{
	uint64_t stack = (uint64_t)this_cpu()->stack;

	for (unsigned i = 0; i < STACK_PAGES; i++)
		if (mm_is_mapped(stack + i * PAGE_SIZE) !=
		    (STACK_MAPPED >> i & 1))
			return false;
	return true;
}

/* Says what is on after looking at registers and tables, not at what we meant. */
void cpu_report(void)
{
	uint64_t cr4 = read_cr4();
	const struct {
		const char *name;
		bool on;
	} is[] = {
		{ "W^X", read_cr0() & CR0_WP && !mm_has_wx() },
		{ "NX", rdmsr(MSR_EFER) & EFER_NXE },
		{ "SMEP", cr4 & CR4_SMEP },
		{ "SMAP", cr4 & CR4_SMAP },
		{ "UMIP", cr4 & CR4_UMIP },
		{ "guard pages", guards_on() },
	};
	char line[128];
	int n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(is); i++)
		n += format(line + n, sizeof(line) - (unsigned)n, "%s%s %s",
			    i ? ", " : "", is[i].name, is[i].on ? "on" : "off");
	log_info("protections: %s", line);
}
