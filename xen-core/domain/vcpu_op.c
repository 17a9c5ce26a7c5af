/*
 * vcpu_op.c: vcpu_op: a domain's own vcpus (xen/vcpu.h).
 *
 * The areas that a guest registers (runstate, time) are virtual addresses in
 * its kernel page tables: they are checked here to lie in the guest's range and
 * may be unmapped later, which costs nothing but the update.  The vcpu_info
 * page is a frame, held with a writable use until the domain's end.
 */
#include "cpu.h"
#include "domain.h"
#include "guest_access.h"
#include "heap.h"
#include "nospec.h"

#include <xen/sched.h>

#define PERIOD_MIN_NS	1000000ull	/* the ABI allows to refuse shorter ones */
#define PERIOD_MAX_NS	(1ull << 62)

/* ---- up and down ---- */

static long op_initialise(struct vcpu *v, uint64_t arg)
{
	struct vcpu_guest_context *ctxt = heap_alloc(sizeof(*ctxt));
	long rc = -ENOMEM;

	if (!ctxt)
		return rc;
	rc = copy_from_guest(ctxt, arg, sizeof(*ctxt));
	if (rc == 0) {
		spin_lock(&v->d->setup_lock);
		rc = v->initialised ? -EEXIST : vcpu_set_context(v, ctxt);
		spin_unlock(&v->d->setup_lock);
	}
	heap_free(ctxt);
	return rc;
}

static long op_up(struct vcpu *v, uint64_t arg)
{
	long rc = 0;

	spin_lock(&v->d->setup_lock);
	if (v->initialised)
		vcpu_up(v);
	else
		rc = -EINVAL;
	spin_unlock(&v->d->setup_lock);
	return rc;
}

static bool is_up(const struct vcpu *v)
{
	return !(READ_ONCE(v->sched.why_not) & VCPU_DOWN);
}

/* A domain without a vcpu could do nothing ever again: it has powered off. */
static long op_down(struct vcpu *v, uint64_t arg)
{
	struct domain *d = v->d;
	struct vcpu *other;
	bool any = false;
	uint32_t i;

	spin_lock(&d->setup_lock);
	domain_for_each_vcpu(d, other, i)
		any |= other != v && is_up(other);
	if (any)
		vcpu_down(v);
	spin_unlock(&d->setup_lock);
	if (!any)
		domain_shutdown(d, SHUTDOWN_poweroff);
	return 0;
}

static long op_is_up(struct vcpu *v, uint64_t arg)
{
	return is_up(v);
}

/* ---- runstate and time areas ---- */

static long op_get_runstate(struct vcpu *v, uint64_t arg)
{
	struct vcpu_runstate_info info = { 0 };

	runstate_get(v, &info);
	return copy_to_guest(arg, &info, sizeof(info));
}

static long op_register_runstate(struct vcpu *v, uint64_t arg)
{
	struct vcpu_register_runstate_memory_area area;

	if (copy_from_guest(&area, arg, sizeof(area)))
		return -EFAULT;
	if (!guest_range_ok(area.addr.p, sizeof(struct vcpu_runstate_info)))
		return -EFAULT;
	WRITE_ONCE(v->time.runstate_va, area.addr.p);
	if (v == current)
		runstate_publish(v);
	else
		WRITE_ONCE(v->runstate_late, true);
	return 0;
}

static long op_register_time(struct vcpu *v, uint64_t arg)
{
	struct vcpu_register_time_memory_area area;

	if (copy_from_guest(&area, arg, sizeof(area)))
		return -EFAULT;
	if (!guest_range_ok(area.addr.p, sizeof(struct vcpu_time_info)))
		return -EFAULT;
	WRITE_ONCE(v->time.time_va, area.addr.p);
	if (v == current)
		runstate_publish(v);
	return 0;
}

/* ---- vcpu_info ---- */

/* With setup_lock: once for each vcpu, which is the caller's or down. */
static long info_register(struct vcpu *v, struct page *pg, uint32_t offset)
{
	if (!mfn_eq(v->event.info_mfn, MFN_NONE))
		return -EINVAL;
	if (v != current && is_up(v))
		return -EINVAL;
	v->event.info_mfn = page_mfn(pg);
	event_move_info(v, (struct vcpu_info *)((char *)page_virt(pg) + offset));
	return 0;
}

