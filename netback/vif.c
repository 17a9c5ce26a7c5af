/*
 * vif.c: the life of a vif: connected as one step, disconnected at any moment.
 *
 * The frontend is hostile: it may break its rings, die, or take everything back
 * while a NIC still reads its frames.  A vif that is disconnected lives on until
 * the last of its packets is back, and keeps the domain's struct till then.
 */
#include "vif.h"

#include "boot.h"
#include "domain.h"
#include "event.h"
#include "grant.h"
#include "heap.h"
#include "leftover.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include "time.h"

static struct vif *vifs[SLUICE_VIF_MAX];
static uint32_t connections;	/* since boot; net_lock */

static struct vif *vif_find(uint16_t domid, uint32_t handle)
{
	for (uint32_t i = 0; i < SLUICE_VIF_MAX; i++)
		if (vifs[i] && vifs[i]->connected && vifs[i]->domid == domid &&
		    vifs[i]->handle == handle)
			return vifs[i];
	return NULL;
}

void vif_broken(struct vif *v, const char *why)
{
	if (v->broken)
		return;
	v->broken = true;
	log_guest(v->d, "vif %u of domain %u (%s): %s: no more service",
		  v->handle, v->domid, v->d->name, why);
}

void vif_notify(struct vif *v)
{
	if (v->tx_notify && v->connected)
		evtchn_notify_guest(v->d, v->evtchn, v);
	v->tx_notify = false;
}

/*
 * A guest's responses are pushed when the lock is let go, together: it is told
 * once for a whole run.
 */
static struct vif *unsettled;

void vif_unsettled(struct vif *v)
{
	if (v->unsettled)
		return;
	v->unsettled = true;
	v->next_unsettled = unsettled;
	unsettled = v;
}

void vifs_settle(void)
{
	while (unsettled) {
		struct vif *v = unsettled;

		unsettled = v->next_unsettled;
		v->unsettled = false;
		vif_tx_push(v);
		vif_notify(v);
	}
}

static void vif_free(struct vif *v)
{
	struct domain *d = v->d;

	vifs[v->index] = NULL;
	heap_free(v);
	domain_put(d);
}

void vif_put(struct vif *v)
{
	if (--v->in_flight == 0 && !v->connected) {
		vif_free(v);
	} else if (v->starved && v->connected) {
		v->starved = false;
		vif_turn_want(v);
		net_kick();
	}
}

/* ---- connecting ---- */

static int rings_map(struct vif *v)
{
	struct netif_tx_sring *tx;
	struct netif_rx_sring *rx;
	int rc = grant_pin(v->d, v->tx_ref, DOM0, false, &v->tx_page);

	if (rc)
		return rc;
	rc = grant_pin(v->d, v->rx_ref, DOM0, false, &v->rx_page);
	if (rc) {
		grant_unpin(v->d, v->tx_ref, false, v->tx_page);
		return rc;
	}
	tx = page_virt(v->tx_page);
	rx = page_virt(v->rx_page);
	/* A frontend may have queued requests already: go on where it stands. */
	BACK_RING_ATTACH(&v->tx, tx, READ_ONCE(tx->rsp_prod), PAGE_SIZE);
	BACK_RING_ATTACH(&v->rx, rx, READ_ONCE(rx->rsp_prod), PAGE_SIZE);
	v->rx_taken = v->rx.req_cons;
	return 0;
}

static void rings_unmap(struct vif *v)
{
	grant_unpin(v->d, v->tx_ref, false, v->tx_page);
	grant_unpin(v->d, v->rx_ref, false, v->rx_page);
	v->tx_page = v->rx_page = NULL;
}

static int port_attach(struct vif *v, uint32_t mtu)
{
	const struct vfr_device dev = {
		.name = v->device,
		.kind = VFR_PORT_VIF,
		.features = (uint8_t)(
			(v->features & SLUICE_VIF_NO_CSUM ? 0 : VFR_DEV_CSUM) |
			(v->features & SLUICE_VIF_TSO4 ? VFR_DEV_TSO4 : 0) |
			(v->features & SLUICE_VIF_TSO6 ? VFR_DEV_TSO6 : 0)),
		.mtu = mtu,
		.ops = &vif_port_ops,
		.ctx = v,
	};

	v->port = vfr_port_attach(net_vfr, &dev);
	return v->port < 0 ? v->port : 0;
}

static int vif_start(struct vif *v, uint32_t mtu)
{
	int rc = rings_map(v);

	if (rc)
		return rc;
	rc = port_attach(v, mtu);
	if (rc)
		goto out_rings;
	rc = evtchn_bind_backend(v->d, v->evtchn, vif_turn_event, v);
	if (rc)
		goto out_port;
	v->connected = true;
	vif_turn_want(v);
	return 0;

out_port:
	vfr_port_detach(net_vfr, (unsigned)v->port);
out_rings:
	rings_unmap(v);
	return rc;
}

static int slot_find(uint32_t *index)
{
	for (uint32_t i = 0; i < SLUICE_VIF_MAX; i++)
		if (!vifs[i]) {
			*index = i;
			return 0;
		}
	return -ENOSPC;
}

static int vif_new(const struct sluice_vif *arg, struct domain *d,
		   struct vif **out)
{
	struct vif *v;
	uint32_t index;

