/*
 * own.c: packets that the VFR makes: answers, errors, copies for bridges.
 * A fixed number; when they are out, nothing is answered for a while.  Copies
 * and pieces of others' packets get half of them at most: a device may keep
 * them for long, and whoever sends them must not silence the VFR for others.
 */
#include "internal.h"

static void own_free(struct vfr_packet *p)
{
	struct own *o = p->owner;
	struct vfr_packet *parent = o->parent;

	o->next_free = o->v->own_free;
	o->v->own_free = o;
	o->v->nr_own_free++;
	o->parent = NULL;
	if (parent && !--parent->refs && parent->ended)
		parent->release(parent);
}

void own_init(struct vfr *v)
{
	uint32_t i;

	v->own_free = NULL;
	v->nr_own_free = v->lim.packets;
	for (i = 0; i < v->lim.packets; i++) {
		v->own[i].v = v;
		v->own[i].parent = NULL;
		v->own[i].next_free = v->own_free;
		v->own_free = &v->own[i];
	}
}

struct vfr_packet *own_packet(struct vfr *v)
{
	struct own *o = v->own_free;

	if (!o)
		return NULL;
	v->own_free = o->next_free;
	v->nr_own_free--;
	vfr_packet_init(&o->p, own_free, o);
	o->p.port = VFR_PORT_SELF;
	o->p.id = v->next_id++;
	o->p.csum = VFR_CSUM_VALID;
	return &o->p;
}

struct vfr_packet *own_clone(struct vfr *v, struct vfr_packet *p)
{
	struct vfr_packet *c;

	if (p->refs == UINT8_MAX || v->nr_own_free <= v->lim.packets / 2)
		return NULL;
	c = own_packet(v);
	if (!c)
		return NULL;
	((struct own *)c->owner)->parent = p;
	p->refs++;
	c->len = p->len;
	c->hdr_len = p->hdr_len;
	c->csum = p->csum;
	c->csum_start = p->csum_start;
	c->csum_offset = p->csum_offset;
	c->gso = p->gso;
	c->gso_size = p->gso_size;
	c->nr_frags = p->nr_frags;
	memcpy(c->hdr, p->hdr, p->hdr_len);
	memcpy(c->frags, p->frags, p->nr_frags * sizeof(p->frags[0]));
	return c;
}

void own_missed(struct vfr *v, uint32_t n, uint32_t bytes)
{
	struct vfr_port_stats *st = &v->ports[v->lim.ports].st;

	st->rx_packets += n;
	st->rx_bytes += bytes;
	st->drops[VFR_DROP_NO_BUFFER] += n;
}

void packet_put(struct vfr_packet *p)
{
	if (unlikely(p->refs))
		p->ended = 1;
	else
		p->release(p);
}

void own_send(struct vfr *v, struct vfr_packet *p, uint16_t iface)
{
	struct vfr_port_stats *st = &v->ports[v->lim.ports].st;
	uint16_t dev = v->t->ifaces[iface].dev;
	int reason = dev == NONE16 ? VFR_DROP_PORT_DOWN : 0;

	st->rx_packets++;
	st->rx_bytes += p->len;
	if (!reason)
		reason = port_send(v, dev, p);
	if (!reason) {
		st->forwarded++;
		tap_commit(v);
		return;
	}
	tap_rewind(v);
	st->drops[reason]++;
	p->release(p);
}
