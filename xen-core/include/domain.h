/*
 * domain.h: domains and vcpus.
 *
 * A domain is found by its id with domain_get(), which takes a reference, and
 * is freed by the last domain_put().  Its life: created (paused), running,
 * perhaps shut down by itself, then killed (dying), then freed once no frame
 * of it is mapped by others.  A field says who guards it:
 *
 *	I fixed after creation		M domain->mm_lock
 *	E domain->evtchn_lock		S the scheduler's lock of the vcpu's CPU
 *	A atomic			O the vcpu itself, or anyone while it is paused
 */
#ifndef DOMAIN_H
#define DOMAIN_H

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/xen.h>
#include <xen/vcpu.h>

#include "event.h"
#include "page.h"
#include "percpu.h"
#include "sched.h"
#include "spinlock.h"
#include "time.h"

struct grant_table;

/* A guest's handler for an exception vector. */
struct guest_trap {
	uint64_t address;	/* 0: none */
	uint16_t cs;
	uint8_t	 flags;		/* bits 0-1: lowest privilege of INT; bit 2: mask events */
};

struct guest_callback {
	uint64_t address;	/* 0: none */
	bool	 mask_events;
};

#define GDT_FRAMES_MAX	14
#define NOT_LOADED	(~0u)

struct vcpu {
	struct domain *d;		/* I; the idle domain for idle vcpus */
	uint32_t id;			/* I */
	bool initialised;		/* O: a context was set */

	/* Registers while the vcpu is not on a CPU; else in cpu_info. */
	struct cpu_user_regs regs;	/* O */
	uint64_t fs_base;		/* O */
	uint64_t gs_base_kernel;	/* O: GS base in guest kernel mode */
	uint64_t gs_base_user;		/* O */
	void *fpu;			/* I: FXSAVE area */
	uint32_t loaded_on;		/* A: CPU that has FPU, segments, root; */
					/* NOT_LOADED: they are in here */
	uint32_t flushed_on;		/* O: where its flushes of one CPU alone */
					/* went: it was loaded there last */
	uint64_t dr[8];			/* O: DR0-3, DR6, DR7 */

	/* Modes and the address space. */
	bool kernel_mode;		/* O: guest kernel, not guest user */
	bool runstate_late;		/* O: time.h; to be written at the next */
					/* entry into kernel mode */
	mfn_t root_kernel;		/* O: kernel L4, a typed reference */
	mfn_t root_user;		/* O: user L4 likewise, or MFN_NONE */
	struct page *old_table;		/* M: unhooked, its use being dropped */
	uint64_t kernel_sp;		/* O: stack_switch */
	uint16_t kernel_ss;
	uint8_t	 iopl;			/* O: as set by physdev_op */
	bool	 ts;			/* O: guest's CR0.TS */
	uint64_t cr4;			/* O: guest's view */
	bool	 nmi_pending;		/* A */
	bool	 nmi_masked;		/* O: in its handler, until iret */
	bool	 nmi_again;		/* O: one came meanwhile */

	/* Exceptions and callbacks. */
	struct guest_trap *traps;	/* O: indexed by vector; nr_traps of them */
	uint32_t nr_traps;
	struct guest_callback event_cb, failsafe_cb, syscall_cb,
		syscall32_cb, sysenter_cb, nmi_cb; /* O */

	/* Descriptor tables: frames with a PGT_SEG use each. */
	mfn_t gdt_frames[GDT_FRAMES_MAX]; /* O */
	uint32_t gdt_ents;
	uint64_t ldt_base;		/* O: guest virtual */
	uint32_t ldt_ents;
	mfn_t ldt_frames[16];		/* O: those in use, with a PGT_SEG use each */

	struct vcpu_sched sched;	/* sched.h says */
	struct vcpu_time time;		/* time.h says */
	struct vcpu_event event;	/* event.h says */

	uint64_t hypercalls;		/* O */
	uint64_t page_faults;		/* O: bounced */
	uint64_t ptwr;			/* O */
	uint64_t upcalls;		/* O */
};

#define ENDED	0x100		/* that it has and why is one word: read at once */

struct domain {
	uint16_t domid;			/* I */
	bool privileged;		/* I: dom0 */
	bool started;			/* A: has run */
	char name[32];			/* I */
	uint32_t refs;			/* A: domain_get */
	uint32_t nr_vcpus;		/* I */
	struct vcpu *vcpu[MAX_VCPUS];	/* I */

