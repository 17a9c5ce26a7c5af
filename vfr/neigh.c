/*
 * neigh.c: MAC addresses of next hops on NIC links.
 *
 * vifs need none of this: their MAC is bound.  An entry is made only because
 * the VFR wants to send there, and changes only by answers about it; what
 * strangers announce makes no entries.  A few packets wait while it is asked;
 * the sender of the first is told if nobody answers, and who sends there in
 * the seconds after that, at once (RFC 1812, 4.3.3.1; RFC 4443, 3.1).
 * The table is bounded: entries that failed go first, then those that still
 * wait, the oldest before the others, then those unused for a minute.  So a
 * scan of a LAN takes no next hop from those who ask for others.  Of what is in
 * use each link is sure of an equal share.
 */
#include "internal.h"

#define ASK_AGAIN_NS	(NS_PER_S)
#define ASK_TRIES	3
#define FRESH_NS	(30 * NS_PER_S)		/* asked again after this */
#define UNUSED_NS	(60 * NS_PER_S)
#define FAILED_NS	(3 * NS_PER_S)		/* not asked again before */
#define HELD_EACH	16
#define HELD_ALL	48	/* a NIC has 255 buffers: netback/nic.c */
#define HELD_PORT	(HELD_ALL / 2)	/* of them, that came in by one port */
#define ERRORS_SHARE	4	/* of the VFR's own packets, at most */

static uint32_t *head_of(const struct vfr *v, uint32_t dev, uint32_t vlan,
			 const struct vfr_addr *a)
{
	uint64_t h = hash_bytes(v->seed, a, sizeof(*a)) + dev * 31 + vlan;

	return &v->neigh_heads[h & (v->lim.neighbours - 1)];
}

void neigh_init(struct vfr *v)
{
	uint32_t i;

	memset(v->neighs, 0, v->lim.neighbours * sizeof(*v->neighs));
	memset(v->neigh_heads, 0xff, v->lim.neighbours * sizeof(uint32_t));
	for (i = 0; i < v->lim.neighbours; i++)
		v->neighs[i].held_tail = &v->neighs[i].held;
}

static uint32_t find(const struct vfr *v, uint32_t dev, uint32_t vlan,
		     const struct vfr_addr *a)
{
	uint32_t i = *head_of(v, dev, vlan, a);

	while (i != NONE32 && !(v->neighs[i].dev == dev &&
				v->neighs[i].vlan == vlan &&
				vfr_addr_eq(&v->neighs[i].addr, a)))
		i = v->neighs[i].next;
	return i;
}

/* p, which no longer is in n's list, is held no more. */
static void uncount(struct vfr *v, struct neigh *n, const struct vfr_packet *p)
{
	n->nr_held--;
	v->nr_held--;
	v->ports[p->port].nr_held--;
}

/* All that wait for n go to dev, or are dropped. */
static void release_held(struct vfr *v, struct neigh *n,
			 enum vfr_reason reason)
{
	struct vfr_packet *p = n->held, *next;

	n->held = NULL;
	n->held_tail = &n->held;
	for (; p; p = next) {
		next = p->next;
		p->next = NULL;
		uncount(v, n, p);
		memcpy(p->hdr, n->mac, 6);
		judge_unhold(v, p, n->dev, reason);
	}
}

/* An error in advance takes one of the VFR's packets: not all of them. */
static void error_make(struct vfr *v, struct neigh *n, const struct judge *j)
{
	if (n->error || v->nr_errors >= v->lim.packets / ERRORS_SHARE)
		return;
	n->error = icmp_error_make(v, j, ICMP_NO_HOST, 0);
	if (!n->error)
		return;
	v->nr_errors++;
	n->error_dev = j->dev;
	n->error_vlan = j->vlan;
}

static struct vfr_packet *error_take(struct vfr *v, struct neigh *n)
{
	struct vfr_packet *p = n->error;

	n->error = NULL;
	v->nr_errors -= p != NULL;
	return p;
}

static void error_drop(struct vfr *v, struct neigh *n)
{
	struct vfr_packet *p = error_take(v, n);

	if (p)
		p->release(p);
}

static void error_send(struct vfr *v, struct neigh *n)
{
	uint16_t iface = iface_find(v, n->error_dev, n->error_vlan);
	struct vfr_packet *p = error_take(v, n);

	if (p && iface != NONE16)
		own_send(v, p, iface);
	else if (p)
		p->release(p);
}

