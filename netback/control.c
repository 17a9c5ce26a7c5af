/*
 * control.c: the network's rows of the control hypercall (sluice/net.h).
 */
#include "nic.h"

#include "boot.h"
#include "control_ops.h"
#include "guest_access.h"
#include "hypercall.h"
#include "lib.h"
#include "page.h"
#include "time.h"

static_assert(VFR_PORT_SELF == SLUICE_PORT_SELF, "net.h");
static_assert(VFR_NR_REASONS <= SLUICE_DROP_REASONS, "net.h has room");

static int op_connect(void *arg, uint64_t *progress)
{
	return vif_connect(arg);
}

static int op_disconnect(void *arg, uint64_t *progress)
{
	const struct sluice_vif_id *id = arg;

	return vif_disconnect((uint16_t)id->domid, id->handle);
}

/* ---- rulesets: whole frames, since they can be megabytes ---- */

static const void *loaded_blob;
static unsigned loaded_order;

static unsigned order_of(uint64_t size)
{
	unsigned order = 0;

	while ((uint64_t)PAGE_SIZE << order < size)
		order++;
	return order;
}

static int load(struct sluice_ruleset *r, const void *blob, unsigned order)
{
	uint64_t now = now_ns();
	const char *why = "";
	const void *old;
	int rc;

	spin_lock(&net_lock);
	rc = vfr_load(net_vfr, blob, r->size,
		      r->flags & SLUICE_LOAD_KEEP_FLOWS ? VFR_LOAD_KEEP_FLOWS :
							  0,
		      now, &old, &why);
	if (!rc) {
		if (old)
			frames_free(virt_page(old), loaded_order);
		loaded_blob = blob;
		loaded_order = order;
		vifs_set_rates(now);
	}
	net_unlock();
	memset(r->why, 0, sizeof(r->why));
	if (rc)
		memcpy(r->why, why, strnlen(why, sizeof(r->why) - 1));
	r->status = rc;
	return rc;
}

/* Judge every tracked flow anew; packets pass between the steps. */
static int sweep(struct sluice_ruleset *r)
{
	struct vfr_stats st;
	bool more;

	do {
		spin_lock(&net_lock);
		more = vfr_tick(net_vfr, now_ns());
		vfr_stats(net_vfr, &st);
		net_unlock();
		if (more && hypercall_preempt())
			return -ERESTART;
	} while (more);
	memset(r->why, 0, sizeof(r->why));
	r->status = 0;
	r->checked = st.reload_checked;
	r->closed = st.reload_closed;
	return 0;
}

#define LOADED	1	/* progress: the rest is the sweep */

static int op_load(void *arg, uint64_t *progress)
{
	struct sluice_ruleset *r = arg;
	unsigned order;
	struct page *pg;
	int rc;

	if (!net_vfr)
		return -ENODEV;
	if (*progress == LOADED)
		return sweep(r);
	if (!r->size || r->size > SLUICE_RULESET_MAX ||
	    r->flags & ~SLUICE_LOAD_KEEP_FLOWS)
		return -EINVAL;
	order = order_of(r->size);
	pg = frames_alloc(order);
	if (!pg)
		return -ENOMEM;
	rc = copy_from_guest(page_virt(pg), r->blob, r->size);
	if (rc || load(r, page_virt(pg), order)) {
		frames_free(pg, order);
		return rc;
	}
	net_kick();
	*progress = LOADED;
	return sweep(r);
}

/* ---- what can be seen ---- */

