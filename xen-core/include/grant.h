/*
 * grant.h: grant tables, version 1 (xen/grant_table.h).
 *
 * The granter writes entries in frames that the hypervisor shares with it; a
 * mapper names an entry and gets a handle.  An entry in use is copied when it
 * is taken: later changes by the granter change nothing.
 */
#ifndef GRANT_H
#define GRANT_H

#include "page.h"
#include "types.h"

struct domain;

/*
 * Domain creation and its end.  release: all mappings that d holds of others
 * are dropped; no CPU can use d's page tables any more, and their translations
 * are flushed; 0 or -ERESTART.  free: with the last reference, when nobody maps
 * d's frames any more.
 */
int grant_init(struct domain *d);
int grant_release(struct domain *d);
void grant_free(struct domain *d);

/* Write entry ref of d's table: frame for domain to (control operation). */
int grant_seed(struct domain *d, uint32_t ref, mfn_t frame, uint16_t to);

/*
 * For backends in the hypervisor (netback, blkback): take entry ref of d for
 * use by the hypervisor itself in the name of domain as.  Gives the frame with
 * a reference and, unless readonly, a writable use held.  0, -EINVAL bad entry,
 * -EPERM not granted to as or not writable.  Any context, takes the table lock.
 */
int grant_pin(struct domain *d, uint32_t ref, uint16_t as, bool readonly,
	      struct page **pg);
void grant_unpin(struct domain *d, uint32_t ref, bool readonly,
		 struct page *pg);

/* Tell mm/audit.c what entries of d's table in use hold; no vcpu runs. */
void grant_audit(const struct domain *d);

/* Grants of others that d maps, for GETINFO. */
uint64_t grant_maps(const struct domain *d);

/* grant_table_op: may return a continuation, see hypercall.h. */
long do_grant_table_op(unsigned cmd, uint64_t arg, unsigned count);

#endif
