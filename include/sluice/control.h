/*
 * control.h: Sluice's own hypercall, __HYPERVISOR_arch_1.
 *
 * What Xen's public ABI lacks for a hypervisor with its own management domain:
 * making and ending domains, filling their memory, scheduler parameters, time
 * offsets, the frame audit, the machine's power.  Two operations are for every
 * domain (marked "any"); all others are dom0's alone, and -EPERM for the rest.
 *
 *	long rc = hypercall2(__HYPERVISOR_arch_1, SLUICE_CTL_..., &struct);
 *
 * The struct is read once, checked, and written back where a field is marked
 * OUT.  Errors common to all operations: -ENOSYS unknown operation, -EFAULT bad
 * pointer, -EINVAL bad field, -EPERM not dom0, -ESRCH no such domain.
 *
 * All frame numbers are machine frame numbers.  All pointers are guest-virtual
 * addresses as 64-bit numbers, so the layout is the same for every guest width.
 */
#ifndef SLUICE_CONTROL_H
#define SLUICE_CONTROL_H

#ifdef __ASSEMBLY__
#error "control.h has no part for assembly"
#endif

#include <stddef.h>
#include <stdint.h>

#define SLUICE_CONTROL_VERSION	1

/* Operations: the first argument of the hypercall. */
#define SLUICE_CTL_PHYSINFO	0	/* struct sluice_physinfo */
#define SLUICE_CTL_CREATE	1	/* struct sluice_create */
#define SLUICE_CTL_DESTROY	2	/* struct sluice_domid */
#define SLUICE_CTL_PAUSE	3	/* struct sluice_domid */
#define SLUICE_CTL_UNPAUSE	4	/* struct sluice_domid */
#define SLUICE_CTL_GETINFO	5	/* struct sluice_info */
#define SLUICE_CTL_GET_MFNS	6	/* struct sluice_mfns */
#define SLUICE_CTL_WRITE_MEMORY	7	/* struct sluice_write */
#define SLUICE_CTL_SET_VCPU	8	/* struct sluice_vcpu */
#define SLUICE_CTL_SEED_GRANT	9	/* struct sluice_seed_grant */
#define SLUICE_CTL_SET_SCHED	10	/* struct sluice_sched */
#define SLUICE_CTL_GET_SCHED	11	/* struct sluice_sched */
#define SLUICE_CTL_SET_TIME	12	/* struct sluice_time_offset */
#define SLUICE_CTL_AUDIT	13	/* struct sluice_audit */
#define SLUICE_CTL_POWER	14	/* struct sluice_power */
#define SLUICE_CTL_VIRTUAL_TIME	15	/* any: struct sluice_virtual_time */
#define SLUICE_CTL_COUNTERS	16	/* any: struct sluice_counters */
#define SLUICE_CTL_DMESG	17	/* struct sluice_dmesg */

#define SLUICE_NAME_MAX		32	/* bytes of a name, with its NUL */

/*
 * A domain id for operations that need no more.  DESTROY ends the domain at
 * once and gives back every frame, port and grant; it returns when nothing of
 * the domain is left but frames that others still map by grants, which follow
 * as they are unmapped.  PAUSE returns when no vcpu of the domain runs.  Pauses
 * do not nest: a domain is created paused and runs from its UNPAUSE on.
 */
struct sluice_domid {
	uint32_t domid;
	uint32_t pad;		/* 0 */
};

struct sluice_physinfo {
	uint32_t version;	/* OUT: SLUICE_CONTROL_VERSION */
	uint32_t nr_cpus;	/* OUT: online */
	uint64_t total_pages;	/* OUT: RAM of the machine */
	uint64_t free_pages;	/* OUT: not given to any domain or to the hypervisor */
	uint64_t hv_pages;	/* OUT: held by the hypervisor: image, heap, tables */
	uint64_t heap_bytes;	/* OUT: heap in use now; per-domain state lies here */
	uint64_t tsc_khz;	/* OUT */
	uint64_t boot_tsc;	/* OUT: TSC at the hypervisor's first instruction */
	uint64_t irqs_off_max_ns; /* OUT: longest time with interrupts off since the last call */
	uint32_t nr_domains;	/* OUT: dom0 and dying ones included */
	uint32_t max_domains;	/* OUT */
};

/*
 * Make a domain of nr_pages frames, all reserved now (-ENOMEM and no domain
 * where there is less).  It starts paused, with no context and zeroed memory.
 * Its frames, in the order of GET_MFNS, have m2p entries 0, 1, 2 ...
 */
