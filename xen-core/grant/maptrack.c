/*
 * maptrack.c: handles: which grants of others a domain maps, and where.
 *
 * A handle is an index, allocated lowest bucket first and reused from a free
 * list.  It says exactly which mapping it stands for, so that ending one cannot
 * drop another's references; BUSY keeps others off while one vcpu makes or ends
 * it.
 */
#include "grant_private.h"
#include "heap.h"
#include "hypercall.h"
#include "nospec.h"

#define RELEASE_STEP	64	/* handles between two looks at other work */

/* The lock is held.  NULL: no such handle was ever given. */
static struct map *map_of(struct maptrack *t, uint32_t handle)
{
	if (!t || handle >= t->nr_buckets * MAP_BUCKET)
		return NULL;
	handle = (uint32_t)index_nospec(handle, MAX_MAPTRACK);
	return &t->bucket[handle / MAP_BUCKET][handle % MAP_BUCKET];
}

/* Another bucket of free handles, the lowest first. */
static bool bucket_add(struct domain *d, struct maptrack *t)
{
	uint32_t first = t->nr_buckets * MAP_BUCKET, i;
	struct map *bucket;

	if (t->nr_buckets == ARRAY_SIZE(t->bucket))
		return false;
	bucket = heap_alloc_for(d, MAP_BUCKET * sizeof(*bucket));
	if (!bucket)
		return false;
	for (i = 0; i < MAP_BUCKET - 1; i++)
		bucket[i].next_free = (uint16_t)(first + i + 2);
	t->bucket[t->nr_buckets++] = bucket;
	t->free = first + 1;
	return true;
}

/* The lock is held. */
static struct maptrack *track_get(struct domain *d)
{
	if (!d->grants->maps)
		d->grants->maps = heap_alloc_for(d, sizeof(struct maptrack));
	return d->grants->maps;
}

int map_add(struct domain *d, const struct map *m, uint32_t *handle)
{
	struct grant_table *gt = d->grants;
	int rc = GNTST_no_space;
	struct maptrack *t;

	spin_lock(&gt->lock);
	t = track_get(d);
	if (t && (t->free || bucket_add(d, t))) {
		struct map *new = map_of(t, t->free - 1);

		*handle = t->free - 1;
		t->free = new->next_free;
		*new = *m;
		new->state = MAP_BUSY;
		gt->nr_maps++;
		rc = GNTST_okay;
	}
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

/* Only for a handle that its caller made BUSY. */
static void busy_end(struct domain *d, uint32_t handle, bool free)
{
	struct grant_table *gt = d->grants;
	struct map *m;

	spin_lock(&gt->lock);
	m = map_of(gt->maps, handle);
	CHECK(m && m->state == MAP_BUSY);
	if (free) {
		*m = (struct map){
			.state = MAP_FREE,
			.next_free = (uint16_t)gt->maps->free,
		};
		gt->maps->free = handle + 1;
		gt->nr_maps--;
	} else {
		m->state = MAP_USED;
	}
	spin_unlock(&gt->lock);
}

void map_ready(struct domain *d, uint32_t handle)
{
	busy_end(d, handle, false);
}

void map_end(struct domain *d, uint32_t handle)
{
	busy_end(d, handle, true);
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

	while (gt->maps && gt->release_at < gt->maps->nr_buckets * MAP_BUCKET) {
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

	for (i = 0; t && i < t->nr_buckets; i++)
		heap_free_for(d, t->bucket[i]);
	heap_free_for(d, t);
}
