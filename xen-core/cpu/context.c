/*
 * context.c: a vcpu's CPU state from nothing, and as its domain asks for it.
 */
#include "cpu.h"
#include "cpu_private.h"
#include "domain.h"
#include "entry.h"
#include "guest_access.h"
#include "heap.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include "mm_private.h"

int vcpu_context_init(struct vcpu *v)
{
	v->loaded_on = v->flushed_on = NOT_LOADED;
	v->root_kernel = v->root_user = MFN_NONE;
	for (unsigned i = 0; i < ARRAY_SIZE(v->gdt_frames); i++)
		v->gdt_frames[i] = MFN_NONE;
	for (unsigned i = 0; i < ARRAY_SIZE(v->ldt_frames); i++)
		v->ldt_frames[i] = MFN_NONE;
	vcpu_set_debugreg(v, 6, 0);
	vcpu_set_debugreg(v, 7, 0);
	v->fpu = heap_alloc_for(v->d, fpu_size());
	if (!v->fpu)
		return -ENOMEM;
	fpu_reset(v->fpu);
	return 0;
}

void vcpu_context_destroy(struct vcpu *v)
{
	spin_lock(&v->d->mm_lock);
	vcpu_drop_gdt(v);
	vcpu_drop_ldt(v);
	spin_unlock(&v->d->mm_lock);
	heap_free_for(v->d, v->fpu);
	heap_free_for(v->d, v->traps);
	v->fpu = NULL;
	v->traps = NULL;
	v->nr_traps = 0;
}

/* Nothing is changed by this one. */
static int context_check(const struct vcpu *v, struct vcpu_guest_context *c)
{
	if (v->initialised)
		return -EBUSY;
	if (!(c->flags & VGCF_in_kernel))
		return -EINVAL; /* a user root is not part of the context */
	if (!canonical(c->user_regs.rip) || !canonical(c->event_callback_eip) ||
	    !canonical(c->failsafe_callback_eip) ||
	    !canonical(c->syscall_callback_eip) || !canonical(c->fs_base) ||
	    !canonical(c->gs_base_kernel) || !canonical(c->gs_base_user))
		return -EINVAL;
	if (c->gdt_ents > 512 * GDT_FRAMES_MAX || c->ldt_ents > 8192)
		return -EINVAL;
	for (unsigned i = 0; i < 8; i++)
		if (i != 4 && i != 5 && i != 6 && i != 7 && c->debugreg[i] &&
		    !guest_range_ok(c->debugreg[i], 8))
			return -EINVAL;
	return 0;
}

static void regs_set(struct vcpu *v, const struct vcpu_guest_context *c)
{
	struct cpu_user_regs *r = &v->regs;

	*r = c->user_regs;
	r->entry_vector = 0;
	r->cs |= 3;
	r->ss |= 3;
	r->rflags = (r->rflags & ~(uint64_t)(RFLAGS_IOPL | RFLAGS_VM |
					     RFLAGS_NT)) |
		    RFLAGS_IF | 2;
	v->iopl = c->user_regs.rflags >> 12 & 3;
	v->kernel_mode = true;
	v->kernel_sp = c->kernel_sp;
	v->kernel_ss = (uint16_t)c->kernel_ss | 3;
	v->fs_base = c->fs_base;
	v->gs_base_kernel = c->gs_base_kernel;
	v->gs_base_user = c->gs_base_user;
}

static void callbacks_set(struct vcpu *v, const struct vcpu_guest_context *c)
{
	v->event_cb.address = c->event_callback_eip;
	v->failsafe_cb.address = c->failsafe_callback_eip;
	v->syscall_cb.address = c->syscall_callback_eip;
	v->failsafe_cb.mask_events = c->flags & VGCF_failsafe_disables_events;
	v->syscall_cb.mask_events = c->flags & VGCF_syscall_disables_events;
}

static int traps_set(struct vcpu *v, const struct vcpu_guest_context *c)
{
	for (unsigned i = 0; i < ARRAY_SIZE(c->trap_ctxt); i++) {
		struct trap_info t = c->trap_ctxt[i];
		int rc;

		if (!t.address)
			continue;
		t.vector = (uint8_t)i; /* by place; the field says the same */
		rc = vcpu_set_trap(v, &t);
		if (rc)
			return rc;
	}
	return 0;
}

int vcpu_set_context(struct vcpu *v, struct vcpu_guest_context *c)
{
	mfn_t frames[GDT_FRAMES_MAX];
	int rc = context_check(v, c);

	if (rc)
		return rc;
	rc = traps_set(v, c);
	if (rc)
		return rc;
	for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
		frames[i] = MFN(c->gdt_frames[i]);
	rc = vcpu_set_gdt(v, frames, c->gdt_ents);
	if (rc)
		return rc;
	rc = mm_set_root(v, MFN(xen_cr3_to_pfn(c->ctrlreg[3])));
	if (rc) {
		vcpu_set_gdt(v, NULL, 0);
		return rc;
	}
	v->ldt_base = c->ldt_base;
	v->ldt_ents = c->ldt_ents;
	regs_set(v, c);
	callbacks_set(v, c);
	for (unsigned i = 0; i < 8; i++)
		if (i < 4 || i > 5)
			vcpu_set_debugreg(v, i, c->debugreg[i]);
	if (c->flags & VGCF_i387_valid)
		memcpy(v->fpu, &c->fpu_ctxt, sizeof(c->fpu_ctxt));
	fpu_sanitize(v->fpu);
	v->initialised = true;
	return 0;
}
