/*
 * maptrack.c: handles: which grants of others a domain maps, and where.
 *
 * A handle is an index, the lowest that is free; buckets come and go with their
 * handles.  It says exactly which mapping it stands for, so that ending one cannot
 * drop another's references; BUSY keeps others off while one vcpu makes or ends
 * it.
 */
#include "grant_private.h"
#include "heap.h"
#include "hypercall.h"
#include "nospec.h"

#define RELEASE_STEP	64	/* handles between two looks at other work */

/* The lock is held.  NULL: no such handle is in use. */
static struct map *map_of(struct maptrack *t, uint32_t handle)
{
	struct map_bucket *b;

	if (!t || handle >= MAX_MAPTRACK)
		return NULL;
	handle = (uint32_t)index_nospec(handle, MAX_MAPTRACK);
	b = t->bucket[handle / MAP_BUCKET];
	return b ? &b->map[handle % MAP_BUCKET] : NULL;
}

/* The lowest free handle, in a bucket that is there; or MAX_MAPTRACK. */
static uint32_t handle_find(struct domain *d, struct maptrack *t)
{
	uint32_t h;

	for (h = t->hint; h < MAX_MAPTRACK; h++) {
		struct map_bucket **b = &t->bucket[h / MAP_BUCKET];

		if (!*b)
			*b = heap_alloc_for(d, sizeof(**b));
		if (!*b)
			return MAX_MAPTRACK;
		if ((*b)->map[h % MAP_BUCKET].state == MAP_FREE)
			return h;
	}
	return MAX_MAPTRACK;
}

/* The lock is held. */
static struct maptrack *track_get(struct domain *d)
{
	if (!d->grants->maps)
		d->grants->maps = heap_alloc_for(d, sizeof(struct maptrack));
	return d->grants->maps;
}

static int add_locked(struct domain *d, struct maptrack *t, const struct map *m,
		      uint32_t *handle)
{
	uint32_t h = handle_find(d, t);

	if (h == MAX_MAPTRACK)
		return GNTST_no_space;
	*map_of(t, h) = *m;
	map_of(t, h)->state = MAP_BUSY;
	t->bucket[h / MAP_BUCKET]->used++;
	t->hint = h + 1;
	d->grants->nr_maps++;
	*handle = h;
	return GNTST_okay;
}

int map_add(struct domain *d, const struct map *m, uint32_t *handle)
{
	struct grant_table *gt = d->grants;
	struct maptrack *t;
	int rc;

	spin_lock(&gt->lock);
	t = track_get(d);
	rc = t ? add_locked(d, t, m, handle) : GNTST_no_space;
	spin_unlock(&gt->lock);
	return rc;
}

int map_begin_end(struct domain *d, uint32_t handle, struct map *m)
{
	struct grant_table *gt = d->grants;
	int rc = GNTST_bad_handle;
	struct map *found;

	spin_lock(&gt->lock);
	found = map_of(gt->maps, handle);
	if (found && found->state == MAP_USED) {
		found->state = MAP_BUSY;
		*m = *found;
		rc = GNTST_okay;
	}
	spin_unlock(&gt->lock);
	return rc;
}

/* Only for a handle that its caller made BUSY; the lock is held. */
static struct map *busy_of(struct grant_table *gt, uint32_t handle)
{
	struct map *m = map_of(gt->maps, handle);

	CHECK(m && m->state == MAP_BUSY);
	return m;
}

void map_ready(struct domain *d, uint32_t handle)
{
	spin_lock(&d->grants->lock);
	busy_of(d->grants, handle)->state = MAP_USED;
	spin_unlock(&d->grants->lock);
}

void map_end(struct domain *d, uint32_t handle)
{
	struct grant_table *gt = d->grants;
	struct map_bucket **b;

	spin_lock(&gt->lock);
	*busy_of(gt, handle) = (struct map){ .state = MAP_FREE };
	gt->nr_maps--;
	gt->maps->hint = MIN(gt->maps->hint, handle);
	b = &gt->maps->bucket[handle / MAP_BUCKET];
	if (--(*b)->used == 0) {
		heap_free_for(d, *b);
		*b = NULL;
	}
	spin_unlock(&gt->lock);
}

/* The mapper is gone: its page tables are not looked at. */
static void map_drop(struct domain *d, uint32_t handle)
{
	struct map m;

	if (map_begin_end(d, handle, &m) != GNTST_okay)
		return;
	grant_give_back(m.granter, m.ref, m.readonly, page_of(MFN(m.frame)));
	map_end(d, handle);
	domain_put(m.granter);
}

int grant_release(struct domain *d)
{
	struct grant_table *gt = d->grants;

	while (gt->nr_maps) {
		map_drop(d, gt->release_at++);
		if (gt->release_at % RELEASE_STEP == 0 && hypercall_preempt())
			return -ERESTART;
	}
	return 0;
}

void maptrack_free(struct domain *d)
{
	struct maptrack *t = d->grants->maps;
	uint32_t i;

	for (i = 0; t && i < ARRAY_SIZE(t->bucket); i++)
		heap_free_for(d, t->bucket[i]);
	heap_free_for(d, t);
}