struct sluice_create {
	char	 name[SLUICE_NAME_MAX];	/* [a-z0-9_.-]+, NUL-padded; -EEXIST if taken */
	uint64_t nr_pages;	/* 1 up to what is free */
	uint64_t max_pages;	/* ceiling for populate_physmap; >= nr_pages */
	uint32_t nr_vcpus;	/* 1 to 32 */
	uint32_t flags;		/* 0 */
	uint32_t domid;		/* OUT: 1 up; not again before 32,751 others were made */
	uint32_t pad;
	uint64_t shared_info_mfn; /* OUT: start_info wants it as an address */
};

/* States of a domain, a bit each. */
#define SLUICE_DOM_RUNNING	(1u << 0)	/* a vcpu is on a CPU or wants one */
#define SLUICE_DOM_BLOCKED	(1u << 1)	/* every online vcpu sleeps */
#define SLUICE_DOM_PAUSED	(1u << 2)
#define SLUICE_DOM_SHUTDOWN	(1u << 3)	/* ended by itself; see reason */
#define SLUICE_DOM_DYING	(1u << 4)	/* destroyed, frames still mapped elsewhere */

struct sluice_info {
	uint32_t domid;		/* IN: the first domain with an id >= this */
	uint32_t state;		/* OUT: SLUICE_DOM_* */
	char	 name[SLUICE_NAME_MAX];	/* OUT */
	uint32_t shutdown_reason; /* OUT: SHUTDOWN_* of xen/sched.h; valid with the bit */
	uint32_t nr_vcpus;	/* OUT */
	uint32_t online_vcpus;	/* OUT */
	uint32_t found;		/* OUT: the domain's id (domid of the answer) */
	uint64_t tot_pages;	/* OUT */
	uint64_t max_pages;	/* OUT */
	uint64_t shared_info_mfn; /* OUT */
	uint64_t cpu_time_ns;	/* OUT: all vcpus */
	uint64_t hypercalls;	/* OUT */
	uint64_t heap_bytes;	/* OUT: hypervisor memory held for this domain */
	uint64_t evtchn_ports;	/* OUT: in use */
	uint64_t grant_maps;	/* OUT: grants of others that this domain maps */
};

/* The frames of a domain in order of creation: pfn first .. first + count - 1. */
struct sluice_mfns {
	uint32_t domid;
	uint32_t pad;
	uint64_t first;		/* pfn */
	uint64_t count;		/* IN: wanted; OUT: written */
	uint64_t mfns;		/* pointer to uint64_t[count] */
};

/*
 * Copy nr_pages pages from dom0's memory into frames of a domain that has not
 * run yet (-EBUSY else).  Every frame must be the domain's own and of no type
 * (-EINVAL).  done tells how many were written when an error stops it.
 */
struct sluice_write {
	uint32_t domid;
	uint32_t pad;
	uint64_t nr_pages;
	uint64_t mfns;		/* pointer to const uint64_t[nr_pages] */
	uint64_t data;		/* pointer to nr_pages * 4096 bytes */
	uint64_t done;		/* OUT */
};

/*
 * Set the context of a vcpu that is not up: ctxt points to a struct
 * vcpu_guest_context of xen/xen.h.  ctrlreg[3] must be a pinned root
 * (MMUEXT_PIN_L4_TABLE with the domain as foreigndom).  Vcpu 0 is up from
 * then on; it runs once the domain is unpaused.
 */
struct sluice_vcpu {
	uint32_t domid;
	uint32_t vcpu;
	uint64_t ctxt;
};

/*
 * Write entry ref of the domain's grant table (v1): access to frame for domain
 * to.  For the console and xenstore rings, before the domain first runs.
 */
struct sluice_seed_grant {
	uint32_t domid;
	uint32_t ref;		/* below the first frame's 512 entries */
	uint64_t frame;		/* the domain's own */
	uint32_t to;
	uint32_t pad;
};

/*
 * Borrowed Virtual Time (Duda and Cheriton, SOSP 1999).  A domain's share of a
 * contended CPU is weight / sum of weights.  A domain with warp on may run
 * ahead by warp_ns of virtual time for at most warp_limit_ns at a stretch (0:
 * no limit), and after that must stay unwarped for unwarp_ns.
 */
struct sluice_sched {
	uint32_t domid;
	uint32_t weight;	/* 1 to 65535; 256 is the default */
	uint32_t warp_on;	/* 0 or 1 */
	uint32_t pad;
	uint64_t warp_ns;
	uint64_t warp_limit_ns;
	uint64_t unwarp_ns;
	uint64_t slice_ns;	/* context-switch allowance of the machine; domid 0 sets it, 0 keeps it */
};

/* Wall-clock offset of a domain: zone and daylight saving, in seconds. */
struct sluice_time_offset {
	uint32_t domid;
	uint32_t pad;
	int64_t	 offset_s;
};

