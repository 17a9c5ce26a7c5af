/*
 * mode.c: guest kernel mode and guest user mode.
 *
 * Both are ring 3; what keeps the kernel from the user is the root of the page
 * tables.  The user's root lacks the kernel's slots.
 */
#include "cpu_private.h"
#include "domain.h"
#include "io.h"

entry_path void vcpu_toggle_mode(struct vcpu *v)
{
	v->kernel_mode = !v->kernel_mode;
	asm volatile("swapgs");
	write_cr3((v->kernel_mode ? v->root_kernel : v->root_user).n
		  << PAGE_SHIFT);
	if (v->kernel_mode && v->runstate_late)
		runstate_publish(v);
}
