/*
 * vcpu.h: the vcpu that runs this code, and how to start others.
 */
#ifndef KIT_VCPU_H
#define KIT_VCPU_H

#include <stdint.h>

#include <xen/xen.h>

#define VCPUS_MAX	XEN_LEGACY_MAX_VCPUS

struct vcpu {			/* GS_BASE of the guest kernel points here */
	struct vcpu	*self;		/* offset 0: this_vcpu() reads it */
	uint64_t	 recover_sp;	/* offset 8: of trap_try(); 0: none */
	unsigned int	 id;
	struct vcpu_info *info;
	void		*stack_top;	/* where traps from user mode start */
	void		(*start)(void *arg);
	void		*arg;
};

static inline struct vcpu *this_vcpu(void)
{
	struct vcpu *v;

	asm volatile("mov %%gs:0, %0" : "=r"(v));
	return v;
}

/* Called once on each vcpu, before anything else there. */
void vcpu_init(unsigned int id, void *stack_top);

/*
 * Bring up vcpu id with fn(arg) on a stack of its own, events masked.  When
 * fn returns, the vcpu goes down.  0 or what VCPUOP_initialise and _up say.
 */
int vcpu_start(unsigned int id, void (*fn)(void *arg), void *arg);

#endif