static void port_fill(struct sluice_port *p, unsigned i,
		      const struct vfr_port_stats *st)
{
	const struct nic *n = nic_of_port(i);

	p->index = i;
	p->kind = n ? VFR_PORT_NIC : VFR_PORT_VIF;
	p->live = vfr_port_config(net_vfr, i) != NULL;
	p->link = 1;
	p->ring_drops = 0;
	if (n) {
		memcpy(p->mac, n->mac, sizeof(p->mac));
		memcpy(p->device, n->name, sizeof(p->device));
		p->link = n->up;
	} else if (!vif_of_port(i, &p->domid, &p->handle, p->device,
				&p->ring_drops)) {
		p->domid = DOMID_INVALID;
	}
	p->rx_packets = st->rx_packets;
	p->rx_bytes = st->rx_bytes;
	p->tx_packets = st->tx_packets;
	p->tx_bytes = st->tx_bytes;
	p->forwarded = st->forwarded;
	p->local = st->local;
	p->held = st->held;
	for (unsigned k = 0; k < VFR_NR_REASONS; k++)
		p->drops[k] = st->drops[k];
}

static int op_port(void *arg, uint64_t *progress)
{
	struct sluice_port *p = arg;
	struct vfr_port_stats st;
	int rc = -ENOENT;

	if (!net_vfr)
		return -ENODEV;
	spin_lock(&net_lock);
	for (unsigned i = p->index; i <= VFR_PORT_SELF; i++) {
		if (i == SLUICE_VIF_MAX)
			i = VFR_PORT_SELF;
		if (vfr_port_stats(net_vfr, i, &st))
			continue;
		memset(p, 0, sizeof(*p));
		port_fill(p, i, &st);
		rc = 0;
		break;
	}
	net_unlock();
	return rc;
}

#define LOG_BATCH	16

static int op_log(void *arg, uint64_t *progress)
{
	struct sluice_net_log *l = arg;
	struct vfr_log_entry batch[LOG_BATCH];
	uint32_t done = 0, n;

	if (!net_vfr)
		return -ENODEV;
	if (l->entry_size != sizeof(batch[0]))
		return -EINVAL;
	memset(batch, 0, sizeof(batch));
	do {
		n = vfr_log_read(net_vfr, batch,
				 MIN(l->count - done, (uint32_t)LOG_BATCH),
				 &l->lost);
		if (n && copy_to_guest(l->buf + done * sizeof(batch[0]), batch,
				       n * sizeof(batch[0])))
			return -EFAULT;
		done += n;
	} while (n && done < l->count);
	l->count = done;
	return 0;
}

static int op_rule(void *arg, uint64_t *progress)
{
	struct sluice_rule *r = arg;
	struct vfr_rule_stats st;
	int rc;

	if (!net_vfr)
		return -ENODEV;
	spin_lock(&net_lock);
	rc = r->nat ? vfr_nat_stats(net_vfr, r->index, &st) :
		      vfr_rule_stats(net_vfr, r->index, &st);
	net_unlock();
	if (rc)
		return rc;
	r->packets = st.packets;
	r->bytes = st.bytes;
	r->flows = st.flows;
	r->limited = st.limited;
	r->log_suppressed = st.log_suppressed;
	return 0;
}

static int op_use(void *arg, uint64_t *progress)
{
	struct sluice_net_use *u = arg;
	struct vfr_stats st;

	if (!net_vfr)
		return -ENODEV;
	spin_lock(&net_lock);
	vifs_count(&u->vifs, &u->leaving);
	u->packets = net_packets_used();
	vfr_stats(net_vfr, &st);
	u->flows = st.flows;
	net_unlock();
	return 0;
}

static void control_init(void)
{
	static const struct {
		uint16_t op, size;
		control_backend_fn *fn;
	} rows[] = {
		{ SLUICE_NET_CONNECT, sizeof(struct sluice_vif), op_connect },
		{ SLUICE_NET_DISCONNECT, sizeof(struct sluice_vif_id),
		  op_disconnect },
		{ SLUICE_NET_LOAD, sizeof(struct sluice_ruleset), op_load },
		{ SLUICE_NET_PORT, sizeof(struct sluice_port), op_port },
		{ SLUICE_NET_LOG, sizeof(struct sluice_net_log), op_log },
		{ SLUICE_NET_RULE, sizeof(struct sluice_rule), op_rule },
		{ SLUICE_NET_USE, sizeof(struct sluice_net_use), op_use },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		control_register(rows[i].op, rows[i].size, false, rows[i].fn);
}

INITCALL(control_init);
