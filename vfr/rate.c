/*
 * rate.c: a token bucket in bytes; see vfr/rate.h.
 */
#include <vfr/rate.h>

#define NS_PER_S	1000000000ull
#define BURST_MIN	65550	/* one packet of any size */

void vfr_rate_set(struct vfr_rate *r, uint64_t rate_bps, uint32_t burst_bytes,
		  uint64_t now_ns)
{
	r->bytes_per_s = rate_bps / 8;
	r->burst_bytes = burst_bytes ? burst_bytes : r->bytes_per_s / 100;
	if (r->burst_bytes < BURST_MIN)
		r->burst_bytes = BURST_MIN;
	r->tokens = (int64_t)r->burst_bytes;
	r->filled_ns = now_ns;
}

bool vfr_rate_allows(struct vfr_rate *r, uint64_t now_ns)
{
	uint64_t gone = now_ns > r->filled_ns ? now_ns - r->filled_ns : 0;
	uint64_t add, room = r->burst_bytes - (uint64_t)r->tokens;

	/* From here on, 10 s fill any bucket that holds a second's worth. */
	if (gone > 10 * NS_PER_S)
		gone = 10 * NS_PER_S;
	add = gone / 1000 * r->bytes_per_s / 1000000;
	if (add >= room) {
		r->tokens = (int64_t)r->burst_bytes;
		r->filled_ns = now_ns;
	} else if (add) {
		r->tokens += (int64_t)add;
		r->filled_ns += add * NS_PER_S / r->bytes_per_s;
	}
	return r->tokens > 0;
}

uint64_t vfr_rate_allowed_at(const struct vfr_rate *r)
{
	uint64_t debt = (uint64_t)(1 - r->tokens);

	return r->filled_ns + (debt * 1000000 / r->bytes_per_s + 1) * 1000;
}
