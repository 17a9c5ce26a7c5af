/*
 * setup.c: tables and registers of a CPU.
 *
 * Each CPU has a window of 32 pages: the GDT of the vcpu that runs (pages 0 to
 * 13 its own frames, page 14 ours) and its LDT.  GDTR never changes; a context
 * switch changes what the pages map (descriptor.c).
 */
#include "cpu.h"

#include "check.h"
#include "cpu_private.h"
#include "domain.h"
#include "entry.h"
#include "heap.h"
#include "io.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include "mm_private.h"
#include "percpu.h"
#include "platform.h"
#include "stack.h"

/* SDM vol. 3A, "64-Bit TSS Format". */
struct tss {
	uint32_t zero;
	uint64_t rsp[3];
	uint64_t zero2;
	uint64_t ist[7];
	uint64_t zero3;
	uint16_t zero4, iomap;
} packed;
static_assert(sizeof(struct tss) == 104, "SDM vol. 3A, 64-Bit TSS Format");

struct gate {
	uint16_t low, selector;
	uint8_t ist, type;
	uint16_t mid;
	uint32_t high, zero;
};
static_assert(sizeof(struct gate) == 16, "SDM vol. 3A, 64-Bit Gate Descriptors");

struct table_register {
	uint16_t limit;
	uint64_t base;
} packed;

#define GATE_INTERRUPT	0x8e	/* present, DPL 0 */
#define GATE_DPL3	0x60
#define GDT_LIMIT	((HV_GDT_PAGE + 1) * PAGE_SIZE - 1)
#define SYSCALL_STUB	64	/* bytes of a CPU's two stubs together */

struct cpu cpus[MAX_CPUS];
uint32_t nr_cpus;

static struct gate idt[256] aligned(PAGE_SIZE);

/* The page of code in entry.S, a pair of stubs for each CPU; written through the
 * direct map, executed there. */
extern uint8_t syscall_stubs[PAGE_SIZE];
static_assert(MAX_CPUS * SYSCALL_STUB == PAGE_SIZE, "fills its page");

static void gate_set(unsigned vector, const void *entry, unsigned ist,
		     unsigned dpl)
{
	uint64_t at = (uint64_t)entry;

	idt[vector] = (struct gate){
		.low = (uint16_t)at,
		.selector = SEL_HV_CODE,
		.ist = (uint8_t)ist,
		.type = (uint8_t)(GATE_INTERRUPT | dpl << 5),
		.mid = (uint16_t)(at >> 16),
		.high = (uint32_t)(at >> 32),
	};
}

static void idt_load(void)
{
	struct table_register r = { sizeof(idt) - 1, (uint64_t)idt };

	asm volatile("lidt %0" : : "m"(r));
}

/* The hypervisor's descriptors, as they stand in page 14 of a GDT. */
static void gdt_fill(uint64_t *page, const struct tss *tss, uint32_t cpu)
{
	const uint32_t first = HV_GDT_PAGE * PAGE_SIZE;
	uint64_t base = (uint64_t)tss;

#define GDT(sel) page[(((sel) & ~7u) - first) / 8]
	memset(page, 0, PAGE_SIZE);
	GDT(SEL_HV_CODE) = 0x00af9b000000ffff;
	GDT(SEL_HV_DATA) = 0x00cf93000000ffff;
	GDT(SEL_GUEST_CODE32) = 0x00cffb000000ffff;
	GDT(SEL_GUEST_DATA) = 0x00cff3000000ffff;
	GDT(SEL_GUEST_CODE64) = 0x00affb000000ffff;
	GDT(SEL_CPU) = 0x0040f30000000000 | cpu;
	GDT(SEL_TSS) = (sizeof(*tss) - 1) | (base & 0xffffff) << 16 |
		       0x89ull << 40 | (base >> 24 & 0xff) << 56;
	GDT(SEL_TSS + 8) = base >> 32;
#undef GDT
}

static void gdt_load(uint64_t base)
{
	struct table_register r = { GDT_LIMIT, base };

	asm volatile("lgdt %0\n\t"
		     "pushq %1\n\t"
		     "lea 1f(%%rip), %%rax\n\t"
		     "pushq %%rax\n\t"
		     "lretq\n\t"
		     "1: mov %2, %%ss\n\t"
		     "mov %3, %%ds\n\t"
		     "mov %3, %%es\n\t"
		     "mov %3, %%fs\n\t"
		     "mov %3, %%gs"
		     :
		     : "m"(r), "i"(SEL_HV_CODE), "r"(SEL_HV_DATA), "r"(0)
		     : "rax", "memory");
}

/*
 * The boot CPU's IDT for what goes wrong before cpu_init(); with a GDT of its
 * own whose page 14 has our selectors.
 */