static void forget(struct vfr *v, uint32_t i)
{
	struct neigh *n = &v->neighs[i];
	uint32_t *link = head_of(v, n->dev, n->vlan, &n->addr);

	error_drop(v, n);
	release_held(v, n, VFR_DROP_NO_NEIGHBOUR);
	while (*link != i)
		link = &v->neighs[*link].next;
	*link = n->next;
	n->state = NEIGH_FREE;
	n->gen++;
	v->st.neighbours--;
}

/* What it costs to give up n; KEEP: it is in use. */
#define KEEP	UINT64_MAX
static uint64_t cost(const struct vfr *v, const struct neigh *n)
{
	switch (n->state) {
	case NEIGH_FREE:
		return 0;
	case NEIGH_FAILED:
		return 1;
	case NEIGH_WAITING:	/* since when: of these the oldest goes first */
		return n->due_ns - n->tries * ASK_AGAIN_NS;
	default:
		return v->now - n->used_ns > UNUSED_NS ? KEEP - 1 : KEEP;
	}
}

/* How many entries each link has; the number of links. */
static uint32_t count_links(struct vfr *v)
{
	struct iface *ifc = v->t->ifaces;
	uint32_t links = 0, i;
	uint16_t at;

	for (i = 0; i < v->t->nr_ifaces; i++) {
		ifc[i].nr_neighs = 0;
		links += ifc[i].kind == VFR_PORT_NIC;
	}
	for (i = 0; i < v->lim.neighbours; i++) {
		at = iface_find(v, v->neighs[i].dev, v->neighs[i].vlan);
		if (at != NONE16)
			ifc[at].nr_neighs++;
	}
	return links;
}

/*
 * All are in use.  A link that has less than its share takes what was unused for
 * the longest from the one that has most: a station that answers for more
 * addresses than there is room for keeps no other link from its next hops.
 */
static uint32_t take_slot(struct vfr *v, uint16_t iface)
{
	const struct iface *ifc = v->t->ifaces, *most = ifc;
	uint32_t links = count_links(v), best = NONE32, i;

	if (ifc[iface].nr_neighs >= v->lim.neighbours / links)
		return NONE32;
	for (i = 0; i < v->t->nr_ifaces; i++)
		if (ifc[i].nr_neighs > most->nr_neighs)
			most = &ifc[i];
	for (i = 0; i < v->lim.neighbours; i++) {
		const struct neigh *n = &v->neighs[i];

		if (n->dev == most->dev && n->vlan == most->vlan &&
		    (best == NONE32 || n->used_ns < v->neighs[best].used_ns))
			best = i;
	}
	if (best != NONE32)
		forget(v, best);
	return best;
}

static uint32_t make_slot(struct vfr *v, uint16_t iface)
{
	uint64_t best_cost = KEEP, c;
	uint32_t best = NONE32, i;

	for (i = 0; i < v->lim.neighbours && best_cost; i++) {
		c = cost(v, &v->neighs[i]);
		if (c < best_cost) {
			best = i;
			best_cost = c;
		}
	}
	if (best == NONE32)
		return take_slot(v, iface);
	if (best_cost)
		forget(v, best);
	return best;
}

static void ask(struct vfr *v, struct neigh *n)
{
	uint16_t iface = iface_find(v, n->dev, n->vlan);

	n->due_ns = v->now + ASK_AGAIN_NS;
	n->tries++;
	if (iface == NONE16)
		return;
	if (vfr_addr_is_v4(&n->addr))
		arp_ask(v, iface, &n->addr);
	else
		ndp_ask(v, iface, &n->addr);
}

uint16_t neigh_get(struct vfr *v, uint16_t iface, const struct vfr_addr *hop)
{
	const struct iface *ifc = &v->t->ifaces[iface];
	uint32_t i, *head;
	struct neigh *n;

	if (ifc->dev == NONE16)
		return NONE16;
	i = find(v, ifc->dev, ifc->vlan, hop);
	if (i == NONE32) {
		i = make_slot(v, iface);
		if (i == NONE32)
			return NONE16;
		n = &v->neighs[i];
		n->addr = *hop;
		n->dev = ifc->dev;
		n->vlan = ifc->vlan;
		n->state = NEIGH_WAITING;
		n->tries = 0;
		head = head_of(v, n->dev, n->vlan, hop);
		n->next = *head;
		*head = i;
		v->st.neighbours++;
		n->used_ns = v->now;
		ask(v, n);
		return (uint16_t)i;
	}
	n = &v->neighs[i];
	n->used_ns = v->now;
	return (uint16_t)i;
}

