/*
 * frag.c: fragments are judged as the datagram they belong to.
 *
 * Nothing is put together.  The first fragment carries the ports and is
 * judged by flow and rules; the others follow its verdict, unless a rule about
 * fragments denies them.  Those that come before it wait, a few of them, for a
 * short time.  Which bytes have been seen is remembered: a copy of them is
 * dropped, and a datagram whose pieces overlap (RFC 5722 says what for) is
 * dropped from then on.  All of it is bounded.  One port can use at most half
 * of the table; when the table or the room for those that wait is full, a port
 * with less than an equal share takes the oldest from whoever has most.
 */
#include "internal.h"

#define LIFE_NS		(30 * NS_PER_S)
#define HELD_EACH	16
#define HELD_ALL	64	/* a NIC has 255 buffers: netback/nic.c */

/* RFC 791 counts the protocol in; RFC 8200 does not: what follows the fragment
   header may be another header, and only the first one shows the protocol. */
static bool is_for(const struct frag *f, const struct judge *j)
{
	return f->used && f->id == j->frag_id &&
	       (j->v6 || f->proto == j->key.proto) &&
	       f->dev == j->dev && f->vlan == j->vlan &&
	       vfr_addr_eq(&f->src, &j->key.src) &&
	       vfr_addr_eq(&f->dst, &j->key.dst);
}

/* What waits in f, for the caller to end. */
static struct vfr_packet *take_held(struct vfr *v, struct frag *f)
{
	struct vfr_packet *p = f->held;

	v->nr_frag_held -= f->nr_held;
	v->ports[f->dev].frags_held -= f->nr_held;
	f->nr_held = 0;
	f->held = NULL;
	f->held_tail = &f->held;
	return p;
}

static void drop_held(struct vfr *v, struct frag *f, enum vfr_reason reason)
{
	struct vfr_packet *p = take_held(v, f), *next;

	for (; p; p = next) {
		next = p->next;
		p->next = NULL;
		judge_unhold(v, p, p->port, reason);
	}
}

static void forget(struct vfr *v, struct frag *f)
{
	drop_held(v, f, VFR_DROP_FRAG_LIMIT);
	f->used = 0;
	v->ports[f->dev].frags--;
	v->nr_frags--;
}

static struct frag *lookup(struct vfr *v, const struct judge *j)
{
	uint32_t i;

	for (i = 0; i < v->lim.fragments && v->nr_frags; i++)
		if (is_for(&v->frags[i], j))
			return &v->frags[i];
	return NULL;
}

/* --- room --- */

/* What each port is sure of; there is one at least. */
static uint32_t share(const struct vfr *v, uint32_t all)
{
	return all > v->nr_attached ? all / v->nr_attached : 1;
}

/* A port's oldest datagram; held: of those with pieces that wait. */
static struct frag *oldest(struct vfr *v, uint32_t dev, bool held)
{
	struct frag *old = NULL;
	uint32_t i;

	for (i = 0; i < v->lim.fragments; i++) {
		struct frag *f = &v->frags[i];

		if (f->used && f->dev == dev && (f->nr_held || !held) &&
		    (!old || f->due_ns < old->due_ns))
			old = f;
	}
	return old;
}

/* The same of the port that has most of them. */
static struct frag *oldest_of_most(struct vfr *v, bool held)
{
	uint32_t i, n, most = 0, dev = 0;

	for (i = 0; i < v->lim.ports; i++) {
		n = held ? v->ports[i].frags_held : v->ports[i].frags;
		if (n > most) {
			most = n;
			dev = i;
		}
	}
	return oldest(v, dev, held);
}

/*
 * An entry for one more datagram from dev.  If dev has its half, or its share
 * of a full table, its own oldest makes room.
 */
static struct frag *make_slot(struct vfr *v, uint32_t dev)
{
	uint32_t mine = v->ports[dev].frags, i;
	struct frag *f;

	if (mine < v->lim.fragments / 2 && v->nr_frags < v->lim.fragments) {
		for (i = 0; v->frags[i].used; i++)
			;
		return &v->frags[i];
	}
	f = mine < share(v, v->lim.fragments) ? oldest_of_most(v, false)
					      : oldest(v, dev, false);
	forget(v, f);
	return f;
}

/* May one more piece from dev wait? */
static bool make_held(struct vfr *v, uint32_t dev)
{
	if (v->nr_frag_held < HELD_ALL)
		return true;
	if (v->ports[dev].frags_held >= share(v, HELD_ALL))
		return false;
	forget(v, oldest_of_most(v, true));
	return true;
}