/*
 * Walk the frame table and every page table that is in use, count references
 * and types anew, and compare.  Each difference is a line on the console.
 * -ENOSYS in a release build.  The other domains stand still meanwhile.
 */
struct sluice_audit {
	uint64_t errors;	/* OUT: 0 is what it must be */
	uint64_t frames;	/* OUT: frames looked at */
};

#define SLUICE_POWER_OFF	0
#define SLUICE_POWER_REBOOT	1

struct sluice_power {
	uint32_t action;	/* SLUICE_POWER_* */
	uint32_t status;	/* for an emulator with an exit device: its exit status, 0 to 127 */
};

/*
 * The virtual time of the calling vcpu: it advances only while the vcpu runs.
 * With alarm_ns other than 0, VIRQ_SLUICE_VTIMER is raised once that time is
 * reached; it takes the place of an alarm set before.
 */
struct sluice_virtual_time {
	uint64_t now_ns;	/* OUT */
	uint64_t alarm_ns;	/* absolute virtual time; 0: none; ~0: leave as it is */
};
#define VIRQ_SLUICE_VTIMER	16	/* VIRQ_ARCH_0 of xen/xen.h: per vcpu */

/* Counters of the caller, for benchmarks and tests. */
struct sluice_counters {
	uint64_t page_faults;	/* OUT: bounced to the guest */
	uint64_t ptwr;		/* OUT: page-table stores emulated */
	uint64_t tlb_flushes;	/* OUT: on the machine */
	uint64_t tlb_ipis;	/* OUT: on the machine */
	uint64_t ctx_switches;	/* OUT: on the machine */
	uint64_t upcalls;	/* OUT: event upcalls delivered to the caller */
};

/* Bytes of the hypervisor's log ring from position pos on. */
struct sluice_dmesg {
	uint64_t pos;		/* IN: from; OUT: where the next call goes on */
	uint64_t buf;		/* pointer to char[len] */
	uint64_t len;		/* IN: room; OUT: bytes written */
	uint64_t lost;		/* OUT: bytes that were overwritten before pos */
};

/*
 * What dom0 finds at start_info.mod_start (a virtual address, mod_len bytes):
 * one page with this header, then the boot modules, each at a page boundary.
 * The pages are dom0's own memory and mapped; dom0 may give them back with
 * XENMEM_decrease_reservation when it has read them.
 */
#define SLUICE_MODULES_MAGIC	0x736c6d6fu
#define SLUICE_MODULES_MAX	126
#define SLUICE_MODULE_LINE_MAX	4096	/* bytes of a GRUB line, with its NUL */

struct sluice_module {
	uint64_t offset;	/* of its first byte from mod_start; page aligned */
	uint64_t size;		/* bytes */
	uint32_t line;		/* offset of its GRUB line from the header's end, NUL-ended */
	uint32_t pad;
};

struct sluice_modules {
	uint32_t magic;		/* SLUICE_MODULES_MAGIC */
	uint32_t count;		/* <= SLUICE_MODULES_MAX; dom0's own image is not among them */
	uint32_t lines;		/* offset of the lines from mod_start */
	uint32_t size;		/* bytes of the header with the lines; modules start at the next page */
	struct sluice_module mod[];
};

_Static_assert(sizeof(struct sluice_domid) == 8, "control v1");
_Static_assert(sizeof(struct sluice_physinfo) == 72, "control v1");
_Static_assert(sizeof(struct sluice_create) == 72, "control v1");
_Static_assert(offsetof(struct sluice_create, shared_info_mfn) == 64, "control v1");
_Static_assert(sizeof(struct sluice_info) == 120, "control v1");
_Static_assert(sizeof(struct sluice_mfns) == 32, "control v1");
_Static_assert(sizeof(struct sluice_write) == 40, "control v1");
_Static_assert(sizeof(struct sluice_vcpu) == 16, "control v1");
_Static_assert(sizeof(struct sluice_seed_grant) == 24, "control v1");
_Static_assert(sizeof(struct sluice_sched) == 48, "control v1");
_Static_assert(sizeof(struct sluice_time_offset) == 16, "control v1");
_Static_assert(sizeof(struct sluice_audit) == 16, "control v1");
_Static_assert(sizeof(struct sluice_power) == 8, "control v1");
_Static_assert(sizeof(struct sluice_virtual_time) == 16, "control v1");
_Static_assert(sizeof(struct sluice_counters) == 48, "control v1");
_Static_assert(sizeof(struct sluice_dmesg) == 32, "control v1");
_Static_assert(sizeof(struct sluice_module) == 24, "control v1");
_Static_assert(sizeof(struct sluice_modules) == 16, "control v1");

#endif
