/*
 * tap.c: taps of the VFR whose rings dom0 reads (sluice/net.h).
 *
 * The VFR writes each record, headers and payload, once: into frames that dom0
 * has mapped.  Nothing in them is read back but the consumer's index, which the
 * VFR mistrusts.
 *
 * Lock: net_lock guards taps[].
 */
#include "netback.h"

#include "boot.h"
#include "control_ops.h"
#include "domain.h"
#include "event.h"
#include "guest_access.h"
#include "heap.h"
#include "page.h"
#include "percpu.h"

static_assert(SLUICE_TAP_RING_OFFSET + sizeof(struct vfr_tap_ring) ==
	      PAGE_SIZE, "net.h: the data starts at a page");

static struct tap {
	struct page *frames;	/* NULL: not in use */
	uint32_t nr_frames;
	struct vfr_tap_ring *ring;
	uint64_t told;		/* ring->prod when dom0 was last notified */
	struct domain *owner;
} taps[SLUICE_TAPS_MAX];

void taps_notify(void)
{
	for (uint32_t i = 0; i < SLUICE_TAPS_MAX; i++) {
		struct tap *t = &taps[i];
		uint64_t prod;

		if (!t->frames)
			continue;
		prod = READ_ONCE(t->ring->prod);
		if (prod == t->told)
			continue;
		t->told = prod;
		virq_raise_global(t->owner, VIRQ_TBUF);
	}
}

static bool name_ok(const char name[SLUICE_DEVICE_NAME])
{
	return strnlen(name, SLUICE_DEVICE_NAME) < SLUICE_DEVICE_NAME;
}

/* The tap's number, or a negative errno and nothing is kept. */
static int open_locked(const struct vfr_tap_config *c, struct page *frames,
		       uint32_t nr_frames)
{
	int tap;

	spin_lock(&net_lock);
	tap = vfr_tap_open(net_vfr, c);
	if (tap >= 0)
		taps[tap] = (struct tap){
			.frames = frames, .nr_frames = nr_frames,
			.ring = c->ring, .owner = current->d,
		};
	net_unlock();
	return tap;
}

static int tap_open(struct sluice_tap *t, const struct vfr_bpf_insn *filter)
{
	struct vfr_tap_config c = {
		.device = *t->device ? t->device : NULL,
		.except = *t->except ? t->except : NULL,
		.stages = (uint8_t)t->stages, .snaplen = t->snaplen,
		.filter = filter, .nr_filter = t->nr_filter,
		.ring_bytes = t->ring_bytes,
	};
	uint32_t nr = 1 + t->ring_bytes / PAGE_SIZE;
	struct page *frames = pages_share_alloc(current->d, nr);
	int tap;

	if (!frames)
		return -ENOMEM;
	c.ring = (void *)((char *)page_virt(frames) + SLUICE_TAP_RING_OFFSET);
	tap = open_locked(&c, frames, nr);
	if (tap < 0) {
		pages_share_end(frames, nr, current->d);
		return tap;
	}
	t->tap = (uint32_t)tap;
	t->nr_frames = nr;
	t->mfn = page_mfn(frames).n;
	return 0;
}

static int op_tap(void *arg, uint64_t *progress)
{
	struct sluice_tap *t = arg;
	struct vfr_bpf_insn *filter = NULL;
	int rc = 0;

	if (!net_vfr)
		return -ENODEV;
	if (!name_ok(t->device) || !name_ok(t->except) ||
	    t->nr_filter > VFR_BPF_MAX || t->stages > UINT8_MAX ||
	    t->ring_bytes < PAGE_SIZE || t->ring_bytes > SLUICE_TAP_RING_MAX)
		return -EINVAL;
	if (t->nr_filter) {
		filter = heap_alloc(t->nr_filter * sizeof(*filter));
		if (!filter)
			return -ENOMEM;
		if (copy_from_guest(filter, t->filter,
				    t->nr_filter * sizeof(*filter)))
			rc = -EFAULT;
	}
	if (!rc)
		rc = tap_open(t, filter);
	heap_free(filter);
	return rc;
}

static int op_untap(void *arg, uint64_t *progress)
{
	const struct sluice_tap_id *id = arg;
	struct tap t = { .frames = NULL };

	if (!net_vfr)
		return -ENODEV;
	if (id->pad || id->tap >= SLUICE_TAPS_MAX)
		return -EINVAL;
	spin_lock(&net_lock);
	if (taps[id->tap].frames) {
		vfr_tap_close(net_vfr, (int)id->tap);
		t = taps[id->tap];
		taps[id->tap].frames = NULL;
	}
	net_unlock();
	if (!t.frames)
		return -ENOENT;
	pages_share_end(t.frames, t.nr_frames, t.owner);
	return 0;
}

static void tap_init(void)
{
	control_register(SLUICE_NET_TAP, sizeof(struct sluice_tap), false,
			 op_tap);
	control_register(SLUICE_NET_UNTAP, sizeof(struct sluice_tap_id), false,
			 op_untap);
}

INITCALL(tap_init);
