/*
 * limit.c: token buckets.  Tokens are thousandths of an event, so that slow
 * rates ("3 an hour") add up right.
 */
#include "internal.h"

/* Fill by the time that has gone; then take one event if there is one. */
static bool take(uint64_t now, uint64_t *last, uint32_t *tokens,
		 uint32_t rate, uint32_t period_ms, uint32_t burst)
{
	uint64_t full = burst * 1000ull, gone = now - *last, add, us;

	/* From here on no product is above 2^32 ms * 10^6 events * 10^3, but
	   for a period: that fits 64 bits. */
	if (!*last || gone / NS_PER_MS > (uint64_t)burst * period_ms / rate) {
		*tokens = (uint32_t)full;
		*last = now;
	} else if (gone >= (uint64_t)period_ms * NS_PER_MS) {
		add = gone / NS_PER_MS * rate * 1000 / period_ms;
		*tokens = (uint32_t)(add + *tokens > full ? full
							  : add + *tokens);
		*last = now;
	} else {
		add = gone / 1000 * rate / period_ms;
		if (add) {
			*tokens = (uint32_t)(add + *tokens > full
						? full : add + *tokens);
			us = add * period_ms;	/* rate times those it took */
			*last += us / rate * 1000 + us % rate * 1000 / rate;
		}
	}
	if (*tokens < 1000)
		return false;
	*tokens -= 1000;
	return true;
}

bool bucket_take(struct vfr *v, struct bucket *b, uint32_t rate,
		 uint32_t period_ms, uint32_t burst)
{
	return take(v->now, &b->last_ns, &b->tokens, rate, period_ms, burst);
}

/* A source is an IPv4 address or an IPv6 /64. */
static struct vfr_addr source_of(const struct vfr_addr *a)
{
	struct vfr_addr r = *a;

	if (!vfr_addr_is_v4(a))
		memset(r.b + 8, 0, 8);
	return r;
}

/* The bucket of a source; of four places the longest unused is taken. */
static struct source *source_get(struct vfr *v, uint64_t rule_id,
				 const struct vfr_addr *src)
{
	struct vfr_addr a = source_of(src);
	struct source *s, *oldest = NULL;
	uint64_t h = hash_bytes(v->seed, &a, sizeof(a)) ^ rule_id;
	uint32_t k;

	for (k = 0; k < 4; k++) {
		s = &v->sources[(h + k) & (v->lim.sources - 1)];
		if (s->rule_id == rule_id && vfr_addr_eq(&s->addr, &a))
			return s;
		if (!oldest || s->b.last_ns < oldest->b.last_ns)
			oldest = s;
	}
	oldest->rule_id = rule_id;
	oldest->addr = a;
	oldest->b = (struct bucket){ 0 };
	return oldest;
}

bool limit_rule(struct vfr *v, uint32_t rule, const struct vfr_addr *src)
{
	const struct vfr_rs_rule *r = &v->t->rs.p.rules[rule];
	struct rule_rt *rt = &v->rules[rule];
	uint32_t burst = r->limit_burst ? r->limit_burst : r->limit;

	if (r->flags & VFR_RULE_LIMIT_SOURCE)
		return bucket_take(v, &source_get(v, r->id, src)->b, r->limit,
				   r->limit_period_ms, burst);
	return take(v->now, &rt->limit_ns, &rt->limit_tokens, r->limit,
		    r->limit_period_ms, burst);
}
