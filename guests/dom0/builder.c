/*
 * builder.c: the control operations that make a domain.
 *
 * All that can be known from the images is checked before the domain exists;
 * from then on any error destroys it again.
 */
#include "dom0/builder.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/event_channel.h>

#include "dom0/image.h"
#include "kit/control.h"
#include "kit/mm.h"

#define PAGES_PER_MIB	256
#define BATCH		64	/* pages of a WRITE_MEMORY */

struct build {
	const struct domain_config *config;
	struct elf	elf;
	struct layout	layout;
	struct image	image;
	uint32_t	domid;
	uint64_t       *mfns;
	uint8_t	       *batch;		/* BATCH pages */
	const char     *what;		/* the step that failed */
};

static int images_check(struct build *b, const struct kernel_image *im)
{
	struct notes notes;
	int rc;

	rc = elf_parse(&b->elf, im->kernel, im->kernel_bytes, &b->what);
	if (!rc)
		rc = notes_read(&notes, &b->elf, &b->what);
	if (!rc)
		rc = layout_plan(&b->layout, &b->elf, &notes,
				 (uint64_t)b->config->memory_mib *
					 PAGES_PER_MIB,
				 im->ramdisk_bytes, &b->what);
	return rc;
}

/*
 * Rules can be changed whatever the domains have: KEPT_PAGES are not theirs, with
 * which some 2,000 rules are compiled (room.h) and taken by the hypervisor.
 */
#define KEPT_PAGES	(4 * PAGES_PER_MIB)

static bool fits(uint64_t nr_pages)
{
	struct sluice_physinfo p = { 0 };

	return !control(SLUICE_CTL_PHYSINFO, &p) &&
	       p.free_pages >= nr_pages + KEPT_PAGES;
}

static int domain_create(struct build *b)
{
	struct sluice_create op = {
		.nr_pages = b->layout.nr_pages,
		.max_pages = b->layout.nr_pages,
		.nr_vcpus = b->config->vcpus,
	};
	int rc;

	memcpy(op.name, b->config->name, sizeof(op.name));
	rc = fits(op.nr_pages) ? control(SLUICE_CTL_CREATE, &op) : -ENOMEM;
	b->what = rc == -ENOMEM ? "not enough free memory"
		  : rc == -EEXIST ? "the name is taken" : "create";
	b->domid = op.domid;
	b->image.shared_info_mfn = op.shared_info_mfn;
	return rc;
}

static int mfns_get(struct build *b)
{
	uint64_t done = 0;

	b->what = "frame numbers";
	while (done < b->layout.nr_pages) {
		struct sluice_mfns op = {
			.domid = b->domid,
			.first = done,
			.count = b->layout.nr_pages - done,
			.mfns = (uint64_t)(b->mfns + done),
		};
		int rc = control(SLUICE_CTL_GET_MFNS, &op);

		if (rc)
			return rc;
		if (!op.count)
			return -EIO;
		done += op.count;
	}
	return 0;
}

static int port_alloc(struct build *b, uint32_t *port)
{
	struct evtchn_alloc_unbound op = {
		.dom = b->domid,
		.remote_dom = 0,
	};
	int rc = hypercall2(__HYPERVISOR_event_channel_op,
			    EVTCHNOP_alloc_unbound, &op);

	b->what = "event channels";
	*port = op.port;
	return rc;
}

static int batch_write(struct build *b, const uint64_t *mfns, size_t n)
{
	struct sluice_write op = {
		.domid = b->domid,
		.nr_pages = n,
		.mfns = (uint64_t)mfns,
		.data = (uint64_t)b->batch,
	};

	return n ? control(SLUICE_CTL_WRITE_MEMORY, &op) : 0;
}

/* The domain's memory is zero before, so pages of zeros are left out. */
static int memory_write(struct build *b)
{
	uint64_t mfns[BATCH];
	size_t n = 0;
	int rc = 0;

	b->what = "writing memory";
	for (uint64_t pfn = 0; pfn < b->layout.nr_pages && !rc; pfn++) {
		if (!image_page(&b->image, pfn, b->batch + n * PAGE_SIZE))
			continue;
		mfns[n++] = b->mfns[pfn];
		if (n == BATCH) {
			rc = batch_write(b, mfns, n);
			n = 0;
		}
	}
	return rc ? rc : batch_write(b, mfns, n);
}

static int grant_seed(struct build *b, uint32_t ref, uint64_t pfn)
{
	struct sluice_seed_grant op = {
		.domid = b->domid,
		.ref = ref,
		.frame = b->mfns[pfn],
		.to = 0,
	};

	b->what = "seeding grants";
	return control(SLUICE_CTL_SEED_GRANT, &op);
}

