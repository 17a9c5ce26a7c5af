/*
 * sharing_machine.h: the small machine of sharing_test.c: frames, domains, vcpus
 * and their translations, on the host.
 *
 * A vcpu is held up wherever no lock is held and the code may be: then others
 * have their turn.
 */
#ifndef SHARING_MACHINE_H
#define SHARING_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "types.h" /* first: Xen's headers use its integers */

#include <xen/memory.h>

#include "../../xen-core/grant/grant_private.h"
#include "../../xen-core/mm/mm_private.h"

#define NR_FRAMES	64	/* frame 0 is no memory */
#define NR_DOMAINS	3	/* at a time; the first is privileged */
#define NR_VCPUS	2
#define RESERVED	11	/* frames of a new domain: five become tables */
#define MAX_PAGES	14
#define SLOTS		6	/* of each L1 table that are used */
#define NR_REFS		8	/* entries that are used; the first half of them */
#define NR_HONEST	4	/* change only while nobody uses them, in the */
				/* tables of domains with odd numbers */
#define NR_PINS		4	/* of backends at a time */
#define BATCH		4
#define LINK		(PTE_P | PTE_US | PTE_RW)
#define L2_SPAN		(1ul << 21)

/* One translation that the CPU of a vcpu holds. */
struct translation {
	uint64_t pte;		/* 0: none */
	bool foreign;		/* the frame was another's when it was loaded */
};

struct place {
	struct domain *d;	/* NULL: nobody */
	bool killing, killed, reaped;
	struct cpu_info cpu[NR_VCPUS];
	struct translation tlb[NR_VCPUS][2 * SLOTS];
	struct again {		/* a hypercall that goes on at the next turn */
		unsigned nr, n;
		uint64_t args[6];
	} again[NR_VCPUS];
	/* What a vcpu's hypercall has in the guest's memory. */
	union {
		struct gnttab_map_grant_ref map[BATCH];
		struct gnttab_unmap_grant_ref unmap[BATCH];
		struct gnttab_unmap_and_replace replace[BATCH];
		struct gnttab_copy copy[BATCH];
		struct mmu_update update[BATCH];
		struct mmuext_op ext[BATCH];
		struct {
			struct xen_memory_reservation r;
			uint64_t mfns[BATCH];
		} memory;
	} arg[NR_VCPUS];
};

struct pin {
	struct domain *d;	/* NULL: not in use */
	struct page *pg;
	uint32_t ref;
	bool readonly;
};

/* How often something came about: a test of refusals alone is none. */
enum { MAPPED, UNMAPPED, REPLACED, COPIED, FLIPPED, PINNED, POPULATED,
	      DECREASED, STORED, LINKED, FOREIGN, SWAPPED, KILLED, NR_FEATS };

extern struct place places[NR_DOMAINS];
extern struct pin pins[NR_PINS];
extern struct cpu_info *running; /* whose hypercall this is; NULL: nobody's */
extern struct cpu_info *outer;	/* in the middle of whose hypercall that is */
extern bool is_free[NR_FRAMES];
extern unsigned feats[NR_FEATS];

uint32_t below(uint32_t n);
bool honest(uint16_t domid);

struct place *place_of(const struct domain *d);
uint64_t frames_free_count(void);
/* Of d's grant table. */
struct grant_entry_v1 *shared_entry(const struct domain *d, uint32_t ref);
struct active *active_entry(const struct domain *d, uint32_t ref);

void machine_make(void);
void machine_end(void);
void domain_make(struct place *p);
/* dom0 does it; not while a vcpu of it is in the hypervisor. */
void kill_try(struct place *p);
/* All domains end, dom0 last; what they map of each other may keep some. */
void all_ends(void);
void unpin(struct pin *p);

long hypercall(unsigned nr, uint64_t a, uint64_t b, uint64_t c, uint64_t e);

/* ---- sharing_audit.c ---- */

/* What must be true of translations at any time, and of all between two steps. */

void tlb_audit(void);
void audit(void);

/* ---- sharing_test.c ---- */

/* One vcpu does something. */
void turn(void);
/* A granter reads its own table: the next look may find something else. */
void hostile_granter(const volatile void *word);

#endif
