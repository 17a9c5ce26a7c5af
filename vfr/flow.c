/*
 * flow.c: the table of flows.
 *
 * A flow is found by either of its two keys.  Buckets of one cache line hold
 * ten references each, with 16 bits of the hash; a full bucket spills into
 * the next ones and counts what it spilled.  At a quarter of its places taken
 * (limits.flows flows, two keys each) a lookup costs one line of the bucket
 * and one of the flow.
 *
 * Who may have how many: each flow is charged to a port (its owner: the vif
 * it concerns, else the NIC it came from).  Half of the table is split
 * into equal reserved shares; the other half is lent to whoever comes first,
 * at most half of it to one port.  At its limit a port's new flow takes the
 * place of its own oldest embryonic flow (one that is not established), or of
 * another port's embryonic flow that is lent; never of an established flow and
 * never of one within another port's share.
 */
#include "internal.h"

#define PROBES	8	/* buckets a key may spill over */

static struct flow_bucket *bucket_at(const struct vfr *v, uint32_t i)
{
	return &v->buckets[i & v->bucket_mask];
}

static uint16_t tag_of(uint32_t hash)
{
	return (uint16_t)(hash >> 16) | 1;
}

static struct flow_side *side_of(struct vfr *v, uint32_t ref)
{
	return &v->flows[ref >> 1].side[ref & 1];
}

static inline uint64_t differ64(const void *a, const void *b, size_t at)
{
	uint64_t x, y;

	memcpy(&x, (const uint8_t *)a + at, 8);
	memcpy(&y, (const uint8_t *)b + at, 8);
	return x ^ y;
}

static inline bool key_eq(const struct flow_key *a, const struct flow_key *b)
{
	uint32_t x, y;

	memcpy(&x, &a->proto, 4);
	memcpy(&y, &b->proto, 4);
	return !(differ64(a, b, 0) | differ64(a, b, 8) | differ64(a, b, 16) |
		 differ64(a, b, 24) | differ64(a, b, 32) | (x ^ y));
}

void flow_init(struct vfr *v)
{
	uint32_t i;

	memset(v->buckets, 0, (v->bucket_mask + 1) * sizeof(*v->buckets));
	for (i = 0; i < v->lim.flows; i++) {
		v->flows[i].flags = 0;
		v->flows[i].next = i + 1 < v->lim.flows ? i + 1 : NONE32;
	}
	v->free_flow = 0;
	flow_reserve(v);
}

/* Flows of a port beyond its reserved share. */
static uint32_t borrowed(const struct vfr *v, const struct port *o)
{
	return o->st.flows > v->reserve ? o->st.flows - v->reserve : 0;
}

/* Shares follow the number of attached ports. */
void flow_reserve(struct vfr *v)
{
	uint32_t half = v->lim.flows / 2, i;

	v->reserve = half / (v->nr_attached ? v->nr_attached : 1);
	v->borrow_max = v->lim.flows - half;
	v->borrowed = 0;
	for (i = 0; i < v->lim.ports; i++)
		v->borrowed += borrowed(v, &v->ports[i]);
}

uint32_t flow_hash(const struct vfr *v, const struct flow_key *k)
{
	return hash_flow(v->seed, k);
}

void flow_prefetch(struct vfr *v, uint32_t hash)
{
	__builtin_prefetch(bucket_at(v, hash));
}

/*
 * Which of a bucket's places hold the tag: 16-bit lanes that are zero in the
 * difference, as bits 15, 31, ... of a word of four places.  Lanes above a
 * true one may be reported falsely, also empty ones.
 */
#define LANES	0x0001000100010001ull

static uint64_t tag_match(const struct flow_bucket *b, uint32_t word,
			  uint16_t tag)
{
	uint64_t x;

	memcpy(&x, b->tag + 4 * word, 8);
	x ^= tag * LANES;
	x = (x - LANES) & ~x & (LANES << 15);
	return word == 2 ? x & 0xffffffff : x;	/* nr, spilled: no tags */
}
_Static_assert(FLOW_BUCKET == 10, "two words of tags and a half");

uint32_t flow_foresee(struct vfr *v, uint32_t hash)
{
	const struct flow_bucket *b = bucket_at(v, hash);
	uint16_t tag = tag_of(hash);
	uint32_t word;

	for (word = 0; word < 3; word++) {
		uint64_t m = tag_match(b, word, tag);

		if (m) {
			uint32_t ref = b->ref[4 * word +
					      __builtin_ctzll(m) / 16];

			__builtin_prefetch(side_of(v, ref), 1);
			__builtin_prefetch(&v->flows[ref >> 1].peer, 1);
			return ref;
		}
	}
	return NONE32;
}

