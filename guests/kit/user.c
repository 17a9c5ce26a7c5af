/*
 * user.c: two roots, as the ABI has it: the kernel's, and one without it.
 *
 * The kernel root holds the user pages too (slot 0), so that the kernel can
 * write them; the user root shares that slot's L3.
 */
#include "kit/user.h"

#include <errno.h>
#include <string.h>

#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/vcpu.h"

#define USER_PAGES	2
#define STACK_PAGES	4
#define USER_RESULT	0x40000000	/* tells a result from a vector */

void (*user_syscall)(struct cpu_regs *r);

static void *code_page;
static uint64_t user_root_mfn;

static void syscall_entry(struct cpu_regs *r)
{
	if (r->rax)
		user_syscall(r);
	else
		trap_leave(r, USER_RESULT | r->rdi);
}

static int user_map(void)
{
	char *pages = pages_alloc_zeroed(USER_PAGES);
	int rc = pages ? pt_populate((void *)USER_BASE) : -ENOMEM;

	code_page = pages;
	for (unsigned long i = 0; i < USER_PAGES && !rc; i++)
		rc = pte_set((void *)(USER_BASE + i * PAGE_SIZE),
			     va_to_mfn(pages + i * PAGE_SIZE) << PAGE_SHIFT |
				     PTE_LEAF_RW);
	return rc;
}

int user_init(void)
{
	uint64_t *root = pages_alloc_zeroed(1);
	char *stack = pages_alloc(STACK_PAGES);
	int rc;

	if (!root || !stack)
		return -ENOMEM;
	rc = user_map();
	if (rc)
		return rc;
	root[0] = *pte_at((void *)USER_BASE, 4);
	user_root_mfn = va_to_mfn(root);
	rc = page_protect(root);
	rc = rc ?: mmuext(MMUEXT_PIN_L4_TABLE, user_root_mfn);
	rc = rc ?: mmuext(MMUEXT_NEW_USER_BASEPTR, user_root_mfn);
	rc = rc ?: hypercall2(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS,
			      stack + STACK_PAGES * PAGE_SIZE);
	trap_handle(TRAP_SYSCALL, syscall_entry);
	return rc;
}

static void user_enter(void *arg)
{
	struct cpu_regs r = {
		.rip = USER_BASE,
		.cs = FLAT_USER_CS,
		.ss = FLAT_USER_SS,
		.rsp = USER_BASE + USER_PAGES * PAGE_SIZE,
		.rflags = FLAGS_IF,
		.rdi = (uint64_t)arg,
		.rbx = (uint64_t)arg,
	};

	trap_return(&r);
}

long user_run(const void *code, size_t size, uint64_t arg)
{
	int rc;

	memcpy(code_page, code, size);
	rc = trap_try(user_enter, (void *)arg, NULL);
	return rc & USER_RESULT ? rc & ~USER_RESULT : USER_TRAPPED + rc;
}