void neigh_learn(struct vfr *v, uint16_t iface, const struct vfr_addr *a,
		 const uint8_t *mac)
{
	const struct iface *ifc = &v->t->ifaces[iface];
	uint32_t i = find(v, ifc->dev, ifc->vlan, a);
	struct neigh *n;

	if (i == NONE32 || (mac[0] & 1) || !memcmp(mac, ifc->mac, 6))
		return;
	n = &v->neighs[i];
	memcpy(n->mac, mac, 6);
	n->state = NEIGH_VALID;
	n->tries = 0;
	n->due_ns = v->now + FRESH_NS;
	error_drop(v, n);
	release_held(v, n, VFR_DROP_NONE);
}

bool neigh_awaited(struct vfr *v, struct judge *j, uint16_t i)
{
	struct neigh *n = &v->neighs[i];

	if (n->state == NEIGH_FAILED && v->now < n->due_ns) {
		icmp_error(v, j, ICMP_NO_HOST, 0);
		judge_drop(v, j, VFR_DROP_NO_NEIGHBOUR);
		return false;
	}
	if (n->state == NEIGH_FAILED) {
		n->state = NEIGH_WAITING;	/* it may be back by now */
		n->tries = 0;
		ask(v, n);
	}
	error_make(v, n, j);
	return true;
}

void neigh_hold(struct vfr *v, struct judge *j, uint16_t i)
{
	struct neigh *n = &v->neighs[i];
	struct vfr_packet *p = j->p;

	if (n->state == NEIGH_FAILED || n->nr_held == HELD_EACH ||
	    v->nr_held == HELD_ALL || v->ports[p->port].nr_held == HELD_PORT)
		return judge_drop(v, j, VFR_DROP_NO_NEIGHBOUR);
	p->next = NULL;
	*n->held_tail = p;
	n->held_tail = &p->next;
	n->nr_held++;
	v->nr_held++;
	v->ports[p->port].nr_held++;
	judge_hold(v, j);
}

static void tick_one(struct vfr *v, uint32_t i)
{
	struct neigh *n = &v->neighs[i];

	if (n->state == NEIGH_FREE || v->now < n->due_ns)
		return;
	if (n->state == NEIGH_FAILED ||
	    (n->state == NEIGH_VALID && v->now - n->used_ns > UNUSED_NS)) {
		if (v->now - n->used_ns > UNUSED_NS)
			forget(v, i);
	} else if (n->tries < ASK_TRIES) {
		ask(v, n);
	} else {
		n->state = NEIGH_FAILED;
		n->due_ns = v->now + FAILED_NS;
		error_send(v, n);
		release_held(v, n, VFR_DROP_NO_NEIGHBOUR);
	}
}

void neigh_tick(struct vfr *v)
{
	uint32_t i, k;

	for (k = 0; k < 1024 && k < v->lim.neighbours; k++) {
		i = v->neigh_hand;
		v->neigh_hand = (i + 1) & (v->lim.neighbours - 1);
		tick_one(v, i);
	}
}

/* Other rules are to be in force, and what waits passed the old ones. */
void neigh_drop_held(struct vfr *v)
{
	uint32_t i;

	for (i = 0; i < v->lim.neighbours; i++) {
		error_drop(v, &v->neighs[i]);
		release_held(v, &v->neighs[i], VFR_DROP_NO_NEIGHBOUR);
	}
}

/* dev is going away: nothing may wait for it, or have come from it. */
void neigh_drop_dev(struct vfr *v, uint32_t dev)
{
	struct vfr_packet *p, **link;
	uint32_t i;

	for (i = 0; i < v->lim.neighbours; i++) {
		struct neigh *n = &v->neighs[i];

		if (n->state == NEIGH_FREE)
			continue;
		if (n->dev == dev) {
			forget(v, i);
			continue;
		}
		if (n->error_dev == dev)
			error_drop(v, n);
		for (link = &n->held; (p = *link); ) {
			if (p->port != dev) {
				link = &p->next;
				continue;
			}
			*link = p->next;
			uncount(v, n, p);
			judge_unhold(v, p, dev, VFR_DROP_PORT_DOWN);
		}
		n->held_tail = link;
	}
}