static inline uint32_t bucket_find(struct vfr *v, const struct flow_bucket *b,
				   const struct flow_key *k, uint16_t tag)
{
	uint32_t word, i;
	uint64_t m;

	for (word = 0; word < 3; word++) {
		for (m = tag_match(b, word, tag); m; m &= m - 1) {
			i = 4 * word + (uint32_t)__builtin_ctzll(m) / 16;
			if (b->tag[i] == tag &&
			    key_eq(&side_of(v, b->ref[i])->key, k))
				return b->ref[i];
		}
	}
	return NONE32;
}

static uint32_t ref_find(struct vfr *v, const struct flow_key *k,
			 uint32_t hash)
{
	uint16_t tag = tag_of(hash);
	uint32_t n, ref = NONE32;

	for (n = 0; n < PROBES && ref == NONE32; n++) {
		const struct flow_bucket *b = bucket_at(v, hash + n);

		ref = bucket_find(v, b, k, tag);
		if (!b->spilled)
			break;
	}
	return ref;
}

/* What was foreseen may be another flow's, or may have ended meanwhile. */
static inline bool ref_holds(struct vfr *v, uint32_t ref,
			     const struct flow_key *k)
{
	return (v->flows[ref >> 1].flags & FLOW_LIVE) &&
	       key_eq(&side_of(v, ref)->key, k);
}

struct flow *flow_find(struct vfr *v, const struct flow_key *k, uint32_t hash,
		       uint32_t foreseen, int *dir)
{
	uint32_t ref = foreseen;
	struct flow *f;

	if (ref == NONE32 || unlikely(!ref_holds(v, ref, k)))
		ref = ref_find(v, k, hash);
	if (ref == NONE32)
		return NULL;
	f = &v->flows[ref >> 1];
	if (unlikely(flow_expired(v, f))) {
		v->st.flows_expired++;
		flow_free(v, f);
		return NULL;
	}
	*dir = ref & 1;
	return f;
}

static bool ref_add(struct vfr *v, uint32_t ref)
{
	uint32_t hash = flow_hash(v, &side_of(v, ref)->key), n, i, k;

	for (n = 0; n < PROBES; n++) {
		struct flow_bucket *b = bucket_at(v, hash + n);

		if (b->nr == FLOW_BUCKET)
			continue;
		for (i = 0; b->tag[i]; i++)
			;
		b->tag[i] = tag_of(hash);
		b->ref[i] = ref;
		b->nr++;
		for (k = 0; k < n; k++)
			bucket_at(v, hash + k)->spilled++;
		return true;
	}
	return false;
}

static void ref_remove(struct vfr *v, uint32_t ref)
{
	uint32_t hash = flow_hash(v, &side_of(v, ref)->key), n, i, k;

	for (n = 0; n < PROBES; n++) {
		struct flow_bucket *b = bucket_at(v, hash + n);

		for (i = 0; i < FLOW_BUCKET; i++) {
			if (!b->tag[i] || b->ref[i] != ref)
				continue;
			b->tag[i] = 0;
			b->nr--;
			for (k = 0; k < n; k++)
				bucket_at(v, hash + k)->spilled--;
			return;
		}
	}
}

/* --- the embryonic list of a port, oldest first --- */

static void embryo_add(struct vfr *v, struct flow *f)
{
	struct port *o = &v->ports[f->owner];
	uint32_t i = (uint32_t)(f - v->flows);

	f->prev = o->emb_tail;
	f->next = NONE32;
	if (o->emb_tail == NONE32)
		o->emb_head = i;
	else
		v->flows[o->emb_tail].next = i;
	o->emb_tail = i;
	f->flags |= FLOW_EMBRYONIC;
	v->nr_embryonic++;
}

static void embryo_remove(struct vfr *v, struct flow *f)
{
	struct port *o = &v->ports[f->owner];

	if (f->prev == NONE32)
		o->emb_head = f->next;
	else
		v->flows[f->prev].next = f->next;
	if (f->next == NONE32)
		o->emb_tail = f->prev;
	else
		v->flows[f->next].prev = f->prev;
	f->flags &= (uint8_t)~FLOW_EMBRYONIC;
	v->nr_embryonic--;
}