static long op_register_info(struct vcpu *v, uint64_t arg)
{
	struct vcpu_register_vcpu_info r;
	struct page *pg;
	long rc;

	if (copy_from_guest(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.offset > PAGE_SIZE - sizeof(struct vcpu_info) ||
	    r.offset % sizeof(uint64_t))
		return -EINVAL;
	pg = page_of(MFN(r.mfn));
	if (!pg)
		return -EINVAL;
	rc = page_get_type(pg, v->d, PGT_WRITABLE);
	if (rc)
		return rc;

	spin_lock(&v->d->setup_lock);
	rc = info_register(v, pg, r.offset);
	spin_unlock(&v->d->setup_lock);
	if (rc)
		page_put_type(pg);
	return rc;
}

/* ---- timers ---- */

static long op_set_periodic(struct vcpu *v, uint64_t arg)
{
	struct vcpu_set_periodic_timer t;

	if (copy_from_guest(&t, arg, sizeof(t)))
		return -EFAULT;
	if (t.period_ns < PERIOD_MIN_NS || t.period_ns > PERIOD_MAX_NS)
		return -EINVAL;
	vcpu_periodic_set(v, t.period_ns);
	return 0;
}

static long op_stop_periodic(struct vcpu *v, uint64_t arg)
{
	vcpu_periodic_set(v, 0);
	return 0;
}

static long op_set_singleshot(struct vcpu *v, uint64_t arg)
{
	struct vcpu_set_singleshot_timer t;

	if (v != current)
		return -EINVAL;
	if (copy_from_guest(&t, arg, sizeof(t)))
		return -EFAULT;
	if (t.flags & VCPU_SSHOTTMR_future && t.timeout_abs_ns < now_ns())
		return -ETIME;
	vcpu_singleshot_set(v, t.timeout_abs_ns);
	return 0;
}

static long op_stop_singleshot(struct vcpu *v, uint64_t arg)
{
	if (v != current)
		return -EINVAL;
	vcpu_singleshot_stop(v);
	return 0;
}

/* ---- others ---- */

static long op_send_nmi(struct vcpu *v, uint64_t arg)
{
	if (!__atomic_exchange_n(&v->nmi_pending, true, __ATOMIC_SEQ_CST))
		vcpu_kick(v);
	return 0;
}

/* Vcpus move between CPUs: there is no number to give. */
static long op_get_physid(struct vcpu *v, uint64_t arg)
{
	return -EINVAL;
}

static long (*const ops[])(struct vcpu *v, uint64_t arg) = {
	[VCPUOP_initialise] = op_initialise,
	[VCPUOP_up] = op_up,
	[VCPUOP_down] = op_down,
	[VCPUOP_is_up] = op_is_up,
	[VCPUOP_get_runstate_info] = op_get_runstate,
	[VCPUOP_register_runstate_memory_area] = op_register_runstate,
	[VCPUOP_set_periodic_timer] = op_set_periodic,
	[VCPUOP_stop_periodic_timer] = op_stop_periodic,
	[VCPUOP_set_singleshot_timer] = op_set_singleshot,
	[VCPUOP_stop_singleshot_timer] = op_stop_singleshot,
	[VCPUOP_register_vcpu_info] = op_register_info,
	[VCPUOP_send_nmi] = op_send_nmi,
	[VCPUOP_get_physid] = op_get_physid,
	[VCPUOP_register_vcpu_time_memory_area] = op_register_time,
};

long do_vcpu_op(unsigned cmd, unsigned vcpu_id, uint64_t arg)
{
	struct domain *d = current->d;

	if (cmd >= ARRAY_SIZE(ops))
		return -ENOSYS;
	if (vcpu_id >= d->nr_vcpus)
		return -ENOENT;
	vcpu_id = (unsigned)index_nospec(vcpu_id, MAX_VCPUS);
	return ops[index_nospec(cmd, ARRAY_SIZE(ops))](d->vcpu[vcpu_id], arg);
}
