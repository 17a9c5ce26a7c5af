/* tap.c: see tap.h. */
#include "dom0/tap.h"

#include <errno.h>

#include "kit/control.h"
#include "kit/mm.h"

static void unmap(struct tap *t)
{
	for (uint32_t i = 0; i < t->nr_frames; i++)
		pte_set((char *)t->frames + i * PAGE_SIZE, 0);
	window_free(t->frames, t->nr_frames);
}

static int map(struct tap *t, uint64_t mfn)
{
	t->frames = window_alloc(t->nr_frames);
	if (!t->frames)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->nr_frames; i++) {
		int rc = pte_set((char *)t->frames + i * PAGE_SIZE,
				 (mfn + i) << PAGE_SHIFT | PTE_LEAF_RW |
					 PTE_NX);

		if (rc) {
			unmap(t);
			return rc;
		}
	}
	t->ring = (void *)((char *)t->frames + SLUICE_TAP_RING_OFFSET);
	return 0;
}

static void untap(uint32_t id)
{
	struct sluice_tap_id arg = { .tap = id };

	control(SLUICE_NET_UNTAP, &arg);
}

int tap_open(struct tap *t, const struct sluice_tap *want)
{
	struct sluice_tap arg = *want;
	int rc = (int)control(SLUICE_NET_TAP, &arg);

	if (rc)
		return rc;
	*t = (struct tap){
		.id = arg.tap,
		.nr_frames = arg.nr_frames,
		.ring_bytes = arg.ring_bytes,
	};
	rc = map(t, arg.mfn);
	if (rc)
		untap(arg.tap);
	return rc;
}

void tap_stop(struct tap *t)
{
	if (!t->stopped)
		untap(t->id);
	t->stopped = true;
}

void tap_close(struct tap *t)
{
	unmap(t);
}

const struct vfr_tap_record *tap_peek(struct tap *t)
{
	uint64_t prod = __atomic_load_n(&t->ring->prod, __ATOMIC_ACQUIRE);

	while (t->cons != prod) {
		const struct vfr_tap_record *r = (const void *)
			(t->ring->data + (t->cons & (t->ring_bytes - 1)));

		if (r->type == VFR_TAP_PACKET)
			return r;
		t->cons += r->rec_len;
	}
	return NULL;
}

void tap_next(struct tap *t)
{
	const struct vfr_tap_record *r = (const void *)
		(t->ring->data + (t->cons & (t->ring_bytes - 1)));

	t->cons += r->rec_len;
	__atomic_store_n(&t->ring->cons, t->cons, __ATOMIC_RELEASE);
}