void flow_establish(struct vfr *v, struct flow *f)
{
	if (f->flags & FLOW_EMBRYONIC)
		embryo_remove(v, f);
}

/* --- room --- */

static void evict(struct vfr *v, uint32_t i)
{
	v->st.flows_evicted++;
	flow_free(v, &v->flows[i]);
}

/* Give back one flow that another port has borrowed for an embryonic flow. */
static bool evict_borrower(struct vfr *v, uint32_t owner)
{
	uint32_t i;

	for (i = 0; i < v->lim.ports; i++) {
		struct port *o = &v->ports[i];

		if (i != owner && o->st.flows > v->reserve &&
		    o->emb_head != NONE32) {
			evict(v, o->emb_head);
			return true;
		}
	}
	return false;
}

/* Make sure that owner may have one more flow, and that there is one. */
static bool make_room(struct vfr *v, uint32_t owner)
{
	struct port *o = &v->ports[owner];
	bool enough = borrowed(v, o) >= v->borrow_max / 2;

	if (o->st.flows >= v->reserve &&
	    (enough || v->borrowed >= v->borrow_max)) {
		if (o->emb_head != NONE32)
			evict(v, o->emb_head);
		else if (enough || !evict_borrower(v, owner))
			return false;
	}
	if (v->free_flow != NONE32)
		return true;
	/* Shares have shrunk since others took theirs: take one back. */
	return evict_borrower(v, owner) && v->free_flow != NONE32;
}

struct flow *flow_alloc(struct vfr *v, uint32_t owner)
{
	struct port *o = &v->ports[owner];
	struct flow *f;

	if (!make_room(v, owner))
		return NULL;
	f = &v->flows[v->free_flow];
	v->free_flow = f->next;
	memset(f, 0, sizeof(*f));
	f->owner = (uint16_t)owner;
	f->nat_dst = f->nat_src = NONE16;
	if (o->st.flows++ >= v->reserve)
		v->borrowed++;
	v->nr_flows++;
	embryo_add(v, f);
	return f;
}

bool flow_insert(struct vfr *v, struct flow *f)
{
	uint32_t ref = (uint32_t)(f - v->flows) * 2;
	const struct flow_key *k = &f->side[1].key;

	if (ref_find(v, k, flow_hash(v, k)) != NONE32)
		return false;
	if (!ref_add(v, ref))
		return false;
	if (!ref_add(v, ref + 1)) {
		ref_remove(v, ref);
		return false;
	}
	f->flags |= FLOW_LIVE;
	return true;
}

void flow_free(struct vfr *v, struct flow *f)
{
	struct port *o = &v->ports[f->owner];
	uint32_t i = (uint32_t)(f - v->flows);

	if (f->flags & FLOW_LIVE) {
		ref_remove(v, i * 2);
		ref_remove(v, i * 2 + 1);
	}
	flow_establish(v, f);
	if (o->st.flows-- > v->reserve)
		v->borrowed--;
	v->nr_flows--;
	f->flags = 0;
	f->next = v->free_flow;
	v->free_flow = i;
}

void flow_close_dev(struct vfr *v, uint32_t dev)
{
	uint32_t i;

	for (i = 0; i < v->lim.flows; i++) {
		struct flow *f = &v->flows[i];

		if ((f->flags & FLOW_LIVE) &&
		    (f->side[0].key.dev == dev || f->side[1].key.dev == dev ||
		     f->owner == dev)) {
			v->st.flows_closed++;
			flow_free(v, f);
		}
	}
}

/* Look at the next n flows: expired ones go, old ones are judged anew. */
uint32_t flow_sweep(struct vfr *v, uint32_t n)
{
	uint32_t looked;

	if (n > v->lim.flows)
		n = v->lim.flows;
	for (looked = 0; looked < n; looked++) {
		struct flow *f = &v->flows[v->sweep];

		v->sweep = (v->sweep + 1) & (v->lim.flows - 1);
		if (v->reload_left)
			v->reload_left--;
		if (!(f->flags & FLOW_LIVE))
			continue;
		if (flow_expired(v, f)) {
			v->st.flows_expired++;
			flow_free(v, f);
		} else if (f->gen != v->gen && !rejudge_flow(v, f)) {
			log_closed(v, f);
			v->st.flows_closed++;
			v->st.reload_closed++;
			flow_free(v, f);
		}
	}
	return looked;
}