	if (vif_find(d->domid, arg->handle))
		return -EEXIST;
	if (slot_find(&index))
		return -ENOSPC;
	v = heap_alloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->d = d;
	v->domid = d->domid;
	v->handle = arg->handle;
	v->evtchn = arg->port;
	v->features = arg->features;
	v->rx_ops = arg->features & SLUICE_VIF_FLIP ? &vif_flip_ops :
						      &vif_copy_ops;
	v->whose = leftover_number(&connections);
	v->tx_ref = arg->tx_ref;
	v->rx_ref = arg->rx_ref;
	v->index = index;
	v->source = (struct net_source){ FROM_VIF, VIF_WAITS, VIF_WAIT_SHARE };
	memcpy(v->device, arg->device, sizeof(v->device) - 1);
	vifs[index] = v;
	*out = v;
	return 0;
}

void vifs_set_rates(uint64_t now)
{
	for (uint32_t i = 0; i < SLUICE_VIF_MAX; i++)
		if (vifs[i] && vifs[i]->connected)
			vif_turn_rate(vifs[i], now);
}

int vif_connect(const struct sluice_vif *arg)
{
	struct domain *d;
	struct vif *v;
	int rc;

	if (!net_vfr)
		return -ENODEV;
	if (arg->mtu < 68 || arg->mtu > 65535 || arg->pad ||
	    strnlen(arg->device, sizeof(arg->device)) == sizeof(arg->device))
		return -EINVAL;
	d = domain_get((uint16_t)arg->domid);
	if (!d)
		return -ESRCH;
	spin_lock(&net_lock);
	rc = vif_new(arg, d, &v);
	if (!rc) {
		rc = vif_start(v, arg->mtu);
		if (rc) {
			vif_free(v); /* its reference of d too */
			d = NULL;
		} else {
			vif_turn_rate(v, now_ns());
			d = NULL; /* the vif's now */
		}
	}
	net_unlock();
	if (d)
		domain_put(d);
	net_kick();
	return rc;
}

/* ---- disconnecting ---- */

/* Nobody delivers to it. */
static void vif_stop(struct vif *v)
{
	evtchn_unbind_backend(v->d, v->evtchn, v);
	vif_ready_drop(v);
	vif_rx_drop_all(v);
	/* Then only NICs, which send soon, and CPUs that deliver just now still
	 * hold anything of it. */
	for (uint32_t i = 0; i < SLUICE_VIF_MAX; i++)
		if (vifs[i])
			vif_rx_drop_from(vifs[i], v);
	vfr_port_detach(net_vfr, (unsigned)v->port);
	vif_turn_end(v);
	vifs_settle(); /* while it has its ring */
	vifs_charge(0); /* it may be among them */
	v->connected = false;
	rings_unmap(v);
	if (v->in_flight == 0)
		vif_free(v);
}

/* Another CPU delivers to it, which ends soon: let it go on.  What was there
 * before is to be looked for again. */
static bool wait_for(const struct vif *v)
{
	if (!v || !v->delivering)
		return false;
	net_unlock();
	cpu_relax();
	spin_lock(&net_lock);
	vifs_finish();
	return true;
}

int vif_disconnect(uint16_t domid, uint32_t handle)
{
	struct vif *v;

	if (!net_vfr)
		return -ENODEV;
	spin_lock(&net_lock);
	do
		v = vif_find(domid, handle);
	while (wait_for(v));
	if (v)
		vif_stop(v);
	net_unlock();
	return v ? 0 : -ENOENT;
}

static bool is_of(const struct vif *v, const struct domain *d)
{
	return v && v->connected && v->d == d;
}

void vifs_disconnect_all(struct domain *d)
{
	if (!net_vfr)
		return;
	spin_lock(&net_lock);
	for (uint32_t i = 0; i < SLUICE_VIF_MAX; i++) {
		while (is_of(vifs[i], d) && wait_for(vifs[i]))
			;
		if (is_of(vifs[i], d))
			vif_stop(vifs[i]);
	}
	net_unlock();
}

/* ---- for the others ---- */

struct vif *vif_at(uint32_t index)
{
	return vifs[index];
}

/*
 * What waits holds frames of its sender: a receiver that posts no buffers must
 * not keep them for ever.
 */
void vifs_tick(uint64_t now)
{
	for (uint32_t i = 0; i < SLUICE_VIF_MAX; i++) {
		struct vif *v = vifs[i];

		if (v && v->wait.head && now > v->moved_ns + VIF_RX_WAIT_NS)
			vif_rx_drop_all(v);
	}
}

bool vif_of_port(unsigned port, uint32_t *domid, uint32_t *handle,
		 char device[SLUICE_DEVICE_NAME], uint64_t *ring_drops)
{
	for (uint32_t i = 0; i < SLUICE_VIF_MAX; i++) {
		const struct vif *v = vifs[i];

		if (!v || !v->connected || v->port != (int)port)
			continue;
		*domid = v->domid;
		*handle = v->handle;
		memcpy(device, v->device, sizeof(v->device));
		*ring_drops = v->ring_drops;
		return true;
	}
	return false;
}

void vifs_count(uint32_t *connected, uint32_t *leaving)
{
	*connected = *leaving = 0;
	for (uint32_t i = 0; i < SLUICE_VIF_MAX; i++)
		if (vifs[i])
			++*(vifs[i]->connected ? connected : leaving);
}

static void vif_init(void)
{
	vif_turns_init();
	domain_on_dying(vifs_disconnect_all);
}

INITCALL(vif_init);