void traps_init(void)
{
	static uint64_t page[512] aligned(PAGE_SIZE);
	static struct tss tss;
	unsigned i;

	for (i = 0; i < 32; i++)
		gate_set(i, exception_stubs + 16 * i, 0,
			 i == 3 || i == 4 ? 3 : 0);
	for (i = 32; i < 256; i++)
		gate_set(i, interrupt_stubs + 16 * (i - 32), 0, 0);
	gdt_fill(page, &tss, 0);
	gdt_load((uint64_t)page - HV_GDT_PAGE * PAGE_SIZE);
	idt_load();
	features_detect();
}

static void ist_set_gates(void)
{
	gate_set(1, exception_stubs + 16 * 1, IST_DB, 0);
	gate_set(2, exception_stubs + 16 * 2, IST_NMI, 0);
	gate_set(8, exception_stubs + 16 * 8, IST_DF, 0);
	gate_set(18, exception_stubs + 16 * 18, IST_MC, 0);
}

/*
 * SYSCALL changes no stack pointer and leaves no register free: the way in is
 * code that knows its CPU's stack by heart.
 *
 *	movabs %rax, regs.ss		48 a3 imm64
 *	mov    %rsp, %rax		48 89 e0
 *	movabs $&regs.ss, %rsp		48 bc imm64
 *	push   %rax			50
 *	jmp    target			e9 rel32
 */
static void stub_write(uint8_t *at, const uint8_t *runs_at,
		       struct cpu_info *info, const char *target)
{
	uint64_t ss = (uint64_t)&info->regs.ss;
	int64_t rel;

	memcpy(at, "\x48\xa3", 2);
	memcpy(at + 2, &ss, 8);
	memcpy(at + 10, "\x48\x89\xe0\x48\xbc", 5);
	memcpy(at + 15, &ss, 8);
	memcpy(at + 23, "\x50\xe9", 2);
	rel = (const uint8_t *)target - (runs_at + 29);
	memcpy(at + 25, &rel, 4);
}

static struct cpu_info *stack_info(const struct cpu *c)
{
	return (struct cpu_info *)((char *)c->stack + STACK_AREA_SIZE) - 1;
}

static void syscall_init(struct cpu *c)
{
	struct cpu_info *info = stack_info(c);
	const uint8_t *stub = syscall_stubs + c->id * SYSCALL_STUB;
	uint8_t *w = (uint8_t *)mfn_virt(MFN(((uint64_t)stub - SECTION_VIRT) >>
					     PAGE_SHIFT)) +
		     ((uint64_t)stub & (PAGE_SIZE - 1));

	stub_write(w, stub, info, syscall_entry);
	stub_write(w + 32, stub + 32, info, syscall32_entry);
	wrmsr(MSR_STAR, (uint64_t)SEL_GUEST_CODE32 << 48 |
				(uint64_t)SEL_HV_CODE << 32);
	wrmsr(MSR_LSTAR, (uint64_t)stub);
	wrmsr(MSR_CSTAR, (uint64_t)stub + 32);
	wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_IOPL | RFLAGS_CLEAR_ON_SYSCALL);
	if (cpu_features.sysenter) {
		wrmsr(0x174, SEL_HV_CODE);		/* SYSENTER_CS, _ESP, _EIP */
		wrmsr(0x175, (uint64_t)&info->regs.es);
		wrmsr(0x176, (uint64_t)sysenter_entry);
	}
}

void cpu_enter_stack(struct cpu *c, void (*fn)(void))
{
	struct cpu_info *info = stack_info(c);

	info->cpu = c->id;
	info->self = c;
	info->vcpu = c->idle;
	cpu_enter_stack_at(info, fn);
}

void cpu_init(struct cpu *c)
{
	uint64_t window = CPU_WINDOW_VIRT + (uint64_t)c->id * CPU_WINDOW_SIZE;
	unsigned i;

	cpu_info()->cpu = c->id;
	cpu_info()->self = c;
	features_detect();

	c->gdt_page = page_virt(frames_alloc(0));
	c->tss = heap_alloc(sizeof(*c->tss));
	c->window = window_create(window);
	CHECK(c->tss && c->window);

	c->tss->iomap = sizeof(*c->tss); /* no bitmap: every port traps */
	c->tss->rsp[0] = (uint64_t)&stack_info(c)->regs.es;
	for (i = 1; i <= IST_NR; i++)
		c->tss->ist[i - 1] = (uint64_t)c->stack + IST_TOP(i);
	gdt_fill(c->gdt_page, c->tss, c->id);
	c->window[HV_GDT_PAGE] = pte_make(page_mfn(virt_page(c->gdt_page)),
					  PTE_P | PTE_RW | PTE_A | PTE_D |
						  PTE_NX);
	gdt_load(window);
	asm volatile("ltr %w0" : : "r"(SEL_TSS));
	if (c->id == 0)
		ist_set_gates();
	idt_load();
	syscall_init(c);
	wrmsr(MSR_PAT, 0x050100070406ull); /* the ABI's: Linux reads it */
	fpu_init_cpu();
	write_cr4(cpu_features.cr4);
}