static struct frag *create(struct vfr *v, const struct judge *j)
{
	struct frag *f = make_slot(v, j->dev);

	memset(f, 0, sizeof(*f));
	f->used = 1;
	f->src = j->key.src;
	f->dst = j->key.dst;
	f->id = j->frag_id;
	f->dev = j->dev;
	f->vlan = j->vlan;
	f->proto = j->key.proto;
	f->due_ns = v->now + LIFE_NS;
	f->held_tail = &f->held;
	v->ports[f->dev].frags++;
	v->nr_frags++;
	return f;
}

enum seen { NEW_BYTES, SEEN_BEFORE, OVERLAP, TOO_MANY };

/* Note the bytes [lo, hi); neighbouring ranges are joined. */
static enum seen range_add(struct frag *f, uint32_t lo, uint32_t hi)
{
	uint32_t i, k;

	for (i = 0; i < f->nr_ranges && f->range[i].hi < lo; i++)
		;
	if (i < f->nr_ranges && f->range[i].lo < hi && lo < f->range[i].hi)
		return lo >= f->range[i].lo && hi <= f->range[i].hi
			? SEEN_BEFORE : OVERLAP;
	if (i < f->nr_ranges && f->range[i].hi == lo) {
		if (i + 1 < f->nr_ranges && f->range[i + 1].lo < hi)
			return OVERLAP;
		f->range[i].hi = hi;
	} else if (i < f->nr_ranges && f->range[i].lo == hi) {
		f->range[i].lo = lo;
	} else {
		if (f->nr_ranges == FRAG_RANGES)
			return TOO_MANY;
		for (k = f->nr_ranges++; k > i; k--)
			f->range[k] = f->range[k - 1];
		f->range[i].lo = lo;
		f->range[i].hi = hi;
	}
	if (i + 1 < f->nr_ranges && f->range[i].hi == f->range[i + 1].lo) {
		f->range[i].hi = f->range[i + 1].hi;
		for (k = i + 1; k + 1 < f->nr_ranges; k++)
			f->range[k] = f->range[k + 1];
		f->nr_ranges--;
	}
	return NEW_BYTES;
}

/* Where j's piece ends in its datagram. */
static uint32_t piece_end(const struct judge *j)
{
	return j->frag_off + j->l3 + j->ip_len - j->frag_at;
}

/* What the length field of the datagram counts beside the pieces: IPv4's header;
 * what of IPv6's extensions stands in each of them. */
static uint32_t counted_before(const struct judge *j)
{
	uint32_t before = j->frag_at - j->l3;

	return j->v6 ? before - IP6_LEN - 8 : before;
}

/* Can j's piece be one of this datagram?  Notes where that ends. */
static enum vfr_reason end_check(struct frag *f, const struct judge *j)
{
	uint32_t lo = j->frag_off, hi = piece_end(j);

	if (hi == lo || (j->frag_more && hi % 8) ||
	    hi + counted_before(j) > 65535)
		return VFR_DROP_MALFORMED;
	if (f->total && (hi > f->total || (!j->frag_more && hi != f->total)))
		return VFR_DROP_FRAG_OVERLAP;
	if (!j->frag_more && !f->total) {
		if (f->nr_ranges && f->range[f->nr_ranges - 1].hi >= hi)
			return VFR_DROP_FRAG_OVERLAP;
		f->total = hi;
	}
	return VFR_DROP_NONE;
}

/*
 * Does j fit what was seen of its datagram?  NONE if so; else f->bad is set,
 * except for a copy of bytes seen before: they go no further, and with them
 * nothing that a receiver could read in another way.
 */
static enum vfr_reason account(struct frag *f, const struct judge *j)
{
	enum vfr_reason reason;

	if (f->bad)
		return (enum vfr_reason)f->bad;
	reason = end_check(f, j);
	if (reason == VFR_DROP_NONE) {
		switch (range_add(f, j->frag_off, piece_end(j))) {
		case NEW_BYTES:
			return VFR_DROP_NONE;
		case SEEN_BEFORE:
			return VFR_DROP_FRAG_OVERLAP;
		case OVERLAP:
			reason = VFR_DROP_FRAG_OVERLAP;
			break;
		case TOO_MANY:
			reason = VFR_DROP_FRAG_LIMIT;
			break;
		}
	}
	f->bad = (uint8_t)reason;
	return reason;
}

