/*
 * switch.c: from one vcpu to another.
 *
 * General registers are copied between the frame at the top of the stack and
 * struct vcpu at every switch.  The rest (FPU, segments, debug registers, the
 * root, the descriptor window) stays in the CPU when the idle vcpu takes over:
 * cpu->loaded says whose it is, vcpu->loaded_on says where.  It is saved when
 * another vcpu comes, or when the vcpu is wanted elsewhere (cpu_sync).
 */
#include "check.h"
#include "cpu.h"
#include "cpu_private.h"
#include "domain.h"
#include "entry.h"
#include "io.h"
#include "lib.h"
#include "mm.h"
#include "mm_private.h"
#include "platform.h"

static void regs_copy(struct cpu_user_regs *to, const struct cpu_user_regs *from)
{
	/* The selectors behind ss are kept by segments_save(). */
	memcpy(to, from, offsetof(struct cpu_user_regs, es));
}

static void segments_save(struct vcpu *v)
{
	uint64_t active = rdmsr(MSR_GS_BASE), other = rdmsr(MSR_KERNEL_GS_BASE);

	asm volatile("mov %%ds, %0" : "=m"(v->regs.ds));
	asm volatile("mov %%es, %0" : "=m"(v->regs.es));
	asm volatile("mov %%fs, %0" : "=m"(v->regs.fs));
	asm volatile("mov %%gs, %0" : "=m"(v->regs.gs));
	v->fs_base = rdmsr(MSR_FS_BASE);
	v->gs_base_kernel = v->kernel_mode ? active : other;
	v->gs_base_user = v->kernel_mode ? other : active;
}

/* True when every selector loaded; those that did not are null now. */
static bool segments_load(struct vcpu *v)
{
	int bad = load_ds(v->regs.ds);

	bad |= load_es(v->regs.es);
	bad |= load_fs(v->regs.fs);
	bad |= load_gs(v->regs.gs);
	wrmsr(MSR_FS_BASE, v->fs_base);
	wrmsr(MSR_GS_BASE, v->kernel_mode ? v->gs_base_kernel : v->gs_base_user);
	wrmsr(MSR_KERNEL_GS_BASE,
	      v->kernel_mode ? v->gs_base_user : v->gs_base_kernel);
	return !bad;
}

static void unload(struct cpu *c)
{
	struct vcpu *v = c->loaded;

	segments_save(v);
	debugreg_save(v);
	fpu_save(v->fpu);
	v->loaded_on = NOT_LOADED;
	c->loaded = NULL;
}

static void dirty_clear(struct domain *d, const struct cpu *c)
{
	__atomic_fetch_and(&d->dirty_cpus, ~(1ull << c->id), __ATOMIC_RELEASE);
}

/* Interrupts off.  A failed selector becomes the guest's failsafe callback,
 * once its frame is in place. */
static bool load(struct cpu *c, struct vcpu *v)
{
	mfn_t root = v->kernel_mode ? v->root_kernel : v->root_user;
	struct domain *before = c->loaded ? c->loaded->d : NULL;
	bool ok;

	if (c->loaded)
		unload(c);
	__atomic_fetch_or(&v->d->dirty_cpus, 1ull << c->id, __ATOMIC_ACQ_REL);
	/* The same root, in here for another vcpu, may have translations that v
	 * flushed elsewhere: for itself alone where it ran. */
	if (read_cr3() != root.n << PAGE_SHIFT || v->flushed_on != c->id)
		tlb_load_root(root);
	v->flushed_on = c->id;
	if (before && before != v->d)
		dirty_clear(before, c);
	window_load(v);
	ok = segments_load(v);
	debugreg_load(v);
	fpu_restore(v->fpu);
	if (v->ts) {
		uint64_t cr0 = read_cr0() | 8;

		write_cr0(cr0);
	}
	c->loaded = v;
	v->loaded_on = c->id;
	return ok;
}

void cpu_switch(struct vcpu *prev, struct vcpu *next)
{
	struct cpu *c = this_cpu();
	bool ok = true;

	ASSERT(!irqs_enabled());
	if (prev != c->idle)
		regs_copy(&prev->regs, guest_regs());

	if (next == c->idle) {
		cpu_info()->vcpu = next;
		sched_switch_done(prev);
		cpu_reset_stack(idle_loop);
	}
	if (next->loaded_on != NOT_LOADED && next->loaded_on != c->id) {
		/* Interrupts on while we wait: the other CPU may want ours. */
		irq_enable();
		cpu_sync(next);
		irq_disable();
	}
	cpu_info()->vcpu = next;
	if (c->loaded != next)
		ok = load(c, next);
	regs_copy(guest_regs(), &next->regs);
	sched_switch_done(prev);
	if (!ok)
		segments_failed(guest_regs(), &next->regs);
	runstate_publish(next);
	irqs_off_end();
	cpu_resume_guest();
}

/* On the CPU that has v loaded, interrupts off. */
static void sync_here(void *arg)
{
	struct vcpu *v = arg;
	struct cpu *c = this_cpu();

	if (c->loaded != v || current == v)
		return;
	unload(c);
	tlb_load_root(tlb_idle_root());
	dirty_clear(v->d, c);
}

void cpu_sync(struct vcpu *v)
{
	uint32_t cpu = READ_ONCE(v->loaded_on);

	if (cpu == NOT_LOADED)
		return;
	if (cpu == this_cpu_id()) {
		uint64_t flags = irq_save();

		sync_here(v);
		irq_restore(flags);
	} else {
		cpus_call(1ull << cpu, sync_here, v);
	}
}
