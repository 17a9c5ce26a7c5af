/*
 * grant.h: sharing frames with other domains, version 1 of the table.
 */
#ifndef KIT_GRANT_H
#define KIT_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/grant_table.h>

/*
 * Map the grant table; whoever grants or is granted to calls it first.  Calls
 * after the first do nothing.
 */
void grant_init(void);

/* Let remote map frame mfn; the reference, or -ENOSPC. */
int grant_access(domid_t remote, uint64_t mfn, bool readonly);
/* Once for each reference.  False, with the access still on, while remote has
 * the frame mapped. */
bool grant_end(unsigned int ref);

/* Frames of other domains that this guest maps. */
struct grant_mapping {
	void		*va;		/* NULL: not mapped */
	uint32_t	 handle;
};

/* Map ref of domain remote in the window; 0 or a negative GNTST_*. */
int grant_map(struct grant_mapping *m, domid_t remote, uint32_t ref,
	      bool readonly);
int grant_unmap(struct grant_mapping *m);

/* The table itself, for tests that break the rules: its first frame. */
extern struct grant_entry_v1 *grant_table;
#define GRANT_REFS	(4096 / sizeof(struct grant_entry_v1))

#endif