static void hold(struct vfr *v, struct judge *j, struct frag *f)
{
	struct vfr_packet *p = j->p;

	if (f->nr_held == HELD_EACH || !make_held(v, j->dev))
		return judge_drop(v, j, VFR_DROP_FRAG_LIMIT);
	p->next = NULL;
	*f->held_tail = p;
	f->held_tail = &p->next;
	f->nr_held++;
	v->ports[f->dev].frags_held++;
	v->nr_frag_held++;
	judge_hold(v, j);
}

/* A later fragment goes the way of the first. */
static void follow(struct vfr *v, struct judge *j, const struct frag *f)
{
	uint32_t end = f->tcp_end + piece_end(j) - f->first_hi;
	uint16_t out = j->to;
	struct flow *flow;
	int dir;

	j->key = f->ckey;
	j->key.in = j->in;
	j->key.frag = VFR_FRAG_ANY | VFR_FRAG_LATER;
	j->fkey = f->fkey;
	j->to = out;
	j->hash = flow_hash(v, &j->fkey);
	TRACE(v, j, FRAGMENT, 0, 0);
	flow = judge_flow(v, j, &dir);
	if (flow && f->ckey.proto == IP_TCP)
		tcp_extend(flow, dir, f->tcp_end, end);
}

static bool denies(const struct vfr *v, uint32_t rule)
{
	return rule == VFR_CLS_NONE ||
	       v->t->rs.p.rules[rule].action != VFR_ALLOW;
}

/*
 * What belongs to a flow needs no rule, and its answers have none; only a rule
 * that is about fragments may stop it.  That is one that denies the fragment,
 * and does not decide about a whole packet.
 */
bool frag_accepts(struct vfr *v, struct judge *j, const struct flow *f, int dir)
{
	const struct flow_key *to = &f->side[!dir].key;
	uint32_t rule, whole;

	j->key.dst = to->src;	/* where the rules see it go */
	if (j->key.proto != IP_ICMP && j->key.proto != IP_ICMP6)
		j->key.dport = to->sport;
	j->key.out = f->side[dir].out;
	rule = vfr_cls_lookup(&v->t->rs.cls, &j->key);
	if (!denies(v, rule))
		return true;
	j->key.frag = 0;
	whole = vfr_cls_lookup(&v->t->rs.cls, &j->key);
	j->key.frag = VFR_FRAG_ANY | VFR_FRAG_LATER;
	if (rule == whole)
		return true;
	j->out = v->t->ifaces[j->key.out].dev;
	return open_allowed(v, j);
}

static void first(struct vfr *v, struct judge *j, struct frag *f)
{
	struct vfr_packet *p, *next;
	struct judge again;
	uint16_t to = j->to;
	int dir;

	f->ckey = j->key;
	f->fkey = j->fkey;
	f->first_hi = piece_end(j);
	if (j->key.proto == IP_TCP)
		f->tcp_end = tcp_end(j);
	judge_flow(v, j, &dir);
	if (j->reason != VFR_DROP_NONE) {
		f->bad = j->reason;
		drop_held(v, f, (enum vfr_reason)j->reason);
		return;
	}
	f->judged = 1;
	for (p = take_held(v, f); p; p = next) {
		next = p->next;
		p->next = NULL;
		if (judge_again(v, &again, p)) {
			again.to = to;
			follow(v, &again, f);
		}
	}
}

static bool complete(const struct frag *f)
{
	return f->judged && f->total && f->nr_ranges == 1 &&
	       !f->range[0].lo && f->range[0].hi == f->total;
}

void frag_rx(struct vfr *v, struct judge *j)
{
	enum vfr_reason reason;
	struct frag *f;

	if (!judge_binding(v, j))
		return judge_drop(v, j, VFR_DROP_SPOOF);
	f = lookup(v, j);
	if (!f)
		f = create(v, j);
	reason = account(f, j);
	if (reason != VFR_DROP_NONE) {
		if (f->bad)
			drop_held(v, f, reason);
		return judge_drop(v, j, reason);
	}
	if (!(j->frag & VFR_FRAG_LATER))
		first(v, j, f);
	else if (f->judged)
		follow(v, j, f);
	else
		hold(v, j, f);
	if (complete(f))
		forget(v, f);
}

void frag_tick(struct vfr *v)
{
	uint32_t i;

	for (i = 0; i < v->lim.fragments && v->nr_frags; i++)
		if (v->frags[i].used && v->now >= v->frags[i].due_ns)
			forget(v, &v->frags[i]);
}

void frag_drop_dev(struct vfr *v, uint32_t dev)
{
	uint32_t i;

	for (i = 0; i < v->lim.fragments; i++)
		if (v->frags[i].used && v->frags[i].dev == dev)
			forget(v, &v->frags[i]);
}