	bool paused_by_control;		/* setup_lock */
	uint16_t ended;			/* A: 0, or ENDED | SHUTDOWN_*: by itself */
	bool created;			/* domains_lock: complete */
	bool dying;			/* A: set under domains_lock */
	bool killing;			/* A: a CPU is in domain_kill() */
	bool killed;			/* A: all but mapped frames are gone */
	bool reaped;			/* A: and those, too */
	struct spinlock setup_lock;	/* vcpus getting a context, up, down, */
					/* paused by control */

	struct shared_info *shared;	/* I: its page, in the direct map */

	/* Memory. */
	struct spinlock mm_lock;	/* page-table roles and updates */
	struct spinlock page_list_lock;
	uint32_t page_list;		/* page_list_lock: first mfn, or 0 */
	uint64_t tot_pages;		/* page_list_lock */
	uint64_t max_pages;		/* I */
	uint32_t unwind_at;		/* M: progress of mm_relinquish() */
	bool unwound;			/* M */
	uint64_t dirty_cpus;		/* A: CPUs that may hold its translations */
	uint32_t vm_assist;		/* A: bits VMASST_TYPE_* */
	int64_t time_offset_s;		/* A: wall clock */

	struct domain_event event;	/* event.h says */
	struct grant_table *grants;	/* I: grant.h */
	struct console_line *console;	/* O: hypercall/console.c; or NULL */

	uint64_t heap_bytes;		/* A: heap_alloc_for() */
	struct domain *next;		/* domains_lock: all domains by id */
	uint64_t log_window, log_lines, log_lost; /* log lock: rate of log_guest() */
};

#define domain_for_each_vcpu(d, v, i) \
	for ((i) = 0; (i) < (d)->nr_vcpus; (i)++) \
		if (((v) = (d)->vcpu[i]) != NULL)

extern struct spinlock domains_lock;
extern struct domain *domains;	/* domains_lock */
extern struct domain *dom0;
extern struct domain idle_domain;

/*
 * Make a domain with nr_vcpus (down) and no memory yet; it is in the list and
 * paused by control.  The first is dom0.  0; -EINVAL name, vcpus or pages out
 * of range; -EEXIST the name is taken; -ENOMEM; -ENOSPC no id or place is left.
 */
int domain_create(const char *name, uint32_t nr_vcpus, uint64_t max_pages,
		  bool privileged, struct domain **out);

/*
 * End it: stop its vcpus, close ports, drop grants, give back memory.  The
 * caller holds a reference.  0 when done, also when it was done before;
 * -ERESTART: call again.  Not for the caller's own domain.
 */
int domain_kill(struct domain *d);

/* At boot, by a backend: fn(d) is called when d ends: its vcpus run no more, and
 * ports, grants and frames are still there.  No lock held. */
void domain_on_dying(void (*fn)(struct domain *d));

/* Let go of killed domains whose last frames others have unmapped meanwhile.
 * No lock held. */
void domains_reap(void);

/* Build dom0 from the image that GRUB loaded (domain/dom0_build.c); panics
 * with one clear line when it cannot.  All but the first module are what dom0
 * finds at mod_start. */
struct boot_modules;
void dom0_build(const struct boot_modules *modules);

/*
 * References.  With one held, struct domain and what hangs on it exist; with
 * none it is freed.  The put may be the last one, so no lock may be held.
 *
 * domain_get:  NULL if there is none or it is dying.  DOMID_SELF is the caller's.
 * domain_find: the first with an id >= domid, dying ones included, or NULL.
 * domain_hold: one more, where the caller knows that there is one.
 */
struct domain *domain_get(uint16_t domid);
struct domain *domain_find(uint16_t domid);
void domain_hold(struct domain *d);
void domain_put(struct domain *d);
uint32_t domain_count(void);

/* The domain with that id, dying ones included, without a reference and without
 * a lock: for a caller that knows that it exists, as it holds one of its frames. */
struct domain *domain_of(uint16_t domid);

/* PAUSE and UNPAUSE of control.h.  Not for the caller's own domain. */
void domain_control_pause(struct domain *d);
void domain_control_unpause(struct domain *d);

/* Stop a domain that broke a rule; it says why on the console.  The vcpu that
 * causes it does not return to the guest.  Any context with no lock held. */
void domain_crash(struct domain *d, const char *fmt, ...) printf_like(2, 3);

/* The guest's own end, for SCHEDOP_shutdown: dom0 gets VIRQ_DOM_EXC.  The end
 * of dom0 is the end of the machine. */
void domain_shutdown(struct domain *d, uint8_t reason);

/* vcpu_op, xen/vcpu.h; returns what the guest gets. */
long do_vcpu_op(unsigned cmd, unsigned vcpu_id, uint64_t arg);

#endif
