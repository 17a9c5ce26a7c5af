/*
 * port.c: the devices behind the ports.
 */
#include <errno.h>

#include "internal.h"

/* Enough for each port to appear once in the list of those to flush. */
static void touch(struct vfr *v, uint32_t dev)
{
	struct port *o = &v->ports[dev];

	if (o->touched)
		return;
	if (v->nr_touched == ARRAY_SIZE(v->touched))
		port_flush(v);
	o->touched = true;
	v->touched[v->nr_touched++] = (uint16_t)dev;
}

/* 0: the device has taken p.  Else why not; p is still the caller's. */
int port_send(struct vfr *v, uint32_t dev, struct vfr_packet *p)
{
	struct port *o = &v->ports[dev];
	uint32_t len = p->len;

	if (unlikely(!o->ops))
		return VFR_DROP_PORT_DOWN;
	if (unlikely(!o->up))
		return VFR_DROP_LINK_DOWN;
	if (unlikely(v->nr_taps))
		tap_egress(v, dev, p);
	if (unlikely(o->ops->transmit(o->ctx, p)))
		return VFR_DROP_QUEUE_FULL;
	o->st.tx_packets++;
	o->st.tx_bytes += len;
	touch(v, dev);
	return 0;
}

void port_flush(struct vfr *v)
{
	uint32_t i;

	for (i = 0; i < v->nr_touched; i++) {
		struct port *o = &v->ports[v->touched[i]];

		o->touched = false;
		if (o->ops && o->ops->flush)
			o->ops->flush(o->ctx);
	}
	v->nr_touched = 0;
}

static bool name_eq(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

int vfr_port_find(const struct vfr *v, const char *name)
{
	uint32_t i;

	for (i = 0; i < v->lim.ports; i++)
		if (v->ports[i].ops && *name &&
		    (name_eq(v->ports[i].name, name) ||
		     name_eq(v->ports[i].alias, name)))
			return (int)i;
	return -ENOENT;
}

bool name_copy(char *to, uint32_t max, const char *from)
{
	uint32_t i;

	for (i = 0; i < max; i++) {
		to[i] = from[i];
		if (!from[i])
			return i > 0;
	}
	return false;
}

int vfr_port_attach(struct vfr *v, const struct vfr_device *dev)
{
	struct port *o = NULL;
	uint32_t i;

	if (!dev->ops || !dev->ops->transmit || dev->kind > VFR_PORT_NIC ||
	    dev->mtu < 68 || dev->mtu > 65535)
		return -EINVAL;
	for (i = 0; i < v->lim.ports && !o; i++)
		if (!v->ports[i].ops)
			o = &v->ports[i];
	if (!o)
		return -ENOSPC;
	memset(o, 0, sizeof(*o));
	if (!name_copy(o->name, sizeof(o->name), dev->name) ||
	    (dev->alias && !name_copy(o->alias, sizeof(o->alias), dev->alias)))
		return -EINVAL;
	if (vfr_port_find(v, o->name) >= 0 ||
	    (*o->alias && vfr_port_find(v, o->alias) >= 0))
		return -EEXIST;
	o->kind = dev->kind;
	o->features = dev->features;
	memcpy(o->mac, dev->mac, 6);
	o->mtu = dev->mtu;
	o->ctx = dev->ctx;
	o->up = true;
	o->iface = NONE16;
	o->emb_head = o->emb_tail = NONE32;
	o->ops = dev->ops;
	v->nr_attached++;
	flow_reserve(v);
	tables_bind(v, v->t);
	taps_bind(v);
	return (int)(o - v->ports);
}

/* What o counted is the VFR's own from here on, so that the sums still hold. */
static void stats_keep(struct vfr *v, const struct vfr_port_stats *o)
{
	struct vfr_port_stats *self = &v->ports[port_slot(v, VFR_PORT_SELF)].st;
	uint32_t i;

	self->rx_packets += o->rx_packets;
	self->rx_bytes += o->rx_bytes;
	self->tx_packets += o->tx_packets;
	self->tx_bytes += o->tx_bytes;
	self->forwarded += o->forwarded;
	self->local += o->local;
	self->held += o->held;
	for (i = 0; i < VFR_NR_REASONS; i++)
		self->drops[i] += o->drops[i];
}

int vfr_port_detach(struct vfr *v, unsigned int port)
{
	if (port >= v->lim.ports || !v->ports[port].ops)
		return -ENOENT;
	flow_close_dev(v, port);
	neigh_drop_dev(v, port);
	frag_drop_dev(v, port);
	port_flush(v);
	stats_keep(v, &v->ports[port].st);
	v->ports[port].ops = NULL;
	v->ports[port].iface = NONE16;
	v->nr_attached--;
	flow_reserve(v);
	tables_bind(v, v->t);
	taps_bind(v);
	return 0;
}

void vfr_port_link(struct vfr *v, unsigned int port, bool up)
{
	if (port < v->lim.ports)
		v->ports[port].up = up;
}

const struct vfr_rs_port *vfr_port_config(const struct vfr *v,
					  unsigned int port)
{
	uint16_t i;

	if (port >= v->lim.ports || !v->ports[port].ops || !v->t->blob)
		return NULL;
	i = iface_find(v, port, 0);
	return i == NONE16 ? NULL : v->t->ifaces[i].rs;
}

int vfr_port_stats(const struct vfr *v, unsigned int port,
		   struct vfr_port_stats *st)
{
	if (port != VFR_PORT_SELF &&
	    (port >= v->lim.ports || !v->ports[port].ops))
		return -ENOENT;
	*st = v->ports[port_slot(v, port)].st;
	return 0;
}
