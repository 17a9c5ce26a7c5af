/*
 * ldt.c: LDT pages that change while selectors of them are loaded.
 *
 * Two vcpus set tables, use them, become switched away with their selectors
 * loaded, and make the pages writable again meanwhile.  The hypervisor loads
 * those selectors with interrupts off and may not wait for the other vcpu then.
 */
#include <stdint.h>

#include "hostile/hostile.h"
#include "kit/check.h"
#include "kit/hypercall.h"
#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/trap.h"
#include "kit/vcpu.h"

#define LDT_PAGES	2
#define ENTS_PAGE	(PAGE_SIZE / 8)
#define DATA_RING3	0x00cff3000000ffffull	/* flat, present, DPL 3 */
#define SELECTOR(i)	((uint16_t)((i) << 3 | 7)) /* of the LDT, RPL 3 */

static uint64_t *ldt;		/* LDT_PAGES pages in a row */

static long set_ldt(const void *base, unsigned int ents)
{
	struct mmuext_op op = { .cmd = MMUEXT_SET_LDT };

	op.arg1.linear_addr = (unsigned long)base;
	op.arg2.nr_ents = ents;
	return hypercall4(__HYPERVISOR_mmuext_op, &op, 1, NULL, DOMID_SELF);
}

static void selectors_load(uint16_t sel)
{
	asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs" : : "r"(sel));
}

static void selectors_null(void *arg)
{
	selectors_load(0);
}

/* Load from a page, and go to sleep with it. */
static void use(void *arg)
{
	unsigned int i = random_below(LDT_PAGES * ENTS_PAGE);

	set_ldt(ldt, random_below(4) ? LDT_PAGES * ENTS_PAGE : 0);
	selectors_load(SELECTOR(i));
	for (unsigned int n = random_below(4); n > 0; n--)
		hypercall2(__HYPERVISOR_sched_op, 0 /* yield */, NULL);
	selectors_load(0);
}

/* The pages become plain memory, and read-only again. */
static void change(void *arg)
{
	uint64_t *page = ldt + random_below(LDT_PAGES) * ENTS_PAGE;

	if (random_below(2))
		set_ldt(NULL, 0);
	if (!page_unprotect(page))
		page[random_below(ENTS_PAGE)] =
			random_below(8) ? DATA_RING3 : random64();
	page_protect(page);
	set_ldt(page, ENTS_PAGE);
}

void attack_ldt(void)
{
	ldt = pages_alloc(LDT_PAGES);
	for (unsigned int i = 0; i < LDT_PAGES * ENTS_PAGE; i++)
		ldt[i] = DATA_RING3;
	for (unsigned int i = 0; i < LDT_PAGES; i++)
		page_protect(ldt + i * ENTS_PAGE);

	check("an LDT of read-only pages", set_ldt(ldt, 2 * ENTS_PAGE), 0);
	selectors_load(SELECTOR(ENTS_PAGE + 3));
	check("its page is not to be written any more",
	      page_unprotect(ldt + ENTS_PAGE) != 0, 1);
	check("another takes its place with selectors loaded",
	      set_ldt(ldt, ENTS_PAGE), 0);
	trap_try(selectors_null, NULL, NULL);
	check("and the page is free again", page_unprotect(ldt + ENTS_PAGE), 0);
	page_protect(ldt + ENTS_PAGE);

	race(use, change, 3000);
	trap_try(selectors_null, NULL, NULL);
	check("at the end there is none", set_ldt(NULL, 0), 0);
}