static int root_pin(struct build *b)
{
	struct mmuext_op op = {
		.cmd = MMUEXT_PIN_L4_TABLE,
		.arg1.mfn = b->mfns[b->layout.linear.table[4].first],
	};

	b->what = "pinning the page tables";
	return hypercall4(__HYPERVISOR_mmuext_op, &op, 1, NULL, b->domid);
}

static int vcpu_set(struct build *b)
{
	const struct layout *l = &b->layout;
	struct vcpu_guest_context *c = calloc(1, sizeof(*c));
	struct sluice_vcpu op = { .domid = b->domid, .ctxt = (uint64_t)c };
	int rc;

	b->what = "the first vcpu";
	if (!c)
		return -ENOMEM;
	c->flags = VGCF_in_kernel;
	c->user_regs.rip = l->entry;
	c->user_regs.rsp = layout_va(l, l->stack + 1);
	c->user_regs.rsi = layout_va(l, l->start_info);
	c->user_regs.rflags = 1 << 9;
	c->user_regs.cs = FLAT_KERNEL_CS;
	c->user_regs.ss = FLAT_KERNEL_SS;
	c->kernel_ss = c->user_regs.ss;
	c->kernel_sp = c->user_regs.rsp;
	c->ctrlreg[3] = b->mfns[l->linear.table[4].first] << PAGE_SHIFT;
	rc = control(SLUICE_CTL_SET_VCPU, &op);
	free(c);
	return rc;
}

static int parameters_set(struct build *b)
{
	const struct domain_config *c = b->config;
	struct sluice_sched sched = { .domid = b->domid };
	struct sluice_time_offset time = {
		.domid = b->domid,
		.offset_s = c->time_offset_s,
	};
	int rc = control(SLUICE_CTL_GET_SCHED, &sched);

	b->what = "scheduler parameters";
	if (c->weight)
		sched.weight = c->weight;
	sched.warp_on = c->warp_us != 0;
	sched.warp_ns = c->warp_us * 1000;
	sched.warp_limit_ns = c->warp_limit_us * 1000;
	sched.unwarp_ns = c->unwarp_us * 1000;
	sched.slice_ns = 0;	/* the machine's, not this domain's */
	if (!rc && (c->weight || c->warp_us))
		rc = control(SLUICE_CTL_SET_SCHED, &sched);
	if (!rc && c->time_offset_s) {
		b->what = "time offset";
		rc = control(SLUICE_CTL_SET_TIME, &time);
	}
	return rc;
}

static int domain_fill(struct build *b)
{
	int rc = mfns_get(b);

	if (!rc)
		rc = port_alloc(b, &b->image.console_port);
	if (!rc)
		rc = port_alloc(b, &b->image.xenstore_port);
	if (!rc)
		rc = memory_write(b);
	if (!rc)
		rc = grant_seed(b, BUILD_GRANT_CONSOLE, b->layout.console);
	if (!rc)
		rc = grant_seed(b, BUILD_GRANT_XENSTORE, b->layout.xenstore);
	if (!rc)
		rc = root_pin(b);
	if (!rc)
		rc = vcpu_set(b);
	if (!rc)
		rc = parameters_set(b);
	return rc;
}

static int domain_make(struct build *b)
{
	struct sluice_domid gone;
	int rc;

	b->mfns = malloc(b->layout.nr_pages * sizeof(*b->mfns));
	b->batch = pages_alloc(BATCH);
	b->what = "no memory in dom0";
	if (!b->mfns || !b->batch)
		return -ENOMEM;
	b->image.mfns = b->mfns;
	rc = domain_create(b);
	if (rc)
		return rc;
	rc = domain_fill(b);
	gone = (struct sluice_domid){ .domid = b->domid };
	if (rc)
		control(SLUICE_CTL_DESTROY, &gone);
	return rc;
}

int domain_build(const struct domain_config *c, const struct kernel_image *im,
		 struct built *out, char *err, size_t err_size)
{
	struct build *b = calloc(1, sizeof(*b));
	int rc = -ENOMEM;

	if (!b) {
		snprintf(err, err_size, "no memory in dom0");
		return rc;
	}
	b->config = c;
	b->image.elf = &b->elf;
	b->image.layout = &b->layout;
	b->image.ramdisk = im->ramdisk;
	b->image.ramdisk_bytes = im->ramdisk_bytes;
	b->image.cmdline = c->cmdline;
	rc = images_check(b, im);
	if (!rc)
		rc = domain_make(b);
	if (rc)
		snprintf(err, err_size, "%s (%d)", b->what, rc);
	out->domid = b->domid;
	out->nr_pages = b->layout.nr_pages;
	out->console_remote_port = b->image.console_port;
	out->xenstore_remote_port = b->image.xenstore_port;
	free(b->mfns);
	if (b->batch)
		pages_free(b->batch, BATCH);
	free(b);
	return rc;
}
