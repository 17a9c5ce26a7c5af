/*
 * grant_private.h: between the files of grant/.
 */
#ifndef GRANT_PRIVATE_H
#define GRANT_PRIVATE_H

#include "domain.h"
#include "grant.h"

#include <xen/grant_table.h>

#define ENTRIES_PER_FRAME (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define ACTIVE_BUCKET	32	/* entries in use that are allocated together */
#define MAP_BUCKET	64	/* handles that are allocated together */

/*
 * An entry that is in use: what it said when it was taken.  Nothing that the
 * granter writes later changes who uses which frame.
 */
struct active {			/* L: grant_table->lock, all of it */
	uint32_t frame;
	uint16_t domid;		/* who uses it */
	uint32_t readers;
	uint32_t writers;
};

struct grant_frame {
	struct grant_entry_v1 *entries; /* shared with the guest */
	struct active *active[ENTRIES_PER_FRAME / ACTIVE_BUCKET]; /* L */
};

enum map_state { MAP_FREE, MAP_USED, MAP_BUSY };

/* A grant of another domain that this one maps: a handle's meaning. */
struct map {			/* L of the mapping domain */
	struct domain *granter;	/* with a reference */
	uint64_t va;		/* where, in the mapper's kernel space */
	uint32_t ref;
	uint32_t frame;
	uint8_t	 state;		/* enum map_state; BUSY: being made or ended */
	bool	 readonly;
};

struct map_bucket {
	uint32_t used;		/* not FREE */
	struct map map[MAP_BUCKET];
};

struct maptrack {
	uint32_t hint;		/* no handle below is free */
	struct map_bucket *bucket[MAX_MAPTRACK / MAP_BUCKET]; /* or NULL */
};

struct grant_table {
	struct spinlock lock;
	uint32_t nr_frames;		/* L; only grows */
	uint32_t nr_maps;		/* L */
	uint32_t release_at;		/* progress of grant_release() */
	struct maptrack *maps;		/* L; NULL until the first map */
	struct grant_frame *frame[MAX_GRANT_FRAMES]; /* L */
};

/* ---- grant.c ---- */

/* The table has nr frames from now on, or more: GNTST_okay, or general_error
 * (too many) or no_space. */
int grant_grow(struct domain *d, uint32_t nr);

/*
 * Take entry ref of d in the name of domain as.  The frame comes with a
 * reference, and a writable use unless readonly.  GNTST_*; okay: end it with
 * grant_give_back().
 */
int grant_take(struct domain *d, uint32_t ref, uint16_t as, bool readonly,
	       struct page **pg);
void grant_give_back(struct domain *d, uint32_t ref, bool readonly,
		     struct page *pg);

/* ---- maptrack.c ---- */

/* A new handle for m, which is copied; BUSY until map_ready() or map_end().
 * GNTST_okay or no_space. */
int map_add(struct domain *d, const struct map *m, uint32_t *handle);

/* The handle becomes BUSY, for one caller: GNTST_okay, or bad_handle. */
int map_begin_end(struct domain *d, uint32_t handle, struct map *m);

/* A BUSY one is USED, or FREE. */
void map_ready(struct domain *d, uint32_t handle);
void map_end(struct domain *d, uint32_t handle);

void maptrack_free(struct domain *d);

/* ---- the operations of grant_table_op, on a batch: GNTST in each, 0, -EFAULT
 * or a continuation ---- */
long grant_map_batch(uint64_t arg, unsigned count);
long grant_unmap_batch(uint64_t arg, unsigned count);
long grant_replace_batch(uint64_t arg, unsigned count);
long grant_copy_batch(uint64_t arg, unsigned count);

#endif
